"""Row locks, and the order in which they are taken.

If two transactions each hold a lock that the other waits for, PostgreSQL aborts one of them. This
cannot happen if all transactions take their locks in the same order. A transaction therefore
states all of its locks at once, as a `Lock`, and takes them before any other statement, in this
order:

1. The **installation**, a table with one row. Its lock protects everything that exists only once:
   who is an administrator, who registers first, and the settings. It must come first because an
   administrator's operation needs it for the permission, whatever row it changes afterwards. If
   the user came first, an operation on user A would lock A and wait for the installation, while
   the operation that changes A's role holds the installation and waits for A.
2. A **user**. Its lock protects what a user has across workspaces, such as the number of
   workspaces that count towards the quota. It must come before the workspace because a new
   workspace cannot be locked before it exists: its creator counts first, and only then inserts
   it. So this order is the only one that all transactions can follow.
3. A **workspace**. Its lock protects the workspace and everything in it: members, limits,
   settings. It comes last because work in a workspace needs none of the locks above, so that
   work in one workspace never waits for work in another.
4. **Everything else** (memberships, sessions, quotas, configurations) is not locked by a statement
   of its own. It is changed only while the row above that it belongs to is locked. There are two
   exceptions. The removal of expired sessions skips rows that another transaction has locked: it
   never waits, so it cannot be part of a deadlock. A worker changes the state of one sandbox in a
   transaction of one statement: it holds nothing while it waits, so it cannot be either.

Memberships in particular are not locked, although permissions are read from them. Two owners who
demote each other would each lock their own membership for the check and then wait for the other's
to change it. While the workspace is locked, no other transaction can change its memberships.

The locks are FOR NO KEY UPDATE, which conflicts with itself and with every change of the row, but
not with foreign keys. PostgreSQL checks a foreign key by locking the referenced row FOR KEY SHARE:
inserting a membership so locks a user and a workspace, at a point that this order cannot control.
FOR UPDATE would conflict with it. Only deleting a workspace conflicts with it, and that is safe:
a transaction that holds such a key-share lock on a workspace without its lock (administrators'
overrides) waits for nothing afterwards.

A change that is one statement takes its locks itself, and that of a membership after them: see
`permissions`.

On SQLite, a writing transaction locks the whole database. The statements run there too where they
find out which rows do not exist.
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
    """The rows that a transaction locks before it does anything else."""

    installation: bool = False
    user: str | None = None
    workspace: str | None = None

    def __or__(self, other: Lock) -> Lock:
        """Combine two locks. Raises ValueError for two users or workspaces, which have no order."""
        if self == other:
            return self
        return Lock(
            self.installation or other.installation,
            _one_of(self.user, other.user),
            _one_of(self.workspace, other.workspace),
        )

    def take(self, conn: Connection) -> str | None:
        """Lock the rows in their order, with SELECT ... FOR NO KEY UPDATE.

        Returns `user` or `workspace` if that row does not exist, otherwise None.
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
        raise ValueError(f"cannot lock both {first} and {second}: they have no order")
    return second if first is None else first
