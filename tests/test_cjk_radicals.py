import unicodedata

import pytest

from model.cjk_radicals import RADICAL_TO_IDEOGRAPH
from model.text import is_han, normalise

SUPPLEMENT = [chr(code) for code in range(0x2E80, 0x2EF4) if unicodedata.category(chr(code)) != "Cn"]
KANGXI = [chr(code) for code in range(0x2F00, 0x2FD6)]
WITHOUT_IDEOGRAPH = "⺀"  # "CJK radical repeat" stands for no ideograph


@pytest.mark.parametrize(
    ("radical", "ideograph"),
    [("⺠", "民"), ("⻓", "长"), ("⻔", "门"), ("⻢", "马"), ("⺟", "母"), ("⻳", "龟"), ("⼈", "人")],
)
def test_known_pairs(radical: str, ideograph: str) -> None:
    assert normalise(radical).text == ideograph


def test_every_radical_becomes_one_ideograph() -> None:
    left = [radical for radical in SUPPLEMENT + KANGXI if not is_han(normalise(radical).text)]
    assert left == [WITHOUT_IDEOGRAPH]


def test_only_what_nfkc_leaves_is_listed() -> None:
    assert all(unicodedata.normalize("NFKC", radical) == radical for radical in RADICAL_TO_IDEOGRAPH)
    assert all(radical in SUPPLEMENT for radical in RADICAL_TO_IDEOGRAPH)


def test_no_ideograph_is_itself_mended() -> None:
    assert not RADICAL_TO_IDEOGRAPH.keys() & set(RADICAL_TO_IDEOGRAPH.values())
    assert all(unicodedata.normalize("NFKC", ideograph) == ideograph for ideograph in RADICAL_TO_IDEOGRAPH.values())
