"""Tasks: their states, how long a claim lasts, and what a delegation chain may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.domain.life_cycles import as_markdown


class Event(StrEnum):
    """What changes the state of a task."""

    POLL = "poll"
    """The agent takes it."""
    LAPSE = "lapse"
    """The agent has said and asked nothing about it for too long."""
    GIVE_UP = "third lapse"
    """The same, and it has been so too often."""
    START = "running"
    """The agent reports that it works on it. The values of reports are those of the contract."""
    COMPLETE = "completed"
    """The agent reports that it is done."""
    FAIL = "failed"
    """The agent reports that it cannot do it."""
    CANCEL = "cancelled"
    """A member cancels it, or the agent reports that it has stopped."""
    TIMEOUT = "timeout"
    """The time that the agent had for it is over."""


PENDING, ASSIGNED, RUNNING, COMPLETED, FAILED, CANCELLED = (
    *("pending", "assigned", "running"),
    *("completed", "failed", "cancelled"),
)

_REPORTS: Mapping[Event, str] = {
    Event.START: RUNNING,
    Event.COMPLETE: COMPLETED,
    Event.FAIL: FAILED,
    Event.CANCEL: CANCELLED,
}

LIFE_CYCLE: Mapping[str, Mapping[Event, str]] = {
    # Only one that was taken before has a time, which goes on while it waits to be taken again; and
    # an agent whose claim has lapsed may still report.
    PENDING: {Event.POLL: ASSIGNED, **_REPORTS, Event.TIMEOUT: FAILED},
    ASSIGNED: {
        Event.LAPSE: PENDING,
        Event.GIVE_UP: FAILED,
        **_REPORTS,
        Event.TIMEOUT: FAILED,
    },
    RUNNING: {**_REPORTS, Event.TIMEOUT: FAILED},
    COMPLETED: {},
    FAILED: {},
    CANCELLED: {},
}
"""The state that follows on each state and event. States without events are final."""

FINAL = frozenset(state for state, events in LIFE_CYCLE.items() if not events)

CLAIM = timedelta(seconds=120)
"""How long a task stays assigned about which its agent says and asks nothing."""

CLAIM_RENEWAL = timedelta(seconds=10)
"""How old a claim is before a question about the task renews it, so that few are written."""

MOST_LAPSES = 3
"""The lapse that ends a task."""

REASONS = {Event.GIVE_UP: "never started", Event.TIMEOUT: "timeout"}
"""The `failure_reason` of a task that the server ends."""

DEFAULT_TIMEOUT = 300
"""Seconds from the first poll that returns a task to its timeout."""


def life_cycle_table() -> str:
    """Return the life cycle as a table in Markdown, one row for each state."""
    return as_markdown(LIFE_CYCLE, Event)


def is_renewal_due(task: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a question of its agent about a task is to be written down."""
    if task["status"] != ASSIGNED:
        return False
    return now - datetime.fromisoformat(task["claimed_at"]) >= CLAIM_RENEWAL


def overdue(task: Mapping[str, Any], now: datetime) -> Event:
    """Return what happens to a task whose claim has lapsed, or else whose time is over.

    Arguments:
        task: its `status`, its `claimed_at`, and its `lapses` until now.
        now: the time.
    """
    if task["status"] == ASSIGNED and datetime.fromisoformat(task["claimed_at"]) <= now - CLAIM:
        return Event.GIVE_UP if task["lapses"] + 1 >= MOST_LAPSES else Event.LAPSE
    return Event.TIMEOUT


def outcome_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of an agent's report, beside the state.

    Raises:
        BadRequest: a failure without a reason.
    """
    event = Event(report["status"])
    if event is Event.START:
        return {}
    outcome = {
        "total_cost_usd": report.get("total_cost_usd"),
        "num_turns": report.get("num_turns", 0),
    }
    if event is Event.FAIL:
        if not report.get("failure_reason"):
            raise BadRequest("failure_reason: is required if status is failed")
        outcome["failure_reason"] = report["failure_reason"]
    if event is Event.COMPLETE and "result" in report:
        outcome["result"] = report["result"]
    return outcome


def check_chain(chain: Sequence[str], target_id: str) -> None:
    """Raise BadRequest if a task would come to an agent that has passed it on."""
    if len({*chain, target_id}) <= len(chain):
        raise BadRequest("delegation_chain: must not contain an agent twice, or the target")
