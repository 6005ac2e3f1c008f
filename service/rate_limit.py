"""So many requests a minute for each caller, with a token bucket each."""

from collections import OrderedDict
from math import ceil
from time import monotonic

_MOST_CALLERS = 10_000  # remembered; the one seen longest ago is forgotten first


class RateLimit:
    """Token buckets: a caller may spend a minute's requests at once, and gets them back evenly."""

    def __init__(self, a_minute: float) -> None:
        """Let each caller have `a_minute` requests; 0 is without limit."""
        self._capacity = max(a_minute, 1.0)
        self._a_second = a_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> int:
        """Whole seconds until `caller` may ask again; 0 where it may now, which counts as a request."""
        if not self._a_second:
            return 0
        now = monotonic()
        tokens, seen = self._buckets.pop(caller, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - seen) * self._a_second)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - allowed, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0 if allowed else ceil((1 - tokens) / self._a_second)
