"""How each theme looks wherever one is shown in colour: the workbook, the report page, the web page.

A theme has a marker (a shape, so that no one needs the colour) and three colours for a light page (#ffffff) and for a dark one (#14171c):

- `ink`: text and thin lines in the theme's colour, on the page or on the theme's `tint` (contrast at least 4.5 with both);
- `tint`: the background behind ordinary text (`#1b1f24` on light, `#e8eaed` on dark: contrast at least 10);
- `fill`: areas of charts, told apart under each of the three colour blindnesses (after Okabe and Ito); never the only sign: a word or
  the marker stands beside it, and on the light page two of them are too pale to write with.

| theme | marker | light ink, tint, fill | dark ink, tint, fill |
|---|---|---|---|
| tech_finance | ● | #00568a #dcebfa #0072b2 | #8cc8f5 #12304a #4fa8e0 |
| incubator | ▲ | #00654a #d8f3e6 #009e73 | #6fddb8 #0e3a2d #2fc79a |
| talent | ■ | #6b4a00 #fbefc8 #e69f00 | #f5cb6b #40320a #f0b429 |
| intellectual_property | ◆ | #8a2f66 #f8e1f0 #cc79a7 | #f2b3d8 #43203a #e39bc6 |
| civil_military | ★ | #9c3000 #fadccf #a23b00 | #ffa37a #4a2212 #e8743b |

Themes of another model take the styles that are left, in turn. `theme_css` gives all of it to a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tones:
    """The colours of a theme on one page: `#rrggbb` each."""

    ink: str
    tint: str
    fill: str


@dataclass(frozen=True, slots=True)
class ThemeStyle:
    """The look of one theme."""

    marker: str
    light: Tones
    dark: Tones


LIGHT_PAGE = Tones(ink="#1b1f24", tint="#ffffff", fill="#8a929c")
"""Text, background, and what belongs to no theme, on a light page."""
DARK_PAGE = Tones(ink="#e8eaed", tint="#14171c", fill="#7c8590")

_STYLES = {
    "tech_finance": ThemeStyle("●", Tones("#00568a", "#dcebfa", "#0072b2"), Tones("#8cc8f5", "#12304a", "#4fa8e0")),
    "incubator": ThemeStyle("▲", Tones("#00654a", "#d8f3e6", "#009e73"), Tones("#6fddb8", "#0e3a2d", "#2fc79a")),
    "talent": ThemeStyle("■", Tones("#6b4a00", "#fbefc8", "#e69f00"), Tones("#f5cb6b", "#40320a", "#f0b429")),
    "intellectual_property": ThemeStyle(
        "◆", Tones("#8a2f66", "#f8e1f0", "#cc79a7"), Tones("#f2b3d8", "#43203a", "#e39bc6")
    ),
    "civil_military": ThemeStyle("★", Tones("#9c3000", "#fadccf", "#a23b00"), Tones("#ffa37a", "#4a2212", "#e8743b")),
}
_SPARE = (
    ThemeStyle("▼", Tones("#4a5200", "#f0f3d0", "#7c8a00"), Tones("#d3de6e", "#30360a", "#b3c02e")),
    ThemeStyle("◉", Tones("#40475a", "#e6e8ef", "#5c6478"), Tones("#bcc4d6", "#2a3040", "#8f99b0")),
    ThemeStyle("✚", Tones("#4b3a9b", "#e7e3fb", "#6a55d0"), Tones("#bdb2ff", "#2b2450", "#9483f0")),
)


def theme_styles(theme_ids: Sequence[str]) -> dict[str, ThemeStyle]:
    """The style of each of a model's themes, in their order; one style goes to several only where a model has too many."""
    known = [_STYLES[theme] for theme in theme_ids if theme in _STYLES]
    left = [style for style in (*_SPARE, *_STYLES.values()) if style not in known] or list(_SPARE)
    strangers = [theme for theme in theme_ids if theme not in _STYLES]
    given = {theme: left[position % len(left)] for position, theme in enumerate(strangers)}
    return {theme: _STYLES.get(theme) or given[theme] for theme in theme_ids}


def theme_css(theme_ids: Sequence[str]) -> str:
    """Style rules for a page: `.theme-0`, `.theme-1`, … by the theme's place in the model's list set `--ink`, `--tint` and `--fill`."""
    styles = theme_styles(theme_ids).values()
    light = "".join(f".theme-{position}{_variables(style.light)}" for position, style in enumerate(styles))
    dark = "".join(f".theme-{position}{_variables(style.dark)}" for position, style in enumerate(styles))
    return f"{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _variables(tones: Tones) -> str:
    return f"{{--ink:{tones.ink};--tint:{tones.tint};--fill:{tones.fill}}}"
