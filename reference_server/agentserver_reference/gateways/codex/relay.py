"""Passes messages on between a person's codex and that of the workspace, and notes what is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import anyio
import attrs
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agentserver_reference.domain.turns import INTERRUPTED, Outcome
from agentserver_reference.gateways.codex import rpc
from agentserver_reference.gateways.codex.protocol import Visit
from agentserver_reference.gateways.codex.rpc import RpcError
from agentserver_reference.replies import SocketClosed

REFUSED = (
    "account/login",
    "account/logout",
    "command/",
    "config/batchWrite",
    "config/value/",
    "externalAgentConfig/",
    "feedback/",
    "fs/",
    "process/",
    "windowsSandbox/",
)
"""How methods begin that are about the server's machine, or its settings of codex, and not about
the threads of the workspace."""

_BEGINNING = frozenset({"thread/start", "thread/fork", "thread/resume"})
"""The methods whose answers have a thread."""

GONE = 1011
TO_INTERRUPT = 2
"""Seconds that codex has to interrupt the turns of who has left."""


@attrs.define
class _Turn:
    """A turn that the visitor has begun."""

    thread_id: str
    params: dict[str, Any]
    began: datetime
    items: dict[str, datetime] = attrs.field(factory=dict)
    """When those that are under way began, by their ids."""


class Relay:
    """Passes the messages of one visitor on.

    Arguments:
        visit: the visitor.
        codex: a connection to the workspace's codex, for this visitor alone.
        clock: the time, aware and in UTC.
    """

    def __init__(
        self, visit: Visit, codex: ClientConnection, clock: Callable[[], datetime]
    ) -> None:
        self._visit = visit
        self._codex = codex
        self._clock = clock
        self._asked: dict[str, tuple[str, dict[str, Any]]] = {}
        self._turns: dict[str, _Turn] = {}
        self._ended: dict[str, _Turn] = {}
        """Turns in which something was begun whose end codex has not reported yet."""

    async def run(self) -> None:
        """Pass messages on until one of both leaves, with whom the visitor's turns end."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._from_codex, tasks.cancel_scope)
                try:
                    while True:
                        await self._from_visitor(await self._visit.socket.receive())
                except (SocketClosed, ConnectionClosed):
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._end_turns()

    async def _from_visitor(self, given: str | bytes) -> None:
        message = rpc.read(given)
        if message is None:
            return
        method = message.get("method")
        if isinstance(method, str):
            if method.startswith(REFUSED):
                if "id" in message:
                    error = RpcError(rpc.METHOD_NOT_FOUND, f"{method} is not for visitors")
                    await self._visit.socket.send(rpc.refusal(message, error))
                return
            params = message.get("params")
            params = params if isinstance(params, dict) else {}
            if method == "initialize":
                await self._visit.note_client(rpc.client_of(params))
            if "id" in message and (method in _BEGINNING or method == "turn/start"):
                self._asked[repr(message["id"])] = method, params
        # As it was read, so that codex cannot read it otherwise.
        await self._codex.send(rpc.write(**message))

    async def _from_codex(self, scope: anyio.CancelScope) -> None:
        try:
            while True:
                given = await self._codex.recv()
                message = rpc.read(given)
                if message is not None:
                    await self._note(message)
                await self._visit.socket.send(given)
        except ConnectionClosed:
            await self._visit.socket.close(GONE, "codex has ended")
        except SocketClosed:
            scope.cancel()

    async def _note(self, message: dict[str, Any]) -> None:
        """Write down what a message of codex tells."""
        if "method" not in message:
            await self._note_answer(message)
            return
        params = message.get("params")
        if not isinstance(params, dict):
            return
        turn, item = params.get("turn"), params.get("item")
        if message["method"] == "turn/completed" and isinstance(turn, dict):
            await self._note_end(str(turn.get("id")), turn)
        elif isinstance(item, dict):
            await self._note_item(message["method"], str(params.get("turnId")), item)

    async def _note_answer(self, message: dict[str, Any]) -> None:
        method, params = self._asked.pop(repr(message.get("id")), ("", {}))
        result = message.get("result")
        if not method or not isinstance(result, dict):
            return
        named = result.get("thread" if method in _BEGINNING else "turn")
        if not isinstance(named, dict) or not isinstance(named.get("id"), str):
            return
        if method in _BEGINNING:
            await self._visit.note_thread(named["id"])
        else:
            given = {name: value for name, value in params.items() if name != "threadId"}
            turn = _Turn(str(params.get("threadId")), given, self._clock())
            self._turns[named["id"]] = turn

    async def _note_item(self, method: str, turn_id: str, item: dict[str, Any]) -> None:
        turn, item_id = self._turns.get(turn_id, self._ended.get(turn_id)), str(item.get("id"))
        if turn is None:
            return
        if method == "item/started":
            turn.items[item_id] = self._clock()
        elif method == "item/completed":
            began = turn.items.pop(item_id, self._clock())
            if not turn.items:
                self._ended.pop(turn_id, None)
            await self._visit.note_item(turn.thread_id, item, began)

    async def _note_end(self, turn_id: str, ended: dict[str, Any]) -> None:
        turn = self._turns.pop(turn_id, None)
        if turn is not None:
            if turn.items:
                self._ended[turn_id] = turn
            outcome = Outcome(turn.thread_id, turn=ended)
            await self._visit.note_turn(outcome, turn.params, turn.began)

    async def _end_turns(self) -> None:
        """Interrupt the turns that are under way, and write down how they have ended."""
        with anyio.move_on_after(TO_INTERRUPT), suppress(ConnectionClosed):
            for turn_id, turn in self._turns.items():
                params = {"threadId": turn.thread_id, "turnId": turn_id}
                ask = rpc.write(id=f"leave-{turn_id}", method="turn/interrupt", params=params)
                await self._codex.send(ask)
            while self._turns:
                await self._note(rpc.read(await self._codex.recv()) or {})
        for turn_id in list(self._turns):
            await self._note_end(turn_id, {"id": turn_id, "status": INTERRUPTED, "items": []})
