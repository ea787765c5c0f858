"""A change that is one statement: it locks, checks the permission and changes.

`permitted` selects a workspace for a caller who still has the role with which the call was
authorised. It locks the workspace first, in the order of `locks`, and the membership afterwards:
PostgreSQL then reads the membership as it is once both locks are granted, not as it was when the
statement began. The membership cannot change before the end of the statement, which is its
transaction. No other statement locks a membership without changing it, and one that changes it
has locked the workspace, so no transaction waits for two of them in another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.tables import members, sessions, workspaces

Permission = Mapping[str, object]
"""The values of `permitted` apart from `workspace_id`."""

_locked = (
    select(workspaces.c.id)
    .where(workspaces.c.id == bindparam("workspace_id"))
    .with_for_update(key_share=True)
    .cte("locked")
)

permitted = (
    select(_locked.c.id)
    .join(members, members.c.workspace_id == _locked.c.id)
    .join(sessions, sessions.c.user_id == members.c.user_id)
    .where(
        members.c.role == bindparam("held_role"),
        sessions.c.token_hash == bindparam("token_hash"),
        sessions.c.expires_at > bindparam("checked_at"),
    )
    .with_for_update(read=True, of=members)
    .cte("permitted")
)


def of_session(token_hash: str, role: str, now: datetime) -> Permission:
    """Return the permission of a session whose user has this role in the workspace."""
    return {"token_hash": token_hash, "held_role": role, "checked_at": timestamp(now)}
