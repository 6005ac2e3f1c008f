"""PDF documents: characters with their boxes, by pdfium, to lines; `pdf_layout` makes paragraphs of them."""

import ctypes
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from model.paragraphs import BlockKind, SourceLine
from service.readers.pdf_layout import (
    Glyph,
    Line,
    PageLines,
    Run,
    lines_of_pages,
    lines_with_ends,
    page_furniture,
    runs_of_glyphs,
)
from service.readers.source import (
    DocumentBlock,
    Item,
    Refusal,
    RefusalKind,
    Source,
    UnreadableError,
    blocks_of_lines,
    clean,
)

MOST_PAGES = 2_000
_MOST_GLYPHS_A_PAGE = 200_000  # sixty times a full page of small print
_FEW_CHARACTERS = 30  # a page number and a stamp, beside a picture
_PICTURE_SHARE = 0.3  # of the page, from which a picture is what the page consists of
_MOST_OBJECTS = 5_000  # looked at to tell a picture
_DRAWN_OBJECTS = 30  # of a page without any text: letters drawn as curves
_NEEDS_OCR = "这一页是图片，没有可读取的文字；请先做文字识别（OCR）后再试。"


def read(source: Source) -> Iterator[Item]:
    """The blocks of a PDF document; a page that is only a picture becomes a `Refusal`, and the other pages come out.

    Raises:
        UnreadableError: it is encrypted, damaged or has too many pages.
    """
    pages = []
    with closing(_open(source)) as document:
        count = len(document)
        if count > MOST_PAGES:
            raise UnreadableError(f"PDF 有 {count} 页，最多读取 {MOST_PAGES} 页；请拆分后再试。", RefusalKind.TOO_LARGE)
        for number in range(1, count + 1):
            try:
                found = _read_page(document, number)
            except pdfium.PdfiumError:
                yield Refusal(source.name, "这一页已损坏，无法读取；其余各页照常。", page=number)
                continue
            if found is None:
                yield Refusal(source.name, _NEEDS_OCR, page=number, kind=RefusalKind.NEEDS_OCR)
            else:
                pages.append(found)
            source.tick()
    lines = lines_of_pages([page.runs for page in pages])
    yield from _blocks(
        [PageLines(page.number, own) for page, own in zip(pages, lines, strict=True)],
        {page.number: page.askew for page in pages},
        source.name,
    )


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    runs: list[Run]
    askew: str  # what does not stand upright on it: watermarks


def _open(source: Source) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(source.path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise UnreadableError("PDF 有打开密码；请去掉密码另存后再试。", RefusalKind.ENCRYPTED) from None
        raise UnreadableError("PDF 已损坏或不完整，无法打开；请重新取得这个文件后再试。") from None


def _read_page(document: pdfium.PdfDocument, number: int) -> "_Page | None":
    """What stands on a page, or None where it is a picture."""
    with closing(document[number - 1]) as page, closing(page.get_textpage()) as text_page:
        glyphs = _glyphs(text_page)
        if len(glyphs) < _FEW_CHARACTERS and _is_picture(page, bool(glyphs)):
            return None
    turned, askew = _upright(glyphs)
    return _Page(number, runs_of_glyphs(turned), "".join(glyph.text for glyph in askew))


def _glyphs(text_page: pdfium.PdfTextPage) -> list[Glyph]:
    """All characters of a page that are really drawn, in the order they are."""
    handle = text_page.raw
    count = min(pdfium_c.FPDFText_CountChars(handle), _MOST_GLYPHS_A_PAGE)
    box = pdfium_c.FS_RECTF()
    reference = ctypes.byref(box)
    get_unicode, is_generated, get_box, get_angle = (
        pdfium_c.FPDFText_GetUnicode,
        pdfium_c.FPDFText_IsGenerated,
        pdfium_c.FPDFText_GetLooseCharBox,
        pdfium_c.FPDFText_GetCharAngle,
    )
    glyphs: list[Glyph] = []
    high = 0
    space = False
    for index in range(count):
        code = get_unicode(handle, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00 if high else 0xFFFD
        high = 0
        char = chr(code)
        if code < 0x20 or char.isspace() or code in {0xFFFE, 0xFFFF}:
            space = space or (code >= 0x20 and char not in "\ufffe\uffff" and not is_generated(handle, index))
            continue
        if not get_box(handle, index, reference) or box.right <= box.left or box.top <= box.bottom:
            continue
        glyph = Glyph(char, box.left, box.right, box.bottom, box.top, get_angle(handle, index), space)
        if not (glyphs and _is_drawn_twice(glyphs[-1], glyph)):
            glyphs.append(glyph)
        space = False
    return glyphs


def _is_drawn_twice(before: Glyph, glyph: Glyph) -> bool:
    """Whether a character is drawn over itself to look bold."""
    reach = 0.15 * (glyph.top - glyph.bottom)
    return (
        before.text == glyph.text
        and abs(before.left - glyph.left) < reach
        and abs(before.bottom - glyph.bottom) < reach
    )


def _upright(glyphs: list[Glyph]) -> tuple[list[Glyph], list[Glyph]]:
    """The characters turned so that most of them stand upright, and those that still do not (watermarks)."""
    quarters = Counter(round(glyph.angle / (math.pi / 2)) % 4 for glyph in glyphs if _is_square(glyph.angle))
    quarter = quarters.most_common(1)[0][0] if quarters else 0
    upright, askew = [], []
    for glyph in glyphs:
        if _is_square(glyph.angle) and round(glyph.angle / (math.pi / 2)) % 4 == quarter:
            upright.append(glyph.turned(quarter))
        else:
            askew.append(glyph)
    return upright, askew


def _is_square(angle: float) -> bool:
    remainder = angle % (math.pi / 2)
    return min(remainder, math.pi / 2 - remainder) < 0.05


def _is_picture(page: pdfium.PdfPage, has_text: bool) -> bool:
    """Whether a page that has next to no text shows a picture, or letters drawn as curves."""
    width, height = page.get_size()
    covered = 0.0
    drawn = 0
    for thing in islice(page.get_objects(max_depth=3), _MOST_OBJECTS):
        if thing.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = thing.get_bounds()
            covered += max(right - left, 0) * max(top - bottom, 0)
        elif thing.type in {pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_SHADING}:
            drawn += 1
    return covered >= _PICTURE_SHARE * width * height or (not has_text and drawn >= _DRAWN_OBJECTS)


def _blocks(pages: list[PageLines], askew: dict[int, str], name: str) -> Iterator[Item]:
    """Blocks of the text, and between them, where their page begins or ends, what belongs to the pages."""
    furniture = page_furniture(pages)
    body: list[tuple[int, Line]] = []
    waiting: list[tuple[int, DocumentBlock]] = []  # page furniture, with the number of body lines before it
    for page in pages:
        place = {"file": name, "pages": [page.number, page.number]}
        start, foot = len(body), []
        if watermark := clean(askew[page.number]).strip():
            waiting.append((len(body), DocumentBlock(BlockKind.FURNITURE, watermark, (), place)))
        for position, line in enumerate(page.lines):
            if (page.number, position) in furniture:
                block = DocumentBlock(BlockKind.FURNITURE, clean(line.text), (), place)
                if line.bottom > page.middle():
                    waiting.append((start, block))
                else:
                    foot.append(block)
            else:
                body.append((page.number, line))
        waiting += ((len(body), block) for block in foot)
    ends = lines_with_ends(body)
    waiting.reverse()
    for item in blocks_of_lines(
        [SourceLine(clean(line.text), end) for (_, line), end in zip(body, ends, strict=True)],
        name,
        lambda first, last: {"pages": [body[first - 1][0], body[last - 1][0]], "line": first},
    ):
        if isinstance(item, DocumentBlock):
            first = item.place.pop("line")
            while waiting and waiting[-1][0] < first:
                yield waiting.pop()[1]
        yield item
    while waiting:
        yield waiting.pop()[1]
