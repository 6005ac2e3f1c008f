"""`policy-label`: labels files and folders offline."""

import argparse
import io
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model.errors import ArtifactError, PolicyThemesError
from model.labeller import Labeller, active_path
from service.default_model import find_labeller
from service.documents import (
    STANDARD_INPUT,
    InputParagraph,
    ReadOptions,
    Refusal,
    find_files,
    is_supported,
    needs_process,
    paragraphs_of,
    read_paragraph_lines,
    read_paragraphs,
    shown,
)
from service.labelling import label_paragraphs
from service.outputs import (
    OUTPUT_SUFFIXES,
    OutputError,
    Row,
    RowWriter,
    Run,
    check_output,
    json_lines_writer,
    open_output,
)
from service.readers.bounded_lines import OverlongLine
from service.readers.formats import READABLE
from service.readers.json_lines import stream_lines
from service.reading_process import ReadingProcess
from service.writers.terminal_table import print_table


class ExitCode(IntEnum):
    """How a run of `policy-label` ended."""

    DONE = 0
    SOME_FAILED = 1  # some files or lines were refused; all others came out
    BAD_COMMAND = 2
    NOTHING_TO_LABEL = 3
    NO_MODEL = 4
    OUTPUT_FAILED = 5


_TABLE_WIDTH = 120  # of a table that goes elsewhere than to a terminal
_MOST_REFUSALS = 20  # shown of a file; a binary file that is called .jsonl has one in each line
_DESCRIPTION = "给中文科技政策文件的每个段落标注主题：科技金融、孵化器、人才、知识产权、军民融合。"
_EPILOG = f"""\
输入：Word（.docx）、PDF、网页（.html）、文本（.txt、.md），表格（.xlsx、.xls、.ods、.csv、.tsv、.parquet，每行一段），
每行一个段落的 JSON Lines（.jsonl，字段 id 和 text），以及装着这些的 zip；文件夹连同子文件夹一起处理；“-”从标准输入读 JSON Lines。
输出：按文件名结尾决定格式（{"、".join(OUTPUT_SUFFIXES)}）；不写 -o 时，在终端显示表格，在管道中输出 JSON Lines。
退出码：0 全部完成；1 有文件或行未能处理（其余照常输出）；2 命令有误；3 没有可标注的内容；4 模型不可用；5 结果无法写入。
例：policy-label 文件夹 -o 结果.csv
"""


def build_parser() -> argparse.ArgumentParser:
    """The options of `policy-label`."""
    parser = argparse.ArgumentParser(
        prog="policy-label",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("inputs", nargs="+", metavar="输入", help="文件、文件夹，或 - （标准输入）")
    parser.add_argument("-o", "--output", type=Path, metavar="文件", help="结果文件")
    parser.add_argument("--table", action="store_true", help="即使不在终端，也显示表格而不是 JSON Lines")
    parser.add_argument("--text-column", metavar="列名", help="表格里放正文的列（只有一列像正文时不必指明）")
    parser.add_argument("--model", type=Path, metavar="文件夹", help="模型文件夹（默认使用本机的默认模型）")
    parser.add_argument(
        "--version", action="version", version=f"policy-themes {version('policy-themes')} ({active_path()})"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `policy-label`; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console in GBK must not stop a run over one character
    options = build_parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    try:
        return _run(options, console)
    except OutputError as error:
        return _fail(console, error, ExitCode.OUTPUT_FAILED)
    except ArtifactError as error:
        return _fail(console, error, ExitCode.NO_MODEL)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has seen enough
        return ExitCode.DONE
    except KeyboardInterrupt:
        console.print("已中断；没有写出不完整的结果文件。")
        return 130  # 128 + SIGINT, as shells count


def _fail(console: Console, error: PolicyThemesError, code: ExitCode) -> int:
    console.print(f"错误：{error}", style="red", markup=False)
    return code


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.output is not None:
        check_output(options.output)
    refusals: list[Refusal] = []
    sources, skipped, exit_code = _find_sources(options.inputs, options.output, refusals)
    if not sources:
        for refusal in refusals:
            console.print(f"错误：{refusal}", style="red", markup=False)
        return exit_code

    labeller = find_labeller(options.model, lambda sentence: console.print(sentence, markup=False))
    run = Run.of(labeller)
    run.refusals.extend(refusals)
    refusals = run.refusals
    names = {theme.id: theme.name_zh for theme in labeller.themes}
    table: list[Row] = []
    with ExitStack() as stack:
        progress = stack.enter_context(_progress(console))
        if options.output is not None:
            write = stack.enter_context(open_output(options.output, run))
        elif options.table or sys.stdout.isatty():
            write = table.append
        else:
            write = stack.enter_context(_json_lines_output())
        read = stack.enter_context(_reader(ReadOptions(options.text_column)))
        summary = _write(label_paragraphs(_read_all(sources, read, refusals, progress), labeller), write)
    if table:
        with _standard_output() as stream:
            print_table(table, names, Console(file=stream, width=None if stream.isatty() else _TABLE_WIDTH))
    _report(summary, refusals, skipped, labeller, console)
    if refusals:
        return ExitCode.SOME_FAILED
    return ExitCode.DONE if summary["paragraphs"] else ExitCode.NOTHING_TO_LABEL


def _find_sources(
    names: Sequence[str], output: Path | None, refusals: list[Refusal]
) -> tuple[list[Path | None], list[Path], ExitCode]:
    """What to read (None is standard input, once, first), what to pass over, and the exit code should there be nothing to read.

    A name that does not exist and a folder with nothing to label are put down in `refusals`.
    """
    files: list[Path] = []
    skipped: list[Path] = []
    exit_code = ExitCode.NOTHING_TO_LABEL
    for name in names:
        path = Path(name)
        if name == STANDARD_INPUT:
            continue
        try:
            path.stat()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            what = "找不到这个文件或文件夹" if missing else f"无法访问（{error.strerror}）"
            refusals.append(Refusal(shown(path), f"{what}；请检查路径。"))
            exit_code = ExitCode.BAD_COMMAND
            continue
        if not path.is_dir():
            files.append(path)  # asked for by name: tried whatever its kind, and refused in words
            continue
        found = [file for file in find_files(path, refusals.append) if not _same_file(file, output)]
        readable = [file for file in found if is_supported(file)]
        others = [file for file in found if not is_supported(file)]
        files += readable
        skipped += others
        if not readable:
            kinds = "、".join(sorted({file.suffix or "无扩展名" for file in others}))
            what = f"这里只有暂不能读取的文件（{kinds}）" if others else "文件夹里没有文件"
            refusals.append(Refusal(shown(path), f"没有可标注的内容：{what}。可读取 {READABLE.replace(' ', '、')}。"))
    return [*([None] if STANDARD_INPUT in names else []), *files], skipped, exit_code


def _same_file(file: Path, output: Path | None) -> bool:
    """Whether `file` is the result of an earlier run, which lies among what it was made from."""
    return output is not None and file.resolve() == output.resolve()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("个文件 · {task.fields[paragraphs]} 段"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,  # else results that go to a file or a pipe end up on the terminal
        redirect_stderr=False,
    )


Read = Callable[[Path], Iterator[InputParagraph | Refusal]]


@contextmanager
def _reader(options: ReadOptions) -> Iterator[Read]:
    """Reads files, those that can do harm in a process of their own, which is started when it is first needed."""
    with ExitStack() as stack:
        process: list[ReadingProcess] = []

        def read(path: Path) -> Iterator[InputParagraph | Refusal]:
            if not needs_process(path):
                return read_paragraphs(path, options)
            if not process:
                process.append(stack.enter_context(ReadingProcess()))
            return paragraphs_of(process[0].read(path, shown(path), options))

        yield read


def _read_all(
    sources: Sequence[Path | None], read: Read, refusals: list[Refusal], progress: Progress
) -> Iterator[InputParagraph]:
    """The paragraphs of all sources (None is standard input); what is refused is put down and the rest goes on."""
    task = progress.add_task("标注", total=len(sources), paragraphs=0)
    count = 0
    for source in sources:
        name = "标准输入" if source is None else shown(source)
        try:
            items: Iterable[InputParagraph | Refusal] = (
                read_paragraph_lines(_standard_input(), name) if source is None else read(source)
            )
            found = False
            for item in items:
                found = True
                if isinstance(item, Refusal):
                    refusals.append(item)
                    continue
                count += 1
                progress.update(task, paragraphs=count)
                yield item
            if not found:
                refusals.append(Refusal(name, "没有找到可标注的段落（文件为空，或只有标题和页面信息）。"))
        except PolicyThemesError as error:
            refusals.append(Refusal(name, str(error)))
        except OSError as error:
            refusals.append(Refusal(name, f"无法读取（{error.strerror}）；请检查权限，或确认文件没有被其他程序占用。"))
        progress.advance(task)


def _standard_input() -> Iterable[bytes | OverlongLine]:
    return () if sys.stdin is None else stream_lines(sys.stdin.buffer)  # None where the shell closed it


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    """Standard output, which has all that was written once this ends.

    Raises:
        BrokenPipeError: the reader of our output has seen enough.
        OutputError: it cannot be written.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes what is left when it ends
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"写入标准输出失败（{error.strerror}）；请检查磁盘空间。") from None


@contextmanager
def _json_lines_output() -> Iterator[RowWriter]:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON between programs is UTF-8, whatever the console's code page
    with _standard_output() as stream:
        yield json_lines_writer(stream)


def _write(rows: Iterable[Row], write: RowWriter) -> Counter[str]:
    """Write the rows; returns how many there were, in all and by theme."""
    summary: Counter[str] = Counter(paragraphs=0)
    for row in rows:
        write(row)
        summary["paragraphs"] += 1
        summary["none"] += not row["themes"]
        summary["uncertain"] += bool(row["uncertain"])
        summary.update(row["themes"])
    return summary


def _report(
    summary: Counter[str], refusals: Sequence[Refusal], skipped: Sequence[Path], labeller: Labeller, console: Console
) -> None:
    console.print(f"共标注 {summary['paragraphs']} 段（模型 {labeller.version}）：", markup=False)
    for theme in labeller.themes:
        console.print(f"  {theme.name_zh} {summary[theme.id]}", markup=False)
    console.print(f"  无主题 {summary['none']}；建议复核 {summary['uncertain']}", markup=False)
    if skipped:
        console.print(f"跳过 {len(skipped)} 个暂不能读取的文件：", markup=False)
        for file in skipped:
            console.print(f"  {shown(file)}", markup=False)
    if refusals:
        console.print(f"{len(refusals)} 处未能处理，其余已照常输出：", style="red", markup=False)
        counts: Counter[str] = Counter()
        for refusal in refusals:
            counts[refusal.file] += 1
            if counts[refusal.file] <= _MOST_REFUSALS:
                console.print(f"  {refusal}", style="red", markup=False)
        for name, count in counts.items():
            if count > _MOST_REFUSALS:
                console.print(f"  {name}：……另有 {count - _MOST_REFUSALS} 处", style="red", markup=False)


if __name__ == "__main__":
    sys.exit(main())
