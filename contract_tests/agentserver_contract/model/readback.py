"""Everything on a server, read back as everybody, and compared with what should be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from agentserver import AgentserverError, NotFound, PermissionDenied
from agentserver_contract.model.run import Play, shown
from agentserver_contract.model.state import (
    CAST,
    DEFAULT_OF,
    LIMITS,
    ROLES,
    Broken,
    Room,
    Stamp,
)


def look_around(play: Play) -> None:
    """Learn what is there from before, which stays. Raises Broken."""
    play.defaults = dict(_must(play, "admin", "admin.quota_defaults.get").to_dict())
    play.first_defaults = dict(play.defaults)
    for name in CAST:
        kept = _must(play, "admin", "admin.users.quota.get", play.ids[name]).overrides
        play.quotas[name] = None if kept is None else {"max_workspaces": kept.max_workspaces}
        play.roles[name] = _must(play, name, "auth.me").role.value
        play.elsewhere[name] = [each.id for each in _must(play, name, "workspaces.list")]
        quota = _must(play, name, "workspaces.get_creation_quota")
        play.owned_elsewhere[name] = quota.current
    play.first_quotas = dict(play.quotas)
    _check_beginning(play)


def check(play: Play) -> None:
    """Read everything back, as everybody. Raises Broken at the first difference."""
    for room in play.rooms.values():
        _check_access(play, room)
        check_room(play, room)
    for name in CAST:
        _check_list(play, name)
        check_quota(play, name)
    _check_administration(play)


def _check_beginning(play: Play) -> None:
    """What is somebody's from before is theirs. Raises Broken."""
    for name, found in play.elsewhere.items():
        for workspace_id in found:
            place = "workspaces.members.list"
            members = [each.user_id for each in _must(play, name, place, workspace_id)]
            place = "workspaces.list"
            _expect(place, "a member is one", True, play.ids[name] in members)


def _check_access(play: Play, room: Room) -> None:
    place = "workspaces.get"
    for name in CAST:
        seen = play.outcome(play.clients[name], place, room.id)
        if name not in room.members:
            _expect(place, "only a member may", PermissionDenied, type(seen), of=name)
            continue
        if isinstance(seen, AgentserverError):
            raise Broken(place, "every member may", f"{name}: {seen}")
        _check_identity(play, place, room, seen)


def _check_identity(play: Play, place: str, room: Room, seen: Any) -> None:
    """What every view of a workspace shows alike."""
    _expect(place, "the id", room.id, seen.id)
    _expect(place, "the name is kept", room.name, seen.name)
    _expect(place, "created_at stays", room.created_at, seen.created_at)
    _stamped(play, place, room.renamed, seen.updated_at)


def check_room(play: Play, room: Room) -> None:
    """Read back what is in a workspace. Raises Broken."""
    place = "workspaces.members.list"
    seen = [
        (each.user_id, each.email, each.picture, each.role.value)
        for each in _read(play, room, place, "guest")
    ]
    expected = [
        (play.ids[name], play.people[name].email, None, role) for name, role in room.members.items()
    ]
    _expect(place, "members are listed in the order of joining", expected, seen)
    _check_config(play, room)
    place = "workspaces.get_defaults"
    limits = _read(play, room, place, "developer")
    shown = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")
    for name in shown:
        _expect(place, f"{name} in force", play.in_force(room, name), limits[name])
    _expect(place, "there is no sandbox", 0, limits["current_sandboxes"])
    place = "workspaces.get_llm_quota"
    seen = _read(play, room, place, "developer")
    _expect(place, "nobody has asked a model anything", 0, seen["today_request_count"])
    part = seen["workspace_quota"]
    _check_overrides(play, place, room.llm_quota, room.llm_limited, part)
    _expect(place, "whose quota", room.id, part["workspace_id"] if part else room.id)
    place = "admin.workspaces.llm_quota.get"
    above = _must(play, "admin", place, room.id).to_dict()
    _expect(place, "administrators see what members see", seen, above)
    place = "admin.workspaces.quota.get"
    quota = play.outcome(play.clients["admin"], place, room.id)
    if isinstance(quota, AgentserverError):
        raise Broken(place, "the workspace is known", quota)
    whole = quota.to_dict()
    for name in LIMITS:
        expected_default = play.defaults[DEFAULT_OF.get(name, name)]
        _expect(place, f"default of {name}", expected_default, whole["defaults"][name])
    _check_overrides(play, place, room.overrides, room.overridden, whole["overrides"])


def _check_config(play: Play, room: Room) -> None:
    place = "workspaces.llm_config.get"
    seen = _read(play, room, place, "maintainer")
    if room.config is None:
        nothing = {"configured": False, "base_url": "", "api_key": "", "updated_at": None}
        _expect(place, "nothing is configured", nothing, seen)
        return
    expected = {
        "configured": True,
        "base_url": room.config.base_url,
        "api_key": room.config.masked,
        "models": room.config.models,
    }
    shown = {name: value for name, value in seen.items() if name != "updated_at"}
    _expect(place, "the configuration, its key masked", expected, shown)
    _stamped(play, place, room.configured, datetime.fromisoformat(seen["updated_at"]))


def _check_overrides(
    play: Play, place: str, expected: Mapping[str, int | None] | None, stamp: Stamp, seen: Any
) -> None:
    if expected is None or seen is None:
        _expect(place, "whether there is an override", expected, seen)
        return
    shown = {name: seen.get(name) for name in expected}
    _expect(place, "the override", dict(expected), shown)
    _stamped(play, place, stamp, datetime.fromisoformat(seen["updated_at"]))


def _check_list(play: Play, name: str) -> None:
    place = "workspaces.list"
    rows = _must(play, name, place)
    own = [room.id for room in play.rooms.values() if name in room.members]
    expected, seen = [*play.elsewhere[name], *own], [row.id for row in rows]
    _expect(place, "one's own workspaces, oldest first", expected, seen, of=name)
    for row in rows[len(play.elsewhere[name]) :]:
        _check_identity(play, place, play.rooms[row.id], row)


def check_quota(play: Play, name: str) -> None:
    """Read somebody's quota back, in its layers and as it holds. Raises Broken."""
    place = "workspaces.get_creation_quota"
    quota = _must(play, name, place)
    _expect(place, "how many one owns", play.owns(name), quota.current, of=name)
    override = (play.quotas[name] or {}).get("max_workspaces")
    maximum = play.defaults["max_workspaces_per_user"] if override is None else override
    _expect(place, "how many one may own", maximum, quota.max, of=name)
    place = "admin.users.quota.get"
    whole = _must(play, "admin", place, play.ids[name]).to_dict()
    default = {"max_workspaces_per_user": play.defaults["max_workspaces_per_user"]}
    _expect(place, "the default", default, whole["defaults"])
    _check_overrides(play, place, play.quotas[name], play.limited[name], whole["overrides"])


def _check_administration(play: Play) -> None:
    place = "admin.workspaces.list"
    rows = [row for row in _must(play, "admin", place) if row.id in play.known]
    _expect(place, "each workspace once", list(play.rooms), [row.id for row in rows])
    for row in rows:
        room = play.rooms[row.id]
        _check_identity(play, place, room, row)
        limit = play.in_force(room, "max_sandboxes")
        _expect(place, "the limit", limit, row.max_sandboxes)
        _expect(place, "there is no sandbox", 0, row.sandbox_count)
        first = room.holding("owner")[0]
        owner = (play.ids[first], play.people[first].email, None, None)
        came = row.owner and (row.owner.id, row.owner.email, row.owner.name, row.owner.picture)
        _expect(place, "its owner who came first", owner, came)
    place = "admin.users.list"
    everybody = _must(play, "admin", place)
    ages = [each.created_at for each in everybody]
    _expect(place, "the oldest first", sorted(ages), ages)
    users = [each for each in everybody if each.id in play.ids.values()]
    _expect(place, "each account once", len(play.ids), len(users))
    seen = {each.id: each for each in users}
    for name, role in play.roles.items():
        row = seen[play.ids[name]]
        account = (play.people[name].email, None, role)
        shown = (row.email, row.name, row.role)
        _expect(place, "an account with its role", account, shown, of=name)
    place = "admin.quota_defaults.get"
    _expect(place, "the defaults", play.defaults, _must(play, "admin", place).to_dict())
    for gone in play.gone[-1:]:
        _expect_gone(play, gone)


def _expect_gone(play: Play, workspace_id: str) -> None:
    for name in CAST:
        seen = play.outcome(play.clients[name], "workspaces.get", workspace_id)
        _expect("workspaces.get", "what was deleted is gone", PermissionDenied, type(seen))
    for place in ("admin.workspaces.quota.get", "admin.workspaces.llm_quota.get"):
        seen = play.outcome(play.clients["admin"], place, workspace_id)
        _expect(place, "what was deleted is gone", NotFound, type(seen))


def _read(play: Play, room: Room, place: str, role: str) -> Any:
    """An answer as JSON, read by one of those who may; one of the others is refused it.

    People take turns from one reading to the next: all at once would be slow.
    """
    enough = ROLES[ROLES.index(role) :]
    readers = room.holding(*enough)
    others = [name for name in CAST if name not in readers]
    play.turn += 1
    if others:
        stranger = others[play.turn % len(others)]
        seen = play.outcome(play.clients[stranger], place, room.id)
        _expect(place, f"who is no {role} may not", PermissionDenied, type(seen), of=stranger)
    reader = readers[play.turn % len(readers)]
    seen = play.outcome(play.clients[reader], place, room.id)
    if isinstance(seen, AgentserverError):
        raise Broken(place, f"who is {role} or above may", f"{room.members[reader]}: {seen}")
    return seen if isinstance(seen, Sequence) else seen.to_dict()


def _must(play: Play, who: str, place: str, *args: Any) -> Any:
    seen = play.outcome(play.clients[who], place, *args)
    if isinstance(seen, AgentserverError):
        raise Broken(place, "whoever may read this can", f"{who}: {seen}")
    return seen


def _stamped(play: Play, place: str, stamp: Stamp, seen: datetime) -> None:
    if not stamp.fits(seen, strictly=play.tick is not None):
        promise = "updated_at moves with a write, and stands still otherwise"
        raise Broken(place, promise, f"{seen}, after {stamp.now or stamp.before}")


def _expect(place: str, promise: str, expected: object, seen: object, *, of: str = "") -> None:
    if seen != expected:
        whose = f"{of}: " if of else ""
        raise Broken(place, promise, f"{whose}expected {shown(expected)}, got {shown(seen)}")
