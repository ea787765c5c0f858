"""Executors: machines that run commands for a workspace, and the identity of each."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from agentserver_reference.domain import executors as domain
from agentserver_reference.domain.agent_identity import KeyPair, SigningKey, claims
from agentserver_reference.domain.errors import DatabaseUnavailable, Forbidden, NotFound
from agentserver_reference.domain.roles import may_register_executors
from agentserver_reference.gateways.executors.protocol import Change, NewExecutor
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import executor_identities, members, signing_keys, users
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from agentserver_reference.context import Context

IDENTITY_PATH = "/codex-auth"
"""Below which codex asks about identities."""


async def list_of_workspace(work: UnitOfWork, workspace_id: str, user_id: str) -> list[Record]:
    """Return the executors of a workspace, the oldest first."""
    return await work.context.executors.list_of(workspace_id, user_id)


async def register(
    work: UnitOfWork, workspace_id: str, user_id: str, name: str, description: str, address: str
) -> Record:
    """Register an executor, and return its identity and the command that connects it.

    The identity is valid as long as the person is a member who may register executors, and no
    longer than a setting says. Only its public key is kept.

    Arguments:
        work: the call.
        workspace_id: the workspace.
        user_id: who registers it.
        name: unique in the workspace.
        description: for people.
        address: where machines reach this server.

    Raises:
        Conflict: the name is taken.
        BadGateway: the gateway does not respond as it should. Then no identity is left either.
    """
    context = work.context
    keys, now = KeyPair.new(), context.clock()
    until = now + timedelta(days=context.settings.executor_identity_days)
    signing_key = await _signing_key(context)
    account = await work.read(users.find, user_id)
    email = "" if account is None else account["email"]
    made: Record = {}

    async def commit(executor_id: str, change: Change | None) -> None:
        said = claims(executor_id, keys, user_id, email, now, until)
        token = await anyio.to_thread.run_sync(signing_key.sign, said)
        await work.write(
            # With the lock, the membership behind the identity cannot end meanwhile.
            Lock(workspace=workspace_id),
            _add,
            workspace_id,
            user_id,
            executor_id,
            keys.public,
            now,
            until,
            change,
        )
        made.update(exe_id=executor_id, agent_identity_jwt=token)

    new = NewExecutor(workspace_id, user_id, name, description)
    try:
        await context.executors.register(new, commit)
    except BaseException:
        if made:
            await _undo(context, workspace_id, made["exe_id"])
        raise
    host = context.settings.codex_exec_gateway_public_host
    command = domain.connect_command(
        token=made["agent_identity_jwt"],
        issuer=address + IDENTITY_PATH,
        remote=address if host is None else f"https://{host}",
        executor_id=made["exe_id"],
        name=name,
    )
    return {
        **made,
        "connect_command": command,
        "connect_commands": {"agent_identity": command},
    }


async def _undo(context: Context, workspace_id: str, executor_id: str) -> None:
    """Revoke the identity of an executor that the gateway does not have, if that is possible.

    It was never shown.
    """
    remove, lock = executor_identities.remove, Lock(workspace=workspace_id)
    with anyio.CancelScope(shield=True), suppress(NotFound, DatabaseUnavailable):
        await UnitOfWork(context).write(lock, remove, workspace_id, executor_id)


def _add(
    conn: Connection,
    workspace_id: str,
    user_id: str,
    executor_id: str,
    public_key: str,
    now: datetime,
    until: datetime,
    change: Change | None,
) -> None:
    membership = members.membership_of(conn, workspace_id, user_id)
    if membership is None or not may_register_executors(membership[1]):
        raise Forbidden("insufficient permissions")
    if change is not None:
        change(conn)
    executor_identities.add(
        conn,
        executor_id=executor_id,
        workspace_id=workspace_id,
        registered_by=membership[0],
        public_key=public_key,
        now=now,
        expires_at=until,
    )


async def unbind(work: UnitOfWork, workspace_id: str, executor_id: str, user_id: str) -> None:
    """Remove an executor from a workspace, if it has it, and revoke its identity."""

    async def commit(change: Change | None) -> None:
        await work.write(Lock(workspace=workspace_id), _remove, workspace_id, executor_id, change)

    await work.context.executors.unbind(workspace_id, executor_id, user_id, commit)


def _remove(conn: Connection, workspace_id: str, executor_id: str, change: Change | None) -> None:
    executor_identities.remove(conn, workspace_id, executor_id)
    if change is not None:
        change(conn)


# --- the key that signs identities ----------------------------------------------------------------


async def public_keys(work: UnitOfWork) -> list[dict[str, Any]]:
    """Return the keys with which identities are checked, as JSON Web Keys."""
    key = await _signing_key(work.context)
    return [await anyio.to_thread.run_sync(key.public_jwk)]


async def _signing_key(context: Context) -> SigningKey:
    """Return the key, which is made when it is asked for first."""
    work = UnitOfWork(context)
    found = await work.read(signing_keys.find)
    if found is None:
        new = await anyio.to_thread.run_sync(SigningKey.new)
        encrypted = context.cipher.encrypt(new.private_key, row=new.id, column=signing_keys.COLUMN)
        # With the lock, simultaneous calls get the same one.
        lock, now = Lock(installation=True), context.clock()
        found = await work.write(lock, signing_keys.find_or_add, new.id, encrypted, now)
    key_id, encrypted = found
    private = context.cipher.decrypt(encrypted, row=key_id, column=signing_keys.COLUMN)
    return SigningKey(key_id, private)
