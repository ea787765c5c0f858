"""Signals that end a run, so that it still cleans up behind itself and writes its reports."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)

_latest = [""]
"""Why this process was interrupted last."""


def latest_reason() -> str:
    """Why this process was interrupted last; empty where it was not.

    A library that handles KeyboardInterrupt itself may raise another one, without the reason.
    """
    return _latest[0]


class Terminated(KeyboardInterrupt):
    """Another process ended this one; it is handled as Ctrl+C is, by libraries as well."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(f"ended by {signal_name}")


@contextmanager
def ending_signals() -> Iterator[None]:
    """Raise Terminated when a signal asks the process to end; in other threads, do nothing."""
    with _handled(_ENDING, _raise):
        yield


@contextmanager
def signals_handled(handle: Callable[[str], None]) -> Iterator[None]:
    """Give what a signal says that asks the process to end, Ctrl+C included, to a function.

    Nothing is raised then. In other threads, do nothing.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        is_key = number == signal.SIGINT
        handle("interrupted" if is_key else str(Terminated(signal.Signals(number).name)))

    with _handled((signal.SIGINT, *_ENDING), handler):
        yield


@contextmanager
def _handled(
    numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated(signal.Signals(number).name)


@contextmanager
def interrupted_by(reasons: Iterable[str]) -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread for each reason, as soon as there is one.

    Args:
        reasons: Waited for in a thread that lasts until there are no more.
    """
    said = [""]
    _latest[0] = ""

    def interrupt(number: int, frame: FrameType | None) -> None:
        _latest[0] = said[-1]
        raise KeyboardInterrupt(said[-1])

    def listen() -> None:
        for reason in reasons:
            said.append(reason)
            _interrupt_main_thread()

    signal.signal(signal.SIGINT, interrupt)
    try:
        threading.Thread(target=listen).start()
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is over cannot be interrupted


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):  # so that it does not wait for a response any more
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
