"""The JSON answer to a document, put together without ever holding all of it in memory."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import IO

from service.document_labelling import DocumentPart, LabelledParagraph, OtherBlock
from service.documents import Refusal
from service.json_answer import json_bytes

_MOST_IN_MEMORY = 4 * 1024 * 1024  # bytes of each list; beyond, it goes to disk
_CHUNK = 256 * 1024


class DocumentAnswer:
    """`{"model", "results", "blocks", "refusals"}`, its lists filled one by one."""

    def __init__(self, model: str) -> None:
        """Begin the answer of `model` (a version)."""
        self._model = model
        self._results = _JsonList()
        self._blocks = _JsonList()
        self.refusals: list[Refusal] = []

    @property
    def empty(self) -> bool:
        """Whether there is neither block nor paragraph."""
        return self._blocks.count == 0

    def fill(self, parts: Iterable[DocumentPart]) -> None:
        """Take in all `parts`."""
        for part in parts:
            match part:
                case LabelledParagraph(row):
                    self._blocks.add({"kind": "paragraph", "result": self._results.count})
                    self._results.add(row)
                case OtherBlock(record):
                    self._blocks.add(record)
                case Refusal():
                    self.refusals.append(part)

    def headers(self, _name: str) -> dict[str, str]:
        """What goes before the answer besides the model."""
        return {}

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the answer."""
        yield b'{"model":' + json_bytes(self._model) + b',"results":['
        yield from self._results.chunks()
        yield b'],"blocks":['
        yield from self._blocks.chunks()
        yield b'],"refusals":' + json_bytes([asdict(refusal) for refusal in self.refusals]) + b"}"

    def close(self) -> None:
        """Let go of what lies on disk."""
        self._results.file.close()
        self._blocks.file.close()


class _JsonList:
    def __init__(self) -> None:
        self.count = 0
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(_MOST_IN_MEMORY)  # noqa: SIM115 (closed by `DocumentAnswer.close`)

    def add(self, value: object) -> None:
        if self.count:
            self.file.write(b",")
        self.file.write(json_bytes(value))
        self.count += 1

    def chunks(self) -> Iterator[bytes]:
        self.file.seek(0)
        while chunk := self.file.read(_CHUNK):
            yield chunk
