"""Updates a row, or inserts it if it does not exist."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, Insert, Update

from agentserver_reference.storage.engine.connection import Connection

Values = dict[str, BindParameter[Any]]
"""The bind parameter of each column that update and insert both set."""


def upsert(
    conn: Connection, update: Update, insert: Insert, parameters: Mapping[str, object]
) -> None:
    """Update the row, or insert it if there is none.

    The caller has locked the row that this one depends on (its user, its workspace, the
    installation), so that no other transaction inserts it in between.
    """
    if conn.execute(update, parameters).rowcount == 0:
        conn.execute(insert, parameters)
