"""A transition: one thing that people do, legal or not, and when it can happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentserver_contract.model.run import Play
from agentserver_contract.model.state import CAST, Room

Choose = Callable[[Sequence[Any]], Any]
"""Takes one of several."""


@dataclass(frozen=True)
class Transition:
    """One thing that people do."""

    happen: Callable[[Play, Choose], None]
    can: Callable[[Play], bool]
    otherwise: str
    """What is told where it never could."""


TRANSITIONS: dict[str, Transition] = {}
"""Every one, by the name of its function."""

MOST_ROOMS = 3
"""How many workspaces a play has at a time: everything of each is read back again and again."""


def _always(play: Play) -> bool:
    return True


_NO_WAY = "no step before it made it possible"
_REASONS: dict[Callable[[Play], bool], str] = {}


def _or_else(reason: str) -> Callable[[Callable[[Play], bool]], Callable[[Play], bool]]:
    """Say what is told where a condition is never met."""

    def note(can: Callable[[Play], bool]) -> Callable[[Play], bool]:
        _REASONS[can] = reason
        return can

    return note


def transition(
    can: Callable[[Play], bool] = _always,
) -> Callable[[Callable[[Play, Choose], None]], Callable[[Play, Choose], None]]:
    """Make a function a transition that can happen when `can` says so."""

    def register(happen: Callable[[Play, Choose], None]) -> Callable[[Play, Choose], None]:
        TRANSITIONS[happen.__name__] = Transition(happen, can, _REASONS.get(can, _NO_WAY))
        return happen

    return register


def has_room(play: Play) -> bool:
    """When there is a workspace."""
    return bool(play.rooms)


def has_rooms(play: Play) -> bool:
    """When there is another workspace, which must keep what one loses."""
    return len(play.rooms) > 1


@_or_else("settings that concern everybody are left alone")
def may_change_defaults(play: Play) -> bool:
    """When settings that concern everybody may be changed."""
    return play.allow_global


@_or_else("nothing removes an account, so that none is made")
def may_leave_accounts(play: Play) -> bool:
    """When the server is nobody's."""
    return play.target.guard is None


@_or_else("the server could end without an administrator")
def may_demote_everybody(play: Play) -> bool:
    """When the server is nobody's, and has one administrator."""
    return may_leave_accounts(play) and administers_alone(play)


@_or_else("somebody else administers too, or roles are left alone")
def administers_alone(play: Play) -> bool:
    """When the run's administrator is the only one, and the role may be changed."""
    administrators = [
        each for each in play.clients["admin"].admin.users.list() if each.role == "admin"
    ]
    return play.allow_global and [each.id for each in administrators] == [play.ids["admin"]]


def a_room(play: Play, choose: Choose, suits: Callable[[Room], bool] = lambda room: True) -> Room:
    """One of the workspaces that suit."""
    room: Room = choose([room for room in play.rooms.values() if suits(room)])
    return room


def one_of(room: Room, choose: Choose, *roles: str) -> str:
    """Somebody in a workspace who has one of these roles."""
    name: str = choose(room.holding(*roles))
    return name


def those_below(room: Room, *enough: str) -> list[str]:
    """Everybody who has none of these roles in a workspace, outsiders too."""
    return [name for name in CAST if room.members.get(name) not in enough]
