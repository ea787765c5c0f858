"""Reference servers to try the suite on: in this process with a clock to turn, or in their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemathesis.python.asgi import shutdown_lifespans
from sqlalchemy import select
from starlette.applications import Starlette

from agentserver_contract.fixtures.accounts import People, Person, gather, log_in
from agentserver_contract.http.target import Target, Watch
from agentserver_contract.local_server import running
from agentserver_reference.app import create_app
from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import metadata

# The cheapest that Argon2id takes: these tests are not about passwords.
CHEAPEST_PASSWORDS = "m=8,t=1,p=1"
SESSION_LIFETIME = timedelta(days=7)

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class Clock:
    """A clock that stands until it is turned."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Server:
    """A reference server in this process."""

    target: Target
    app: Starlette
    clock: Clock
    rows: Callable[[], Rows]
    """Reads every row of every table."""

    def expired_session(self, person: Person) -> str:
        """A session that ran out a second ago."""
        now = self.clock.now
        self.clock.now = now - SESSION_LIFETIME - timedelta(seconds=1)
        try:
            return log_in(self.target, person.email, person.password)
        finally:
            self.clock.now = now


@contextmanager
def in_process(
    database_url: str,
    *,
    clock: Clock | None = None,
    checks_answers: bool = True,
    watches: Sequence[Watch] = (),
) -> Iterator[Server]:
    """A server on an empty database.

    Args:
        database_url: Where; a SQLite database must be a file, as it is read from outside too.
        clock: What time it has.
        checks_answers: Whether it holds its answers to the contract before it sends them.
        watches: See every request and its answer.
    """
    clock = clock or Clock()
    settings = Settings.from_environment(
        {},
        database_url=database_url,
        password_cost=CHEAPEST_PASSWORDS,
        encryption_key="11" * 32,
    )
    app = create_app(settings, clock=clock, validate_responses=checks_answers)
    store = open_store(settings)
    with asyncio.Runner() as runner, Target(app=app, watches=watches) as target:
        runner.run(store.open())
        try:
            yield Server(target, app, clock, lambda: runner.run(store.read(_rows)))
        finally:
            runner.run(store.close())
            shutdown_lifespans()


@contextmanager
def in_own_process(folder: Path) -> Iterator[Target]:
    """A server as people start it, on a real socket and a SQLite file in `folder`."""
    with running(folder, "--password-cost", CHEAPEST_PASSWORDS) as url, Target(url) as target:
        yield target


def settle(target: Target) -> People:
    """Everybody on a new server, who may make as many workspaces as a run needs."""
    people = gather(target)
    reset(people)
    return people


def reset(people: People) -> None:
    """Let everybody make as many workspaces as a run needs, and one alone administer."""
    with people.target.client(session=people["admin"].session) as client:
        client.admin.quota_defaults.set(max_workspaces_per_user=0)
        for user in client.admin.users.list():
            if user.role == "admin" and user.id != people["admin"].id:
                client.admin.users.set_role(user.id, role="user")


def _rows(connection: Connection) -> Rows:
    return {
        table.name: sorted(
            (tuple(row) for row in connection.execute(select(table)).all()), key=repr
        )
        for table in metadata.sorted_tables
    }
