"""Tasks: who creates, sees and cancels them, and in which states they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentserver import BadRequest, Conflict, NotFound, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.readback import expect, expect_refused, read
from agentserver_contract.model.run import USERS, ModelRun, planned
from agentserver_contract.model.sandbox import Sandbox
from agentserver_contract.model.sandboxes import any_sandbox, with_sandbox
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.task import CANCELLED, Interaction, Task
from agentserver_contract.model.workspaces import (
    Workspace,
    Workspaces,
    read_of,
)

MOST_LISTED = 100
"""How many tasks a list has."""

# --- the state: `Workspace.tasks` -----------------------------------------------------------------


def tasks_of(workspace: Workspace) -> list[Task]:
    """The tasks of a workspace, the oldest first, but for those that went with their sandbox."""
    return [each for each in workspace.tasks.values() if each.target_id in workspace.sandboxes]


def create(run: ModelRun, workspace: Workspace, user: str, target: Sandbox, **given: Any) -> Task:
    """Create a task on behalf of a member."""
    method = "tasks.create"
    given = {"target_id": target.id, "prompt": "Do it.", **given}
    made = run.call(user, method, workspace.id, **given)
    expect(method, "a new task is pending", "pending", made.status.value)
    expect(method, "a task has no session", "", made.session_id)
    return keep(workspace, made.task_id, given, given.get("requester_id") or None)


def keep(
    workspace: Workspace, task_id: str, given: dict[str, Any], requester_id: str | None
) -> Task:
    """Note a task that was created."""
    skill = given.get("skill") or ""
    task = Task(
        task_id, workspace.id, given["target_id"], given["prompt"], skill or None, requester_id
    )
    workspace.tasks[task.id] = task
    detail = (("target_id", task.target_id), ("skill", skill))
    workspace.interactions.append(Interaction("task_created", task.id, requester_id, detail))
    return task


def cancel(run: ModelRun, workspace: Workspace, user: str, task: Task) -> None:
    """Cancel a task on behalf of a member."""
    answer = run.call(user, "tasks.cancel", task.id)
    expect("tasks.cancel", "the task is cancelled", "cancelled", answer.status)
    is_cancelled(workspace, task)


def is_cancelled(workspace: Workspace, task: Task) -> None:
    """Note that a member has cancelled a task."""
    task.status = CANCELLED
    workspace.interactions.append(Interaction("task_cancelled", task.id))


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "members", "sandboxes", "tasks")
def each_workspace_lists_its_newest_tasks(run: ModelRun) -> None:
    method = "tasks.list"
    for workspace in run.state[Workspaces].by_id.values():
        rows = read_of(run, workspace, method)
        newest = tasks_of(workspace)[: -MOST_LISTED - 1 : -1]
        ids = [row.task_id for row in rows]
        expect(method, "its own tasks, the newest first", [each.id for each in newest], ids)
        for row, task in zip(rows, newest, strict=True):
            expect_task(method, workspace, task, row)


@invariant("workspaces", "members", "sandboxes", "tasks")
def the_newest_tasks_are_shown_to_the_members_of_their_workspace_only(run: ModelRun) -> None:
    method = "tasks.get"
    for workspace in run.state[Workspaces].by_id.values():
        strangers = ["admin", *(user for user in USERS if user not in workspace.members)]
        for task in tasks_of(workspace)[-2:]:
            for user in workspace.members if run.every_reader else list(workspace.members)[:1]:
                shown = read(run, user, method, task.id)
                expect_task(method, workspace, task, shown)
                expect(method, "the workspace", workspace.id, shown.workspace_id)
            expect_refused(run, strangers, PermissionDenied, method, task.id)


@invariant("workspaces", "members", "sandboxes", "tasks", "interactions")
def each_workspace_lists_what_was_done_in_it(run: ModelRun) -> None:
    method = "agents.interactions.list"
    for workspace in run.state[Workspaces].by_id.values():
        rows = read_of(run, workspace, method)
        newest = workspace.interactions[:-51:-1]
        actual = [_interaction(row) for row in rows]
        expected = [_without_deleted_actor(workspace, each) for each in newest]
        expect(method, "everything that was done once, the newest first", expected, actual)
        ids = [row.id for row in rows]
        expect(method, "newer ones have higher numbers", sorted(set(ids), reverse=True), ids)


def _interaction(row: Any) -> Interaction:
    detail = row.to_dict().get("detail", {})
    kept = Interaction(row.action.value, row.target_id, row.actor_id, tuple(sorted(detail.items())))
    expect("agents.interactions.list", "the target", kept.target_type, row.target_type.value)
    return kept


def _without_deleted_actor(workspace: Workspace, each: Interaction) -> Interaction:
    actor = each.actor_id if each.actor_id in workspace.sandboxes else None
    return Interaction(each.action, each.target_id, actor, tuple(sorted(each.detail)))


def expect_task(method: str, workspace: Workspace, task: Task, shown: Any) -> None:
    """Check what every view of a task shows. Raises ContractViolation."""
    requester = task.requester_id if task.requester_id in workspace.sandboxes else ""
    expected = {
        "task_id": task.id,
        "target_id": task.target_id,
        "requester_id": requester,
        "prompt": task.prompt,
        "skill": task.skill,
        "status": task.status,
        "num_turns": task.num_turns,
        "total_cost_usd": task.total_cost_usd,
    }
    actual = {name: shown.to_dict().get(name) for name in expected}
    expect(method, "the task as it was created and reported on", expected, actual)
    task.created_at = task.created_at or shown.created_at
    expect(method, "created_at, which never changes", task.created_at, shown.created_at)
    ended = shown.completed_at
    expect(method, "when it ended, if it has", task.is_final, ended is not None)
    task.completed_at = task.completed_at or ended
    expect(method, "completed_at, which never changes", task.completed_at, ended)


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["tasks", "interactions"], precondition=with_sandbox())
def create_task(run: ModelRun, choose: Choose) -> None:
    """For a sandbox in any state, and with everything that a task can have."""
    workspace, sandbox, user = any_sandbox(run, choose)
    create(run, workspace, user, sandbox)
    create(
        run,
        workspace,
        user,
        choose(list(workspace.sandboxes.values())),
        prompt="漢" * 1000,
        skill="review",
        system_context="context",
        timeout_seconds=2**31 - 1,
        max_turns=2**31 - 1,
        max_budget_usd=0.5,
        delegation_chain=[f"agent-{number}" for number in range(16)],
        requester_id=sandbox.id,
    )


@rule(touches=["tasks", "interactions"], precondition=with_sandbox())
def create_task_wrongly(run: ModelRun, choose: Choose) -> None:
    """By whom it must not be, for what is not there, and against the rules between fields."""
    workspace, sandbox, user = any_sandbox(run, choose)
    method, right = "tasks.create", {"target_id": sandbox.id, "prompt": "Do it."}
    for stranger in (*workspace.with_role("guest"), *_strangers(workspace)):
        run.call(stranger, method, workspace.id, **right, raises=PermissionDenied)
    unknown = f"{NO_SUCH}sandbox"
    run.call(user, method, workspace.id, **{**right, "target_id": unknown}, raises=NotFound)
    wrong: list[dict[str, Any]] = [
        {"target_id": sandbox.id, "delegation_chain": [sandbox.id]},
        {"delegation_chain": ["a", "b", "a"]},
        {"delegation_chain": [f"agent-{number}" for number in range(17)]},
        {"requester_id": unknown},
        {"max_turns": -1},
        {"max_budget_usd": -0.5},
        {"timeout_seconds": 0},
        {"prompt": ""},
    ]
    for each in wrong:
        for target_id in (sandbox.id, unknown):  # which is looked for after the body is read
            given = {**right, "target_id": target_id, **each}
            run.call(user, method, workspace.id, **given, raises=BadRequest)
    for other in _others(run, workspace):
        for target in list(other.sandboxes.values())[:1]:
            theirs = {**right, "target_id": target.id}
            run.call(user, method, workspace.id, **theirs, raises=PermissionDenied)
            theirs = {**right, "requester_id": target.id}
            run.call(user, method, workspace.id, **theirs, raises=BadRequest)


@rule(touches=["tasks", "interactions"], precondition=with_sandbox())
def cancel_task(run: ModelRun, choose: Choose) -> None:
    """By whom it must not be, then once, and never again."""
    workspace, sandbox, user = any_sandbox(run, choose)
    task = create(run, workspace, user, sandbox)
    for stranger in (*workspace.with_role("guest"), *_strangers(workspace)):
        run.call(stranger, "tasks.cancel", task.id, raises=PermissionDenied)
    cancel(run, workspace, user, task)
    run.call(user, "tasks.cancel", task.id, raises=Conflict)
    run.call(user, "tasks.cancel", f"{NO_SUCH}task", raises=NotFound)
    run.call(user, "tasks.get", f"{NO_SUCH}task", raises=NotFound)


@rule(touches=["tasks", "interactions"], precondition=with_sandbox())
def cancel_concurrently(run: ModelRun, choose: Choose) -> None:
    """Of several at the same time, one succeeds."""
    workspace, sandbox, user = any_sandbox(run, choose)
    task = create(run, workspace, user, sandbox)
    outcomes = run.concurrently([planned(user, "tasks.cancel", task.id)] * 5)
    is_cancelled(workspace, task)
    kinds = sorted(type(each).__name__ for each in outcomes)
    if kinds != ["AgentTaskCancelResponse", *["Conflict"] * 4]:
        promise = "of five who do it at the same time, one succeeds"
        raise ContractViolation("tasks.cancel", promise, outcomes)


@rule(touches=["tasks", "interactions"], precondition=with_sandbox())
def read_interactions_in_pages(run: ModelRun, choose: Choose) -> None:
    """With the bounds of the page, and beyond them."""
    workspace, sandbox, user = any_sandbox(run, choose)
    while len(workspace.interactions) < 2:
        create(run, workspace, user, sandbox)
    user, method = choose(list(workspace.members)), "agents.interactions.list"
    whole = [each.target_id for each in reversed(workspace.interactions)]
    for limit, offset in ((200, 0), (1, 0), (1, max(len(whole) - 1, 0)), (200, len(whole))):
        page = run.call(user, method, workspace.id, limit=limit, offset=offset)
        expected = whole[offset : offset + limit]
        expect(method, "a page of it", expected, [row.target_id for row in page])
    for limit in (0, 201):
        run.call(user, method, workspace.id, limit=limit, raises=BadRequest)


def _strangers(workspace: Workspace) -> Sequence[str]:
    """Users who are no members."""
    return [user for user in USERS if user not in workspace.members]


def _others(run: ModelRun, workspace: Workspace) -> list[Workspace]:
    """The other workspaces of the run."""
    known = run.state[Workspaces].by_id.values()
    return [each for each in known if each is not workspace]
