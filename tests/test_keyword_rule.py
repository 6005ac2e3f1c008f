import json
from pathlib import Path

import pytest

from training.keyword_rule import KEYWORDS, label_by_keywords


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("农村公路改造完成。", []),
        ("新建众创空间三家。", ["incubator"]),
        (
            "专利质押融资助力孵化器引进人才，军转民提速。",
            ["tech_finance", "incubator", "talent", "intellectual_property", "civil_military"],
        ),
        ("人才人才人才", ["talent"]),
    ],
)
def test_a_theme_holds_where_one_of_its_words_stands(text: str, expected: list[str]) -> None:
    assert label_by_keywords(text) == expected


def test_every_theme_of_the_data_has_words(small_data: Path) -> None:
    themes = json.loads((small_data / "themes.json").read_text(encoding="utf-8"))
    assert list(KEYWORDS) == [theme["id"] for theme in themes]
    assert all(KEYWORDS.values())
