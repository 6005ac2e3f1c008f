"""Word documents as python-docx writes them, and what it cannot write."""

import zipfile
from pathlib import Path

import docx
import pytest
from docx.document import Document

from model.paragraphs import BlockKind
from service.documents import DocumentBlock, Refusal, RefusalKind, read_blocks

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
SENTENCE = "设立科技信贷风险补偿资金池。"


def read(path: Path) -> list[DocumentBlock]:
    blocks = []
    for item in read_blocks(path, path.name):
        assert isinstance(item, DocumentBlock), item
        blocks.append(item)
    return blocks


def refusal(path: Path) -> Refusal:
    (item,) = read_blocks(path, path.name)
    assert isinstance(item, Refusal)
    return item


def write(path: Path, body: str, namespace: str = W) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>')
    return path


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


@pytest.fixture
def document() -> Document:
    return docx.Document()


def test_styles_and_tables_of_a_usual_document(document: Document, tmp_path: Path) -> None:
    document.add_heading("青石市规划", 0)
    document.add_heading("总体要求", 1)
    document.add_paragraph(SENTENCE)
    document.add_heading("人才", 2)
    document.add_paragraph("引进博士", style="List Bullet")
    document.add_paragraph("引进高级技师", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("事项", "单位", "建设孵化器", ""), strict=True
    ):
        cell.text = text
    document.sections[0].header.paragraphs[0].text = "内部资料"
    document.save(str(tmp_path / "a.docx"))
    assert [(block.kind.value, block.text, len(block.headings)) for block in read(tmp_path / "a.docx")] == [
        ("furniture", "内部资料", 0),
        ("heading", "青石市规划", 0),
        ("heading", "总体要求", 1),
        ("paragraph", SENTENCE, 2),
        ("heading", "人才", 2),
        ("paragraph", "• 引进博士", 3),
        ("paragraph", "• 引进高级技师", 3),
        ("paragraph", "事项", 3),
        ("paragraph", "单位", 3),
        ("paragraph", "建设孵化器", 3),
    ]


def test_the_place_of_a_word_document_is_the_file_alone(tmp_path: Path) -> None:
    (block,) = read(write(tmp_path / "a.docx", paragraph(SENTENCE)))
    assert block.place == {"file": "a.docx"}


def test_paragraphs_are_not_joined_but_lines_broken_by_hand_to_one_width_are(tmp_path: Path) -> None:
    short = [
        block.text
        for block in read(write(tmp_path / "a.docx", paragraph("• 专利申请快速增长") * 2 + paragraph("投入增加")))
    ]
    assert short == ["• 专利申请快速增长", "• 专利申请快速增长", "投入增加"]
    text = "".join(
        f"全县第{number}家科技企业孵化器正式开园并引进了一批创业团队，" for number in "一二三四五六七八九十" * 2
    )
    lines = [text[start : start + 30] for start in range(0, len(text), 30)]
    (joined,) = read(write(tmp_path / "b.docx", "".join(map(paragraph, lines))))
    assert joined.text == text


def test_strict_files_links_fields_and_content_controls_are_read(tmp_path: Path) -> None:
    body = (
        "<w:sdt><w:sdtPr><w:alias/></w:sdtPr><w:sdtContent><w:p>"
        "<w:hyperlink><w:r><w:t>设立</w:t></w:r></w:hyperlink><w:r><w:instrText>REF x</w:instrText></w:r>"
        "<w:fldSimple><w:r><w:t>科技</w:t></w:r></w:fldSimple><w:r><w:t>基金</w:t><w:noBreakHyphen/><w:t>一期。</w:t></w:r>"
        "</w:p></w:sdtContent></w:sdt>"
    )
    (block,) = read(write(tmp_path / "a.docx", body, STRICT))
    assert block.text == "设立科技基金-一期。"


def test_a_table_of_one_column_is_a_frame(tmp_path: Path) -> None:
    body = f"<w:tbl><w:tr><w:tc>{paragraph('一、总体要求')}{paragraph(SENTENCE)}</w:tc></w:tr></w:tbl>"
    assert [block.kind for block in read(write(tmp_path / "a.docx", body))] == [BlockKind.HEADING, BlockKind.PARAGRAPH]


def test_a_table_of_contents_is_furniture(document: Document, tmp_path: Path) -> None:
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("一、总体要求\t1", style="toc 1")
    document.add_paragraph(SENTENCE)
    document.save(str(tmp_path / "a.docx"))
    assert [block.kind for block in read(tmp_path / "a.docx")] == [BlockKind.FURNITURE, BlockKind.PARAGRAPH]


def test_a_paragraph_too_long_is_refused_and_the_others_come_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.docx", paragraph("甲" * 30_000) + paragraph(SENTENCE))
    refused, block = read_blocks(path, path.name)
    assert isinstance(refused, Refusal)
    assert "30000 字" in refused.message
    assert isinstance(block, DocumentBlock)


LAUGHS = '<!DOCTYPE a [<!ENTITY a "哈哈"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            f'{LAUGHS}<w:document xmlns:w="{W}"><w:body>{paragraph("&b;")}</w:body></w:document>', "DTD", id="entities"
        ),
        pytest.param(
            f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document xmlns:w="{W}"><w:body>{paragraph("&x;")}</w:body></w:document>',
            "DTD",
            id="external entity",
        ),
        pytest.param(f'<w:document xmlns:w="{W}"><w:body>{paragraph("甲")}', "不是有效的 XML", id="cut off"),
        pytest.param(
            f'<w:document xmlns:w="{W}"><w:body>{"<w:tbl><w:tr><w:tc>" * 500}</w:body></w:document>',
            "嵌套",
            id="nested",
        ),
        pytest.param(
            f'<w:document xmlns:w="{W}"><w:body>{paragraph("的" * 12_000_000)}</w:body></w:document>',
            "解压后",
            id="dense",
        ),
    ],
)
def test_hostile_xml_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("word/document.xml", text)
    message = refusal(path).message
    assert sentence in message
    assert "root:" not in message


def test_a_truncated_document_is_refused(document: Document, tmp_path: Path) -> None:
    document.add_paragraph(SENTENCE)
    document.save(str(tmp_path / "a.docx"))
    data = (tmp_path / "a.docx").read_bytes()
    for part in (len(data) // 2, len(data) - 10, 40):
        (tmp_path / "b.docx").write_bytes(data[:part])
        assert "已损坏或不完整" in refusal(tmp_path / "b.docx").message


def test_a_document_with_macros_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            TYPES.replace("openxmlformats-officedocument.wordprocessingml.document", "ms-word.document.macroEnabled"),
        )
    assert ".docm" in refusal(path).message
    assert refusal(path).kind == RefusalKind.UNSUPPORTED


def test_a_document_without_its_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", TYPES)
    assert "没有正文" in refusal(path).message
