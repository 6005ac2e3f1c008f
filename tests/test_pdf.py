"""PDF: pages that are hostile, encrypted or pictures, and the layout of those that are not."""

import zlib
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from model.paragraphs import LineEnd
from service.documents import DocumentBlock, Refusal, RefusalKind, read_blocks
from service.readers.pdf import MOST_PAGES
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

FOLDER = Path(__file__).parent / "documents" / "reading"
TEXT = b"BT /F1 12 Tf 10 700 Td (A page with a line of text that is long enough.) Tj ET"


def make_pdf(
    path: Path, content: bytes, pages: int = 1, kids: bytes = b"3 0 R", trailer: bytes = b"", filters: int = 1
) -> Path:
    """A PDF whose pages all show `content`."""
    for _ in range(filters):
        content = zlib.compress(content, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + b" ".join([kids] * pages) + b"]/Count %d>>" % pages,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter[%b]>>stream\n%b\nendstream" % (len(content), b"/FlateDecode" * filters, content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data = b"%PDF-1.4\n"
    table = b"xref\n0 6\n0000000000 65535 f \n"
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(data)
    path.write_bytes(
        data
        + table
        + b"trailer<</Size 6/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF" % (trailer.replace(b"START", b"%d" % start), start)
    )
    return path


def refusal(path: Path) -> Refusal:
    (item,) = read_blocks(path, path.name)
    assert isinstance(item, Refusal)
    return item


def test_a_page_of_text(tmp_path: Path) -> None:
    (block,) = read_blocks(make_pdf(tmp_path / "a.pdf", TEXT), "a.pdf")
    assert isinstance(block, DocumentBlock)
    assert block.text == "A page with a line of text that is long enough."
    assert block.place == {"file": "a.pdf", "pages": [1, 1]}


def test_an_empty_page_is_neither_text_nor_picture(tmp_path: Path) -> None:
    assert list(read_blocks(make_pdf(tmp_path / "a.pdf", b" "), "a.pdf")) == []


def test_letters_drawn_as_curves_need_ocr(tmp_path: Path) -> None:
    refused = refusal(make_pdf(tmp_path / "a.pdf", b"0 0 m 9 9 l S\n" * 100))
    assert (refused.kind, refused.page) == (RefusalKind.NEEDS_OCR, 1)


def test_too_many_pages(tmp_path: Path) -> None:
    refused = refusal(make_pdf(tmp_path / "a.pdf", TEXT, MOST_PAGES + 1))
    assert refused.kind == RefusalKind.TOO_LARGE
    assert str(MOST_PAGES) in refused.message


def test_pages_that_are_their_own_children(tmp_path: Path) -> None:
    assert refusal(make_pdf(tmp_path / "a.pdf", TEXT, kids=b"2 0 R"))


def test_a_cross_reference_table_that_refers_to_itself(tmp_path: Path) -> None:
    items = list(read_blocks(make_pdf(tmp_path / "a.pdf", TEXT, trailer=b"/Prev START"), "a.pdf"))
    assert len(items) == 1


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_truncated_file_is_refused_or_mended(share: float, tmp_path: Path) -> None:
    data = make_pdf(tmp_path / "a.pdf", TEXT).read_bytes()
    (tmp_path / "b.pdf").write_bytes(data[: int(len(data) * share)])
    for item in read_blocks(tmp_path / "b.pdf", "b.pdf"):
        assert isinstance(item, Refusal)
        assert item.message.endswith("。")


def test_a_password(tmp_path: Path) -> None:
    make_pdf(
        tmp_path / "a.pdf",
        TEXT,
        trailer=b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -44/O<"
        + b"41" * 32
        + b">/U<"
        + b"42" * 32
        + b">>>",
    )
    refused = refusal(tmp_path / "a.pdf")
    assert refused.kind == RefusalKind.ENCRYPTED
    assert "密码" in refused.message


def test_a_turned_page_is_read_upright(tmp_path: Path) -> None:
    document = pdfium.PdfDocument(FOLDER / "双栏通知.pdf")
    for number in range(len(document)):
        document[number].set_rotation(90)
    document.save(tmp_path / "a.pdf")
    upright, turned = (
        [item.text for item in read_blocks(path, "a.pdf") if isinstance(item, DocumentBlock)]
        for path in (FOLDER / "双栏通知.pdf", tmp_path / "a.pdf")
    )
    assert turned == upright


def glyphs(text: str, left: float, bottom: float = 100, step: float = 12) -> list[Glyph]:
    return [
        Glyph(char, left + step * index, left + step * index + 12, bottom, bottom + 12)
        for index, char in enumerate(text)
    ]


def test_a_wide_gap_parts_runs_and_a_space_is_kept_where_it_shows() -> None:
    assert [run.text for run in runs_of_glyphs([*glyphs("市长", 0), *glyphs("张三", 48)])] == ["市长", "张三"]
    letters = [Glyph("a", 0, 6, 0, 12), Glyph("b", 6, 12, 0, 12), Glyph("c", 16, 22, 0, 12)]
    assert [run.text for run in runs_of_glyphs(letters)] == ["ab c"]


def test_a_superscript_stays_on_its_line() -> None:
    raised = Glyph("2", 24, 28, 107, 113)
    (page,) = lines_of_pages([runs_of_glyphs([*glyphs("平米", 0), raised, *glyphs("以上", 28)])])
    assert [line.text for line in page] == ["平米2以上"]


def column(left: float, count: int, text: str = "一行有二十个字的正文用来填满这一栏的宽度") -> list[Run]:
    return [Run(f"{number}{text}", left, left + 240, 700 - 20 * number, 712 - 20 * number) for number in range(count)]


def test_columns_are_read_one_after_the_other_even_where_they_are_drawn_line_by_line() -> None:
    left, right = column(50, 10, "左"), column(310, 10, "右")
    title = Run("横跨两栏的标题", 150, 450, 750, 770)
    drawn = [title, *(run for pair in zip(left, right, strict=True) for run in pair)]
    (page,) = lines_of_pages([drawn])
    assert [line.text for line in page] == [title.text, *(run.text for run in left), *(run.text for run in right)]


def test_a_table_is_read_row_by_row() -> None:
    rows = [
        [
            Run(f"单位{number}", 50, 110, 700 - 20 * number, 712 - 20 * number),
            Run("任务", 310, 310 + 30 + 7 * number, 700 - 20 * number, 712 - 20 * number),
        ]
        for number in range(8)
    ]
    (page,) = lines_of_pages([[run for row in rows for run in row]])
    assert [line.text for line in page] == [f"单位{number} 任务" for number in range(8)]
    assert {line.cells for line in page} == {2}


def line(text: str, left: float = 50, right: float = 530, bottom: float = 100, size: float = 12) -> Line:
    return Line(text, left, right, bottom, bottom + size, 0)


def test_running_heads_and_page_numbers_are_furniture() -> None:
    pages = [
        PageLines(
            number,
            [
                line("内部资料", bottom=780),
                *(
                    line(f"正文{'甲乙丙丁'[number - 1]}{'子丑寅卯辰巳午未'[row]}", bottom=700 - 20 * row)
                    for row in range(8)
                ),
                line(f"- {number} -", bottom=30),
            ],
        )
        for number in range(1, 5)
    ]
    assert page_furniture(pages) == {(number, position) for number in range(1, 5) for position in (0, 9)}


def test_a_paragraph_goes_on_across_pages_and_ends_where_the_next_is_indented() -> None:
    def page(lines: list[Line]) -> list[Line]:
        return [Line(own.text, own.left, own.right, 700 - 20 * row, 712 - 20 * row, 0) for row, own in enumerate(lines)]

    first = page([line("首", left=74), line("次"), line("末", right=300), line("首", left=74), line("次"), line("满")])
    second = page([line("续"), line("末", right=200), line("首", left=74), line("次"), line("末", right=300)])
    ends = lines_with_ends([*((1, own) for own in first), *((2, own) for own in second)])
    opened, closed = LineEnd.OPEN, LineEnd.CLOSED
    assert ends == [opened, opened, closed, opened, opened, opened, opened, closed, opened, opened, closed]


def test_no_lines_no_ends() -> None:
    assert lines_with_ends([]) == []
    assert lines_of_pages([[]]) == [[]]
    assert page_furniture([PageLines(1, [])]) == set()
