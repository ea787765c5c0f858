"""What the SDK logs: one line per call at INFO, harmless headers at DEBUG, and never a body."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from ._errors import ConfigurationError

logger = logging.getLogger("agentserver")
logger.addHandler(logging.NullHandler())

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}

SHOWN_HEADERS = frozenset(
    {
        "accept",
        "allow",
        "content-length",
        "content-type",
        "date",
        "retry-after",
        "server",
        "user-agent",
        "via",
        "x-content-type-options",
        "x-request-id",
    }
)
"""Headers that may be logged and kept in errors; any other may contain a secret."""

_OTHERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)

_quiet: ContextVar[bool] = ContextVar("agentserver_quiet", default=False)


def shown(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may be shown."""
    return {name: value for name, value in headers.items() if name in SHOWN_HEADERS}


def _pass(record: logging.LogRecord) -> bool:
    return not _quiet.get()


class _StandardError(logging.StreamHandler[TextIO]):
    """Prints what no handler of the program prints."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            super().emit(record)


def log_as_environment_says() -> None:
    """Have ``AGENTSERVER_LOG`` set the level of the logger, and its lines printed.

    Raises:
        ConfigurationError: its value is neither ``info`` nor ``debug``.
    """
    wanted = os.environ.get("AGENTSERVER_LOG", "")
    if not wanted:
        return
    level = _LEVELS.get(wanted.strip().lower())
    if level is None:
        raise ConfigurationError("AGENTSERVER_LOG must be info or debug")
    logger.setLevel(level)
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        handler = _StandardError()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)


def quieten_libraries() -> None:
    """Stop httpx and httpcore from logging the SDK's requests: at DEBUG they print Set-Cookie.

    Requests that the program itself sends through them are logged as before.
    """
    for name in _OTHERS:
        logging.getLogger(name).addFilter(_pass)


@contextmanager
def quiet() -> Iterator[None]:
    """Mark what runs inside as sending one of the SDK's requests."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
