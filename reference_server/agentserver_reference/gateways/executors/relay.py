"""The relay: it passes frames on between executors and those who have commands run on them.

A stream belongs to one harness and one executor, which may be connected to different processes of
the server: then a frame waits in the database until the other process takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.domain.errors import BadRequest, DatabaseUnavailable
from agentserver_reference.gateways.executors import frames
from agentserver_reference.gateways.sockets import REVOKED
from agentserver_reference.replies import SocketClosed
from agentserver_reference.storage import executor_frames

if TYPE_CHECKING:
    from agentserver_reference.replies import Socket
    from agentserver_reference.storage import Store

LONGEST_FRAME = 1024 * 1024
"""Bytes. Codex divides what it encrypts into records of at most 65,535."""

MOST_STREAMS = 1000
"""How many streams one WebSocket may have at a time; an executor itself has 128."""

PATIENCE = 10
"""Seconds within which a client must take a frame, because others wait meanwhile."""

FRAME_LIFE = timedelta(seconds=60)
"""How long a frame waits for another process."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.32
"""Seconds between two looks for frames of other processes: longer and longer, while none come."""

BATCH = 100
"""How many frames of other processes are taken at a time."""


class Relay:
    """Passes frames on from and to the WebSockets of this process.

    Arguments:
        store: the database.
        clock: the time, aware and in UTC.
        background: begins work that goes on after the answer.
        wait: waits for so many seconds.
        is_alone: there is no other process of the server.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        background: Callable[[str, Callable[[], Awaitable[None]]], None],
        wait: Callable[[float], Awaitable[object]],
        *,
        is_alone: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._background = background
        self._wait = wait
        self._is_alone = is_alone
        self._ends: dict[str, _End] = {}
        self._is_watched = is_alone

    async def serve(self, socket_id: str, socket: Socket, executor: str | None = None) -> None:
        """Pass on what a client sends, until it leaves; then its streams end.

        Arguments:
            socket_id: the id of its WebSocket.
            socket: its WebSocket.
            executor: the id of the WebSocket of the executor that it uses; None for an executor.
        """
        end = self._ends[socket_id] = _End(socket, executor)
        if not self._is_watched:
            self._is_watched = True
            self._background("frames for executors", self._watch)
        try:
            while True:
                message = await socket.receive()
                if isinstance(message, bytes):
                    await self._receive(socket_id, end, message)
        finally:
            del self._ends[socket_id]
            with suppress(DatabaseUnavailable):  # the other end finds it out by itself
                for stream_id, other in end.streams.items():
                    await self._pass_on(other, socket_id, frames.reset(stream_id, "disconnected"))

    async def _receive(self, socket_id: str, end: _End, frame: bytes) -> None:
        if len(frame) > LONGEST_FRAME:
            raise BadRequest("the frame is too long")
        address = frames.read(frame)
        if address is None:
            return
        other = end.other(address.stream_id, end.executor)
        if other is not None:
            end.note(address)
            await self._pass_on(other, socket_id, frame)

    async def _pass_on(self, socket_id: str, sender_id: str, frame: bytes) -> None:
        end = self._ends.get(socket_id)
        if end is not None:
            await self._deliver(end, sender_id, frame)
        elif not self._is_alone:
            await self._store.write(
                executor_frames.add,
                socket_id=socket_id,
                sender_id=sender_id,
                frame=frame,
                expires_at=self._clock() + FRAME_LIFE,
            )

    async def _watch(self) -> None:
        """Deliver what other processes leave for the WebSockets of this one."""
        pause = SHORTEST_PAUSE
        try:
            while self._ends:
                await self._wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                with suppress(DatabaseUnavailable):  # the store has logged it
                    if await self._store.read(executor_frames.are_there, list(self._ends)):
                        await self._take()
                        pause = SHORTEST_PAUSE
        finally:
            self._is_watched = False

    async def _take(self) -> None:
        for row in await self._store.write(executor_frames.take, list(self._ends), BATCH):
            end = self._ends.get(row["socket_id"])
            if end is not None:
                await self._deliver(end, row["sender_id"], row["frame"])

    async def _deliver(self, end: _End, sender_id: str, frame: bytes) -> None:
        """Give a frame to a client, if the stream is that of the sender."""
        address = frames.read(frame)
        opener = sender_id if end.executor is None else None
        if address is None or end.other(address.stream_id, opener) != sender_id:
            return
        end.note(address)
        try:
            async with asyncio.timeout(PATIENCE):
                await end.socket.send(frame)
        except SocketClosed:
            pass  # the process that holds it ends its streams
        except TimeoutError:
            # Closing waits as well for a client that reads nothing.
            self._background("slow socket", partial(end.socket.close, REVOKED, "too slow"))


@attrs.frozen
class _End:
    """A client that is connected to this process."""

    socket: Socket
    executor: str | None
    """The id of the WebSocket of the executor that it uses; None for an executor."""
    streams: dict[str, str] = attrs.field(factory=dict)
    """Its streams, each with the id of the WebSocket at the other end."""

    def other(self, stream_id: str, opener: str | None) -> str | None:
        """Return the other end of a stream, which is `opener` if the stream is new."""
        if opener and stream_id not in self.streams and len(self.streams) < MOST_STREAMS:
            self.streams[stream_id] = opener
        return self.streams.get(stream_id)

    def note(self, address: frames.Address) -> None:
        """Forget a stream that has ended."""
        if address.is_last:
            del self.streams[address.stream_id]
