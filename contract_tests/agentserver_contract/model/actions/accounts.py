"""People register, log in and out, and administer."""

from __future__ import annotations

import json

from agentserver import BadRequest, Conflict, PermissionDenied, Unauthenticated
from agentserver_contract.fixtures.accounts import ABSENT, email_of, log_in
from agentserver_contract.model.action import (
    Choose,
    administers_alone,
    may_demote_everybody,
    may_leave_accounts,
    transition,
)
from agentserver_contract.model.run import Play
from agentserver_contract.model.state import CAST, Broken


@transition()
def somebody_becomes_an_administrator_for_a_while(play: Play, choose: Choose) -> None:
    name = choose([name for name in CAST if play.roles[name] != "admin"])
    place = "admin.users.set_role"
    play.call("admin", place, play.ids[name], role="admin")
    play.call(name, "admin.users.list")
    if play.call(name, "auth.me").role != "admin":
        raise Broken("auth.me", "it shows the new role", play.log[-1])
    for role in ("owner", "Admin", ""):
        play.call("admin", place, play.ids[name], role=role, refused=BadRequest)
    play.call("admin", place, play.ids[name], role="user")
    play.call(name, "admin.users.list", refused=PermissionDenied)


@transition(administers_alone)
def the_last_administrator_stays(play: Play, choose: Choose) -> None:
    own = play.ids["admin"]
    play.call("admin", "admin.users.set_role", own, role="user", refused=Conflict)
    play.call("admin", "admin.users.set_role", own, role="admin")


@transition()
def a_session_ends_alone(play: Play, choose: Choose) -> None:
    """Each log-in is a session of its own; logging out ends it on the server too."""
    person = play.people[choose(CAST)]
    addresses = (person.email, f" {person.email.upper()} ")
    sessions = [log_in(play.target, email, person.password) for email in addresses]
    clients = [play.target.client(session=session) for session in sessions]
    again = play.target.client(session=sessions[0])
    play.call(clients[0], "auth.check")
    play.call(clients[0], "auth.logout")
    play.call(again, "auth.check", refused=Unauthenticated)
    play.call(again, "auth.me", refused=Unauthenticated)
    play.call(again, "workspaces.list", refused=Unauthenticated)
    play.call(clients[1], "auth.check")
    play.call(clients[1], "auth.logout")
    play.call(play.target.client(session=sessions[1]), "auth.me", refused=Unauthenticated)
    me = play.call(person.name, "auth.me")
    if (me.id, me.email, me.name, me.picture) != (person.id, person.email, None, None):
        raise Broken("auth.me", "it shows the account", me)


@transition()
def a_refused_log_in_tells_nothing(play: Play, choose: Choose) -> None:
    nobody, person = play.target.client(), play.people[choose(CAST)]
    attempts = (
        (person.email, "wrong " + person.password[:50]),
        (person.email, person.password[:-1]),
        (person.email, person.password + "x"),
        (person.email, f" {person.password} "),
        (person.email, person.password.swapcase()),
        (email_of(ABSENT), person.password),
    )
    told = {
        play.call(
            nobody, "auth.login", email=email, password=password, refused=Unauthenticated
        ).message
        for email, password in attempts
    }
    if len(told) != 1:
        raise Broken("auth.login", "a refusal is the same whether the account exists or not", told)


@transition()
def a_taken_address_stays_taken(play: Play, choose: Choose) -> None:
    nobody, person = play.target.client(), play.people[choose(CAST)]
    for email in (person.email, person.email.upper(), f"  {person.email} "):
        another = person.password[::-1]
        play.call(nobody, "auth.register", email=email, password=another, refused=Conflict)
    play.call(nobody, "auth.register", email=person.email, password="x" * 73, refused=BadRequest)


@transition()
def nobody_may_do_anything(play: Play, choose: Choose) -> None:
    nobody = play.target.client(session="0" * 64)
    play.call(nobody, "auth.check", refused=Unauthenticated)
    play.call(nobody, "auth.logout")
    play.call(play.target.client(), "health.check")


@transition()
def a_password_is_bounded_in_bytes(play: Play, choose: Choose) -> None:
    person, place = play.people[choose(CAST)], "auth.register"
    for password, refused in (("é" * 36, Conflict), ("é" * 37, BadRequest), ("a\0", BadRequest)):
        nobody = play.target.client()
        play.call(nobody, place, email=person.email, password=password, refused=refused)


@transition(may_leave_accounts)
def somebody_new_registers(play: Play, choose: Choose) -> None:
    """Only where accounts may be left behind: nothing removes one."""
    number = f"{len(play.known)}-{play.result.cases.total()}"
    given = f"New.Person-{number}@Contract.Example"
    password = f" é{'x' * 68} "  # of the greatest length, with blanks that count
    body = json.dumps({"email": f" {given}  ", "password": password, "role": "admin", "id": "mine"})
    place = "auth.register"
    made = play.raw(place, None, "/api/auth/register", body.encode(), status=201)
    if made.json().get("email") != given or made.header("set-cookie") is not None:
        raise Broken(place, "the address is trimmed and shown as given; no session", made.as_text())
    stripped = {"email": given, "password": password.strip()}
    play.call(play.target.client(), "auth.login", **stripped, refused=Unauthenticated)
    client = play.target.client(session=log_in(play.target, given.lower(), password))
    me = play.call(client, "auth.me")
    if (me.id, me.email, me.role) != (made.json()["id"], given, "user"):
        raise Broken("auth.me", "the new account is a plain one", me)
    workspaces = play.call(client, "workspaces.list")
    if [each.name for each in workspaces] != ["Default workspace"]:
        raise Broken(place, "a new account has a default workspace", workspaces)
    members = play.call(client, "workspaces.members.list", workspaces[0].id)
    if [(each.user_id, each.role) for each in members] != [(me.id, "owner")]:
        raise Broken(place, "a new account owns its default workspace", members)
    quota = play.call(client, "workspaces.get_creation_quota")
    if (quota.current, quota.max) != (1, play.defaults["max_workspaces_per_user"]):
        raise Broken("workspaces.get_creation_quota", "it owns one, under the default", quota)
    accounts = play.call("admin", "admin.users.list")
    owners = [each.owner for each in play.call("admin", "admin.workspaces.list")]
    for place, shown in (
        ("workspaces.members.list", {each.email for each in members}),
        ("admin.users.list", {each.email for each in accounts}),
        ("admin.workspaces.list", {owner.email for owner in owners if owner}),
    ):
        if given not in shown:
            raise Broken(place, "the address is shown as given", (given, shown))
    play.call(client, "workspaces.delete", workspaces[0].id)


@transition(may_leave_accounts)
def several_register_at_once(play: Play, choose: Choose) -> None:
    """Only where accounts may be left behind: nothing removes one."""
    place, nobody = "auth.register", play.target.client()
    local = f"at-once-{len(play.known)}-{play.result.cases.total()}"
    given = [
        f"{local}@contract.example",
        f"{local}@Contract.Example",
        f" {local.upper()}@contract.example",
    ]
    password = local[::-1]
    came = play.at_once(
        place, [(nobody, (), {"email": email, "password": password}) for email in given]
    )
    kinds = sorted(type(each).__name__ for each in came)
    if kinds != ["AuthRegisterResponse", "Conflict", "Conflict"]:
        raise Broken(place, "of several who register an address at once one has it", came)
    client = play.target.client(session=log_in(play.target, given[0], password))
    for workspace in play.call(client, "workspaces.list"):
        play.call(client, "workspaces.delete", workspace.id)


@transition(may_demote_everybody)
def two_administrators_demote_each_other_at_once(play: Play, choose: Choose) -> None:
    """Not on somebody's server: it may end without an administrator, if it has this fault."""
    place, other = "admin.users.set_role", choose(CAST)
    play.call("admin", place, play.ids[other], role="admin")
    came = play.at_once(
        place,
        [
            ("admin", (play.ids[other],), {"role": "user"}),
            (other, (play.ids["admin"],), {"role": "user"}),
        ],
    )
    roles = {name: play.call(name, "auth.me").role for name in ("admin", other)}
    if "admin" not in roles.values():
        raise Broken(place, "the last administrator stays, also when two go at once", came)
    for name, by in (("admin", other), (other, "admin")):
        wanted = "admin" if name == "admin" else "user"
        if roles[name] != wanted:
            play.call(by, place, play.ids[name], role=wanted)
