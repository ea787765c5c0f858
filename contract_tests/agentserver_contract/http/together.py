"""Requests that do not depend on each other: the server answers one while the next is prepared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

AT_A_TIME = 3
"""More are no faster: this tool takes about as long for a request as a server does."""


def together(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make calls, a few at a time, and return their results in the order of the calls.

    What the first of them raises is raised, after those that have begun have ended.
    """
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return list(threads.map(lambda call: call(), calls))
