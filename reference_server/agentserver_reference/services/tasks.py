"""Tasks: what members and agents do with them, and what becomes of those that take too long."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agentserver_reference.domain import tasks as domain
from agentserver_reference.domain.errors import BadRequest, Conflict, Forbidden, NotFound
from agentserver_reference.domain.tasks import Event
from agentserver_reference.services.agents import check_target
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import agent_interactions, agent_tasks, sandboxes
from agentserver_reference.storage.agents import Agent
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

MOST_LISTED = 100
MOST_TAKEN = 5
_BATCH = 500
"""How many overdue tasks are read at a time."""


async def create(work: UnitOfWork, workspace_id: str, given: Mapping[str, Any]) -> Record:
    """Create a task on behalf of a member.

    Raises BadRequest, NotFound for an unknown target, Forbidden for one of another workspace.
    """
    return await _add(work, workspace_id, given.get("requester_id") or None, given)


async def delegate(work: UnitOfWork, agent: Agent, given: Mapping[str, Any]) -> Record:
    """Create a task on behalf of an agent, which is its requester. Raises the same."""
    if given.get("requester_id", "") not in ("", agent.id):
        raise BadRequest("requester_id: must be the caller's own sandbox")
    return await _add(work, agent.workspace_id, agent.id, given)


async def _add(
    work: UnitOfWork, workspace_id: str, requester_id: str | None, given: Mapping[str, Any]
) -> Record:
    domain.check_chain(given.get("delegation_chain", ()), given["target_id"])
    task_id = f"task_{work.context.ids()}"
    await work.write(
        Lock(workspace=workspace_id),
        _create,
        task_id,
        workspace_id,
        requester_id,
        given,
        work.context.clock(),
    )
    return {"task_id": task_id, "session_id": "", "status": domain.PENDING}


def _create(
    conn: Connection,
    task_id: str,
    workspace_id: str,
    requester_id: str | None,
    given: Mapping[str, Any],
    now: datetime,
) -> None:
    if requester_id and sandboxes.workspace_of(conn, requester_id) != workspace_id:
        raise BadRequest("requester_id: must be a sandbox of the workspace")
    target_id, skill = given["target_id"], given.get("skill", "")
    check_target(conn, workspace_id, target_id)
    agent_tasks.add(
        conn,
        task_id=task_id,
        workspace_id=workspace_id,
        target_id=target_id,
        requester_id=requester_id,
        prompt=given["prompt"],
        skill=skill or None,
        system_context=given.get("system_context") or None,
        max_turns=given.get("max_turns", 0),
        max_budget_usd=given.get("max_budget_usd", 0),
        timeout_seconds=given.get("timeout_seconds", domain.DEFAULT_TIMEOUT),
        delegation_chain=given.get("delegation_chain", ()),
        now=now,
    )
    detail = {"target_id": target_id, "skill": skill}
    _record(conn, workspace_id, requester_id, "task_created", task_id, now, detail)


def _record(
    conn: Connection,
    workspace_id: str,
    actor_id: str | None,
    action: str,
    task_id: str,
    now: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    agent_interactions.add(
        conn,
        workspace_id=workspace_id,
        actor_id=actor_id,
        action=action,
        target_id=task_id,
        target_type=agent_interactions.TASK,
        detail=detail,
        now=now,
    )


# --- reading --------------------------------------------------------------------------------------


async def list_of_workspace(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the newest tasks of a workspace, the newest first."""
    return [_shown(row) for row in await work.read(agent_tasks.list_of, workspace_id, MOST_LISTED)]


async def get(work: UnitOfWork, task_id: str) -> Record:
    """Return a task. Raises NotFound."""
    return _shown(_existing(await work.read(agent_tasks.find, task_id)))


async def get_as_agent(work: UnitOfWork, agent: Agent, task_id: str) -> Record:
    """Return a task of the agent's workspace; if it is assigned to it, its claim begins anew.

    Raises NotFound, and Forbidden for a task of another workspace.
    """
    row = _of_workspace(await work.read(agent_tasks.find, task_id), agent.workspace_id)
    now = work.context.clock()
    if row["target_id"] == agent.id and domain.is_renewal_due(row, now):
        await work.change(agent_tasks.renew_claim, task_id, agent.id, now)
    return _shown(row)


def _existing(row: Record | None) -> Record:
    if row is None:
        raise NotFound("task not found")
    return row


def _of_workspace(row: Record | None, workspace_id: str) -> Record:
    """Return a task if there is one. Raises NotFound, and Forbidden if it is not of a workspace."""
    found = _existing(row)
    if found["workspace_id"] != workspace_id:
        raise Forbidden("task not in workspace")
    return found


def _shown(row: Record) -> Record:
    """Return a row as it is shown: without what is unset."""
    shown = {
        name: value
        for name, value in row.items()
        if name != "claimed_at" and (value is not None or name == "result")
    }
    return shown | {"requester_id": row["requester_id"] or ""}


# --- what agents do -------------------------------------------------------------------------------


async def poll(work: UnitOfWork, agent: Agent, limit: int) -> list[Record]:
    """Assign the oldest pending tasks of an agent to it, and return them, oldest first."""
    if not await work.read(agent_tasks.has_pending, agent.id):
        return []
    taken = await work.change(agent_tasks.take, agent.id, limit, work.context.clock())
    return [
        {name: value for name, value in row.items() if value is not None}
        | {"system_context": row["system_context"] or ""}
        for row in taken
    ]


async def report(work: UnitOfWork, agent: Agent, task_id: str, given: Mapping[str, Any]) -> None:
    """Store what an agent reports on one of its tasks.

    Raises BadRequest, NotFound, Forbidden for a task of another agent, Conflict if it is finished.
    """
    await work.write(
        Lock(workspace=agent.workspace_id),
        _report,
        agent,
        task_id,
        Event(given["status"]),
        domain.outcome_of(given),
        work.context.clock(),
    )


def _report(
    conn: Connection,
    agent: Agent,
    task_id: str,
    event: Event,
    outcome: Mapping[str, Any],
    now: datetime,
) -> None:
    row = _of_workspace(agent_tasks.find(conn, task_id), agent.workspace_id)
    if row["target_id"] != agent.id:
        raise Forbidden("only the target of a task may report on it")
    _change(conn, task_id, event, now, **outcome)
    detail = {"status": event.value}
    _record(conn, agent.workspace_id, agent.id, "task_status_changed", task_id, now, detail)


def _change(conn: Connection, task_id: str, event: Event, now: datetime, **outcome: Any) -> None:
    if not agent_tasks.change(conn, task_id, event, now, **outcome):
        raise Conflict("task already finished")


async def cancel(work: UnitOfWork, task_id: str) -> None:
    """Cancel a task. Raises NotFound, and Conflict if it is finished."""
    await work.write(Lock(), _cancel, task_id, work.context.clock())


def _cancel(conn: Connection, task_id: str, now: datetime) -> None:
    workspace_id = _existing(agent_tasks.find(conn, task_id))["workspace_id"]
    _change(conn, task_id, Event.CANCEL, now)
    _record(conn, workspace_id, None, "task_cancelled", task_id, now)


# --- what goes on by itself -----------------------------------------------------------------------


async def end_overdue(work: UnitOfWork) -> int:
    """Return lapsed claims, and end the tasks whose time is over; returns how many they are."""
    ended = 0
    while True:
        rows = await work.read(agent_tasks.list_overdue, work.context.clock(), _BATCH)
        for row in rows:
            # Locked like everything that adds an interaction: the workspace may be deleted now.
            try:
                await work.write(
                    Lock(workspace=row["workspace_id"]), _end_overdue, row, work.context.clock()
                )
            except NotFound:
                continue
        ended += len(rows)
        if len(rows) < _BATCH:
            return ended


def _end_overdue(conn: Connection, row: Record, now: datetime) -> None:
    event = domain.overdue(row, now)
    outcome: dict[str, Any] = {} if event is Event.TIMEOUT else {"seen": row["claimed_at"]}
    reason = domain.REASONS.get(event)
    if reason is not None:
        outcome["failure_reason"] = reason
    if agent_tasks.change(conn, row["id"], event, now, **outcome) and reason is not None:
        detail = {"status": domain.FAILED}
        _record(conn, row["workspace_id"], None, "task_status_changed", row["id"], now, detail)
