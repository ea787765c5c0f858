"""Statements run by the database's own driver, as SQL that SQLAlchemy writes once for each.

What SQLAlchemy does besides, each time, takes several times as long as these statements do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload

from sqlalchemy import Dialect, Executable, Select
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

Row = tuple[Any, ...]
Convert = Callable[[Any], Any]


class Rows(Generic[T]):
    """What a statement gave; `T` is the type of the first column."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount
        """How many rows a statement changed."""

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


class Form(NamedTuple):
    """A statement as a database takes it."""

    sql: str
    arguments: tuple[tuple[str, Any, Convert | None], ...]
    """Name, value where none is given, and what makes the driver's value of it."""
    columns: tuple[tuple[int, Convert], ...]
    """The columns whose values the driver gives in another type than they have."""
    changes: bool
    """Whether it changes rows, and gives none."""


class Connection(ABC):
    """A connection of a driver, with which queries are plain functions."""

    def __init__(self, dialect: Dialect, forms: dict[Executable, Form]) -> None:
        self.dialect = dialect
        # The statements are constants of their modules: each is written once and kept.
        self._forms = forms

    @overload
    def execute(self, statement: Select[T], values: Mapping[str, object] = ...) -> Rows[T]: ...
    @overload
    def execute(self, statement: Executable, values: Mapping[str, object] = ...) -> Rows[Any]: ...
    def execute(self, statement: Executable, values: Mapping[str, object] | None = None) -> Any:
        """Run a statement with the bound `values`."""
        given = values or {}
        form = self._forms.get(statement)
        if form is None:
            form = self._forms[statement] = _written(statement, self.dialect, given)
        arguments = [
            given.get(name, default) if convert is None else convert(given.get(name, default))
            for name, default, convert in form.arguments
        ]
        rows, count = self._run(form, arguments)
        return Rows(
            [_converted(row, form.columns) for row in rows] if form.columns else rows, count
        )

    @abstractmethod
    def _run(self, form: Form, arguments: list[Any]) -> tuple[Sequence[Row], int]:
        """The rows that it gives, or how many it changed."""


def _written(statement: Executable, dialect: Dialect, values: Iterable[str]) -> Form:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(values))  # type: ignore[attr-defined]
    selected = getattr(statement, "selected_columns", ())
    converts = (
        (index, _implementation(column.type, dialect).result_processor(dialect, None))
        for index, column in enumerate(selected)
    )
    return Form(
        sql=str(compiled),
        arguments=tuple(
            (
                name,
                compiled.params[name],
                _implementation(compiled.binds[name].type, dialect).bind_processor(dialect),
            )
            for name in getattr(compiled, "positiontup", None) or ()
        ),
        columns=tuple((index, convert) for index, convert in converts if convert is not None),
        changes=getattr(statement, "is_dml", False),
    )


def _implementation(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)


def _converted(row: Row, columns: Iterable[tuple[int, Convert]]) -> Row:
    values = list(row)
    for index, convert in columns:
        values[index] = convert(values[index])
    return tuple(values)
