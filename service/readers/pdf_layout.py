"""The layout of a PDF page, of which the file says nothing: lines, columns, page furniture, and where paragraphs end.

Coordinates are points, y upwards. `em` is the height of a line's characters.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from model.paragraphs import LineEnd
from model.text import is_han, normalised


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and its box; `space` tells whether white space stands before it in the file."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    angle: float = 0.0
    space: bool = False

    def turned(self, quarters: int) -> "Glyph":
        """The glyph as it stands once the page is turned back by so many quarters."""
        if quarters == 0:
            return self
        left, bottom, right, top = self.left, self.bottom, self.right, self.top
        for _ in range(quarters):
            left, bottom, right, top = bottom, -right, top, -left
        return Glyph(self.text, left, right, bottom, top, 0.0, self.space)


@dataclass(slots=True)
class Run:
    """Characters that stand next to each other."""

    text: str
    left: float
    right: float
    bottom: float
    top: float

    @property
    def em(self) -> float:
        """Height of its characters."""
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Line:
    """A line in its column.

    Attributes:
        text: what it says.
        left, right, bottom, top: its box.
        column: number of the column on its page, in reading order.
        cells: how many parts with wide gaps between them it has; of a table's row, more than one.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    column: int
    cells: int = 1

    @property
    def em(self) -> float:
        """Height of its characters."""
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of a page in reading order."""

    number: int
    lines: list[Line]

    def middle(self) -> float:
        """Half-way between the highest and the lowest line."""
        return (max(line.top for line in self.lines) + min(line.bottom for line in self.lines)) / 2


_RUN_GAP = 0.9  # em; a wider gap begins another run
_WORD_GAP = 0.2  # em, between words of letters
_WIDE_GAP = 0.8  # em, between Chinese words set apart
_CELL_GAP = 2.0  # em, between the cells of a table
_LEAST_LINES_OF_COLUMNS = 5
_LEAST_LINES_OF_COLUMN = 3  # of one that ends before the page does
_FEW_FULL_LINES = 2
_SAME_GUTTER = 8  # points within which gutters of several pages are one
_SIDES_SHARE = 0.7  # of a page's runs, beside a gutter and not across it
_DEEPEST_COLUMNS = 2
_FULL_SHARE = 0.6  # of a column's lines that are full, as those of a table are not
_OPENS = re.compile(
    r"第[一二三四五六七八九十百零〇\d]+[编篇部章节条]|[一二三四五六七八九十]+、|\([一二三四五六七八九十]+\)|\d{1,2}[.、](?!\d)|\(\d{1,2}\)|附件"
)
_BULLET = re.compile(r"[•·●■◆○▪▶➢*-]|\(?\d{1,2}[).、]|[①-⑳]")
_PAGE_NUMBER = re.compile(
    r"[-—–_·~\s]*\d{1,4}[-—–_·~\s]*|第\s*\d{1,4}\s*页(?:\s*[,/]?\s*共\s*\d{1,4}\s*页)?|\d{1,4}\s*/\s*\d{1,4}|page\s*\d+(?:\s*of\s*\d+)?",
    re.IGNORECASE,
)
_SMALL = 0.85  # of the size of the text
_LONGEST_HEAD = 40  # characters
_EDGE_LINES = 3  # at the top and the bottom of a page, where furniture may stand


def runs_of_glyphs(glyphs: Sequence[Glyph]) -> list[Run]:
    """Join characters that follow each other on a line."""
    runs: list[Run] = []
    current: Run | None = None
    for glyph in glyphs:
        em = glyph.top - glyph.bottom
        if current is not None:
            overlap = min(current.top, glyph.top) - max(current.bottom, glyph.bottom)
            gap = glyph.left - current.right
            if overlap > 0.5 * min(em, current.em) and -0.5 * em < gap < _RUN_GAP * em:
                before = current.text[-1]
                letters = _is_letter(before) and _is_letter(glyph.text)
                parted = glyph.space if gap <= _WORD_GAP * em else glyph.space or letters
                spaced = parted and (letters or gap > _WORD_GAP * em)
                current.text += (" " if spaced else "") + glyph.text
                current.right = max(current.right, glyph.right)
                if em > 0.8 * current.em:  # not the box of a superscript
                    current.bottom, current.top = min(current.bottom, glyph.bottom), max(current.top, glyph.top)
                continue
        current = Run(glyph.text, glyph.left, glyph.right, glyph.bottom, glyph.top)
        runs.append(current)
    return runs


def _is_letter(char: str) -> bool:
    return char.isalnum() and not is_han(char)


def lines_of_pages(pages: Sequence[Sequence[Run]]) -> list[list[Line]]:
    """The lines of each page in reading order, column after column.

    A page whose last column is short does not show by itself that it has columns: it is held to where those of the other pages are.
    """
    gutters = [_gutter(runs) for runs in pages]
    usual = Counter(round(gutter / _SAME_GUTTER) for gutter in gutters if gutter is not None).most_common(1)
    found = []
    for runs, own in zip(pages, gutters, strict=True):
        gutter = own
        if own is None and usual:
            likely = usual[0][0] * _SAME_GUTTER
            gutter = likely if _leaves_free(runs, likely) else None
        columns = _columns(list(runs), gutter, depth=0)
        found.append([_line(row, number) for number, column in enumerate(columns) for row in _rows(column)])
    return found


def _leaves_free(runs: Sequence[Run], gutter: float) -> bool:
    """Whether a page has text on both sides of a gutter and little across it."""
    left = sum(run.right <= gutter for run in runs)
    right = sum(run.left >= gutter for run in runs)
    return min(left, right) > 0 and left + right >= _SIDES_SHARE * len(runs)


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs side by side to rows, from the top; each row from the left."""
    rows: list[list[Run]] = []
    bottom = top = 0.0
    for run in sorted(runs, key=lambda run: -(run.top + run.bottom)):
        if rows and min(top, run.top) - max(bottom, run.bottom) > 0.5 * min(top - bottom, run.em):
            rows[-1].append(run)
            bottom, top = (
                (min(bottom, run.bottom), max(top, run.top)) if run.em < 1.3 * (top - bottom) else (bottom, top)
            )
        else:
            rows.append([run])
            bottom, top = run.bottom, run.top
    return [sorted(row, key=lambda run: run.left) for row in rows]


def _line(row: Sequence[Run], column: int) -> Line:
    text = row[0].text
    cells = 1
    em = max(run.em for run in row)
    for before, run in pairwise(row):
        gap = run.left - before.right
        letters = _is_letter(text[-1]) and _is_letter(run.text[0])
        text += (" " if gap > _WIDE_GAP * em or (letters and gap > _WORD_GAP * em) else "") + run.text
        cells += gap > _CELL_GAP * em
    return Line(
        text,
        row[0].left,
        max(run.right for run in row),
        min(run.bottom for run in row),
        max(run.top for run in row),
        column,
        cells,
    )


def _columns(runs: list[Run], gutter: float | None, depth: int) -> Iterator[list[Run]]:
    """The runs of each column, in reading order; what lies across the gutter parts the columns above from those below."""
    if gutter is None:
        if runs:
            yield runs
        return
    left: list[Run] = []
    right: list[Run] = []
    across: list[Run] = []
    for row in _rows(runs):
        if any(run.left < gutter < run.right for run in row) or not _keeps_apart(row, gutter):
            if left or right:
                yield from _columns_within(left, right, depth)
                left, right = [], []
            across += row
            continue
        if across:
            yield across
            across = []
        left += [run for run in row if run.right <= gutter]
        right += [run for run in row if run.left >= gutter]
    if across:
        yield across
    yield from _columns_within(left, right, depth)


def _columns_within(left: list[Run], right: list[Run], depth: int) -> Iterator[list[Run]]:
    for side in (left, right):
        yield from _columns(side, _gutter(side) if depth < _DEEPEST_COLUMNS else None, depth + 1)


def _keeps_apart(row: Sequence[Run], gutter: float) -> bool:
    """Whether a row leaves the gutter free as lines of columns do; a short line in the middle of the page (its number) does not."""
    ends = [run.right for run in row if run.right <= gutter]
    starts = [run.left for run in row if run.left >= gutter]
    return len(ends) + len(starts) == len(row)


def _gutter(runs: Sequence[Run]) -> float | None:
    """The x at which a page falls into two columns of running text, or None."""
    if len(runs) < 2 * _LEAST_LINES_OF_COLUMNS:
        return None
    first, last = min(run.left for run in runs), max(run.right for run in runs)
    width = last - first
    rows = _rows(runs)
    best: tuple[int, float] | None = None
    candidates = {
        round((before.right + run.left) / 2)
        for row in rows
        for before, run in pairwise(row)
        if run.left - before.right > 0.8 * run.em and 0.2 < ((before.right + run.left) / 2 - first) / width < 0.8
    }
    starts = Counter(round(run.left) for run in runs)
    candidates |= {
        start - 4
        for start, count in starts.items()
        if count >= _LEAST_LINES_OF_COLUMN and 0.3 < (start - first) / width < 0.7
    }
    for gutter in sorted(candidates)[:200]:
        left = [run for run in runs if run.right <= gutter]
        right = [run for run in runs if run.left >= gutter]
        crossing = len(runs) - len(left) - len(right)
        if min(len(left), len(right)) < _LEAST_LINES_OF_COLUMN or crossing > (1 - _SIDES_SHARE) * len(runs):
            continue
        if not (_are_columns(left, right) and _stand_side_by_side(left, right)):
            continue
        if best is None or crossing < best[0]:
            best = (crossing, gutter)
    return None if best is None else best[1]


def _are_columns(left: Sequence[Run], right: Sequence[Run]) -> bool:
    """Whether both sides are running text, or one is and the other, which ends before, has some lines of the same width."""
    if not _is_running_text(left):
        return False
    if _is_running_text(right):
        return True
    width = median(row[-1].right - row[0].left for row in _rows(left))
    return sum(abs(row[-1].right - row[0].left - width) < 0.15 * width for row in _rows(right)) >= _FEW_FULL_LINES


def _is_running_text(runs: Sequence[Run]) -> bool:
    """Whether lines fill a column, as the cells of a table do not."""
    rows = _rows(runs)
    left, right = min(run.left for run in runs), max(run.right for run in runs)
    em = median(run.em for run in runs)
    full = sum(row[-1].right - row[0].left > 0.8 * (right - left) for row in rows)
    return len(rows) >= _LEAST_LINES_OF_COLUMNS and right - left > 6 * em and full >= _FULL_SHARE * len(rows)


def _stand_side_by_side(left: Sequence[Run], right: Sequence[Run]) -> bool:
    """Whether two columns share enough of their height."""
    bottom = max(min(run.bottom for run in left), min(run.bottom for run in right))
    top = min(max(run.top for run in left), max(run.top for run in right))
    shorter = min(max(run.top for run in side) - min(run.bottom for run in side) for side in (left, right))
    return top - bottom > 0.5 * shorter


def page_furniture(pages: Sequence[PageLines]) -> set[tuple[int, int]]:
    """Page and position of the lines that are running heads, feet and page numbers.

    What stands at the edge of many pages at the same height, numbers aside, is such a line; so is, on any page, a page number or an
    outermost line in small print.
    """
    seen: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    found: set[tuple[int, int]] = set()
    em = median([line.em for page in pages for line in page.lines] or [0.0])
    for page in pages:
        by_height = sorted(range(len(page.lines)), key=lambda position, lines=page.lines: -lines[position].top)  # type: ignore[misc]
        for position in {*by_height[:_EDGE_LINES], *by_height[-_EDGE_LINES:]}:
            line = page.lines[position]
            plain = normalised(line.text)
            outermost = position in {by_height[0], by_height[-1]}
            small = line.em < _SMALL * em and len(plain) <= _LONGEST_HEAD and plain[-1:] not in "。!?;"
            if outermost and (small or _PAGE_NUMBER.fullmatch(plain)):
                found.add((page.number, position))
            seen[re.sub(r"\d+", "0", plain), round(line.top / 4)].append((page.number, position))
    for (text, height), places in seen.items():
        near = places + seen.get((text, height + 1), [])
        on_pages = {number for number, _ in near}
        if len(on_pages) >= max(3, 0.3 * len(pages)) or (len(pages) == len(on_pages) == 2):
            found.update(near)
    return found


@dataclass(slots=True)
class _Margins:
    left: float
    right: float


def lines_with_ends(body: Sequence[tuple[int, Line]]) -> list[LineEnd]:
    """Whether a paragraph ends with each line, given page and line in reading order."""
    if not body:
        return []
    margins = _margins(body)
    em = median(line.em for _, line in body)
    offsets = [(line.left - margins[page, line.column].left) / line.em for page, line in body]
    indented = sum(1.4 < offset < 2.7 for offset in offsets)
    uses_indents = indented >= max(2, 0.03 * len(body)) and any(abs(offset) < 0.5 for offset in offsets)
    pitches = [
        a.bottom - b.bottom for (page, a), (other, b) in pairwise(body) if page == other and a.column == b.column
    ]
    pitch = median(pitches) if pitches else 2 * em
    ends = [_end(before, line, margins, uses_indents, pitch, em) for before, line in pairwise(body)]
    return [*ends, LineEnd.CLOSED]


def _margins(body: Sequence[tuple[int, Line]]) -> dict[tuple[int, int], _Margins]:
    """Left and right edge of the text in each column of each page.

    A column with few lines takes them from the narrowest column that could hold it, on any page, or else from the whole text.
    """
    columns: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for page, line in body:
        columns[page, line.column].append(line)
    all_lines = [line for _, line in body]
    overall = _Margins(_common_left(all_lines), max(line.right for line in all_lines))
    own = {
        key: _Margins(_common_left(lines), _usual_right(lines))
        for key, lines in columns.items()
        if len(lines) >= _LEAST_LINES_OF_COLUMNS
    }
    models = sorted({(margins.right - margins.left, margins.left, margins.right) for margins in own.values()})
    for key, lines in columns.items():
        if key not in own:
            first, last = min(line.left for line in lines), max(line.right for line in lines)
            reach = lines[0].em / 2
            holders = (
                _Margins(left, right) for _, left, right in models if left - reach < first and last < right + reach
            )
            own[key] = next(holders, overall)
    return own


def _common_left(lines: Sequence[Line]) -> float:
    """Where lines begin: the leftmost edge that several share."""
    counts = Counter(round(line.left) for line in lines)
    shared = [
        left
        for left, count in counts.items()
        if count + counts[left + 1] + counts[left - 1] >= max(2, 0.15 * len(lines))
    ]
    return float(min(shared or counts))


def _usual_right(lines: Sequence[Line]) -> float:
    """Where full lines end."""
    rights = sorted(line.right for line in lines)
    return rights[min(int(len(rights) * 0.9), len(rights) - 1)]


def _end(
    before: tuple[int, Line],
    after: tuple[int, Line],
    margins: dict[tuple[int, int], _Margins],
    uses_indents: bool,
    pitch: float,
    body_em: float,
) -> LineEnd:
    (page, line), (next_page, following) = before, after
    own, others = margins[page, line.column], margins[next_page, following.column]
    em = line.em
    same_column = page == next_page and line.column == following.column
    step = line.bottom - following.bottom if same_column else 0.0
    if not 0.85 < following.em / em < 1.18 or max(line.cells, following.cells) > 1:
        return LineEnd.CLOSED
    if same_column and _is_centred(line, own) and _is_centred(following, others):
        is_title = em > 1.1 * body_em and not _OPENS.match(normalised(following.text))
        return LineEnd.OPEN if is_title and step < 2.2 * em else LineEnd.CLOSED
    if step > 1.45 * pitch or line.right < own.right - 3 * em:
        return LineEnd.CLOSED
    indent = (following.left - others.left) / em
    hangs = following.left > line.left + 0.5 * em and _BULLET.match(line.text) is not None
    if hangs or (uses_indents and indent < 0.7):
        return LineEnd.OPEN
    opens = uses_indents and indent < 2.7 and abs(following.left - line.left) > 0.5 * em
    return LineEnd.CLOSED if opens else LineEnd.UNKNOWN


def _is_centred(line: Line, margins: _Margins) -> bool:
    """Whether a line stands in the middle, away from both margins."""
    before, behind = line.left - margins.left, margins.right - line.right
    return before > line.em and behind > line.em and abs(before - behind) < 0.15 * (before + behind) + line.em
