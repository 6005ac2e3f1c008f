"""The store of corrections: what was answered for is there, whatever happens to the process, the disk or the file."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from service import feedback_store
from service.feedback_store import Correction, FeedbackError, FeedbackFullError, FeedbackStore, KeyReusedError

ONE = Correction(
    "设立风险池。", ("tech_finance",), "tech_finance", "0.1.0+a", (), note="漏了", file="甲.docx", paragraph=3
)
ROUNDS_OF_KILLING = 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "feedback.sqlite3"


def test_a_correction_comes_out_as_it_went_in(path: Path) -> None:
    store = FeedbackStore(path)
    receipt = store.add(ONE)
    (row,) = store.rows()
    assert row.pop("at").endswith("+00:00")
    assert row == {
        "id": receipt.id,
        "text": ONE.text,
        "themes": ["tech_finance"],
        "primary": "tech_finance",
        "model": "0.1.0+a",
        "predicted": [],
        "note": "漏了",
        "file": "甲.docx",
        "paragraph": 3,
        "source": "api",
        "text_sha256": receipt.text_sha256,
    }
    assert receipt.text_sha256 == ONE.text_sha256


def test_writing_is_durable(path: Path) -> None:
    store = FeedbackStore(path)
    store.check()
    with store._lock:
        connection = store._connect()
        assert connection.execute("pragma journal_mode").fetchone()[0] == "wal"
        assert connection.execute("pragma synchronous").fetchone()[0] == 2


def test_numbers_only_rise_and_rows_come_in_their_order(path: Path) -> None:
    store = FeedbackStore(path)
    ids = [store.add(replace(ONE, text=str(number))).id for number in range(1200)]
    assert ids == sorted(set(ids))
    assert [row["id"] for row in store.rows()] == ids
    assert [row["id"] for row in store.rows(after=ids[700])] == ids[701:]
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("delete from feedback")
    connection.close()
    assert store.add(ONE).id > ids[-1], "a number is never given twice"


def test_a_repeat_with_its_key_is_one_row(path: Path) -> None:
    store = FeedbackStore(path)
    keyed = replace(ONE, key="k")
    assert store.add(keyed) == store.add(keyed)
    with pytest.raises(KeyReusedError):
        store.add(replace(keyed, themes=()))
    assert store.add(ONE) != store.add(ONE), "without a key each counts"
    assert len(list(store.rows())) == 3


def test_threads_and_processes_write_at_once(path: Path) -> None:
    stores = [FeedbackStore(path), FeedbackStore(path)]
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda number: stores[number % 2].add(replace(ONE, text=str(number))), range(80)))
    assert len({receipt.id for receipt in receipts}) == 80
    assert {row["text"] for row in stores[0].rows()} == set(map(str, range(80)))


_WRITER = """
import sys
from pathlib import Path
from service.feedback_store import Correction, FeedbackStore
store, run = FeedbackStore(Path(sys.argv[1])), sys.argv[2]
number = 0
while True:
    store.add(Correction(f"{run}/{number}", (), None, "1", (), key=f"{run}/{number}"))
    print(f"{run}/{number}", flush=True)
    number += 1
"""


def test_what_was_answered_for_outlives_a_killed_process(path: Path) -> None:
    answered: list[str] = []
    for run in range(ROUNDS_OF_KILLING):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(run)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        answered += [process.stdout.readline().strip() for _ in range(3 + run)]
        process.kill()
        answered += process.stdout.read().split()
        process.wait()
        process.stdout.close()
    store = FeedbackStore(path)
    kept = [row["text"] for row in store.rows()]
    assert set(answered) <= set(kept)
    assert len(kept) == len(set(kept))
    assert len(kept) - len(answered) <= ROUNDS_OF_KILLING, "at most one each was kept and not answered for"
    store.add(Correction(answered[0], (), None, "1", (), key=answered[0]))
    assert len(list(store.rows())) == len(kept)


def test_a_full_store_says_so_and_takes_more_when_there_is_room(path: Path) -> None:
    store = FeedbackStore(path, most_bytes=40 * 4096)
    kept = 0
    with suppress(FeedbackFullError):
        while kept < 1000:
            store.add(replace(ONE, text="文" * 1000))
            kept += 1
    assert 5 < kept < 1000
    assert len(list(store.rows())) == kept, "what is there can still be read"
    with pytest.raises(FeedbackFullError):
        store.add(replace(ONE, text="文" * 1000))
    store.close()
    assert FeedbackStore(path).add(ONE).id > kept - 1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"garbage " * 1000), "损坏"),
        (lambda path: path.write_bytes(path.read_bytes()[: 4096 + 100]), "损坏"),
        (lambda path: _set_version(path, 99), "99"),
    ],
    ids=["garbage", "cut off", "newer"],
)
def test_a_broken_file_is_told_and_left_alone(path: Path, damage: Callable[[Path], None], said: str) -> None:
    store = FeedbackStore(path)
    for number in range(50):
        store.add(replace(ONE, text="文" * 500 + str(number)))
    store.close()
    damage(path)
    before = path.read_bytes()
    for attempt in (lambda: store.add(ONE), lambda: list(store.rows()), store.check):
        with pytest.raises(FeedbackError, match=said):
            attempt()
    assert path.read_bytes() == before


def _set_version(path: Path, version: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"pragma user_version = {version}")
    connection.close()


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(FeedbackError, match="文件夹"):
        FeedbackStore(tmp_path / "file" / "feedback.sqlite3").add(ONE)
    (tmp_path / "folder").mkdir()
    with pytest.raises(FeedbackError):
        FeedbackStore(tmp_path / "folder").add(ONE)


def test_a_file_that_another_program_holds_is_told_in_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_store, "_BUSY_SECONDS", 0.1)
    store = FeedbackStore(path)
    store.add(ONE)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    try:
        with pytest.raises(FeedbackError, match="占用"):
            store.add(ONE)
    finally:
        other.execute("rollback")
        other.close()
    store.add(ONE)
    assert len(list(store.rows())) == 2


def test_rows_may_be_read_while_others_are_added(path: Path) -> None:
    store = FeedbackStore(path)
    for number in range(600):
        store.add(replace(ONE, text=str(number)))
    rows = store.rows()
    first = next(rows)
    writer = threading.Thread(target=lambda: store.add(replace(ONE, text="later")))
    writer.start()
    writer.join(10)
    assert not writer.is_alive()
    texts = [first["text"], *(row["text"] for row in rows)]
    assert texts == [*map(str, range(600)), "later"]
    assert json.dumps(first)
