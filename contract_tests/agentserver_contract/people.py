"""The people of a run: accounts with recognisable names, made through the SDK."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from agentserver import Conflict
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


@dataclass(frozen=True)
class Person:
    """An account and a session of it."""

    name: str
    email: str
    id: str
    password: str = field(repr=False)
    session: str = field(repr=False)


@dataclass(frozen=True)
class People:
    """Everybody, by name."""

    target: Target
    by_name: Mapping[str, Person]

    def __getitem__(self, name: str) -> Person:
        return self.by_name[name]


class CannotPrepare(RuntimeError):
    """The server does not let the run make what it needs."""


def email_of(name: str) -> str:
    """The address of a person of the run."""
    return f"contract-{name}@{DOMAIN}"


def gather(target: Target, *, password: str | None = None) -> People:
    """Register everybody and open a session for each.

    Args:
        target: The server; where it has no account yet, `admin` becomes its administrator.
        password: Everybody's password; made up for this run when left out.

    Raises:
        CannotPrepare: An account exists with another password.
    """
    chosen = password or secrets.token_urlsafe(24)
    return People(target, {name: _person(target, name, chosen) for name in NAMES})


def log_in(target: Target, email: str, password: str) -> str:
    """Open a session and return its token, which the SDK keeps to itself.

    Raises:
        CannotPrepare: The server refuses.
    """
    body = json.dumps({"email": email, "password": password}).encode()
    headers = {"content-type": "application/json"}
    answer = target.send(Request("POST", "/api/auth/login", headers, body))
    if answer.session is None:
        raise CannotPrepare(f"{email} cannot log in: {answer.as_text()}")
    return answer.session


def _person(target: Target, name: str, password: str) -> Person:
    email = email_of(name)
    # Where the account is taken it has been here since an earlier run.
    with target.client() as client, suppress(Conflict):
        client.auth.register(email=email, password=password)
    session = log_in(target, email, password)
    with target.client(session=session) as client:
        return Person(name, email, client.auth.me().id, password, session)
