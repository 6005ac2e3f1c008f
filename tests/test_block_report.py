from pathlib import Path

import pytest

from model.errors import DataError
from model.paragraphs import BlockKind
from training.block_report import score_blocks
from training.gold import GoldBlock, read_gold_blocks

REAL = Path(__file__).resolve().parent.parent.parent / "shared" / "real"
HEADING, PARAGRAPH = BlockKind.HEADING, BlockKind.PARAGRAPH
DOCUMENT = "青石市规划\n引进博士，\n十名。\n道路畅通。\n"
RIGHT = [("a.txt", (1, 1), HEADING), ("a.txt", (2, 3), PARAGRAPH), ("a.txt", (4, 4), PARAGRAPH)]


def gold(*blocks: tuple[str, tuple[int, int], BlockKind]) -> list[GoldBlock]:
    return [GoldBlock(*block) for block in blocks]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(DOCUMENT, encoding="utf-8")
    return tmp_path


def test_a_right_cut_scores_1(folder: Path) -> None:
    scores = score_blocks(gold(*RIGHT), folder)
    assert (scores.boundary_f1, scores.kinds, scores.wrong) == (1, 1, ())


def test_boundaries_and_kinds_that_differ_are_counted_and_told(folder: Path) -> None:
    blocks = gold(
        ("a.txt", (1, 1), PARAGRAPH),
        ("a.txt", (2, 2), PARAGRAPH),
        ("a.txt", (3, 3), PARAGRAPH),
        ("a.txt", (4, 4), PARAGRAPH),
    )
    scores = score_blocks(blocks, folder)
    assert scores.boundary_f1 == pytest.approx(2 * 1 / (4 + 2))
    assert scores.kinds == 0.25
    assert scores.wrong == (
        "a.txt 第 1-1 行：应为 paragraph，得到 heading",
        "a.txt 第 2-2 行：应为 paragraph，得到 无",
        "a.txt 第 2-3 行：应为 无，得到 paragraph",
        "a.txt 第 3-3 行：应为 paragraph，得到 无",
    )


def test_a_block_of_the_right_lines_but_another_kind_is_wrong(folder: Path) -> None:
    scores = score_blocks(gold(*RIGHT[:2], ("a.txt", (4, 4), BlockKind.FURNITURE)), folder)
    assert scores.kinds == pytest.approx(2 / 3)
    assert scores.boundary_f1 == pytest.approx(2 / 3)


def test_several_documents_are_scored_together(folder: Path) -> None:
    (folder / "b.txt").write_text("道路畅通。", encoding="utf-8")
    scores = score_blocks(gold(*RIGHT, ("b.txt", (1, 1), HEADING)), folder)
    assert scores.kinds == 0.75
    assert scores.boundary_f1 == pytest.approx(2 * 2 / (2 + 3))


def test_a_document_without_paragraphs_is_no_division_by_zero(folder: Path) -> None:
    (folder / "b.txt").write_text("青石市规划", encoding="utf-8")
    assert score_blocks(gold(("b.txt", (1, 1), HEADING)), folder).boundary_f1 == 1


def test_a_missing_document_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"不能读取 .*c\.txt"):
        score_blocks(gold(*RIGHT, ("c.txt", (1, 1), HEADING)), folder)


@pytest.mark.parametrize("name", ["b.txt", "\0"])
def test_a_document_that_is_no_text_is_named(folder: Path, name: str) -> None:
    (folder / "b.txt").write_bytes("青石".encode("gb18030"))
    with pytest.raises(DataError, match="不是 UTF-8"):
        score_blocks(gold((name, (1, 1), HEADING)), folder)


@pytest.mark.skipif(not (REAL / "blocks.jsonl").exists(), reason="the real documents are not here")
def test_real_documents_are_cut_as_promised() -> None:
    scores = score_blocks(read_gold_blocks(REAL / "blocks.jsonl"), REAL / "documents")
    assert scores.boundary_f1 >= 0.98
    assert scores.kinds >= 0.95
