"""Values of cells as JSON has them: dates and times in ISO 8601, whole numbers whole, decimals as text, bytes in base64."""

import base64
import datetime
import decimal
from collections.abc import Callable
from math import isfinite
from typing import Any

_LARGEST_WHOLE = 1e15  # beyond it a float does not tell whole numbers apart


def json_value(value: Any) -> Any:
    """`value` as JSON has it; empty text, and numbers that are none, become null."""
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    return str(value)


def _number(value: float) -> float | int | None:
    if not isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _LARGEST_WHOLE else value


def _moment(value: datetime.datetime) -> str:
    """Spreadsheets give every date a time, midnight where it has none."""
    return value.date().isoformat() if value.time() == datetime.time() and value.tzinfo is None else value.isoformat()


# The first that fits counts: a moment is a date too.
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (type(None), lambda value: value),
    (str, lambda value: value or None),
    (bool | int, lambda value: value),
    (float, _number),
    (datetime.datetime, _moment),
    (datetime.date | datetime.time, lambda value: value.isoformat()),
    (datetime.timedelta | decimal.Decimal, str),
    (bytes, lambda value: base64.b64encode(value).decode("ascii")),
    (dict, lambda value: {str(key): json_value(inner) for key, inner in value.items()}),
    (list | tuple, lambda value: [json_value(inner) for inner in value]),
)
