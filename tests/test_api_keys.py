"""Keys: only digests are kept, several are good at once, and a file of them may change."""

import hashlib
import os
from pathlib import Path

import pytest

from service import api_keys
from service.api_keys import ApiKeyError, ApiKeys, Caller, Role, entry_line, new_key


def test_a_new_key_is_known_by_its_digest_alone() -> None:
    key, digest = new_key()
    assert key not in entry_line("page", Role.USER, digest)
    assert digest == hashlib.sha256(key.encode()).hexdigest()
    assert new_key() != (key, digest)
    keys = ApiKeys(entry_line("page", Role.USER, digest))
    assert keys.required
    assert keys.caller(key) == Caller("page", Role.USER)


@pytest.mark.parametrize("wrong", ["", "pt_", "x" * 10_000, "\ud800", "键"])
def test_another_key_is_nobodys(wrong: str) -> None:
    _, digest = new_key()
    keys = ApiKeys(entry_line("page", Role.USER, digest))
    assert keys.caller(wrong) is None
    assert keys.caller(digest) is None, "the digest is not the key"


def test_without_entries_no_key_is_needed() -> None:
    assert not ApiKeys().required
    assert not ApiKeys(" , ").required


def test_two_keys_are_good_while_one_takes_the_others_place() -> None:
    (old, old_digest), (new, new_digest) = new_key(), new_key()
    keys = ApiKeys(f"{entry_line('a', Role.USER, old_digest)},{entry_line('b', Role.ADMIN, new_digest)}")
    assert keys.caller(old) == Caller("a", Role.USER)
    assert keys.caller(new) == Caller("b", Role.ADMIN)


def test_a_file_of_keys_may_change_and_a_broken_one_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "_SECONDS_BETWEEN_LOOKS", 0.0)
    (old, old_digest), (new, new_digest) = new_key(), new_key()
    file = tmp_path / "keys"
    file.write_text(f"# 页面\n{entry_line('a', Role.USER, old_digest)}\n", encoding="utf-8")
    keys = ApiKeys(file=file)
    assert keys.caller(old)
    file.write_text(f"{entry_line('b', Role.USER, new_digest)}  # 新\n", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert keys.caller(new) == Caller("b", Role.USER)
    assert keys.caller(old) is None
    file.write_text("oops\n", encoding="utf-8")
    assert keys.caller(new)
    assert keys.fault
    assert "第 1 行" in keys.fault
    file.write_text("", encoding="utf-8")
    assert keys.caller(new) is None
    assert keys.required, "a file that was emptied does not open the service"


@pytest.mark.parametrize(
    "entries",
    ["key", "a:user:00", f"a:root:{'0' * 64}", f"a b:user:{'0' * 64}", f"a:user:{'0' * 64},a:user:{'1' * 64}"],
)
def test_a_wrong_entry_is_told_by_its_place(entries: str) -> None:
    with pytest.raises(ApiKeyError, match=r"POLICY_THEMES_API_KEYS 的第 [12] 项"):
        ApiKeys(entries)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ApiKeyError, match="不能读取密钥文件"):
        ApiKeys(file=tmp_path / "none")
    (tmp_path / "gbk").write_bytes("键".encode("gbk"))
    with pytest.raises(ApiKeyError, match="UTF-8"):
        ApiKeys(file=tmp_path / "gbk")


def test_a_name_that_would_break_the_list_is_refused() -> None:
    with pytest.raises(ApiKeyError):
        entry_line("a:b", Role.USER, "0" * 64)
