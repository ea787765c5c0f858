"""A turn that a codex runs, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio

from agentserver_reference.gateways.codex.connection import Connection, ConnectionLost
from agentserver_reference.gateways.codex.protocol import TurnRequest
from agentserver_reference.gateways.codex.rpc import RpcError

TO_INTERRUPT = 2
"""Seconds that codex has to interrupt a turn."""
FOR_WHAT_IS_LATE = 2
"""Seconds that what was begun in a turn has to end after it: codex may tell of a command's end
later than of the turn's. What goes on in the background is not waited for longer."""


class CodexTurn:
    """A turn that is submitted.

    Arguments:
        connection: the connection to codex, which no other turn uses.
        request: what is asked for.
        clock: the time, aware and in UTC.
    """

    def __init__(
        self, connection: Connection, request: TurnRequest, clock: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._request = request
        self._clock = clock
        self._items: list[dict[str, Any]] = []
        self._began: dict[str, datetime] = {}
        self.thread_id = request.thread_id or ""

    async def run(self, model: str, folder: Path) -> dict[str, Any]:
        """Return the turn as codex shows it in the end, with its items.

        When it is cancelled, codex interrupts the turn. Raises RpcError and ConnectionLost.

        Arguments:
            model: the language model.
            folder: where codex works.
        """
        settings = {"model": model, "cwd": str(folder)}
        if self._request.thread_id is None:
            begun = await self._connection.ask("thread/start", **settings)
            self.thread_id = begun["thread"]["id"]
        else:
            await self._connection.ask("thread/resume", threadId=self.thread_id, **settings)
        started = await self._connection.ask(
            "turn/start", **self._request.params, threadId=self.thread_id
        )
        turn_id = started["turn"]["id"]
        try:
            turn = await self._end_of(turn_id)
            if turn.get("status") == "completed":
                with anyio.move_on_after(FOR_WHAT_IS_LATE), suppress(ConnectionLost):
                    await self._end_of_what_is_late(turn_id)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(TO_INTERRUPT, shield=True):
                await self._interrupt(turn_id)
            raise
        return {**turn, "items": self._items or turn.get("items", [])}

    async def _interrupt(self, turn_id: str) -> None:
        try:
            await self._connection.ask("turn/interrupt", threadId=self.thread_id, turnId=turn_id)
            await self._end_of(turn_id)
        except (RpcError, ConnectionLost):
            pass  # it has ended already

    async def _end_of(self, turn_id: str) -> dict[str, Any]:
        while True:
            method, params = await self._connection.next()
            turn = params.get("turn")
            if (
                method == "turn/completed"
                and params.get("threadId") == self.thread_id
                and isinstance(turn, dict)
                and turn["id"] == turn_id
            ):
                return turn
            await self._note(method, params, turn_id)

    async def _end_of_what_is_late(self, turn_id: str) -> None:
        while self._began:
            method, params = await self._connection.next()
            await self._note(method, params, turn_id)

    async def _note(self, method: str, params: dict[str, Any], turn_id: str) -> None:
        item, about = params.get("item"), (params.get("threadId"), params.get("turnId"))
        if not isinstance(item, dict) or about != (self.thread_id, turn_id):
            return
        if method == "item/started":
            self._began[str(item.get("id"))] = self._clock()
        elif method == "item/completed":
            self._items.append(item)
            began = self._began.pop(str(item.get("id")), self._clock())
            with anyio.CancelScope(shield=True):  # it was done, whatever becomes of the turn
                await self._request.note_item(self.thread_id, item, began)
