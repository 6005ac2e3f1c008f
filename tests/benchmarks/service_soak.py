"""`make soak`: the service when it is overloaded, killed again and again, and when the disk under its feedback is full.

Prints a Markdown table a part; the exit code tells whether all held. Linux; the full disk needs root, to mount a small one.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import httpx

from tests.benchmarks.serving import free_port, our_requests, read_texts

COMMAND = Path(sys.executable).with_name("policy-serve")
FEW, MANY = 16, 200
BATCH = 100
GOODPUT = 0.85  # of what sixteen clients get
DISK_MIB = 4


@contextmanager
def serving(port: int, core: int | None = None, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A service, from its first answer to its end."""
    environment = {**os.environ, **{f"POLICY_THEMES_{name.upper()}": value for name, value in settings.items()}}
    process = subprocess.Popen(
        [COMMAND, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 (no thread runs yet)
    )
    try:
        while True:
            with suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"{COMMAND} did not start")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait(60)


@dataclass(slots=True)
class Answers:
    """What clients were told.

    Attributes:
        statuses: how often each, 0 where the connection broke.
        seconds: to each answer that was 200.
        untold: refusals without Retry-After.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    untold: int = 0


async def ask_for(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Answers:
    """`clients` that ask again as soon as they are answered, whatever they are told."""
    answers = Answers()
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        writer = None
        for turn in count(number):
            begun = time.perf_counter()
            if begun >= end:
                break
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(requests[turn % len(requests)])
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
            except (OSError, asyncio.IncompleteReadError):
                answers.statuses[0] += 1
                writer = None
                continue
            status = int(head[9:12])
            answers.statuses[status] += 1
            if status == 200:
                answers.seconds.append(time.perf_counter() - begun)
            elif b"retry-after:" not in head:
                answers.untold += 1
            if b"connection: close" in head:
                writer.close()
                writer = None
        if writer is not None:
            writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    return answers


def probe(port: int, seconds: float) -> list[float]:
    """Seconds to each answer of /healthz, asked ten times a second."""
    found = []
    end = time.perf_counter() + seconds
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        while time.perf_counter() < end:
            begun = time.perf_counter()
            client.get("/healthz").raise_for_status()
            found.append(time.perf_counter() - begun)
            time.sleep(0.1)
    return found


def hundredth(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[int(len(values) * 0.99)]


def overload(seconds: float) -> Iterator[str]:
    """Sixteen clients, then two hundred that ignore every refusal, then sixteen again."""
    texts = [text for text in read_texts()[0] if len(text) >= 50]
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    port = free_port()
    yield "\n## Overload\n"
    yield f"Service on one core, clients on {'another' if len(cores) > 1 else 'the same'}; clients ask again at once, whatever they are told."
    yield "\n| requests | clients | good answers a second | of that of 16 clients | refused, all with Retry-After | broken | p99 of good ones, s | p99 of /healthz, ms |"
    yield "|---|---|---|---|---|---|---|---|"
    for what, requests in (
        ("one paragraph", our_requests(texts)),
        (f"{BATCH} paragraphs", our_requests(texts, BATCH)[:-1]),
    ):
        with ProcessPoolExecutor(1, get_context("spawn")) as prober, serving(port, cores[0]):
            asyncio.run(ask_for(port, requests, FEW, seconds / 4))
            usual = 0.0
            for clients in (FEW, MANY, FEW):
                probing = prober.submit(probe, port, seconds)
                answers = asyncio.run(ask_for(port, requests, clients, seconds))
                good = answers.statuses[200] / seconds
                usual = usual or good
                refused = answers.statuses[503] + answers.statuses[429]
                others = sum(answers.statuses.values()) - answers.statuses[200] - refused
                health = hundredth(probing.result())
                held = good >= GOODPUT * usual and not answers.untold and not others
                yield (
                    f"| {what} | {clients} | {good:,.0f} | {good / usual:.0%} | {refused:,}{f', {answers.untold} without' if answers.untold else ''}"
                    f" | {others} | {hundredth(answers.seconds):.2f} | {health * 1000:.0f} | {'' if held else 'MISSED'}"
                )
    os.sched_setaffinity(0, set(cores))


def kills(rounds: int, chance: random.Random) -> Iterator[str]:
    """The service killed while people send corrections: what was answered for is there, and once."""
    yield "\n## Corrections through kill -9\n"
    sent = count()
    answered: set[str] = set()
    unanswered: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "feedback.sqlite3")
        for _ in range(rounds):
            port = free_port()
            with serving(port, feedback=str(path)) as process:
                stop = threading.Thread(target=_kill_later, args=(process, chance.uniform(0.02, 0.4)))
                stop.start()

                def send(port: int = port) -> None:
                    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
                        while True:
                            key = f"key-{next(sent)}"
                            try:
                                client.post("/v1/feedback", json=_correction(key)).raise_for_status()
                            except httpx.TransportError:
                                unanswered.add(key)
                                return
                            answered.add(key)

                threads = [threading.Thread(target=send) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in (*threads, stop):
                    thread.join()
        port = free_port()
        with (
            serving(port, feedback=str(path)),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            before = Counter(row["text"] for row in _exported(client))
            for key in unanswered:
                client.post("/v1/feedback", json=_correction(key)).raise_for_status()
            after = Counter(row["text"] for row in _exported(client))
        with sqlite3.connect(path) as connection:
            (whole,) = connection.execute("pragma integrity_check").fetchone()
    lost = len(answered - before.keys())
    doubled = sum(number - 1 for number in after.values())
    still = len((answered | unanswered) - after.keys())
    yield "| kills | answered for | lost | sent again with their keys | doubled | lost then | integrity check |"
    yield "|---|---|---|---|---|---|---|"
    held = not lost and not doubled and not still and whole == "ok"
    yield f"| {rounds} | {len(answered):,} | {lost} | {len(unanswered)} | {doubled} | {still} | {whole} | {'' if held else 'MISSED'}"


def _kill_later(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)


def _correction(key: str) -> dict[str, object]:
    return {"text": key, "themes": [], "model": "1", "predicted": [], "key": key}


def _exported(client: httpx.Client) -> list[dict[str, object]]:
    return [json.loads(line) for line in client.get("/v1/feedback/export").text.splitlines()]


def full_disk() -> Iterator[str]:
    """A disk that fills under the feedback: told, nothing lost, labelling unharmed, and more is taken when there is room again."""
    yield "\n## A full disk under the feedback\n"
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder], check=False
        ).returncode:
            yield "Not run: a small disk cannot be mounted here (root is needed)."
            return
        try:
            yield from _fill(Path(folder))
        finally:
            subprocess.run(["/bin/umount", "--lazy", folder], check=True)


def _fill(disk: Path) -> Iterator[str]:
    filler = disk / "filler"
    filler.write_bytes(bytes(DISK_MIB << 19))
    port = free_port()
    with (
        serving(port, feedback=str(disk / "feedback.sqlite3")),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client,
    ):
        statuses: Counter[int] = Counter()
        refused = 0
        numbers = count()
        while refused < 50:
            text = f"{next(numbers)}" + "文" * 2000
            response = client.post("/v1/feedback", json={"text": text, "themes": [], "model": "1", "predicted": []})
            statuses[response.status_code] += 1
            refused += response.status_code != 201
        kept = len(_exported(client))
        label = client.post("/v1/label", json={"paragraphs": [{"id": 1, "text": "引进博士二十名。"}]}).status_code
        ready = client.get("/readyz").status_code
        filler.unlink()
        again = client.post("/v1/feedback", json=_correction("again")).status_code
        rows = len(_exported(client))
    yield "| corrections kept | refused | in the export while full | a label meanwhile | /readyz | the next correction after room was made | rows then |"
    yield "|---|---|---|---|---|---|---|"
    held = (
        set(statuses) == {201, 507}
        and kept == statuses[201]
        and (label, ready, again) == (200, 200, 201)
        and rows == kept + 1
    )
    yield (
        f"| {statuses[201]} | {statuses[507]} × 507{'' if set(statuses) <= {201, 507} else f', {dict(statuses)}'} | {kept} | {label} | {ready}"
        f" | {again} | {rows} | {'' if held else 'MISSED'}"
    )


def main() -> int:
    """Print the tables; 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 (a moment to kill at)
    print(f"seed {options.seed}, load at the start {os.getloadavg()[0]:.1f}")
    missed = False
    for part in (overload(options.seconds), kills(options.kills, chance), full_disk()):
        for line in part:
            missed |= line.endswith("MISSED")
            print(line, flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
