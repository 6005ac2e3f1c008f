"""Word documents (.docx): paragraphs with their automatic numbers, table cells, notes and text boxes in the order they are read.

Read from the XML itself: python-docx passes over inserted text (w:ins), content controls and text boxes, which no reader may lose.
Tracked deletions, hidden text, field codes and comments are left out; page headers, footers and tables of contents are furniture.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from model.paragraphs import BlockKind, LineEnd, SourceLine
from service.readers.source import Item, Source, UnreadableError, blocks_of_lines, clean
from service.readers.word_numbering import Numbering
from service.readers.xml_part import Element, attribute, child, children, is_on, local, parse_part, value_of
from service.readers.zip_guard import open_zip, read_entry

_TICK_PARAGRAPHS = 500
_SKIPPED = frozenset(
    {"del", "moveFrom", "pPr", "rPr", "instrText", "delText", "delInstrText", "fldData", "rt", "sdtPr", "tblPr"}
)
_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_SEVERAL_SENTENCES = re.compile(r"[。！？；].*[。！？；]$")
_HEADING_NAME = re.compile(r"(?:heading|标题)\s*([1-9])$")
_BODY_OUTLINE_LEVEL = 9
_LONGEST_LINE_OF_STYLES = 20  # of styles based on each other, which a hostile file may tie to a ring


def read(source: Source) -> Iterator[Item]:
    """The blocks of a Word document.

    Raises:
        UnreadableError: it is damaged, or hostile.
    """
    with open_zip(source.path) as archive:
        document = _Document(archive, source)
        lines = document.lines()
    yield from blocks_of_lines(lines, source.name, lambda _first, _last: {})


@dataclass(slots=True)
class _Style:
    name: str
    based_on: str | None
    list_id: str | None
    level: str | None
    outline: str | None


@dataclass(slots=True)
class _ParagraphText:
    """What stands in a paragraph, and what hangs on it."""

    pieces: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)


class _Document:
    def __init__(self, archive: zipfile.ZipFile, source: Source) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._tick = source.tick
        main = next((target for kind, target in self._relations("") if kind == "officeDocument"), "word/document.xml")
        if main not in self._names:
            raise UnreadableError("文件里没有正文（word/document.xml），不是完整的 Word 文件；请重新取得后再试。")
        relations = self._relations(main)
        parts = {kind: target for kind, target in relations if target in self._names}
        self._body = child(self._part(main), "body")
        self._numbering = Numbering(self._part(parts["numbering"]) if "numbering" in parts else None)
        self._read_styles(self._part(parts["styles"]) if "styles" in parts else None)
        self._notes = {
            (kind, attribute(note, "id") or ""): note
            for kind in ("footnote", "endnote")
            if f"{kind}s" in parts
            for note in children(self._part(parts[f"{kind}s"]), kind)
        }
        self._headers, self._footers = (
            [target for kind, target in relations if kind == wanted and target in self._names]
            for wanted in ("header", "footer")
        )
        self._pending = ""  # text of a paragraph whose mark was deleted: it runs into the next
        self._paragraphs = 0

    def _part(self, name: str) -> Element:
        return parse_part(read_entry(self._archive, name), posixpath.basename(name))

    def _relations(self, part: str) -> list[tuple[str, str]]:
        """Kind and target of what `part` refers to within the file."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self._names:
            return []
        return [
            (
                (attribute(relation, "Type") or "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, attribute(relation, "Target") or "")).lstrip("/"),
            )
            for relation in children(self._part(path), "Relationship")
            if attribute(relation, "TargetMode") != "External"
        ]

    def _read_styles(self, root: Element | None) -> None:
        self._styles: dict[str, _Style] = {}
        self._default_style = ""
        for style in children(root, "style"):
            if attribute(style, "type") not in {None, "paragraph"}:
                continue
            identity = attribute(style, "styleId") or ""
            properties = child(style, "pPr")
            self._styles[identity] = _Style(
                (value_of(style, "name") or "").lower(),
                value_of(style, "basedOn"),
                value_of(properties, "numPr", "numId"),
                value_of(properties, "numPr", "ilvl"),
                value_of(properties, "outlineLvl"),
            )
            if attribute(style, "default") in {"1", "true", "on"}:
                self._default_style = identity

    def lines(self) -> list[SourceLine]:
        """Everything that is read, in order."""
        lines = [*self._page_lines(self._headers), *self._block_lines(self._body)]
        if self._pending:
            lines.append(SourceLine(self._pending, LineEnd.CLOSED))
        for kind, identity in sorted(key for key in self._notes if key[0] == "endnote"):
            lines += self._note_lines(kind, identity)
        return [*lines, *self._page_lines(self._footers)]

    def _page_lines(self, parts: list[str]) -> list[SourceLine]:
        """Page headers or footers, each text once."""
        texts = dict.fromkeys(
            text
            for part in parts
            for paragraph in self._part(part).iter()
            if local(paragraph) == "p" and (text := " ".join("".join(_text_of(paragraph).pieces).split()))
        )
        return [SourceLine(text, LineEnd.CLOSED, BlockKind.FURNITURE) for text in texts]

    def _block_lines(self, container: Element | None, cell: bool = False) -> Iterator[SourceLine]:
        """The lines of all paragraphs and tables in `container`, also those in content controls and the like."""
        for element in () if container is None else container:
            match local(element):
                case "p":
                    yield from self._paragraph_lines(element, cell)
                case "tbl":
                    yield from self._table_lines(element)
                case "AlternateContent":
                    yield from self._block_lines(_alternative(element), cell)
                case name if name not in _SKIPPED:
                    yield from self._block_lines(element, cell)

    def _table_lines(self, table: Element) -> Iterator[SourceLine]:
        """Each cell a text of its own; a table of one column is a frame around ordinary text."""
        rows = list(_descend(table, "tr", stop="tbl"))
        cells = [list(_descend(row, "tc", stop="tbl")) for row in rows]
        is_frame = max(map(len, cells), default=0) <= 1
        for row, row_cells in zip(rows, cells, strict=True):
            if child(row, "trPr", "del") is not None:
                continue
            for cell in row_cells:
                yield from self._block_lines(cell, not is_frame)

    def _paragraph_lines(self, paragraph: Element, cell: bool) -> Iterator[SourceLine]:
        self._paragraphs += 1
        if self._paragraphs % _TICK_PARAGRAPHS == 0:
            self._tick()
        properties = child(paragraph, "pPr")
        found = _text_of(paragraph)
        text = clean("".join(found.pieces))
        if child(properties, "rPr", "del") is not None or child(properties, "rPr", "moveFrom") is not None:
            self._pending += text
            text = ""
        elif text.strip() or self._pending:
            text, self._pending = self._pending + text, ""
        if text.strip():
            yield from self._lines_of_text(text, properties, cell)
        for box in found.boxes:
            yield from self._block_lines(box, cell)
        for kind, identity in found.notes:
            if kind == "footnote":
                yield from self._note_lines(kind, identity)

    def _lines_of_text(self, text: str, properties: Element | None, cell: bool) -> Iterator[SourceLine]:
        style_id = value_of(properties, "pStyle") or self._default_style
        label = self._label(properties, style_id)
        text = _numbered(label, text.strip(" \t\n")) if label else text
        kind, depth = self._heading(properties, style_id, text)
        if cell and kind is not BlockKind.FURNITURE:
            kind = BlockKind.PARAGRAPH
        if kind is not None:
            yield SourceLine(" ".join(text.split("\n")), LineEnd.CLOSED, kind, depth)
            return
        indent = "　" if _is_indented(properties) else ""
        *broken, last = text.strip("\n").split("\n")
        for line in broken:
            yield SourceLine(indent + line)
            indent = ""
        yield SourceLine(indent + last, LineEnd.MARKED)

    def _note_lines(self, kind: str, identity: str) -> Iterator[SourceLine]:
        note = self._notes.pop((kind, identity), None)
        if note is not None and attribute(note, "type") in {None, "normal"}:
            yield from self._block_lines(note)

    def _line_of_styles(self, style_id: str) -> Iterator[_Style]:
        """A style and those it is based on."""
        for _ in range(_LONGEST_LINE_OF_STYLES):
            style = self._styles.get(style_id)
            if style is None:
                return
            yield style
            style_id = style.based_on or ""

    def _label(self, properties: Element | None, style_id: str) -> str:
        list_id = value_of(properties, "numPr", "numId")
        level = value_of(properties, "numPr", "ilvl")
        if list_id is None:
            styled = next((style for style in self._line_of_styles(style_id) if style.list_id is not None), None)
            if styled is None or styled.list_id is None:
                return ""
            list_id = styled.list_id
            own = self._numbering.level_of_style(list_id, style_id)
            level = level or styled.level or (None if own is None else str(own))
        return self._numbering.next_label(list_id, int(level) if level and level.isdecimal() else 0)

    def _heading(self, properties: Element | None, style_id: str, text: str) -> tuple[BlockKind | None, int]:
        """What the style says a paragraph is, and of a heading its depth."""
        outline = value_of(properties, "outlineLvl")
        for style in self._line_of_styles(style_id):
            if style.name.startswith("toc "):
                return BlockKind.FURNITURE, 1
            if style.name in {"title", "subtitle"}:
                return BlockKind.HEADING, 1 if style.name == "title" else 2
            named = _HEADING_NAME.match(style.name)
            outline = outline or style.outline or (str(int(named.group(1)) - 1) if named else None)
        if (
            outline is None
            or not outline.isdecimal()
            or int(outline) >= _BODY_OUTLINE_LEVEL
            or _SEVERAL_SENTENCES.search(text)
        ):
            return None, 1
        return BlockKind.HEADING, int(outline) + 2  # the title stands above the outline


def _text_of(element: Element) -> _ParagraphText:
    found = _ParagraphText()
    _collect(element, found)
    return found


def _collect(element: Element, found: _ParagraphText) -> None:
    """Put what stands in `element` to `found`, in order."""
    for part in element:
        name = local(part)
        if name == "t":
            found.pieces.append(part.text or "")
        elif name in _CHARACTERS:
            found.pieces.append(_CHARACTERS[name])
        elif name == "sym":
            found.pieces.append(_symbol(attribute(part, "char")))
        elif name in {"footnoteReference", "endnoteReference"}:
            found.notes.append((name.removesuffix("Reference"), attribute(part, "id") or ""))
        elif name == "txbxContent":
            found.boxes.append(part)
        elif name == "AlternateContent":
            chosen = _alternative(part)
            if chosen is not None:
                _collect(chosen, found)
        elif name not in _SKIPPED and not (name == "r" and is_on(part, "rPr", "vanish")):
            _collect(part, found)


def _alternative(element: Element) -> Element | None:
    """The one of several renderings of the same that newer Word shows."""
    choice = child(element, "Choice")
    return child(element, "Fallback") if choice is None else choice


def _symbol(code: str | None) -> str:
    try:
        return chr(int(code or "", 16))
    except (ValueError, OverflowError):
        return ""


def _descend(element: Element, name: str, stop: str) -> Iterator[Element]:
    """Elements of that name below `element`, in order, none of them within another or within a `stop`."""
    for below in element:
        found = local(below)
        if found == name:
            yield below
        elif found not in {stop, *_SKIPPED}:
            yield from _descend(below, name, stop)


def _numbered(label: str, text: str) -> str:
    """The text behind its number; a space only where the two would run into each other (1.2023年, 第一章总则)."""
    close = label[-1] in "、)）。" or (label[-1] in ".．" and not text[:1].isascii())
    return label + ("" if close else " ") + text


def _is_indented(properties: Element | None) -> bool:
    indent = child(properties, "ind")
    return indent is not None and any(
        (attribute(indent, name) or "0").lstrip("-") not in {"0", ""} for name in ("firstLine", "firstLineChars")
    )
