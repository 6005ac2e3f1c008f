"""Measures the readers: blocks found against hand-made expectations, and paragraphs and megabytes a second by format.

`python tests/benchmarks/reading.py [--documents FOLDER]` prints Markdown; FOLDER may hold other documents, whose reading is timed and counted.
"""

import argparse
import io
import json
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pypdfium2 as pdfium
import xlsxwriter
from pyarrow import parquet

from model.paragraphs import BlockKind
from service.documents import DocumentBlock, Refusal, read_blocks
from service.reading_process import ReadingProcess

DOCUMENTS = Path(__file__).resolve().parent.parent / "documents" / "reading"
PARAGRAPHS = 5_000
PAGES = 300
ROUNDS = 3
SENTENCE = "设立科技信贷风险补偿资金池，支持合作银行为科技型中小企业提供知识产权质押贷款，对首次贷款的企业给予贴息。"

Block = tuple[str, str, tuple[str, ...]]


def expected_blocks(path: Path) -> Counter[Block]:
    """Kind, text and headings of what should be found in a document; of a page that is a picture, its number."""
    rows = [json.loads(line) for line in path.with_suffix(".expected.jsonl").read_text(encoding="utf-8").splitlines()]
    return Counter(
        (row["refusal"], str(row["page"]), ())
        if "refusal" in row
        else (row["kind"], row["text"], tuple(row["headings"]))
        for row in rows
    )


def found_blocks(path: Path) -> Counter[Block]:
    """The same of what is found."""
    return Counter(
        (str(item.kind), str(item.page), ())
        if isinstance(item, Refusal)
        else (item.kind.value, item.text, item.headings)
        for item in read_blocks(path, path.name)
    )


def agreement() -> Iterator[str]:
    """A Markdown table: precision and recall of blocks, a block counting where kind, whole text and headings are right."""
    yield "\n### Blocks found in the documents written for the tests\n"
    yield "| document | blocks expected | precision | recall |"
    yield "|---|---|---|---|"
    for path in sorted(DOCUMENTS.glob("*.expected.jsonl")):
        stem = path.name.removesuffix(".expected.jsonl")
        document = next(
            file for file in sorted(DOCUMENTS.glob(f"{stem}.*")) if file.suffix in {".docx", ".pdf", ".html", ".xlsx"}
        )
        expected, found = expected_blocks(document), found_blocks(document)
        right = (expected & found).total()
        yield f"| {document.name} | {expected.total()} | {right / found.total():.3f} | {right / expected.total():.3f} |"


def samples(folder: Path) -> Iterator[Path]:
    """A file of each format with `PARAGRAPHS` paragraphs (a PDF: `PAGES` pages), made in `folder`."""
    texts = [f"第{number}段。{SENTENCE * 3}" for number in range(PARAGRAPHS)]
    (folder / "text.txt").write_text("\n".join(texts), encoding="utf-8")
    (folder / "page.html").write_text("<html><body>" + "".join(f"<p>{text}</p>\n" for text in texts), encoding="utf-8")
    (folder / "table.csv").write_text(
        "编号,正文\n" + "".join(f"{number},{text}\n" for number, text in enumerate(texts)), encoding="utf-8"
    )
    (folder / "rows.jsonl").write_text(
        "".join(
            json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n" for number, text in enumerate(texts)
        ),
        encoding="utf-8",
    )
    parquet.write_table(pa.table({"text": texts, "id": range(PARAGRAPHS)}), folder / "table.parquet")
    with xlsxwriter.Workbook(folder / "book.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["编号", "正文"])
        for number, text in enumerate(texts, 1):
            sheet.write_row(number, 0, [number, text])
    with (
        zipfile.ZipFile(DOCUMENTS / "自动编号.docx") as source,
        zipfile.ZipFile(folder / "word.docx", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "word/document.xml":
                start, end = data.index(b"<w:body>") + len(b"<w:body>"), data.index(b"</w:body>")
                body = "".join(f"<w:p><w:pPr/><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts)
                data = data[:start] + body.encode() + data[end:]
            target.writestr(entry.filename, data)
    pages = pdfium.PdfDocument(DOCUMENTS / "双栏通知.pdf")
    document = pdfium.PdfDocument.new()
    for _ in range(PAGES // len(pages)):
        document.import_pages(pages)
    buffer = io.BytesIO()
    document.save(buffer)
    (folder / "print.pdf").write_bytes(buffer.getvalue())
    yield from sorted(folder.iterdir())


def throughput() -> Iterator[str]:
    """A Markdown table: paragraphs and megabytes a second of each format, and what the process of its own adds."""
    yield "\n### Reading (CPU of one thread; the last column is wall time through the reading process)\n"
    yield "| format | size, MB | paragraphs | paragraphs a second | MB a second | in the reading process, paragraphs a second |"
    yield "|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as name, ReadingProcess() as process:
        for path in samples(Path(name)):
            size = path.stat().st_size / 1e6
            best = aside = float("inf")
            paragraphs = 0
            for _ in range(ROUNDS):
                started = time.process_time()
                items = list(read_blocks(path, path.name))
                best = min(best, time.process_time() - started)
                paragraphs = sum(isinstance(item, DocumentBlock) and item.kind is BlockKind.PARAGRAPH for item in items)
                begun = time.perf_counter()
                for _item in process.read(path, path.name):
                    pass
                aside = min(aside, time.perf_counter() - begun)
            yield f"| {path.suffix} | {size:.1f} | {paragraphs:,} | {paragraphs / best:,.0f} | {size / best:.1f} | {paragraphs / aside:,.0f} |"


def survey(folder: Path) -> Iterator[str]:
    """A Markdown table: what is found in each document of a folder."""
    yield f"\n### The documents of {folder}\n"
    yield "| document | paragraphs | headings | bylines | furniture | refused | CPU, ms |"
    yield "|---|---|---|---|---|---|---|"
    for path in sorted(file for file in folder.iterdir() if file.is_file()):
        started = time.process_time()
        items = list(read_blocks(path, path.name))
        spent = time.process_time() - started
        kinds = Counter(item.kind for item in items if isinstance(item, DocumentBlock))
        refused = sum(isinstance(item, Refusal) for item in items)
        counts = " | ".join(
            str(kinds[kind]) for kind in (BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.BYLINE, BlockKind.FURNITURE)
        )
        yield f"| {path.name} | {counts} | {refused} | {spent * 1000:.0f} |"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, help="folder of other documents")
    options = parser.parse_args()
    print("## Reading documents")
    for section in (agreement(), throughput(), *([survey(options.documents)] if options.documents else [])):
        for line in section:
            print(line, flush=True)


if __name__ == "__main__":
    main()
