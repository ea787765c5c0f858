"""Whether the database answers: how long and how many requests wait for it, and what is logged."""

from __future__ import annotations

import logging

from agentserver_reference.domain.errors import DatabaseUnavailable
from agentserver_reference.logs import LOGGER, event

_logger = logging.getLogger(LOGGER)

RETRY_AFTER = 1
"""Seconds after which a refused request may come again."""


class Availability:
    """Logs once when the database stops answering, and once when it answers again.

    Arguments:
        timeout: seconds that a request may wait for the database.
        queue: how many requests may wait at a time.
    """

    def __init__(self, timeout: float, queue: int) -> None:
        self.timeout = timeout
        self._queue = queue
        self._waiting = 0
        self._failing: set[bool] = set()  # True: writes, False: reads

    def enter(self) -> None:
        """Count one more request that waits; `leave` must follow.

        Raises DatabaseUnavailable if too many wait already.
        """
        if self._waiting >= self._queue:
            raise DatabaseUnavailable("too many requests wait for the database", RETRY_AFTER)
        self._waiting += 1

    def leave(self) -> None:
        """One request waits no longer."""
        self._waiting -= 1

    def answered(self, *, writing: bool) -> None:
        """The database has answered. A write that succeeds proves that reads do as well."""
        if not self._failing:
            return
        self._failing -= {True, False} if writing else {False}
        if not self._failing:
            event(_logger, logging.WARNING, "database available again")

    def lost(
        self, reason: object, *, writing: bool, retry_after: int | None = RETRY_AFTER
    ) -> DatabaseUnavailable:
        """What to raise for a request that the database did not answer.

        Arguments:
            reason: logged, never sent to the caller.
            writing: whether the request was a write. While another process locks a SQLite file,
                reads succeed: they must not be logged as the end of the outage.
            retry_after: seconds; None if what was asked may have been carried out.
        """
        if not self._failing:
            line = " ".join(str(reason).split()) or type(reason).__name__
            event(_logger, logging.ERROR, "database unavailable", reason=line)
        self._failing.add(writing)
        return DatabaseUnavailable("database unavailable", retry_after)
