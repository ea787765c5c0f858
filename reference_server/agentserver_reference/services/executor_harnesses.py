"""Harnesses: those who have commands run on an executor, with a person's codex token.

A harness asks for an executor and is given a ticket for a WebSocket, and an authorization of its
public key, which the executor asks about before it takes a command. Each can be used once. Every
step checks anew that the token and the identity of the executor are valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import attrs

from agentserver_reference.domain import executors as domain
from agentserver_reference.domain.agent_identity import Assertion
from agentserver_reference.domain.errors import Conflict, Forbidden, NotFound, Unauthenticated
from agentserver_reference.domain.online import is_online
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services import executor_connections
from agentserver_reference.services.executor_connections import Registration
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import (
    codex_tokens,
    executor_harnesses,
    executor_identities,
    executors,
)
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.executor_identities import HARNESS_KEY, HARNESS_TICKET
from agentserver_reference.storage.locks import Lock

T = TypeVar("T")


@attrs.frozen
class Admission:
    """What a harness needs to speak with an executor."""

    registration: Registration
    authorization: str
    """Of its public key, for the executor."""
    ticket: str
    """For its WebSocket."""


@attrs.frozen
class Opened:
    """A WebSocket that may be opened."""

    socket_id: str
    executor_socket_id: str


async def admit(work: UnitOfWork, executor_id: str, token: str, public_key: Any) -> Admission:
    """Return what a harness needs to speak with an executor of its token's workspace.

    Raises:
        Unauthenticated: the token is not valid.
        NotFound: the workspace has no such executor, or its identity has ended.
        Conflict: it is not online, or its relay is not encrypted.
    """
    context = work.context
    now, authorization, ticket = context.clock(), context.tokens(), context.tokens()

    def give(conn: Connection, owner: Record) -> Admission:
        found = executors.connection_of(conn, owner["workspace_id"], executor_id, now)
        if found is None:
            raise NotFound("unknown executor")
        if not is_online(found["socket_id"] is not None, found["last_seen_at"], now):
            raise Conflict("the executor is not online")
        if found["registration"] is None:
            raise Conflict("the executor has a codex without the encrypted relay")
        registration = Registration.decode(found["registration"])
        of_key = {"registration": registration.id, "public_key": public_key}
        proofs = (
            (HARNESS_KEY, authorization, of_key),
            (HARNESS_TICKET, ticket, {"socket": found["socket_id"]}),
        )
        for kind, secret, stands_for in proofs:
            executor_identities.add_proof(
                conn,
                executor_id,
                kind,
                token_hash(secret),
                now + domain.TICKET_LIFE,
                json.dumps({"token": owner["id"], **stands_for}),
            )
        note = codex_tokens.USES.to_note(owner["id"], owner["last_used_at"], now)
        if note is not None:
            note(conn)
        return Admission(registration, authorization, ticket)

    return await _with_token(work, token, give)


async def _with_token(work: UnitOfWork, token: str, change: Callable[[Connection, Record], T]) -> T:
    """Run `change(connection, token)` in a transaction in which the token is valid.

    It cannot be revoked meanwhile: whatever does that locks the workspace. Raises Unauthenticated.
    """
    hashed, now = token_hash(token), work.context.clock()

    def checked(conn: Connection) -> T | None:
        found = codex_tokens.find_valid(conn, hashed, now)
        return None if found is None else change(conn, found)

    owner = await work.read(codex_tokens.find_valid, hashed, now)
    done = (
        None if owner is None else await work.write(Lock(workspace=owner["workspace_id"]), checked)
    )
    if done is None:
        raise Unauthenticated("unauthorized")
    return done


async def validate(
    work: UnitOfWork,
    executor_id: str,
    assertion: Assertion,
    registration_id: str,
    public_key: Any,
    authorization: str,
) -> None:
    """Use the authorization of a harness's public key, which an executor was shown.

    Raises:
        Unauthenticated: the assertion does not prove the executor.
        Forbidden: the authorization is not for this key and this registration, or was used.
    """
    now = work.context.clock()
    of_key = {"registration": registration_id, "public_key": public_key}

    def take(conn: Connection) -> None:
        found = _take(conn, executor_id, HARNESS_KEY, authorization, now)
        if found is None or found != {"token": found["token"], **of_key}:
            raise Forbidden("the harness is not authorized")

    await executor_connections.prove(work, executor_id, assertion, authorization, take)


async def open_socket(work: UnitOfWork, executor_id: str, ticket: str) -> Opened:
    """Use a ticket, and return the new WebSocket of a harness. Raises Unauthenticated."""
    context = work.context
    now, socket_id = context.clock(), context.ids()
    identity = await work.read(executor_identities.find_valid, executor_id, now)
    if identity is None:
        raise Unauthenticated("unauthorized")

    def take(conn: Connection) -> str:
        found = _take(conn, executor_id, HARNESS_TICKET, ticket, now)
        connection = executors.connection_of(conn, identity["workspace_id"], executor_id, now)
        if found is None or connection is None or connection["socket_id"] != found["socket"]:
            raise Unauthenticated("unauthorized")
        executor_harnesses.add(
            conn,
            socket_id=socket_id,
            executor_id=executor_id,
            token_id=found["token"],
            executor_socket_id=found["socket"],
            now=now,
        )
        executor_socket_id: str = found["socket"]
        return executor_socket_id

    return Opened(socket_id, await executor_connections.with_identity(work, identity, take))


def _take(
    conn: Connection, executor_id: str, kind: str, secret: str, now: datetime
) -> Record | None:
    """Return what a secret stands for, and use it up; None if it is not valid, or its token."""
    proof = executor_identities.take_proof(conn, executor_id, kind, token_hash(secret), now)
    if proof is None:
        return None
    found: Record = json.loads(proof["content"])
    return found if codex_tokens.is_valid_now(conn, found["token"], now) else None
