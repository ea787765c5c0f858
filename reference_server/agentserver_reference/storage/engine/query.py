"""Statements built once: what they select, as plain dictionaries."""

from typing import Any

from sqlalchemy import Select

from agentserver_reference.storage.engine.connection import Connection

Record = dict[str, Any]


class Query:
    """A select whose rows come as dictionaries of plain strings."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._names = tuple(str(column.name) for column in statement.selected_columns)

    def all(self, conn: Connection, **values: object) -> list[Record]:
        """Every row, for the bound `values`."""
        rows = conn.execute(self._statement, values).all()
        return [dict(zip(self._names, row, strict=True)) for row in rows]

    def first(self, conn: Connection, **values: object) -> Record | None:
        """The first row, or None."""
        row = conn.execute(self._statement, values).first()
        return None if row is None else dict(zip(self._names, row, strict=True))
