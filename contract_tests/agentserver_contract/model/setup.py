"""What a play begins with, and later acts need as well."""

from __future__ import annotations

from typing import Any

from agentserver_contract.model.action import Choose
from agentserver_contract.model.run import Play
from agentserver_contract.model.state import LIMITS, Config, Room, Stamp
from agentserver_contract.model.values import BYTES, COUNTS


def create(play: Play, who: str, name: str) -> Room:
    """Make a workspace with a team in it, so that every role is there."""
    allow_one_more(play, who)
    made = play.call(who, "workspaces.create", name=name)
    room = Room(made.id, name, made.created_at, Stamp(made.updated_at), {who: "owner"})
    play.rooms[made.id] = room
    for role in ("maintainer", "developer", "guest"):
        play.call(who, "workspaces.members.add", made.id, email=play.people[role].email, role=role)
        room.members[role] = role
    return room


def configure(play: Play, room: Room, who: str, config: Config) -> None:
    """Give a workspace an endpoint of its own."""
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    play.call(who, "workspaces.llm_config.set", room.id, **given, api_key=config.api_key)
    room.config = config
    room.configured.moves()


def limit(play: Play, room: Room, choose: Choose) -> None:
    """Override every limit of a workspace."""
    limits: dict[str, Any] = {name: value_of(name, choose) for name in LIMITS}
    play.call("admin", "admin.workspaces.quota.set", room.id, **limits)
    room.overrides = limits
    room.overridden.moves()
    requests = choose(COUNTS)
    play.call("admin", "admin.workspaces.llm_quota.set", room.id, max_rpd=requests)
    room.llm_quota = {"max_rpd": requests}
    room.llm_limited.moves()


def allow(play: Play, name: str, given: dict[str, Any]) -> None:
    """Override how many workspaces somebody may own."""
    play.call("admin", "admin.users.quota.set", play.ids[name], **given)
    play.quotas[name] = {"max_workspaces": given.get("max_workspaces")}
    play.limited[name].moves()


def allow_one_more(play: Play, name: str) -> None:
    """Lift a limit that an earlier step, or the server's default, has set too low."""
    override = (play.quotas[name] or {}).get("max_workspaces")
    limit = play.defaults["max_workspaces_per_user"] if override is None else override
    if limit and play.owns(name) >= limit:
        allow(play, name, {"max_workspaces": 0})


def values_of(name: str) -> tuple[int, ...]:
    """Legal values of a limit."""
    return BYTES if name in ("max_sandbox_memory", "max_total_memory", "max_drive_size") else COUNTS


def value_of(name: str, choose: Choose) -> int:
    """A legal value of a limit."""
    value: int = choose(values_of(name))
    return value
