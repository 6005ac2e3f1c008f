"""Tensors of the Open Inference Protocol, version 2, as JSON and in its binary extension."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("<I")
_NUMBERS = {"FP64": "d", "BOOL": "?"}


class TensorError(Exception):
    """A tensor is not as it says; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array, its elements in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Sequence[Any]

    def as_json(self) -> dict[str, Any]:
        """With the elements in the object, flat."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape), "data": list(self.data)}

    def as_binary(self) -> tuple[dict[str, Any], bytes]:
        """The object without elements, and their bytes, to be put behind all objects."""
        if self.datatype == "BYTES":
            encoded = [str(element).encode() for element in self.data]
            content = b"".join(_LENGTH.pack(len(one)) + one for one in encoded)
        else:
            content = struct.pack(f"<{len(self.data)}{_NUMBERS[self.datatype]}", *self.data)
        described = {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}
        return {**described, "parameters": {"binary_data_size": len(content)}}, content


def read_texts(content: bytes) -> list[str]:
    """The elements of a BYTES tensor in binary form, each a length in four bytes and UTF-8.

    Raises:
        TensorError: it is cut off, or not UTF-8.
    """
    texts = []
    place = 0
    while place < len(content):
        start = place + _LENGTH.size
        if start > len(content):
            raise TensorError("二进制数据在元素长度处断了")
        (length,) = _LENGTH.unpack_from(content, place)
        place = start + length
        if place > len(content):
            raise TensorError("二进制数据在元素中间断了")
        try:
            texts.append(content[start:place].decode())
        except UnicodeDecodeError:
            raise TensorError("BYTES 的元素应当是 UTF-8 文本") from None
    return texts


def flat_texts(data: Sequence[Any]) -> Iterator[str]:
    """The elements of a BYTES tensor in JSON, nested as its shape says or flat.

    Raises:
        TensorError: an element is no text.
    """
    for element in data:
        if isinstance(element, str):
            yield element
        elif isinstance(element, list) and all(isinstance(one, str) for one in element):
            yield from element
        else:
            raise TensorError("data 的元素应当是字符串")
