"""What every test of the server may ask for."""

import pytest
from agents import house
from databases import database_url, settings, store
from people import server
from postgres import (
    kept_postgres_database,
    new_postgres_url,
    pgbouncer_url,
    postgres_server,
    postgres_url,
)
from serving import client

__all__ = [
    "client",
    "database_url",
    "house",
    "kept_postgres_database",
    "new_postgres_url",
    "pgbouncer_url",
    "postgres_server",
    "postgres_url",
    "server",
    "settings",
    "store",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Coroutine tests run on asyncio, as the server does."""
    return "asyncio"
