"""One run at a time writes a result, and what killed runs left goes."""

from pathlib import Path

import pytest

from service.output_claim import claim_output
from service.run import OutputError


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_run_is_refused_and_a_third_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with claim_output(out):
        with pytest.raises(OutputError, match="另一个 policy-label 正在写"), claim_output(out):
            pass
        with claim_output(tmp_path / "other.csv"):
            pass
    with claim_output(out):
        pass
    assert names_in(tmp_path) == []


def test_what_killed_runs_left_goes_and_nothing_else(tmp_path: Path) -> None:
    kept = [".other.csv.abc.part", ".out.csv.journal", "out.csv", ".out.csv.abc.partial", "out.csv.abc.part"]
    for name in [".out.csv.abc_12.part", ".out.csv.lock", *kept]:
        (tmp_path / name).touch()
    (tmp_path / ".out.csv.x1.part.sheets.y2" / "inside").mkdir(parents=True)
    with claim_output(tmp_path / "out.csv"):
        assert names_in(tmp_path) == sorted([".out.csv.lock", *kept])
    assert names_in(tmp_path) == sorted(kept)


@pytest.mark.parametrize(("name", "sentence"), [("没有/out.csv", "请先建立它"), ("文件夹.csv", "是一个文件夹")])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "文件夹.csv").mkdir()
    with pytest.raises(OutputError, match=sentence), claim_output(tmp_path / name):
        pass
    assert names_in(tmp_path) == ["文件夹.csv"]
