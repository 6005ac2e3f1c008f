"""Zip archives of documents: each member is read as a file of its own, named `archive.zip/inner/name.docx`."""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from model.errors import PolicyThemesError
from service.readers.formats import ADVICE, ENDINGS, Format, recognise
from service.readers.reading import read_as
from service.readers.source import Item, Refusal, RefusalKind, Source, clean, refusals_of
from service.readers.zip_guard import copy_entry, is_encrypted, open_zip

DEEPEST = 2  # an archive in an archive, and no further
_LARGEST_MEMBER_BYTES = 256 * 1024 * 1024
_UTF8_NAME_FLAG = 0x800
_LONGEST_NAME = 255  # characters of a member's name that are shown


def members(source: Source) -> list[str]:
    """Names of the members that are documents, or may be told of, in the archive's order.

    Raises:
        UnreadableError: the archive is damaged, hostile, or too large.
    """
    with open_zip(source.path) as archive:
        return [shown for _, shown in _documents(archive)]


def read(source: Source, depth: int = 1, first: int = 0) -> Iterator[Item]:
    """The blocks of all members, one after the other; a member that cannot be read becomes a `Refusal`.

    Args:
        source: the archive.
        depth: 1 for an archive that lies in none.
        first: number of the member to begin with.

    Raises:
        UnreadableError: the archive is damaged, hostile, or too large.
    """
    with open_zip(source.path) as archive, tempfile.TemporaryDirectory(prefix="policy-themes-") as folder:
        for entry, shown in _documents(archive)[first:]:
            member = replace(source, path=Path(folder, f"member{_suffix(shown)}"), name=f"{source.name}/{shown}")
            yield from _read_member(archive, entry, member, depth)


def read_member(source: Source, number: int) -> Iterator[Item]:
    """The blocks of the member of that number (from 0) in `members`.

    Raises:
        UnreadableError: the archive is damaged, hostile, or too large.
    """
    with open_zip(source.path) as archive, tempfile.TemporaryDirectory(prefix="policy-themes-") as folder:
        entry, shown = _documents(archive)[number]
        member = replace(source, path=Path(folder, f"member{_suffix(shown)}"), name=f"{source.name}/{shown}")
        yield from _read_member(archive, entry, member, 1)


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, member: Source, depth: int) -> Iterator[Item]:
    if is_encrypted(entry):
        yield Refusal(member.name, "压缩包有密码；请解压后再试。", kind=RefusalKind.ENCRYPTED)
        return
    try:
        with member.path.open("wb") as target:
            copy_entry(archive, entry, target, _LARGEST_MEMBER_BYTES)
        found = recognise(member.path, member.name)
        if found is not Format.ARCHIVE:
            yield from read_as(found, member)
        elif depth >= DEEPEST:
            yield Refusal(member.name, "压缩包套压缩包太深，未读取；请解压后再试。", kind=RefusalKind.TOO_LARGE)
        else:
            yield from read(member, depth + 1)
    except PolicyThemesError as error:
        yield from refusals_of(error, member.name)
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "password" not in str(error):
            raise
        yield Refusal(member.name, "压缩包里的这个文件已损坏；请重新取得后再试。")
    finally:
        member.path.unlink(missing_ok=True)


def _documents(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    """Members whose ending is that of a document, with the names to show; hidden files and what systems add are left out."""
    found = []
    for entry in archive.infolist():
        shown = shown_name(entry)
        parts = PurePosixPath(shown).parts
        if entry.is_dir() or not parts or any(part.startswith((".", "~$", "__MACOSX")) for part in parts):
            continue
        if _suffix(shown) in ENDINGS or _suffix(shown) in ADVICE:
            found.append((entry, shown))
    return found


def shown_name(entry: zipfile.ZipInfo) -> str:
    """The name of a member as text; Windows in China writes GBK and does not say so. It never leads out of the archive."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME_FLAG:
        try:
            raw = name.encode("cp437")
            try:
                name = raw.decode("utf-8")
            except UnicodeDecodeError:
                name = raw.decode("gb18030")
        except UnicodeError:
            pass
    parts = [part for part in clean(name).replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    return "/".join(parts)[-_LONGEST_NAME:]


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()
