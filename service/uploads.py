"""A file that came over HTTP, on disk for as long as it is read."""

import shutil
import tempfile
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from model.errors import TextError
from model.text import check_text
from service.problems import ProblemError, ProblemKind

_LONGEST_NAME = 256
_LONGEST_FIELD = 4096
_FIELDS = {"file", "text_column"}


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file.

    Attributes:
        path: where it lies; its name there is ours.
        name: what the client calls it, fit to be shown.
        text_column: of a table, the column to label, where the client said so.
    """

    path: Path
    name: str
    text_column: str | None = None


@asynccontextmanager
async def received_upload(request: Request) -> AsyncIterator[Upload]:
    """The part `file` of a `multipart/form-data` request, on disk until the `async with` ends.

    Raises:
        ProblemError: the form is broken, or has no `file`, or what nobody asked for.
    """
    try:
        form = await request.form(max_files=1, max_fields=len(_FIELDS), max_part_size=_LONGEST_FIELD)
    except HTTPException as error:
        detail = f"multipart/form-data 无法读取（{error.detail}）；应当有一个文件 file，可另有文字 text_column。"
        raise ProblemError(ProblemKind.UNREADABLE_BODY, detail) from None
    try:
        file, column = form.get("file"), form.get("text_column")
        if not isinstance(file, UploadFile):
            raise ProblemError(ProblemKind.INVALID_REQUEST, "file：缺少这个文件，或它没有文件名。")
        if set(form) - _FIELDS or isinstance(column, UploadFile):
            raise ProblemError(ProblemKind.INVALID_REQUEST, "只应当有一个文件 file，可另有文字 text_column。")
        name = shown_name(file.filename or "")
        if column is not None:
            _check(column, "text_column")
        folder = Path(await anyio.to_thread.run_sync(lambda: tempfile.mkdtemp(prefix="policy-themes-")))
        try:
            path = folder / "upload"
            await anyio.to_thread.run_sync(_copy, file, path)
            yield Upload(path, name, column or None)
        finally:
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
    finally:
        await form.close()


def shown_name(name: str) -> str:
    """The last part of a client's file name, without what could mislead a reader or a disk."""
    last = PurePosixPath(name.replace("\\", "/")).name
    clean = "".join(char for char in last if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return clean[-_LONGEST_NAME:] or "document"


def _copy(file: UploadFile, path: Path) -> None:
    with path.open("xb") as target:
        shutil.copyfileobj(file.file, target)


def _check(value: str, field: str) -> None:
    try:
        check_text(value)
    except TextError as error:
        raise ProblemError(ProblemKind.INVALID_REQUEST, f"{field}：{error}") from None
