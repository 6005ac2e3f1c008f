"""`make soak`: how much memory a run over ten thousand documents takes, in all its processes together, and how fast it is.

Every fifth document is one of `tests/documents`, over and over under other names (links, so that the disk holds each once), the others are
texts from `datasets/`. A page that several processes share counts once (PSS, as Linux reckons it); the plain sum of resident memory counts it in each.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent.parent
COMMAND = Path(sys.executable).with_name("policy-label")
LIMIT_MB = 500
_SAMPLE_SECONDS = 0.25
_PARAGRAPHS_A_TEXT = 20
_TEXT_SHARE = 4  # of five documents, how many are plain text


def make_documents(folder: Path, count: int, documents: Path) -> None:
    """Put `count` documents into `folder`, every fifth one of those in `documents`."""
    texts = [
        json.loads(line)["text"]
        for path in sorted((REPOSITORY / "datasets" / "paragraphs").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    endings = {".docx", ".pdf", ".html", ".xlsx", ".txt"}
    models = [path for path in sorted(documents.rglob("*")) if path.suffix in endings]
    paragraphs = itertools.cycle(texts)
    (folder / "models").mkdir(parents=True)
    copies = []
    for path in models:
        copies.append(folder / "models" / path.name)
        copies[-1].write_bytes(path.read_bytes())
    for number in range(count):
        inside = folder / f"{number // 1000:02}"
        inside.mkdir(exist_ok=True)
        if number % (_TEXT_SHARE + 1) < _TEXT_SHARE:
            body = "\n\n".join(itertools.islice(paragraphs, _PARAGRAPHS_A_TEXT))
            (inside / f"{number:05}.txt").write_text(f"第{number}号文件\n\n{body}\n", encoding="utf-8")
        else:
            model = copies[number // (_TEXT_SHARE + 1) % len(copies)]
            os.link(model, inside / f"{number:05}{model.suffix}")


def memory_of(processes: list[psutil.Process]) -> tuple[float, float]:
    """Resident MB of some processes: shared pages counted once, and counted in each."""
    once = each = 0
    for process in processes:
        try:
            memory = process.memory_full_info()
        except psutil.Error:
            continue
        once += memory.pss
        each += memory.rss
    return once / 2**20, each / 2**20


def measure(source: Path, output: Path, options: list[str]) -> tuple[float, float, float, int]:
    """Run the command; returns seconds, peak MB (once, each), and its exit code."""
    started = time.monotonic()
    peaks = (0.0, 0.0)
    process = subprocess.Popen([COMMAND, source, "-o", output, *options], stderr=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            now = memory_of([watched, *watched.children(recursive=True)])
        except psutil.Error:
            break
        peaks = (max(peaks[0], now[0]), max(peaks[1], now[1]))
        time.sleep(_SAMPLE_SECONDS)
    return time.monotonic() - started, *peaks, process.wait()


def main() -> int:
    """Make the documents, run, and print what was measured; the exit code tells whether it was too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--ending", action="append", help="of the output; several may be given (default: .jsonl)")
    parser.add_argument("--workers", type=int, help="as policy-label takes it")
    parser.add_argument("--models", type=Path, default=REPOSITORY / "tests" / "documents", help="documents to repeat")
    arguments = parser.parse_args()
    too_much = False
    print("| output | documents a second | peak MB, shared pages once | summed over processes |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        make_documents(Path(folder, "in"), arguments.documents, arguments.models)
        for ending in arguments.ending or [".jsonl"]:
            options = [] if arguments.workers is None else ["--workers", str(arguments.workers)]
            seconds, once, each, code = measure(Path(folder, "in"), Path(folder, f"out{ending}"), options)
            print(
                f"| {ending} (exit {code}) | {arguments.documents / seconds:.0f} | {once:.0f} | {each:.0f} |",
                flush=True,
            )
            too_much |= each > LIMIT_MB
    return int(too_much)


if __name__ == "__main__":
    sys.exit(main())
