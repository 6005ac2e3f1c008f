"""The sheet 汇总: themes in all, by document and by heading, drawn above and counted below."""

from collections.abc import Sequence
from typing import NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.worksheet import Worksheet

from service.run import Run
from service.writers.sheet_cells import Formats, clean, put
from service.writers.tally import Counts, Tally, most_themed

_MOST_BARS = 20
_MOST_LINES = 50_000  # of one table: who has more documents counts them in the sheet of paragraphs
_NAME_WIDTH = 60.0
_COUNT_WIDTH = 9.0
_COUNT_COLUMNS = 3  # 段落, 有主题, 待复核; then two a theme
_FIRST_COUNT = 1  # after the name
_CHART_WIDTH = 640
_CHART_HEIGHT = 130  # pixels of a chart without its bars
_PIXELS_A_BAR = 22
_PIXELS_A_ROW = 20


class _Table(NamedTuple):
    """One table: its title, the heading of its names, and its parts."""

    title: str
    heading: str
    parts: Sequence[tuple[str, Counts]]

    def lines(self) -> Sequence[tuple[str, Counts]]:
        """The parts as they are listed: in their order, or where the chart cannot show all, those with the most themes first."""
        return self.parts if len(self.parts) <= _MOST_BARS else most_themed(self.parts, _MOST_LINES)

    def bars(self) -> int:
        """How many lines the chart shows."""
        return min(len(self.parts), _MOST_BARS)


def write_summary(workbook: Workbook, sheet: Worksheet, tally: Tally, run: Run, formats: Formats) -> None:
    """Write charts above, tables below."""
    tables = [_Table("按文件", "文件", tally.documents())]
    regions = tally.named_regions()
    if regions:
        tables.append(_Table("按标题", "标题", regions))
    summary = _Summary(workbook, sheet, run, formats)
    summary.write_total(tally.total)
    summary.leave_room([table.bars() for table in tables])
    for position, table in enumerate(tables):
        summary.write_table(table, position)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


class _Summary:
    """Writes downwards; charts of tables stand side by side above the first of them."""

    def __init__(self, workbook: Workbook, sheet: Worksheet, run: Run, formats: Formats) -> None:
        self._workbook = workbook
        self._sheet = sheet
        self._run = run
        self._formats = formats
        self._row = 0
        self._chart_row = 0
        sheet.set_column(0, 0, _NAME_WIDTH)
        sheet.set_column(_FIRST_COUNT, _FIRST_COUNT + _COUNT_COLUMNS + 2 * len(run.themes) - 1, _COUNT_WIDTH)

    def write_total(self, total: Counts) -> None:
        """The themes of all paragraphs, and their chart on the right."""
        self._title("全部段落")
        self._heading("主题", ("段落", "占比"))
        first = self._row
        lines = [*zip([theme.name_zh for theme in self._run.themes], total.themes, strict=True)]
        drawn = [*lines, ("无主题", total.paragraphs - total.themed)]
        for name, count in [*drawn, ("待复核", total.uncertain), ("合计", total.paragraphs)]:
            put(self._sheet, self._row, 0, name, self._formats.line)
            self._count_and_share(_FIRST_COUNT, count, total.paragraphs)
            self._row += 1
        fills = [*(self._formats.fills[theme.id] for theme in self._run.themes), self._formats.no_fill]
        chart = self._workbook.add_chart({"type": "bar"})
        chart.add_series(
            {
                "name": "段落",
                "categories": [self._sheet.name, first, 0, first + len(drawn) - 1, 0],
                "categories_data": _kept_names([name for name, _ in drawn]),
                "values": [self._sheet.name, first, _FIRST_COUNT, first + len(drawn) - 1, _FIRST_COUNT],
                "values_data": [count for _, count in drawn],
                "points": [{"fill": {"color": fill}} for fill in fills],
                "data_labels": {"value": True},
                "gap": 60,
            }
        )
        chart.set_legend({"none": True})
        self._row = max(self._row, _rows(self._insert(chart, 0, 1, "各主题的段落数", len(drawn)))) + 1

    def leave_room(self, bars: Sequence[int]) -> None:
        """Keep the rows free that charts of so many bars take."""
        self._chart_row = self._row
        self._row += _rows(_height(max(bars))) + 1

    def write_table(self, table: _Table, position: int) -> None:
        """One line a part, and the table's chart, the `position`-th from the left."""
        lines = table.lines()
        order = "（有主题的段落多的在前）" if lines is not table.parts else ""
        left_out = f"（另有 {len(table.parts) - len(lines):,} 行从略）" if len(lines) < len(table.parts) else ""
        self._title(f"{table.title}{order}{left_out}")
        by_theme = [name for theme in self._run.themes for name in (theme.name_zh, "占比")]
        self._heading(table.heading, ["段落", "有主题", "待复核", *by_theme])
        first = self._row
        for name, counts in lines:
            put(self._sheet, self._row, 0, name, self._formats.line)
            for column, count in enumerate((counts.paragraphs, counts.themed, counts.uncertain), _FIRST_COUNT):
                put(self._sheet, self._row, column, count, self._formats.count)
            for number, count in enumerate(counts.themes):
                self._count_and_share(_FIRST_COUNT + _COUNT_COLUMNS + 2 * number, count, counts.paragraphs)
            self._row += 1
        if table.parts:
            self._draw(table, first, position, "" if lines is table.parts else f"（前 {table.bars()} 项）")
        self._row += 1

    def _draw(self, table: _Table, first: int, position: int, note: str) -> None:
        drawn = table.lines()[: table.bars()]
        last = first + len(drawn) - 1
        chart = self._workbook.add_chart({"type": "bar", "subtype": "stacked"})
        for number, theme in enumerate(self._run.themes):
            column = _FIRST_COUNT + _COUNT_COLUMNS + 2 * number
            chart.add_series(
                {
                    "name": theme.name_zh,
                    "categories": [self._sheet.name, first, 0, last, 0],
                    "categories_data": _kept_names([name for name, _ in drawn]),
                    "values": [self._sheet.name, first, column, last, column],
                    "values_data": [counts.themes[number] for _, counts in drawn],
                    "fill": {"color": self._formats.fills[theme.id]},
                    "border": {"color": "#FFFFFF", "width": 0.75},
                    "gap": 40,
                }
            )
        chart.set_legend({"position": "bottom"})
        self._insert(chart, self._chart_row, position, f"{table.title}：各主题的段落数{note}", table.bars())

    def _insert(self, chart: Chart, row: int, position: int, title: str, bars: int) -> int:
        """Place a chart; returns its height in pixels."""
        height = _height(bars)
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}})
        chart.set_x_axis(
            {"min": 0, "num_format": "0", "major_gridlines": {"visible": True, "line": {"color": "#D0D7DE"}}}
        )
        chart.set_size({"width": _CHART_WIDTH, "height": height})
        self._sheet.insert_chart(row, 0, chart, {"x_offset": 4 + position * (_CHART_WIDTH + 16), "y_offset": 4})
        return height

    def _title(self, title: str) -> None:
        put(self._sheet, self._row, 0, title, self._formats.title)
        self._sheet.set_row(self._row, 24)
        self._row += 1

    def _heading(self, name: str, counts: Sequence[str]) -> None:
        put(self._sheet, self._row, 0, name, self._formats.head)
        for column, count in enumerate(counts, _FIRST_COUNT):
            put(self._sheet, self._row, column, count, self._formats.count_head)
        self._row += 1

    def _count_and_share(self, column: int, count: int, whole: int) -> None:
        put(self._sheet, self._row, column, count, self._formats.count)
        put(self._sheet, self._row, column + 1, count / whole if whole else 0.0, self._formats.share)


def _height(bars: int) -> int:
    return _CHART_HEIGHT + bars * _PIXELS_A_BAR


def _rows(pixels: int) -> int:
    return -(-pixels // _PIXELS_A_ROW)


def _kept_names(names: Sequence[str]) -> list[str] | None:
    """What a chart keeps beside its reference to the cells, for programs that do not look there.

    None where the library would take all names for numbers, and keep broken ones.
    """
    try:
        for name in names:
            float(name)
    except ValueError:
        return [*map(clean, names)]
    return None
