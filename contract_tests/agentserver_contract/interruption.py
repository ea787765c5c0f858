"""Signals that end a run, so that it still cleans up behind itself and writes its reports."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class Terminated(KeyboardInterrupt):
    """Another process ended this one; it is handled as Ctrl+C is, by libraries as well."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(f"ended by {signal_name}")


@contextmanager
def ending_signals() -> Iterator[None]:
    """Raise Terminated when a signal asks the process to end; in other threads, do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _raise) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated(signal.Signals(number).name)
