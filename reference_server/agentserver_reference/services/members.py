"""The members of workspaces and their roles."""

from datetime import datetime

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.roles import (
    OWNER,
    check_may_give,
    check_owner_stays,
    may_register_agents,
    may_register_executors,
)
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import (
    codex_tokens,
    executor_identities,
    members,
    oauth_grants,
    sandboxes,
    users,
)
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


async def list_of_workspace(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the members of a workspace, in the order in which they joined."""
    return await work.read(members.list_of, workspace_id)


async def add(work: UnitOfWork, workspace_id: str, caller_id: str, email: str, role: str) -> Record:
    """Add the account with this e-mail address to a workspace, on behalf of a member.

    Raises Forbidden if the caller may not assign the role, NotFound if there is no such account,
    Conflict if it is a member already.
    """
    lock = Lock(workspace=workspace_id)
    return await work.write(lock, _add, workspace_id, caller_id, email, role, work.context.clock())


def _add(
    conn: Connection, workspace_id: str, caller_id: str, email: str, role: str, now: datetime
) -> Record:
    check_may_give(members.role_of(conn, workspace_id, caller_id), role)
    account = users.find_by_email(conn, email)
    if account is None:
        raise NotFound("user not found")
    members.add(conn, workspace_id=workspace_id, user_id=account["id"], role=role, now=now)
    return {
        "user_id": account["id"],
        "email": account["email"],
        "role": role,
        "picture": account["picture"],
    }


async def set_role(work: UnitOfWork, workspace_id: str, user_id: str, role: str) -> None:
    """Change the role of a member.

    Raises NotFound if the user is not a member, Conflict if no owner would remain.
    """
    now = work.context.clock()
    await work.write(Lock(workspace=workspace_id), _set_role, workspace_id, user_id, role, now)


def _set_role(conn: Connection, workspace_id: str, user_id: str, role: str, now: datetime) -> None:
    if role != OWNER:
        check_owner_stays(members.owners(conn, workspace_id), user_id)
    if not members.set_role(conn, workspace_id, user_id, role):
        raise NotFound("user is not a workspace member")
    if not may_register_agents(role):
        oauth_grants.remove_of_member(conn, workspace_id, user_id)
        sandboxes.end_tokens_of_member(conn, workspace_id, user_id)
        codex_tokens.revoke_of_member(conn, workspace_id, user_id, now)
    if not may_register_executors(role):
        executor_identities.end_of_member(conn, workspace_id, user_id)


async def remove(work: UnitOfWork, workspace_id: str, user_id: str) -> None:
    """Remove a member, if the user is one.

    Raises Conflict if no owner would remain.
    """
    now = work.context.clock()
    await work.write(Lock(workspace=workspace_id), _remove, workspace_id, user_id, now)


def _remove(conn: Connection, workspace_id: str, user_id: str, now: datetime) -> None:
    check_owner_stays(members.owners(conn, workspace_id), user_id)
    members.remove(conn, workspace_id, user_id)
    codex_tokens.revoke_of_member(conn, workspace_id, user_id, now)
