"""Settings: from the environment, checked, and a misspelt one told."""

import pytest

from service.settings import SettingsError, read_settings, unknown_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those of the test."""
    for name in unknown_settings():
        monkeypatch.delenv(name)


def test_the_environment_is_read_and_the_command_line_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_THEMES_PORT", "9000")
    monkeypatch.setenv("POLICY_THEMES_QUEUE_SECONDS", "2.5")
    monkeypatch.setenv("POLICY_THEMES_CORS_ORIGINS", "https://a.example, http://b.example:8080")
    monkeypatch.setenv("POLICY_THEMES_WORKERS", "")
    settings = read_settings(port=None)
    assert (settings.port, settings.queue_seconds, settings.workers) == (9000, 2.5, 1)
    assert settings.cors_origins == ("https://a.example", "http://b.example:8080")
    assert read_settings(port=9001).port == 9001


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "整数"),
        ("PORT", "70000", "不大于 65535"),
        ("WORKERS", "0", "不小于 1"),
        ("QUEUE_SECONDS", "-1", "大于 0"),
        ("QUEUE_SECONDS", "soon", "数"),
        ("LOG", "xml", "'json'"),
        ("CORS_ORIGINS", "*", "来源"),
        ("CORS_ORIGINS", "https://a.example/path", "来源"),
    ],
)
def test_a_wrong_value_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"POLICY_THEMES_{name}", value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert f"POLICY_THEMES_{name}" in str(caught.value)
    assert said in str(caught.value)


def test_every_wrong_value_gets_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_THEMES_PORT", "x")
    monkeypatch.setenv("POLICY_THEMES_SLOTS", "0")
    with pytest.raises(SettingsError, match=r"PORT.*。.*SLOTS.*。"):
        read_settings()


def test_a_misspelt_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_THEMES_PROT", "9000")
    monkeypatch.setenv("POLICY_THEMES_MODEL", "somewhere")
    assert unknown_settings() == ["POLICY_THEMES_PROT"]
