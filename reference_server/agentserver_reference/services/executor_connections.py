"""How an executor is connected: a task, an assertion, a ticket, and then a WebSocket.

Every step checks anew that the identity is valid. An assertion and a ticket can be used once.

From codex 0.148, what is said to an executor is encrypted between it and a harness, the codex that
has commands run there. Then the executor gives its public key when it registers, and asks about
that of each harness.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import attrs

from agentserver_reference.domain import agent_identity, executors
from agentserver_reference.domain.agent_identity import Assertion
from agentserver_reference.domain.errors import (
    BadRequest,
    Conflict,
    NotFound,
    Unauthenticated,
)
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import (
    executor_frames,
    executor_harnesses,
    executor_identities,
)
from agentserver_reference.storage import executors as rows
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.executor_identities import ASSERTION, TASK, TICKET
from agentserver_reference.storage.locks import Lock

T = TypeVar("T")

EXPIRED_BATCH = 500
"""How many expired rows one transaction removes, so that no other waits for it long."""

_REMOVE_EXPIRED = (
    executor_identities.remove_expired,
    executor_harnesses.remove_silent,
    executor_frames.remove_expired,
)


@attrs.frozen
class Registration:
    """What a harness has to know of an executor whose relay is encrypted."""

    id: str
    security_profile: str
    public_key: Any
    """As codex has sent it."""

    def encode(self) -> str:
        """Return it as it is stored."""
        return json.dumps(attrs.asdict(self, recurse=False))

    @classmethod
    def decode(cls, stored: str) -> Registration:
        """Return what was stored."""
        return cls(**json.loads(stored))


async def register_task(work: UnitOfWork, executor_id: str, timestamp: str, signature: str) -> str:
    """Return a new task, which an executor names in its assertions.

    Raises:
        NotFound: there is no such executor, or its identity has ended.
        BadRequest: time or signature cannot be read.
        Unauthenticated: the signature is not that of the executor, or too old.
    """
    now = work.context.clock()
    identity = await work.read(executor_identities.find_valid, executor_id, now)
    if identity is None:
        raise NotFound("unknown agent")
    _check_signature(identity, f"{executor_id}:{timestamp}", timestamp, signature, now)
    task = f"task_{work.context.tokens()}"
    await with_identity(
        work,
        identity,
        lambda conn: executor_identities.add_proof(
            conn, executor_id, TASK, token_hash(task), now + executors.TASK_LIFE
        ),
    )
    return task


async def admit(
    work: UnitOfWork,
    executor_id: str,
    assertion: Assertion,
    client: Record,
    registration: Registration | None,
) -> str:
    """Return a ticket for a WebSocket to the executor that this assertion proves.

    Arguments:
        work: the database.
        executor_id: the executor that wants to be connected.
        assertion: its proof.
        client: what is known of the machine.
        registration: what harnesses have to know of it; None for the plain relay.

    Raises Unauthenticated.
    """
    now, ticket = work.context.clock(), work.context.tokens()
    content = None if registration is None else registration.encode()

    def give(conn: Connection) -> None:
        until = now + executors.TICKET_LIFE
        hashed = token_hash(ticket)
        executor_identities.add_proof(conn, executor_id, TICKET, hashed, until, content)
        rows.note_client(conn, executor_id, client)

    await prove(work, executor_id, assertion, "", give)
    return ticket


async def owner(work: UnitOfWork, assertion: Assertion, account_id: str | None) -> str:
    """Use an assertion, and return who has registered the executor that it proves.

    Arguments:
        work: the database.
        assertion: the proof.
        account_id: who that is, if the executor says so.

    Raises Unauthenticated.
    """
    executor_id, now = assertion.agent_runtime_id, work.context.clock()
    identity = await work.read(executor_identities.find_valid, executor_id, now)
    if identity is None or account_id not in (None, identity["user_id"]):
        raise Unauthenticated("unauthorized")
    await prove(work, executor_id, assertion, "", lambda _: None)
    user_id: str = identity["user_id"]
    return user_id


async def prove(
    work: UnitOfWork,
    executor_id: str,
    assertion: Assertion,
    purpose: str,
    change: Callable[[Connection], T],
) -> T:
    """Use an assertion, and run `change(connection)` in the same transaction.

    An executor makes the same assertion again within a second, so that it may be used once for
    each purpose.

    Raises Unauthenticated.
    """
    now = work.context.clock()
    identity = await work.read(executor_identities.find_valid, executor_id, now)
    if identity is None or assertion.agent_runtime_id != executor_id:
        raise Unauthenticated("unauthorized")
    message = f"{executor_id}:{assertion.task_id}:{assertion.timestamp}"
    try:
        _check_signature(identity, message, assertion.timestamp, assertion.signature, now)
    except (BadRequest, Unauthenticated):
        raise Unauthenticated("unauthorized") from None

    def take(conn: Connection) -> T:
        task = token_hash(assertion.task_id)
        if not executor_identities.is_proof(conn, executor_id, TASK, task, now):
            raise Unauthenticated("unauthorized")
        # It is kept for as long as its time would be accepted, on whichever side of ours it is.
        used_until = now + 2 * executors.SKEW
        used = token_hash(f"{message}:{purpose}")
        try:
            executor_identities.add_proof(conn, executor_id, ASSERTION, used, used_until)
        except Conflict:
            raise Unauthenticated("unauthorized") from None
        return change(conn)

    return await with_identity(work, identity, take)


async def open_socket(work: UnitOfWork, executor_id: str, ticket: str) -> str:
    """Use a ticket, and return the id of the executor's new WebSocket. Raises Unauthenticated."""
    context = work.context
    now, socket_id = context.clock(), context.ids()
    identity = await work.read(executor_identities.find_valid, executor_id, now)
    if identity is None:
        raise Unauthenticated("unauthorized")

    def take(conn: Connection) -> None:
        hashed = token_hash(ticket)
        proof = executor_identities.take_proof(conn, executor_id, TICKET, hashed, now)
        if proof is None:
            raise Unauthenticated("unauthorized")
        rows.connect(conn, executor_id, socket_id, proof["content"], now)

    await with_identity(work, identity, take)
    return socket_id


async def with_identity(work: UnitOfWork, identity: Record, change: Callable[[Connection], T]) -> T:
    """Run `change(connection)` in a transaction in which the identity is valid.

    It cannot be revoked meanwhile: whatever does that locks the workspace. Raises Unauthenticated.
    """
    now = work.context.clock()

    def checked(conn: Connection) -> T:
        if executor_identities.find_valid(conn, identity["executor_id"], now) is None:
            raise Unauthenticated("unauthorized")
        return change(conn)

    try:
        return await work.write(Lock(workspace=identity["workspace_id"]), checked)
    except NotFound:  # the workspace was deleted meanwhile
        raise Unauthenticated("unauthorized") from None


def _check_signature(
    identity: Record, message: str, timestamp: str, signature: str, now: datetime
) -> None:
    moment, decoded = executors.read_time(timestamp), agent_identity.decode_signature(signature)
    if moment is None:
        raise BadRequest("bad timestamp")
    if decoded is None:
        raise BadRequest("bad signature base64")
    if not executors.is_fresh(moment, now):
        raise Unauthenticated("timestamp stale")
    if not agent_identity.is_signed(identity["public_key"], message, decoded):
        raise Unauthenticated("signature invalid")


async def remove_expired(work: UnitOfWork) -> int:
    """Remove what has expired: proofs, and what dead servers have left. How many they were."""
    now, removed = work.context.clock(), 0
    for remove in _REMOVE_EXPIRED:
        while batch := await work.write(Lock(), remove, now, EXPIRED_BATCH):
            removed += batch
            await asyncio.sleep(0)  # SQLite runs on the event loop: let requests in between
    return removed
