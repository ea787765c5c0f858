"""The databases that storage and operations are tested on: SQLite and PostgreSQL alike."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store, open_store

KEY = "6b" * 32
CHEAPEST = "m=8,t=1,p=1"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; a test that takes it runs once on each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A server on that database, with the cheapest password hashes."""
    return Settings.from_environment(
        {},
        database_url=database_url,
        data_dir=tmp_path,
        encryption_key=KEY,
        password_cost=CHEAPEST,
    )


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """That database, opened."""
    opened = open_store(settings)
    await opened.open()
    yield opened
    await opened.close()
