"""Reads files in a process of its own, which may be killed: a hostile file can hang, swell or crash its reader, but nothing else.

Parent and child talk in frames (a length in four bytes, then JSON): JSON and not pickle, because a reader that a file has taken over
must not be able to run anything in the parent.
"""

import contextlib
import json
import os
import queue
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from model.errors import PolicyThemesError
from model.paragraphs import BlockKind
from service.readers import archive
from service.readers.formats import Format, recognise
from service.readers.reading import read_file
from service.readers.source import DocumentBlock, Item, ReadOptions, Refusal, RefusalKind, Source, refusals_of

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

_BYTES_PER_MIB = 1024 * 1024
_LENGTH = struct.Struct(">I")
_LARGEST_FRAME = 256 * _BYTES_PER_MIB
_BATCH_ITEMS = 64
_BATCH_CHARACTERS = 100_000
_TICK_SECONDS = 0.5
_FRAMES_WAITING = 8
_RETIREMENT_BYTES = 384 * _BYTES_PER_MIB  # a child that has grown beyond is replaced

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one file may cost.

    Attributes:
        cpu_seconds: without anything coming out (POSIX only).
        cpu_seconds_in_all: of a file, and
        cpu_seconds_a_mib: for each MiB of it on top.
        stall_seconds: of wall time without anything coming out.
        memory_bytes: that reading may add (POSIX only).
    """

    cpu_seconds: int = 10
    cpu_seconds_in_all: int = 60
    cpu_seconds_a_mib: int = 5
    stall_seconds: float = 30
    memory_bytes: int = 1024 * _BYTES_PER_MIB


class ReadingProcess:
    """Reads files in a child process within limits; the child is started when it is first needed and ends with the `with`.

    One reader at a time: a second `read` begins once the first is finished or closed.
    """

    def __init__(self, limits: ReadLimits | None = None) -> None:
        self._limits = limits or ReadLimits()
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def read(self, path: Path, name: str, options: ReadOptions | None = None) -> Iterator[DocumentBlock | Refusal]:
        """The blocks of a file as `read_blocks` gives them; a file that harms its reader becomes a `Refusal`, and the next is read by a new one.

        A zip archive is read member by member, so that one that does harm takes no other with it.
        """
        request = {"path": str(path), "name": name, "text_column": (options or ReadOptions()).text_column}
        members: list[str] = []
        yield from self._answer(request, name, members)
        if not members:
            return
        with tempfile.TemporaryDirectory(
            prefix="policy-themes-"
        ) as folder:  # ours: a child that is killed cleans nothing up
            for number, member in enumerate(members):
                asked = {**request, "member": number, "folder": folder}
                yield from self._answer(asked, f"{name}/{member}", [])

    def _answer(self, request: Message, name: str, members: list[str]) -> Iterator[Item]:
        """What the child answers to one request; names of members are put to `members`."""
        child = self._child = self._child or _Child(self._limits)
        finished = False
        try:
            child.send(request)
            while True:
                message = child.receive()
                if message is None:
                    yield _refusal_of_end(child.end(), name)
                    return
                members += message.get("members", [])
                yield from map(_item, message.get("items", []))
                if "done" in message:
                    finished = not message["retires"]
                    return
        except TimeoutError:
            yield Refusal(
                name,
                "读取这个文件用时过长，已停止；文件可能已损坏，请在原软件中另存后再试。",
                kind=RefusalKind.TOO_LARGE,
            )
        finally:
            if not finished:  # killed, retired, or left by whoever read from us
                self.close()


def _refusal_of_end(code: int, name: str) -> Refusal:
    if code == -getattr(signal, "SIGXCPU", 0):
        message = "读取这个文件用时过长，已停止；文件可能已损坏，请在原软件中另存后再试。"
        return Refusal(name, message, kind=RefusalKind.TOO_LARGE)
    return Refusal(name, "文件已损坏，或展开后太大，读取程序中止；请在原软件中打开，另存后再试。")


def _item(encoded: list[Any]) -> Item:
    if encoded[0] == "block":
        _, kind, text, headings, place, record = encoded
        return DocumentBlock(BlockKind(kind), text, tuple(headings), place, record)
    _, file, message, line, page, kind, columns = encoded
    return Refusal(file, message, line, page, RefusalKind(kind), tuple(columns))


def _encoded(item: Item) -> list[Any]:
    if isinstance(item, DocumentBlock):
        return ["block", item.kind.value, item.text, item.headings, item.place, item.record]
    return ["refusal", item.file, item.message, item.line, item.page, str(item.kind), item.columns]


class _Child:
    """The parent's side: a process, and a thread that takes its frames, since pipes have no time limit on every system."""

    def __init__(self, limits: ReadLimits) -> None:
        program = f"import sys; sys.path[:] = {sys.path!r}; from service.reading_process import serve; serve()"
        settings = [limits.cpu_seconds, limits.cpu_seconds_in_all, limits.cpu_seconds_a_mib, limits.memory_bytes]
        self._stall_seconds = limits.stall_seconds
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-c", program, *map(str, settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("both were asked for as pipes")
        self._input, self._output = self._process.stdin, self._process.stdout
        self._frames: queue.Queue[Message | None] = queue.Queue(_FRAMES_WAITING)
        self._thread = threading.Thread(target=self._take_frames, daemon=True)
        self._thread.start()

    def _take_frames(self) -> None:
        try:
            while (message := _read_frame(self._output)) is not None:
                self._frames.put(message)
        except (OSError, ValueError):
            pass  # killed in the middle of a frame
        self._frames.put(None)

    def send(self, request: Message) -> None:
        """Ask for something; that the child is gone shows when the answer is waited for."""
        with contextlib.suppress(OSError):
            _write_frame(self._input, request)

    def receive(self) -> Message | None:
        """The next message, or None where the child has ended.

        Raises:
            TimeoutError: nothing came for too long.
        """
        try:
            return self._frames.get(timeout=self._stall_seconds)
        except queue.Empty:
            raise TimeoutError from None

    def end(self) -> int:
        """How the child ended (the negative number of a signal)."""
        return self._process.wait()

    def kill(self) -> None:
        """End it, and the thread with it."""
        self._process.kill()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._frames.get(timeout=0.02)
        self._process.wait()
        for stream in (self._input, self._output):
            with contextlib.suppress(OSError):
                stream.close()


def _read_frame(stream: IO[bytes]) -> Message | None:
    """The next frame, or None at the end of the stream.

    Raises:
        ValueError: what came is no frame.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > _LARGEST_FRAME:
        raise ValueError("a frame of that length is none of ours")
    body = stream.read(length)
    if len(body) < length:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a frame holds an object")
    return message


def _write_frame(stream: IO[bytes], message: Message) -> None:
    body = json.dumps(message).encode("ascii")
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def serve() -> None:
    """The child: answers requests from standard input until it is closed, which also happens when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    cpu_seconds, cpu_in_all, cpu_a_mib, memory_bytes = map(int, sys.argv[1:])
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print must not get among the frames
    limiter = _Limiter(cpu_seconds, memory_bytes)
    requests: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def take_requests() -> None:
        while (request := _read_frame(sys.stdin.buffer)) is not None:
            requests.put(request)
        os._exit(0)

    threading.Thread(target=take_requests, daemon=True).start()
    while True:
        request = requests.get()
        path = Path(request["path"])
        with contextlib.suppress(OSError):
            limiter.begin(cpu_in_all + cpu_a_mib * (path.stat().st_size // _BYTES_PER_MIB))
        _serve_request(request, path, output, limiter)
        _write_frame(output, {"done": True, "retires": limiter.has_swollen()})


def _serve_request(request: Message, path: Path, output: IO[bytes], limiter: "_Limiter") -> None:
    batch: list[list[Any]] = []
    told = time.monotonic()

    def send() -> None:
        nonlocal told
        _write_frame(output, {"items": batch})
        batch.clear()
        limiter.renew()
        told = time.monotonic()

    def tick() -> None:
        if time.monotonic() - told > _TICK_SECONDS:
            send()

    source = Source(path, request["name"], ReadOptions(request["text_column"]), tick)
    characters = 0
    for item in _items(request, source, output):
        batch.append(_encoded(item))
        characters += len(item.text) if isinstance(item, DocumentBlock) else len(item.message)
        if len(batch) >= _BATCH_ITEMS or characters > _BATCH_CHARACTERS:
            send()
            characters = 0
        else:
            tick()
    send()


def _items(request: Message, source: Source, output: IO[bytes]) -> Iterator[Item]:
    """What a request asks for: a file, or a member of an archive. Of an archive as a whole only the names of its members are told."""
    try:
        if "member" in request:
            tempfile.tempdir = request["folder"]
            yield from archive.read_member(source, request["member"])
            return
        if recognise(source.path, source.name) is Format.ARCHIVE:
            members = archive.members(source)
            if not members:
                yield Refusal(source.name, "压缩包里没有可以读取的文件。", kind=RefusalKind.EMPTY)
            _write_frame(output, {"members": members})
            return
    except PolicyThemesError as error:
        yield from refusals_of(error, source.name)
        return
    except OSError:
        pass  # told by the reader
    yield from read_file(source)


class _Limiter:
    """The limits of the child's own process, where the system has such."""

    def __init__(self, cpu_seconds: int, memory_bytes: int) -> None:
        self._cpu_seconds = cpu_seconds
        self._end = float("inf")
        self._set: Callable[[int], None] | None = None
        if resource is None:
            return
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        in_use = _virtual_bytes()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + memory_bytes, in_use + memory_bytes))
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        self._set = lambda seconds: resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))

    def begin(self, cpu_in_all: int) -> None:
        """A new file, which may cost so many seconds of CPU in all."""
        self._end = time.process_time() + cpu_in_all
        self.renew()

    def renew(self) -> None:
        """Something has come out: the time until the next may begin anew."""
        if self._set is not None:
            self._set(int(min(time.process_time() + self._cpu_seconds, self._end)) + 1)

    @staticmethod
    def has_swollen() -> bool:
        """Whether so much memory was used that a new process is better."""
        if resource is None:
            return False
        peak = _peak_of_this_program()
        if peak is None:
            unit = 1 if sys.platform == "darwin" else 1024
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return peak > _RETIREMENT_BYTES


def _peak_of_this_program() -> int | None:
    """Peak resident bytes, where /proc tells; `getrusage` counts the peak of a large parent as the child's own."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(peak[1]) * 1024 if peak else None


def _virtual_bytes() -> int:
    """Address space that this process has taken already."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 512 * _BYTES_PER_MIB
    return pages * os.sysconf("SC_PAGE_SIZE")
