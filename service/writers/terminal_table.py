"""Rows as a table on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.run import Row
from service.writers.row_parts import number_of, place_of

_LONGEST_TEXT = 120
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")  # on a terminal they are commands


def print_table(rows: Sequence[Row], theme_names: dict[str, str], console: Console) -> None:
    """Show rows to a person: place, themes, text with its evidence set off."""
    table = Table(show_lines=True)
    table.add_column("位置", no_wrap=True)
    table.add_column("主题", min_width=10)
    table.add_column("段落（依据加粗）", ratio=1, overflow="fold")  # Chinese has no spaces to break at
    for row in rows:
        names = Text("\n".join(f"{theme_names[theme]} {row['scores'][theme]:.2f}" for theme in row["themes"]) or "—")
        if row["uncertain"]:
            names.append("\n待复核：" + "、".join(theme_names[theme] for theme in row["uncertain"]), style="yellow")
        table.add_row(_place(row), names, _shortened(row))
    console.print(table)


def _place(row: Row) -> Text:
    place = "" if "id" in row else place_of(row)
    return Text((place or str(number_of(row))).translate(_CONTROLS))


def _shortened(row: Row) -> Text:
    """The text with its evidence in bold; of a long text, the part from shortly before the first evidence."""
    text = Text(row["text"].translate(_CONTROLS))
    for item in row["evidence"]:
        if item["theme"] in row["themes"]:
            text.stylize("bold", item["start"], item["end"])
    if len(text) <= _LONGEST_TEXT:
        return text
    first = min((item["start"] for item in row["evidence"]), default=0)
    start = 0 if first < _LONGEST_TEXT // 2 else first - 10
    end = min(start + _LONGEST_TEXT, len(text))
    shown = text[start:end]
    return Text("…" if start else "") + shown + Text("…" if end < len(text) else "")
