"""Keys of callers: kept as digests only, several at once, so that a new one can be handed out before the old one is taken away."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic

from model.errors import PolicyThemesError

_KEY_START = "pt_"
_RANDOM_BYTES = 32  # so many that a plain digest cannot be guessed back
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<role>[a-z]+):(?P<digest>[0-9a-f]{64})")
_LONGEST_KEY = 512
_SECONDS_BETWEEN_LOOKS = 1.0


class Role(StrEnum):
    """What a key is good for."""

    USER = "user"
    ADMIN = "admin"
    """Everything, and taking up models and taking out corrections."""


class ApiKeyError(PolicyThemesError):
    """An entry of the key list is not as it should be; the message names the place."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by the name of the key."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class _Entry:
    caller: Caller
    digest: bytes


def new_key() -> tuple[str, str]:
    """A new key, and the digest to keep of it."""
    key = _KEY_START + secrets.token_urlsafe(_RANDOM_BYTES)
    return key, hashlib.sha256(key.encode()).hexdigest()


def entry_line(name: str, role: Role, digest: str) -> str:
    """The line of a key file for a key.

    Raises:
        ApiKeyError: the name cannot be one.
    """
    line = f"{name}:{role.value}:{digest}"
    if _ENTRY.fullmatch(line) is None:
        raise ApiKeyError("密钥的名称只能用字母、数字、点、横线和下划线，最多 64 个。")
    return line


class ApiKeys:
    """The keys that are good now: those of the settings, and those of a file that may change while the service runs."""

    def __init__(self, entries: str = "", file: Path | None = None) -> None:
        """Take the keys of `entries` (comma between them) and of `file` (one a line, `#` begins a comment).

        Raises:
            ApiKeyError: an entry is wrong, or the file cannot be read.
        """
        self._fixed = _parse(entries.split(","), "POLICY_THEMES_API_KEYS 的第 {} 项")
        self._file = file
        self._from_file: tuple[_Entry, ...] = ()
        self._stamp: object = None
        self._looked = 0.0
        self.fault: str | None = None
        if file is not None:
            self._stamp = self._file_stamp()
            self._from_file = self._read()

    @property
    def required(self) -> bool:
        """Whether callers need a key."""
        return self._file is not None or bool(self._fixed)

    def caller(self, key: str) -> Caller | None:
        """Whose key this is; None where nobody's. Takes as long for a wrong key as for a right one."""
        self._look()
        if len(key) > _LONGEST_KEY:
            return None
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        found = None
        for entry in (*self._fixed, *self._from_file):
            if hmac.compare_digest(entry.digest, digest):
                found = entry.caller
        return found

    def _look(self) -> None:
        """Read the file again if it has changed; while it is wrong, the keys before the change stay good."""
        now = monotonic()
        if self._file is None or now - self._looked < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        stamp = self._file_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._from_file = self._read()
            self.fault = None
        except ApiKeyError as error:
            self.fault = str(error)

    def _file_stamp(self) -> object:
        assert self._file is not None  # noqa: S101 (asked only where there is one)
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> tuple[_Entry, ...]:
        assert self._file is not None  # noqa: S101 (asked only where there is one)
        try:
            lines = self._file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "不是 UTF-8 文本"
            raise ApiKeyError(f"不能读取密钥文件 {self._file}（{reason}）。") from None
        return _parse((line.partition("#")[0] for line in lines), f"密钥文件 {self._file} 的第 {{}} 行")


def _parse(entries: Iterable[str], place: str) -> tuple[_Entry, ...]:
    parsed: dict[str, _Entry] = {}
    for number, text in enumerate(entries, 1):
        if not text.strip():
            continue
        match = _ENTRY.fullmatch(text.strip())
        if match is None or match["role"] not in set(Role):
            raise ApiKeyError(
                f"{place.format(number)}不对：应当形如 名称:user 或 admin:64 位散列；用 policy-serve keys new 生成。"
            )
        if match["name"] in parsed:
            raise ApiKeyError(f"{place.format(number)}不对：名称 {match['name']} 出现了两次。")
        caller = Caller(match["name"], Role(match["role"]))
        parsed[match["name"]] = _Entry(caller, bytes.fromhex(match["digest"]))
    return tuple(parsed.values())
