"""The automatic numbers of Word (一、（一）1. ①), which stand in no text: counted from numbering.xml as Word counts."""

from collections.abc import Callable
from dataclasses import dataclass, field

from service.readers.xml_part import Element, attribute, child, children, is_on, value_of

_DIGITS = "零一二三四五六七八九"
_FORMAL_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")),
    *((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)
_CIRCLED = "".join(map(chr, [*range(0x2460, 0x2474), *range(0x3251, 0x3260), *range(0x32B1, 0x32C0)]))
_LEVELS = 9
_MOST = 99_999  # what counts further is no number of a heading


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is numbered."""

    start: int = 1
    format: str = "decimal"
    text: str = ""
    restart: int | None = None  # number of the level (from 1) whose use starts this one again; 0 is never
    legal: bool = False  # all numbers in it are shown in digits


@dataclass(slots=True)
class _List:
    """A w:num: an abstract list with what it overrides."""

    abstract: str
    starts: dict[int, int] = field(default_factory=dict)
    levels: dict[int, Level] = field(default_factory=dict)


class Numbering:
    """The lists of a document and how far each has counted."""

    def __init__(self, root: Element | None) -> None:
        self._abstract: dict[str, dict[int, Level]] = {}
        self._links: dict[str, str] = {}  # abstract list → the style whose list it stands for
        self._style_of: dict[str, str] = {}  # style → the abstract list that is the style's
        self._levels_of_styles: dict[tuple[str, str], int] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._used: set[tuple[str, int]] = set()
        for element in children(root, "abstractNum"):
            self._add_abstract(element)
        for element in children(root, "num"):
            self._add_list(element)

    def _add_abstract(self, element: Element) -> None:
        identity = attribute(element, "abstractNumId") or ""
        levels = self._abstract[identity] = {}
        for level in children(element, "lvl"):
            number = _integer(attribute(level, "ilvl"), 0)
            levels[number] = _read_level(level)
            style = value_of(level, "pStyle")
            if style:
                self._levels_of_styles[identity, style] = number
        if link := value_of(element, "numStyleLink"):
            self._links[identity] = link
        if style := value_of(element, "styleLink"):
            self._style_of[style] = identity

    def _add_list(self, element: Element) -> None:
        made = _List(value_of(element, "abstractNumId") or "")
        for override in children(element, "lvlOverride"):
            number = _integer(attribute(override, "ilvl"), 0)
            if start := value_of(override, "startOverride"):
                made.starts[number] = _integer(start, 1)
            level = child(override, "lvl")
            if level is not None:
                made.levels[number] = _read_level(level)
        self._lists[attribute(element, "numId") or ""] = made

    def level_of_style(self, list_id: str, style: str) -> int | None:
        """The level of a list that belongs to a paragraph style."""
        made = self._lists.get(list_id)
        return None if made is None else self._levels_of_styles.get((self._resolved(made.abstract), style))

    def next_label(self, list_id: str, level: int) -> str:
        """Count on at `level` (from 0) of a list and give the number as it is shown; "" where there is none to show."""
        made = self._lists.get(list_id)
        if made is None or not 0 <= level < _LEVELS:
            return ""
        abstract = self._resolved(made.abstract)
        levels = self._abstract.get(abstract, {}) | made.levels
        counts = self._counts.setdefault(abstract, {})
        own = levels.get(level, Level())
        if level in made.starts and (list_id, level) not in self._used:
            counts[level] = made.starts[level]
        else:
            counts[level] = counts.get(level, own.start - 1) + 1
        self._used.add((list_id, level))
        for deeper in range(level + 1, _LEVELS):
            restart = levels.get(deeper, Level()).restart
            if restart is None or level < restart:
                counts.pop(deeper, None)
                self._used.discard((list_id, deeper))
        for above in range(level):
            counts.setdefault(above, levels.get(above, Level()).start)
        if own.format == "bullet":
            return "•"
        shown = own.text
        for number in range(level + 1):
            if f"%{number + 1}" in shown:
                style = levels.get(number, Level())
                chosen = "decimal" if own.legal else style.format
                shown = shown.replace(f"%{number + 1}", format_number(counts[number], chosen))
        return shown.strip()

    def _resolved(self, abstract: str) -> str:
        return self._style_of.get(self._links.get(abstract, ""), abstract)


def _read_level(element: Element) -> Level:
    restart = value_of(element, "lvlRestart")
    return Level(
        start=_integer(value_of(element, "start"), 0),
        format=_format_name(element),
        text=value_of(element, "lvlText") or "",
        restart=None if restart is None else _integer(restart, 0),
        legal=is_on(element, "isLgl"),
    )


def _format_name(level: Element) -> str:
    """Newer formats stand in an alternative that older readers pass over."""
    found = value_of(level, "numFmt")
    if found is None:
        for alternative in children(level, "AlternateContent"):
            found = value_of(alternative, "Choice", "numFmt") or found
    return found or "decimal"


def _integer(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def format_number(number: int, name: str) -> str:
    """`number` in the format that WordprocessingML calls `name`; in digits where that format has no such number."""
    if name == "none":
        return ""
    series, convert = _SERIES.get(name), _CONVERSIONS.get(name)
    if series is not None and 1 <= number <= len(series):
        return series[number - 1]
    return convert(number) if convert is not None and 1 <= number <= _MOST else str(number)


def chinese_number(number: int, digits: str = _DIGITS, units: str = "十百千", short_ten: bool = True) -> str:
    """`number` (0 to 99,999) in Chinese: 12 is 十二, 105 一百零五.

    Args:
        number: the number.
        digits: the ten digits.
        units: ten, hundred, thousand.
        short_ten: whether 10 to 19 are shown without a leading one.
    """
    if number < 10:
        return digits[number]
    above, below = divmod(number, 10_000)
    shown = chinese_number(above, digits, units, short_ten) + "万" if above else ""
    zero = False
    for power in (3, 2, 1, 0):
        digit = below // 10**power % 10
        if digit:
            shown += (digits[0] if zero and shown else "") + digits[digit] + (units[power - 1] if power else "")
        zero = (zero or bool(shown)) and not digit
    return shown.removeprefix(digits[1]) if short_ten and 10 <= number < 20 else shown


def _roman(number: int) -> str:
    shown = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        shown += letters * count
    return shown


def _letters(number: int) -> str:
    return chr(ord("A") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _formal(number: int) -> str:
    return chinese_number(number, _FORMAL_DIGITS, "拾佰仟", short_ten=False)


def _digit_by_digit(digits: str) -> Callable[[int], str]:
    return lambda number: "".join(digits[int(digit)] for digit in str(number))


_SERIES = {
    "ideographTraditional": _STEMS,
    "ideographZodiac": _BRANCHES,
    "decimalEnclosedCircle": _CIRCLED,
    "decimalEnclosedCircleChinese": _CIRCLED,
    "decimalEnclosedParen": "".join(map(chr, range(0x2474, 0x2488))),
    "decimalEnclosedFullstop": "".join(map(chr, range(0x2488, 0x249C))),
    "ideographEnclosedCircle": "".join(map(chr, range(0x3280, 0x328A))),
}
_CONVERSIONS: dict[str, Callable[[int], str]] = {
    "chineseCounting": chinese_number,
    "chineseCountingThousand": chinese_number,
    "taiwaneseCounting": chinese_number,
    "taiwaneseCountingThousand": chinese_number,
    "japaneseCounting": chinese_number,
    "chineseLegalSimplified": _formal,
    "ideographLegalTraditional": _formal,
    "japaneseLegal": _formal,
    "ideographDigital": _digit_by_digit("〇一二三四五六七八九"),
    "taiwaneseDigital": _digit_by_digit("〇一二三四五六七八九"),
    "decimalFullWidth": _digit_by_digit("０１２３４５６７８９"),
    "decimalZero": lambda number: f"{number:02}",
    "upperRoman": _roman,
    "lowerRoman": lambda number: _roman(number).lower(),
    "upperLetter": _letters,
    "lowerLetter": lambda number: _letters(number).lower(),
}
