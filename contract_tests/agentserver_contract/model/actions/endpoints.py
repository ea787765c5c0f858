"""A workspace has a language-model endpoint of its own."""

from __future__ import annotations

from typing import Any

from agentserver import AgentserverError, BadRequest, PermissionDenied
from agentserver_contract.model.action import (
    Choose,
    a_room,
    has_room,
    has_rooms,
    one_of,
    those_below,
    transition,
)
from agentserver_contract.model.readback import check, check_room
from agentserver_contract.model.run import PlacedCall, Play
from agentserver_contract.model.setup import configure
from agentserver_contract.model.state import Broken, Config, Stamp
from agentserver_contract.model.values import ADDRESSES, BAD_ADDRESSES, KEYS, MODELS


@transition(has_room)
def a_maintainer_sets_the_endpoint(play: Play, choose: Choose) -> None:
    room, place = a_room(play, choose), "workspaces.llm_config.set"
    who = one_of(room, choose, "owner", "maintainer")
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
        check_room(play, room)
        seen = play.call(who, "workspaces.llm_config.get", room.id)
        if [{"id": each.id, "name": each.name} for each in seen.models] != config.models:
            raise Broken(
                "workspaces.llm_config.get", "the models, in order, repeated ones too", seen
            )


@transition(has_room)
def the_stored_key_stays(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who = one_of(room, choose, "owner", "maintainer")
    configure(play, room, who, Config(ADDRESSES[0], "sk-kept-0123", MODELS[0]))
    for address in ADDRESSES:  # the one it is stored with, and others
        config = Config(address, "sk-kept-0123", choose(MODELS))
        given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
        play.call(who, "workspaces.llm_config.set", room.id, **given)
        room.config = config
        room.configured.moves()
        check_room(play, room)


@transition(has_room)
def two_set_the_endpoint_at_once(play: Play, choose: Choose) -> None:
    """And others read it meanwhile: nobody ever sees parts of two."""
    room, place = a_room(play, choose), "workspaces.llm_config"
    who = one_of(room, choose, "owner", "maintainer")
    either = [
        Config(ADDRESSES[0], "sk-one-of-two-1111", MODELS[1]),
        Config(ADDRESSES[1], "sk-two-of-two-2222", MODELS[2]),
    ]
    before = Config(ADDRESSES[2], "sk-before-both-0000", MODELS[1])
    configure(play, room, who, before)
    given: list[dict[str, Any]] = [
        {"base_url": c.base_url, "api_key": c.api_key, "models": c.models} for c in either
    ]
    reads: PlacedCall = (who, f"{place}.get", (room.id,), {})
    writes: list[PlacedCall] = [(who, f"{place}.set", (room.id,), each) for each in given]
    came = play.all_at_once([reads, writes[0], reads, reads, writes[1], reads, reads, reads])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken(f"{place}.set", "all who set and read it at once are answered", came)
    whole = {c.base_url: c.masked for c in (before, *either)}
    seen = [each for each in came if hasattr(each, "base_url")]
    seen.append(play.call(who, f"{place}.get", room.id))
    for each in seen:
        if whole.get(each.base_url) != each.api_key:
            shown = f"{each.base_url} with the key {each.api_key}"
            raise Broken(f"{place}.get", "an address is shown with the key set with it", shown)
    room.config = next(c for c in either if c.base_url == seen[-1].base_url)
    room.configured.moves()


@transition(has_room)
def a_bad_endpoint_changes_nothing(play: Play, choose: Choose) -> None:
    room, place = a_room(play, choose), "workspaces.llm_config.set"
    who, good, key = one_of(room, choose, "owner"), ADDRESSES[0], KEYS[-2]
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


@transition(has_rooms)
def a_maintainer_removes_the_endpoint(play: Play, choose: Choose) -> None:
    """Of each workspace in turn, while the others keep theirs."""
    for room in play.rooms.values():
        who = one_of(room, choose, "owner", "maintainer")
        configure(play, room, who, Config(choose(ADDRESSES), choose(KEYS), choose(MODELS)))
    for room in play.rooms.values():
        who = one_of(room, choose, "owner", "maintainer")
        for _ in range(2):  # the second time there is nothing left to do
            play.call(who, "workspaces.llm_config.delete", room.id)
            room.config, room.configured = None, Stamp()
        check(play)
        configure(play, room, who, Config(choose(ADDRESSES), choose(KEYS), choose(MODELS)))


@transition(has_room)
def others_touch_the_endpoint_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    given: dict[str, Any] = {"base_url": ADDRESSES[0], "api_key": KEYS[-2], "models": MODELS[0]}
    for who in those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.llm_config.set", room.id, **given, refused=PermissionDenied)
        play.call(who, "workspaces.llm_config.delete", room.id, refused=PermissionDenied)
