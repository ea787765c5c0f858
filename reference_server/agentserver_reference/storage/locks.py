"""Row locks, and the one order in which they are taken.

Two transactions that each hold what the other waits for are a deadlock, and PostgreSQL ends one of
them with an error. It cannot happen as long as every transaction takes its locks in one order, so
a transaction states all of them at once, as a `Lock`, before its first other statement:

1. The **installation**, a table of one row. It stands for what there is only once: who is an
   administrator, who is the first to register, and the settings. It comes first because an
   administrator's operation is decided by it, and then goes on to the user or the workspace that
   it names. Were the user first, an administrator's operation on A would hold A and wait for the
   installation, while the one that makes A an administrator holds the installation and waits
   for A.
2. A **user**. It stands for what a user has across all workspaces, such as the number of those the
   user owns. It must come before the workspace, because whoever creates a workspace counts before
   there is a workspace to lock: the other order is not open to them, so it is open to no one.
3. A **workspace**. It stands for itself and for all that hangs on it: members, limits, settings.
   It comes last because nothing that is done inside a workspace needs anything above it, so that
   work in one workspace never waits for work in another.
4. **Everything else** (memberships, sessions, quotas, configurations) is changed while one of the
   rows above is locked that it hangs on, and is not locked by a statement of its own. Expired
   sessions alone are removed under none of them, by a statement that skips what another
   transaction has locked: it never waits, so it is part of no deadlock.

A membership is not locked, although the right to an operation is read from it: two owners who take
away each other's role would each hold their own row and wait for the other's. Whoever has the
workspace locked reads memberships that no one can change.

The locks are FOR NO KEY UPDATE, which excludes itself and every change of the row. It lets foreign
keys through: inserting a membership makes PostgreSQL lock the user and the workspace that it names
FOR KEY SHARE, at a place in the order that we do not choose. Only the removal of a row waits for
those, and what removes a workspace holds no lock that an insertion could wait for.

On SQLite a transaction that writes has the whole database to itself. The statements run all the
same, since they also tell which of the rows does not exist.
"""

from __future__ import annotations

import attrs
from sqlalchemy import bindparam, select

from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import installation, users, workspaces

_installation = select(installation.c.id).with_for_update(key_share=True)
_user = select(users.c.id).where(users.c.id == bindparam("user_id")).with_for_update(key_share=True)
_workspace = (
    select(workspaces.c.id)
    .where(workspaces.c.id == bindparam("workspace_id"))
    .with_for_update(key_share=True)
)


@attrs.frozen
class Lock:
    """The rows that a transaction locks before it does anything else; without any, none."""

    installation: bool = False
    user: str | None = None
    workspace: str | None = None

    def __or__(self, other: Lock) -> Lock:
        """Both, in one. Raises ValueError for two users or two workspaces: they have no order."""
        return Lock(
            self.installation or other.installation,
            _one_of(self.user, other.user),
            _one_of(self.workspace, other.workspace),
        )

    def take(self, conn: Connection) -> str | None:
        """Lock the rows in their order, by SELECT ... FOR NO KEY UPDATE.

        Returns what the first row is that does not exist: `user`, `workspace`, or None.
        """
        missing = None
        if self.installation:
            conn.execute(_installation)
        if self.user is not None and not conn.execute(_user, {"user_id": self.user}).all():
            missing = "user"
        if self.workspace is not None:
            found = conn.execute(_workspace, {"workspace_id": self.workspace}).all()
            missing = missing or (None if found else "workspace")
        return missing


def _one_of(first: str | None, second: str | None) -> str | None:
    if first is not None and second is not None and first != second:
        raise ValueError(f"locks {first} and {second}, which have no order")
    return second if first is None else first
