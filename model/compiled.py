"""The compiled model: one file with all that labelling needs, mapped into memory by the native core and shared between processes.

Little-endian. A header of 128 bytes: the magic `PTMODEL`, a zero, format number (u32), number of sections (u32), size of the file (u64), 8 zeros,
SHA-256 of all that follows the header, SHA-256 of what the file was made from, zeros. Then for each section its name (16 bytes),
offset and size in bytes (u64 each); then the sections, each at a multiple of 64. `model/compiling.py` says how they are
made, `model/core/compiled_model.hpp` how they are read.
"""

import hashlib
import json
import mmap
import struct
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 1
"""To change it: raise it here and in `model/core/compiled_model.hpp`. Files of another format are made anew when a model is loaded."""

_HEADER = struct.Struct("<8sIIQ8x32s32s32x")
_ENTRY = struct.Struct("<16sQQ")
_MAGIC = b"PTMODEL\0"
_ALIGNMENT = 64


class CompiledModelError(Exception):
    """A compiled model is missing, damaged, or was not made from the parts beside it; it is to be made anew."""


def source_digest(manifest: Mapping[str, Any], parts: tuple[str, ...]) -> bytes:
    """Digest of all that a compiled model is made from: the files `parts` of a manifest, its decision, and the tables of this Python.

    Args:
        manifest: of the model folder.
        parts: names of the files that are compiled.
    """
    source = {
        "format": FORMAT,
        "unicode": unicodedata.unidata_version,
        "jieba": manifest["libraries"]["jieba"],
        "parts": [manifest["files"][name]["sha256"] for name in parts],
        "themes": manifest["themes"],
        "decision": manifest["decision"],
    }
    return hashlib.sha256(json.dumps(source, sort_keys=True).encode()).digest()


def pack(sections: Mapping[str, bytes], source: bytes) -> bytes:
    """The bytes of a compiled model.

    Args:
        sections: contents by name.
        source: digest of what they were made from (`source_digest`).
    """
    table = bytearray()
    body = bytearray()
    start = _aligned(_HEADER.size + len(sections) * _ENTRY.size)
    for name, content in sections.items():
        table += _ENTRY.pack(name.encode("ascii"), start + len(body), len(content))
        body += content
        body += bytes(_aligned(len(body)) - len(body))
    rest = bytes(table).ljust(start - _HEADER.size, b"\0") + bytes(body)
    size = _HEADER.size + len(rest)
    digest = hashlib.sha256(rest).digest()
    return _HEADER.pack(_MAGIC, FORMAT, len(sections), size, digest, source) + rest


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def open_compiled(path: Path, source: bytes) -> mmap.mmap:
    """Map the compiled model at `path` into memory, checked whole.

    Args:
        path: the file.
        source: digest of what it must have been made from.

    Raises:
        CompiledModelError: it is missing, damaged, of another format, or made from something else.
    """
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: the file is empty
        raise CompiledModelError(f"{path}: {error}") from None
    if len(memory) < _HEADER.size:
        raise CompiledModelError(f"{path} is cut off")
    magic, number, _, size, digest, made_from = _HEADER.unpack_from(memory)
    if (magic, number, size, made_from) != (_MAGIC, FORMAT, len(memory), source):
        raise CompiledModelError(f"{path} is not the compiled form of the model beside it")
    with memoryview(memory) as view, view[_HEADER.size :] as rest:
        if hashlib.sha256(rest).digest() != digest:
            raise CompiledModelError(f"{path} is damaged")
    return memory
