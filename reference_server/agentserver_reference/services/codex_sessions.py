"""Sessions: what people connect with codex tokens, and what they do with codex by it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import attrs

from agentserver_reference.domain import operations as log
from agentserver_reference.domain.codex_tokens import new_session_id
from agentserver_reference.domain.errors import NotFound, Unauthenticated
from agentserver_reference.domain.online import SILENCE, is_online
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.gateways.codex.protocol import Visit
from agentserver_reference.replies import Socket
from agentserver_reference.services import turns as service
from agentserver_reference.services.turn_log import TurnLog
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import codex_sessions, codex_tokens, turns
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


@attrs.frozen
class Session:
    """A session that was opened."""

    id: str
    workspace_id: str
    user_id: str
    """The owner of its token."""


async def list_of_workspace(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the tokens that are not revoked, newest first, each with a session that it has or had.

    Of the sessions of a token, it is the one that was opened last: of those that are online, or
    else of all. What is not known is left out.
    """
    rows, now = await work.read(codex_sessions.of_workspace, workspace_id), work.context.clock()
    for row in rows:
        is_open = row["connected_at"] is not None and row["disconnected_at"] is None
        row["is_online"] = is_online(is_open, row.pop("last_seen_at"), now)
    shown = []
    for _, sessions in groupby(rows, key=lambda row: row["id"]):
        *_, last = sorted(sessions, key=lambda row: row["is_online"])
        shown.append({name: value for name, value in last.items() if value is not None})
    return shown


async def open_session(work: UnitOfWork, token: str, client: Record) -> Session:
    """Open a session with a token, and return it. Raises Unauthenticated.

    Arguments:
        work: the database.
        token: the token.
        client: what is known of who connects.
    """
    context = work.context
    now, session_id = context.clock(), new_session_id(context.tokens())
    hashed = token_hash(token)

    def add(conn: Connection) -> Session | None:
        found = codex_tokens.find_valid(conn, hashed, now)
        if found is None:
            return None
        codex_sessions.add(
            conn,
            session_id=session_id,
            token_id=found["id"],
            client=client,
            now=now,
            silent=now - SILENCE,
        )
        note = codex_tokens.USES.to_note(found["id"], found["last_used_at"], now)
        if note is not None:
            note(conn)
        return Session(session_id, found["workspace_id"], found["user_id"])

    found = await work.read(codex_tokens.find_valid, hashed, now)
    opened = None
    if found is not None:
        try:
            # With the lock, the token cannot be revoked meanwhile.
            opened = await work.write(Lock(workspace=found["workspace_id"]), add)
        except NotFound:  # the workspace was deleted meanwhile
            opened = None
    if opened is None:
        raise Unauthenticated("unauthorized")
    return opened


async def converse(work: UnitOfWork, session: Session, socket: Socket) -> None:
    """Let who has opened a session speak with the workspace's codex, until one of them leaves."""
    context, workspace_id = work.context, session.workspace_id
    turn_log = TurnLog(work, workspace_id, log.TUI, session.id, session.user_id)

    async def note_client(client: Record) -> None:
        await work.write(Lock(), codex_sessions.note_client, session.id, client)

    async def note_thread(thread_id: str) -> None:
        lock, now = Lock(workspace=workspace_id), context.clock()
        await work.write(lock, turns.note_thread, workspace_id, thread_id, now)

    async def submit(thread_id: str, params: dict[str, Any]) -> Record:
        return await service.submit(
            work,
            {"workspaceId": workspace_id, "threadId": thread_id, "params": params},
            user_id=session.user_id,
            key=None,
            request_id=session.id,
            source=log.TUI,
        )

    visit = Visit(
        workspace_id=workspace_id,
        socket=socket,
        note_client=note_client,
        note_thread=note_thread,
        submit=submit,
        note_item=turn_log.note_item,
        note_turn=turn_log.note_turn,
    )
    await context.codex.converse(visit, service.host_of(work, workspace_id))
