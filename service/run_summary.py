"""The words that end a run: what was labelled, what was passed over, what failed and why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from model.labeller import Labeller
from service.documents import Refusal, RefusalKind, shown
from service.label_run import RunOutcome

_MOST_OF_A_FILE = 20  # refusals listed; a binary file that is called .jsonl has one in each line
_MOST_LISTED = 100
_MOST_SKIPPED = 50
_KINDS = {
    RefusalKind.UNREADABLE: "损坏或无法读取",
    RefusalKind.NEEDS_OCR: "扫描件，要先做文字识别",
    RefusalKind.UNSUPPORTED: "格式暂不支持",
    RefusalKind.TOO_LARGE: "太大或太费时",
    RefusalKind.ENCRYPTED: "有密码",
    RefusalKind.EMPTY: "没有正文",
    RefusalKind.BAD_ROW: "行有问题",
    RefusalKind.UNKNOWN_TEXT_COLUMN: "看不出正文在哪一列",
}


def tell_summary(outcome: RunOutcome, skipped: Sequence[Path], labeller: Labeller, console: Console) -> None:
    """Tell what came of a run.

    Args:
        outcome: of the run.
        skipped: files that were passed over because of their kind.
        labeller: what labelled.
        console: takes the words.
    """
    counts = outcome.counts
    console.print(f"共标注 {counts['paragraphs']} 段（模型 {labeller.version}）：", markup=False)
    for theme in labeller.themes:
        console.print(f"  {theme.name_zh} {counts[theme.id]}", markup=False)
    console.print(f"  无主题 {counts['none']}；建议复核 {counts['uncertain']}", markup=False)
    if skipped:
        console.print(f"跳过 {len(skipped)} 个暂不能读取的文件：", markup=False)
        for file in skipped[:_MOST_SKIPPED]:
            console.print(f"  {shown(file)}", markup=False)
        if len(skipped) > _MOST_SKIPPED:
            console.print(f"  ……另有 {len(skipped) - _MOST_SKIPPED} 个", markup=False)
    if outcome.refusals:
        for sentence in _refused(outcome.refusals):
            console.print(sentence, style="red", markup=False)


def _refused(refusals: Sequence[Refusal]) -> Iterator[str]:
    kinds = Counter(refusal.kind for refusal in refusals)
    yield f"{len(refusals)} 处未能处理，其余已照常输出："
    if len(kinds) > 1:
        by_kind = (f"{_KINDS.get(RefusalKind(kind), kind)} {count}" for kind, count in kinds.most_common())
        yield f"  按原因：{'；'.join(by_kind)}"
    counts: Counter[str] = Counter()
    listed = 0
    for refusal in refusals:
        counts[refusal.file] += 1
        if counts[refusal.file] <= _MOST_OF_A_FILE and listed < _MOST_LISTED:
            listed += 1
            yield f"  {refusal}"
    more = [(name, count) for name, count in counts.items() if count > _MOST_OF_A_FILE]
    for name, count in more[:_MOST_OF_A_FILE]:
        yield f"  {name}：……另有 {count - _MOST_OF_A_FILE} 处"
    if listed == _MOST_LISTED:
        yield f"  ……这里只列出前 {_MOST_LISTED} 处。"
