"""Starlette and sqlite3: the least that does the same on SQLite."""

from __future__ import annotations

import os
import sqlite3
from uuid import uuid4

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from peers import statements as sql
from peers.bare import (
    NAMES,
    SETTING,
    answer,
    is_used_up,
    not_a_member,
    now,
    over_quota,
    token_hash,
    unauthenticated,
)

_database = sqlite3.connect(os.environ["BENCH_DATABASE"], isolation_level=None)
for _pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
    _database.execute(f"PRAGMA {_pragma}")


def _first(statement: str, *values: object) -> tuple[object, ...] | None:
    row: tuple[object, ...] | None = _database.execute(statement, values).fetchone()
    return row


async def health(request: Request) -> Response:
    """GET /healthz."""
    return Response()


async def read(request: Request) -> Response:
    """GET /api/workspaces/{workspace_id}."""
    workspace_id = request.path_params["workspace_id"]
    caller = _first(sql.CALLER_AS_MEMBER, workspace_id, token_hash(request), now())
    if caller is None:
        return unauthenticated()
    if caller[2] is None:
        return not_a_member()
    row = _first(sql.WORKSPACE, workspace_id)
    return answer(dict(zip(NAMES, row or (), strict=True)))


async def listing(request: Request) -> Response:
    """GET /api/workspaces."""
    caller = _first(sql.CALLER, token_hash(request), now())
    if caller is None:
        return unauthenticated()
    rows = _database.execute(sql.WORKSPACES, (caller[0],)).fetchall()
    return answer([dict(zip(NAMES, row, strict=True)) for row in rows])


async def create(request: Request) -> Response:
    """POST /api/workspaces."""
    token = token_hash(request)
    caller = _first(sql.CALLER, token, now())
    if caller is None:
        return unauthenticated()
    name = msgspec.json.decode(await request.body())["name"]
    _database.execute("BEGIN IMMEDIATE")
    try:
        response = _created(caller[0], token, name)
    except BaseException:
        _database.execute("ROLLBACK")
        raise
    _database.execute("COMMIT")
    return response


def _created(user_id: object, token: str, name: str) -> Response:
    moment = now()
    _first(sql.LOCK, user_id)
    caller = _first(sql.CALLER, token, moment)
    if caller is None:
        return unauthenticated()
    quota = _database.execute(sql.QUOTA, (caller[0], "owner", SETTING)).fetchone()
    if is_used_up(*quota):
        return over_quota()
    row = (str(uuid4()), name, moment, moment)
    _database.execute(sql.ADD_WORKSPACE, row)
    _database.execute(sql.ADD_MEMBER, (row[0], caller[0], "owner", moment))
    return answer(dict(zip(NAMES, row, strict=True)), 201)


app = Starlette(
    routes=[
        Route("/healthz", health),
        Route("/api/workspaces/{workspace_id}", read),
        Route("/api/workspaces", listing),
        Route("/api/workspaces", create, methods=["POST"]),
    ]
)
