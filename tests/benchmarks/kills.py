"""`make soak`: runs killed again and again at random moments, then finished; the result must be that of an undisturbed run, byte by byte.

Over documents the command is killed (kill -9) and gone on with by --resume; over a folder of Parquet with worker processes, now the command is
killed and run again, now one of its workers. A process's death is what this proves; what a power failure does it cannot show.
"""

import argparse
import contextlib
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

REPOSITORY = Path(__file__).resolve().parent.parent.parent
COMMAND = Path(sys.executable).with_name("policy-label")
DOCUMENTS = 200
PARAGRAPHS_A_DOCUMENT = 40
SHARDS = 30
ROWS_A_SHARD = 3_000
ENDINGS = (".jsonl", ".csv", ".xlsx", ".html", ".parquet")
_ORPHAN_SECONDS = 20


@dataclass(slots=True)
class Tally:
    """What was counted over the rounds of one kind."""

    rounds: int = 0
    commands_killed: int = 0
    workers_killed: int = 0
    wrong: int = 0
    orphans: int = 0

    @property
    def kills(self) -> int:
        """All of them."""
        return self.commands_killed + self.workers_killed


def texts() -> list[str]:
    """All paragraphs of `datasets/`."""
    return [
        json.loads(line)["text"]
        for path in sorted((REPOSITORY / "datasets" / "paragraphs").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def make_documents(folder: Path, chance: random.Random) -> None:
    """Documents of text, and one of rows, long enough to be killed in."""
    paragraphs = texts()
    folder.mkdir()
    for number in range(DOCUMENTS):
        body = "\n\n".join(chance.choices(paragraphs, k=PARAGRAPHS_A_DOCUMENT))
        (folder / f"{number:04}.txt").write_text(f"第{number}号文件\n\n{body}\n", encoding="utf-8")
    rows = (json.dumps({"id": number, "text": chance.choice(paragraphs)}) for number in range(8_000))
    (folder / "0100.jsonl").write_text("\n".join(rows), encoding="utf-8")


def make_shards(folder: Path, chance: random.Random) -> None:
    """Shards of Parquet."""
    paragraphs = texts()
    folder.mkdir()
    for number in range(SHARDS):
        table = pa.table({"id": range(ROWS_A_SHARD), "text": chance.choices(paragraphs, k=ROWS_A_SHARD)})
        pq.write_table(table, folder / f"part-{number:03}.parquet")


def digest(result: Path) -> str:
    """Of a file, or of all visible files of a folder."""
    if result.is_file():
        return hashlib.sha256(result.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for path in sorted(path for path in result.rglob("*") if path.name[0] != "."):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def start(arguments: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([COMMAND, *arguments], stderr=subprocess.DEVNULL)


def family(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The processes that a command has started."""
    with contextlib.suppress(psutil.Error):
        return list(psutil.Process(process.pid).children(recursive=True))
    return []


def kill_command(process: "subprocess.Popen[bytes]") -> int:
    """Kill a command; returns how many of its processes outlive it."""
    children = family(process)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=_ORPHAN_SECONDS)
    return len(alive)


def survives(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether a process still runs after so long."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return False
    return True


def over_documents(folder: Path, kills: int, chance: random.Random) -> Iterator[tuple[str, Tally]]:
    """Rounds over documents, an ending after the other."""
    source = folder / "documents"
    make_documents(source, chance)
    for ending in ENDINGS:
        tally = Tally()
        whole = folder / f"whole{ending}"
        started = time.monotonic()
        start([source, "-o", whole, "--workers", "2"]).wait()
        length = time.monotonic() - started
        while tally.kills < kills:
            out = folder / f"out{ending}"
            while True:
                process = start([source, "-o", out, "--workers", "2", "--resume"])
                if not survives(process, chance.uniform(0.2, max(length, 3.0))):
                    break
                tally.orphans += kill_command(process)
                tally.commands_killed += 1
            tally.rounds += 1
            left = [path.name for path in folder.iterdir() if path.name.startswith(f".out{ending}")]
            same = digest_without_start(out) == digest_without_start(whole)
            tally.wrong += process.returncode != 0 or not same or bool(left)
            out.unlink()
        yield f"documents to {ending}", tally


def digest_without_start(result: Path) -> str:
    """Digest of a result but for the moment at which its run began, which differs between two runs."""
    match result.suffix:
        case ".xlsx":
            import openpyxl  # noqa: PLC0415 (needed here only)

            book = openpyxl.load_workbook(result, read_only=True)
            cells = [
                [cell for cell in row if not _is_moment(cell)]
                for sheet in book.worksheets
                for row in sheet.iter_rows(values_only=True)
            ]
            return hashlib.sha256(repr(cells).encode()).hexdigest()
        case ".parquet":
            return hashlib.sha256(repr(pq.read_table(result).to_pylist()).encode()).hexdigest()
        case ".html":
            lines = [line for line in result.read_text(encoding="utf-8").splitlines() if not _is_moment(line)]
            return hashlib.sha256("\n".join(lines).encode()).hexdigest()
        case _:
            return digest(result)


def _is_moment(value: object) -> bool:
    return time.strftime("%Y") in str(value) and ":" in str(value) and len(str(value)) < 400


def over_shards(folder: Path, kills: int, chance: random.Random) -> Iterator[tuple[str, Tally]]:
    """Rounds over shards on worker processes."""
    source, whole, out = folder / "shards", folder / "whole", folder / "out"
    make_shards(source, chance)
    start([source, "-o", whole]).wait()
    tally = Tally()
    while tally.kills < kills:
        round_folder = out.with_name(f"out{tally.rounds}")
        while True:
            process = start([source, "-o", round_folder, "--workers", "2"])
            kill_worker = chance.random() < 0.5
            if not survives(process, chance.uniform(1.0, 8.0)):
                break
            if kill_worker and (workers := [child for child in family(process) if not family_of(child)]):
                with contextlib.suppress(psutil.Error):
                    chance.choice(workers).send_signal(signal.SIGKILL)
                    tally.workers_killed += 1
                if not survives(process, chance.uniform(1.0, 8.0)):
                    break
            tally.orphans += kill_command(process)
            tally.commands_killed += 1
        tally.rounds += 1
        tally.wrong += process.returncode != 0 or digest(round_folder) != digest(whole)
    yield "shards on worker processes", tally


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """The processes that a process has started."""
    with contextlib.suppress(psutil.Error):
        return list(process.children())
    return []


def main() -> int:
    """Kill, count, and print; the exit code tells whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each ending; of shards three times as many")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 (a moment to kill at)
    print(f"seed {arguments.seed}\n")
    print("| | rounds finished | commands killed | workers killed | results that differ | processes left |")
    print("|---|---|---|---|---|---|")
    bad = 0
    kinds: list[tuple[Callable[..., Iterator[tuple[str, Tally]]], int]] = [(over_documents, 1), (over_shards, 3)]
    with tempfile.TemporaryDirectory() as folder:
        for kind, times in kinds:
            for name, tally in kind(Path(folder), arguments.kills * times, chance):
                counts = (tally.rounds, tally.commands_killed, tally.workers_killed, tally.wrong, tally.orphans)
                print(f"| {name} | {' | '.join(map(str, counts))} |", flush=True)
                bad += tally.wrong + tally.orphans
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
