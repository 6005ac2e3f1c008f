"""The sheet 汇总: themes in all, by document and by heading, counted and drawn."""

from collections.abc import Sequence

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service.run import Run
from service.writers.sheet_cells import Formats, put
from service.writers.tally import Counts, Tally, most_themed

_MOST_BARS = 30
_MOST_LINES = 50_000  # of one table: who has more documents counts them in the sheet of paragraphs
_NAME_WIDTH = 34.0
_PIXELS_A_BAR = 22
_CHART_WIDTH = 720
_ROW_PIXELS = 20


def write_summary(workbook: Workbook, sheet: Worksheet, tally: Tally, run: Run, formats: Formats) -> None:
    """Write three tables, one below the other, each with its chart on its right."""
    summary = _Summary(workbook, sheet, run, formats)
    summary.write_total(tally)
    documents = [((name,), counts) for name, counts in tally.documents()]
    summary.write_table("按文件", ("文件",), documents)
    regions = [((region.document, region.name), region.counts) for region in tally.regions()]
    if regions:
        summary.write_table("按标题", ("文件", "标题"), regions)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


class _Summary:
    """Writes downwards; a table leaves room for the chart on its right."""

    def __init__(self, workbook: Workbook, sheet: Worksheet, run: Run, formats: Formats) -> None:
        self._workbook = workbook
        self._sheet = sheet
        self._run = run
        self._formats = formats
        self._row = 0
        self._chart_column = 2 + 3 + 2 * len(run.themes) + 1
        sheet.set_column(0, 1, _NAME_WIDTH)
        sheet.set_column(2, self._chart_column - 1, 10)

    def write_total(self, tally: Tally) -> None:
        """The themes of all paragraphs."""
        total = tally.total
        self._title("全部段落")
        self._heading(("主题", "", "段落", "占全部段落"))
        first = self._row
        for position, theme in enumerate(self._run.themes):
            self._put((theme.name_zh,), self._formats.text)
            self._count_and_share(2, total.themes[position], total.paragraphs)
            self._row += 1
        for name, count in (
            ("无主题", total.paragraphs - total.themed),
            ("待复核", total.uncertain),
            ("合计", total.paragraphs),
        ):
            self._put((name,), self._formats.text)
            self._count_and_share(2, count, total.paragraphs)
            self._row += 1
        chart = self._workbook.add_chart({"type": "bar"})
        fills = [self._formats.fills[theme.id] for theme in self._run.themes]
        last = first + len(self._run.themes)  # 无主题 is drawn as well
        chart.add_series(
            {
                "name": "段落",
                "categories": [self._sheet.name, first, 0, last, 0],
                "values": [self._sheet.name, first, 2, last, 2],
                "points": [{"fill": {"color": fill}} for fill in [*fills, self._formats.no_fill]],
                "data_labels": {"value": True},
                "gap": 60,
            }
        )
        chart.set_legend({"none": True})
        self._insert(chart, first - 2, "各主题的段落数", len(fills) + 1)

    def write_table(self, title: str, names: tuple[str, ...], parts: Sequence[tuple[tuple[str, ...], Counts]]) -> None:
        """One line a part; where there are many, those with the most themed paragraphs come first."""
        drawn = most_themed(parts, _MOST_BARS)
        many = len(parts) > len(drawn)
        listed = most_themed(sorted(parts, key=lambda part: -part[1].themed), _MOST_LINES) if many else list(parts)
        more = "（有主题的段落多的在前）" if many else ""
        left_out = f"（另有 {len(parts) - len(listed):,} 行从略）" if len(parts) > len(listed) else ""
        self._title(f"{title}{more}{left_out}")
        head = [*names, *[""] * (2 - len(names)), "段落", "有主题", "待复核"]
        for theme in self._run.themes:
            head += [theme.name_zh, "占比"]
        self._heading(head)
        first = self._row
        for part_names, counts in listed:
            self._put(part_names, self._formats.text)
            for offset, count in enumerate((counts.paragraphs, counts.themed, counts.uncertain), 2):
                put(self._sheet, self._row, offset, count, self._formats.count)
            for position, count in enumerate(counts.themes):
                self._count_and_share(5 + 2 * position, count, counts.paragraphs)
            self._row += 1
        bars = min(len(listed), _MOST_BARS)
        if bars:
            self._draw(title, first, first + bars - 1, len(names) - 1, f"前 {bars} 项" if many else "")

    def _draw(self, title: str, first: int, last: int, name_column: int, note: str) -> None:
        chart = self._workbook.add_chart({"type": "bar", "subtype": "stacked"})
        for position, theme in enumerate(self._run.themes):
            column = 5 + 2 * position
            chart.add_series(
                {
                    "name": theme.name_zh,
                    "categories": [self._sheet.name, first, name_column, last, name_column],
                    "values": [self._sheet.name, first, column, last, column],
                    "fill": {"color": self._formats.fills[theme.id]},
                    "border": {"color": "#FFFFFF", "width": 0.75},
                    "gap": 40,
                }
            )
        chart.set_legend({"position": "bottom"})
        self._insert(chart, first - 2, f"{title}：各主题的段落数{'，' + note if note else ''}", last - first + 1)

    def _insert(self, chart: Chart, row: int, title: str, bars: int) -> None:
        height = 150 + bars * _PIXELS_A_BAR
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}})
        chart.set_x_axis(
            {"min": 0, "major_gridlines": {"visible": True, "line": {"color": "#D0D7DE"}}, "num_format": "0"}
        )
        chart.set_size({"width": _CHART_WIDTH, "height": height})
        self._sheet.insert_chart(row, self._chart_column, chart)
        self._row = max(self._row, row + height // _ROW_PIXELS + 1) + 1

    def _title(self, title: str) -> None:
        put(self._sheet, self._row, 0, title, self._formats.title)
        self._sheet.set_row(self._row, 24)
        self._row += 1

    def _heading(self, names: Sequence[str]) -> None:
        for column, name in enumerate(names):
            put(self._sheet, self._row, column, name, self._formats.head)
        self._row += 1

    def _put(self, names: Sequence[str], look: Format) -> None:
        for column, name in enumerate(names):
            put(self._sheet, self._row, column, name, look)

    def _count_and_share(self, column: int, count: int, whole: int) -> None:
        put(self._sheet, self._row, column, count, self._formats.count)
        put(self._sheet, self._row, column + 1, count / whole if whole else 0.0, self._formats.share)
