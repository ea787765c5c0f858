"""Logging: one line per event, human-readable or JSON, with request ids and without secrets."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, Any

LOGGER = "agentserver_reference"

_OURS = "event_fields"


def event(logger: logging.Logger, level: int, message: str, **fields: Any) -> None:
    """Log an event with additional fields. Never pass a body, a query or a header."""
    logger.log(level, message, extra=extra(**fields))


def extra(**fields: Any) -> dict[str, Any]:
    """The fields of an event, as `logger.exception(message, extra=...)` takes them."""
    return {_OURS: fields}


def failure(logger: logging.Logger, error: Exception, **fields: Any) -> None:
    """Log an unexpected error with its traceback and additional fields."""
    logger.error("failed", exc_info=error, extra={_OURS: fields})


def configure(form: str, level: str, stream: IO[str] | None = None) -> None:
    """Write all log records of this process to a stream, by default stderr.

    Arguments:
        form: `human` or `json`.
        level: the minimum level: `debug`, `info`, `warning` or `error`.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else HumanFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    lowest = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(lowest, logging.WARNING))  # libraries only log problems
    logging.getLogger(LOGGER).setLevel(lowest)
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Hide what uvicorn says of a response that breaks off: why it does has been logged."""
    return "without completing response" not in record.getMessage()


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, message, additional fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, _OURS, {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class HumanFormatter(logging.Formatter):
    """`time level message name=value ...`, followed by the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        fields = getattr(record, _OURS, {})
        line = f"{_time(record)} {record.levelname.lower():7} {record.getMessage()}"
        line += "".join(f" {name}={value}" for name, value in fields.items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
