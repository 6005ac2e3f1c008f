"""Which formats there are: by the ending of a name, and by how a file begins, which is what counts where the two disagree."""

import re
import zipfile
from enum import StrEnum
from pathlib import Path

from service.readers.source import RefusalKind, UnreadableError
from service.readers.zip_guard import open_zip


class Format(StrEnum):
    """A format that can be read."""

    TEXT = "text"
    JSON_LINES = "json_lines"
    WEB_PAGE = "web_page"
    PDF = "pdf"
    WORD = "word"
    WORKBOOK = "workbook"  # xlsx, xls, ods
    DELIMITED = "delimited"
    PARQUET = "parquet"
    ARCHIVE = "archive"


ENDINGS = {
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".md": Format.TEXT,
    ".markdown": Format.TEXT,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".html": Format.WEB_PAGE,
    ".htm": Format.WEB_PAGE,
    ".xhtml": Format.WEB_PAGE,
    ".pdf": Format.PDF,
    ".docx": Format.WORD,
    ".xlsx": Format.WORKBOOK,
    ".xls": Format.WORKBOOK,
    ".ods": Format.WORKBOOK,
    ".csv": Format.DELIMITED,
    ".tsv": Format.DELIMITED,
    ".parquet": Format.PARQUET,
    ".zip": Format.ARCHIVE,
}
# Formats of documents that cannot be read, which a user must hear about and not find missing.
ADVICE = {
    ".doc": "这是旧版 Word 文件（.doc）；请用 Word 或 WPS 打开，另存为 .docx 后再试。",
    ".dot": "这是旧版 Word 模板（.dot）；请用 Word 或 WPS 打开，另存为 .docx 后再试。",
    ".wps": "这是 WPS 文字文件（.wps）；请用 WPS 打开，另存为 .docx 后再试。",
    ".et": "这是 WPS 表格文件（.et）；请用 WPS 打开，另存为 .xlsx 后再试。",
    ".ofd": "这是 OFD 版式文件；请用 OFD 阅读器导出为 PDF（保留文字），或复制文字另存为 .txt 后再试。",
    ".rtf": "这是 RTF 文件；请用 Word 或 WPS 打开，另存为 .docx 后再试。",
    ".docm": "这是带宏的 Word 文件（.docm），不予读取；请另存为不带宏的 .docx 后再试。",
    ".xlsm": "这是带宏的 Excel 文件（.xlsm），不予读取；请另存为不带宏的 .xlsx 后再试。",
    ".ppt": "这是演示文稿（.ppt），不能读取；请把文字另存为 .docx 或 .txt 后再试。",
    ".pptx": "这是演示文稿（.pptx），不能读取；请把文字另存为 .docx 或 .txt 后再试。",
    ".odt": "这是 OpenDocument 文本（.odt）；请另存为 .docx 后再试。",
    ".caj": "这是知网 CAJ 文件；请导出为 PDF（保留文字）后再试。",
    ".mht": "这是单文件网页（.mht）；请在浏览器中另存为 .html 后再试。",
    ".rar": "这是 RAR 压缩包；请解压，或改用 zip 后再试。",
    ".7z": "这是 7z 压缩包；请解压，或改用 zip 后再试。",
}
READABLE = ".docx .pdf .html .txt .md .xlsx .xls .ods .csv .tsv .jsonl .parquet .zip"

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGE = "这是图片文件，不含文字；请先做文字识别（OCR），另存为文本后再试。"
# How files begin, and what to tell the owner.
_FOREIGN = (
    (b"{\\rtf", ADVICE[".rtf"]),
    (b"\x89PNG", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF8", _IMAGE),
    (b"II*\0", _IMAGE),
    (b"MM\0*", _IMAGE),
    (b"\x1f\x8b", "这是 gzip 压缩文件；请解压后再试。"),
    (b"Rar!", ADVICE[".rar"]),
    (b"7z\xbc\xaf", ADVICE[".7z"]),
    (b"CAJ", ADVICE[".caj"]),
    (b"MZ", "这是程序文件，不是文档。"),
)
_WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,500}?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_HEAD_BYTES = 4096
_LARGEST_OLE_SEARCH = 64 * 1024 * 1024


def format_of_name(name: str) -> Format | None:
    """The format that the ending of `name` promises."""
    return ENDINGS.get(Path(name).suffix.lower())


def recognise(path: Path, name: str) -> Format:
    """The format of the file at `path`, known to users as `name`: by how it begins, else by the ending of its name.

    Raises:
        UnreadableError: it is of no format that can be read, or of none that its ending can be; the message says what it is and what to do.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    promised = format_of_name(name)
    ending = Path(name).suffix.lower()
    if not head:
        raise UnreadableError("文件是空的（0 字节）。", RefusalKind.EMPTY)
    found = _recognise_head(path, head, ending)
    if found is not None:
        return found
    if promised is None:
        raise UnreadableError(_unsupported(ending), RefusalKind.UNSUPPORTED)
    if promised is Format.WORKBOOK and ending == ".xls" and _looks_like_text(head):
        return Format.WEB_PAGE if re.search(rb"<table\b", head, re.IGNORECASE) else Format.DELIMITED
    if promised in {Format.PDF, Format.WORD, Format.WORKBOOK, Format.PARQUET, Format.ARCHIVE}:
        raise UnreadableError(
            f"内容不是有效的 {ending} 文件（可能已损坏、没有下载完整，或改过扩展名）；请重新取得这个文件，或用原来的扩展名再试。"
        )
    return promised


def _recognise_head(path: Path, head: bytes, ending: str) -> Format | None:
    """What the first bytes say, if they say anything."""
    if b"%PDF-" in head[:1024]:
        return Format.PDF
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _recognise_zip(path)
    if head.startswith(_OLE):
        return _recognise_ole(path, ending)
    for signature, what in _FOREIGN:
        if head.startswith(signature) and (len(signature) > 3 or b"\0" in head):
            raise UnreadableError(what, RefusalKind.NEEDS_OCR if what is _IMAGE else RefusalKind.UNSUPPORTED)
    return Format.WEB_PAGE if _WEB_PAGE.match(head) else None


def _recognise_zip(path: Path) -> Format:
    with open_zip(path) as archive:
        names = set(archive.namelist())
        if "[Content_Types].xml" in names:
            return _recognise_office(archive)
        if "mimetype" in names:
            kind = archive.read("mimetype")[:100]
            if b"opendocument.spreadsheet" in kind:
                return Format.WORKBOOK
            if b"opendocument.text" in kind:
                raise UnreadableError(ADVICE[".odt"], RefusalKind.UNSUPPORTED)
        if "OFD.xml" in names:
            raise UnreadableError(ADVICE[".ofd"], RefusalKind.UNSUPPORTED)
    return Format.ARCHIVE


def _recognise_office(archive: zipfile.ZipFile) -> Format:
    types = archive.read("[Content_Types].xml")
    for part, ending in ((b"ms-word.document.macroEnabled", ".docm"), (b"ms-excel.sheet.macroEnabled", ".xlsm")):
        if part in types:
            raise UnreadableError(ADVICE[ending], RefusalKind.UNSUPPORTED)
    if b"wordprocessingml.document.main" in types or b"wordprocessingml.template.main" in types:
        return Format.WORD
    if (
        b"spreadsheetml.sheet.main" in types
        or b"spreadsheetml.template.main" in types
        or b"ms-excel.sheet.binary" in types
    ):
        return Format.WORKBOOK
    if b"presentationml" in types:
        raise UnreadableError(ADVICE[".pptx"], RefusalKind.UNSUPPORTED)
    raise UnreadableError("这是不认识的 Office 文件；请另存为 .docx 或 .xlsx 后再试。", RefusalKind.UNSUPPORTED)


def _recognise_ole(path: Path, ending: str) -> Format:
    """The old Office container: what it holds is told by the names of its streams."""
    with path.open("rb") as file:
        data = file.read(_LARGEST_OLE_SEARCH)

    def has(stream: str) -> bool:
        return stream.encode("utf-16-le") in data

    if has("EncryptedPackage"):
        raise UnreadableError("文件有打开密码；请在 Word、Excel 或 WPS 中去掉密码，另存后再试。", RefusalKind.ENCRYPTED)
    if has("WordDocument") and not (ending in {".xls", ".et"} and has("Workbook")):
        raise UnreadableError(ADVICE[".wps" if ending == ".wps" else ".doc"], RefusalKind.UNSUPPORTED)
    if has("Workbook") or has("Book"):
        return Format.WORKBOOK
    if has("PowerPoint Document"):
        raise UnreadableError(ADVICE[".ppt"], RefusalKind.UNSUPPORTED)
    raise UnreadableError(
        ADVICE.get(ending, "这是旧版 Office 或 WPS 文件；请另存为 .docx 或 .xlsx 后再试。"), RefusalKind.UNSUPPORTED
    )


def _looks_like_text(head: bytes) -> bool:
    return b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _unsupported(ending: str) -> str:
    if ending in ADVICE:
        return ADVICE[ending]
    return f"不能读取{f' {ending} ' if ending else '没有扩展名的'}文件；可读取 {READABLE.replace(' ', '、')}。请另存为其中一种（如 UTF-8 文本 .txt）后再试。"
