"""Zip files that may be hostile: what is too much, twice there, overlapping or encrypted is refused before anything is unpacked."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.readers.source import RefusalKind, UnreadableError

_BYTES_PER_MIB = 1024 * 1024
MOST_ENTRIES = 10_000
LARGEST_TOTAL_BYTES = 512 * _BYTES_PER_MIB  # unpacked, media that nobody reads included
LARGEST_RATIO = 200
_RATIO_FREE_BYTES = 10 * _BYTES_PER_MIB  # what is small may be as dense as it likes
_LARGEST_DIRECTORY_BYTES = 8 * _BYTES_PER_MIB
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_DAMAGED = "压缩包已损坏或不完整；请重新取得这个文件后再试。"
_ENCRYPTED_FLAG = 0x1


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip file at `path`, once its directory shows nothing out of order.

    Raises:
        UnreadableError: it is damaged, encrypted, or unpacks to too much; also where that only shows while it is read.
    """
    _check_directory_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        if isinstance(error, NotImplementedError):
            raise UnreadableError(
                "压缩包用了不支持的压缩方法；请用普通 zip 重新压缩后再试。", RefusalKind.UNSUPPORTED
            ) from None
        raise UnreadableError(_DAMAGED) from None


def read_entry(archive: zipfile.ZipFile, name: str, largest: int = 128 * _BYTES_PER_MIB) -> bytes:
    """The bytes of one entry, of which no more than `largest` may be there, whatever the directory says.

    Raises:
        UnreadableError: there are more.
        KeyError: there is no such entry.
    """
    with archive.open(name) as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise too_large(f"其中 {Path(name).name} 超过 {largest // _BYTES_PER_MIB} MB")
    return data


def copy_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: IO[bytes], largest: int) -> None:
    """Unpack `entry` to `target`.

    Raises:
        UnreadableError: it is larger than `largest` bytes, or encrypted.
    """
    copied = 0
    with archive.open(entry) as file:
        while chunk := file.read(_BYTES_PER_MIB):
            copied += len(chunk)
            if copied > largest:
                raise too_large(f"解压后超过 {largest // _BYTES_PER_MIB} MB")
            target.write(chunk)


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    """Whether `entry` needs a password."""
    return bool(entry.flag_bits & _ENCRYPTED_FLAG)


def too_large(what: str) -> UnreadableError:
    """The refusal of something that is larger than any document."""
    return UnreadableError(f"{what}，可能是压缩炸弹，未读取；请解压后只留下文档再试。", RefusalKind.TOO_LARGE)


def _check_directory_size(path: Path) -> None:
    """Refuse a directory that would take long to read, by the record that stands at the end of the file."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 65_536 - _END_OF_DIRECTORY.size, 0))
        tail = file.read()
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or len(tail) - position < _END_OF_DIRECTORY.size:
        raise UnreadableError(_DAMAGED)
    _, _, _, _, entries, directory_bytes, _, _ = _END_OF_DIRECTORY.unpack_from(tail, position)
    if b"PK\x06\x06" not in tail and (entries > MOST_ENTRIES or directory_bytes > _LARGEST_DIRECTORY_BYTES):
        raise too_large(f"压缩包里有 {entries} 个文件（最多 {MOST_ENTRIES} 个）")
    zip64 = tail.rfind(b"PK\x06\x06")
    if zip64 >= 0 and len(tail) - zip64 >= 56:
        _, _, entries, directory_bytes = struct.unpack_from("<2L2Q", tail, zip64 + 16)
        if entries > MOST_ENTRIES or directory_bytes > _LARGEST_DIRECTORY_BYTES:
            raise too_large(f"压缩包里有 {entries} 个文件（最多 {MOST_ENTRIES} 个）")


def _check_entries(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise too_large(f"压缩包里有 {len(entries)} 个文件（最多 {MOST_ENTRIES} 个）")
    total = sum(entry.file_size for entry in entries)
    if total > LARGEST_TOTAL_BYTES:
        raise too_large(f"解压后有 {total // _BYTES_PER_MIB} MB（最多 {LARGEST_TOTAL_BYTES // _BYTES_PER_MIB} MB）")
    packed = sum(entry.compress_size for entry in entries)
    if total > _RATIO_FREE_BYTES and total > packed * LARGEST_RATIO:
        raise too_large(f"解压后是压缩包的 {total // max(packed, 1)} 倍（最多 {LARGEST_RATIO} 倍）")
    end = 0
    names = set()
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise UnreadableError("压缩包里的文件互相重叠，不是正常的压缩包，未读取。", RefusalKind.TOO_LARGE)
        end = entry.header_offset + 30 + entry.compress_size
        if entry.filename in names and not entry.is_dir():
            raise UnreadableError(f"压缩包里有两个同名文件 {entry.filename!r}，不知道以哪个为准；请重新压缩后再试。")
        names.add(entry.filename)
