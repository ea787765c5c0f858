"""Tasks and messages: their states, who gets them, who reports, and what is kept of a report."""

from replacing import fault
from sqlalchemy import select, update

from agentserver_reference.domain.tasks import Event
from agentserver_reference.services.agents import check_target
from agentserver_reference.storage import tables

_tasks, _mailbox = tables.agent_tasks, tables.agent_mailbox


@fault(
    replaces="agentserver_reference.storage.agent_tasks.take",
    kind="used-twice",
    operations=["poll_agent_tasks"],
)
def task_delivered_twice(original, conn, sandbox_id, most, now):
    """A task stays pending although it was given out."""
    taken = original(conn, sandbox_id, most, now)
    ids = [row["task_id"] for row in taken[:1]]
    conn.execute(update(_tasks).where(_tasks.c.id.in_(ids)).values(status="pending"), {})
    return taken


@fault(
    replaces="agentserver_reference.storage.agent_tasks.take",
    kind="wrong-order",
    operations=["poll_agent_tasks"],
)
def tasks_in_reverse(original, conn, sandbox_id, most, now):
    """A poll returns its tasks in the other order."""
    return original(conn, sandbox_id, most, now)[::-1]


@fault(
    replaces="agentserver_reference.storage.agent_tasks.take",
    kind="wrong-order",
    operations=["poll_agent_tasks"],
)
def delegation_chains_sorted(original, conn, sandbox_id, most, now):
    """A delegation chain is in the order of the ids, and not in that of the agents."""
    taken = original(conn, sandbox_id, most, now)
    return [{**row, "delegation_chain": sorted(row["delegation_chain"])} for row in taken]


@fault(
    replaces="agentserver_reference.storage.agent_tasks.take",
    kind="limit-off",
    operations=["poll_agent_tasks"],
)
def poll_ignores_the_limit(original, conn, sandbox_id, most, now):
    """A poll takes five tasks, however few were asked for."""
    return original(conn, sandbox_id, 5, now)


@fault(
    replaces="agentserver_reference.storage.agent_tasks.take",
    kind="write-not-stored",
    operations=["poll_agent_tasks"],
)
def poll_loses_a_task(original, conn, sandbox_id, most, now):
    """The last of several tasks is assigned, but not returned."""
    taken = original(conn, sandbox_id, most, now)
    return taken[:-1] if len(taken) > 1 else taken


@fault(
    replaces="agentserver_reference.storage.agent_tasks.change",
    kind="wrong-state",
    operations=["update_agent_task_status", "cancel_task"],
)
def final_state_is_left(original, conn, task_id, event, now, **outcome):
    """A report changes a task that is finished."""
    if event is not Event.CANCEL:
        found = update(_tasks).where(_tasks.c.id == task_id).values(status="running")
        conn.execute(found, {})
    return original(conn, task_id, event, now, **outcome)


@fault(
    replaces="agentserver_reference.storage.agent_tasks.change",
    kind="wrong-state",
    operations=["cancel_task"],
)
def finished_tasks_are_cancelled(original, conn, task_id, event, now, **outcome):
    """A member cancels a task that is finished."""
    if event is Event.CANCEL and not outcome:
        conn.execute(update(_tasks).where(_tasks.c.id == task_id).values(status="running"), {})
    return original(conn, task_id, event, now, **outcome)


@fault(
    replaces="agentserver_reference.storage.agent_tasks.change",
    kind="wrong-value",
    operations=["update_agent_task_status"],
)
def cost_is_lost_without_a_result(original, conn, task_id, event, now, **outcome):
    """A completed task without a result loses its cost and turns."""
    if event is Event.COMPLETE and "result" not in outcome:
        outcome = {}
    return original(conn, task_id, event, now, **outcome)


@fault(
    replaces="agentserver_reference.domain.tasks.outcome_of",
    kind="wrong-value",
    operations=["update_agent_task_status"],
)
def failure_keeps_a_result(original, report):
    """A failed task shows the result that came with the report."""
    kept = {"result": report["result"]} if "result" in report else {}
    return original(report) | (kept if report["status"] == "failed" else {})


@fault(
    replaces="agentserver_reference.domain.tasks.outcome_of",
    kind="wrong-value",
    operations=["update_agent_task_status"],
)
def null_is_no_result(original, report):
    """A result that is null is left out."""
    outcome = original(report)
    if outcome.get("result", "") is None:
        del outcome["result"]
    return outcome


@fault(
    replaces="agentserver_reference.domain.tasks.outcome_of",
    kind="accepts-missing-field",
    operations=["update_agent_task_status"],
)
def failures_need_no_reason(original, report):
    """A failure without a reason is accepted."""
    return original({"failure_reason": "unknown", **report})


@fault(
    replaces="agentserver_reference.services.tasks._report",
    kind="write-across-tenants",
    operations=["update_agent_task_status"],
)
def anybody_reports(original, conn, agent, task_id, event, outcome, now):
    """An agent reports on the task of another one."""
    row = conn.execute(
        select(_tasks.c.target_id, _tasks.c.workspace_id).where(_tasks.c.id == task_id)
    ).first()
    if row is not None:
        agent = agent._replace(id=row[0], workspace_id=row[1])
    return original(conn, agent, task_id, event, outcome, now)


@fault(
    replaces="agentserver_reference.services.tasks.get_as_agent",
    kind="read-across-tenants",
    operations=["get_agent_task"],
)
async def tasks_of_every_workspace(original, work, agent, task_id):
    """An agent reads the tasks of other workspaces."""
    from agentserver_reference.services import tasks

    return await tasks.get(work, task_id)


@fault(
    replaces="agentserver_reference.domain.tasks.check_chain",
    kind="accepts-malformed",
    operations=["create_agent_task", "create_workspace_task"],
)
def delegation_goes_in_a_circle(original, chain, target_id):
    """A task comes back to an agent that has passed it on."""


@fault(
    replaces="agentserver_reference.services.tasks.delegate",
    kind="wrong-value",
    operations=["create_agent_task"],
)
async def requester_is_trusted(original, work, agent, given):
    """An agent names another one as the requester."""
    from agentserver_reference.services import tasks

    return await tasks.create(work, agent.workspace_id, given)


@fault(
    replaces="agentserver_reference.services.tasks._create",
    kind="existence-shown",
    operations=["create_workspace_task"],
)
def target_looked_for_before_requester(
    original, conn, task_id, workspace_id, requester_id, given, now
):
    """Of a requester and a target that are both wrong, the target is told."""
    check_target(conn, workspace_id, given["target_id"])
    original(conn, task_id, workspace_id, requester_id, given, now)


@fault(
    replaces="agentserver_reference.services.tasks._create",
    kind="wrong-value",
    operations=["create_agent_task", "create_workspace_task", "poll_agent_tasks"],
)
def turns_and_budget_are_dropped(original, conn, task_id, workspace_id, requester_id, given, now):
    """`max_turns` and `max_budget_usd` are accepted and forgotten."""
    kept = {name: value for name, value in given.items() if not name.startswith("max_")}
    original(conn, task_id, workspace_id, requester_id, kept, now)


@fault(
    replaces="agentserver_reference.storage.agent_mailbox.take",
    kind="used-twice",
    operations=["read_agent_inbox"],
)
def message_read_twice(original, conn, sandbox_id, most, now):
    """A message stays unread although it was read."""
    taken = original(conn, sandbox_id, most, now)
    ids = [row["id"] for row in taken[:1]]
    conn.execute(update(_mailbox).where(_mailbox.c.id.in_(ids)).values(read_at=None), {})
    return taken


@fault(
    replaces="agentserver_reference.storage.agent_mailbox.take",
    kind="wrong-order",
    operations=["read_agent_inbox"],
)
def messages_in_reverse(original, conn, sandbox_id, most, now):
    """Messages are read in the other order."""
    return original(conn, sandbox_id, most, now)[::-1]


@fault(
    replaces="agentserver_reference.storage.agent_mailbox.take",
    kind="limit-off",
    operations=["read_agent_inbox"],
)
def inbox_ignores_the_limit(original, conn, sandbox_id, most, now):
    """Ten messages are read, however few were asked for."""
    return original(conn, sandbox_id, 10, now)


@fault(
    replaces="agentserver_reference.storage.agent_mailbox.add",
    kind="wrong-value",
    operations=["send_agent_message"],
)
def every_message_is_a_text(
    original, conn, *, message_id, workspace_id, sender, recipient, text, msg_type, now
):
    """The kind of a message is lost."""
    original(
        conn,
        message_id=message_id,
        workspace_id=workspace_id,
        sender=sender,
        recipient=recipient,
        text=text,
        msg_type="text",
        now=now,
    )


@fault(
    replaces="agentserver_reference.services.tasks.get",
    kind="wrong-value",
    operations=["get_task"],
)
async def members_see_no_result(original, work, task_id):
    """Members see a task without its result."""
    return {
        name: value for name, value in (await original(work, task_id)).items() if name != "result"
    }


@fault(
    replaces="agentserver_reference.storage.agent_tasks.list_of",
    kind="list-incomplete",
    operations=["list_workspace_tasks"],
)
def newest_task_is_not_listed(original, conn, workspace_id, most):
    """The newest of several tasks is not in the list."""
    rows = original(conn, workspace_id, most)
    return rows[1:] if len(rows) > 1 else rows
