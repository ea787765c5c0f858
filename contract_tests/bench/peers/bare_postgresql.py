"""Starlette and asyncpg: the least that does the same on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
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

_POOL_SIZE = 16  # the reference server's


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """A connection goes back to the pool without a round trip, as it does in the server."""


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["BENCH_DATABASE"], min_size=1, max_size=_POOL_SIZE, reset=_as_it_is
    ) as pool:
        app.state.pool = pool
        yield


async def health(request: Request) -> Response:
    """GET /healthz."""
    return Response()


async def read(request: Request) -> Response:
    """GET /api/workspaces/{workspace_id}."""
    workspace_id = request.path_params["workspace_id"]
    async with request.app.state.pool.acquire() as database:
        caller = await database.fetchrow(
            sql.CALLER_AS_MEMBER, workspace_id, token_hash(request), now()
        )
        if caller is None:
            return unauthenticated()
        if caller[2] is None:
            return not_a_member()
        row = await database.fetchrow(sql.WORKSPACE, workspace_id)
    return answer(dict(zip(NAMES, row, strict=True)))


async def listing(request: Request) -> Response:
    """GET /api/workspaces."""
    async with request.app.state.pool.acquire() as database:
        caller = await database.fetchrow(sql.CALLER, token_hash(request), now())
        if caller is None:
            return unauthenticated()
        rows = await database.fetch(sql.WORKSPACES, caller[0])
    return answer([dict(zip(NAMES, row, strict=True)) for row in rows])


async def create(request: Request) -> Response:
    """POST /api/workspaces."""
    token = token_hash(request)
    async with request.app.state.pool.acquire() as database:
        caller = await database.fetchrow(sql.CALLER, token, now())
        if caller is None:
            return unauthenticated()
        name = msgspec.json.decode(await request.body())["name"]
        async with database.transaction():
            return await _created(database, caller[0], token, name)


async def _created(database: asyncpg.Connection, user_id: str, token: str, name: str) -> Response:
    moment = now()
    await database.fetchrow(sql.LOCK_ON_POSTGRESQL, user_id)
    caller = await database.fetchrow(sql.CALLER, token, moment)
    if caller is None:
        return unauthenticated()
    if is_used_up(*await database.fetchrow(sql.QUOTA, caller[0], "owner", SETTING)):
        return over_quota()
    row = (str(uuid4()), name, moment, moment)
    await database.execute(sql.ADD_WORKSPACE, *row)
    await database.execute(sql.ADD_MEMBER, row[0], caller[0], "owner", moment)
    return answer(dict(zip(NAMES, row, strict=True)), 201)


app = Starlette(
    lifespan=_lifespan,
    routes=[
        Route("/healthz", health),
        Route("/api/workspaces/{workspace_id}", read),
        Route("/api/workspaces", listing),
        Route("/api/workspaces", create, methods=["POST"]),
    ],
)
