"""The parts that GB/T 9704-2012 puts around the text of an official document: who issued it under which number, to whom, when, with what.

They are furniture: 份号, 密级, 紧急程度, 发文机关标志, 发文字号, 签发人, 主送机关, 附件说明, 署名, 成文日期, 附注, 抄送, 印发机关.
All patterns are for lines in the normalised form of `model.text` with single spaces between words.
"""

import re
from collections.abc import Sequence

_YEAR = r"(?:\d{4}|[〇○零一二三四五六七八九]{4})"
DATE = rf"{_YEAR}\s*年\s*[\d一二三四五六七八九十]{{1,3}}\s*月\s*[\d一二三四五六七八九十]{{1,3}}\s*日"
_DOCUMENT_NUMBER = re.compile(
    r"[^,。:;]{1,24}[〔\[(【]\s*\d{4}\s*[〕\])】]\s*(?:第\s*)?\d{1,5}\s*号(?:\s*签发人\s*:.{0,30})?"
)
_SINGLE = re.compile(
    r"(?:份号\s*:?\s*)?0\d{5}"
    r"|(?:绝密|机密|秘密)(?:\s*★.{0,12})?(?:\s*(?:特急|加急|特提|平急))?"
    r"|(?:特急|加急|特提|平急|急件)"
    r"|签发人\s*:.{0,40}"
    r"|\((?:此件|本文|此文)?(?:\S{0,6})(?:公开发布|主动公开|依申请公开|不予公开|删减后公开|发至\S{1,12})\)"
    r"|(?:信息)?公开(?:方式|属性|形式|选项)\s*:.{0,20}"
)
_ISSUER = re.compile(r"[^,。:;]{2,40}(?:文件|公报)")
_ATTACHMENT = re.compile(r"附\s*件\s*\d{0,2}\s*:?|附件\s*[一二三四五六七八九十]{1,2}\s*:?")
_ATTACHMENTS = re.compile(r"附\s*件\s*:\s*\S.{0,120}")
_ATTACHMENT_ITEM = re.compile(r"\d{1,2}\s*[.、].{2,100}")
_COPIES = re.compile(r"(?:抄送|抄报|报送|分送|发送|主送)\s*:.{2,}")
_PRINTED = re.compile(rf".{{2,40}}\s*{DATE}\s*印发")
_BARE_DATE = re.compile(rf"\(?{DATE}\)?")
_ORGAN = (
    r"(?:国务院|人民政府|政府|委员会|管委会|常务委员会|办公厅|办公室|法院|检察院|科学院|总局|厅|局|部|委|署|办|院|处|室|党组|党委|工委|人大|政协"
    r"|协会|学会|联合会|领导小组|指挥部|专班|基金会|中心|总行|分行|银行|公司|集团|大学|学院|研究所)"
)
_SIGNATURE = re.compile(rf"[^,。:;!?、]{{0,36}}{_ORGAN}(?:\s[^,。:;!?、]{{2,36}}{_ORGAN})*(?:\s*{DATE})?")
_ADDRESSEE = re.compile(
    rf"(?:各|有关|相关|本)\S{{1,30}}|(?:省|市|县|区|州|全\S)\S{{0,20}}(?:单位|部门|机构|企业|高校|院所)|\S{{0,30}}{_ORGAN}(?:\([^()]*\))?"
)
_PEOPLE = re.compile(r"各位|(?:同志|代表|委员|朋友|同事|同学|来宾|女士|先生|领导|嘉宾)们?$")
_LONGEST_ADDRESSEES = 400
_LONGEST_ADDRESSEE = 40
_LONGEST_MARK = 120
_LINES_OF_HEAD = 12
_MOST_SIGNATURES = 12
_SENTENCE_END = re.compile(r"[。!?;][\"'”’)\]]*$")


def is_addressee(plain: str) -> bool:
    """Whether a whole block that stands before any text is the 主送机关: organs, and a colon."""
    if not plain.endswith(":") or len(plain) > _LONGEST_ADDRESSEES or "。" in plain:
        return False
    parts = [part.strip() for part in re.split("[,、;]", plain[:-1])]
    if not all(0 < len(part) <= _LONGEST_ADDRESSEE and not _PEOPLE.search(part) for part in parts):
        return False
    organs = sum(_ADDRESSEE.fullmatch(part) is not None for part in parts)
    return organs > len(parts) / 2 and _ADDRESSEE.fullmatch(parts[0]) is not None


def opens_attachment(plain: str) -> bool:
    """Whether a line (附件1) stands over an attachment: a document of its own begins below it."""
    return _ATTACHMENT.fullmatch(plain) is not None


def is_official_mark(plain: str) -> bool:
    """Whether a line, whatever stands around it, is a document number, a security grade, a note of who printed it or the like."""
    return len(plain) <= _LONGEST_MARK and any(mark.fullmatch(plain) for mark in (_DOCUMENT_NUMBER, _SINGLE, _PRINTED))


def official_furniture(lines: Sequence[str]) -> set[int]:
    """Positions in `lines` of what belongs to the layout of an official document; the 主送机关 alone is left to `is_addressee`."""
    found: set[int] = set()
    for position, plain in enumerate(lines):
        if len(plain) > _LONGEST_ADDRESSEES or position in found:
            continue
        if _DOCUMENT_NUMBER.fullmatch(plain):
            found.add(position)
            found.update(_issuer_above(lines, position))
        elif is_official_mark(plain) or opens_attachment(plain):
            found.add(position)
        elif _ATTACHMENTS.fullmatch(plain):
            found.update(_list_of_attachments(lines, position))
        elif _COPIES.fullmatch(plain):
            found.update(_copies(lines, position))
    body = next((position for position in range(len(lines)) if _ends_body(lines, position)), len(lines))
    for position in range(body + 1, len(lines)):
        if len(lines[position]) <= _LONGEST_ADDRESSEES and position not in found:
            found.update(_signature(lines, position, found))
    return found


def _ends_body(lines: Sequence[str], position: int) -> bool:
    """Whether a sentence of the text ends with this line, which may be short where the line above is not."""
    long = len(lines[position]) >= 10 or (position > 0 and len(lines[position - 1]) >= 15)
    return long and _SENTENCE_END.search(lines[position][-10:]) is not None


def _issuer_above(lines: Sequence[str], number: int) -> set[int]:
    """The 发文机关标志 (…人民政府文件), which stands in the document's head right above its number."""
    if number > _LINES_OF_HEAD:
        return set()
    return {
        position
        for position in range(max(number - 3, 0), number)
        if _ISSUER.fullmatch(lines[position]) and len(lines[position]) <= 40
    }


def _list_of_attachments(lines: Sequence[str], first: int) -> set[int]:
    if _SENTENCE_END.search(lines[first]):
        return set()
    last = first
    while (
        last + 1 < len(lines)
        and _ATTACHMENT_ITEM.fullmatch(lines[last + 1])
        and not _SENTENCE_END.search(lines[last + 1])
    ):
        last += 1
    return set(range(first, last + 1))


def _copies(lines: Sequence[str], first: int) -> set[int]:
    """The 抄送 lines: to a full stop, or to the line of who printed it."""
    for last in range(first, min(first + 5, len(lines))):
        if lines[last].endswith("。"):
            return set(range(first, last + 1))
        if last > first and _PRINTED.fullmatch(lines[last]):
            return set(range(first, last))
    return {first}


def _signature(lines: Sequence[str], date: int, found: set[int]) -> set[int]:
    """署名 and 成文日期 that end at the line `date`: organs below a finished text, then the date."""
    if not _BARE_DATE.fullmatch(lines[date]):
        signed = _SIGNATURE.fullmatch(lines[date])
        alone = signed is not None and re.search(rf"{DATE}$", lines[date]) is not None
        return {date} if alone and _ends_text(lines, date - 1, found) else set()
    first = date
    while first > 0 and date - first < _MOST_SIGNATURES and _SIGNATURE.fullmatch(lines[first - 1]):
        first -= 1
    if not _ends_text(lines, first - 1, found):
        return set()
    closes = all(position in found for position in range(date + 1, len(lines))) or date + 1 in found
    return set(range(first, date + 1)) if first < date or closes else set()


def _ends_text(lines: Sequence[str], position: int, found: set[int]) -> bool:
    """Whether a text ends at `position`: a sentence, or the list of attachments below it."""
    return position >= 0 and (_SENTENCE_END.search(lines[position][-10:]) is not None or position in found)
