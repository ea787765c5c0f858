"""Sandboxes: their states, their limits, and who sees them and changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentserver import (
    AgentserverError,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
)
from agentserver_contract.fixtures.settling import read_until
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, Precondition, initialize, invariant, rule
from agentserver_contract.model.limits import merge_workspace_limits
from agentserver_contract.model.readback import expect, expect_refused, expect_timestamp, read
from agentserver_contract.model.run import USERS, ModelRun, planned
from agentserver_contract.model.sandbox import PAUSED, RUNNING, Sandbox
from agentserver_contract.model.state import ContractViolation, Timestamp
from agentserver_contract.model.values import BAD_NAMES, FREE_OBJECTS, NAMES
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspace,
    Workspaces,
    any_workspace,
    has_workspace,
    read_of,
)

MOST_SANDBOXES = 4
"""How many a workspace has at a time: all of them are read back again and again."""

TYPES = ("opencode", "openclaw", "nanoclaw", "claudecode", "jupyter")
CPU, MEMORY = 1500, 2**30
"""The most that a sandbox may have, unless a rule is about that."""
NO_LIMIT = 0
_BUDGET_EXCEEDED = "resource_budget_exceeded"

# --- the state: `Workspace.sandboxes` -------------------------------------------------------------


@initialize
def create_first_sandboxes(run: ModelRun) -> None:
    """Give each workspace two: one is running, the other one paused."""
    for workspace in run.state[Workspaces].by_id.values():
        owner = workspace.with_role("owner")[0]
        create_lasting(run, workspace, owner, "Zebra")
        pause(run, create_lasting(run, workspace, owner, "Aardvark"), owner)


def lift_limits(run: ModelRun, workspace: Workspace, **limits: int) -> None:
    """Set the limits of a workspace's sandboxes to what rules rely on, but for those given."""
    lifted: dict[str, Any] = {
        "max_sandboxes": NO_LIMIT,
        "max_sandbox_cpu": CPU,
        "max_sandbox_memory": MEMORY,
        "max_idle_timeout": NO_LIMIT,
        "max_total_cpu": NO_LIMIT,
        "max_total_memory": NO_LIMIT,
    }
    merge_workspace_limits(run, workspace.id, **{**lifted, **limits})


def create_lasting(run: ModelRun, workspace: Workspace, user: str, name: str) -> Sandbox:
    """Create a sandbox that is never idle for too long, whatever is set later."""
    lift_limits(run, workspace)
    return create(run, workspace, user, name=name, idle_timeout=0)


def create(run: ModelRun, workspace: Workspace, user: str, **given: Any) -> Sandbox:
    """Create a sandbox, check the answer, and wait until it is running."""
    method = "sandboxes.create"
    created = run.call(user, method, workspace.id, **given)
    expect(method, "a new sandbox is being created", "creating", created.status.value)
    sandbox = Sandbox(
        id=created.id,
        workspace_id=workspace.id,
        name=given["name"],
        type=given.get("type", TYPES[0]),
        cpu=given.get("cpu") or CPU,
        memory=given.get("memory") or MEMORY,
        created_at=created.created_at,
        last_activity_at=Timestamp(created.created_at),
        idle_timeout=given.get("idle_timeout"),
        metadata=given.get("metadata") or None,
    )
    expect_sandbox(run, method, sandbox, created, status="creating")
    workspace.sandboxes[created.id] = sandbox
    settle(run, sandbox, user, RUNNING)
    return sandbox


def delete(run: ModelRun, workspace: Workspace, user: str, sandbox: Sandbox) -> None:
    """Delete a sandbox."""
    run.call(user, "sandboxes.delete", sandbox.id)
    del workspace.sandboxes[sandbox.id]


def pause(run: ModelRun, sandbox: Sandbox, user: str) -> None:
    """Pause a running sandbox, and wait until it is paused."""
    method = "sandboxes.pause"
    answer = run.call(user, method, sandbox.id)
    expect(method, "the sandbox is being paused", "pausing", answer.status.value)
    is_paused(run, sandbox, user)


def is_paused(run: ModelRun, sandbox: Sandbox, user: str) -> None:
    """Note that a member has paused a sandbox, and wait until it is."""
    sandbox.paused_at.advance()
    settle(run, sandbox, user, PAUSED)


def resume(run: ModelRun, sandbox: Sandbox, user: str) -> None:
    """Resume a paused sandbox, and wait until it is running."""
    method = "sandboxes.resume"
    answer = run.call(user, method, sandbox.id)
    expect(method, "the sandbox is being resumed", "resuming", answer.status.value)
    is_resumed(run, sandbox, user)


def is_resumed(run: ModelRun, sandbox: Sandbox, user: str) -> None:
    """Note that a member has resumed a sandbox, and wait until it is running."""
    sandbox.last_activity_at.advance()
    settle(run, sandbox, user, RUNNING)


def settle(run: ModelRun, sandbox: Sandbox, user: str, status: str) -> None:
    """Wait until a sandbox is in a state. Raises ContractViolation if it comes into another one."""
    passing = run.contract.passing_states["status"]
    method = "sandboxes.get"
    shown = read_until(
        lambda: read(run, user, method, sandbox.id).status.value,
        lambda status: status not in passing,
    )
    expect(method, f"a sandbox becomes {status} by itself", status, shown)
    sandbox.status = status


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "members", "sandboxes")
def each_workspace_lists_its_sandboxes(run: ModelRun) -> None:
    method = "sandboxes.list"
    for workspace in run.state[Workspaces].by_id.values():
        rows = read_of(run, workspace, method)
        ids = [row.id for row in rows]
        expect(method, "its own sandboxes, the oldest first", list(workspace.sandboxes), ids)
        for row in rows:
            expect_sandbox(run, method, workspace.sandboxes[row.id], row)


@invariant("workspaces", "members", "sandboxes")
def each_sandbox_is_shown_to_the_members_of_its_workspace_only(run: ModelRun) -> None:
    method = "sandboxes.get"
    for workspace in run.state[Workspaces].by_id.values():
        strangers = ["admin", *(user for user in USERS if user not in workspace.members)]
        for number, sandbox in enumerate(workspace.sandboxes.values()):
            readers = list(workspace.members) if run.every_reader or not number else ["owner"]
            for user in (each for each in readers if each in workspace.members):
                expect_sandbox(run, method, sandbox, read(run, user, method, sandbox.id))
            expect_refused(run, strangers[:1], PermissionDenied, method, sandbox.id)
        for sandbox in list(workspace.sandboxes.values())[:1]:
            expect_refused(run, strangers, PermissionDenied, method, sandbox.id)


@invariant("workspaces", "sandboxes")
def administrators_list_each_sandbox_once(run: ModelRun) -> None:
    method = "admin.sandboxes.list"
    workspaces = run.state[Workspaces].by_id
    known = {each.id: each for one in workspaces.values() for each in one.sandboxes.values()}
    of_this_run = run.state[Workspaces].of_this_run
    rows = [row for row in read(run, "admin", method) if row.workspace_id in of_this_run]
    shown = sorted(row.id for row in rows)
    expect(method, "each sandbox once, and none that was deleted", sorted(known), shown)
    for row in rows:
        sandbox = known[row.id]
        expected = (sandbox.workspace_id, sandbox.name, sandbox.type, sandbox.status)
        actual = (row.workspace_id, row.name, row.type, row.status.value)
        expect(method, "the sandbox as its members see it", expected, actual)


def expect_sandbox(
    run: ModelRun, method: str, sandbox: Sandbox, shown: Any, *, status: str = ""
) -> None:
    """Check what every view of a sandbox shows. Raises ContractViolation."""
    names = ("id", "workspace_id", "name", "type", "cpu", "memory", "idle_timeout", "metadata")
    expected = {name: getattr(sandbox, name) for name in names}
    actual = {name: shown.to_dict().get(name) for name in names}
    expect(method, "the sandbox as it was created", expected, actual)
    expect(method, "the state", status or sandbox.status, shown.status.value)
    expect(method, "created_at, which never changes", sandbox.created_at, shown.created_at)
    expect(method, "a sandbox of the server is not local", False, shown.is_local)
    expect_timestamp(run, method, sandbox.last_activity_at, shown.last_activity_at)
    is_shown = shown.paused_at is not None
    expect(method, "when it was paused, as long as it is", sandbox.status == PAUSED, is_shown)
    if is_shown:
        expect_timestamp(run, method, sandbox.paused_at, shown.paused_at)


# --- preconditions --------------------------------------------------------------------------------


def has_sandbox(status: str) -> Callable[[Workspace], bool]:
    """Whether a workspace has a sandbox in a state."""
    return lambda workspace: any(each.status == status for each in workspace.sandboxes.values())


def has_space(workspace: Workspace) -> bool:
    """Whether a workspace may have another sandbox."""
    return len(workspace.sandboxes) < MOST_SANDBOXES


def with_sandbox(status: str = "") -> Precondition:
    """When there is a sandbox, in a state or in any."""
    suits = has_sandbox(status) if status else (lambda workspace: bool(workspace.sandboxes))
    return has_workspace(suits)


def any_sandbox(run: ModelRun, choose: Choose, status: str = "") -> tuple[Workspace, Sandbox, str]:
    """A sandbox, its workspace, and a caller who may change it."""
    suits = has_sandbox(status) if status else (lambda workspace: bool(workspace.sandboxes))
    workspace = any_workspace(run, choose, suits)
    sandboxes = [each for each in workspace.sandboxes.values() if status in ("", each.status)]
    return workspace, choose(sandboxes), choose(workspace.at_least("developer"))


# --- rules: what members do -----------------------------------------------------------------------


@rule(touches=["sandboxes", "workspace_limits"], precondition=has_workspace(has_space))
def create_sandbox(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose, has_space)
    create_lasting(run, workspace, choose(workspace.at_least("developer")), choose(NAMES))


@rule(touches=["sandboxes", "workspace_limits"], precondition=A_WORKSPACE)
def create_sandboxes_of_every_kind(run: ModelRun, choose: Choose) -> None:
    """Each type, each name, sizes from the least to the most, and what callers keep with them."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    lift_limits(run, workspace)
    sizes: list[dict[str, Any]] = [
        {},
        {"cpu": None, "memory": None, "idle_timeout": None, "metadata": None},
        {"cpu": 1, "memory": 1, "idle_timeout": 2**31 - 1},
        {"cpu": CPU, "memory": MEMORY, "idle_timeout": 0},
        *({"metadata": metadata} for metadata in FREE_OBJECTS),
        *({"type": each} for each in TYPES),
    ]
    for number, given in enumerate(sizes):
        name = NAMES[number % len(NAMES)]
        sandbox = create(run, workspace, user, name=name, **given)
        expect_sandbox(run, "sandboxes.get", sandbox, read(run, user, "sandboxes.get", sandbox.id))
        delete(run, workspace, user, sandbox)


@rule(touches=["sandboxes"], precondition=with_sandbox())
def rename_sandbox(run: ModelRun, choose: Choose) -> None:
    """To each unusual name; the others keep theirs, as do those that are called alike."""
    _, sandbox, user = any_sandbox(run, choose)
    for name in (*NAMES, choose(NAMES)):
        renamed = run.call(user, "sandboxes.rename", sandbox.id, name=name)
        sandbox.name = name
        expect_sandbox(run, "sandboxes.rename", sandbox, renamed)


@rule(touches=["sandboxes"], precondition=with_sandbox(RUNNING))
def pause_sandbox(run: ModelRun, choose: Choose) -> None:
    """What is paused cannot be paused again."""
    _, sandbox, user = any_sandbox(run, choose, RUNNING)
    run.call(user, "sandboxes.resume", sandbox.id, raises=Conflict)
    pause(run, sandbox, user)
    run.call(user, "sandboxes.pause", sandbox.id, raises=Conflict)


@rule(touches=["sandboxes", "workspace_limits"], precondition=with_sandbox(PAUSED))
def resume_sandbox(run: ModelRun, choose: Choose) -> None:
    """What is running cannot be resumed."""
    workspace, sandbox, user = any_sandbox(run, choose, PAUSED)
    lift_limits(run, workspace)
    run.call(user, "sandboxes.pause", sandbox.id, raises=Conflict)
    resume(run, sandbox, user)
    run.call(user, "sandboxes.resume", sandbox.id, raises=Conflict)


@rule(touches=["sandboxes", "workspace_limits"], precondition=with_sandbox(RUNNING))
def pause_and_resume_concurrently(run: ModelRun, choose: Choose) -> None:
    """Of several who do the same at the same time, one succeeds."""
    workspace, sandbox, user = any_sandbox(run, choose, RUNNING)
    lift_limits(run, workspace)
    pause(run, sandbox, user)  # alone first: what fails then is no race
    resume(run, sandbox, user)
    for method, follow in (("sandboxes.pause", is_paused), ("sandboxes.resume", is_resumed)):
        outcomes = run.concurrently([planned(user, method, sandbox.id)] * 5)
        follow(run, sandbox, user)
        kinds = sorted(type(each).__name__ for each in outcomes)
        if kinds != [*["Conflict"] * 4, "SandboxLifecycleStatusResponse"]:
            promise = "of five who do it at the same time, one succeeds"
            raise ContractViolation(method, promise, outcomes)


@rule(touches=["sandboxes"], precondition=with_sandbox())
def delete_sandbox(run: ModelRun, choose: Choose) -> None:
    """Afterwards it is unknown to everybody."""
    workspace, sandbox, user = any_sandbox(run, choose)
    delete(run, workspace, user, sandbox)
    run.call(user, "sandboxes.delete", sandbox.id, raises=NotFound)
    run.call(user, "sandboxes.rename", sandbox.id, name="again", raises=NotFound)
    expect_refused(run, [*USERS, "admin"], NotFound, "sandboxes.get", sandbox.id)


@rule(touches=["workspaces", "sandboxes"], precondition=SEVERAL_WORKSPACES)
def delete_workspace_with_sandboxes(run: ModelRun, choose: Choose) -> None:
    """They go with it."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.with_role("owner"))
    sandbox = create_lasting(run, workspace, user, "soon gone")
    run.call(user, "workspaces.delete", workspace.id)
    del run.state[Workspaces].by_id[workspace.id]
    run.state[Workspaces].deleted.append(workspace.id)
    run.call(user, "sandboxes.get", sandbox.id, raises=NotFound)
    run.call(user, "sandboxes.pause", sandbox.id, raises=NotFound)


# --- rules: what is refused -----------------------------------------------------------------------


@rule(touches=["sandboxes"], precondition=with_sandbox())
def change_sandbox_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace, sandbox, _ = any_sandbox(run, choose)
    for user in workspace.without_role("owner", "maintainer", "developer"):
        run.call(user, "sandboxes.create", workspace.id, name="mine", raises=PermissionDenied)
        run.call(user, "sandboxes.rename", sandbox.id, name="mine", raises=PermissionDenied)
        for method in ("sandboxes.pause", "sandboxes.resume", "sandboxes.delete"):
            run.call(user, method, sandbox.id, raises=PermissionDenied)


@rule(touches=["sandboxes", "workspace_limits"], precondition=with_sandbox())
def give_invalid_values_to_sandbox(run: ModelRun, choose: Choose) -> None:
    workspace, sandbox, user = any_sandbox(run, choose)
    lift_limits(run, workspace, max_idle_timeout=600)
    for name in BAD_NAMES:
        run.call(user, "sandboxes.rename", sandbox.id, name=name, raises=BadRequest)
        run.call(user, "sandboxes.create", workspace.id, name=name, raises=BadRequest)
    invalid: list[dict[str, Any]] = [
        {"type": "custom"},
        {"type": ""},
        *({"cpu": value} for value in (0, -1, CPU + 1, 2**31)),
        *({"memory": value} for value in (0, -1, MEMORY + 1, 2**53)),
        *({"idle_timeout": value} for value in (-1, 0, 601, 2**31)),
        {"metadata": {"a": ["\0"]}},
        {"metadata": {"a\0": 1}},
        {"metadata": []},
    ]
    for given in invalid:
        run.call(user, "sandboxes.create", workspace.id, name="x", **given, raises=BadRequest)


@rule(touches=[], precondition=A_WORKSPACE)
def use_unknown_sandbox(run: ModelRun, choose: Choose) -> None:
    """It is unknown to everybody who has an account."""
    workspace, unknown = any_workspace(run, choose), f"{NO_SUCH}sandbox"
    run.call("admin", "sandboxes.get", unknown, raises=NotFound)
    for user in (choose(list(workspace.members)), "outsider"):
        for method in ("get", "pause", "resume", "delete"):
            run.call(user, f"sandboxes.{method}", unknown, raises=NotFound)
        run.call(user, "sandboxes.rename", unknown, name="x", raises=NotFound)


# --- rules: limits --------------------------------------------------------------------------------


@rule(touches=["sandboxes", "workspace_limits"], precondition=A_WORKSPACE)
def use_up_sandbox_quota(run: ModelRun, choose: Choose) -> None:
    """It counts sandboxes in every state. Of several at the same time only those succeed that are
    left."""
    workspace, method = any_workspace(run, choose), "sandboxes.create"
    user = choose(workspace.at_least("developer"))
    there_are = len(workspace.sandboxes)
    lift_limits(run, workspace, max_sandboxes=there_are + 2)
    # Alone first: what fails then is no race.
    alone = [create(run, workspace, user, name="alone") for _ in range(2)]
    pause(run, alone[0], user)
    refusal = run.call(user, method, workspace.id, name="too many", raises=QuotaExceeded)
    promise = "the refusal shows the quota"
    expect(method, promise, (there_are + 2, there_are + 2), (refusal.current, refusal.max))
    for sandbox in alone:
        delete(run, workspace, user, sandbox)
    outcomes = run.concurrently([planned(user, method, workspace.id, name="at once")] * 5)
    created = [each for each in outcomes if not isinstance(each, AgentserverError)]
    for each in created:
        run.call(user, "sandboxes.delete", each.id)
    refused = [each for each in outcomes if isinstance(each, AgentserverError)]
    if len(created) != 2 or any(type(each) is not QuotaExceeded for each in refused):
        promise = "of five created at the same time two succeed, as that many were left"
        raise ContractViolation(method, promise, outcomes)


@rule(touches=["sandboxes", "workspace_limits"], precondition=A_WORKSPACE)
def use_up_sandbox_budget(run: ModelRun, choose: Choose) -> None:
    """CPU and memory each have one. What is paused uses nothing, and needs room to be resumed, of
    which there may be some, but not enough."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    size = {"cpu": 100, "memory": 1000}
    used = [each for each in workspace.sandboxes.values() if each.status != PAUSED]
    for name, room in (("cpu", 0), ("memory", 0), ("cpu", 50), ("memory", 500)):
        total = sum(getattr(each, name) for each in used) + 2 * size[name] + room
        lift_limits(run, workspace, **{f"max_total_{name}": total})
        first, second = (create(run, workspace, user, name="uses", **size) for _ in range(2))
        more = {"cpu": 1, "memory": 1, name: room + 1}
        _expect_no_room(run, user, "sandboxes.create", workspace.id, name="more", **more)
        run.call(user, "sandboxes.resume", second.id, raises=Conflict)  # its state counts first
        pause(run, first, user)
        third = create(run, workspace, user, name="takes its place", **size)
        _expect_no_room(run, user, "sandboxes.resume", first.id)
        pause(run, second, user)
        resume(run, first, user)
        for sandbox in (first, second, third):
            delete(run, workspace, user, sandbox)


@rule(touches=["sandboxes", "workspace_limits"], precondition=A_WORKSPACE)
def use_up_sandbox_budget_concurrently(run: ModelRun, choose: Choose) -> None:
    """Of several who create or resume at the same time, only those succeed for whom there is room:
    what is being started uses its share already."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    lift_limits(run, workspace)
    size = {"cpu": 100, "memory": 1000}
    several = [create(run, workspace, user, name="one of three", **size) for _ in range(3)]
    for each in several:
        pause(run, each, user)
    running = [each for each in workspace.sandboxes.values() if each.status != PAUSED]
    creates = [planned(user, "sandboxes.create", workspace.id, name="at once", **size)] * 3
    resumes = [planned(user, "sandboxes.resume", each.id) for each in several]
    for name, method, calls in (
        ("cpu", "sandboxes.create", creates),
        ("memory", "sandboxes.create", creates),
        ("cpu", "sandboxes.resume", resumes),
    ):
        used = sum(getattr(each, name) for each in running)
        lift_limits(run, workspace, **{f"max_total_{name}": used + size[name]})
        outcomes = run.concurrently(calls)
        started = [each for each in outcomes if not isinstance(each, AgentserverError)]
        if calls is resumes:
            for each in several:
                delete(run, workspace, user, each)
        else:
            for each in started:
                run.call(user, "sandboxes.delete", each.id)
        if len(started) != 1:
            promise = "of three started at the same time one succeeds, as there is room for one"
            raise ContractViolation(method, promise, outcomes)


def _expect_no_room(run: ModelRun, user: str, method: str, *ids: str, **given: Any) -> None:
    """Check that the budget refuses a call. Raises ContractViolation."""
    refusal = run.attempt(user, method, *ids, **given)
    code = refusal.code if isinstance(refusal, PermissionDenied) else None
    expect(method, "what would be over the budget is refused", _BUDGET_EXCEEDED, code)
