"""Closes a connection without losing the answer that was just sent.

Whoever closes a connection on which more arrives resets it, and the other side may then never see
what was sent before: a client, or a proxy in front, that is still sending a body which was refused.
So the writing half is closed first, and what arrives is thrown away for a while (RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

SECONDS = 5
"""How long what still arrives is thrown away."""


class LingeringTransport:
    """A transport that is closed in that way; all else is the transport's own.

    Arguments:
        transport: the transport.
        loop: its loop.
        is_needed: whether more may arrive.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        is_needed: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._is_needed = is_needed
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    @property
    def is_lingering(self) -> bool:
        """Whether what arrives is to be thrown away."""
        return self._timer is not None

    def is_closing(self) -> bool:
        """Whether nothing more is answered."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close it, at the latest in a while; if this was called before, now."""
        if self.is_closing() or not self._is_needed():
            self.end()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._timer = self._loop.call_later(SECONDS, self._transport.abort)

    def end(self) -> None:
        """Close it now."""
        if self._timer is not None:
            self._timer.cancel()
        self._transport.close()
