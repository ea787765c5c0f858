"""Statements built once, whose rows come as plain dictionaries."""

from typing import Any

from sqlalchemy.sql.selectable import TypedReturnsRows

from agentserver_reference.storage.engine.connection import Connection

Record = dict[str, Any]


class Query:
    """A select, or a change that returns rows, whose rows come as dictionaries of plain strings.

    Raises ValueError if two columns have the same name: a dictionary has room for one of them.
    """

    def __init__(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._names = tuple(str(column.name) for column in statement.exported_columns)
        if len(set(self._names)) < len(self._names):
            raise ValueError(f"two columns have the same name: {', '.join(self._names)}")

    def all(self, conn: Connection, **values: object) -> list[Record]:
        """Every row, for the bound `values`."""
        rows = conn.execute(self._statement, values).all()
        return [dict(zip(self._names, row, strict=True)) for row in rows]

    def one(self, conn: Connection, **values: object) -> Record:
        """The only row of a change that always has one."""
        (row,) = self.all(conn, **values)
        return row

    def first(self, conn: Connection, **values: object) -> Record | None:
        """The first row, or None."""
        row = conn.execute(self._statement, values).first()
        return None if row is None else dict(zip(self._names, row, strict=True))
