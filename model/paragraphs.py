"""Raw lines of a document to blocks: headings, bylines, page furniture and whole paragraphs.

Page layout breaks lines inside sentences, web pages put menus around the text, newspapers set bylines under headings. Each block
knows its source lines and the headings above it. Where a format says more of a line than its text (a heading style, a table cell, a
paragraph mark), the line comes as a `SourceLine`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from math import floor
from statistics import median

from model.official_layout import DATE, is_addressee, is_official_mark, official_furniture, opens_attachment
from model.text import is_han, normalised


class BlockKind(StrEnum):
    """What a block of a document is; only paragraphs are labelled."""

    HEADING = "heading"
    BYLINE = "byline"
    FURNITURE = "furniture"
    PARAGRAPH = "paragraph"


class LineEnd(StrEnum):
    """What a document's format says of the end of a line."""

    UNKNOWN = "unknown"  # nothing: page layout may have broken it
    OPEN = "open"  # its paragraph goes on in the next line
    MARKED = "marked"  # a paragraph mark, which means nothing where someone broke the whole document to one width
    CLOSED = "closed"  # its paragraph ends


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line with what its format says of it.

    Attributes:
        text: the line.
        end: whether its paragraph ends with it.
        kind: what it is, where the format knows: a styled heading, a page header, a table cell (a paragraph, however short).
        depth: of such a heading, from 1.
    """

    text: str
    end: LineEnd = LineEnd.UNKNOWN
    kind: BlockKind | None = None
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a document.

    Attributes:
        kind: what the block is.
        text: its lines, stripped and joined (no space between ideographs).
        lines: first and last source line, counted from 1.
        headings: the headings it stands under, outermost first; the number or heading that a paragraph opens with
            (第九条, (一)加强……。) counts as a heading of that paragraph.
    """

    kind: BlockKind
    text: str
    lines: tuple[int, int]
    headings: tuple[str, ...] = ()


_LONGEST_HEADING = 45
_LONGEST_STYLED_HEADING = 90  # what is longer is a paragraph in the style of a heading
_LONGEST_BYLINE = 40
_LONGEST_RUN_IN_HEADING = 40
_LONGEST_FURNITURE = 120

_HAN_NUMBER = "[一二三四五六七八九十百零〇]+"
# Depth of a numbered heading, outermost first, as GB/T 9704-2012 (7.3.3) orders 一、（一）1.（1） and statutes order 编、章、节、条.
_NUMBERED = [
    (2, re.compile(rf"第(?:{_HAN_NUMBER}|\d+)[编篇部]")),
    (3, re.compile(rf"第(?:{_HAN_NUMBER}|\d+)章")),
    (4, re.compile(rf"第(?:{_HAN_NUMBER}|\d+)节")),
    (5, re.compile(rf"{_HAN_NUMBER}[、.]|[甲乙丙丁][、.]")),
    (6, re.compile(rf"\({_HAN_NUMBER}\)[、.]?")),
    (7, re.compile(r"\d{1,2}(?:[、.](?!\d)|(?:\.\d{1,2})+[、.]?(?=[^\d%]))")),
    (8, re.compile(r"\(\d{1,2}\)[、.]?")),
]
_ARTICLE = re.compile(rf"第(?:{_HAN_NUMBER}|\d+)条(?:之[一二三四五六七八九十])?")
_ARTICLE_LEVEL = 5
_OUTERMOST_LEVEL = -10
_MARKDOWN_HEADING = re.compile(r"(#{1,6})\s+(?=\S)")
_LIST_ITEM = re.compile(r"(?:[一二三四五六七八九十]+是|[*•·●■◆○▪-](?=\s*\S)|——|--)")
_CIRCLED_NUMBER = re.compile("[①-⑳]")  # normalising takes the circle away

_FINISHED = re.compile(r"[。!?;:…][\"'”’»」』)\]】》]*$|\.$|[》”]$")
_SENTENCE_MARK = re.compile(r"[。!?;,:]")

_FURNITURE = re.compile(
    r"^(?:"
    r".{0,20}首页\s*(?:[>›»/|-]|::).*"
    r"|(?:您?(?:现在|当前)?的?(?:所在)?位置)\s*:.*"
    r"|[※◎☆★◇【\[]*\s*(?:(?:发布|更新|发表|上传|成文|录入)(?:时间|日期|人|者|作者|单位|机构)|来源|信息来源|文章来源|稿源|出处|浏览(?:次数|量)?|点击(?:数|量|率)?"
    r"|阅读(?:次数|量)?|访问(?:次数|量)|字号|字体|字体大小|索引号|文号|发文字号|发文机关|成文日期|生效日期|主题分类|时\s*效|有效性|标\s+题|主题词|信息分类|关键词|标签)\s*[:】\]].*"
    r"|(?:责任)?(?:编辑|校对|审核|审稿|终审|监制|主编|值班编委)\s*[:/].*"
    r"|\((?:责任)?编辑.*\)"
    r"|(?:招商|联系|咨询|服务|投诉|举报|监督|传真|办公)?(?:热线|电话|传真|邮编|邮箱|电子邮箱|联系人|联系方式|联系地址|通信地址|地址|网址|邮政编码|e-?mail)\s*[::].*"
    r"|(?:相关|推荐|延伸|热门|更多|精彩)(?:阅读|链接|文章|新闻|推荐|内容|资讯|附件)?\s*[::>]*"
    r"|(?:上|下)一(?:篇|页|条)\s*:?.*"
    r"|(?:打印|关闭|收藏|分享|返回)(?:本页|页面|窗口|到|顶部|首页|列表|上一页)?(?:[\s|/:\]\[【】]*(?:打印|关闭|收藏|分享|返回|本页|页面|窗口|顶部))*[\s:]*"
    r"|.*(?:版权所有|copyright|all rights reserved|icp备|icp证|公网安备|网站标识码|主办单位:|承办单位:|技术支持:).*"
    r"|[•·*-]?\s*(?:没有资料|暂无(?:内容|数据|评论|资料)|无)"
    r"|(?:扫一扫|扫描二维码|微信扫).*"
    r"|(?:无障碍|长者模式|网站地图|设为首页|加入收藏|站内搜索|用户登录|注册)(?:[\s|/].*)?"
    r"|[-—–_=*~·.\s]{3,}"
    r"|[-—–·\s]*\d{1,4}[-—–·\s]*"
    r"|第\s*\d{1,4}\s*页(?:\s*[,/]?\s*共\s*\d{1,4}\s*页)?"
    r"|\d{1,4}\s*/\s*\d{1,4}"
    r"|<!--.*-->|\[?toc\]?|!\[.*\]\(.*\)"
    r")$",
    re.IGNORECASE,
)
# These words open a list of links to other pages: what follows to the end of the document, as long as it is short, is furniture too.
_LINK_LIST = re.compile(r"^(?:相关|推荐|延伸|热门|更多)(?:阅读|链接|文章|新闻|推荐|内容|资讯)?\s*[:>]*$")

_POST = (
    r"(?:总理|国务委员|省长|市长|县长|区长|州长|镇长|乡长|部长|厅长|局长|司长|处长|科长|院长|校长|所长|行长|会长|社长|台长|馆长|董事长|总经理|总裁|经理|秘书长|主席|主任|书记|委员"
    r"|研究员|教授|院士|记者|通讯员|特约评论员|评论员|撰稿人)"
)
_PERSON = r"[\u4e00-\u9fff·]{2,4}"
_BYLINE = re.compile(
    r"^(?:"
    rf".{{0,30}}{_POST}\s+{_PERSON}(?:\s+{_PERSON})*"
    rf"|[(]?(?:本报|本刊|本网|新华社|人民网|中新社)?\S{{0,6}}(?:记者|通讯员|实习生)\s*[:]?\s*{_PERSON}(?:\s+\S{{2,12}})*[)]?"
    rf"|(?:文|图|文/图|作者|撰稿|供稿|执笔|整理|署名)\s*[:/]\s*.{{2,30}}"
    rf"|[(]?{DATE}[)]?"
    rf"|[—-]{{0,4}}\s*{DATE}.{{0,12}}在.{{4,50}}(?:会议|大会|会)上?(?:的.{{0,8}}(?:报告|讲话|发言))?"
    rf"|(?:新华社|本报|中新社|人民网|新华网)\S{{0,10}}\d{{1,2}}月\d{{1,2}}日(?:电|讯)"
    rf"|[(]?{DATE}.{{0,60}}(?:通过|批准|公布|发布|修订|修正|施行|印发)[)]?"
    r")$"
)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str  # stripped, as it stands in the source
    plain: str  # white space inside single, punctuation and width normalised, for the patterns
    indented: bool
    end: LineEnd = LineEnd.UNKNOWN
    kind: BlockKind | None = None
    depth: int = 1


_INDENTS = " \t\u3000\xa0\u2002\u2003"


def _read_lines(lines: Iterable[str | SourceLine]) -> list[_Line]:
    read = []
    for number, line in enumerate(lines, 1):
        source = SourceLine(line) if isinstance(line, str) else line
        text = source.text.strip(f"\ufeff\u200b\r\n\f\v{_INDENTS}")
        plain = _plain(text)
        if plain:
            kind = source.kind
            if kind is BlockKind.HEADING and len(plain) > _LONGEST_STYLED_HEADING:
                kind = None
            read.append(_Line(number, text, plain, source.text[:1] in _INDENTS, source.end, kind, source.depth))
    return read


def _plain(text: str) -> str:
    return " ".join(normalised(word) for word in text.split())


def _numbered_level(plain: str) -> int | None:
    return next((level for level, pattern in _NUMBERED if pattern.match(plain)), None)


def _opens_block(line: _Line) -> bool:
    """Whether `line` can only be the first line of a block."""
    return bool(
        _numbered_level(line.plain) is not None
        or _ARTICLE.match(line.plain)
        or _is_list_item(line)
        or _MARKDOWN_HEADING.match(line.text)
    )


def _is_list_item(line: _Line) -> bool:
    return bool(_LIST_ITEM.match(line.plain) or _CIRCLED_NUMBER.match(line.text))


def _is_byline(plain: str) -> bool:
    return len(plain) <= _LONGEST_BYLINE * 2 and _BYLINE.match(plain) is not None


def _is_heading(line: _Line) -> bool:
    plain = line.plain
    if line.kind is not None:
        return line.kind is BlockKind.HEADING
    if _MARKDOWN_HEADING.match(line.text):
        return True
    if len(plain) > _LONGEST_HEADING or not any(map(is_han, plain)):
        return False
    if plain.endswith((",", "、")):
        return False
    if _numbered_level(plain) is not None:
        return not _FINISHED.search(plain.rstrip("”》")) and not _SENTENCE_MARK.search(plain[-2:])
    return (
        not _FINISHED.search(plain)
        and not _SENTENCE_MARK.search(plain)
        and not _is_list_item(line)
        and not _ARTICLE.match(plain)
    )


def _is_whole_heading(line: _Line, wrap_width: int | None) -> bool:
    """Whether `line` is a heading that does not go on: where the document was laid out to one width, a line that fills it may."""
    if not _is_heading(line):
        return False
    return (
        wrap_width is None
        or line.end is LineEnd.CLOSED
        or not _fills(line, wrap_width)
        or _MARKDOWN_HEADING.match(line.text) is not None
    )


def _fills(line: _Line, wrap_width: int) -> bool:
    return len(line.plain) >= wrap_width - 2


def _wrap_width(lines: Sequence[_Line]) -> int | None:
    """Length at which page layout broke the lines, or None where the lines were not broken to one width."""
    lines = [line for line in lines if line.kind is None and line.end in {LineEnd.UNKNOWN, LineEnd.MARKED}]
    lengths = sorted((len(line.plain) for line in lines), reverse=True)
    longest = lengths[: max(len(lengths) * 2 // 3, 1)]
    if len(lines) < 8 or lengths[0] > 80:
        return None
    width = round(median(longest))
    near = sum(abs(length - width) <= 2 for length in longest)
    return width if width >= 20 and near >= len(longest) * 0.6 else None


def _continues(previous: _Line, line: _Line, wrap_width: int | None) -> bool:
    """Whether `line` goes on with the paragraph that `previous` left off.

    A line that ends a sentence ends its paragraph, unless the document was laid out to one width and the line filled it.
    """
    if previous.kind is not None or line.kind is not None:
        return previous.end is LineEnd.OPEN and previous.kind is line.kind
    if previous.end is LineEnd.OPEN:
        return True
    if previous.end is LineEnd.CLOSED or (previous.end is LineEnd.MARKED and wrap_width is None):
        return False
    if _opens_block(line):
        return False
    if wrap_width is not None:
        return _fills(previous, wrap_width) and not (line.indented and not previous.indented)
    return not _FINISHED.search(previous.plain)


def _join(texts: Sequence[str]) -> str:
    joined = texts[0]
    for before, after in pairwise(texts):
        needs_space = before[-1].isalnum() and after[0].isalnum() and not is_han(before[-1]) and not is_han(after[0])
        joined += (" " if needs_space else "") + after
    return joined


def _furniture_numbers(lines: Sequence[_Line]) -> set[int]:
    """Numbers of the lines that belong to the page and not to the document."""
    found = {line.number for line in lines if line.kind is BlockKind.FURNITURE}
    cells = (line for line in lines if line.kind is BlockKind.PARAGRAPH)
    found |= {line.number for line in cells if is_official_mark(line.plain) or line.plain.isdecimal()}
    in_links = False
    # Not what a format calls a heading or a cell, nor a part of a paragraph.
    whole = [
        line
        for before, line in zip([None, *lines], lines, strict=False)
        if line.kind is None and line.end is not LineEnd.OPEN and (before is None or before.end is not LineEnd.OPEN)
    ]
    for line in whole:
        if _LINK_LIST.match(line.plain):
            in_links = True
        elif in_links and (_FINISHED.search(line.plain) or len(line.plain) > _LONGEST_HEADING):
            in_links = False
        if in_links or (len(line.plain) <= _LONGEST_FURNITURE and _FURNITURE.match(line.plain)):
            found.add(line.number)
    free = [line for line in lines if line.kind is None and line.number not in found]
    official = {free[position].number for position in official_furniture([line.plain for line in free])}
    for before, line in pairwise(free):  # what is found of a paragraph's first line holds for all of it
        if before.end is LineEnd.OPEN:
            (official.add if before.number in official else official.discard)(line.number)
    return found | official


class _HeadingPath:
    """The headings that the next block stands under.

    Headings without a number, and those whose depth a mark says, have levels below zero, so that any number is deeper, unless they
    stand below a number.
    """

    def __init__(self) -> None:
        self._path: list[tuple[float, str]] = []
        self._in_run = False  # no text yet below the last heading
        self._siblings: float | None = None  # level of the last heading without a number; the title has no sibling

    def current(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._path)

    def push(self, level: float, text: str) -> None:
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text))
        self._in_run = True

    def push_unnumbered(self, text: str) -> None:
        """A heading without a number: the first is the title, one right below another is a level deeper, a later one is the sibling of the last."""
        if not self._path:
            self.push(_OUTERMOST_LEVEL, text)
            return
        if self._in_run or self._siblings is None:
            above = self._path[-1][0]
            self._siblings = min(above + 1, -1) if above < 0 else above + (floor(above) + 1 - above) / 2
        self.push(self._siblings, text)

    def push_marked(self, depth: int, text: str) -> None:
        """A heading whose depth a mark says; one without such a mark stands below it."""
        self._siblings = None
        self.push(_OUTERMOST_LEVEL + min(depth, 9) - 1, text)

    def end_run(self) -> None:
        self._in_run = False


def split_blocks(lines: Iterable[str | SourceLine]) -> list[Block]:
    """Split the raw `lines` of a document (with or without line ends) into its blocks, in order.

    Every line with text belongs to exactly one block. Lines broken by page layout are joined to whole paragraphs, also across
    blank lines; a line that ends with a colon, and list items, stay apart. What a `SourceLine` says goes before all this.
    """
    read = _read_lines(lines)
    furniture = _furniture_numbers(read)
    wrap_width = _wrap_width([line for line in read if line.number not in furniture])
    blocks: list[Block] = []
    path = _HeadingPath()
    before_text = True
    position = 0
    while position < len(read):
        line = read[position]
        position += 1
        if line.number in furniture:
            if opens_attachment(line.plain):
                path, before_text = _HeadingPath(), True
            blocks.append(Block(BlockKind.FURNITURE, line.text, (line.number, line.number)))
            continue
        if line.kind is None and line.end is not LineEnd.OPEN and _is_byline(line.plain):
            blocks.append(Block(BlockKind.BYLINE, line.text, (line.number, line.number), path.current()))
            continue
        group = [line]
        while (
            position < len(read)
            and read[position].number not in furniture
            and _goes_on(group[0], group[-1], read[position], wrap_width)
        ):
            group.append(read[position])
            position += 1
        block = _block(group, path, before_text)
        before_text = before_text and (block.kind is not BlockKind.PARAGRAPH or line.kind is not None)
        blocks.append(block)
    return blocks


def _goes_on(first: _Line, previous: _Line, line: _Line, wrap_width: int | None) -> bool:
    """Whether `line` belongs to the block that `first` began and `previous` left off."""
    if previous.end is not LineEnd.OPEN and (_is_whole_heading(first, wrap_width) or _is_byline(line.plain)):
        return False
    return _continues(previous, line, wrap_width)


def _block(group: Sequence[_Line], path: _HeadingPath, before_text: bool) -> Block:
    """One block of the lines in `group`, which also moves `path` on; `before_text` where no paragraph came yet."""
    first = group[0]
    text = _join([line.text for line in group])
    lines = (first.number, group[-1].number)
    whole = first if len(group) == 1 else replace(first, text=text, plain=_plain(text))
    if first.kind is BlockKind.PARAGRAPH:
        return Block(BlockKind.PARAGRAPH, text, lines, path.current())
    if before_text and is_addressee(whole.plain):
        return Block(BlockKind.FURNITURE, text, lines)
    if _is_heading(whole):
        markdown = _MARKDOWN_HEADING.match(text)
        if markdown:
            text = text[markdown.end() :].rstrip("# ") or text
        above = path.current()
        level = _numbered_level(normalised(text))
        if markdown:
            path.push_marked(len(markdown.group(1)), text)
        elif first.kind is BlockKind.HEADING:
            path.push_marked(first.depth, text)
        elif level is not None:
            path.push(level, text)
        else:
            path.push_unnumbered(text)
        depth = len(path.current()) - 1
        return Block(BlockKind.HEADING, text, lines, above[:depth])
    path.end_run()
    run_in = _run_in_heading(text)
    if run_in:
        path.push(*run_in)
        path.end_run()
    return Block(BlockKind.PARAGRAPH, text, lines, path.current())


def _run_in_heading(text: str) -> tuple[int, str] | None:
    """The number, or the numbered first sentence, that opens a paragraph as its heading."""
    plain = normalised(text)
    article = _ARTICLE.match(plain)
    if article:
        return _ARTICLE_LEVEL, article.group()
    level = _numbered_level(plain)
    if level is None:
        return None
    sentence = re.match(r"[^。!?;:]*[。:]", plain)
    if sentence and len(sentence.group()) <= _LONGEST_RUN_IN_HEADING and sentence.end() < len(plain):
        return level, sentence.group().rstrip("。:")
    return None
