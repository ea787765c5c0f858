"""The statement that removes what has expired."""

from typing import Any

from sqlalchemy import Column, Delete, bindparam, delete, select


def remove_expired(key: Column[Any], expires_at: Column[Any]) -> Delete:
    """Return a statement that removes up to `most` rows that have expired at `now`, oldest first.

    A row that another transaction has locked is left for the next time.

    Arguments:
        key: identifies a row of the table.
        expires_at: when a row expires.
    """
    return delete(key.table).where(
        key.in_(
            select(key)
            .where(expires_at <= bindparam("now"))
            .order_by(expires_at)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )
