"""Statements mean the same on SQLite and PostgreSQL, and a mistake in one is an error."""

import gc
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from databases import KEY
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Executable,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.schema import CreateTable

from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store, open_store
from agentserver_reference.storage.encryption_key import find_key
from agentserver_reference.storage.engine.compiled import (
    Compiled,
    compile_statement,
    compiler_for,
)
from agentserver_reference.storage.engine.connection import Connection, Result
from agentserver_reference.storage.engine.query import Query
from agentserver_reference.storage.engine.upsert import upsert

pytestmark = pytest.mark.anyio

Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]

things = Table(
    "things",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("name", String, nullable=False),
    Column("data", JSON),
    Column("flag", Boolean),
    Column("size", BigInteger),
    Column("note", String),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
t = things.c

BIG = 2**53 + 1
TREE = {"list": [1, None, {"a": "ä😀"}], "none": None}
by_id = t.id == bindparam("wanted")
names = select(t.name).order_by(t.id)


def with_things(conn: Connection) -> None:
    """Three rows: a whole one, one of falsy values, one of nulls."""
    conn.execute(CreateTable(things))
    for row in (
        {"name": "a", "data": TREE, "flag": True, "size": BIG, "note": "n"},
        {"name": "b", "data": [], "flag": False, "size": 0, "note": ""},
        {"name": "c", "data": null(), "flag": None, "size": None, "note": None},
    ):
        conn.execute(insert(things).values(row))


async def on_things(store: Store, query: Callable[[Connection], Any]) -> Any:
    """What `query` returns in a transaction that has the table."""

    def run(conn: Connection) -> Any:
        with_things(conn)
        return query(conn)

    return await store.write(run)


def typed(rows: Any) -> list[tuple[tuple[type, Any], ...]]:
    """Rows that differ where 1 stands for True."""
    return [tuple((type(value), value) for value in row) for row in rows]


IN_IDS = names.where(t.id.in_(bindparam("ids", expanding=True)))

SELECTS: dict[str, tuple[Executable, Values, Rows]] = {
    "a scalar": (select(t.name).where(by_id), {"wanted": 2}, [("b",)]),
    "no row": (select(t.name).where(by_id), {"wanted": 9}, []),
    "every type": (
        select(t.id, t.name, t.data, t.flag, t.size, t.note).order_by(t.id),
        {},
        [(1, "a", TREE, True, BIG, "n"), (2, "b", [], False, 0, ""), (3, "c", *4 * (None,))],
    ),
    "a column twice": (
        select(t.flag, t.name, t.flag, t.data).where(by_id),
        {"wanted": 2},
        [(False, "b", False, [])],
    ),
    "a label": (select(t.flag.label("is_set")).where(by_id), {"wanted": 1}, [(True,)]),
    "null equals nothing": (names.where(t.note == bindparam("note")), {"note": None}, []),
    "null is null": (names.where(t.note.is_(None)), {}, [("c",)]),
    "a Boolean bound": (names.where(t.flag == bindparam("flag")), {"flag": False}, [("b",)]),
    "a BigInteger bound": (names.where(t.size == bindparam("size")), {"size": BIG}, [("a",)]),
    "literals": (
        select(literal(5), literal("x"), literal(True), literal(None)),
        {},
        [(5, "x", True, None)],
    ),
    "literals beside binds": (
        names.where(t.name != "a", t.id < bindparam("below"), t.note == ""),
        {"below": 3},
        [("b",)],
    ),
    "a literal of an expression": (
        select(case((t.id == 1, "first"), else_=bindparam("other", type_=String))).order_by(t.id),
        {"other": "later"},
        [("first",), ("later",), ("later",)],
    ),
    "limit and offset": (
        names.limit(bindparam("size")).offset(bindparam("skipped")),
        {"size": 1, "skipped": 1},
        [("b",)],
    ),
    "literal limit and offset": (names.limit(2).offset(1), {}, [("b",), ("c",)]),
    "a bind twice": (
        names.where(or_(t.name == bindparam("text"), t.note == bindparam("text"))),
        {"text": "n"},
        [("a",)],
    ),
    "a bind twice among others": (
        names.where(
            t.id > bindparam("low"), t.id < bindparam("high"), t.id != 7, t.size >= bindparam("low")
        ),
        {"low": 0, "high": 9},
        [("a",), ("b",)],
    ),
    "a default of a bind": (select(t.name).where(t.id == bindparam("wanted", 3)), {}, [("c",)]),
    "a default of a bind, replaced": (
        select(t.name).where(t.id == bindparam("wanted", 3)),
        {"wanted": 1},
        [("a",)],
    ),
    "values of the statement": (select(t.name).where(by_id).params(wanted=1), {}, [("a",)]),
    "IN a list": (IN_IDS, {"ids": [1, 3]}, [("a",), ("c",)]),
    "IN a list of one": (IN_IDS, {"ids": [2]}, [("b",)]),
    "IN an empty list": (IN_IDS, {"ids": []}, []),
    "NOT IN an empty list": (
        names.where(t.id.not_in(bindparam("ids", expanding=True))),
        {"ids": []},
        [("a",), ("b",), ("c",)],
    ),
    "IN literals": (names.where(t.id.in_([1, 2, 8])), {}, [("a",), ("b",)]),
    "IN no literals": (names.where(t.id.in_([])), {}, []),
    "IN Booleans": (names.where(t.flag.in_([False])), {}, [("b",)]),
    "IN between binds": (
        names.where(
            t.name >= bindparam("first"),
            t.id.in_(bindparam("ids", expanding=True)),
            t.name <= bindparam("last"),
        ),
        {"last": "b", "ids": [1, 2, 3], "first": "b"},
        [("b",)],
    ),
    "IN of a selection": (
        names.where(t.id.in_(select(t.id).where(by_id))),
        {"wanted": 2},
        [("b",)],
    ),
    "a union": (
        union_all(select(t.id, t.flag).where(t.id == 1), select(t.id, t.flag).where(t.id == 2)),
        {},
        [(1, True), (2, False)],
    ),
    "text": (text("SELECT name FROM things WHERE id = :wanted"), {"wanted": 1}, [("a",)]),
    "text with types": (
        text("SELECT data, flag FROM things WHERE id = :wanted").columns(t.data, t.flag),
        {"wanted": 1},
        [(TREE, True)],
    ),
    "for update": (select(t.name).where(by_id).with_for_update(), {"wanted": 1}, [("a",)]),
}


@pytest.mark.parametrize("case", SELECTS)
async def test_a_selection_gives_the_same_on_both_databases(store: Store, case: str) -> None:
    statement, values, expected = SELECTS[case]
    result = await on_things(store, lambda conn: conn.execute(statement, values))
    assert typed(result.all()) == typed(expected)
    assert result.rowcount == len(expected)


NEW: Values = {"id": 7, "name": "z", "data": TREE, "flag": True}
NEW_ROW = (7, "z", TREE, True)
SHOWN = (t.id, t.name, t.data, t.flag)
rename = update(things).values(name=bindparam("new_name"))

# The statement, its values, the rows it returns, how many it changes, the names that it leaves.
CHANGES: dict[str, tuple[Executable, Values, Rows, int, str]] = {
    "insert": (insert(things), NEW, [], 1, "abcz"),
    "insert inline": (insert(things).inline(), NEW, [], 1, "abcz"),
    "insert without its key": (insert(things), {"name": "z"}, [], 1, "abcz"),
    "insert values": (insert(things).values(name=bindparam("new")), {"new": "z"}, [], 1, "abcz"),
    "insert rows": (insert(things).values([{"name": "y"}, {"name": "z"}]), {}, [], 2, "abcyz"),
    "insert a selection": (
        insert(things).from_select(["name"], select(t.name + "!").where(by_id)),
        {"wanted": 1},
        [],
        1,
        "aa!bc",
    ),
    "insert returning": (insert(things).returning(*SHOWN), NEW, [NEW_ROW], 1, "abcz"),
    "insert returning the whole row": (
        insert(things).returning(things),
        NEW,
        [(*NEW_ROW, None, None)],
        1,
        "abcz",
    ),
    "update": (rename.where(by_id), {"wanted": 1, "new_name": "x"}, [], 1, "bcx"),
    "update nothing": (rename.where(by_id), {"wanted": 9, "new_name": "x"}, [], 0, "abc"),
    "update everything": (rename, {"new_name": "x"}, [], 3, "xxx"),
    "update to a literal": (
        update(things).where(by_id).values(name="x"),
        {"wanted": 1},
        [],
        1,
        "bcx",
    ),
    "update IN": (
        rename.where(t.id.in_(bindparam("ids", expanding=True))),
        {"ids": [1, 3], "new_name": "x"},
        [],
        2,
        "bxx",
    ),
    "update IN an empty list": (
        rename.where(t.id.in_(bindparam("ids", expanding=True))),
        {"ids": [], "new_name": "x"},
        [],
        0,
        "abc",
    ),
    "update returning": (
        update(things).where(by_id).values(data=bindparam("new", type_=JSON)).returning(*SHOWN),
        {"wanted": 2, "new": {"n": None}},
        [(2, "b", {"n": None}, False)],
        1,
        "abc",
    ),
    "update returning nothing": (
        rename.where(by_id).returning(t.id),
        {"wanted": 9, "new_name": "x"},
        [],
        0,
        "abc",
    ),
    "update IN returning": (
        rename.where(t.id.in_(bindparam("ids", expanding=True))).returning(t.flag),
        {"ids": [2], "new_name": "x"},
        [(False,)],
        1,
        "acx",
    ),
    "claim the oldest": (
        rename.where(
            t.id.in_(
                select(t.id)
                .where(t.note.is_not(None))
                .order_by(t.id)
                .limit(bindparam("most"))
                .with_for_update(skip_locked=True)
            )
        ).returning(t.id, t.flag),
        {"most": 1, "new_name": "x"},
        [(1, True)],
        1,
        "bcx",
    ),
    "delete": (delete(things).where(by_id), {"wanted": 1}, [], 1, "bc"),
    "delete nothing": (delete(things).where(by_id), {"wanted": 9}, [], 0, "abc"),
    "delete returning": (
        delete(things).where(by_id).returning(*SHOWN),
        {"wanted": 2},
        [(2, "b", [], False)],
        1,
        "ac",
    ),
    "delete IN": (
        delete(things).where(t.id.in_(bindparam("ids", expanding=True))),
        {"ids": [1, 2]},
        [],
        2,
        "c",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
async def test_a_change_does_and_returns_the_same_on_both_databases(
    store: Store, case: str
) -> None:
    statement, values, returned, changed, left = CHANGES[case]

    def change(conn: Connection) -> tuple[Result[Any], str]:
        result = conn.execute(statement, values)
        return result, "".join(sorted(conn.execute(names).scalars()))

    result, names_left = await on_things(store, change)
    assert typed(result.all()) == typed(returned)
    assert result.rowcount == changed
    assert names_left == left


async def test_the_keys_given_decide_each_time_what_an_insert_and_an_update_set(
    store: Store,
) -> None:
    add = insert(things)
    change = update(things).where(t.id == bindparam("wanted"))

    def run(conn: Connection) -> Rows:
        conn.execute(add, {"id": 4, "name": "d"})
        conn.execute(add, {"id": 5, "name": "e", "note": "kept"})
        conn.execute(add, {"note": "order", "name": "f", "id": 6})
        conn.execute(change, {"wanted": 4, "size": 1})
        conn.execute(change, {"wanted": 5, "size": 2, "name": "E"})
        return list(
            conn.execute(select(t.name, t.note, t.size).where(t.id > 3).order_by(t.id)).all()
        )

    assert typed(await on_things(store, run)) == typed(
        [("d", None, 1), ("E", "kept", 2), ("f", "order", None)]
    )


async def test_an_in_list_may_have_another_length_each_time(store: Store) -> None:
    def run(conn: Connection) -> list[list[str]]:
        return [
            list(conn.execute(IN_IDS, {"ids": ids}).scalars()) for ids in ([1], [], [1, 2, 3], [2])
        ]

    assert await on_things(store, run) == [["a"], [], ["a", "b", "c"], ["b"]]


async def test_a_null_of_json_and_a_null_of_sql_are_two(store: Store) -> None:
    def run(conn: Connection) -> list[str]:
        conn.execute(insert(things), {"id": 4, "name": "json", "data": None})
        conn.execute(insert(things).values(id=5, name="sql", data=null()))
        found = conn.execute(select(t.name).where(t.id > 3, t.data.is_(null())))
        return list(found.scalars())

    assert await on_things(store, run) == ["sql"]


async def test_a_bind_that_is_computed_is_computed_at_each_execution(store: Store) -> None:
    moment = [1]
    statement = select(t.name).where(t.id == bindparam(None, callable_=lambda: moment[0]))

    def run(conn: Connection) -> list[str]:
        first = conn.execute(statement).scalar_one()
        moment[0] = 2
        return [first, conn.execute(statement).scalar_one()]

    assert await on_things(store, run) == ["a", "b"]


async def test_an_insert_may_update_on_conflict(store: Store) -> None:
    make = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

    def run(conn: Connection) -> Any:
        add = make[conn.dialect.name](things)
        add = add.on_conflict_do_update(index_elements=["id"], set_={"name": add.excluded.name})
        returning = add.returning(t.name, t.data)
        return conn.execute(returning, {"id": 1, "name": "x", "data": []}).all()

    assert await on_things(store, run) == [("x", TREE)]


async def test_upsert_updates_the_row_or_inserts_it(store: Store) -> None:
    values: dict[str, Any] = {"name": bindparam("text")}
    change = update(things).where(t.id == bindparam("key")).values(values)
    add = insert(things).values(id=bindparam("key"), **values)

    def run(conn: Connection) -> list[str]:
        upsert(conn, change, add, {"key": 3, "text": "y"})
        upsert(conn, change, add, {"key": 4, "text": "z"})
        return list(conn.execute(names).scalars())

    assert await on_things(store, run) == ["a", "b", "y", "z"]


# A statement and values with which it must not run, and what the error says.
MISTAKES: dict[str, tuple[Executable, Values, str]] = {
    "select, misspelt": (names.where(by_id), {"wantd": 1}, "named wantd"),
    "select, missing": (names.where(by_id), {}, "wanted"),
    "select, extra": (names.where(by_id), {"wanted": 1, "other": 2}, "named other"),
    "select IN, misspelt": (IN_IDS, {"id": [1]}, "named id"),
    "select IN, missing": (IN_IDS, {}, "ids"),
    "select without binds, extra": (names, {"wanted": 1}, "named wanted"),
    "insert, misspelt": (insert(things), {"nmae": "z"}, "named nmae"),
    "insert, extra": (insert(things), {"name": "z", "other": 1}, "named other"),
    "insert values, missing": (insert(things).values(name=bindparam("new")), {}, "new"),
    "update, misspelt": (rename.where(by_id), {"wanted": 1, "newname": "x"}, "named newname"),
    "update, missing": (rename.where(by_id), {"new_name": "x"}, "wanted"),
    "update, extra": (rename, {"new_name": "x", "other": 1}, "named other"),
    "delete, misspelt": (delete(things).where(by_id), {"wnated": 1}, "named wnated"),
    "delete, missing": (delete(things).where(by_id), {}, "wanted"),
    "delete, extra": (delete(things).where(by_id), {"wanted": 1, "name": "a"}, "named name"),
    "returning, misspelt": (
        delete(things).where(by_id).returning(t.id),
        {"wnated": 1},
        "named wnated",
    ),
    "text, misspelt": (text("SELECT :wanted"), {"wnated": 1}, "named wnated"),
    "text, missing": (text("SELECT :wanted"), {}, "wanted"),
}


@pytest.mark.parametrize("case", MISTAKES)
async def test_a_name_that_is_misspelt_missing_or_extra_is_an_error_and_changes_nothing(
    store: Store, case: str
) -> None:
    statement, values, message = MISTAKES[case]

    def run(conn: Connection) -> list[str]:
        with pytest.raises(InvalidRequestError, match=message):
            conn.execute(statement, values)
        return list(conn.execute(names).scalars())

    assert await on_things(store, run) == ["a", "b", "c"]


async def test_a_mistake_is_an_error_after_the_statement_has_run_well(store: Store) -> None:
    statement = names.where(by_id)

    def run(conn: Connection) -> None:
        assert conn.execute(statement, {"wanted": 1}).scalar_one() == "a"
        with pytest.raises(InvalidRequestError):
            conn.execute(statement, {"wantd": 1})
        with pytest.raises(InvalidRequestError):
            conn.execute(statement)
        assert conn.execute(statement, {"wanted": 2}).scalar_one() == "b"

    await on_things(store, run)


async def test_a_default_that_python_would_compute_is_refused_rather_than_left_out(
    store: Store,
) -> None:
    table = Table("things", MetaData(), Column("id", Integer), Column("name", String, default="d"))

    def run(conn: Connection) -> None:
        with pytest.raises(InvalidRequestError, match=r"things\.name.*server_default"):
            conn.execute(insert(table), {"id": 4})
        conn.execute(insert(table), {"id": 4, "name": "given"})

    await on_things(store, run)


def test_statements_that_are_built_on_the_fly_do_not_pile_up() -> None:
    compiled_by = compiler_for(sqlite.dialect(paramstyle="qmark"), size=8)
    kept = names.where(by_id)
    first = names.where(t.id == -1)
    gone = weakref.ref(first)
    compiled = compiled_by(kept, ("wanted",))
    compiled_by(first, ())
    del first
    for number in range(8):
        compiled_by(names.where(t.id == number), ())
        assert compiled_by(kept, ("wanted",)) is compiled, "what is used stays"
    gc.collect()
    assert gone() is None


async def test_a_second_database_is_created_without_compiling_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings.from_environment({}, database_url="sqlite://", encryption_key=KEY)
    compiled: list[Executable] = []

    def noted(statement: Executable, *arguments: Any) -> Compiled:
        compiled.append(statement)
        return compile_statement(statement, *arguments)

    async def create() -> None:
        store = open_store(settings, find_key(settings, None))
        await store.open()
        await store.close()

    await create()
    monkeypatch.setattr("agentserver_reference.storage.engine.compiled.compile_statement", noted)
    await create()
    assert not compiled


def test_a_query_whose_columns_share_a_name_is_refused() -> None:
    other = things.alias()
    with pytest.raises(ValueError, match="name"):
        Query(select(things.c.name, other.c.name))


async def test_records_of_a_change_have_the_types_of_their_columns(store: Store) -> None:
    remove = Query(delete(things).where(t.id > bindparam("above")).returning(t.name, t.data))
    found = await on_things(store, lambda conn: remove.all(conn, above=1))
    assert sorted(found, key=lambda record: str(record["name"])) == [
        {"name": "b", "data": []},
        {"name": "c", "data": None},
    ]


async def test_a_scalar_of_several_rows_is_an_error(store: Store) -> None:
    def run(conn: Connection) -> None:
        assert conn.execute(select(func.count()).select_from(things)).scalar_one() == 3
        with pytest.raises(ValueError, match="unpack"):
            conn.execute(names).scalar_one()
        with pytest.raises(ValueError, match="unpack"):
            conn.execute(names).scalar_one_or_none()
        assert conn.execute(names.limit(0)).scalar_one_or_none() is None

    await on_things(store, run)
