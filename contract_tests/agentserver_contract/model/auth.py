"""Accounts and sessions: users register, log in and log out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from agentserver import BadRequest, Client, Conflict, Unauthenticated
from agentserver_contract.fixtures.accounts import ABSENT, email_of, log_in, unregistered
from agentserver_contract.model.action import Choose, initialize, invariant, precondition, rule
from agentserver_contract.model.limits import Limits
from agentserver_contract.model.readback import expect, read
from agentserver_contract.model.run import USERS, ModelRun, planned
from agentserver_contract.model.state import ContractViolation

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Accounts:
    """The accounts of the users."""

    roles: dict[str, str] = field(default_factory=dict)
    """`user` or `admin`, by the user's name."""
    first_roles: dict[str, str] = field(default_factory=dict)
    """The same as they were before the run."""
    created_at: dict[str, datetime] = field(default_factory=dict)
    """When each account was created, by the user's name, as it was first shown."""


@initialize
def read_roles(run: ModelRun) -> None:
    """Learn the role of each user."""
    accounts = run.state[Accounts]
    accounts.roles = {user: read(run, user, "auth.me").role.value for user in USERS}
    accounts.first_roles = dict(accounts.roles)


# --- reading back ---------------------------------------------------------------------------------


@invariant("accounts")
def each_user_sees_the_own_account(run: ModelRun) -> None:
    for user, role in {"admin": "admin", **run.state[Accounts].roles}.items():
        me, email = read(run, user, "auth.me"), run.accounts[user].email
        account, actual = (run.ids[user], email, role), (me.id, me.email, me.role.value)
        expect("auth.me", "it shows the account", account, actual, user=user)
        if user in USERS:  # the administrator may come from an external login provider
            expect("auth.me", "it has no name and picture", (None, None), (me.name, me.picture))


# --- preconditions --------------------------------------------------------------------------------


@precondition("accounts cannot be removed again, so none are created")
def accounts_may_be_left_behind(run: ModelRun) -> bool:
    return run.target.guard is None


@precondition("accounts cannot be removed again, so none are created")
def account_may_stay(run: ModelRun) -> bool:
    return run.accounts_may_stay


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["accounts"])
def log_out_of_one_session(run: ModelRun, choose: Choose) -> None:
    """Each log-in opens a session of its own; logging out ends it on the server too."""
    person = run.accounts[choose(USERS)]
    sessions = [log_in(run.target, person.email, person.password) for _ in range(2)]
    clients = [run.target.client(session=session) for session in sessions]
    copy = run.target.client(session=sessions[0])
    run.call(clients[0], "auth.check")
    run.call(clients[0], "auth.logout")
    run.call(copy, "auth.check", raises=Unauthenticated)
    run.call(copy, "auth.me", raises=Unauthenticated)
    run.call(copy, "workspaces.list", raises=Unauthenticated)
    run.call(clients[1], "auth.check")
    run.call(clients[1], "auth.logout")
    run.call(run.target.client(session=sessions[1]), "auth.me", raises=Unauthenticated)


@rule(touches=["accounts"])
def log_in_with_another_spelling(run: ModelRun, choose: Choose) -> None:
    """An address is trimmed, and compared without case."""
    person = run.accounts[choose(USERS)]
    session = log_in(run.target, f" {person.email.upper()} ", person.password)
    client = run.target.client(session=session)
    run.call(client, "auth.check")
    run.call(client, "auth.logout")


@rule(touches=["accounts"])
def log_in_with_wrong_credentials(run: ModelRun, choose: Choose) -> None:
    anonymous, person = run.target.client(), run.accounts[choose(USERS)]
    attempts = (
        (person.email, "wrong " + person.password[:50]),
        (person.email, person.password[:-1]),
        (person.email, person.password + "x"),
        (person.email, f" {person.password} "),
        (person.email, person.password.swapcase()),
        (email_of(ABSENT), person.password),
    )
    messages = {
        run.call(
            anonymous, "auth.login", email=email, password=password, raises=Unauthenticated
        ).message
        for email, password in attempts
    }
    if len(messages) != 1:
        promise = "a refusal is the same whether the account exists or not"
        raise ContractViolation("auth.login", promise, messages)


@rule(touches=["accounts"])
def use_unknown_session(run: ModelRun, choose: Choose) -> None:
    unknown = run.target.client(session="0" * 64)
    run.call(unknown, "auth.check", raises=Unauthenticated)
    run.call(unknown, "auth.logout")
    run.call(run.target.client(), "health.check")


@rule(touches=["accounts"])
def register_taken_address(run: ModelRun, choose: Choose) -> None:
    anonymous, person = run.target.client(), run.accounts[choose(USERS)]
    for email in (person.email, person.email.upper(), f"  {person.email} "):
        password = person.password[::-1]
        run.call(anonymous, "auth.register", email=email, password=password, raises=Conflict)
    run.call(anonymous, "auth.register", email=person.email, password="x" * 73, raises=BadRequest)


@rule(touches=["accounts"])
def register_with_longest_password(run: ModelRun, choose: Choose) -> None:
    """A password is limited in bytes; a taken address shows that this one was legal."""
    person = run.accounts[choose(USERS)]
    for password, error in (("é" * 36, Conflict), ("é" * 37, BadRequest), ("a\0", BadRequest)):
        anonymous = run.target.client()
        run.call(anonymous, "auth.register", email=person.email, password=password, raises=error)


@rule(touches=["accounts", "workspaces"], precondition=accounts_may_be_left_behind)
def register_new_account(run: ModelRun, choose: Choose) -> None:
    email = f"New.Person-{_unused(run)}@Contract.Example"
    password = f" é{'x' * 68} "  # the longest that is legal, with blanks that count
    body = json.dumps({"email": f" {email}  ", "password": password, "role": "admin", "id": "mine"})
    method = "auth.register"
    created = run.send_raw(method, None, "/api/auth/register", body.encode(), status=201)
    if created.json().get("email") != email or created.header("set-cookie") is not None:
        promise = "the address is trimmed and shown as it was given, and no session is opened"
        raise ContractViolation(method, promise, created.as_text())
    stripped = {"email": email, "password": password.strip()}
    run.call(run.target.client(), "auth.login", **stripped, raises=Unauthenticated)
    client = run.target.client(session=log_in(run.target, email.lower(), password))
    expect_new_account(run, client, created.json()["id"], email)
    workspaces = run.call(client, "workspaces.list")
    members = run.call(client, "workspaces.members.list", workspaces[0].id)
    accounts = run.call("admin", "admin.users.list")
    owners = [each.owner for each in run.call("admin", "admin.workspaces.list")]
    for method, emails in (
        ("workspaces.members.list", {each.email for each in members}),
        ("admin.users.list", {each.email for each in accounts}),
        ("admin.workspaces.list", {owner.email for owner in owners if owner}),
    ):
        if email not in emails:
            promise = "the address is shown as it was given"
            raise ContractViolation(method, promise, (email, emails))
    run.call(client, "workspaces.delete", workspaces[0].id)


def expect_new_account(run: ModelRun, client: Client, user_id: str, email: str) -> None:
    """Check what an account has that was just registered. Raises ContractViolation."""
    method, me = "auth.register", run.call(client, "auth.me")
    if (me.id, me.email, me.role) != (user_id, email, "user"):
        raise ContractViolation("auth.me", "a new account has the role user", me)
    workspaces = run.call(client, "workspaces.list")
    if [each.name for each in workspaces] != ["Default workspace"]:
        raise ContractViolation(method, "a new account has a default workspace", workspaces)
    members = run.call(client, "workspaces.members.list", workspaces[0].id)
    if [(each.user_id, each.role) for each in members] != [(me.id, "owner")]:
        raise ContractViolation(method, "a new account owns its default workspace", members)
    quota = run.call(client, "workspaces.get_creation_quota")
    if (quota.current, quota.max) != (1, run.state[Limits].defaults["max_workspaces_per_user"]):
        promise = "a new account owns one workspace, and the default limits it"
        raise ContractViolation("workspaces.get_creation_quota", promise, quota)


@rule(touches=["accounts", "workspaces"], precondition=account_may_stay)
def register_account_that_stays(run: ModelRun, choose: Choose) -> None:
    """A new account has all that is promised to it; an earlier run may have registered it."""
    for new in unregistered(run.accounts, run.accounts.few[:1]):
        email, password = new.email, new.password
        created = run.call(run.target.client(), "auth.register", email=email, password=password)
        client = run.target.client(session=log_in(run.target, email, password))
        expect_new_account(run, client, created.id, email)
        log_in(run.target, email.upper(), password)  # without case, beyond ASCII as well
        delete_workspaces(run, client)


@rule(touches=["accounts", "workspaces"], precondition=accounts_may_be_left_behind)
def register_one_address_concurrently(run: ModelRun, choose: Choose) -> None:
    local = f"concurrent-{_unused(run)}"
    emails = [
        f"{local}@contract.example",
        f"{local}@Contract.Example",
        f" {local.upper()}@contract.example",
    ]
    method, anonymous, password = "auth.register", run.target.client(), local[::-1]
    # Alone first: what fails then is no race.
    taken = run.accounts[choose(USERS)].email
    run.call(anonymous, method, email=taken, password=password, raises=Conflict)
    outcomes = run.concurrently(
        [planned(anonymous, method, email=email, password=password) for email in emails]
    )
    kinds = sorted(type(each).__name__ for each in outcomes)
    if kinds != ["AuthRegisterResponse", "Conflict", "Conflict"]:
        promise = "of several who register one address at the same time, one succeeds"
        raise ContractViolation(method, promise, outcomes)
    client = run.target.client(session=log_in(run.target, emails[0], password))
    delete_workspaces(run, client)


def delete_workspaces(run: ModelRun, client: Client) -> None:
    """Delete what an account owns that was made by a rule, and is of no other one."""
    for workspace in run.call(client, "workspaces.list"):
        if run.target.guard is not None:  # which has not seen what came with the account
            run.target.guard.own(workspace.id)
        run.call(client, "workspaces.delete", workspace.id)


def _unused(run: ModelRun) -> str:
    """Part of an address that has no account: it tells the teams of a run apart, and the steps."""
    team = run.accounts["admin"].email.partition("@")[0]
    return f"{team}-{run.result.cases.total()}"
