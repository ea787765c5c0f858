"""A statement as its database takes it: SQL, the order of its arguments, the types of its columns.

SQLAlchemy Core writes the SQL and says how each type is converted. What Core does again at each
execution is done once here, for each statement and each set of bind names that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Executable, Insert
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

CACHE_SIZE = 1024
"""How many statements a database keeps compiled; the one unused for the longest time goes first."""

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]


class Compiled(NamedTuple):
    """A statement for one database and one set of bind names."""

    sql: str
    arguments: Callable[[Values], Sequence[Any]]
    """What the driver is given for these values, in the order of the SQL."""
    columns: tuple[tuple[int, Convert], ...]
    """The columns that the driver gives in another type than they have, with their conversion."""
    returns_rows: bool
    expand: Callable[[Values], tuple[str, Sequence[Any]]] | None
    """SQL and arguments for these values, where the SQL depends on them (`IN` of a list)."""


Compile = Callable[[Executable, tuple[str, ...]], Compiled]


def compiler_for(dialect: Dialect, size: int = CACHE_SIZE) -> Compile:
    """What compiles statements for `dialect`, and keeps the `size` that were used last.

    A statement is known by its identity, so those that are constants of a module are compiled
    once. One that is built at each call is compiled at each call, and does not stay for long.
    """

    @lru_cache(maxsize=size)
    def compiled(statement: Executable, names: tuple[str, ...]) -> Compiled:
        return compile_statement(statement, dialect, names)

    return compiled


def compile_statement(
    statement: Executable, dialect: Dialect, names: Sequence[str] = ()
) -> Compiled:
    """Compile `statement` for being executed with values for `names`.

    The names decide what an `insert` or `update` sets, as in SQLAlchemy Core.

    Raises:
        InvalidRequestError: one of the names is not in the statement, or a bind parameter without
            a value is not among them, or a column has a default that Python would compute.
    """
    if isinstance(statement, ExecutableDDLElement):
        ddl = str(statement.compile(dialect=dialect))
        return Compiled(ddl, _no_arguments, (), returns_rows=True, expand=None)
    if isinstance(statement, Insert):
        # Otherwise PostgreSQL would be asked for the new primary key, which is not read here.
        statement = statement.inline()
    sql: SQLCompiler = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    _check(sql, names)
    columns = statement.exported_columns if isinstance(statement, ReturnsRows) else ()
    converts = (
        (index, _implementation(column.type, dialect).result_processor(dialect, None))
        for index, column in enumerate(columns)
    )
    return Compiled(
        sql=str(sql),
        arguments=_arguments(sql, names),
        columns=tuple((index, convert) for index, convert in converts if convert is not None),
        returns_rows=not isinstance(statement, UpdateBase) or bool(sql.effective_returning),
        expand=_expansion(sql) if _depends_on_values(sql) else None,
    )


def _check(sql: SQLCompiler, names: Sequence[str]) -> None:
    if unknown := set(names) - {bind.key for bind in sql.bind_names}:
        raise InvalidRequestError(
            f"no bind parameter or column of the statement is named {', '.join(sorted(unknown))}: "
            f"{sql}"
        )
    sql.construct_params(dict.fromkeys(names))  # raises for a bind parameter without a value
    if sql.prefetch:
        computed = ", ".join(str(column) for column in sql.prefetch)
        raise InvalidRequestError(
            f"{computed}: only Core's own execution computes a default in Python; give the value, "
            f"or use server_default: {sql}"
        )


def _no_arguments(_: Values) -> Sequence[Any]:
    return ()


def _arguments(sql: SQLCompiler, names: Sequence[str]) -> Callable[[Values], Sequence[Any]]:
    """The quickest way from values to arguments; the values have exactly these `names`."""
    order = sql.positiontup or ()
    if not order:
        return _no_arguments
    constants = sql.params
    converts = _bind_converts(sql)
    if not converts and set(order) <= set(names):
        only = order[0]
        return itemgetter(*order) if len(order) > 1 else lambda values: (values[only],)
    template = tuple((name, constants[name], converts.get(name)) for name in order)
    return lambda values: [
        values.get(name, constant) if convert is None else convert(values.get(name, constant))
        for name, constant, convert in template
    ]


def _depends_on_values(sql: SQLCompiler) -> bool:
    return bool(
        sql.post_compile_params
        or sql.literal_execute_params
        or any(bind.callable for bind in sql.bind_names)
    )


def _expansion(sql: SQLCompiler) -> Callable[[Values], tuple[str, Sequence[Any]]]:
    """Core's own way from values to SQL and arguments."""
    converts = _bind_converts(sql)

    def expand(values: Values) -> tuple[str, Sequence[Any]]:
        state = sql.construct_expanded_state(values)
        all_converts = {**converts, **state.processors}
        return state.statement, [
            value if (convert := all_converts.get(name)) is None else convert(value)
            for name, value in zip(
                state.positiontup or (), state.positional_parameters, strict=True
            )
        ]

    return expand


def _bind_converts(sql: SQLCompiler) -> dict[str, Convert]:
    converts = {
        name: _implementation(bind.type, sql.dialect).bind_processor(sql.dialect)
        for name, bind in sql.binds.items()
    }
    return {name: convert for name, convert in converts.items() if convert is not None}


def _implementation(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)
