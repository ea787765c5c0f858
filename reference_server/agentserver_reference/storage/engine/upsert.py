"""Write a row whether or not it is there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, Insert, Update

from agentserver_reference.storage.engine.connection import Connection

Values = dict[str, BindParameter[Any]]
"""What a row is given, by column, shared by its update and its insert."""


def upsert(
    conn: Connection, update: Update, insert: Insert, parameters: Mapping[str, object]
) -> None:
    """Update the row, or insert it where there is none.

    The caller holds the row that this one hangs on (its user, its workspace, the installation),
    so that nobody inserts in between.
    """
    if conn.execute(update, parameters).rowcount == 0:
        conn.execute(insert, parameters)
