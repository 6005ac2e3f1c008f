"""Measures how documents are cut to blocks against hand-made cuts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import DataError
from model.paragraphs import BlockKind, split_blocks
from training.gold import GoldBlock


@dataclass(frozen=True, slots=True)
class BlockScores:
    """How well blocks were found.

    Attributes:
        boundary_f1: F1 of paragraphs whose first and last line are both right.
        kinds: share of the gold blocks that were found with the right lines and kind.
        wrong: what was missed or made up, as sentences.
    """

    boundary_f1: float
    kinds: float
    wrong: tuple[str, ...]


def score_blocks(gold: Sequence[GoldBlock], documents: Path) -> BlockScores:
    """Cut the documents that `gold` speaks of, in the folder `documents` (UTF-8), and compare.

    Raises:
        DataError: a document is missing, or is not UTF-8.
    """
    by_document: dict[str, list[GoldBlock]] = defaultdict(list)
    for block in gold:
        by_document[block.document].append(block)
    right = found_paragraphs = gold_paragraphs = right_kinds = 0
    wrong = []
    for name, blocks in by_document.items():
        try:
            text = (documents / name).read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"不能读取 {documents / name}（{error.strerror}）。") from None
        except ValueError:  # also a name that no file can have
            raise DataError(f"{documents / name} 不是 UTF-8 编码的文本。") from None
        expected = {block.lines: block.kind for block in blocks}
        found = {block.lines: block.kind for block in split_blocks(text.split("\n"))}
        paragraphs = {lines for lines, kind in expected.items() if kind is BlockKind.PARAGRAPH}
        cut = {lines for lines, kind in found.items() if kind is BlockKind.PARAGRAPH}
        right += len(paragraphs & cut)
        gold_paragraphs += len(paragraphs)
        found_paragraphs += len(cut)
        right_kinds += sum(found.get(lines) == kind for lines, kind in expected.items())
        for lines in sorted(expected.keys() | found.keys()):
            if expected.get(lines) != found.get(lines):
                wrong.append(
                    f"{name} 第 {lines[0]}-{lines[1]} 行：应为 {expected.get(lines, '无')}，得到 {found.get(lines, '无')}"
                )
    paragraphs_in_both = gold_paragraphs + found_paragraphs
    boundary_f1 = 2 * right / paragraphs_in_both if paragraphs_in_both else 1.0
    return BlockScores(boundary_f1, right_kinds / len(gold), tuple(wrong))
