"""What the contract tests are run with: the seed, the operation, a server on each database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import kept_postgres_database, postgres_server, postgres_url
from servers import PASSWORD, Server, in_process, prepare_accounts

from agentserver_contract.contract.document import Contract, load
from agentserver_contract.fixtures.accounts import Accounts, email_of

__all__ = ["database_url", "kept_postgres_database", "postgres_server", "postgres_url"]

CONTRACT = Path(__file__).parents[2] / "openapi.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the contract tests."""
    group = parser.getgroup("contract tests")
    group.addoption("--seed", default="1", help="a number, or `random` for another each time")
    group.addoption(
        "--operation", action="append", help="show only what is found on this operation"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest is begun first."""
    items.sort(key=lambda item: item.get_closest_marker("whole") is None)


@pytest.fixture
def run_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an empty server the administrator of the run is registered by it."""
    monkeypatch.setenv("AGENTSERVER_EMAIL", email_of("admin"))
    monkeypatch.setenv("AGENTSERVER_PASSWORD", PASSWORD)
    for name in ("AGENTSERVER_SESSION", "AGENTSERVER_CONTRACT_SECRET", "AGENTSERVER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes of the tool go into the test's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load(CONTRACT)


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The same each time, so that a change is judged by what it changes; `random` finds more."""
    given = request.config.getoption("--seed")
    return random.SystemRandom().randrange(2**32) if given == "random" else int(given)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty database in a file."""
    return f"sqlite:///{tmp_path / 'contract.db'}"


@pytest.fixture
def postgresql_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A test that takes it runs once on each kind of database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    """A server in this process, once on each database."""
    with in_process(database_url) as served:
        yield served


@pytest.fixture
def accounts(server: Server) -> Accounts:
    return prepare_accounts(server.target)
