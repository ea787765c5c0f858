"""Tokens for the LLM proxy, and whose they are."""

from datetime import datetime

from agentserver_reference.domain.agents import is_due
from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import agents, proxy_tokens
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

ALWAYS = "active"
"""What is shown as the status of a workspace."""


async def find_holder(work: UnitOfWork, token: str) -> Record | None:
    """Return whose token it is, as `storage.proxy_tokens.find_holder` does.

    Each use is a sign of life, by which an agent that was offline runs again.
    """
    hashed, now = token_hash(token), work.context.clock()
    found = await work.read(proxy_tokens.find_holder, hashed)
    if found is None or found["sandbox_id"] is None or not is_due(found["last_heartbeat_at"], now):
        return found
    await work.write(Lock(), agents.touch, found["sandbox_id"], now)
    return await work.read(proxy_tokens.find_holder, hashed)


async def holder(work: UnitOfWork, token: str) -> Record:
    """Return whose token it is, whatever state a sandbox is in. Raises Unauthenticated."""
    found = await find_holder(work, token)
    if found is None:
        raise Unauthenticated("invalid token")
    if found["sandbox_id"] is None:
        return {
            "token_type": "workspace",
            "workspace_id": found["workspace_id"],
            "status": ALWAYS,
        }
    shown = {name: found[name] for name in ("workspace_id", "sandbox_id", "status")}
    return {"token_type": "sandbox", **shown}


async def of_workspace(work: UnitOfWork, workspace_id: str) -> str:
    """Return the token of a workspace, which is made when it is asked for first.

    It ends with the workspace. Raises NotFound.
    """
    context = work.context
    sealed = await work.read(proxy_tokens.encrypted, workspace_id)
    if sealed is None:
        token = context.tokens()
        sealed = await work.write(
            # With the lock, simultaneous calls get the same one.
            Lock(workspace=workspace_id),
            _find_or_add,
            workspace_id,
            token_hash(token),
            context.cipher.encrypt(token, row=workspace_id, column=proxy_tokens.COLUMN),
            context.clock(),
        )
    return context.cipher.decrypt(sealed, row=workspace_id, column=proxy_tokens.COLUMN)


def _find_or_add(
    conn: Connection, workspace_id: str, token_hash: str, token_encrypted: str, now: datetime
) -> str:
    found = proxy_tokens.encrypted(conn, workspace_id)
    if found is not None:
        return found
    proxy_tokens.add(
        conn, workspace_id, token_hash=token_hash, token_encrypted=token_encrypted, now=now
    )
    return token_encrypted
