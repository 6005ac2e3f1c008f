"""`policy-serve` as a process of its own: requests over HTTP, an orderly end, and starts that fail."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest

from model.artifact import MODEL_VARIABLE
from model.labeller import Labeller
from service.label_command import ExitCode
from service.serve_command import build_parser, main
from service.settings import read_settings

COMMAND = Path(sys.executable).with_name("policy-serve")
LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
FIRST_LINES = 40  # by which a server has said where it listens


@pytest.fixture
def environment(small_model_folder: Path) -> dict[str, str]:
    """The small model, and everything that the server says at once."""
    return {**os.environ, MODEL_VARIABLE: str(small_model_folder), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


@contextmanager
def running(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str, list[str]]]:
    """A server on a free port: its process, its address, and what it has said so far."""
    process = subprocess.Popen([COMMAND, "--port", "0"], env=environment, stderr=subprocess.PIPE)
    assert process.stderr
    try:
        said: list[str] = []
        address = None
        while address is None:
            line = process.stderr.readline().decode()
            assert line, said
            said.append(line)
            address = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
            assert len(said) < FIRST_LINES, said
        yield process, address[1], said
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def label(address: str, begun: Event, may_end: Event) -> httpx.Response:
    """Have `LOAN` labelled by a request that stops in the middle: `begun` is set there, and the rest goes when it may."""
    body = json.dumps({"paragraphs": [{"id": 1, "text": LOAN}]}).encode()

    def parts() -> Iterator[bytes]:
        yield body[:30]
        begun.set()
        assert may_end.wait(60)
        yield body[30:]

    headers = {"content-type": "application/json"}
    return httpx.post(f"{address}/v1/label", content=parts(), headers=headers, timeout=60, trust_env=False)


def listens(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_server_answers_and_ends_what_it_has_begun(environment: dict[str, str], labeller: Labeller) -> None:
    with running(environment) as (process, address, said), ThreadPoolExecutor(1) as pool:
        assert any(f"模型 {labeller.version} 已装入" in line and "/docs" in line for line in said), said
        assert httpx.get(f"{address}/readyz", trust_env=False).json()["model"] == labeller.version
        assert httpx.post(f"{address}/v1/label", content=LOAN.encode(), trust_env=False).status_code == 415
        begun, may_end = Event(), Event()
        answer = pool.submit(label, address, begun, may_end)
        assert begun.wait(60)
        assert listens(address)  # and by now the server has read what came before
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while listens(address):
            assert time.monotonic() < deadline
        may_end.set()
        (result,) = answer.result(60).json()["results"]
        assert result == {"id": 1, **json.loads(json.dumps(labeller.label([LOAN])[0].as_record()))}
        assert process.wait(60) in {0, -signal.SIGTERM}
        assert process.stderr
        rest = process.stderr.read().decode()
        assert "Traceback" not in rest
        assert LOAN not in rest


def test_a_port_in_use_is_told(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = subprocess.run(
            [COMMAND, "--port", str(taken.getsockname()[1])],
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert run.returncode not in {0, ExitCode.NO_MODEL}
    assert b"address already in use" in run.stderr
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("damaged", [False, True])
def test_a_server_without_a_model_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damaged: bool
) -> None:
    if damaged:
        (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    assert main(["--model", str(tmp_path)]) == ExitCode.NO_MODEL
    errors = capsys.readouterr().err
    assert errors.startswith("错误：")
    assert str(tmp_path) in errors
    assert "policy-train" in errors


@pytest.mark.parametrize("port", ["-1", "65536", "http", "8000.0", "", "９", "1" * 5000])
def test_a_wrong_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([f"--port={port}"])
    assert caught.value.code == ExitCode.BAD_COMMAND
    assert "0 到 65535" in capsys.readouterr().err


def test_only_this_machine_is_served_unless_told_otherwise() -> None:
    options = build_parser().parse_args([])
    assert (options.host, options.port, options.model) == (None, None, None)
    settings = read_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)


def test_the_help_is_shown_on_any_console() -> None:
    run = subprocess.run(
        [COMMAND, "--help"], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"--host" in run.stdout


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"policy-themes \d+\.\d+\.\d+ \((fast|plain)\)\n", capsys.readouterr().out)
