"""The service against the plain one that a newcomer writes: requests a second, paragraphs a second, first answer, a long load.

Both run as processes of their own on one core, and are asked by the same client on another. Prints a Markdown section.
"""

import argparse
import json
import os
import pickle
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import jieba
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

REPOSITORY = Path(__file__).resolve().parents[2]
PATH = "/v1/label"
BATCH = 100
CLIENTS = 16
OURS = "policy-serve"
PLAIN = "plain service"
LATE = 10.0  # p99 over p50, at most

# What a newcomer writes: one text a request, the pipeline as in the tutorial.
PLAIN_SERVICE = """
import pickle, sys
import jieba
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

class Request(BaseModel):
    text: str

jieba.initialize()
pipeline, themes = pickle.load(open(sys.argv[1], "rb"))
pipeline.named_steps["tfidfvectorizer"].tokenizer = jieba.lcut
app = FastAPI()

@app.post("/v1/label")
def label(request: Request):
    probabilities = pipeline.predict_proba([request.text])[0]
    return {"themes": [theme for theme, p in zip(themes, probabilities) if p >= 0.5], "scores": dict(zip(themes, map(float, probabilities)))}

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


def read_texts() -> tuple[list[str], list[list[str]]]:
    """Texts and themes of the paragraphs in `datasets/`."""
    rows = [
        json.loads(line)
        for path in sorted(REPOSITORY.glob("datasets/paragraphs/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [row["text"] for row in rows], [
        sorted({theme for sentence in row["sentences"] for theme in sentence["themes"]}) for row in rows
    ]


def train_plain(folder: Path) -> Path:
    """The newcomer's pipeline, trained and pickled."""
    texts, themes = read_texts()
    binarizer = MultiLabelBinarizer()
    pipeline = make_pipeline(
        TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None, max_features=50_000),
        OneVsRestClassifier(LogisticRegression()),
    )
    pipeline.fit(texts, binarizer.fit_transform(themes))
    pipeline.named_steps["tfidfvectorizer"].tokenizer = None  # jieba cannot be pickled
    path = folder / "plain.pickle"
    path.write_bytes(pickle.dumps((pipeline, list(binarizer.classes_))))
    return path


@dataclass(frozen=True, slots=True)
class Contestant:
    """A service: how it is started, and how it is asked."""

    name: str
    command: tuple[str, ...]
    one_by_one: bool


@dataclass(slots=True)
class Running:
    """A service that runs.

    Attributes:
        port: where it listens.
        pid: its process.
        first_seconds: from its start to its first answer.
        first_cpu: seconds of CPU that this took.
    """

    port: int
    pid: int
    first_seconds: float = 0.0
    first_cpu: float = 0.0


class Connection:
    """A connection that is kept, with as little of a client as will do: it is the service that is measured."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> None:
        """Send `request` and read the answer, which must be a good one."""
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise RuntimeError(head.decode("latin-1"))
        (length,) = (
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        missing = length - len(body)
        while missing > 0:
            missing -= len(self._more())

    def _more(self) -> bytes:
        part = self._socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the service closed the connection")
        return part

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def request_of(body: object) -> bytes:
    """A whole request that posts `body`."""
    content = json.dumps(body, ensure_ascii=False).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def plain_requests(texts: Sequence[str]) -> list[bytes]:
    """One request a text for the plain service."""
    return [request_of({"text": text}) for text in texts]


def our_requests(texts: Sequence[str], batch: int = 1) -> list[bytes]:
    """One request for each `batch` texts for ours."""
    return [
        request_of(
            {"paragraphs": [{"id": number, "text": text} for number, text in enumerate(texts[start : start + batch])]}
        )
        for start in range(0, len(texts), batch)
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def running(command: Sequence[str], first: bytes, core: int) -> Iterator[Running]:
    """Start a service on one core, and measure the time to its first answer."""
    port = free_port()
    environment = {**os.environ, "POLICY_THEMES_LOG": "json"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [part.replace("PORT", str(port)) for part in command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 (no thread runs yet)
    )
    try:
        while True:
            try:
                connection = Connection(port)
            except ConnectionRefusedError:
                if process.poll() is not None:
                    raise RuntimeError(f"{command[0]} did not start") from None
                time.sleep(0.005)
                continue
            connection.ask(first)
            connection.close()
            break
        yield Running(port, process.pid, time.perf_counter() - started, cpu_seconds(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def rate(service: Running, requests: Sequence[bytes], seconds: float) -> tuple[float, float]:
    """Requests a second of one client that asks again as soon as it is answered, and requests a second of the service's CPU."""
    connection = Connection(service.port)
    for request in requests[:3]:
        connection.ask(request)
    count = 0
    cpu = cpu_seconds(service.pid)
    started = time.perf_counter()
    for request in cycle(requests):
        connection.ask(request)
        count += 1
        if time.perf_counter() - started >= seconds:
            break
    spent = time.perf_counter() - started
    connection.close()
    return count / spent, count / max(cpu_seconds(service.pid) - cpu, 0.01)


def load(port: int, requests: Sequence[bytes], seconds: float) -> tuple[int, int, float, float]:
    """`CLIENTS` clients at once: answers, errors, median and 99th percentile of the time to an answer in milliseconds."""
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    errors = [0] * CLIENTS
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = Connection(port)
        for request in islice(cycle(requests), number, None):
            begun = time.perf_counter()
            if begun >= end:
                break
            try:
                connection.ask(request)
            except (OSError, RuntimeError):
                errors[number] += 1
                connection.close()
                connection = Connection(port)
            times[number].append(time.perf_counter() - begun)
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = sorted(one * 1000 for own in times for one in own)
    return len(spent), sum(errors), statistics.median(spent), spent[int(len(spent) * 0.99)]


def growth(running: Running, requests: Sequence[bytes], count: int) -> tuple[float, float]:
    """Resident MiB after a tenth of `count` requests, and after all."""
    connection = Connection(running.port)
    warm = 0.0
    for number, request in enumerate(islice(cycle(requests), count)):
        connection.ask(request)
        if number == count // 10:
            warm = resident_mib(running.pid)
    connection.close()
    return warm, resident_mib(running.pid)


def report(seconds: float, load_seconds: float, requests: int, rounds: int) -> Iterator[str]:
    """The section, line by line."""
    texts, _ = read_texts()
    texts = [text for text in texts if len(text) >= 50]
    cores = sorted(os.sched_getaffinity(0))
    service_core, client_core = cores[0], cores[-1]
    os.sched_setaffinity(0, {client_core})
    ours_one, ours_batch, plain_one = our_requests(texts), our_requests(texts, BATCH)[:-1], plain_requests(texts)
    yield "\n## Serving over HTTP\n"
    yield (
        f"{rounds} interleaved rounds of {seconds:g} s; each service on one core, the client on {'another' if service_core != client_core else 'the same'};"
        f" paragraphs of {statistics.mean(map(len, texts)):.0f} characters. Load at the start {os.getloadavg()[0]:.1f}."
    )
    with tempfile.TemporaryDirectory() as name:
        pickled = train_plain(Path(name))
        plain = [sys.executable, "-c", PLAIN_SERVICE, str(pickled), "PORT"]
        ours = [str(Path(sys.executable).with_name("policy-serve")), "--port", "PORT"]
        figures: dict[str, list[float]] = {}
        for _ in range(rounds):
            with running(ours, ours_one[0], service_core) as service:
                figures.setdefault("our first", []).append(service.first_seconds)
                figures.setdefault("our first CPU", []).append(service.first_cpu)
                a_second, a_cpu_second = rate(service, ours_one, seconds)
                figures.setdefault("ours", []).append(a_second)
                figures.setdefault("ours CPU", []).append(a_cpu_second)
                a_second, a_cpu_second = rate(service, ours_batch, seconds)
                figures.setdefault("our paragraphs", []).append(a_second * BATCH)
                figures.setdefault("our paragraphs CPU", []).append(a_cpu_second * BATCH)
            with running(plain, plain_one[0], service_core) as service:
                figures.setdefault("plain first", []).append(service.first_seconds)
                figures.setdefault("plain first CPU", []).append(service.first_cpu)
                a_second, a_cpu_second = rate(service, plain_one, seconds)
                figures.setdefault("plain", []).append(a_second)
                figures.setdefault("plain CPU", []).append(a_cpu_second)
        middle = {key: statistics.median(values) for key, values in figures.items()}

        def ratio(over: str, under: str) -> float:
            return statistics.median(a / b for a, b in zip(figures[over], figures[under], strict=True))

        yield "\n| | policy-serve | plain service (FastAPI, jieba, scikit-learn) | ratio | goal |"
        yield "|---|---|---|---|---|"
        for what, over, under, goal in (
            ("requests a second, one paragraph each", "ours", "plain", "8"),
            ("the same, a second of the service's CPU", "ours CPU", "plain CPU", ""),
            (f"paragraphs a second, {BATCH} a request (plain: one)", "our paragraphs", "plain", "100"),
            ("the same, a second of the service's CPU", "our paragraphs CPU", "plain CPU", ""),
        ):
            yield f"| {what} | {middle[over]:,.0f} | {middle[under]:,.0f} | {ratio(over, under):.1f} | {goal} |"
        for what, kind, goal in (
            ("first answer after the start, s", "first", "4"),
            ("CPU until then, s (goal: ours at most 0.7)", "first CPU", ""),
        ):
            own, other = f"our {kind}", f"plain {kind}"
            yield f"| {what} | {middle[own]:.2f} | {middle[other]:.2f} | {ratio(other, own):.1f} | {goal} |"
        with running(ours, ours_one[0], service_core) as service:
            answers, errors, p50, p99 = load(service.port, ours_one, load_seconds)
            yield (
                f"\n{CLIENTS} clients for {load_seconds:g} s: {answers:,} answers, {errors} errors, median {p50:.1f} ms,"
                f" 99th percentile {p99:.1f} ms ({p99 / p50:.1f} times; goal at most {LATE:g})."
            )
            warm, after = growth(service, ours_one, requests)
            yield (
                f"Memory over {requests:,} requests: {warm:.1f} MiB after a tenth, {after:.1f} MiB at the end"
                f" ({(after / warm - 1) * 100:+.1f} %; goal below 5 %)."
            )


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds of each, to see that it runs")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # where it is set, our modules are compiled anew at every start
    lines = report(1.0, 3.0, 2_000, 1) if options.short else report(5.0, 60.0, 100_000, 5)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
