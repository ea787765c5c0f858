"""The people of a run: accounts with recognisable names, made through the SDK.

No operation removes an account, so they are few, always the same, and used again by the next run.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from agentserver import AgentserverError, Conflict
from agentserver_contract.target import Target
from agentserver_contract.wire import Request

DOMAIN = "contract.example"
"""Reserved by RFC 2606, so that no mail of a server under test reaches anybody."""

TEAM = ("owner", "maintainer", "developer", "guest")
"""One person for each role in a workspace, from most to least."""

PEERS = ("alice", "bob")
"""Two tenants that have nothing in common."""

NAMES = ("admin", *TEAM, "outsider", "colleague", "newcomer", "leaver", *PEERS)
"""Everybody. The administrator comes first: on an empty server the first account becomes one."""

SPARE = "spare"
"""Who is registered where an operation asks for an address that is free."""

ABSENT = "nobody"
"""Whose address never has an account."""


@dataclass(frozen=True)
class Person:
    """An account and a session of it."""

    name: str
    email: str
    id: str
    password: str = field(repr=False)
    session: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """What an account is opened with."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class People:
    """Everybody, by name."""

    target: Target
    by_name: Mapping[str, Person]
    spare: Account
    """To be registered by whoever wants to."""

    def __getitem__(self, name: str) -> Person:
        return self.by_name[name]


class CannotPrepare(RuntimeError):
    """The server does not let the run make what it needs."""


def email_of(name: str, team: int = 1) -> str:
    """The address of a person of the run; each team that runs at the same time has its own."""
    return f"contract-{name}@{DOMAIN}" if team == 1 else f"contract-{team}-{name}@{DOMAIN}"


def emails_of(team: int = 1) -> list[str]:
    """The addresses of everybody."""
    return [email_of(name, team) for name in NAMES]


def gather(
    target: Target,
    *,
    password_of: Callable[[str], str] | None = None,
    names: Iterable[str] = NAMES,
    team: int = 1,
) -> People:
    """Register everybody and open a session for each.

    Args:
        target: The server; where it has no account yet, the first becomes its administrator.
        password_of: Gives the password for an address; one is made up when left out.
        names: Who is wanted.
        team: Which of the teams that run at the same time this is.

    Raises:
        CannotPrepare: An account exists with another password, or registering is not possible.
    """
    made_up = secrets.token_urlsafe(24)
    password_of = password_of or (lambda email: made_up)
    people = {}
    for name in names:
        email = email_of(name, team)
        people[name] = join(target, name, email, password_of(email))
    spare = email_of(SPARE, team)
    return People(target, people, Account(spare, password_of(spare)))


def join(target: Target, name: str, email: str, password: str) -> Person:
    """An account of this name: registered, unless an earlier run has done so, and logged in.

    Raises:
        CannotPrepare: It exists with another password, or registering is not possible.
    """
    try:
        # Where the account is taken it has been here since an earlier run.
        with target.client() as client, suppress(Conflict):
            client.auth.register(email=email, password=password)
        session = log_in(target, email, password)
        with target.client(session=session) as client:
            return Person(name, email, client.auth.me().id, password, session)
    except AgentserverError as error:
        raise CannotPrepare(f"{email} cannot be registered: {error}") from None


def log_in(target: Target, email: str, password: str) -> str:
    """Open a session and return its token, which the SDK keeps to itself.

    Raises:
        CannotPrepare: The server refuses.
    """
    body = json.dumps({"email": email, "password": password}).encode()
    headers = {"content-type": "application/json"}
    answer = target.send(Request("POST", "/api/auth/login", headers, body))
    if answer.session is None:
        raise CannotPrepare(f"{email} cannot log in: {' '.join(answer.as_text().split())}")
    return answer.session
