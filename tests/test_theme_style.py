"""The colours of themes: readable, told apart, and never alone."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from service.theme_style import DARK_PAGE, LIGHT_PAGE, ThemeStyle, Tones, theme_css, theme_styles

THEMES = ["tech_finance", "incubator", "talent", "intellectual_property", "civil_military"]
STRANGERS = ["甲", "乙", "丙"]

# Machado, Oliveira and Fernandes, IEEE TVCG 2009: what is left of linear RGB in full protanopia, deuteranopia and tritanopia.
SEEN_BY = {
    "all": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> NDArray[np.float64]:
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """As WCAG 2.2 defines it."""
    low, high = sorted(float((TO_XYZ @ linear(colour))[1]) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    ratios = TO_XYZ @ rgb.clip(0, 1) / WHITE
    roots = np.where(ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116)
    return np.array([116 * roots[1] - 16, 500 * (roots[0] - roots[1]), 200 * (roots[1] - roots[2])])


@pytest.mark.parametrize("style", theme_styles([*THEMES, *STRANGERS]).values(), ids=[*THEMES, *"abc"])
def test_text_can_be_read_on_both_pages(style: ThemeStyle) -> None:
    for tones, page in ((style.light, LIGHT_PAGE), (style.dark, DARK_PAGE)):
        assert contrast(tones.ink, page.tint) >= 4.5
        assert contrast(tones.ink, tones.tint) >= 4.5
        assert contrast(page.ink, tones.tint) >= 10
    assert contrast(style.dark.fill, DARK_PAGE.tint) >= 4.5


@pytest.mark.parametrize("page", ["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN_BY)
def test_chart_colours_are_told_apart_by_all_eyes(page: str, eyes: str) -> None:
    tones: list[Tones] = [getattr(style, page) for style in theme_styles(THEMES).values()]
    for first, second in combinations(tones, 2):
        seen = [lab(SEEN_BY[eyes] @ linear(one.fill)) for one in (first, second)]
        assert np.linalg.norm(seen[0] - seen[1]) > 12


def test_no_two_themes_share_a_marker() -> None:
    assert len({style.marker for style in theme_styles([*THEMES, *STRANGERS]).values()}) == 8


def test_a_theme_keeps_its_style_in_every_model() -> None:
    other_order = theme_styles(["甲", "talent", "tech_finance"])
    assert other_order["talent"] == theme_styles(THEMES)["talent"]
    assert len(set(other_order.values())) == 3


def test_a_model_with_more_themes_than_styles_is_shown_too() -> None:
    many = [f"t{number}" for number in range(40)]
    assert list(theme_styles([*THEMES, *many])) == [*THEMES, *many]


def test_a_page_gets_the_colours_of_both_schemes() -> None:
    light, dark = theme_css(THEMES).split("@media screen and (prefers-color-scheme:dark)")
    assert ".theme-2{--ink:#6b4a00;--tint:#fbefc8;--fill:#e69f00}" in light
    assert ".theme-2{--ink:#f5cb6b;--tint:#40320a;--fill:#f0b429}" in dark
