"""`policy-label`: labels files and folders offline."""

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import TextIO

from rich.console import Console

from model.errors import ArtifactError, PolicyThemesError
from model.labeller import Labeller
from service.default_model import find_labeller
from service.documents import STANDARD_INPUT, ReadOptions
from service.label_run import LabelRun, RunOutcome
from service.output_claim import claim_output
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
from service.run_journal import JournalError, RunJournal, RunKey, describe, journal_path
from service.run_progress import show_progress
from service.run_sources import FoundSources, Source, find_sources
from service.run_summary import tell_summary
from service.shard_command import Workforce, is_shard_output, label_folder
from service.source_reader import available_processors, open_reader, workers_for
from service.version_option import VersionOption


class ExitCode(IntEnum):
    """How a run of `policy-label` ended."""

    DONE = 0
    SOME_FAILED = 1  # some files or lines were refused; all others came out
    BAD_COMMAND = 2
    NOTHING_TO_LABEL = 3
    NO_MODEL = 4
    OUTPUT_FAILED = 5


_TABLE_WIDTH = 120  # of a table that goes elsewhere than to a terminal
_DESCRIPTION = "给中文科技政策文件的每个段落标注主题：科技金融、孵化器、人才、知识产权、军民融合。"
_EPILOG = f"""\
输入：Word（.docx）、PDF、网页（.html）、文本（.txt、.md），表格（.xlsx、.xls、.ods、.csv、.tsv、.parquet，每行一段），
每行一个段落的 JSON Lines（.jsonl，字段 id 和 text），以及装着这些的 zip；文件夹连同子文件夹一起处理；“-”从标准输入读 JSON Lines。
输出：按文件名结尾决定格式（{"、".join(OUTPUT_SUFFIXES)}）；不写 -o 时，在终端显示表格，在管道中输出 JSON Lines。
Parquet 文件夹可以逐片标注：policy-label 文件夹 -o 输出文件夹，全部完成时写出 _SUCCESS；再运行一次只做还没有做完的分片。
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
    parser.add_argument(
        "--workers", type=int, metavar="个数", help="同时读取文件的进程数（默认：可用的处理器数，最多 8）"
    )
    parser.add_argument("--scheduler", metavar="地址", help="在 Dask 集群上标注 Parquet 文件夹，例如 tcp://主机:8786")
    parser.add_argument("--text-column", metavar="列名", help="表格里放正文的列（只有一列像正文时不必指明）")
    going_on = parser.add_mutually_exclusive_group()
    going_on.add_argument("--resume", action="store_true", help="接着上次没有做完的运行（中断、断电、磁盘已满之后）")
    going_on.add_argument("--restart", action="store_true", help="丢开上次没有做完的运行，从头开始")
    parser.add_argument("--model", type=Path, metavar="文件夹", help="模型文件夹（默认使用本机的默认模型）")
    parser.add_argument("--version", action=VersionOption)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `policy-label`; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console in GBK must not stop a run over one character
    options = _parse(arguments)
    console = _ErrorConsole(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    try:
        with _stopped_by_signals():
            return _run(options, console)
    except OutputError as error:
        code: int = _fail(console, error, ExitCode.OUTPUT_FAILED)
    except ArtifactError as error:
        return _fail(console, error, ExitCode.NO_MODEL)
    except PolicyThemesError as error:
        return _fail(console, error, ExitCode.BAD_COMMAND)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has seen enough
        return ExitCode.DONE
    except KeyboardInterrupt as stop:
        console.print("已中断；没有写出不完整的结果文件。")
        code = 128 + (stop.args[0] if stop.args else signal.SIGINT)  # as shells count
    _tell_how_to_go_on(options.output, console)
    return code


def _tell_how_to_go_on(output: Path | None, console: Console) -> None:
    if is_shard_output(output):
        console.print("已完成的分片都在；同样的命令再运行一次会接着做。")
    elif output is not None and (journal := journal_path(output)).exists():
        console.print(describe(journal), markup=False)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.output is None and (options.resume or options.restart):
        parser.error("--resume 和 --restart 要和 -o 一起用：记录放在结果文件旁边。")
    if options.resume and STANDARD_INPUT in options.inputs:
        parser.error("标准输入读过就没有了，不能用 --resume；请先存成文件。")
    if options.workers is not None and options.workers < 1:
        parser.error("--workers 应当是 1 或更大的整数。")
    shards = is_shard_output(options.output)
    if options.scheduler is not None and (not shards or options.workers is not None):
        parser.error("--scheduler 要和 -o 输出文件夹 一起用，不和 --workers 一起用。")
    if shards and options.restart:
        parser.error("输出文件夹里已完成的分片会跳过，没有 --restart；要全部重做，请换一个输出文件夹，或先删除它。")
    if shards and (len(options.inputs) != 1 or not Path(options.inputs[0]).is_dir()):
        parser.error(
            f"输出 {options.output} 没有扩展名，是一个文件夹：输入应当是一个装有 Parquet 的文件夹。"
            f"要写成一个文件，请加上扩展名（{'、'.join(OUTPUT_SUFFIXES)}）。"
        )
    return options


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let the signals that end a process (by `kill`, or as its terminal closes) end it as Ctrl-C does: in good order."""

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(number)

    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    here = threading.current_thread() is threading.main_thread()
    before = {
        number: signal.signal(number, stop)
        for number in numbers
        if here and signal.getsignal(number) is not signal.SIG_IGN  # as `nohup` has it
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _ErrorConsole(Console):
    def on_broken_pipe(self) -> None:
        """Go on in silence: that nobody reads our words must not cost the result."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())  # Python writes what is left when it ends


class _TableConsole(Console):
    def on_broken_pipe(self) -> None:
        """Raise what rich would answer with an exit code of its own."""
        raise BrokenPipeError


def _fail(console: Console, error: PolicyThemesError, code: ExitCode) -> ExitCode:
    console.print(f"错误：{error}", style="red", markup=False)
    return code


def _run(options: argparse.Namespace, console: Console) -> ExitCode:
    if options.scheduler is not None or is_shard_output(options.output):
        return _run_shards(options, console)
    if options.output is not None:
        check_output(options.output)
    found = find_sources(options.inputs, options.output)
    if not found.sources:
        for refusal in found.refusals:
            console.print(f"错误：{refusal}", style="red", markup=False)
        return ExitCode.BAD_COMMAND if found.missing else ExitCode.NOTHING_TO_LABEL
    with ExitStack() as stack:
        if options.output is not None:
            stack.enter_context(claim_output(options.output))
            _check_journal(options)
        labeller = _find_labeller(options, console)
        outcome = _label_documents(options, found, labeller, console)
    tell_summary(outcome, found.skipped, labeller, console)
    if outcome.refusals:
        return ExitCode.SOME_FAILED
    return ExitCode.DONE if outcome.counts["paragraphs"] else ExitCode.NOTHING_TO_LABEL


def _label_documents(
    options: argparse.Namespace, found: FoundSources, labeller: Labeller, console: Console
) -> RunOutcome:
    """Label all that was found, from where an earlier run stopped, and write the result."""
    about = Run.of(labeller)
    table: list[Row] = []
    with ExitStack() as stack:
        journal = _open_journal(options, found.sources, about)
        if journal is not None:
            stack.callback(journal.close)
            about = replace(about, started=journal.started)
        outcome = RunOutcome(about.refusals)
        outcome.refusals.extend(found.refusals)
        run = LabelRun(found.sources, labeller, outcome, journal)
        done = run.reached
        if done.rows:
            console.print(f"接着上次做：已完成 {done.sources} 个文件、{done.rows} 段。", markup=False)
        with _output(options, about, table) as write, _disk_errors(options.output):
            run.replay(write)
            with show_progress(console, found.sources, done.sources, done.rows) as progress:
                workers = options.workers or workers_for(found.sources)
                run.go(write, lambda: open_reader(ReadOptions(options.text_column), workers), workers, progress)
        if journal is not None:
            journal.remove()
    if table:
        with _standard_output() as stream:
            names = {theme.id: theme.name_zh for theme in labeller.themes}
            from service.writers.terminal_table import print_table  # noqa: PLC0415 (nothing else needs it)

            print_table(table, names, _TableConsole(file=stream, width=None if stream.isatty() else _TABLE_WIDTH))
    return outcome


def _output(options: argparse.Namespace, about: Run, table: list[Row]) -> AbstractContextManager[RowWriter]:
    """Where rows go: to the file that was asked for, into `table` for people, else as JSON Lines to other programs."""
    if options.output is not None:
        return open_output(options.output, about)
    if options.table or sys.stdout.isatty():
        return nullcontext(table.append)
    return _json_lines_output()


def _run_shards(options: argparse.Namespace, console: Console) -> ExitCode:
    (source,) = options.inputs
    outcome, skipped, labeller = label_folder(
        Path(source),
        options.output,
        text_column=options.text_column,
        workforce=Workforce(options.scheduler, options.workers, threads=available_processors()),
        model=options.model,
        find_labeller=lambda: _find_labeller(options, console),
        console=console,
    )
    tell_summary(outcome, skipped, labeller, console)
    refused = outcome.counts["refused"]
    if refused:
        console.print(f"{refused} 行没有标注，原因写在结果的 label_error 列里。", style="red", markup=False)
    if outcome.refusals:
        console.print(
            "没有写出 _SUCCESS：上面的分片还没有结果。改正后再运行一次，只补做它们。", style="red", markup=False
        )
    return ExitCode.SOME_FAILED if outcome.refusals or refused else ExitCode.DONE


def _find_labeller(options: argparse.Namespace, console: Console) -> Labeller:
    return find_labeller(options.model, lambda sentence: console.print(sentence, markup=False))


def _check_journal(options: argparse.Namespace) -> None:
    """See to the journal that an earlier run left beside the output: it is gone on with, or done away with, only if the user says so.

    Raises:
        JournalError: there is one, and the command does not say what to do with it.
    """
    path = journal_path(options.output)
    if options.restart:
        path.unlink(missing_ok=True)
    elif path.exists() and not options.resume:
        raise JournalError(describe(path))


def _open_journal(options: argparse.Namespace, sources: Sequence[Source], about: Run) -> RunJournal | None:
    """The journal of a run with an output; there is none of standard input, which cannot be read twice."""
    if options.output is None or any(source.path is None for source in sources):
        return None
    inputs = tuple((source.name, source.size, source.modified) for source in sources)
    key = RunKey(about.model_version, {"text_column": options.text_column}, inputs)
    path = journal_path(options.output)
    with _disk_errors(options.output):
        if options.resume and path.exists():
            return RunJournal.go_on(path, key)
    return RunJournal(path, key, about.started)


@contextmanager
def _disk_errors(output: Path | None) -> Iterator[None]:
    """Tell of a journal that cannot be written as of a result that cannot be: it lies beside it."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"写入 {output} 失败（{error.strerror}）；请检查磁盘空间和权限。") from None


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


if __name__ == "__main__":
    sys.exit(main())
