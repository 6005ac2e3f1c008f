"""Web pages: the text that a browser shows, as blocks with their source lines; menus, crumbs and lists of links as furniture.

Python's own parser, which needs no tree: lxml gives nothing of a page nested a few hundred deep, and extractors drop short paragraphs
and tables. Scripts, forms and hidden parts are left out.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import islice

from model.errors import TextError
from model.paragraphs import BlockKind, LineEnd, SourceLine
from service.decoding import decode_text
from service.readers.source import Item, RefusalKind, Source, UnreadableError, blocks_of_lines, clean

_BYTES_PER_MIB = 1024 * 1024
LARGEST_PAGE_BYTES = 32 * _BYTES_PER_MIB
_FEED_CHARACTERS = 65_536

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_.:-]{2,30})""", re.IGNORECASE)
_BELIEVED = frozenset(
    {"utf-8", "utf-8-sig", "big5", "big5hkscs", "cp950"}
)  # a page that says Latin-1 is most often GBK
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_DROPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "select",
        "option",
        "textarea",
        "button",
        "head",
        "canvas",
        "audio",
        "video",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_MENUS = frozenset({"nav", "footer", "aside", "menu"})
_MENU_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|submenu|breadcrumbs?|crumbs?|sidebar|side|footer|foot|toolbar|topbar|copyright|friendlinks?|links|share|pager"
    r"|pagination|position|location|dqwz|weizhi|related|recommend)(?:$|[\s_\d-])",
    re.IGNORECASE,
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# An open element of this name ends where one of these begins.
_CLOSED_BY = {
    "p": _BLOCKS,
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "td": frozenset({"td", "th", "tr", "tbody", "tfoot"}),
    "th": frozenset({"td", "th", "tr", "tbody", "tfoot"}),
    "tr": frozenset({"tr", "tbody", "tfoot"}),
    "a": frozenset({"a"}),
}
_SPACES = re.compile(r"[ \t\r\n\f]+")
_LINE_BREAK = re.compile(
    r"(?<=[^\x00-\xff])[ \t]*[\r\n]\s*(?=[^\x00-\xff])"
)  # in the source; between ideographs it shows as nothing
_SENTENCE = re.compile(r"[。！？；]")
_LONG_TEXT = 40  # characters; with a sentence mark, no item of a menu
_FEWEST_LINKS = 3
_LONGEST_CELL = 1_000
_DEPTH_OF_CELL = 30  # elements between a cell or heading and its text
_MOST_OPEN = 20_000


def read(source: Source) -> Iterator[Item]:
    """The blocks of a web page.

    Raises:
        UnreadableError: it is larger than any page, or in no encoding that is known.
    """
    if source.path.stat().st_size > LARGEST_PAGE_BYTES:
        raise UnreadableError(
            f"网页超过 {LARGEST_PAGE_BYTES // _BYTES_PER_MIB} MB，请拆分后再试。", RefusalKind.TOO_LARGE
        )
    page = _Page()
    text = decode_page(source.path.read_bytes())
    for start in range(0, len(text), _FEED_CHARACTERS):
        page.feed(text[start : start + _FEED_CHARACTERS])
        source.tick()
    page.close()
    lines = page.finish()
    yield from blocks_of_lines(
        [line.as_source() for line in lines],
        source.name,
        lambda first, last: {"lines": [lines[first - 1].first, lines[last - 1].last]},
    )


def decode_page(data: bytes) -> str:
    """Decode a page: by byte order mark, else as strict UTF-8, else as it says (where GB2312 and GBK mean GB18030), else as GB18030.

    Raises:
        TextError: none of them fits.
    """
    declared = _CHARSET.search(data[:4096])
    if declared is not None and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        for name in ("utf-8-sig", declared.group(1).decode("ascii")):
            try:
                if codecs.lookup(name).name in _BELIEVED:
                    return data.decode(name)
            except (LookupError, ValueError):
                pass
    try:
        return decode_text(data)
    except TextError:
        if declared is None:
            raise
    # Pages put together by programs have a broken character here and there; most of the text must still be text.
    text = data.decode("utf-8" if declared.group(1).lower() == b"utf-8" else "gb18030", "replace")
    if text.count("\ufffd") > len(text) / 200 or "\0" in text:
        raise TextError("网页的编码无法辨认；请用浏览器打开，另存为 UTF-8 编码的网页后再试。")
    return text


@dataclass(slots=True)
class _PageLine:
    """A line of text as it is shown."""

    text: str
    first: int  # source lines
    last: int
    end: LineEnd
    kind: BlockKind | None = None
    depth: int = 1
    linked: int = 0  # characters within links

    def as_source(self) -> SourceLine:
        return SourceLine(self.text, self.end, self.kind, self.depth)

    def is_long(self) -> bool:
        return len(self.text) - self.linked >= _LONG_TEXT and _SENTENCE.search(self.text) is not None


@dataclass(slots=True)
class _Open:
    """An element whose end has not come."""

    name: str
    dropped: bool
    menu: bool
    lines_before: int
    long_lines_before: int


@dataclass(slots=True)
class _Text:
    """What has come of the line that is being read."""

    pieces: list[str] = field(default_factory=list)
    first: int = 0
    last: int = 0
    linked: int = 0


class _Page(HTMLParser):
    """Collects the lines of a page; never holds more of it than they and the names of open elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[_PageLine] = []
        self._open: list[_Open] = []
        self._counts: Counter[str] = Counter()
        self._dropped = 0  # open elements whose text is not shown
        self._text = _Text()
        self._preformatted = 0
        self._long_lines = 0
        self._menus: dict[int, int] = {}  # last line of a menu → its first

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self._open and tag in _CLOSED_BY.get(self._open[-1].name, ()):
            self._pop()
        if tag == "br":
            self._end_line(LineEnd.UNKNOWN)
            return
        if tag in _BLOCKS:
            self._end_line(LineEnd.MARKED)
        if tag in _VOID or len(self._open) >= _MOST_OPEN:
            return
        given = dict(attrs)
        dropped = tag in _DROPPED or "hidden" in given or _HIDDEN_STYLE.search(given.get("style") or "") is not None
        named = f"{given.get('class') or ''} {given.get('id') or ''}"
        menu = (
            tag in _MENUS
            or given.get("role") == "navigation"
            or (tag in _BLOCKS and _MENU_NAME.search(named) is not None)
        )
        self._open.append(_Open(tag, dropped, menu, len(self._lines), self._long_lines))
        self._counts[tag] += 1
        self._dropped += dropped
        self._preformatted += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "br":
            self._end_line(LineEnd.UNKNOWN)
        if not self._counts[tag]:
            return  # never opened
        while self._pop() != tag:
            pass

    def _pop(self) -> str:
        closed = self._open[-1]
        if closed.name in _BLOCKS:
            self._end_line(LineEnd.MARKED)
        self._open.pop()
        self._counts[closed.name] -= 1
        self._dropped -= closed.dropped
        self._preformatted -= closed.name == "pre"
        if closed.menu and self._long_lines == closed.long_lines_before:
            self._mark_menu(closed.lines_before)
        return closed.name

    def _mark_menu(self, first: int) -> None:
        """Mark the lines from `first` on as a menu, passing over those that menus within it have marked: each line is marked once."""
        position = end = len(self._lines)
        while position > first:
            if position in self._menus:
                position = self._menus[position]
                continue
            position -= 1
            line = self._lines[position]
            if line.kind is not BlockKind.HEADING or line.depth > 1:
                line.kind = BlockKind.FURNITURE
        self._menus[end] = min(position, self._menus.get(end, position))

    def handle_data(self, data: str) -> None:
        if self._dropped or not data:
            return
        number = self.getpos()[0]
        if self._preformatted:
            for position, line in enumerate(data.split("\n")):
                if position:
                    self._end_line(LineEnd.UNKNOWN)
                self._add(line, number + position, number + position)
            return
        stripped = data.lstrip()
        first = number + data.count("\n", 0, len(data) - len(stripped))
        self._add(data, first, first + stripped.rstrip().count("\n"))

    def _add(self, data: str, first: int, last: int) -> None:
        text = self._text
        if data.strip():
            text.first = text.first or first
            text.last = last
            if self._counts["a"]:
                text.linked += len("".join(data.split()))
        text.pieces.append(data)

    def _end_line(self, end: LineEnd) -> None:
        text = _SPACES.sub(" ", _LINE_BREAK.sub("", "".join(self._text.pieces)))
        if self._text.first:
            kind, depth = self._kind(len(text))
            closed = LineEnd.CLOSED if kind is not None else end
            self._lines.append(
                _PageLine(clean(text), self._text.first, self._text.last, closed, kind, depth, self._text.linked)
            )
            self._long_lines += self._lines[-1].is_long()
        elif end is LineEnd.MARKED and self._lines and self._lines[-1].end is LineEnd.UNKNOWN:
            self._lines[-1].end = LineEnd.MARKED  # a break right before the end of its block
        self._text = _Text()

    def _kind(self, length: int) -> tuple[BlockKind | None, int]:
        """What the innermost elements say the line is."""
        for element in islice(reversed(self._open), _DEPTH_OF_CELL):
            if element.name in {"h1", "h2", "h3", "h4", "h5", "h6"}:
                return BlockKind.HEADING, int(element.name[1])
            if element.name in {"td", "th"}:
                is_cell = self._counts["table"] == 1 and length <= _LONGEST_CELL
                return (BlockKind.PARAGRAPH if is_cell else None), 1
            if element.name in {"table", "div", "body"}:
                break
        return None, 1

    def finish(self) -> list[_PageLine]:
        """All lines, once the page is closed."""
        while self._open:
            self._pop()
        self._end_line(LineEnd.MARKED)
        self._mark_link_lists()
        return self._lines

    def _mark_link_lists(self) -> None:
        """Lines that are links alone, several on end, are menus whatever they are called."""
        run: list[_PageLine] = []
        for line in [*self._lines, _PageLine("", 0, 0, LineEnd.CLOSED)]:
            if line.linked and line.linked >= 0.9 * len("".join(line.text.split())) and len(line.text) <= 60:
                run.append(line)
                continue
            if len(run) >= _FEWEST_LINKS:
                for link in run:
                    link.kind, link.end = BlockKind.FURNITURE, LineEnd.CLOSED
            run = []
