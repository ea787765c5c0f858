"""Turns of codex.

A turn is a row from before codex hears of it until a day after its end. The process that runs it
renews the row; the worker ends turns whose process does so no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import anyio
import attrs

from agentserver_reference.domain import operations as log
from agentserver_reference.domain.errors import Forbidden, NotFound, ServiceUnavailable
from agentserver_reference.domain.model_apis import OPENAI, ROUTES
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.domain.turns import (
    DISCONNECT,
    INTERRUPTED,
    KEY_LIFETIME,
    LEASE,
    LONGEST_MS,
    RENEWAL,
    Outcome,
    check_params,
    check_repeated,
    check_thread,
    hash_of,
)
from agentserver_reference.gateways.codex.protocol import Ask, Host, TurnRequest
from agentserver_reference.gateways.models.protocol import ModelRequest
from agentserver_reference.services import model_calls, proxy_tokens
from agentserver_reference.services.turn_log import TurnLog
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import operations, turns
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

LOOK_AGAIN = 0.1
"""Seconds between two looks at a turn that is awaited by who has submitted it before."""

BATCH = 100
"""How many turns are ended or removed at a time."""


@attrs.frozen
class Submitted:
    """A turn that was submitted, by this call or with the same key before."""

    turn_id: str
    is_new: bool


@attrs.define(eq=False)
class _Running:
    """A turn that this process runs."""

    request: TurnRequest
    operation: Record
    began: datetime
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    ended: asyncio.Event = attrs.field(factory=asyncio.Event)
    outcome: Outcome | None = None


async def submit(
    work: UnitOfWork,
    body: Mapping[str, Any],
    *,
    user_id: str | None,
    key: str | None,
    request_id: str,
    source: str = log.SDK,
) -> Record:
    """Run a turn, or await the one that was submitted with the same key, and return the answer.

    Without a key, the turn is interrupted if the call is cancelled.

    Arguments:
        work: the access to the database.
        body: what was submitted, in the workspace that it names.
        user_id: the person who submits it; None for a program.
        key: stands for this turn.
        request_id: the id of the request, or of the session.
        source: where it was submitted.

    Raises BadRequest and Conflict.
    """
    check_params(body["params"])
    context, workspace_id = work.context, body["workspaceId"]
    began = context.clock()
    turn_log = TurnLog(UnitOfWork(context), workspace_id, source, request_id, user_id)
    request = TurnRequest(
        context.ids(),
        workspace_id,
        body.get("threadId"),
        body["params"],
        body.get("timeoutMs", LONGEST_MS) / 1000,
        turn_log.note_item,
    )
    running = _Running(request, turn_log.begin(log.TURN, body["params"], began), began)
    submitted = await work.write(
        # With the lock, a thread has one turn at a time, and a key stands for one turn.
        Lock(workspace=workspace_id),
        _begin,
        running,
        key,
        hash_of(dict(body)),
    )
    if not submitted.is_new:
        return await _await(work, submitted.turn_id, body.get("threadId") or "")
    context.background("turn", lambda: _run(UnitOfWork(context), running))
    try:
        await running.ended.wait()
    except BaseException:
        if key is None:
            running.scope.cancel()
        raise
    if running.outcome is None:
        raise ServiceUnavailable("the server is stopping")
    return running.outcome.answer


def _begin(conn: Connection, running: _Running, key: str | None, body_hash: str) -> Submitted:
    request, now = running.request, running.began
    workspace_id, thread_id = request.workspace_id, request.thread_id
    if key is not None:
        first = turns.find_by_key(conn, workspace_id, key, now - KEY_LIFETIME)
        if first is not None:
            check_repeated(body_hash, first["body_hash"])
            return Submitted(first["id"], is_new=False)
    if thread_id is not None:
        is_known = turns.has_thread(conn, workspace_id, thread_id)
        check_thread(is_known, turns.is_busy(conn, workspace_id, thread_id))
    turns.begin(
        conn,
        request.turn_id,
        workspace_id=workspace_id,
        thread_id=thread_id,
        key=key,
        body_hash=body_hash,
        operation=running.operation,
        now=now,
        until=now + LEASE,
    )
    return Submitted(request.turn_id, is_new=True)


def _stopped(thread_id: str) -> Outcome:
    return Outcome(thread_id, transport=(DISCONNECT, "the server was stopped"))


async def _await(work: UnitOfWork, turn_id: str, thread_id: str) -> Record:
    """Return the answer of a turn that this or another process runs, when it has ended."""
    while True:
        found = await work.read(turns.answer_of, turn_id)
        if found is None:  # it went with its workspace
            raise Forbidden("not a workspace member")
        if found["ended_at"] is not None:
            answer: Record = found["answer"]
            return answer
        if work.context.stopping.is_set():  # another process may go on with the turn
            return _stopped(thread_id).answer
        await work.context.wait(LOOK_AGAIN)


async def _run(work: UnitOfWork, running: _Running) -> None:
    """Run a turn to its end, whatever that is, and write it down."""
    request = running.request
    thread_id = request.thread_id or ""
    outcome = _stopped(thread_id)
    host = host_of(work, request.workspace_id, request.thread_id)
    try:
        with running.scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_renew, work, request.turn_id)
                tasks.start_soon(_end_with_server, work, tasks.cancel_scope)
                outcome = await work.context.codex.run(request, host)
                tasks.cancel_scope.cancel()
        if running.scope.cancelled_caught:
            turn: Record = {"id": request.turn_id, "status": INTERRUPTED, "items": []}
            outcome = Outcome(thread_id, turn=turn)
    except Exception:
        outcome = Outcome(thread_id, transport=(DISCONNECT, "codex failed unexpectedly"))
        raise
    finally:
        with anyio.CancelScope(shield=True), suppress(NotFound):
            await _end(work, request.workspace_id, request.turn_id, running.operation, outcome)
        running.outcome = outcome
        running.ended.set()


async def _end_with_server(work: UnitOfWork, scope: anyio.CancelScope) -> None:
    """End a turn at once when the server stops, which else waits for the call that awaits it."""
    await work.context.stopping.wait()
    scope.cancel()


async def _renew(work: UnitOfWork, turn_id: str) -> None:
    while True:
        await work.context.wait(RENEWAL)
        await work.write(Lock(), turns.renew, turn_id, work.context.clock() + LEASE)


async def _end(
    work: UnitOfWork, workspace_id: str, turn_id: str, operation: Record, outcome: Outcome
) -> None:
    """Write down how a turn has ended. Raises NotFound if its workspace is gone."""
    now = work.context.clock()
    await work.write(
        Lock(workspace=workspace_id), _write_end, workspace_id, turn_id, operation, outcome, now
    )


def _write_end(
    conn: Connection,
    workspace_id: str,
    turn_id: str,
    operation: Record,
    outcome: Outcome,
    now: datetime,
) -> None:
    ended = turns.end(
        conn,
        turn_id,
        workspace_id=workspace_id,
        thread_id=outcome.thread_id,
        answer=outcome.answer,
        now=now,
    )
    if not ended:
        return
    row = log.ended(operation, outcome.thread_id, outcome.is_error, outcome.summary, now)
    operations.add(conn, row)


def host_of(work: UnitOfWork, workspace_id: str, thread_id: str | None = None) -> Host:
    """Return what the server does for a workspace's codex."""

    async def token() -> str:
        return await proxy_tokens.of_workspace(work, workspace_id)

    return Host(_model_of(work, workspace_id, thread_id), token)


def _model_of(work: UnitOfWork, workspace_id: str, thread_id: str | None) -> Ask:
    """Return what asks the workspace's language model, through the proxy as everybody does."""

    async def ask(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        context = work.context
        url, header = context.settings.llm_proxy_url, context.settings.llm_proxy_trace_header
        if url == "off":
            raise ServiceUnavailable("llmproxy not configured")
        token = await proxy_tokens.of_workspace(work, workspace_id)
        headers = {"content-type": "application/json"}
        if thread_id is not None:
            headers[header.lower()] = thread_id
        asked = ModelRequest(OPENAI, method, path, "", tuple(headers.items()), body)
        if url is None:
            caller = model_calls.Caller(workspace_id, token_hash(token))
            answer = await model_calls.answer(work, ROUTES[path], asked, caller, headers)
        else:
            answer = await context.models.of_workspace(OPENAI, url, token).send(asked)
        try:
            return answer.status, b"".join([chunk async for chunk in answer.chunks])
        finally:
            with anyio.CancelScope(shield=True):
                await answer.close()

    return ask


# --- workers --------------------------------------------------------------------------------------


async def end_lost(work: UnitOfWork) -> None:
    """End the turns whose process has given no sign of life for too long."""
    for turn in await work.read(turns.lost, work.context.clock(), BATCH):
        reason = "the server that ran the turn has ended"
        outcome = Outcome(turn["thread_id"] or "", transport=(DISCONNECT, reason))
        with suppress(NotFound):
            await _end(work, turn["workspace_id"], turn["id"], turn["operation"], outcome)


async def remove_old(work: UnitOfWork) -> int:
    """Remove the turns that ended so long ago that no key stands for them. Returns how many."""
    before = work.context.clock() - KEY_LIFETIME
    removed = 0
    while batch := await work.write(Lock(), turns.remove_old, before, BATCH):
        removed += batch
    return removed
