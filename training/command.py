"""`policy-train`: checks the data, trains, and measures."""

import argparse
import io
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from model.artifact import default_model_folder, load_labeller
from model.errors import PolicyThemesError
from training.block_report import score_blocks
from training.dataset import read_dataset, sizes
from training.gold import read_gold, read_gold_blocks
from training.keyword_rule import label_by_keywords
from training.metrics import Scores, score
from training.near_duplicates import MOST_SIMILAR, near_duplicates
from training.train import STEPS, train

FAILED = 1
BAD_COMMAND = 2

_BOUNDARY_GOAL = 0.98
_KINDS_GOAL = 0.95


def default_data_folder() -> Path:
    """The data that came with the software: in a checkout beside the packages, else where the wheel put it."""
    checkout = Path(__file__).resolve().parent.parent / "datasets"
    return checkout if checkout.is_dir() else Path(sys.prefix, "share", "policy-themes", "datasets")


def build_parser() -> argparse.ArgumentParser:
    """The options of `policy-train`."""
    parser = argparse.ArgumentParser(
        prog="policy-train",
        description="训练、检查和评测段落主题标注模型。不带参数时，用随软件提供的数据重新训练默认模型。",
    )
    parser.add_argument("--version", action="version", version=f"policy-themes {version('policy-themes')}")
    parser.set_defaults(run=_train, data=default_data_folder(), output=default_model_folder())
    commands = parser.add_subparsers(title="命令", metavar="命令")

    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--data", type=Path, metavar="文件夹", default=default_data_folder(), help="数据文件夹（默认 %(default)s）"
    )
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument(
        "--model", type=Path, metavar="文件夹", default=default_model_folder(), help="模型文件夹（默认 %(default)s）"
    )

    command = commands.add_parser("train", parents=[data], help="训练模型并保存")
    command.add_argument(
        "--output", type=Path, metavar="文件夹", default=default_model_folder(), help="模型保存到（默认 %(default)s）"
    )
    command.set_defaults(run=_train)

    command = commands.add_parser("check", parents=[data], help="检查数据：格式、标签、近似重复")
    command.set_defaults(run=_check)

    command = commands.add_parser("evaluate", parents=[model], help="在已标注的段落上评测模型，并与关键词规则对照")
    command.add_argument("gold", type=Path, metavar="标注文件", help="JSON Lines：id、text、themes、primary")
    command.set_defaults(run=_evaluate)

    command = commands.add_parser("blocks", help="评测文件切分：段落边界和类别")
    command.add_argument("gold", type=Path, metavar="切分文件", help="JSON Lines：document、lines、kind")
    command.add_argument("documents", type=Path, metavar="文件夹", help="原文所在文件夹")
    command.set_defaults(run=_blocks)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `policy-train`; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = build_parser().parse_args(arguments)
    errors = Console(stderr=True, highlight=False)
    try:
        code: int = options.run(options)
    except PolicyThemesError as error:
        errors.print(f"错误：{error}", style="red", markup=False, soft_wrap=True)
        return FAILED
    except OSError as error:
        errors.print(f"错误：{error.filename}：{error.strerror}", style="red", markup=False, soft_wrap=True)
        return FAILED
    return code


def _train(options: argparse.Namespace) -> int:
    errors = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("训练", total=STEPS)

        def tell(done: str) -> None:
            progress.update(task, advance=1, description=done)
            if not errors.is_terminal:
                errors.print(done, markup=False)

        trained = train(options.data, options.output, tell)
    _print_scores("交叉验证（按文件划分，只用自写数据）", trained.scores)
    Console(highlight=False, soft_wrap=True).print(f"模型 {trained.version} 已保存到 {trained.folder}", markup=False)
    return 0


def _check(options: argparse.Namespace) -> int:
    console = Console(highlight=False, soft_wrap=True)
    dataset = read_dataset(options.data)
    repeated = [
        *near_duplicates((sentence.id, sentence.text) for sentence in dataset.sentences),
        *near_duplicates((paragraph.id, paragraph.text) for paragraph in dataset.paragraphs),
    ]
    for pair in repeated:
        console.print(f"近似重复：{pair.first} 与 {pair.second}，相似度 {pair.similarity:.2f}", markup=False)
    counts = sizes(dataset)
    console.print(
        f"{counts['documents']} 份文件，{counts['sentences']} 句，{counts['paragraphs']} 段，{counts['terms']} 个词条；"
        f"近似重复（Jaccard > {MOST_SIMILAR}）{len(repeated)} 对",
        markup=False,
    )
    return FAILED if repeated else 0


def _evaluate(options: argparse.Namespace) -> int:
    labeller = load_labeller(options.model)
    theme_ids = [theme.id for theme in labeller.themes]
    gold = read_gold(options.gold, theme_ids)
    truth = np.array([[theme in paragraph.themes for theme in theme_ids] for paragraph in gold])
    labels = labeller.label([paragraph.text for paragraph in gold])
    _print_scores(
        f"模型 {labeller.version}，{len(gold)} 段",
        score(
            truth,
            np.array([[theme in label.themes for theme in theme_ids] for label in labels]),
            theme_ids,
            probabilities=np.array([[label.scores[theme] for theme in theme_ids] for label in labels]),
            primary_pairs=[(one.primary, label.primary) for one, label in zip(gold, labels, strict=True)],
        ),
    )
    by_rule = [label_by_keywords(paragraph.text) for paragraph in gold]
    _print_scores(
        "关键词规则", score(truth, np.array([[theme in found for theme in theme_ids] for found in by_rule]), theme_ids)
    )
    return 0


def _blocks(options: argparse.Namespace) -> int:
    console = Console(highlight=False, soft_wrap=True)
    scores = score_blocks(read_gold_blocks(options.gold), options.documents)
    for sentence in scores.wrong:
        console.print(sentence, markup=False)
    console.print(f"段落边界 F1 {scores.boundary_f1:.3f}（目标 {_BOUNDARY_GOAL}）")
    console.print(f"类别正确率 {scores.kinds:.3f}（目标 {_KINDS_GOAL}）")
    return 0 if scores.boundary_f1 >= _BOUNDARY_GOAL and scores.kinds >= _KINDS_GOAL else FAILED


def _print_scores(title: str, scores: Scores) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("主题")
    for column in ("准确率", "召回率", "F1", "段数"):
        table.add_column(column, justify="right")
    for theme, row in scores.themes.items():
        table.add_row(theme, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", str(row.support))
    console = Console(highlight=False)
    console.print(table)
    rest = {"宏平均 F1": scores.macro_f1, "微平均 F1": scores.micro_f1, "全对": scores.exact}
    if scores.primary is not None:
        rest["主要主题"] = scores.primary
    if scores.ece is not None:
        rest["ECE"] = scores.ece
    console.print("  ".join(f"{name} {value:.3f}" for name, value in rest.items()))


if __name__ == "__main__":
    sys.exit(main())
