"""What the SDK logs: one line a call at INFO, the harmless headers at DEBUG; never a body."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

logger = logging.getLogger("agentserver")
logger.addHandler(logging.NullHandler())

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
"""Headers that may be logged and kept in errors; whatever is not listed may hold a secret."""

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
    """The headers that may be shown."""
    return {name: value for name, value in headers.items() if name in SHOWN_HEADERS}


def _pass(record: logging.LogRecord) -> bool:
    return not _quiet.get()


def quieten_libraries() -> None:
    """Have httpx and httpcore log nothing of our requests: at DEBUG they print Set-Cookie.

    What the program sends through them by itself is logged as before.
    """
    for name in _OTHERS:
        logging.getLogger(name).addFilter(_pass)


@contextmanager
def quiet() -> Iterator[None]:
    """Around the sending of one of our requests."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
