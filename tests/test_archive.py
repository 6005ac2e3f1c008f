"""Zip archives, hostile ones among them, and files that are not what they are called."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from service.documents import DocumentBlock, Refusal, RefusalKind, read_blocks
from service.readers.zip_guard import MOST_ENTRIES

FOLDER = Path(__file__).parent / "documents" / "reading"
SENTENCE = "设立科技信贷风险补偿资金池。"


def read(path: Path) -> list[DocumentBlock | Refusal]:
    return list(read_blocks(path, path.name))


def refusal(path: Path) -> Refusal:
    (item,) = read(path)
    assert isinstance(item, Refusal)
    return item


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_each_member_is_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("自动编号.docx", "人才问答.html"):
            archive.write(FOLDER / name, f"文件夹/{name}")
        archive.writestr("旧.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"))
        archive.writestr("行.jsonl", '{"id": 1, "text": "甲"}')
        archive.writestr("里层.zip", zipped(**{"a.txt": SENTENCE.encode(), "b.zip": zipped(**{"c.txt": b"x"})}))
        archive.writestr("图.png", b"\x89PNG")
        archive.writestr("__MACOSX/._a.txt", b"x")
        archive.writestr("../../外面.txt", SENTENCE)
    items = read(path)
    files = list(dict.fromkeys(item.file if isinstance(item, Refusal) else item.place["file"] for item in items))
    assert files == [
        *("a.zip/文件夹/自动编号.docx", "a.zip/文件夹/人才问答.html", "a.zip/旧.doc", "a.zip/行.jsonl"),
        *("a.zip/里层.zip/a.txt", "a.zip/里层.zip/b.zip", "a.zip/外面.txt"),
    ]
    inside = [item for item in items if isinstance(item, DocumentBlock) and item.place["file"] == files[0]]
    assert [block.text for block in inside] == [
        block.text for block in read_blocks(FOLDER / "自动编号.docx", "x") if isinstance(block, DocumentBlock)
    ]
    assert [item.kind for item in items if isinstance(item, Refusal)] == [
        RefusalKind.UNSUPPORTED,
        RefusalKind.TOO_LARGE,
    ]
    assert not (tmp_path.parent / "外面.txt").exists()


def test_chinese_names_of_windows_are_read(tmp_path: Path) -> None:
    data = zipped(**{"abcd.txt": SENTENCE.encode()}).replace(b"abcd.txt", "政策".encode("gbk") + b".txt")
    (tmp_path / "a.zip").write_bytes(data)
    (block,) = read(tmp_path / "a.zip")
    assert isinstance(block, DocumentBlock)
    assert block.place["file"] == "a.zip/政策.txt"


def encrypted(data: bytes) -> bytes:
    """An archive whose members say that they are encrypted."""
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = data.index(signature) + offset
        data = data[:position] + b"\x01" + data[position + 1 :]
    return data


def overlapping(data: bytes) -> bytes:
    """An archive whose directory names one member ten times over."""
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entries = b"".join(data[start:end].replace(b"a0.txt", b"a%d.txt" % number) for number in range(10))
    return data[:start] + entries + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, len(entries), start, 0)


@pytest.mark.parametrize(
    ("data", "kind", "sentence"),
    [
        pytest.param(zipped(**{"a.txt": b"a" * 20_000_000}), RefusalKind.TOO_LARGE, "倍", id="dense"),
        pytest.param(
            zipped(**{f"{number}.txt": b"" for number in range(MOST_ENTRIES + 1)}),
            RefusalKind.TOO_LARGE,
            "个文件",
            id="many",
        ),
        pytest.param(overlapping(zipped(**{"a0.txt": b"a" * 1000})), RefusalKind.TOO_LARGE, "重叠", id="overlapping"),
        pytest.param(encrypted(zipped(**{"a.txt": b"abc"})), RefusalKind.ENCRYPTED, "密码", id="encrypted"),
        pytest.param(zipped(**{"a.txt": b"abc" * 99})[:-30], RefusalKind.UNREADABLE, "已损坏", id="truncated"),
        pytest.param(
            zipped(**{"a.txt": b"abcdefgh" * 99}).replace(b"a.txt", b"a.txt\x00"[:5], 1)[:60] + b"PK",
            RefusalKind.UNREADABLE,
            "已损坏",
            id="cut off",
        ),
        pytest.param(b"PK\x05\x06" + b"\0" * 18, None, "", id="empty"),
    ],
)
def test_hostile_archives(data: bytes, kind: RefusalKind | None, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    items = read(tmp_path / "a.zip")
    assert [item.kind for item in items if isinstance(item, Refusal)] == ([] if kind is None else [kind])
    assert all(isinstance(item, Refusal) and sentence in item.message and item.message.endswith("。") for item in items)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(**{"a.txt": b"x", "b.txt": b"y"}).replace(b"b.txt", b"a.txt"))
    assert "同名" in refusal(tmp_path / "a.zip").message


def test_a_member_whose_size_is_a_lie_is_told(tmp_path: Path) -> None:
    data = zipped(**{"a.txt": SENTENCE.encode() * 50, "b.txt": SENTENCE.encode()})
    position = data.index(b"PK\x01\x02")
    (tmp_path / "a.zip").write_bytes(data[: position + 24] + struct.pack("<L", 5) + data[position + 28 :])
    refused, block = read(tmp_path / "a.zip")
    assert isinstance(refused, Refusal)
    assert isinstance(block, DocumentBlock)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100


@pytest.mark.parametrize(
    ("name", "data", "kind", "sentence"),
    [
        ("a.doc", OLE + "WordDocument".encode("utf-16-le"), RefusalKind.UNSUPPORTED, "另存为 .docx"),
        ("a.wps", OLE + "WordDocument".encode("utf-16-le"), RefusalKind.UNSUPPORTED, "WPS"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), RefusalKind.ENCRYPTED, "密码"),
        ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), RefusalKind.ENCRYPTED, "密码"),
        ("a.ppt", OLE + "PowerPoint Document".encode("utf-16-le"), RefusalKind.UNSUPPORTED, "演示文稿"),
        ("a.et", OLE, RefusalKind.UNSUPPORTED, "WPS 表格"),
        ("a.ofd", zipped(**{"OFD.xml": b"<a/>"}), RefusalKind.UNSUPPORTED, "OFD"),
        ("a.odt", zipped(mimetype=b"application/vnd.oasis.opendocument.text"), RefusalKind.UNSUPPORTED, "OpenDocument"),
        ("a.rtf", b"{\\rtf1 a}", RefusalKind.UNSUPPORTED, "RTF"),
        ("a.docx", b"{\\rtf1 a}", RefusalKind.UNSUPPORTED, "RTF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0", RefusalKind.NEEDS_OCR, "图片"),
        ("a.pdf", b"\xff\xd8\xff\xe0\0\x10JFIF", RefusalKind.NEEDS_OCR, "图片"),
        ("a.txt", b"\x1f\x8b\x08\0", RefusalKind.UNSUPPORTED, "gzip"),
        ("a.docx", b"plain", RefusalKind.UNREADABLE, "不是有效的 .docx 文件"),
        ("a.pdf", b"plain", RefusalKind.UNREADABLE, "不是有效的 .pdf 文件"),
        ("a.parquet", b"plain", RefusalKind.UNREADABLE, "不是有效的 .parquet 文件"),
        ("a.docx", b"", RefusalKind.EMPTY, "空的"),
        ("a.pdf", b"", RefusalKind.EMPTY, "空的"),
        ("a.csv", b"", RefusalKind.EMPTY, "空的"),
        ("a.dat", b"plain", RefusalKind.UNSUPPORTED, "不能读取 .dat 文件"),
        ("a", b"plain", RefusalKind.UNSUPPORTED, "没有扩展名"),
        ("a.caj", b"CAJ\0\0", RefusalKind.UNSUPPORTED, "CAJ"),
    ],
)
def test_what_cannot_be_read_is_recognised_and_its_owner_told_what_to_do(
    name: str, data: bytes, kind: RefusalKind, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    refused = refusal(tmp_path / name)
    assert sentence in refused.message
    assert refused.kind == kind


@pytest.mark.parametrize("lie", ["a.txt", "a.pdf", "a.doc", "a.xlsx", "a"])
@pytest.mark.parametrize("name", ["自动编号.docx", "人才问答.html", "双栏通知.pdf", "项目清单.xlsx", "项目清单.ods"])
def test_a_file_that_lies_about_its_ending_is_read_by_what_it_is(name: str, lie: str, tmp_path: Path) -> None:
    (tmp_path / lie).write_bytes((FOLDER / name).read_bytes())
    honest = [item.text for item in read_blocks(FOLDER / name, name) if isinstance(item, DocumentBlock)]
    assert [item.text for item in read(tmp_path / lie) if isinstance(item, DocumentBlock)] == honest
