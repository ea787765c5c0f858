"""Workspaces are made, renamed and removed."""

from __future__ import annotations

from agentserver import AgentserverError, BadRequest, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import (
    MOST_ROOMS,
    Choose,
    a_room,
    has_room,
    has_rooms,
    one_of,
    those_below,
    transition,
)
from agentserver_contract.model.run import Play
from agentserver_contract.model.setup import allow_one_more, create
from agentserver_contract.model.state import Broken
from agentserver_contract.model.values import BAD_NAMES, NAMES


@transition(lambda play: len(play.rooms) < MOST_ROOMS)
def somebody_creates_a_workspace(play: Play, choose: Choose) -> None:
    """With a team in it, so that every role is there."""
    create(play, choose(("owner", "colleague")), choose(NAMES))


@transition(has_room)
def a_maintainer_renames(play: Play, choose: Choose) -> None:
    room, name = a_room(play, choose), choose(NAMES)
    who = one_of(room, choose, "owner", "maintainer")
    renamed = play.call(who, "workspaces.rename", room.id, name=name)
    room.name = name
    room.renamed.moves()
    if renamed.name != name:
        raise Broken("workspaces.rename", "the answer shows the new name", renamed)
    if not room.renamed.fits(renamed.updated_at, strictly=play.tick is not None):
        raise Broken("workspaces.rename", "updated_at moves with a rename", renamed)


@transition(has_room)
def others_rename_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    for who in those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.rename", room.id, name="mine", refused=PermissionDenied)


@transition(has_room)
def a_bad_name_changes_nothing(play: Play, choose: Choose) -> None:
    room, name = a_room(play, choose), choose(BAD_NAMES)
    who = one_of(room, choose, "owner")
    play.call(who, "workspaces.rename", room.id, name=name, refused=BadRequest)
    play.call(who, "workspaces.create", name=name, refused=BadRequest)


@transition(has_rooms)
def an_owner_deletes(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who = one_of(room, choose, "owner")
    play.call(who, "workspaces.delete", room.id)
    del play.rooms[room.id]
    play.gone.append(room.id)
    play.call(who, "workspaces.delete", room.id, refused=PermissionDenied)
    play.call(who, "workspaces.rename", room.id, name="again", refused=PermissionDenied)


@transition(has_room)
def others_delete_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    for who in those_below(room, "owner"):
        play.call(who, "workspaces.delete", room.id, refused=PermissionDenied)


@transition(has_room)
def two_rename_at_once(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who = one_of(room, choose, "owner")
    names = ("one of two", "two of two")
    came = play.at_once("workspaces.rename", [(who, (room.id,), {"name": name}) for name in names])
    if any(isinstance(each, AgentserverError) for each in came):
        raise Broken("workspaces.rename", "both of two renames at once are taken", came)
    room.name = play.call(who, "workspaces.get", room.id).name
    room.renamed.moves()
    if room.name not in names:
        raise Broken("workspaces.rename", "after two renames at once it has one of the names", came)


@transition(lambda play: len(play.rooms) < MOST_ROOMS)
def names_are_kept_as_given(play: Play, choose: Choose) -> None:
    allow_one_more(play, "outsider")
    for name in NAMES:
        made = play.call("outsider", "workspaces.create", name=name)
        seen = play.call("outsider", "workspaces.get", made.id)
        renamed = play.call("outsider", "workspaces.rename", made.id, name=name[::-1])
        again = play.call("outsider", "workspaces.get", made.id)
        rows = play.call("outsider", "workspaces.list"), play.call("admin", "admin.workspaces.list")
        listed = [row for page in rows for row in page if row.id == made.id]
        play.gone.append(made.id)
        play.call("outsider", "workspaces.delete", made.id)
        for given, shown in ((name, (made, seen)), (name[::-1], (renamed, again, *listed))):
            if any(each.name != given for each in shown):
                raise Broken("workspaces.get", "a name is kept as given", (given, shown))


@transition(has_room)
def an_unknown_workspace_is_like_one_of_others(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    unknown = f"{NO_SUCH}workspace"
    for place in ("workspaces.get", "workspaces.members.list", "workspaces.get_defaults"):
        told = {
            play.call("outsider", place, workspace_id, refused=PermissionDenied).message
            for workspace_id in (room.id, unknown)
        }
        if len(told) != 1:
            raise Broken(place, "an unknown workspace is refused as one of others is", told)
