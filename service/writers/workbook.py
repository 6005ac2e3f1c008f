"""Rows as a workbook: the paragraphs, those to look at again, a summary with charts, and what all of it means."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from model import review_sheet
from service.run import Row, RowWriter, Run
from service.writers.notes_sheet import write_notes
from service.writers.paragraph_sheet import write_paragraphs
from service.writers.review_sheets import uncertainty, write_reviews
from service.writers.row_parts import kept_columns
from service.writers.row_spool import RowSpool
from service.writers.sheet_cells import MOST_ROWS, Formats
from service.writers.summary_sheet import write_summary
from service.writers.tally import Tally

_MOST_KEPT_COLUMNS = 200


@contextmanager
def open_writer(path: Path, run: Run) -> Iterator[RowWriter]:
    """Sets rows aside and makes the workbook at the end: its columns, its counts and the order of its reviews need all of them."""
    columns: dict[str, None] = {}
    reviews: list[tuple[float, int]] = []
    tally = Tally(run)
    with RowSpool(path.parent) as spool:

        def write(row: Row) -> None:
            place = spool.add(row)
            tally.add(row)
            columns.update(dict.fromkeys(kept_columns(row)))
            if row["uncertain"]:
                reviews.append((uncertainty(row, run), place))

        yield write
        with _workbook(path) as workbook:
            workbook.set_properties({"created": run.started.astimezone(UTC)})  # the same run gives the same bytes
            formats = Formats(workbook, run)
            sheets = [workbook.add_worksheet(name) for name in _names("段落", tally.total.paragraphs)]
            review_sheets = [workbook.add_worksheet(name) for name in _names(review_sheet.SHEET, len(reviews))]
            summary = workbook.add_worksheet("汇总")
            notes = workbook.add_worksheet("说明")
            shown = list(columns)[:_MOST_KEPT_COLUMNS]
            write_paragraphs(sheets, spool, run, shown, formats)
            reviews.sort(key=lambda review: -review[0])
            write_reviews(review_sheets, (spool.at(place) for _, place in reviews), run, formats)
            write_summary(workbook, summary, tally, run, formats)
            write_notes(notes, tally, run, list(columns)[_MOST_KEPT_COLUMNS:], formats)


def _names(name: str, rows: int) -> list[str]:
    """Names of the sheets that so many rows, below a heading each, take."""
    more = (rows - 1) // (MOST_ROWS - 1) if rows else 0
    return [name, *(f"{name}({number})" for number in range(2, more + 2))]


@contextmanager
def _workbook(path: Path) -> Iterator[Workbook]:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.sheets.") as folder:
        workbook = Workbook(
            path,
            {
                "constant_memory": True,  # rows go to files as they are written
                "tmpdir": folder,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        workbook.use_zip64()
        try:
            yield workbook
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None
        finally:
            for sheet in workbook.worksheets():
                with suppress(OSError):  # on a full disk: what is left to flush is not wanted any more
                    sheet.row_data_fh.close()
