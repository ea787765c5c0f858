"""Reference servers to try the suite on: in this process with a clock to set, or in their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from schemathesis.python.asgi import shutdown_lifespans
from sqlalchemy import select
from starlette.applications import Starlette

from agentserver_contract.fixtures.access_tokens import with_access_tokens
from agentserver_contract.fixtures.accounts import Accounts, register_accounts
from agentserver_contract.fixtures.agents import with_agents
from agentserver_contract.fixtures.api_keys import with_api_keys
from agentserver_contract.fixtures.language_model import with_language_model
from agentserver_contract.http.target import IN_PROCESS, Hook, Target
from agentserver_contract.local_server import running
from agentserver_reference.app import LOOPS, create_app
from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import metadata
from agentserver_reference.workers import im_delivery
from agentserver_reference.workers.runner import Loop

PASSWORD = "of a server made for this test"
"""Of the administrator of a run on an empty server."""

# The cheapest that Argon2id takes: these tests are not about passwords.
CHEAPEST_PASSWORDS = "m=8,t=1,p=1"

CHANGED_BY_ITSELF = ("worker_leases",)
"""Tables that a server changes without a request: it renews its workers' leases."""

"""The folder in which a server in a process of its own leaves the tokens of its sandboxes."""

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class Clock:
    """A clock that stands still until it is set."""

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
    run_loops: Callable[[timedelta], None]
    """Runs one round of each background loop that has one in so much time."""

    def shift_clock(self, by: timedelta) -> None:
        """Move the clock forward or back; first comes what the server does on the way."""
        self.run_loops(by)
        self.clock.now += by


@contextmanager
def in_process(
    database_url: str,
    *,
    clock: Clock | None = None,
    checks_answers: bool = True,
    hooks: Sequence[Hook] = (),
) -> Iterator[Server]:
    """A server on an empty database.

    Args:
        database_url: Where; a SQLite database must be a file, as it is read from outside too.
        clock: What time it has.
        checks_answers: Whether it checks its responses against the contract before it sends them.
        hooks: Are called for every request and its response.
    """
    clock = clock or Clock()
    settings = Settings.from_environment(
        {},
        database_url=database_url,
        password_cost=CHEAPEST_PASSWORDS,
        encryption_key="11" * 32,
        modelserver_auth_url="built-in",
    )
    app = create_app(settings, clock=clock, validate_responses=checks_answers)
    store = open_store(settings)
    with asyncio.Runner() as runner, Target(app=app, hooks=hooks) as target:
        runner.run(store.open())
        context = attrs.evolve(app.state.context, store=store)
        loops = [loop(context) for loop in LOOPS if loop is not im_delivery.loop]  # it never ends

        def run_loops(time: timedelta) -> None:
            for loop in loops:
                if timedelta(seconds=loop.interval) <= time:
                    runner.run(_round(loop))

        try:
            yield Server(target, app, clock, lambda: runner.run(store.read(_rows)), run_loops)
        finally:
            runner.run(store.close())
            shutdown_lifespans()


@contextmanager
def in_own_process(folder: Path, **variables: str) -> Iterator[Target]:
    """A server as people start it, on a real socket and a SQLite file in `folder`.

    Args:
        folder: Where it keeps all that it has.
        variables: More of its environment.
    """
    options = ("--password-cost", CHEAPEST_PASSWORDS)
    modelserver = {"MODELSERVER_OAUTH_AUTH_URL": "built-in"}
    with running(folder, *options, **modelserver, **variables) as url, Target(url) as target:
        yield target


def prepare_accounts(
    target: Target, *, shift_clock: Callable[[timedelta], None] | None = None
) -> Accounts:
    """The accounts of a run on a new server, with no limit of workspaces, and access tokens.

    Args:
        target: The server.
        shift_clock: Moves its clock, so that one of the tokens has expired.
    """
    accounts = register_accounts(target)
    reset_accounts(accounts)
    with_tokens = with_access_tokens(accounts, target, shift_clock=shift_clock)
    accounts = with_agents(with_api_keys(with_tokens, target), target)
    # What a model streams takes a socket.
    return accounts if target.base_url == IN_PROCESS else with_language_model(accounts, target)


def reset_accounts(accounts: Accounts) -> None:
    """Let every account own as many workspaces as a run needs, and only one administer.

    A quota of a single account may have been set by random scenarios.
    """
    with accounts.target.client(session=accounts["admin"].session) as client:
        client.admin.quota_defaults.set(max_workspaces_per_user=0)
        for user in client.admin.users.list():
            client.admin.users.quota.delete(user.id)
            if user.role == "admin" and user.id != accounts["admin"].id:
                client.admin.users.set_role(user.id, role="user")


async def _round(loop: Loop) -> None:
    await loop.run()


def _rows(connection: Connection) -> Rows:
    return {
        table.name: sorted(
            (tuple(row) for row in connection.execute(select(table)).all()), key=repr
        )
        for table in metadata.sorted_tables
        if table.name not in CHANGED_BY_ITSELF
    }
