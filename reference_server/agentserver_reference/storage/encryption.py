"""Encrypted columns: whether the key opens them, and their encryption with a new key.

`tables` marks an encrypted column with `info[PLACE]`. Everything here finds the columns by that
mark, so that a new one is covered by being marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import attrs
from sqlalchemy import Column, Select, bindparam, func, select, update

from agentserver_reference.domain.cipher import Cipher, Undecipherable
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.store import StoreError
from agentserver_reference.storage.tables import PLACE, installation, llm_configs, metadata

BATCH = 500
"""How many rows are read at a time during a rotation."""

_CHECKED_SINCE = 3
"""The schema version that has the check value."""

_CHECK = "agentserver"
"""What is encrypted as the check value. It proves the key also where nothing else is stored."""

_key_check = select(installation.c.key_check)
_set_key_check = update(installation).values(key_check=bindparam("value"))


class KeyMismatch(StoreError):
    """The key does not open what is stored."""


@attrs.frozen
class EncryptedColumn:
    """A column whose values are encrypted, each bound to its row and to `place`."""

    column: Column[Any]
    row: Column[Any]
    """Identifies the row: the column `id`, or the only primary key."""
    place: str

    def values(self, conn: Connection) -> Iterator[tuple[Any, str]]:
        """Yield every stored value with its row's identification."""
        first = (
            select(self.row, self.column)
            .where(self.column.is_not(None))
            .order_by(self.row)
            .limit(BATCH)
        )
        following = first.where(self.row > bindparam("after", type_=self.row.type))
        batch = conn.execute(first).all()
        while batch:
            yield from batch
            batch = conn.execute(following, {"after": batch[-1][0]}).all()

    def count(self, conn: Connection) -> int:
        """Return how many values are stored."""
        return conn.execute(select(func.count(self.column))).scalar_one()

    def any_value(self, conn: Connection, key_id: str = "") -> tuple[Any, str] | None:
        """Return a stored value, encrypted with the key of this id if one is given."""
        found = conn.execute(_any_value(self.row, self.column), {"key_id": key_id}).first()
        return None if found is None else (found[0], found[1])


@cache  # see `schema`
def _any_value(row: Column[Any], column: Column[Any]) -> Select[Any, Any]:
    beginning = bindparam("key_id", type_=column.type)
    return select(row, column).where(column.is_not(None), column.startswith(beginning)).limit(1)


def encrypted_columns() -> list[EncryptedColumn]:
    """Return every encrypted column of the tables."""
    return [
        EncryptedColumn(column, _row_of(column), column.info[PLACE])
        for table in metadata.sorted_tables
        for column in table.columns
        if PLACE in column.info
    ]


def _row_of(column: Column[Any]) -> Column[Any]:
    table = column.table
    if "id" in table.columns:
        return table.columns["id"]
    (key,) = table.primary_key.columns
    return key


def check_key(conn: Connection, version: int, cipher: Cipher) -> None:
    """Check that the key opens what is stored; if there is nothing yet, keep a check value.

    Arguments:
        conn: a connection in the transaction of the start.
        version: the schema version of the tables, which are upgraded only afterwards.
        cipher: has the key.

    Raises KeyMismatch, before anything is changed.
    """
    if version < _CHECKED_SINCE:
        # The only encrypted column that these versions had.
        _check_stored(conn, cipher, [column_of(llm_configs.c.api_key_encrypted)])
        return
    check = column_of(installation.c.key_check)
    stored = conn.execute(_key_check).scalar_one()
    if stored is not None:
        _open(cipher, 1, stored, check.place)
        return
    _check_stored(conn, cipher, encrypted_columns())
    conn.execute(_set_key_check, {"value": cipher.encrypt(_CHECK, row="1", column=check.place)})


def column_of(column: Column[Any]) -> EncryptedColumn:
    """Return the description of one encrypted column."""
    return EncryptedColumn(column, _row_of(column), column.info[PLACE])


def _check_stored(conn: Connection, cipher: Cipher, columns: list[EncryptedColumn]) -> None:
    """Check one value of each column: one that names this key, otherwise any."""
    for each in columns:
        found = each.any_value(conn, cipher.key_id) or each.any_value(conn)
        if found is not None:
            _open(cipher, *found, each.place)


def _open(cipher: Cipher, row: Any, stored: str, place: str) -> str:
    try:
        return cipher.decrypt(stored, row=str(row), column=place)
    except Undecipherable as error:
        raise KeyMismatch(f"does not open what the database stores ({error})") from None


def rotate(
    conn: Connection, old: Cipher, new: Cipher, progress: Callable[[str, int, int], None]
) -> int:
    """Encrypt every stored value with another key; return how many there are.

    Arguments:
        conn: a connection in a transaction that nothing else writes beside.
        old: the key that they are encrypted with.
        new: the key that they get.
        progress: is called with place, number of values done, and number of values.

    Raises KeyMismatch if the old key does not open one of them; the caller rolls back.
    """
    rotated = 0
    for each in encrypted_columns():
        total = each.count(conn)
        change = (
            update(each.column.table)
            .where(each.row == bindparam("of_row", type_=each.row.type))
            .values({each.column: bindparam("value")})
        )
        for done, (row, stored) in enumerate(each.values(conn), start=1):
            secret = _open(old, row, stored, each.place)
            value = new.encrypt(secret, row=str(row), column=each.place)
            conn.execute(change, {"of_row": row, "value": value})
            if done % BATCH == 0 or done == total:
                progress(each.place, done, total)
        rotated += total
    return rotated
