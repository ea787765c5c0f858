"""How long a request may wait: the limits of its phases, each within the deadline of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from ._options import Timeout

Phase: TypeAlias = Literal["pool", "connect", "write", "read"]

LONGEST: Final = 1_000_000.0
"""Seconds that stand for "no limit": much more, and sockets and event loops overflow."""


class PhaseLimit(float):
    """The timeout of one phase: a number of seconds, counted from the beginning of the phase.

    That number is all that httpx knows, which would let every read of a phase take as long. The
    streams in `_network` ask `left` before each of their operations.
    """

    __slots__ = ("_each", "_ends", "_phase", "request")
    _each: float
    _ends: float
    _phase: Phase
    request: TimeLimits
    """The limits of the request."""

    def __new__(cls, request: TimeLimits, phase: Phase, each: float, ends: float) -> PhaseLimit:
        """Begin a phase.

        Args:
            request: the limits of the request.
            phase: which one.
            each: seconds for each of its operations.
            ends: the clock's time at which the last of them must be over.
        """
        # Not quite nothing even when time is up: 0 would mean "do not block", another error.
        limit = super().__new__(cls, min(max(0.001, min(each, ends - request.clock())), LONGEST))
        limit._each = each
        limit._ends = ends
        limit._phase = phase
        limit.request = request
        return limit

    def left(self) -> float:
        """Seconds that an operation which begins now may take; 0 or less when time is up.

        The request is in this phase then. TLS in a proxy's tunnel belongs to the phase that began
        before the proxy was asked, in phases of its own, for the tunnel.
        """
        self.request.phase = self._phase
        return min(self._each, self._ends - self.request.clock(), LONGEST)


class TimeLimits(dict[str, float]):
    """httpx's four timeouts, each cut, at the moment it begins, to what the deadline leaves."""

    phase: Phase | None = None
    """The phase that began last; a transport that is not httpx's asks for none."""
    in_operation: bool = False
    """Whether the request waits for one operation of a connection of ours."""
    expired: bool = False
    """Whether the request was interrupted because time was up."""
    interrupt: Callable[[], None] | None = None
    """Ends the request from outside, where that can be done."""

    def __init__(self, timeout: Timeout, ends: float, clock: Callable[[], float]) -> None:
        super().__init__(
            connect=timeout.connect, read=timeout.read, write=timeout.write, pool=timeout.pool
        )
        self.clock = clock
        self._ends = ends

    def get(self, phase: Phase, default: object = None) -> PhaseLimit:  # type: ignore[override]
        """Begin a phase."""
        self.phase = phase
        each, ends = self[phase], self._ends
        if phase == "connect":  # one limit for the name, the connection and TLS together
            ends = min(ends, self.clock() + each)
        return PhaseLimit(self, phase, each, ends)

    def left(self) -> float:
        """Seconds until the deadline."""
        return min(self._ends - self.clock(), LONGEST)

    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.clock() >= self._ends

    def expire(self) -> None:
        """End the request, for its time is up."""
        self.expired = True
        if self.interrupt is not None:
            self.interrupt()

    def can_be_interrupted(self) -> bool:
        """Whether the request waits where an interruption leaves nothing in httpcore's pool.

        That is: for a connection of the pool, before it has one, or for the network. What follows,
        a connection that is put back or closed, waits in the same phase but in no operation.
        """
        return self.in_operation or self.phase in (None, "pool")
