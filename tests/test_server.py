"""`policy-serve` in operation: swapping by signal and by release, several processes, and an end that loses nothing."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from model.store import ModelStore

COMMAND = Path(sys.executable).with_name("policy-serve")
TEXT = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
BODY = {"paragraphs": [{"id": 1, "text": TEXT}]}

_Answer = TypeVar("_Answer")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@contextmanager
def running(
    tmp_path: Path, *options: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client, Path]]:
    """A service, a client of it, and the file of its log."""
    environment = {**os.environ, "POLICY_THEMES_FEEDBACK": str(tmp_path / "f.sqlite3"), "NO_COLOR": "1"}
    environment |= {f"POLICY_THEMES_{name.upper()}": value for name, value in settings.items()}
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen([COMMAND, "--port", "0", *options], env=environment, stderr=file, text=True)
    try:
        address = until(lambda: re.search(r"running on (http://[0-9.:]+)", log.read_text(encoding="utf-8")))[1]
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            yield process, client, log
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(ask: Callable[[], _Answer | None], seconds: float = 40) -> _Answer:
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
        except httpx.TransportError:
            answer = None
        if answer:
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lines_of(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


def test_a_release_is_taken_up_by_itself_and_by_a_signal(
    tmp_path: Path, small_model_folder: Path, tiny_model_folder: Path
) -> None:
    store = ModelStore(tmp_path / "store")
    small = store.release(small_model_folder, [TEXT])
    with running(tmp_path, "--store", str(store.folder), reload_seconds="0.1") as (_process, client, log):
        assert client.get("/readyz").json()["model"] == small
        tiny = store.release(tiny_model_folder, [TEXT])
        until(lambda: client.get("/readyz").json()["model"] == tiny)
        path = store.folder / "versions" / small / "release.json"
        path.chmod(0o644)
        path.write_bytes(b"{}")
        store.activate(small)
        until(lambda: "fault" in client.get("/readyz").json())
        assert client.post("/v1/label", json=BODY).json()["model"] == tiny
        assert any("new model refused" in str(line["message"]) for line in lines_of(log))
        assert store.rollback() == tiny
        until(lambda: "fault" not in client.get("/readyz").json())
    other = ModelStore(tmp_path / "other")
    other.release(small_model_folder, [TEXT])
    with running(tmp_path, "--store", str(other.folder), reload_seconds="3600") as (process, client, _log):
        assert other.release(tiny_model_folder, [TEXT]) == tiny
        time.sleep(0.3)
        assert client.get("/readyz").json()["model"] == small
        process.send_signal(signal.SIGHUP)
        until(lambda: client.get("/readyz").json()["model"] == tiny)


def test_the_end_is_announced_and_loses_nothing(tmp_path: Path, small_model_folder: Path) -> None:
    with running(tmp_path, "--model", str(small_model_folder), drain_seconds="1.0") as (process, client, log):
        address = client.base_url

        def ask(_number: int) -> int:
            """How many were answered, each on a connection of its own, until nobody listens."""
            answered = 0
            while True:
                try:
                    response = httpx.post(f"{address}/v1/label", json=BODY, timeout=30, trust_env=False)
                except (
                    httpx.ConnectError,
                    httpx.ReadError,
                ):  # a reset: the port closed before the connection was taken
                    return answered
                assert response.status_code == 200
                answered += 1

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, number) for number in range(4)]
            until(lambda: len(lines_of(log)) > 20)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.4)
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["type"].rpartition(":")[2]) == (503, "not-ready")
            assert client.get("/healthz").status_code == 200
            assert client.post("/v1/label", json=BODY).status_code == 200, "while balancers look away all goes on"
            assert process.wait(20) in {0, -signal.SIGTERM}
            assert all(future.result() > 0 for future in asking)
        assert "failure" not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("begun", [b"", b"GET /v1/themes HTTP/1.1\r\nHo"])
def test_who_had_connected_before_the_end_is_answered(tmp_path: Path, small_model_folder: Path, begun: bytes) -> None:
    with running(tmp_path, "--model", str(small_model_folder), drain_seconds="0") as (process, client, _):
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address, timeout=30) as connection:
            connection.sendall(begun)
            assert client.get("/healthz").status_code == 200, "it has taken the connection"
            process.send_signal(signal.SIGTERM)
            until(lambda: _refuses(address))
            connection.sendall(b"GET /v1/themes HTTP/1.1\r\nHost: x\r\n\r\n".removeprefix(begun))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer.lower()
        assert process.wait(20) in {0, -signal.SIGTERM}


def _refuses(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionError:
        return True
    return False


def test_several_processes_serve_together_and_heal(tmp_path: Path, small_model_folder: Path) -> None:
    options = ("--model", str(small_model_folder), "--workers", "2")
    with running(tmp_path, *options, drain_seconds="0.1") as (process, client, log):
        until(lambda: client.get("/readyz").status_code == 200)
        children = until(lambda: _children(process.pid, 2))
        sent = 30
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda _number: httpx.post(f"{client.base_url}/v1/label", json=BODY, trust_env=False), range(sent)
                )
            )
        correction = {"text": TEXT, "themes": [], "model": "1", "predicted": []}
        kept = [httpx.post(f"{client.base_url}/v1/feedback", json=correction, trust_env=False) for _ in range(8)]
        assert sorted(response.json()["id"] for response in kept) == list(range(1, 9))
        figures = until(
            lambda: re.search(r'requests_total\{.*route="/v1/label".*\} (\d+)', client.get("/metrics").text)
        )
        assert int(figures[1]) == sent, "the figures are those of all processes"
        os.kill(children[0], signal.SIGKILL)
        until(lambda: "starting another" in log.read_text(encoding="utf-8"))
        until(lambda: len(set(_children(process.pid, 2) or ()) - {children[0]}) == 2)
        for _ in range(10):
            assert until(lambda: httpx.get(f"{client.base_url}/healthz", trust_env=False)).status_code == 200
        left = _children(process.pid, 2)
        process.terminate()
        assert process.wait(30) == 0
        assert left
        for pid in left:
            assert not Path("/proc", str(pid)).exists()


def _children(parent: int, count: int) -> list[int] | None:
    """The processes that serve below `parent`, once there are so many."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            line = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and b"spawn_main" in line:
            found.append(int(path.parent.name))
    return sorted(found) if len(found) == count else None


def test_keys_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    run = subprocess.run(
        [COMMAND, "keys", "new", "--name", "page", "--role", "admin"], capture_output=True, text=True, check=True
    )
    assert re.search(r"：pt_[\w-]{43}\n", run.stdout)
    assert re.search(r"：page:admin:[0-9a-f]{64}\n", run.stdout)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"slots": "many"}, "POLICY_THEMES_SLOTS"),
        ({"api_keys": "oops"}, "keys new"),
        ({"api_keys_file": "/none"}, "/none"),
    ],
)
def test_wrong_settings_are_told_before_anything_starts(
    small_model_folder: Path, settings: dict[str, str], said: str
) -> None:
    environment = {**os.environ, **{f"POLICY_THEMES_{name.upper()}": value for name, value in settings.items()}}
    run = subprocess.run(
        [COMMAND, "--model", str(small_model_folder), "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr
