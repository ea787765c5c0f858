"""Tasks.

A state changes in one statement that compares it first, so that of several changes at the same
time, in whatever process, one is made. Polls skip the tasks that another one is taking.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Update, and_, bindparam, func, insert, or_, select, update

from agentserver_reference.domain.life_cycles import sources_of, target_of
from agentserver_reference.domain.tasks import ASSIGNED, CLAIM, FINAL, LIFE_CYCLE, PENDING, Event
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.sandboxes import has_valid_tokens
from agentserver_reference.storage.tables import agent_tasks

_c = agent_tasks.c
_this = _c.id == bindparam("task")
_now: BindParameter[str] = bindparam("now")

_listed = (
    *(_c.id.label("task_id"), _c.target_id, _c.requester_id, _c.skill, _c.status, _c.prompt),
    *(_c.num_turns, _c.total_cost_usd, _c.created_at, _c.completed_at),
)
_of_workspace = Query(
    select(*_listed)
    .where(_c.workspace_id == bindparam("of_workspace"))
    .order_by(_c.sequence.desc())
    .limit(bindparam("most"))
)
_by_id = Query(
    select(*_listed, _c.workspace_id, _c.result, _c.failure_reason, _c.claimed_at).where(_this)
)
_workspace = select(_c.workspace_id).where(_this)
_add = insert(agent_tasks)

_pending = (_c.target_id == bindparam("target"), _c.status == PENDING)
_any_pending = select(_c.sequence).where(*_pending).limit(1)
_taken = (
    select(_c.sequence)
    .where(*_pending, has_valid_tokens("target"))
    .order_by(_c.sequence)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("taken")
)
_seconds: BindParameter[int] = bindparam("seconds")
_take = Query(
    update(agent_tasks)
    .where(_c.sequence.in_(select(_taken.c.sequence)))
    .values(
        status=LIFE_CYCLE[PENDING][Event.POLL],
        claimed_at=_now,
        deadline=func.coalesce(_c.deadline, _seconds + _c.timeout_seconds),
    )
    .returning(
        *(_c.sequence, _c.id.label("task_id"), _c.prompt, _c.system_context, _c.max_turns),
        *(_c.max_budget_usd, _c.skill, _c.timeout_seconds, _c.requester_id, _c.delegation_chain),
    )
)
_renew = (
    update(agent_tasks)
    .where(_this, _c.target_id == bindparam("target"), _c.status == ASSIGNED)
    .values(claimed_at=_now)
)
_overdue = Query(
    select(_c.id, _c.workspace_id, _c.status, _c.claimed_at, _c.lapses)
    .where(
        or_(
            and_(_c.status == ASSIGNED, _c.claimed_at <= bindparam("lapsed")),
            and_(_c.status.in_(sources_of(LIFE_CYCLE, Event.TIMEOUT)), _c.deadline <= _seconds),
        )
    )
    .order_by(_c.sequence)
    .limit(bindparam("most"))
)


def _change(event: Event) -> Update:
    """The statement that changes the state as the life cycle says, where it may."""
    change = (
        update(agent_tasks)
        .where(_this, _c.status.in_(sources_of(LIFE_CYCLE, event)))
        .values(status=target_of(LIFE_CYCLE, event))
    )
    if event in (Event.LAPSE, Event.GIVE_UP):
        return change.where(_c.claimed_at == bindparam("seen")).values(lapses=_c.lapses + 1)
    return change


_changes = {event: _change(event) for event in Event}


def add(
    conn: Connection,
    *,
    task_id: str,
    workspace_id: str,
    target_id: str,
    requester_id: str | None,
    prompt: str,
    skill: str | None,
    system_context: str | None,
    max_turns: int,
    max_budget_usd: float,
    timeout_seconds: int,
    delegation_chain: Sequence[str],
    now: datetime,
) -> None:
    """Add a pending task."""
    conn.execute(
        _add,
        {
            "id": task_id,
            "workspace_id": workspace_id,
            "target_id": target_id,
            "requester_id": requester_id,
            "status": PENDING,
            "prompt": prompt,
            "skill": skill,
            "system_context": system_context,
            "max_turns": max_turns,
            "max_budget_usd": float(max_budget_usd),
            "timeout_seconds": timeout_seconds,
            "delegation_chain": list(delegation_chain),
            "created_at": timestamp(now),
            "lapses": 0,
            "num_turns": 0,
        },
    )


def list_of(conn: Connection, workspace_id: str, most: int) -> list[Record]:
    """The newest tasks of a workspace, the newest first."""
    return _of_workspace.all(conn, of_workspace=workspace_id, most=most)


def find(conn: Connection, task_id: str) -> Record | None:
    """A task; without `result` if it has none."""
    found = _by_id.first(conn, task=task_id)
    if found is not None:
        stored = found.pop("result")
        if stored is not None:
            found["result"] = json.loads(stored)
    return found


def workspace_of(conn: Connection, task_id: str) -> str | None:
    """The workspace of a task, which never changes."""
    found: str | None = conn.execute(_workspace, {"task": task_id}).scalar_one_or_none()
    return found


def has_pending(conn: Connection, sandbox_id: str) -> bool:
    """Whether there are tasks that the agent of a sandbox could take."""
    return conn.execute(_any_pending, {"target": sandbox_id}).first() is not None


def take(conn: Connection, sandbox_id: str, most: int, now: datetime) -> list[Record]:
    """Assign the oldest pending tasks to the agent of a sandbox, in one statement; oldest first.

    Those that another call takes at the same time are skipped, and an agent whose tokens have ended
    since the call was authorised gets none.
    """
    taken = _take.all(
        conn, target=sandbox_id, most=most, now=timestamp(now), seconds=int(now.timestamp())
    )
    taken.sort(key=lambda row: int(row["sequence"]))
    return [{name: value for name, value in row.items() if name != "sequence"} for row in taken]


def renew_claim(conn: Connection, task_id: str, sandbox_id: str, now: datetime) -> None:
    """Begin the claim of the agent of a sandbox anew, if the task is assigned to it."""
    conn.execute(_renew, {"task": task_id, "target": sandbox_id, "now": timestamp(now)})


def list_overdue(conn: Connection, now: datetime, most: int) -> list[Record]:
    """The oldest tasks whose claim has lapsed or whose time is over.

    Each has id, workspace_id, status, claimed_at and lapses.
    """
    return _overdue.all(
        conn, lapsed=timestamp(now - CLAIM), seconds=int(now.timestamp()), most=most
    )


def change(conn: Connection, task_id: str, event: Event, now: datetime, **outcome: Any) -> bool:
    """Change the state as the life cycle says; False for a task whose state does not permit it.

    Arguments:
        conn: the connection.
        task_id: the task.
        event: what changes it.
        now: the time.
        outcome: the columns that a final state sets; a `result` is JSON of any form. For a claim
            that lapses, `seen`: the time of the claim, which the task must still have.
    """
    if "result" in outcome:
        outcome["result"] = json.dumps(outcome["result"])
    if target_of(LIFE_CYCLE, event) in FINAL:
        outcome["completed_at"] = timestamp(now)
    return conn.execute(_changes[event], {"task": task_id, **outcome}).rowcount > 0
