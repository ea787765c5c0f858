"""Administrators set limits, and people run into them."""

from __future__ import annotations

from typing import Any

from agentserver import AgentserverError, BadRequest, NotFound, PermissionDenied, QuotaExceeded
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import (
    Choose,
    a_room,
    has_room,
    has_rooms,
    may_change_defaults,
    one_of,
    transition,
)
from agentserver_contract.model.readback import check, check_quota, check_room
from agentserver_contract.model.run import Play
from agentserver_contract.model.setup import allow, create, limit, value_of, values_of
from agentserver_contract.model.state import CAST, LIMITS, Broken, Stamp
from agentserver_contract.model.values import BAD_COUNTS, COUNTS


@transition(has_room)
def an_administrator_overrides_limits(play: Play, choose: Choose) -> None:
    """A merge: what is left out or null stays."""
    room, kept = a_room(play, choose), choose(LIMITS)
    given: dict[str, Any] = {name: value_of(name, choose) for name in LIMITS if name != kept}
    greatest: dict[str, Any] = {name: values_of(name)[-1] for name in LIMITS}
    least: dict[str, Any] = dict.fromkeys(LIMITS, 0)
    few: dict[str, Any] = dict(list(given.items())[:2])
    parts: tuple[dict[str, Any], ...] = (
        *(few, {**given, kept: None}, {}, {kept: 3}),
        *(greatest, dict.fromkeys(LIMITS), least, dict.fromkeys(LIMITS), few),
    )
    for part in parts:
        play.call("admin", "admin.workspaces.quota.set", room.id, **part)
        before: dict[str, int | None] = room.overrides or dict.fromkeys(LIMITS)
        room.overrides = {**before, **{k: v for k, v in part.items() if v is not None}}
        room.overridden.moves()
        check_room(play, room)


@transition(has_rooms)
def an_administrator_clears_overrides(play: Play, choose: Choose) -> None:
    """Of each workspace in turn, while the others keep theirs."""
    for room in play.rooms.values():
        limit(play, room, choose)
    for room in play.rooms.values():
        for _ in range(2):
            play.call("admin", "admin.workspaces.quota.delete", room.id)
            room.overrides, room.overridden = None, Stamp()
        check(play)
        limit(play, room, choose)


@transition(has_room)
def bad_limits_change_nothing(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
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


@transition(has_room)
def two_merge_at_once(play: Play, choose: Choose) -> None:
    room, place = a_room(play, choose), "admin.workspaces.quota.set"
    parts = ({"max_sandboxes": 11}, {"max_sandbox_cpu": 12}, {"max_idle_timeout": 13})
    came = play.at_once(place, [("admin", (room.id,), part) for part in parts])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken(place, "merges of several fields at once are all taken", came)
    merged = {**(room.overrides or dict.fromkeys(LIMITS))}
    for part in parts:
        merged.update(part)
    room.overrides = merged
    room.overridden.moves()


@transition(has_room)
def an_administrator_limits_language_models(play: Play, choose: Choose) -> None:
    room, place = a_room(play, choose), "admin.workspaces.llm_quota"
    for value in (*COUNTS, None, choose(COUNTS), "left out", choose(COUNTS)):
        given: dict[str, Any] = {} if value == "left out" else {"max_rpd": value}
        play.call("admin", f"{place}.set", room.id, **given)
        room.llm_quota = {"max_rpd": given.get("max_rpd")}
        room.llm_limited.moves()
        check_room(play, room)
    seen = play.call("admin", f"{place}.get", room.id).to_dict()
    who = one_of(room, choose, "owner")
    members = play.call(who, "workspaces.get_llm_quota", room.id).to_dict()
    if seen != members or (seen["workspace_quota"] or {}).get("workspace_id") != room.id:
        raise Broken(f"{place}.get", "administrator and members see the same quota", seen)


@transition(has_rooms)
def an_administrator_lifts_the_limit(play: Play, choose: Choose) -> None:
    """Of each workspace in turn, while the others keep theirs."""
    for room in play.rooms.values():
        limit(play, room, choose)
    for room in play.rooms.values():
        for _ in range(2):
            play.call("admin", "admin.workspaces.llm_quota.delete", room.id)
            room.llm_quota, room.llm_limited = None, Stamp()
        check(play)
        limit(play, room, choose)


@transition()
def an_administrator_overrides_a_quota(play: Play, choose: Choose) -> None:
    """A replacement: left out or null says nothing."""
    name = choose(CAST)
    for value in (*COUNTS, None, choose(COUNTS), "left out", choose(COUNTS)):
        allow(play, name, {} if value == "left out" else {"max_workspaces": value})
        check_quota(play, name)


@transition()
def an_administrator_clears_a_quota(play: Play, choose: Choose) -> None:
    """Everybody's in turn, while the others keep theirs."""
    for name in CAST:
        allow(play, name, {"max_workspaces": choose(COUNTS[2:])})
    for name in CAST:
        for _ in range(2):
            play.call("admin", "admin.users.quota.delete", play.ids[name])
            play.quotas[name], play.limited[name] = None, Stamp()
        for other in CAST:
            check_quota(play, other)
        allow(play, name, {"max_workspaces": choose(COUNTS[2:])})


@transition()
def a_quota_is_reached(play: Play, choose: Choose) -> None:
    """Whoever owns as many as that may not create one more, until there is room."""
    name, place = "colleague", "workspaces.create"
    limit = play.owns(name)
    if limit == 0:
        return
    allow(play, name, {"max_workspaces": limit})
    refused = play.call(name, place, name="one too many", refused=QuotaExceeded)
    if (refused.current, refused.max) != (limit, limit):
        raise Broken(place, "the refusal tells the quota", refused)
    allow(play, name, {"max_workspaces": limit + 2})
    came = play.at_once(place, [(name, (), {"name": f"at once {n}"}) for n in range(5)])
    made = [each for each in came if not isinstance(each, AgentserverError)]
    for each in made:
        play.gone.append(each.id)
        play.call(name, "workspaces.delete", each.id)
    late = [each for each in came if isinstance(each, AgentserverError)]
    if len(made) != 2 or any(type(each) is not QuotaExceeded for each in late):
        raise Broken(place, "of five at once two find the room that is left", came)


@transition(may_change_defaults)
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


@transition(may_change_defaults)
def a_quota_has_layers(play: Play, choose: Choose) -> None:
    """An override counts before the default, whether it is larger, smaller, or without limit."""
    name, kept = "colleague", play.defaults["max_workspaces_per_user"]
    while play.owns(name) < 2:
        create(play, name, "for the quota")
    owned, place = play.owns(name), "workspaces.create"
    for default, override, may in (
        (owned + 5, owned, False),  # a smaller override
        (1, owned + 1, True),  # a larger one
        (1, 0, True),  # one without limit
        (1, None, False),  # one that says nothing: owned is over the limit
        (0, None, True),
    ):
        play.call("admin", "admin.quota_defaults.set", max_workspaces_per_user=default)
        play.defaults["max_workspaces_per_user"] = default
        allow(play, name, {"max_workspaces": override})
        check_quota(play, name)
        limit = default if override is None else override
        if may:
            made = play.call(name, place, name="room for one more")
            play.gone.append(made.id)
            play.call(name, "workspaces.delete", made.id)
            continue
        refused = play.call(name, place, name="one too many", refused=QuotaExceeded)
        if (refused.current, refused.max) != (owned, limit):
            raise Broken(place, "the refusal tells the quota", refused)
    play.call("admin", "admin.quota_defaults.set", max_workspaces_per_user=kept)
    play.defaults["max_workspaces_per_user"] = kept


@transition(has_room)
def others_administer_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
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


@transition()
def what_is_unknown_is_told_so_to_administrators(play: Play, choose: Choose) -> None:
    unknown, refused = f"{NO_SUCH}thing", NotFound
    play.call("admin", "admin.users.set_role", unknown, role="user", refused=refused)
    for place in ("admin.users.quota", "admin.workspaces.quota", "admin.workspaces.llm_quota"):
        play.call("admin", f"{place}.get", unknown, refused=refused)
        play.call("admin", f"{place}.set", unknown, refused=refused)
        play.call("admin", f"{place}.delete", unknown, refused=refused)


def _two_at_once(play: Play, place: str, args: tuple[Any, ...], changes: list[Any]) -> None:
    """As administrator, each taken; what holds afterwards is read from the server."""
    came = play.at_once(place, [("admin", args, change) for change in changes])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken(place, "changes at once are all taken", came)


@transition(has_room)
def of_two_limits_at_once_one_holds(play: Play, choose: Choose) -> None:
    room, name = a_room(play, choose), choose(CAST)
    _two_at_once(
        *(play, "admin.users.quota.set", (play.ids[name],)),
        [{"max_workspaces": 101}, {"max_workspaces": 102}],
    )
    seen = play.call("admin", "admin.users.quota.get", play.ids[name]).to_dict()["overrides"]
    play.quotas[name] = {"max_workspaces": 102 if (seen or {})["max_workspaces"] == 102 else 101}
    play.limited[name].moves()
    check_quota(play, name)
    _two_at_once(
        *(play, "admin.workspaces.llm_quota.set", (room.id,)), [{"max_rpd": 103}, {"max_rpd": 104}]
    )
    part = play.call("admin", "admin.workspaces.llm_quota.get", room.id).workspace_quota
    room.llm_quota = {"max_rpd": 104 if part and part.max_rpd == 104 else 103}
    room.llm_limited.moves()


@transition(may_change_defaults)
def several_set_defaults_at_once(play: Play, choose: Choose) -> None:
    parts = [{"max_sandbox_cpu": 21}, {"max_idle_timeout": 22}, {"ws_max_total_cpu": 23}]
    _two_at_once(play, "admin.quota_defaults.set", (), parts)
    for part in parts:
        play.defaults.update(part)
