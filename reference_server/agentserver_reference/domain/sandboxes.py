"""Sandboxes: their states, their limits, their short ids and their web addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import attrs

from agentserver_reference.domain.errors import BadRequest, BudgetExceeded, Conflict, QuotaExceeded
from agentserver_reference.domain.life_cycles import as_markdown


class Event(StrEnum):
    """What changes the state of a sandbox."""

    PAUSE = "pause"
    """A member asks for it, or the sandbox has been idle for too long."""
    RESUME = "resume"
    """A member asks for it."""
    DONE = "done"
    """The backend has finished what it was asked for."""
    FAILED = "failed"
    """The backend could not do what it was asked for."""
    LOST = "lost"
    """What ran in the sandbox has ended by itself, or with the server that ran it."""


CREATING, RUNNING, PAUSING, PAUSED, RESUMING, OFFLINE = (
    *("creating", "running", "pausing"),
    *("paused", "resuming", "offline"),
)

LIFE_CYCLE: Mapping[str, Mapping[Event, str]] = {
    CREATING: {Event.DONE: RUNNING, Event.FAILED: OFFLINE},
    RUNNING: {Event.PAUSE: PAUSING, Event.LOST: OFFLINE},
    # What could not be stopped goes on running, and is never shown as paused.
    PAUSING: {Event.DONE: PAUSED, Event.FAILED: RUNNING, Event.LOST: OFFLINE},
    PAUSED: {Event.RESUME: RESUMING, Event.LOST: OFFLINE},
    RESUMING: {Event.DONE: RUNNING, Event.FAILED: OFFLINE},
    # A start that failed stays visible, and can be tried again.
    OFFLINE: {Event.RESUME: RESUMING},
}
"""The state that follows on each state and event. A sandbox can be deleted in every state."""

PASSING = frozenset(state for state, events in LIFE_CYCLE.items() if Event.DONE in events)
"""The states that end by themselves, when the backend has done its work."""

HELD = frozenset(state for state, events in LIFE_CYCLE.items() if Event.LOST in events)
"""The states in which the backend keeps something that can be lost."""

MAY_CALL = frozenset({CREATING, RUNNING})
"""The states in which what runs in a sandbox may call models and clusters."""

USING_RESOURCES = frozenset({CREATING, RUNNING, PAUSING, RESUMING})
"""The states in which a sandbox counts towards the budget of CPU and memory."""

TYPES = ("opencode", "openclaw", "nanoclaw", "claudecode", "jupyter")
DEFAULT_TYPE = "opencode"

SUBDOMAINS = {"opencode": "code", "openclaw": "claw", "claudecode": "claude", "jupyter": "jupyter"}
"""How web addresses begin, by type, unless an operator says otherwise; the others have none."""

_PARTICIPLES = {Event.PAUSE: "paused", Event.RESUME: "resumed"}
_SHORT_ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_SHORT_ID_LENGTH = 8


def check_is_not_local(is_local: bool, event: Event) -> None:
    """Raise BadRequest for a sandbox on a person's own machine, where the server has no say."""
    if is_local:
        raise BadRequest(f"local sandboxes cannot be {_PARTICIPLES[event]}")


def next_state(state: str, event: Event) -> str:
    """Return the state after an event. Raises Conflict if the state does not permit it."""
    if event not in LIFE_CYCLE[state]:
        raise Conflict(f"sandbox cannot be {_PARTICIPLES[event]} in current state: {state}")
    return LIFE_CYCLE[state][event]


def life_cycle_table() -> str:
    """Return the life cycle as a table in Markdown, one row for each state."""
    return as_markdown(LIFE_CYCLE, Event)


@attrs.frozen
class Size:
    """What a sandbox may use."""

    cpu: int
    """Millicores."""
    memory: int
    """Bytes."""


def size_of(given: Mapping[str, Any], limits: Mapping[str, int]) -> Size:
    """Return the size of a new sandbox: what is given, otherwise the most that is allowed.

    Raises:
        BadRequest: a given value is over its limit.
    """
    return Size(
        cpu=_within(given, "cpu", limits["max_sandbox_cpu"], "millicores"),
        memory=_within(given, "memory", limits["max_sandbox_memory"], "bytes"),
    )


def _within(given: Mapping[str, Any], name: str, most: int, unit: str) -> int:
    value = given.get(name)
    if value is None:
        return most
    if value > most:
        raise BadRequest(f"{name}: must be between 1 and {most} {unit}")
    return int(value)


def check_idle_timeout(seconds: int | None, most: int) -> None:
    """Raise BadRequest for an idle timeout that is not allowed; a limit of 0 allows every one."""
    if seconds is not None and most and not 1 <= seconds <= most:
        raise BadRequest(f"idle_timeout: must be between 1 and {most} seconds")


def check_count(current: int, maximum: int) -> None:
    """Raise QuotaExceeded if a workspace with `current` sandboxes may not have another."""
    if maximum and current >= maximum:
        raise QuotaExceeded(
            f"Sandbox limit reached ({current}/{maximum}). "
            "Ask an administrator for a higher quota.",
            current=current,
            maximum=maximum,
        )


def check_budget(used: Size, wanted: Size, limits: Mapping[str, int]) -> None:
    """Raise BudgetExceeded if sandboxes that use so much leave too little; 0 means no limit."""
    for before, more, most in (
        (used.cpu, wanted.cpu, limits["max_total_cpu"]),
        (used.memory, wanted.memory, limits["max_total_memory"]),
    ):
        if most and before + more > most:
            raise BudgetExceeded(
                "The workspace's CPU or memory is used up. Pause or delete a sandbox, "
                "or ask an administrator for more."
            )


def is_idle(last_activity_at: str | None, timeout: int, now: datetime) -> bool:
    """Return whether a sandbox has been idle for longer than its timeout; 0 means never."""
    if not timeout or last_activity_at is None:
        return False
    return now - datetime.fromisoformat(last_activity_at) > timedelta(seconds=timeout)


def short_id(token: str) -> str:
    """Return a short id made of a random token of hexadecimal digits."""
    number, digits = int(token, 16), []
    for _ in range(_SHORT_ID_LENGTH):
        number, digit = divmod(number, len(_SHORT_ID_ALPHABET))
        digits.append(_SHORT_ID_ALPHABET[digit])
    return "".join(digits)


def base_domain_of(host: str, domains: Sequence[str]) -> str | None:
    """Return the base domain that a request reached, otherwise the first; None without any."""
    name = host.partition(":")[0]
    reached: Iterable[str] = (each for each in domains if f".{name}".endswith(f".{each}"))
    return next(iter(reached), domains[0] if domains else None)


def web_address(type: str, label: str, domain: str, prefixes: Mapping[str, str]) -> str | None:
    """Return the web address of a sandbox: no token is in it. None for a type without one."""
    prefix = prefixes.get(type)
    return None if prefix is None else f"https://{prefix}-{label}.{domain}/"
