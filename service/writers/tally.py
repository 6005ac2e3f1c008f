"""How many paragraphs have which theme: in all, by document, and by the part of a document that a heading opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import NamedTuple

from service.run import Row, Run
from service.writers.row_parts import file_of, headings_of, sheet_row_of

# Counts stay in memory while rows pass: beyond these the rest is counted together, and the totals stay right.
_MOST_DOCUMENTS = 100_000
_MOST_REGIONS = 50_000
_LONGEST_NAME = 80

REST_OF_DOCUMENTS = "（其余文件）"
REST_OF_REGIONS = "（其余部分）"
NO_FILE = "（未注明文件）"
NO_HEADING = "（标题之前）"


@dataclass(slots=True)
class Counts:
    """Paragraphs: all, those with some theme, those to look at again, and those of each theme in the model's order."""

    themes: list[int]
    paragraphs: int = 0
    themed: int = 0
    uncertain: int = 0

    def add(self, row: Row, theme_ids: Sequence[str]) -> None:
        """Count one row."""
        self.paragraphs += 1
        self.themed += bool(row["themes"])
        self.uncertain += bool(row["uncertain"])
        for position, theme in enumerate(theme_ids):
            self.themes[position] += theme in row["themes"]

    def merge(self, other: "Counts") -> None:
        """Count what `other` counted."""
        self.paragraphs += other.paragraphs
        self.themed += other.themed
        self.uncertain += other.uncertain
        self.themes = [own + more for own, more in zip(self.themes, other.themes, strict=True)]


class Region(NamedTuple):
    """A part of a document: what stands under one of its outermost headings, or a sheet."""

    document: str
    name: str
    counts: Counts


class Tally:
    """Counts that grow row by row."""

    def __init__(self, run: Run) -> None:
        self._theme_ids = [theme.id for theme in run.themes]
        self.total = self._none()
        self._documents: dict[str, Counts] = {}
        self._regions: dict[tuple[str, str, str], Counts] = {}

    def add(self, row: Row) -> None:
        """Count one row."""
        document = file_of(row)
        if document not in self._documents and len(self._documents) >= _MOST_DOCUMENTS:
            document = REST_OF_DOCUMENTS
        outer, inner = self._region_of(row)
        region = (document, outer, inner)
        if region not in self._regions and len(self._regions) >= _MOST_REGIONS:
            region = (REST_OF_DOCUMENTS, REST_OF_REGIONS, "")
        for counts in (
            self.total,
            self._documents.setdefault(document, self._none()),
            self._regions.setdefault(region, self._none()),
        ):
            counts.add(row, self._theme_ids)

    def documents(self) -> list[tuple[str, Counts]]:
        """Each document, in the order in which they came; what all names begin with (the folder) is left out of them."""
        short = _without_common_folder(list(self._documents))
        return [(short[name], counts) for name, counts in self._documents.items()]

    def regions(self) -> list[Region]:
        """The parts of each document, in their order.

        Under a single outermost heading (the title) the headings below it part the document; else the outermost ones do. Documents
        without a heading have no parts.
        """
        short = _without_common_folder(list(self._documents))
        outermost: dict[str, set[str]] = {}
        for document, outer, _ in self._regions:
            outermost.setdefault(document, set()).add(outer)
        merged: dict[tuple[str, str], Counts] = {}
        for (document, outer, inner), counts in self._regions.items():
            name = (inner if len(outermost[document] - {""}) <= 1 else outer) or NO_HEADING
            merged.setdefault((document, name), self._none()).merge(counts)
        parted = {document for document, name in merged if name != NO_HEADING}
        return [
            Region(short.get(document, document), name, counts)
            for (document, name), counts in merged.items()
            if document in parted
        ]

    def named_regions(self) -> list[tuple[str, Counts]]:
        """The parts of each document by one name: that of the heading, below that of the document where there are several."""
        regions = self.regions()
        several = len({region.document for region in regions}) > 1
        return [(f"{region.document} › {region.name}" if several else region.name, region.counts) for region in regions]

    def _none(self) -> Counts:
        return Counts([0] * len(self._theme_ids))

    @staticmethod
    def _region_of(row: Row) -> tuple[str, str]:
        table = sheet_row_of(row)
        headings = [heading[:_LONGEST_NAME] for heading in headings_of(row)[:2]]
        if table is not None and not headings and table[0]:
            return "", f"工作表“{table[0]}”"
        return headings[0] if headings else "", headings[1] if len(headings) > 1 else ""


def most_themed(parts: Sequence[tuple[str, Counts]], most: int) -> list[tuple[str, Counts]]:
    """At most `most` of `parts`: those with the most paragraphs that have a theme, most first."""
    return sorted(parts, key=lambda part: -part[1].themed)[:most]


def _without_common_folder(names: Sequence[str]) -> dict[str, str]:
    """Each of `names` by what is left of it without the folder that they share."""
    paths = {name for name in names if name and name != REST_OF_DOCUMENTS}
    shared = commonprefix([min(paths), max(paths)]) if paths else ""  # noqa: RUF071 (cut to whole folders below)
    folder = max(shared.rfind("/"), shared.rfind("\\")) + 1
    return {name: name[folder:] if name in paths else name or NO_FILE for name in names}
