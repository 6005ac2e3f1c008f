"""What a run of `policy-label` reads: the files behind the names that a user gave, and what is said of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.documents import STANDARD_INPUT, Refusal, find_files, is_supported, shown
from service.readers.formats import READABLE


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to read.

    Attributes:
        path: None is standard input.
        name: as results show it.
        size: in bytes; 0 where it cannot be known.
        modified: when it was last changed, in nanoseconds, as its file system says.
    """

    path: Path | None
    name: str
    size: int = 0
    modified: int = 0

    @classmethod
    def of(cls, path: Path) -> "Source":
        """The source at `path`, as it stands there now."""
        try:
            status = path.stat()
        except OSError:  # gone since it was found: reading it will say so
            return cls(path, shown(path))
        return cls(path, shown(path), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class FoundSources:
    """What was found behind the names of a command.

    Attributes:
        sources: in the order in which results come.
        skipped: files of folders that cannot be read because of their kind.
        refusals: names that do not exist, folders with nothing to label.
        missing: whether a name did not exist or could not be reached.
    """

    sources: tuple[Source, ...]
    skipped: tuple[Path, ...]
    refusals: tuple[Refusal, ...]
    missing: bool


def find_sources(names: Sequence[str], output: Path | None) -> FoundSources:
    """The sources behind `names`: files, folders with all below them, and standard input, which is read once and first.

    Args:
        names: as the user wrote them.
        output: where the result goes; an earlier result that lies among the sources is not one of them.
    """
    sources = [Source(None, "标准输入")] if STANDARD_INPUT in names else []
    skipped: list[Path] = []
    refusals: list[Refusal] = []
    missing = False
    for name in names:
        if name == STANDARD_INPUT:
            continue
        path = Path(name)
        try:
            path.stat()
        except OSError as error:
            gone = isinstance(error, FileNotFoundError | NotADirectoryError)
            what = "找不到这个文件或文件夹" if gone else f"无法访问（{error.strerror}）"
            refusals.append(Refusal(shown(path), f"{what}；请检查路径。"))
            missing = True
            continue
        if not path.is_dir():
            sources.append(Source.of(path))  # asked for by name: tried whatever its kind, and refused in words
            continue
        found, others = _files_below(path, output, refusals.append)
        sources += map(Source.of, found)
        skipped += others
        if not found:
            kinds = "、".join(sorted({file.suffix or "无扩展名" for file in others}))
            what = f"这里只有暂不能读取的文件（{kinds}）" if others else "文件夹里没有文件"
            refusals.append(Refusal(shown(path), f"没有可标注的内容：{what}。可读取 {READABLE}。"))
    return FoundSources(tuple(sources), tuple(skipped), tuple(refusals), missing)


def _files_below(folder: Path, output: Path | None, refuse: Callable[[Refusal], None]) -> tuple[list[Path], list[Path]]:
    """The files below a folder that can be read, and the others."""
    target = None if output is None else output.resolve()
    found: list[Path] = []
    others: list[Path] = []
    for file in find_files(folder, refuse):
        if target is None or file.name != target.name or file.resolve() != target:
            (found if is_supported(file) else others).append(file)
    return found, others
