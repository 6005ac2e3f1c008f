"""So many requests a minute, for each caller by itself."""

import pytest

from service import rate_limit
from service.rate_limit import RateLimit


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets."""
    time = [1000.0]
    monkeypatch.setattr(rate_limit, "monotonic", lambda: time[0])
    return time


def test_a_minutes_requests_may_come_at_once_and_come_back_evenly(now: list[float]) -> None:
    rate = RateLimit(6)
    assert [rate.wait("a") for _ in range(7)] == [0] * 6 + [10]
    assert rate.wait("b") == 0, "each for himself"
    now[0] += 10
    assert [rate.wait("a"), rate.wait("a")] == [0, 10]
    now[0] += 3600
    assert [rate.wait("a") for _ in range(7)] == [0] * 6 + [10]


def test_nought_is_without_limit() -> None:
    rate = RateLimit(0)
    assert not any(rate.wait("a") for _ in range(1000))


def test_callers_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    monkeypatch.setattr(rate_limit, "_MOST_CALLERS", 3)
    rate = RateLimit(1)
    for name in "abcd":
        assert rate.wait(name) == 0
    assert rate.wait("d") == 60
    assert rate.wait("a") == 0, "the one seen longest ago"
    assert now
