"""A reference model: what people do through the SDK, against what a server should make of it.

A transition is a function here, legal or not, and says when it can happen. First each happens once
in an order that the seed gives, so that none waits for chance; then a Hypothesis state machine
lets them happen in any order. After each, everything is read back as everybody. Steps are not
shrunk: a step takes milliseconds, a shrunk failure minutes, and the log of steps is there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agentserver import (
    AgentserverError,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    Unauthenticated,
)
from agentserver_contract.contract import Contract
from agentserver_contract.findings import Finding, LayerResult
from agentserver_contract.guard import NO_SUCH
from agentserver_contract.layers.world import (
    CAST,
    LIMITS,
    ROLES,
    Broken,
    Config,
    Play,
    Room,
    Stamp,
)
from agentserver_contract.people import ABSENT, People, email_of, log_in
from agentserver_contract.target import Target

NAME = "model"
RUNS = 3
STEPS = 20
_SHOWN_STEPS = 30
_MOST_ROOMS = 2

T = TypeVar("T")
Choose = Callable[[Sequence[Any]], Any]
"""Takes one of several."""

NAMES = (
    "a",
    "x" * 255,
    "  blanks kept  ",
    "Ünïcödé 漢字 😀",
    "<&>\"'\\",
    "two\nlines",
    "null",
    "0",
)
BAD_NAMES = ("", "x" * 256, "a\0b")
KEYS = ("k", "12345678", "123456789", "sk-0123456789abcdef", "s" * 4096)
ADDRESSES = (
    "https://models.example.com/v1/",
    "http://10.0.0.1:8000",
    "HTTPS://[::1]:443/?q=1#f",
)
BAD_ADDRESSES = (
    "ftp://models.example.com",
    "https://user:password@models.example.com",
    "https:///path",
    "models.example.com",
)
MODELS: tuple[list[dict[str, str]], ...] = (
    [{"id": "m", "name": "Model"}],
    [{"id": "b", "name": "Second"}, {"id": "a", "name": "First"}, {"id": "b", "name": "Second"}],
)
COUNTS = (0, 1, 5, 2**31 - 1)
BYTES = (0, 1, 2**31, 2**53 - 1)
BAD_COUNTS = (-1, 2**31)


@dataclass(frozen=True)
class Transition:
    """One thing that people do."""

    happen: Callable[[Play, Choose], None]
    can: Callable[[Play], bool]
    reads_only: bool = False
    """Whether nothing can have changed that would have to be read back."""


TRANSITIONS: dict[str, Transition] = {}


def _always(play: Play) -> bool:
    return True


def _transition(
    can: Callable[[Play], bool] = _always,
) -> Callable[[Callable[[Play, Choose], None]], Callable[[Play, Choose], None]]:
    def register(happen: Callable[[Play, Choose], None]) -> Callable[[Play, Choose], None]:
        TRANSITIONS[happen.__name__] = Transition(happen, can)
        return happen

    return register


# --- when -----------------------------------------------------------------------------------------


def _has_room(play: Play) -> bool:
    return bool(play.rooms)


def _has_configured(play: Play) -> bool:
    return any(room.config for room in play.rooms.values())


def _has_unconfigured(play: Play) -> bool:
    return any(room.config is None for room in play.rooms.values())


def _may_change_defaults(play: Play) -> bool:
    return play.allow_global


def _administers_alone(play: Play) -> bool:
    administrators = [
        each for each in play.clients["admin"].admin.users.list() if each.role == "admin"
    ]
    return play.allow_global and [each.id for each in administrators] == [play.ids["admin"]]


def _room(play: Play, choose: Choose, suits: Callable[[Room], bool] = lambda room: True) -> Room:
    room: Room = choose([room for room in play.rooms.values() if suits(room)])
    return room


def _one(room: Room, choose: Choose, *roles: str) -> str:
    name: str = choose(room.holding(*roles))
    return name


def _those_below(room: Room, *enough: str) -> list[str]:
    return [name for name in CAST if room.members.get(name) not in enough]


# --- workspaces -----------------------------------------------------------------------------------


@_transition(lambda play: len(play.rooms) < _MOST_ROOMS)
def somebody_creates_a_workspace(play: Play, choose: Choose) -> None:
    """With a team in it, so that every role is there."""
    _create(play, choose(("owner", "colleague")), choose(NAMES))


def _create(play: Play, who: str, name: str) -> Room:
    made = play.call(who, "workspaces.create", name=name)
    room = Room(made.id, name, made.created_at, Stamp(made.updated_at), {who: "owner"})
    play.rooms[made.id] = room
    for role in ("maintainer", "developer", "guest"):
        play.call(who, "workspaces.members.add", made.id, email=play.people[role].email, role=role)
        room.members[role] = role
    return room


@_transition(_has_room)
def a_maintainer_renames(play: Play, choose: Choose) -> None:
    room, name = _room(play, choose), choose(NAMES)
    who = _one(room, choose, "owner", "maintainer")
    renamed = play.call(who, "workspaces.rename", room.id, name=name)
    room.name = name
    room.renamed.moves()
    if renamed.name != name:
        raise Broken("workspaces.rename", "the answer shows the new name", renamed)
    if not room.renamed.fits(renamed.updated_at, strictly=play.tick is not None):
        raise Broken("workspaces.rename", "updated_at moves with a rename", renamed)


@_transition(_has_room)
def others_rename_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    for who in _those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.rename", room.id, name="mine", refused=PermissionDenied)


@_transition(_has_room)
def a_bad_name_changes_nothing(play: Play, choose: Choose) -> None:
    room, name = _room(play, choose), choose(BAD_NAMES)
    who = _one(room, choose, "owner")
    play.call(who, "workspaces.rename", room.id, name=name, refused=BadRequest)
    play.call(who, "workspaces.create", name=name, refused=BadRequest)


@_transition(lambda play: len(play.rooms) > 1)
def an_owner_deletes(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who = _one(room, choose, "owner")
    play.call(who, "workspaces.delete", room.id)
    del play.rooms[room.id]
    play.gone.append(room.id)
    play.call(who, "workspaces.delete", room.id, refused=PermissionDenied)
    play.call(who, "workspaces.rename", room.id, name="again", refused=PermissionDenied)


@_transition(_has_room)
def others_delete_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    for who in _those_below(room, "owner"):
        play.call(who, "workspaces.delete", room.id, refused=PermissionDenied)


@_transition(_has_room)
def two_rename_at_once(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who = _one(room, choose, "owner")
    names = ("one of two", "two of two")
    came = play.at_once("workspaces.rename", [(who, (room.id,), {"name": name}) for name in names])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken("workspaces.rename", "both of two renames at once are taken", came)
    room.name = play.call(who, "workspaces.get", room.id).name
    room.renamed.moves()
    if room.name not in names:
        raise Broken("workspaces.rename", "after two renames at once it has one of the names", came)


# --- members --------------------------------------------------------------------------------------


@_transition(lambda play: any(_joinable(room) for room in play.rooms.values()))
def a_maintainer_adds_a_member(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: bool(_joinable(room)))
    who, whom = _one(room, choose, "owner", "maintainer"), choose(_joinable(room))
    role = choose((*ROLES[:-1], None))
    email = choose((play.people[whom].email, f"  {play.people[whom].email.upper()} "))
    given = {} if role is None else {"role": role}
    added = play.call(who, "workspaces.members.add", room.id, email=email, **given)
    room.members[whom] = role or "developer"
    if (added.user_id, added.role) != (play.ids[whom], room.members[whom]):
        raise Broken("workspaces.members.add", "the answer shows the new member", added)


def _joinable(room: Room) -> list[str]:
    return [name for name in CAST if name not in room.members and name != "outsider"]


@_transition(lambda play: any(_joinable(room) for room in play.rooms.values()))
def an_owner_adds_an_owner(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: bool(_joinable(room)))
    whom = choose(_joinable(room))
    email = play.people[whom].email
    for who in room.holding("maintainer", "developer", "guest"):
        play.call(
            *(who, "workspaces.members.add", room.id),
            email=email,
            role="owner",
            refused=PermissionDenied,
        )
    who = _one(room, choose, "owner")
    play.call(who, "workspaces.members.add", room.id, email=email, role="owner")
    room.members[whom] = "owner"


@_transition(_has_room)
def others_add_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    email = play.people["newcomer"].email
    for who in _those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.members.add", room.id, email=email, refused=PermissionDenied)


@_transition(_has_room)
def adding_what_cannot_be_added(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who, place = _one(room, choose, "owner"), "workspaces.members.add"
    member = play.people[choose(list(room.members))].email
    play.call(who, place, room.id, email=member, refused=Conflict)
    play.call(who, place, room.id, email=member.upper(), role="guest", refused=Conflict)
    play.call(who, place, room.id, email=email_of(ABSENT), refused=NotFound)
    newcomer = play.people["newcomer"].email
    play.call(who, place, room.id, email=newcomer, role="wizard", refused=BadRequest)


@_transition(_has_room)
def an_owner_changes_a_role(play: Play, choose: Choose) -> None:
    room, role = _room(play, choose), choose(ROLES)
    who = _one(room, choose, "owner")
    whom = choose([name for name in room.members if name != who] or [who])
    if whom == who:
        return
    play.call(who, "workspaces.members.set_role", room.id, play.ids[whom], role=role)
    room.members[whom] = role


@_transition(_has_room)
def others_change_roles_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    for who in _those_below(room, "owner"):
        for whom in (who, room.holding("owner")[0]):
            play.call(
                *(who, "workspaces.members.set_role", room.id, play.ids[whom]),
                role=choose(ROLES),
                refused=PermissionDenied,
            )


@_transition(_has_room)
def a_role_that_cannot_be_given(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who, place = _one(room, choose, "owner"), "workspaces.members.set_role"
    member = play.ids[choose(list(room.members))]
    play.call(who, place, room.id, member, role="wizard", refused=BadRequest)
    play.call(who, place, room.id, member, role="", refused=BadRequest)
    play.call(who, place, room.id, play.ids["newcomer"], role="guest", refused=NotFound)
    play.call(who, place, room.id, f"{NO_SUCH}account", role="guest", refused=NotFound)


@_transition(_has_room)
def the_last_owner_stays(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who = _one(room, choose, "owner")
    for other in room.holding("owner"):
        if other != who:
            play.call(who, "workspaces.members.set_role", room.id, play.ids[other], role="guest")
            room.members[other] = "guest"
    own = play.ids[who]
    for role in ROLES[:-1]:
        play.call(*(who, "workspaces.members.set_role", room.id, own), role=role, refused=Conflict)
    play.call(who, "workspaces.members.remove", room.id, own, refused=Conflict)
    play.call(who, "workspaces.members.set_role", room.id, own, role="owner")


@_transition(_has_room)
def an_owner_removes_a_member(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who = _one(room, choose, "owner")
    others = [name for name in room.members if name != who]
    if not others:
        return
    whom = choose(others)
    for _ in range(2):  # the second time there is nothing left to do
        play.call(who, "workspaces.members.remove", room.id, play.ids[whom])
        room.members.pop(whom, None)


@_transition(_has_room)
def others_remove_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    whom = play.ids[choose(list(room.members))]
    for who in _those_below(room, "owner"):
        for each in (whom, play.ids[who]):
            play.call(*(who, "workspaces.members.remove", room.id, each), refused=PermissionDenied)


@_transition(lambda play: any("colleague" not in r.members for r in play.rooms.values()))
def two_add_the_same_at_once(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: "colleague" not in room.members)
    who, place = _one(room, choose, "owner"), "workspaces.members.add"
    wanted = {"email": play.people["colleague"].email, "role": "guest"}
    came = play.at_once(place, [(who, (room.id,), wanted)] * 3)
    kinds = sorted(type(each).__name__ for each in came)
    if kinds != ["Conflict", "Conflict", "WorkspaceMember"]:
        raise Broken(place, "of three who add the same at once one does, the others are late", came)
    room.members["colleague"] = "guest"


@_transition(lambda play: any(len(r.holding("owner")) > 1 for r in play.rooms.values()))
def two_owners_demote_each_other_at_once(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: len(room.holding("owner")) > 1)
    first, second = room.holding("owner")[:2]
    place = "workspaces.members.set_role"
    play.at_once(
        place,
        [
            (first, (room.id, play.ids[second]), {"role": "guest"}),
            (second, (room.id, play.ids[first]), {"role": "guest"}),
        ],
    )
    names = {user_id: name for name, user_id in play.ids.items()}
    for name in (first, second):
        came = play.outcome(play.clients[name], "workspaces.members.list", room.id)
        if not isinstance(came, AgentserverError):
            room.members = {names[each.user_id]: each.role.value for each in came}
    if not room.holding("owner"):
        raise Broken(place, "the last owner stays, also when two go at once", room.members)


# --- language models ------------------------------------------------------------------------------


@_transition(_has_room)
def a_maintainer_sets_the_endpoint(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "workspaces.llm_config.set"
    who = _one(room, choose, "owner", "maintainer")
    config = Config(choose(ADDRESSES), choose(KEYS), choose(MODELS))
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    if room.config is None:
        play.call(who, place, room.id, **given, refused=BadRequest)  # a first one needs a key
    play.call(who, place, room.id, **given, api_key=config.api_key)
    room.config = config
    room.configured.moves()


@_transition(_has_configured)
def the_stored_key_stays(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: room.config is not None)
    who, kept = _one(room, choose, "owner", "maintainer"), room.config
    config = Config(choose(ADDRESSES), kept.api_key if kept else "", choose(MODELS))
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    play.call(who, "workspaces.llm_config.set", room.id, **given)
    room.config = config
    room.configured.moves()


@_transition(_has_room)
def a_bad_endpoint_changes_nothing(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "workspaces.llm_config.set"
    who, good, key = _one(room, choose, "owner"), ADDRESSES[0], KEYS[-2]
    bad = choose(BAD_ADDRESSES)
    play.call(who, place, room.id, base_url=bad, api_key=key, models=MODELS[0], refused=BadRequest)
    many = [{"id": "m", "name": "M"}] * 101
    given: dict[str, Any]
    for models in ([], many, [{"id": "", "name": "M"}], [{"id": "m"}]):
        given = {"base_url": good, "api_key": key, "models": models}
        play.call(who, place, room.id, **given, refused=BadRequest)
    given = {"base_url": good, "models": MODELS[0]}
    for bad_key in ("", "a\0b", "k" * 4097):
        play.call(who, place, room.id, **given, api_key=bad_key, refused=BadRequest)


@_transition(_has_configured)
def a_maintainer_removes_the_endpoint(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: room.config is not None)
    who = _one(room, choose, "owner", "maintainer")
    for _ in range(2):  # the second time there is nothing left to do
        play.call(who, "workspaces.llm_config.delete", room.id)
        room.config, room.configured = None, Stamp()


@_transition(_has_room)
def others_touch_the_endpoint_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    given: dict[str, Any] = {"base_url": ADDRESSES[0], "api_key": KEYS[-2], "models": MODELS[0]}
    for who in _those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.llm_config.set", room.id, **given, refused=PermissionDenied)
        play.call(who, "workspaces.llm_config.delete", room.id, refused=PermissionDenied)


# --- limits ---------------------------------------------------------------------------------------


def _value(name: str, choose: Choose) -> int:
    value: int = choose(BYTES if name in ("max_sandbox_memory", "max_total_memory") else COUNTS)
    return value


@_transition(_has_room)
def an_administrator_overrides_limits(play: Play, choose: Choose) -> None:
    """A merge: what is left out or null stays."""
    room, kept = _room(play, choose), choose(LIMITS)
    given: dict[str, int | None] = {name: _value(name, choose) for name in LIMITS if name != kept}
    for part in (dict(list(given.items())[:2]), {**given, kept: None}, {}, {kept: 3}):
        play.call("admin", "admin.workspaces.quota.set", room.id, **part)
        before: dict[str, int | None] = room.overrides or dict.fromkeys(LIMITS)
        room.overrides = {**before, **{k: v for k, v in part.items() if v is not None}}
        room.overridden.moves()
        play.check_room(room)


@_transition(lambda play: any(room.overrides for room in play.rooms.values()))
def an_administrator_clears_overrides(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: room.overrides is not None)
    for _ in range(2):
        play.call("admin", "admin.workspaces.quota.delete", room.id)
        room.overrides, room.overridden = None, Stamp()


@_transition(_has_room)
def bad_limits_change_nothing(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    for name in LIMITS:
        large = name in ("max_sandbox_memory", "max_total_memory", "max_drive_size")
        for value in (-1, 2**53 if large else 2**31):
            limits: dict[str, Any] = {"max_sandboxes": 7, name: value}
            place = "admin.workspaces.quota.set"
            play.call("admin", place, room.id, **limits, refused=BadRequest)
    for value in BAD_COUNTS:
        play.call(
            *("admin", "admin.workspaces.llm_quota.set", room.id), max_rpd=value, refused=BadRequest
        )
        play.call(
            *("admin", "admin.users.quota.set", play.ids["guest"]),
            max_workspaces=value,
            refused=BadRequest,
        )


@_transition(_has_room)
def two_merge_at_once(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "admin.workspaces.quota.set"
    parts = ({"max_sandboxes": 11}, {"max_sandbox_cpu": 12}, {"max_idle_timeout": 13})
    came = play.at_once(place, [("admin", (room.id,), part) for part in parts])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken(place, "merges of several fields at once are all taken", came)
    merged = {**(room.overrides or dict.fromkeys(LIMITS))}
    for part in parts:
        merged.update(part)
    room.overrides = merged
    room.overridden.moves()


@_transition(_has_room)
def an_administrator_limits_language_models(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "admin.workspaces.llm_quota"
    for value in (choose(COUNTS), None, "left out", choose(COUNTS)):
        given: dict[str, Any] = {} if value == "left out" else {"max_rpd": value}
        play.call("admin", f"{place}.set", room.id, **given)
        room.llm_quota = {"max_rpd": given.get("max_rpd")}
        room.llm_limited.moves()
        play.check_room(room)
    seen = play.call("admin", f"{place}.get", room.id).to_dict()
    who = _one(room, choose, "owner")
    members = play.call(who, "workspaces.get_llm_quota", room.id).to_dict()
    if seen != members or (seen["workspace_quota"] or {}).get("workspace_id") != room.id:
        raise Broken(f"{place}.get", "administrator and members see the same quota", seen)


@_transition(lambda play: any(room.llm_quota for room in play.rooms.values()))
def an_administrator_lifts_the_limit(play: Play, choose: Choose) -> None:
    room = _room(play, choose, lambda room: room.llm_quota is not None)
    for _ in range(2):
        play.call("admin", "admin.workspaces.llm_quota.delete", room.id)
        room.llm_quota, room.llm_limited = None, Stamp()


@_transition()
def an_administrator_overrides_a_quota(play: Play, choose: Choose) -> None:
    """A replacement: left out or null says nothing."""
    name, place = choose(CAST), "admin.users.quota.set"
    for value in (choose(COUNTS), None, choose(COUNTS), "left out"):
        given: dict[str, Any] = {} if value == "left out" else {"max_workspaces": value}
        play.call("admin", place, play.ids[name], **given)
        play.quotas[name] = {"max_workspaces": given.get("max_workspaces")}
        play.check_quota(name)


@_transition()
def an_administrator_clears_a_quota(play: Play, choose: Choose) -> None:
    name = choose(CAST)
    play.call("admin", "admin.users.quota.set", play.ids[name], max_workspaces=choose(COUNTS))
    for _ in range(2):
        play.call("admin", "admin.users.quota.delete", play.ids[name])
        play.quotas[name] = None
        play.check_quota(name)


@_transition()
def a_quota_is_reached(play: Play, choose: Choose) -> None:
    """Whoever owns as many as that may not create one more, until there is room."""
    name, place = "colleague", "workspaces.create"
    limit = play.owns(name)
    if limit == 0:
        return
    play.call("admin", "admin.users.quota.set", play.ids[name], max_workspaces=limit)
    refused = play.call(name, place, name="one too many", refused=QuotaExceeded)
    if (refused.current, refused.max) != (limit, limit):
        raise Broken(place, "the refusal tells the quota", refused)
    play.call("admin", "admin.users.quota.set", play.ids[name], max_workspaces=limit + 2)
    came = play.at_once(place, [(name, (), {"name": f"at once {n}"}) for n in range(5)])
    made = [each for each in came if not isinstance(each, AgentserverError)]
    for each in made:
        play.gone.append(each.id)
        play.call(name, "workspaces.delete", each.id)
    play.quotas[name] = {"max_workspaces": limit + 2}
    late = [each for each in came if isinstance(each, AgentserverError)]
    if len(made) != 2 or any(type(each) is not QuotaExceeded for each in late):
        raise Broken(place, "of five at once two find the room that is left", came)


@_transition(_may_change_defaults)
def an_administrator_sets_defaults(play: Play, choose: Choose) -> None:
    """All that are given or none; the others stay. What everybody may own stays without limit."""
    names = [name for name in play.defaults if name != "max_workspaces_per_user"]
    wanted = {name: choose(COUNTS) for name in choose((names[:1], names[1:3], names))}
    seen = play.call("admin", "admin.quota_defaults.set", **wanted)
    play.defaults.update(wanted)
    if seen.to_dict() != play.defaults:
        raise Broken("admin.quota_defaults.set", "the answer shows all defaults", seen)
    bad = {names[0]: 17, choose(names[1:]): -1}
    play.call("admin", "admin.quota_defaults.set", **bad, refused=BadRequest)
    play.call("admin", "admin.quota_defaults.set")


@_transition(_has_room)
def others_administer_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    name = choose([name for name in CAST if play.roles[name] != "admin"])
    user, refused = play.ids["guest"], PermissionDenied
    play.call(name, "admin.users.list", refused=refused)
    play.call(name, "admin.workspaces.list", refused=refused)
    play.call(name, "admin.sandboxes.list", refused=refused)
    play.call(name, "admin.quota_defaults.get", refused=refused)
    play.call(name, "admin.users.set_role", user, role="admin", refused=refused)
    play.call(name, "admin.users.quota.get", user, refused=refused)
    play.call(name, "admin.users.quota.set", user, max_workspaces=0, refused=refused)
    play.call(name, "admin.users.quota.delete", user, refused=refused)
    for place in ("admin.workspaces.quota", "admin.workspaces.llm_quota"):
        play.call(name, f"{place}.get", room.id, refused=refused)
        play.call(name, f"{place}.set", room.id, refused=refused)
        play.call(name, f"{place}.delete", room.id, refused=refused)


@_transition()
def what_is_unknown_is_told_so_to_administrators(play: Play, choose: Choose) -> None:
    unknown, refused = f"{NO_SUCH}thing", NotFound
    play.call("admin", "admin.users.set_role", unknown, role="user", refused=refused)
    for place in ("admin.users.quota", "admin.workspaces.quota", "admin.workspaces.llm_quota"):
        play.call("admin", f"{place}.get", unknown, refused=refused)
        play.call("admin", f"{place}.set", unknown, refused=refused)
        play.call("admin", f"{place}.delete", unknown, refused=refused)


# --- accounts and sessions ------------------------------------------------------------------------


@_transition()
def somebody_becomes_an_administrator_for_a_while(play: Play, choose: Choose) -> None:
    name, place = choose(CAST), "admin.users.set_role"
    play.call("admin", place, play.ids[name], role="admin")
    play.call(name, "admin.users.list")
    if play.call(name, "auth.me").role != "admin":
        raise Broken("auth.me", "it shows the new role", play.log[-1])
    for role in ("owner", "Admin", ""):
        play.call("admin", place, play.ids[name], role=role, refused=BadRequest)
    play.call("admin", place, play.ids[name], role="user")
    play.call(name, "admin.users.list", refused=PermissionDenied)


@_transition(_administers_alone)
def the_last_administrator_stays(play: Play, choose: Choose) -> None:
    own = play.ids["admin"]
    play.call("admin", "admin.users.set_role", own, role="user", refused=Conflict)
    play.call("admin", "admin.users.set_role", own, role="admin")


@_transition()
def a_session_ends_alone(play: Play, choose: Choose) -> None:
    """Each log-in is a session of its own; logging out ends it on the server too."""
    person = play.people[choose(CAST)]
    email = choose((person.email, f" {person.email.upper()} "))
    sessions = [log_in(play.target, email, person.password) for _ in range(2)]
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


@_transition()
def a_refused_log_in_tells_nothing(play: Play, choose: Choose) -> None:
    nobody, person = play.target.client(), play.people[choose(CAST)]
    attempts = (
        (person.email, "wrong " + person.password[:50]),
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


@_transition()
def a_taken_address_stays_taken(play: Play, choose: Choose) -> None:
    nobody, person = play.target.client(), play.people[choose(CAST)]
    for email in (person.email, person.email.upper(), f"  {person.email} "):
        another = person.password[::-1]
        play.call(nobody, "auth.register", email=email, password=another, refused=Conflict)
    play.call(nobody, "auth.register", email=person.email, password="x" * 73, refused=BadRequest)


@_transition()
def nobody_may_do_anything(play: Play, choose: Choose) -> None:
    nobody = play.target.client(session="0" * 64)
    play.call(nobody, "auth.check", refused=Unauthenticated)
    play.call(nobody, "auth.logout")
    play.call(play.target.client(), "health.check")


# --- the run --------------------------------------------------------------------------------------


def run(
    target: Target,
    people: People,
    contract: Contract,
    *,
    seed: int,
    runs: int = RUNS,
    steps: int = STEPS,
    allow_global: bool = True,
    tick: Callable[[], None] | None = None,
) -> LayerResult:
    """Let people act, and hold the server to the model.

    Args:
        target: The server.
        people: Who acts.
        contract: Whose operations they call.
        seed: Makes the same steps again.
        runs: How often the state machine starts anew.
        steps: How many steps it then takes.
        allow_global: Whether settings that concern everybody may be changed, and are put back.
        tick: Turns the server's clock on, where it can be had.
    """
    result = LayerResult(NAME, seed=seed)
    started = time.monotonic()

    def begin() -> Play:
        return Play(target, people, contract, result, allow_global, tick)

    for play_through in (_each_once, _at_random):
        play = None
        try:
            play_through(begin, seed, runs, steps)
        except _Failed as failed:
            play = failed.play
            result.add(_finding(failed.play, failed.broken, seed))
        if play is not None:
            break
    result.seconds = time.monotonic() - started
    return result


class _Failed(Exception):
    """A play came to a step that broke the model."""

    def __init__(self, play: Play, broken: Broken) -> None:
        super().__init__(broken.promise)
        self.play = play
        self.broken = broken


def _step(play: Play, name: str, choose: Choose) -> None:
    play.log.append(f"# {name.replace('_', ' ')}")
    try:
        TRANSITIONS[name].happen(play, choose)
        play.check()
    except Broken as broken:
        raise _Failed(play, broken) from None


def _opened(begin: Callable[[], Play]) -> Play:
    play = begin()
    try:
        _create(play, "owner", "Model workspace")
    except Broken as broken:
        raise _Failed(play, broken) from None
    return play


def _each_once(begin: Callable[[], Play], seed: int, runs: int, steps: int) -> None:
    """Every transition once, those that can happen first."""
    chance = random.Random(seed)  # noqa: S311 - what it decides is no secret
    play = _opened(begin)
    try:
        waiting = list(TRANSITIONS)
        chance.shuffle(waiting)
        while ready := [name for name in waiting if TRANSITIONS[name].can(play)]:
            waiting.remove(ready[0])
            _step(play, ready[0], chance.choice)
    finally:
        play.end()


def _at_random(begin: Callable[[], Play], seed: int, runs: int, steps: int) -> None:
    """The state machine: any transition that can happen, in any order."""
    if runs == 0:
        return
    machine = hypothesis.seed(seed)(_machine(begin))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _machine(begin: Callable[[], Play]) -> type[RuleBasedStateMachine]:
    """A state machine with one rule for each transition."""

    def start(self: Any) -> None:
        RuleBasedStateMachine.__init__(self)
        self.play = _opened(begin)

    def teardown(self: Any) -> None:
        self.play.end()

    def as_rule(name: str) -> Any:
        def step(self: Any, data: st.DataObject) -> None:
            _step(self.play, name, lambda options: data.draw(st.sampled_from(list(options))))

        step.__name__ = name
        can = TRANSITIONS[name].can
        return precondition(lambda self: can(self.play))(rule(data=st.data())(step))

    members = {name: as_rule(name) for name in TRANSITIONS}
    return type(
        "Model", (RuleBasedStateMachine,), {**members, "__init__": start, "teardown": teardown}
    )


def _finding(play: Play, broken: Broken, seed: int) -> Finding:
    operation = play.operation(broken.place)
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=broken.promise,
        contract=operation.pointer,
        detail="after these steps:\n" + "\n".join(play.log[-_SHOWN_STEPS:]),
        sent=play.log[-1],
        came=str(broken.came),
        replay=f"nox -s contract -- contract_tests/tests/test_model.py --seed {seed}",
    )
