import pytest
from lxml import etree

from service.readers.word_numbering import Numbering, chinese_number, format_number

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1, "一"),
        (10, "十"),
        (11, "十一"),
        (20, "二十"),
        (21, "二十一"),
        (100, "一百"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1004, "一千零四"),
        (12_300, "一万二千三百"),
        (10_005, "一万零五"),
    ],
)
def test_chinese_numbers(number: int, shown: str) -> None:
    assert chinese_number(number) == shown


@pytest.mark.parametrize(
    ("name", "number", "shown"),
    [
        ("chineseCountingThousand", 12, "十二"),
        ("chineseLegalSimplified", 12, "壹拾贰"),
        ("ideographTraditional", 3, "丙"),
        ("ideographTraditional", 11, "11"),
        ("ideographZodiac", 1, "子"),
        ("ideographDigital", 20, "二〇"),
        ("decimal", 7, "7"),
        ("decimalZero", 7, "07"),
        ("decimalEnclosedCircle", 3, "③"),
        ("decimalEnclosedCircleChinese", 21, "㉑"),
        ("decimalEnclosedParen", 2, "⑵"),
        ("decimalFullWidth", 12, "１２"),
        ("upperRoman", 49, "XLIX"),
        ("lowerRoman", 4, "iv"),
        ("upperLetter", 28, "BB"),
        ("none", 1, ""),
        ("unheard-of", 4, "4"),
        ("chineseCounting", -3, "-3"),
        ("upperRoman", 0, "0"),
    ],
)
def test_formats(name: str, number: int, shown: str) -> None:
    assert format_number(number, name) == shown


def level(number: int, form: str, text: str, extra: str = "", start: int = 1) -> str:
    return f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{extra}<w:lvlText w:val="{text}"/></w:lvl>'


def numbering(levels: str, lists: str = '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>') -> Numbering:
    text = (
        f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>{lists}</w:numbering>'
    )
    return Numbering(etree.fromstring(text))


OUTLINE = (
    level(0, "chineseCounting", "%1、")
    + level(1, "chineseCounting", "（%2）")
    + level(2, "decimal", "%1.%3", "<w:isLgl/>")
)


def test_levels_count_and_restart() -> None:
    numbers = numbering(OUTLINE)
    shown = [numbers.next_label("1", depth) for depth in (0, 1, 1, 2, 0, 1, 2, 2)]
    assert shown == ["一、", "（一）", "（二）", "1.1", "二、", "（一）", "2.1", "2.2"]


def test_a_level_that_never_restarts() -> None:
    numbers = numbering(level(0, "decimal", "%1") + level(1, "decimal", "第%2条", '<w:lvlRestart w:val="0"/>'))
    assert [numbers.next_label("1", depth) for depth in (0, 1, 1, 0, 1)] == ["1", "第1条", "第2条", "2", "第3条"]


def test_lists_of_one_kind_count_on_unless_one_starts_anew() -> None:
    lists = (
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
    )
    numbers = numbering(level(0, "decimal", "%1."), lists)
    assert [numbers.next_label(identity, 0) for identity in "11233"] == ["1.", "2.", "3.", "5.", "6."]


def test_starts_bullets_and_what_is_not_there() -> None:
    numbers = numbering(level(0, "decimal", "%1", start=3) + level(1, "bullet", "\uf06c"))
    assert numbers.next_label("1", 0) == "3"
    assert numbers.next_label("1", 1) == "•"
    assert numbers.next_label("1", 2) == ""
    assert numbers.next_label("9", 0) == ""
    assert numbers.next_label("1", 99) == ""
    assert Numbering(None).next_label("1", 0) == ""
