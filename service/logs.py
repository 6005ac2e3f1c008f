"""How the service writes its log: lines of JSON for machines, or of text for a person at a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

_LEVELS = {"policy_themes": logging.INFO, "uvicorn": logging.WARNING, "uvicorn.error": logging.WARNING}


class JsonLines(logging.Formatter):
    """One JSON object a record: when, how bad, what; of a failure the places in the code, never the values there."""

    def format(self, record: logging.LogRecord) -> str:
        """`record` as one line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["failure"] = failure_places(record)
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for a person."""

    def __init__(self) -> None:
        """Begin each line with its level."""
        super().__init__("%(levelname)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """`record` as a line, and a failure's places."""
        fields = getattr(record, "fields", {})
        line = f"{record.levelname}: {record.getMessage()}"
        if "ms" in fields:
            line += f" {fields['ms']:.1f} ms"
        if record.exc_info and record.exc_info[0] is not None:
            line += "".join(f"\n  {place}" for place in failure_places(record))
        return line


def failure_places(record: logging.LogRecord) -> list[str]:
    """The kind of the failure in `record` and where it happened; its message is left out, for it may hold a text."""
    assert record.exc_info  # noqa: S101 (asked only of such records)
    kind, _, trace = record.exc_info
    places = [kind.__name__ if kind else "?"]
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places


def set_up_logs(form: Literal["auto", "json", "text"]) -> None:
    """Have the service and the server beneath it write to standard error in `form`."""
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines() if as_text else JsonLines())
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
