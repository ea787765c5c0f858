"""What the built-in engine says to a person's codex: as much JSON-RPC as a turn needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from agentserver_reference.domain.errors import Refusal
from agentserver_reference.domain.turns import FAILED, INTERRUPTED
from agentserver_reference.gateways.codex import rpc
from agentserver_reference.gateways.codex.protocol import Visit
from agentserver_reference.gateways.codex.rpc import RpcError
from agentserver_reference.replies import SocketClosed

USER_AGENT = "agentserver-built-in-engine"

MOST_TURNS = 16
"""How many turns of one conversation may be under way."""

Answer = Callable[[dict[str, Any]], Awaitable[tuple[dict[str, Any], Callable[[], None] | None]]]


class Conversation:
    """Answers one visitor. Its turns end with it."""

    def __init__(self, visit: Visit, ids: Callable[[], str]) -> None:
        self._visit = visit
        self._ids = ids
        self._turns: dict[str, anyio.CancelScope] = {}
        self._is_initialized = False

    async def run(self) -> None:
        """Converse until the visitor leaves."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                while True:
                    message = rpc.read(await self._visit.socket.receive())
                    if message is not None and "method" in message and "id" in message:
                        await self._answer(message)
            except SocketClosed:
                tasks.cancel_scope.cancel()

    async def _answer(self, request: dict[str, Any]) -> None:
        answers = {
            "initialize": self._initialize,
            "thread/start": self._start_thread,
            "thread/resume": self._resume_thread,
            "turn/start": self._start_turn,
            "turn/interrupt": self._interrupt,
        }
        follows: Callable[[], None] | None = None
        try:
            answer: Answer | None = answers.get(str(request["method"]))
            if answer is None:
                unknown = f"the built-in engine has no method {request['method']}"
                raise RpcError(rpc.METHOD_NOT_FOUND, unknown)
            if not self._is_initialized and answer != self._initialize:
                raise RpcError(rpc.INVALID_REQUEST, "Not initialized")
            result, follows = await answer(rpc.params_of(request))
            reply = rpc.write(id=request["id"], result=result)
        except RpcError as error:
            reply = rpc.refusal(request, error)
        await self._visit.socket.send(reply)
        if follows is not None:
            follows()

    async def _initialize(self, params: dict[str, Any]) -> tuple[dict[str, Any], None]:
        await self._visit.note_client(rpc.client_of(params))
        self._is_initialized = True
        return {"userAgent": USER_AGENT}, None

    async def _start_thread(self, _: dict[str, Any]) -> tuple[dict[str, Any], None]:
        thread_id = self._ids()
        await self._visit.note_thread(thread_id)
        return {"thread": {"id": thread_id, "turns": []}}, None

    async def _resume_thread(self, params: dict[str, Any]) -> tuple[dict[str, Any], None]:
        """That the workspace has the thread is checked by its next turn."""
        return {"thread": {"id": _text(params, "threadId"), "turns": []}}, None

    async def _start_turn(
        self, params: dict[str, Any]
    ) -> tuple[dict[str, Any], Callable[[], None]]:
        thread_id, turn_id = _text(params, "threadId"), self._ids()
        if len(self._turns) >= MOST_TURNS:
            raise RpcError(rpc.INVALID_REQUEST, "too many turns are under way")
        given = {name: value for name, value in params.items() if name != "threadId"}
        turn: dict[str, Any] = {"id": turn_id, "status": "inProgress", "items": [], "error": None}
        self._turns[turn_id] = anyio.CancelScope()

        def run() -> None:
            self._tasks.start_soon(self._run, thread_id, turn, given)

        return {"turn": turn}, run

    async def _run(self, thread_id: str, turn: dict[str, Any], given: dict[str, Any]) -> None:
        turn_id, scope = turn["id"], self._turns[turn["id"]]
        ended = {**turn, "status": INTERRUPTED}
        try:
            await self._notify("turn/started", threadId=thread_id, turn=turn)
            with scope:
                ended = await self._ended(thread_id, turn, given)
            for item in ended["items"]:
                await self._notify("item/completed", threadId=thread_id, turnId=turn_id, item=item)
            await self._notify("turn/completed", threadId=thread_id, turn=ended)
        except SocketClosed:
            pass  # the conversation ends as well
        finally:
            del self._turns[turn_id]

    async def _ended(
        self, thread_id: str, turn: dict[str, Any], given: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            answer = await self._visit.submit(thread_id, given)
        except Refusal as refusal:
            message = refusal.line
        else:
            if "turn" in answer:
                return {**answer["turn"], "id": turn["id"]}
            message = answer["transport"]["message"]
        return {**turn, "status": FAILED, "error": {"message": message, "codexErrorInfo": "other"}}

    async def _interrupt(self, params: dict[str, Any]) -> tuple[dict[str, Any], None]:
        turn = self._turns.get(_text(params, "turnId"))
        if turn is None:
            raise RpcError(rpc.INVALID_REQUEST, "no such turn is under way")
        turn.cancel()
        return {}, None

    async def _notify(self, method: str, **params: Any) -> None:
        await self._visit.socket.send(rpc.write(method=method, params=params))


def _text(params: dict[str, Any], name: str) -> str:
    found = params.get(name)
    if not isinstance(found, str):
        raise RpcError(rpc.INVALID_PARAMS, f"{name}: must be a text")
    return found
