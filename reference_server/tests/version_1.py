"""A database of schema version 1.

`data/version_1` is what the server of that version wrote, on SQLite and on PostgreSQL alike, and
what its API showed of it.
"""

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

T = TypeVar("T")

VERSION_1 = Path(__file__).with_name("data") / "version_1"
SHOWN = json.loads((VERSION_1 / "answers.json").read_text(encoding="utf-8"))


def fill_with_version_1(url: str) -> None:
    if url.startswith("sqlite"):
        with gzip.open(VERSION_1 / "sqlite.db.gz") as packed:
            Path(url.removeprefix("sqlite:///")).write_bytes(packed.read())
    else:
        asyncio.run(fill_postgresql(url))


async def fill_postgresql(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute((VERSION_1 / "postgresql.sql").read_text(encoding="utf-8"))
    await connection.close()


async def on_core(url: str, function: Callable[[Connection], T]) -> T:
    """What `function` returns for a connection of SQLAlchemy's, whose changes are committed."""
    if url.startswith("sqlite"):
        with create_engine(url, poolclass=NullPool).begin() as connection:
            return function(connection)
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.begin() as opened:
        return await opened.run_sync(function)
