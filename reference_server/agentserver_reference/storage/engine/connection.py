"""Statements of SQLAlchemy Core, run by the database's own driver.

Core writes the SQL (see `compiled`) and the driver runs it. What Core does besides at each
execution takes several times as long as these statements do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar, overload

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

from agentserver_reference.storage.engine.compiled import Compile, Convert

T = TypeVar("T")

Row = tuple[Any, ...]

_NO_VALUES: Mapping[str, object] = MappingProxyType({})


class Result(Generic[T]):
    """What a statement returned; `T` is the type of the first column."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount
        """How many rows an insert, update or delete changed; else how many there are here."""

    def all(self) -> Sequence[Row]:
        """Every row."""
        return self._rows

    def first(self) -> Row | None:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[T]:
        """The first column."""
        return [row[0] for row in self._rows]

    def scalar_one(self) -> T:
        """The first column of the only row. Raises ValueError for another number of rows."""
        ((value, *_),) = self._rows
        found: T = value
        return found

    def scalar_one_or_none(self) -> T | None:
        """The first column of the only row; None where there is none."""
        return self.scalar_one() if self._rows else None


class Connection(ABC):
    """A connection of a driver, with which queries are plain functions."""

    locks_everything = False
    """Whether a writing transaction has the database to itself, without locks on rows."""

    def __init__(self, dialect: Dialect, compile: Compile) -> None:
        self.dialect = dialect
        self._compile = compile

    @overload
    def execute(
        self, statement: TypedReturnsRows[T], values: Mapping[str, object] = ...
    ) -> Result[T]: ...
    @overload
    def execute(self, statement: Executable, values: Mapping[str, object] = ...) -> Result[Any]: ...
    def execute(self, statement: Any, values: Mapping[str, object] = _NO_VALUES) -> Any:
        """Run a statement with a value for each of its bind parameters.

        For an `insert` or `update` the names of `values` may be columns, which are then set.

        Raises:
            InvalidRequestError: a name is missing, or is none of the statement's.
        """
        compiled = self._compile(statement, tuple(values))
        if compiled.expand is None:
            sql, arguments = compiled.sql, compiled.arguments(values)
        else:
            sql, arguments = compiled.expand(values)
        if not compiled.returns_rows:
            return Result((), self._change(sql, arguments))
        rows = self._fetch(sql, arguments)
        if compiled.columns:
            rows = [_converted(row, compiled.columns) for row in rows]
        return Result(rows, len(rows))

    @abstractmethod
    def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        """Every row that this returns."""

    @abstractmethod
    def _change(self, sql: str, arguments: Sequence[Any]) -> int:
        """How many rows this insert, update or delete changed."""


def _converted(row: Row, columns: Iterable[tuple[int, Convert]]) -> Row:
    values = list(row)
    for index, convert in columns:
        values[index] = convert(values[index])
    return tuple(values)
