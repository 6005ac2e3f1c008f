"""`policy-train`: checks the data, trains, and measures."""

import argparse
import io
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from model.artifact import default_model_folder, load_labeller
from model.errors import DataError, PolicyThemesError
from model.features import FeatureReader
from model.pipeline import calibrate
from model.store import ModelStore
from training.ablation import ablate
from training.agreement import measure_agreement, read_double_labels
from training.block_report import score_blocks
from training.census import census
from training.cross_validation import choose_decision, fit_calibrators, hold_out, judge
from training.data_import import describe, import_reviews
from training.dataset import read_dataset, sizes
from training.fit import read_examples
from training.gold import read_gold, read_gold_blocks
from training.keyword_rule import label_by_keywords
from training.metrics import Truth, score
from training.near_duplicates import MOST_SIMILAR, near_duplicates
from training.peers import PEERS, training_texts
from training.release import release
from training.report import interval, length_keys, markdown_table, review_tables, score_table, slice_table, worst_errors
from training.train import STEPS, train

FAILED = 1
BAD_COMMAND = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count

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

    command = commands.add_parser("cross-validate", parents=[data], help="交叉验证：按文体、长度的成绩和复核曲线")
    command.set_defaults(run=_cross_validate)

    command = commands.add_parser("census", parents=[data], help="数据的规模和构成")
    command.set_defaults(run=_census)

    command = commands.add_parser("agreement", parents=[data], help="两人重复标注的一致程度")
    command.set_defaults(run=_agreement)

    gold = argparse.ArgumentParser(add_help=False)
    gold.add_argument("gold", type=Path, metavar="标注文件", help="JSON Lines：id、text、themes、primary、source")

    command = commands.add_parser(
        "evaluate", parents=[gold, model], help="在已标注的段落上评测模型，并与关键词规则对照"
    )
    command.set_defaults(run=_evaluate)

    command = commands.add_parser("compare", parents=[gold, data, model], help="与其他方法在同样的数据上对照")
    command.set_defaults(run=_compare)

    command = commands.add_parser("ablate", parents=[gold, data], help="逐项改动配方，看每一项值多少")
    command.set_defaults(run=_ablate)

    store = argparse.ArgumentParser(add_help=False)
    store.add_argument(
        "--store", type=Path, metavar="文件夹", required=True, help="模型库（policy-serve --store 所用的）"
    )

    command = commands.add_parser(
        "release", parents=[store, data], help="把训练好的模型发布到模型库，正在运行的服务随即换用"
    )
    command.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="模型",
        default=default_model_folder(),
        help="模型文件夹（默认 %(default)s）",
    )
    command.set_defaults(run=_release)

    command = commands.add_parser("rollback", parents=[store], help="让模型库退回上一个版本")
    command.set_defaults(run=_rollback)
    data_commands = commands.add_parser("data", help="数据文件夹的维护").add_subparsers(
        title="命令", metavar="命令", required=True
    )
    command = data_commands.add_parser("import", help="把人的复核结论加进数据文件夹")
    command.add_argument(
        "file", type=Path, metavar="文件", help="改好“待复核”表的工作簿（.xlsx），或导出的反馈（.jsonl）"
    )
    command.add_argument(
        "--data", type=Path, metavar="文件夹", required=True, help="自己的数据文件夹（先复制随软件提供的那一份）"
    )
    command.add_argument("--skip-refused", action="store_true", help="有不合的行时，略过它们，导入其余的")
    command.add_argument("--reviewer", metavar="姓名", default="网页反馈", help="反馈文件的复核人（默认 %(default)s）")
    command.set_defaults(run=_import)

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
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has seen enough
        return 0
    except OSError as error:
        place = f"{error.filename}：" if error.filename else ""
        errors.print(f"错误：{place}{error.strerror}", style="red", markup=False, soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        errors.print("已中断；原有的模型没有改动。")
        return INTERRUPTED
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
    _show("交叉验证（按文集划分，只用自写数据）", score_table(trained.scores))
    print(f"模型 {trained.version} 已保存到 {trained.folder}")
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


def _cross_validate(options: argparse.Namespace) -> int:
    dataset = read_dataset(options.data)
    reader = FeatureReader(dataset.lexicon)
    held_out = hold_out(dataset, read_examples(dataset, reader), reader, lambda _done: None)
    calibrators = fit_calibrators(held_out)
    decision = choose_decision(held_out, calibrators, dataset.theme_ids)
    probabilities = calibrate(held_out.raw_scores, calibrators)
    predicted = probabilities >= np.array(decision.thresholds)
    genres = [dataset.documents[paragraph.document].genre for paragraph in dataset.paragraphs]
    _show(
        "交叉验证（按文集划分，只用自写数据）", score_table(judge(held_out, calibrators, decision, dataset.theme_ids))
    )
    _show("按文体", slice_table(held_out.truth, predicted, genres, "文体"))
    lengths = length_keys([paragraph.text for paragraph in dataset.paragraphs])
    _show("按长度", slice_table(held_out.truth, predicted, lengths, "长度"))
    _show("复核与校准", review_tables(held_out.truth, probabilities, decision.thresholds))
    return 0


def _import(options: argparse.Namespace) -> int:
    shipped = default_data_folder()
    if options.data.resolve() == shipped.resolve():
        raise DataError(
            f"{shipped} 是随软件提供的数据，只收自写的文字；请复制一份（cp -r {shipped} 我的数据），再用 --data 我的数据。"
        )
    imported = import_reviews(
        options.file,
        options.data,
        reviewer=options.reviewer,
        skip_refused=options.skip_refused,
        today=datetime.now().astimezone().date(),
    )
    console = Console(highlight=False, soft_wrap=True)
    for sentence in describe(imported):
        console.print(sentence, markup=False)
    return FAILED if imported.refused and not options.skip_refused else 0


def _census(options: argparse.Namespace) -> int:
    dataset = read_dataset(options.data)
    _show(str(options.data), census(dataset))
    return 0


def _agreement(options: argparse.Namespace) -> int:
    theme_ids = read_dataset(options.data).theme_ids
    agreement = measure_agreement(read_double_labels(options.data), theme_ids)
    rows = [[theme, f"{one.f1:.3f}", f"{one.kappa:.3f}", str(one.records)] for theme, one in agreement.themes.items()]
    table = markdown_table(["主题", "F1", "kappa", "记录"], rows)
    figures = f"整组主题一致 {agreement.exact:.3f}；段落的主要主题一致 {agreement.primary:.3f}"
    _show(f"{agreement.records} 条记录由第二人盲标", f"{table}\n\n{figures}\n")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    labeller = load_labeller(options.model)
    theme_ids = [theme.id for theme in labeller.themes]
    gold = read_gold(options.gold, theme_ids)
    texts = [paragraph.text for paragraph in gold]
    sources = [paragraph.source or str(paragraph.id) for paragraph in gold]
    truth = _membership([paragraph.themes for paragraph in gold], theme_ids)
    labels = labeller.label(texts)
    predicted = _membership([label.themes for label in labels], theme_ids)
    by_rule = _membership([label_by_keywords(text) for text in texts], theme_ids)
    probabilities = np.array([[label.scores[theme] for theme in theme_ids] for label in labels])
    primaries = [(one.primary, label.primary) for one, label in zip(gold, labels, strict=True)]
    scores = score(truth, predicted, theme_ids, probabilities=probabilities, primary_pairs=primaries)
    _show(f"模型 {labeller.version}，{len(gold)} 段", score_table(scores))
    _show("宏平均 F1 的 95% 区间（按来源自助抽样）", interval(truth, predicted, sources) + "\n")
    _show("关键词规则", score_table(score(truth, by_rule, theme_ids)) + interval(truth, by_rule, sources) + "\n")
    _show("按长度", slice_table(truth, predicted, length_keys(texts), "长度"))
    _show("复核与校准", review_tables(truth, probabilities, list(labeller.card["thresholds"].values())))
    in_review = np.array([bool(label.uncertain) for label in labels])
    rest = "—"
    if not in_review.all():
        rest = f"{score(truth[~in_review], predicted[~in_review], theme_ids).macro_f1:.3f}"
    _show("待复核", f"{in_review.mean():.1%} 的段落标为待复核；其余段落宏平均 F1 {rest}\n")
    _show("最有把握的错误", worst_errors(gold, labels, theme_ids))
    return 0


def _compare(options: argparse.Namespace) -> int:
    labeller = load_labeller(options.model)
    theme_ids = [theme.id for theme in labeller.themes]
    dataset = read_dataset(options.data)
    gold = read_gold(options.gold, theme_ids)
    texts = [paragraph.text for paragraph in gold]
    sources = [paragraph.source or str(paragraph.id) for paragraph in gold]
    truth = _membership([paragraph.themes for paragraph in gold], theme_ids)
    training, training_truth = training_texts(dataset)
    found = {f"policy-themes {labeller.version}": _membership([one.themes for one in labeller.label(texts)], theme_ids)}
    for name, peer in PEERS.items():
        found[name] = peer(training, training_truth, texts)
        Console(stderr=True, highlight=False).print(f"完成：{name}", markup=False)
    rows = []
    for name, predicted in found.items():
        scores = score(truth, predicted, theme_ids)
        by_theme = [f"{scores.themes[theme].f1:.3f}" for theme in theme_ids]
        rows.append([name, interval(truth, predicted, sources), f"{scores.micro_f1:.3f}", *by_theme])
    header = ["方法", "宏平均 F1（95% 区间）", "微平均 F1", *theme_ids]
    _show(f"{len(gold)} 段，同样的训练数据，同一次运行", markdown_table(header, rows) + "\n")
    return 0


def _ablate(options: argparse.Namespace) -> int:
    dataset = read_dataset(options.data)
    gold = read_gold(options.gold, dataset.theme_ids)
    truth = _membership([paragraph.themes for paragraph in gold], dataset.theme_ids)
    written = _membership([paragraph.themes for paragraph in dataset.paragraphs], dataset.theme_ids)
    sources = [paragraph.source or str(paragraph.id) for paragraph in gold]
    errors = Console(stderr=True, highlight=False)
    results = ablate(dataset, [paragraph.text for paragraph in gold], lambda done: errors.print(done, markup=False))
    rows = [
        [
            name,
            f"{score(written, result.held_out, dataset.theme_ids).macro_f1:.3f}",
            interval(truth, result.gold, sources),
        ]
        for name, result in results.items()
    ]
    header = ["改动", "自写数据（交叉验证）宏平均 F1", f"{options.gold.name} 宏平均 F1（95% 区间）"]
    _show("逐项改动", markdown_table(header, rows) + "\n")
    return 0


def _membership(themes: Sequence[Sequence[str]], theme_ids: Sequence[str]) -> Truth:
    return np.array([[theme in one for theme in theme_ids] for one in themes])


def _release(options: argparse.Namespace) -> int:
    version = release(options.model, options.store, read_dataset(options.data))
    print(f"模型 {version} 已发布到 {options.store}，正在运行的服务随即换用")
    return 0


def _rollback(options: argparse.Namespace) -> int:
    version = ModelStore(options.store).rollback()
    print(f"{options.store} 已退回模型 {version}")
    return 0


def _blocks(options: argparse.Namespace) -> int:
    console = Console(highlight=False, soft_wrap=True)
    scores = score_blocks(read_gold_blocks(options.gold), options.documents)
    for sentence in scores.wrong:
        console.print(sentence, markup=False)
    console.print(f"段落边界 F1 {scores.boundary_f1:.3f}（目标 {_BOUNDARY_GOAL}）")
    console.print(f"类别正确率 {scores.kinds:.3f}（目标 {_KINDS_GOAL}）")
    return 0 if scores.boundary_f1 >= _BOUNDARY_GOAL and scores.kinds >= _KINDS_GOAL else FAILED


def _show(title: str, text: str) -> None:
    print(f"## {title}\n\n{text}")


if __name__ == "__main__":
    sys.exit(main())
