"""A reference model: what people do through the SDK, against what a server should make of it.

A transition is a function here, legal or not, and says when it can happen. First each happens once
in an order that the seed gives, so that none waits for chance; then a Hypothesis state machine
lets them happen in any order. After each, everything is read back as everybody. Steps are not
shrunk: a step takes milliseconds, a shrunk failure minutes, and the log of steps is there.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
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
from agentserver_contract.guard import NO_SUCH, Refused
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
from agentserver_contract.people import ABSENT, CannotPrepare, People, email_of, log_in
from agentserver_contract.target import Target
from agentserver_contract.validation import MAX_BODY_BYTES, MAX_NESTING

NAME = "model"
RUNS = 3
STEPS = 20
_SHOWN_STEPS = 30
_MOST_ROOMS = 3

T = TypeVar("T")
Choose = Callable[[Sequence[Any]], Any]
"""Takes one of several."""

NAMES = (
    "e\u0301 decomposed",
    "漢" * 255,
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
KEYS = ("k", "12345678", "é" * 8, "123456789", "sk-0123456789abcdef", "s" * 4096)
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
    [{"id": f"m{number}", "name": f"Model {number}"} for number in range(100)],
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
    _allow_one_more(play, who)
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
    place, known = "workspaces.members.add", play.people[whom].email
    for email, role in ((known, None), (f"  {known.upper()} ", choose(ROLES[:-1]))):
        given: dict[str, Any] = {} if role is None else {"role": role}
        added = play.call(who, place, room.id, email=email, **given)
        room.members[whom] = role or "developer"
        if (added.user_id, added.email, added.role) != (play.ids[whom], known, room.members[whom]):
            raise Broken(place, "the answer shows the new member", added)
        play.check_room(room)
        if role is None:
            owner = _one(room, choose, "owner")
            play.call(owner, "workspaces.members.remove", room.id, play.ids[whom])
            del room.members[whom]


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


@_transition(lambda play: any(len(room.members) > 1 for room in play.rooms.values()))
def a_founder_steps_down(play: Play, choose: Choose) -> None:
    """And is an owner again afterwards: the owner that is shown is one, whoever came first."""
    room = _room(play, choose, lambda room: len(room.members) > 1)
    place, founder = "workspaces.members.set_role", next(iter(room.members))
    heir = choose([name for name in room.members if name != founder])
    if room.members[founder] != "owner":
        founder, heir = heir, founder
    who = _one(room, choose, "owner")
    for name, role in ((heir, "owner"), (founder, "guest"), (founder, "owner")):
        by = who if name == heir else heir
        play.call(by, place, room.id, play.ids[name], role=role)
        room.members[name] = role
        play.check()


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
    if room.config is not None:
        play.call(who, "workspaces.llm_config.delete", room.id)
        room.config, room.configured = None, Stamp()
    for key in KEYS:
        config = Config(choose(ADDRESSES), key, MODELS[KEYS.index(key) % len(MODELS)])
        given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
        if room.config is None:
            play.call(who, place, room.id, **given, refused=BadRequest)  # a first one needs a key
        play.call(who, place, room.id, **given, api_key=config.api_key)
        room.config = config
        room.configured.moves()
        play.check_room(room)
        seen = play.call(who, "workspaces.llm_config.get", room.id)
        if [{"id": each.id, "name": each.name} for each in seen.models] != config.models:
            raise Broken(
                "workspaces.llm_config.get", "the models, in order, repeated ones too", seen
            )


@_transition(_has_room)
def the_stored_key_stays(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    who = _one(room, choose, "owner", "maintainer")
    _configure(play, room, who, Config(ADDRESSES[0], "sk-kept-0123", MODELS[0]))
    config = Config(choose(ADDRESSES), "sk-kept-0123", choose(MODELS))
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    play.call(who, "workspaces.llm_config.set", room.id, **given)
    room.config = config
    room.configured.moves()


@_transition(_has_room)
def two_set_the_endpoint_at_once(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "workspaces.llm_config.set"
    who = _one(room, choose, "owner", "maintainer")
    either = [
        Config(ADDRESSES[0], "sk-one-of-two-1111", MODELS[1]),
        Config(ADDRESSES[1], "sk-two-of-two-2222", MODELS[2]),
    ]
    _configure(play, room, who, Config(ADDRESSES[2], "sk-before-both-0000", MODELS[1]))
    calls = [
        (c.base_url, {"base_url": c.base_url, "api_key": c.api_key, "models": c.models})
        for c in either
    ]
    came = play.at_once(place, [(who, (room.id,), given) for _, given in calls])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken(place, "both who set it at once are answered", came)
    seen = play.call(who, "workspaces.llm_config.get", room.id)
    room.config = next((c for c in either if c.base_url == seen.base_url), either[0])
    room.configured.moves()


def _configure(play: Play, room: Room, who: str, config: Config) -> None:
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    play.call(who, "workspaces.llm_config.set", room.id, **given, api_key=config.api_key)
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


@_transition(_has_room)
def a_maintainer_removes_the_endpoint(play: Play, choose: Choose) -> None:
    """Of each workspace in turn, while the others keep theirs."""
    for room in play.rooms.values():
        who = _one(room, choose, "owner", "maintainer")
        for _ in range(2):  # the second time there is nothing left to do
            play.call(who, "workspaces.llm_config.delete", room.id)
            room.config, room.configured = None, Stamp()
        play.check()
        _configure(play, room, who, Config(choose(ADDRESSES), choose(KEYS), choose(MODELS)))


@_transition(_has_room)
def others_touch_the_endpoint_in_vain(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    given: dict[str, Any] = {"base_url": ADDRESSES[0], "api_key": KEYS[-2], "models": MODELS[0]}
    for who in _those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.llm_config.set", room.id, **given, refused=PermissionDenied)
        play.call(who, "workspaces.llm_config.delete", room.id, refused=PermissionDenied)


# --- limits ---------------------------------------------------------------------------------------


def _bytes_or_counts(name: str) -> tuple[int, ...]:
    return BYTES if name in ("max_sandbox_memory", "max_total_memory", "max_drive_size") else COUNTS


def _value(name: str, choose: Choose) -> int:
    value: int = choose(_bytes_or_counts(name))
    return value


@_transition(_has_room)
def an_administrator_overrides_limits(play: Play, choose: Choose) -> None:
    """A merge: what is left out or null stays."""
    room, kept = _room(play, choose), choose(LIMITS)
    given: dict[str, int | None] = {name: _value(name, choose) for name in LIMITS if name != kept}
    greatest = {name: _bytes_or_counts(name)[-1] for name in LIMITS}
    least = dict.fromkeys(LIMITS, 0)
    few: dict[str, Any] = dict(list(given.items())[:2])
    for part in (few, {**given, kept: None}, {}, {kept: 3}, greatest, least, few):
        fields: dict[str, Any] = {**part}
        play.call("admin", "admin.workspaces.quota.set", room.id, **fields)
        before: dict[str, int | None] = room.overrides or dict.fromkeys(LIMITS)
        room.overrides = {**before, **{k: v for k, v in part.items() if v is not None}}
        room.overridden.moves()
        play.check_room(room)


@_transition(_has_room)
def an_administrator_clears_overrides(play: Play, choose: Choose) -> None:
    """Of each workspace in turn, while the others keep theirs."""
    for room in play.rooms.values():
        for _ in range(2):
            play.call("admin", "admin.workspaces.quota.delete", room.id)
            room.overrides, room.overridden = None, Stamp()
        play.check()
        _limit(play, room, choose)


def _limit(play: Play, room: Room, choose: Choose) -> None:
    limits: dict[str, Any] = {name: _value(name, choose) for name in LIMITS}
    play.call("admin", "admin.workspaces.quota.set", room.id, **limits)
    room.overrides = limits
    room.overridden.moves()
    requests = choose(COUNTS)
    play.call("admin", "admin.workspaces.llm_quota.set", room.id, max_rpd=requests)
    room.llm_quota = {"max_rpd": requests}
    room.llm_limited.moves()


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
    for value in (*COUNTS, None, choose(COUNTS), "left out", choose(COUNTS)):
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


@_transition(_has_room)
def an_administrator_lifts_the_limit(play: Play, choose: Choose) -> None:
    """Of each workspace in turn, while the others keep theirs."""
    for room in play.rooms.values():
        for _ in range(2):
            play.call("admin", "admin.workspaces.llm_quota.delete", room.id)
            room.llm_quota, room.llm_limited = None, Stamp()
        play.check()
        _limit(play, room, choose)


@_transition()
def an_administrator_overrides_a_quota(play: Play, choose: Choose) -> None:
    """A replacement: left out or null says nothing."""
    name = choose(CAST)
    for value in (*COUNTS, None, choose(COUNTS), "left out", choose(COUNTS)):
        _allow(play, name, {} if value == "left out" else {"max_workspaces": value})
        play.check_quota(name)


@_transition()
def an_administrator_clears_a_quota(play: Play, choose: Choose) -> None:
    """Everybody's in turn, while the others keep theirs."""
    for name in CAST:
        _allow(play, name, {"max_workspaces": choose(COUNTS[2:])})
    for name in CAST:
        for _ in range(2):
            play.call("admin", "admin.users.quota.delete", play.ids[name])
            play.quotas[name], play.limited[name] = None, Stamp()
        for other in CAST:
            play.check_quota(other)
        _allow(play, name, {"max_workspaces": choose(COUNTS[2:])})


def _allow(play: Play, name: str, given: dict[str, Any]) -> None:
    play.call("admin", "admin.users.quota.set", play.ids[name], **given)
    play.quotas[name] = {"max_workspaces": given.get("max_workspaces")}
    play.limited[name].moves()


def _allow_one_more(play: Play, name: str) -> None:
    """Lift a limit that an earlier step, or the server's default, has set too low."""
    override = (play.quotas[name] or {}).get("max_workspaces")
    limit = play.defaults["max_workspaces_per_user"] if override is None else override
    if limit and play.owns(name) >= limit:
        _allow(play, name, {"max_workspaces": 0})


@_transition()
def a_quota_is_reached(play: Play, choose: Choose) -> None:
    """Whoever owns as many as that may not create one more, until there is room."""
    name, place = "colleague", "workspaces.create"
    limit = play.owns(name)
    if limit == 0:
        return
    _allow(play, name, {"max_workspaces": limit})
    refused = play.call(name, place, name="one too many", refused=QuotaExceeded)
    if (refused.current, refused.max) != (limit, limit):
        raise Broken(place, "the refusal tells the quota", refused)
    _allow(play, name, {"max_workspaces": limit + 2})
    came = play.at_once(place, [(name, (), {"name": f"at once {n}"}) for n in range(5)])
    made = [each for each in came if not isinstance(each, AgentserverError)]
    for each in made:
        play.gone.append(each.id)
        play.call(name, "workspaces.delete", each.id)
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


@_transition(_may_change_defaults)
def a_quota_has_layers(play: Play, choose: Choose) -> None:
    """An override counts before the default, whether it is larger, smaller, or without limit."""
    name, kept = "colleague", play.defaults["max_workspaces_per_user"]
    while play.owns(name) < 2:
        _create(play, name, "for the quota")
    owned, create = play.owns(name), "workspaces.create"
    for default, override, may in (
        (owned + 5, owned, False),  # a smaller override
        (1, owned + 1, True),  # a larger one
        (1, 0, True),  # one without limit
        (1, None, False),  # one that says nothing: owned is over the limit
        (0, None, True),
    ):
        play.call("admin", "admin.quota_defaults.set", max_workspaces_per_user=default)
        play.defaults["max_workspaces_per_user"] = default
        _allow(play, name, {"max_workspaces": override})
        play.check_quota(name)
        limit = default if override is None else override
        if may:
            made = play.call(name, create, name="room for one more")
            play.gone.append(made.id)
            play.call(name, "workspaces.delete", made.id)
            continue
        refused = play.call(name, create, name="one too many", refused=QuotaExceeded)
        if (refused.current, refused.max) != (owned, limit):
            raise Broken(create, f"the refusal tells {owned} of {limit}", refused)
    play.call("admin", "admin.quota_defaults.set", max_workspaces_per_user=kept)
    play.defaults["max_workspaces_per_user"] = kept


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


@_transition(_administers_alone)
def the_last_administrator_stays(play: Play, choose: Choose) -> None:
    own = play.ids["admin"]
    play.call("admin", "admin.users.set_role", own, role="user", refused=Conflict)
    play.call("admin", "admin.users.set_role", own, role="admin")


@_transition()
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


@_transition()
def a_refused_log_in_tells_nothing(play: Play, choose: Choose) -> None:
    nobody, person = play.target.client(), play.people[choose(CAST)]
    attempts = (
        (person.email, "wrong " + person.password[:50]),
        (person.email, person.password[:-1]),
        (person.email, person.password + "x"),
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


@_transition(lambda play: len(play.rooms) < _MOST_ROOMS)
def names_are_kept_as_given(play: Play, choose: Choose) -> None:
    _allow_one_more(play, "outsider")
    for name in NAMES:
        made = play.call("outsider", "workspaces.create", name=name)
        seen = play.call("outsider", "workspaces.get", made.id)
        renamed = play.call("outsider", "workspaces.rename", made.id, name=name[::-1])
        again = play.call("outsider", "workspaces.get", made.id)
        play.gone.append(made.id)
        play.call("outsider", "workspaces.delete", made.id)
        for given, shown in ((name, (made, seen)), (name[::-1], (renamed, again))):
            if any(each.name != given for each in shown):
                raise Broken("workspaces.get", f"the name {given!r} is kept as given", shown)


@_transition(_has_room)
def an_unknown_workspace_is_like_one_of_others(play: Play, choose: Choose) -> None:
    room = _room(play, choose)
    unknown = f"{NO_SUCH}workspace"
    for place in ("workspaces.get", "workspaces.members.list", "workspaces.get_defaults"):
        told = {
            play.call("outsider", place, workspace_id, refused=PermissionDenied).message
            for workspace_id in (room.id, unknown)
        }
        if len(told) != 1:
            raise Broken(place, "an unknown workspace is refused as one of others is", told)


# --- requests that the SDK does not make ----------------------------------------------------------


@_transition(_has_room)
def bodies_are_read_as_promised(play: Play, choose: Choose) -> None:
    """Media types, sizes, depth, repeated and unknown keys."""
    room, place = _room(play, choose), "workspaces.rename"
    who, target = _one(room, choose, "owner"), f"/api/workspaces/{room.id}"
    body = b'{"name": "raw"}'
    for media_type in ("", "application/json; charset=utf-8", "Application/JSON"):
        play.raw(place, who, target, body, headers={"content-type": media_type}, status=200)
    for media_type in ("text/plain", "application/merge-patch+json", "application/jsonx"):
        play.raw(place, who, target, body, headers={"content-type": media_type}, status=415)
    start, end = b'{"name": "raw", "padding": "', b'"}'
    for size, status in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)):
        padding = b"x" * (size - len(start) - len(end))
        play.raw(place, who, target, start + padding + end, status=status)
    for depth, status in ((MAX_NESTING - 1, 200), (MAX_NESTING, 400)):
        nested = b"[" * depth + b"]" * depth
        play.raw(place, who, target, b'{"name": "raw", "padding": ' + nested + b"}", status=status)
    twice = b'{"name": "first", "name": "last", "Name": "other", "id": "mine", "role": "admin"}'
    for text, status in ((b'{"Name": "x"}', 400), (b'{"name": "\\ud800"}', 400), (twice, 200)):
        play.raw(place, who, target, text, status=status)
    room.name = "last"
    room.renamed.moves()


@_transition(_has_room)
def an_id_is_the_servers_to_give(play: Play, choose: Choose) -> None:
    _allow_one_more(play, "outsider")
    place = "workspaces.create"
    body = b'{"name": "mine", "id": "mine", "created_at": "2000-01-01T00:00:00Z", "owner": "x"}'
    made = play.raw(place, "outsider", "/api/workspaces", body, status=201).json()
    play.gone.append(made["id"])
    play.call("outsider", "workspaces.delete", made["id"])
    if made["id"] == "mine" or made["created_at"].startswith("2000"):
        raise Broken(place, "fields that the contract does not know are ignored", made)


@_transition(_has_room)
def whole_numbers_stay_whole(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "admin.workspaces.quota.set"
    target = f"/api/admin/workspaces/{room.id}/quota"
    play.raw(place, "admin", target, b'{"max_sandboxes": 7.0, "max_total_cpu": 1e2}', status=204)
    room.overrides = (room.overrides or dict.fromkeys(LIMITS)) | {
        "max_sandboxes": 7,
        "max_total_cpu": 100,
    }
    room.overridden.moves()
    shown = play.raw("admin.workspaces.quota.get", "admin", target, status=200)
    if b".0" in shown.body:
        raise Broken("admin.workspaces.quota.get", "a whole number is shown as one", shown.body)
    play.raw(place, "admin", target, b'{"max_sandboxes": 7.5}', status=400)


@_transition(_has_room)
def paths_are_read_as_promised(play: Play, choose: Choose) -> None:
    room, place = _room(play, choose), "workspaces.get"
    who = _one(room, choose, "owner")
    encoded = f"%{ord(room.id[0]):02X}{room.id[1:]}"
    play.raw(place, who, f"/api/workspaces/{encoded}", status=200)
    for odd in (f"{room.id}%2Fmembers", f"{room.id}%00", "%FF", "%2E%2E", "x" * 3000):
        play.raw(place, who, f"/api/workspaces/{odd}", status=403)
    for unknown in (f"{room.id}/", f"{room.id}/nothing", "/members", f"{room.id}//members"):
        play.raw(place, who, f"/api/workspaces/{unknown}", status=404)
    answer = play.raw(place, who, f"/api/workspaces/{room.id}", method="PUT", status=405)
    if sorted((answer.header("allow") or "").split(", ")) != ["DELETE", "GET", "PATCH"]:
        raise Broken(place, "Allow names what the path takes", answer.as_text())
    play.raw(place, who, f"/api/workspaces/{room.id}", method="HEAD", status=405)


@_transition()
def every_answer_has_a_request_id(play: Play, choose: Choose) -> None:
    place, seen = "auth.me", []
    own = "own-id_1.~X"
    for given in (own, "x" * 128, "", "", "with blank", "x" * 129, 'quote"'):
        for who, status in (("owner", 200), (None, 401)):
            answer = play.raw(
                place, who, "/api/auth/me", headers={"x-request-id": given}, status=status
            )
            came = answer.header("x-request-id") or ""
            sane = bool(re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", given))
            if (came == given) != sane or not came:
                raise Broken(place, f"X-Request-Id {given!r} is kept if it is sane", came)
            if answer.header("x-content-type-options") != "nosniff":
                raise Broken(place, "every answer is nosniff", answer.as_text())
            seen += [] if sane else [came]
    if len(set(seen)) != len(seen):
        raise Broken(place, "a new X-Request-Id is new", seen)


@_transition()
def a_password_is_bounded_in_bytes(play: Play, choose: Choose) -> None:
    person, place = play.people[choose(CAST)], "auth.register"
    for password, refused in (("é" * 36, Conflict), ("é" * 37, BadRequest), ("a\0", BadRequest)):
        nobody = play.target.client()
        play.call(nobody, place, email=person.email, password=password, refused=refused)


@_transition(lambda play: play.target.guard is None)
def somebody_new_registers(play: Play, choose: Choose) -> None:
    """Only where accounts may be left behind: nothing removes one."""
    number = f"{len(play.known)}-{play.result.cases.total()}"
    given, password = f"New.Person-{number}@Contract.Example", "x" * 72
    body = json.dumps({"email": f" {given}  ", "password": password, "role": "admin", "id": "mine"})
    place = "auth.register"
    made = play.raw(place, None, "/api/auth/register", body.encode(), status=201)
    if made.json().get("email") != given or made.header("set-cookie") is not None:
        raise Broken(place, "the address is trimmed and shown as given; no session", made.as_text())
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
            raise Broken(place, f"the address is shown as given, {given}", shown)
    play.call(client, "workspaces.delete", workspaces[0].id)


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

    try:
        for failed in _each_once(begin, seed):
            result.add(_finding(failed, seed))
        if result.holds:
            _at_random(begin, seed, runs, steps)
    except _Failed as failed:
        result.add(_finding(failed, seed))
    result.seconds = time.monotonic() - started
    return result


class _Failed(Exception):
    """A play came to a step that broke the model."""

    def __init__(self, play: Play, broken: Broken, step: str) -> None:
        super().__init__(broken.promise)
        self.play = play
        self.broken = broken
        self.step = step


def _step(play: Play, name: str, choose: Choose) -> None:
    play.log.append(f"# {name.replace('_', ' ')}")
    try:
        TRANSITIONS[name].happen(play, choose)
        play.check()
    except Broken as broken:
        raise _Failed(play, broken, name) from None
    except CannotPrepare as error:
        refused = Broken("auth.login", "everybody of the run can log in", error)
        raise _Failed(play, refused, name) from None
    except Refused as reason:
        play.result.not_run[name.replace("_", " ")] = str(reason)


def _opened(begin: Callable[[], Play]) -> Play:
    play = begin()
    try:
        # Two, whose names are in another order than their age: what holds for one may not for both.
        chance = random.Random(0)  # noqa: S311 - what it decides is no secret
        for who, name, key in (("owner", "Zebra", "sk-zebra"), ("colleague", "Aardvark", "sk-ant")):
            room = _create(play, who, name)
            _configure(play, room, who, Config(ADDRESSES[0], f"{key}-0123456789", MODELS[1]))
            _limit(play, room, chance.choice)
        for name in CAST:
            if (play.quotas[name] or {}).get("max_workspaces") is None:
                _allow(play, name, {"max_workspaces": 2**31 - 2})
    except Broken as broken:
        raise _Failed(play, broken, "the beginning") from None
    return play


def _each_once(begin: Callable[[], Play], seed: int) -> Iterator[_Failed]:
    """Every transition once, those that can happen first; after one that fails on new ground."""
    chance = random.Random(seed)  # noqa: S311 - what it decides is no secret
    play = _opened(begin)
    try:
        waiting = list(TRANSITIONS)
        chance.shuffle(waiting)
        while ready := [name for name in waiting if TRANSITIONS[name].can(play)]:
            waiting.remove(ready[0])
            try:
                _step(play, ready[0], chance.choice)
            except _Failed as failed:
                yield failed
                play.end()
                play = _opened(begin)
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
            suppress_health_check=tuple(HealthCheck.__members__.values()),
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


def _finding(failed: _Failed, seed: int) -> Finding:
    play, broken = failed.play, failed.broken
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
        check=failed.step,
    )
