"""Any file to its blocks: its format is recognised, and that format's reader is loaded."""

from collections.abc import Iterator
from importlib import import_module

from model.errors import PolicyThemesError
from service.readers.formats import Format, recognise
from service.readers.source import Item, Refusal, RefusalKind, Source, refusals_of

_MODULES = {
    Format.TEXT: "plain_text",
    Format.JSON_LINES: "json_lines",
    Format.WEB_PAGE: "web_page",
    Format.PDF: "pdf",
    Format.WORD: "word",
    Format.WORKBOOK: "workbook",
    Format.DELIMITED: "delimited",
    Format.PARQUET: "parquet",
    Format.ARCHIVE: "archive",
}


def read_file(source: Source) -> Iterator[Item]:
    """The blocks of a file in order; what cannot be read becomes a `Refusal`, and nothing is raised.

    What came out before a file turned out to be damaged stays.
    """
    try:
        yield from read_as(recognise(source.path, source.name), source)
    except PolicyThemesError as error:
        yield from refusals_of(error, source.name)
    except OSError as error:
        reason = error.strerror or "系统错误"
        yield Refusal(source.name, f"无法读取（{reason}）；请检查权限，或确认文件没有被其他程序占用。")
    except MemoryError:
        yield Refusal(source.name, "文件展开后太大，内存不够；请拆分后再试。", kind=RefusalKind.TOO_LARGE)
    except RecursionError:
        yield Refusal(source.name, "文件嵌套过深，不像正常的文档，未读取；请检查来源。", kind=RefusalKind.TOO_LARGE)


def read_as(found: Format, source: Source) -> Iterator[Item]:
    """The blocks of a file whose format is known.

    Raises:
        PolicyThemesError: it cannot be read.
        OSError: it cannot be opened.
    """
    reader = import_module(f"service.readers.{_MODULES[found]}")
    yield from reader.read(source)
