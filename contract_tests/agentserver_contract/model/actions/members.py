"""Members join, change their roles and leave."""

from __future__ import annotations

from typing import Any

from agentserver import AgentserverError, BadRequest, Conflict, NotFound, PermissionDenied
from agentserver_contract.fixtures.accounts import ABSENT, email_of
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import (
    Choose,
    a_room,
    has_room,
    one_of,
    those_below,
    transition,
)
from agentserver_contract.model.readback import check, check_room
from agentserver_contract.model.run import Play
from agentserver_contract.model.state import CAST, ROLES, Broken, Room


@transition(lambda play: any(_joinable(room) for room in play.rooms.values()))
def a_maintainer_adds_a_member(play: Play, choose: Choose) -> None:
    room = a_room(play, choose, lambda room: bool(_joinable(room)))
    who, whom = one_of(room, choose, "owner", "maintainer"), choose(_joinable(room))
    place, known = "workspaces.members.add", play.people[whom].email
    roles = (None, *ROLES[:-1], choose(ROLES[:-1]))
    for number, role in enumerate(roles, 1):
        email = known if role is None else f"  {known.upper()} "
        given: dict[str, Any] = {} if role is None else {"role": role}
        added = play.call(who, place, room.id, email=email, **given)
        room.members[whom] = role or "developer"
        if (added.user_id, added.email, added.role) != (play.ids[whom], known, room.members[whom]):
            raise Broken(place, "the answer shows the new member", added)
        check_room(play, room)
        if number < len(roles):
            owner = one_of(room, choose, "owner")
            play.call(owner, "workspaces.members.remove", room.id, play.ids[whom])
            del room.members[whom]


def _joinable(room: Room) -> list[str]:
    return [name for name in CAST if name not in room.members and name != "outsider"]


@transition(lambda play: any(_joinable(room) for room in play.rooms.values()))
def an_owner_adds_an_owner(play: Play, choose: Choose) -> None:
    room = a_room(play, choose, lambda room: bool(_joinable(room)))
    whom = choose(_joinable(room))
    email = play.people[whom].email
    for who in room.holding("maintainer", "developer", "guest"):
        play.call(
            *(who, "workspaces.members.add", room.id),
            email=email,
            role="owner",
            refused=PermissionDenied,
        )
    who = one_of(room, choose, "owner")
    play.call(who, "workspaces.members.add", room.id, email=email, role="owner")
    room.members[whom] = "owner"


@transition(has_room)
def others_add_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    email = play.people["newcomer"].email
    for who in those_below(room, "owner", "maintainer"):
        play.call(who, "workspaces.members.add", room.id, email=email, refused=PermissionDenied)


@transition(has_room)
def adding_what_cannot_be_added(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who, place = one_of(room, choose, "owner"), "workspaces.members.add"
    member = play.people[choose(list(room.members))].email
    play.call(who, place, room.id, email=member, refused=Conflict)
    play.call(who, place, room.id, email=member.upper(), role="guest", refused=Conflict)
    play.call(who, place, room.id, email=email_of(ABSENT), refused=NotFound)
    newcomer = play.people["newcomer"].email
    play.call(who, place, room.id, email=newcomer, role="wizard", refused=BadRequest)


@transition(has_room)
def an_owner_changes_a_role(play: Play, choose: Choose) -> None:
    """To each there is, and at last to any."""
    room = a_room(play, choose)
    who = one_of(room, choose, "owner")
    whom = choose([name for name in room.members if name != who] or [who])
    if whom == who:
        return
    for role in (*ROLES, choose(ROLES)):
        play.call(who, "workspaces.members.set_role", room.id, play.ids[whom], role=role)
        room.members[whom] = role
        check_room(play, room)


@transition(has_room)
def others_change_roles_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    for who in those_below(room, "owner"):
        for whom in (who, room.holding("owner")[0]):
            play.call(
                *(who, "workspaces.members.set_role", room.id, play.ids[whom]),
                role=choose(ROLES),
                refused=PermissionDenied,
            )


@transition(has_room)
def a_role_that_cannot_be_given(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who, place = one_of(room, choose, "owner"), "workspaces.members.set_role"
    member = play.ids[choose(list(room.members))]
    play.call(who, place, room.id, member, role="wizard", refused=BadRequest)
    play.call(who, place, room.id, member, role="", refused=BadRequest)
    play.call(who, place, room.id, play.ids["newcomer"], role="guest", refused=NotFound)
    play.call(who, place, room.id, f"{NO_SUCH}account", role="guest", refused=NotFound)


@transition(has_room)
def the_last_owner_stays(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who = one_of(room, choose, "owner")
    for other in room.holding("owner"):
        if other != who:
            play.call(who, "workspaces.members.set_role", room.id, play.ids[other], role="guest")
            room.members[other] = "guest"
    own = play.ids[who]
    for role in ROLES[:-1]:
        play.call(*(who, "workspaces.members.set_role", room.id, own), role=role, refused=Conflict)
    play.call(who, "workspaces.members.remove", room.id, own, refused=Conflict)
    play.call(who, "workspaces.members.set_role", room.id, own, role="owner")


@transition(lambda play: any(len(room.members) > 1 for room in play.rooms.values()))
def a_founder_steps_down(play: Play, choose: Choose) -> None:
    """And is an owner again afterwards: the owner that is shown is one, whoever came first."""
    room = a_room(play, choose, lambda room: len(room.members) > 1)
    place, founder = "workspaces.members.set_role", next(iter(room.members))
    heir = choose([name for name in room.members if name != founder])
    if room.members[founder] != "owner":
        founder, heir = heir, founder
    who = one_of(room, choose, "owner")
    for name, role in ((heir, "owner"), (founder, "guest"), (founder, "owner")):
        by = who if name == heir else heir
        play.call(by, place, room.id, play.ids[name], role=role)
        room.members[name] = role
        check(play)


@transition(has_room)
def an_owner_removes_a_member(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    who = one_of(room, choose, "owner")
    others = [name for name in room.members if name != who]
    if not others:
        return
    whom = choose(others)
    for _ in range(2):  # the second time there is nothing left to do
        play.call(who, "workspaces.members.remove", room.id, play.ids[whom])
        room.members.pop(whom, None)


@transition(has_room)
def others_remove_in_vain(play: Play, choose: Choose) -> None:
    room = a_room(play, choose)
    whom = play.ids[choose(list(room.members))]
    for who in those_below(room, "owner"):
        for each in (whom, play.ids[who]):
            play.call(*(who, "workspaces.members.remove", room.id, each), refused=PermissionDenied)


@transition(lambda play: any("colleague" not in r.members for r in play.rooms.values()))
def two_add_the_same_at_once(play: Play, choose: Choose) -> None:
    room = a_room(play, choose, lambda room: "colleague" not in room.members)
    who, place = one_of(room, choose, "owner"), "workspaces.members.add"
    wanted = {"email": play.people["colleague"].email, "role": "guest"}
    came = play.at_once(place, [(who, (room.id,), wanted)] * 3)
    kinds = sorted(type(each).__name__ for each in came)
    if kinds != ["Conflict", "Conflict", "WorkspaceMember"]:
        raise Broken(place, "of three who add the same at once one does, the others are late", came)
    room.members["colleague"] = "guest"


@transition(lambda play: any(len(r.holding("owner")) > 1 for r in play.rooms.values()))
def two_owners_demote_each_other_at_once(play: Play, choose: Choose) -> None:
    room = a_room(play, choose, lambda room: len(room.holding("owner")) > 1)
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
