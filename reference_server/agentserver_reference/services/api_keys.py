"""API keys of workspaces."""

from collections.abc import Sequence
from datetime import datetime

from agentserver_reference.domain import api_keys as domain
from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import api_keys
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


async def list_of_workspace(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the keys of a workspace, newest first, those that are revoked included."""
    return await work.read(api_keys.list_of, workspace_id)


async def mint(
    work: UnitOfWork, workspace_id: str, user_id: str, name: str, scopes: Sequence[str]
) -> Record:
    """Make a key, and return it with its secret. Raises Conflict if there are too many."""
    context = work.context
    key, now = domain.new_key(context.tokens()), context.clock()
    key_id = domain.id_of(key)
    await work.write(
        # With the lock, simultaneous calls cannot exceed the limit.
        Lock(workspace=workspace_id),
        _add,
        workspace_id,
        key_id,
        user_id,
        name,
        token_hash(key),
        scopes,
        now,
    )
    return {
        "id": key_id,
        "name": name,
        "prefix": key_id,
        "secret": key,
        "scopes": scopes,
        "created_at": timestamp(now),
    }


def _add(
    conn: Connection,
    workspace_id: str,
    key_id: str,
    user_id: str,
    name: str,
    key_hash: str,
    scopes: Sequence[str],
    now: datetime,
) -> None:
    domain.check_room(api_keys.count_valid(conn, workspace_id))
    api_keys.add(
        conn,
        key_id=key_id,
        workspace_id=workspace_id,
        made_by=user_id,
        name=name,
        key_hash=key_hash,
        scopes=scopes,
        now=now,
    )


async def revoke(work: UnitOfWork, workspace_id: str, key_id: str) -> None:
    """Revoke a key of this workspace, if it has such a key that is valid."""
    lock = Lock(workspace=workspace_id)
    await work.write(lock, api_keys.revoke, workspace_id, key_id, work.context.clock())


def scopes() -> list[Record]:
    """Return all scopes, in their order."""
    return [
        {"name": each.name, "description": each.description, "available": each.available}
        for each in domain.SCOPES
    ]
