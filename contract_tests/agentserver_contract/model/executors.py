"""The executors of workspaces. None is ever connected in a run."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, pairwise
from typing import Any

from agentserver import BadRequest, Conflict, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.members import admit_member, delete_member
from agentserver_contract.model.readback import expect, read_back
from agentserver_contract.model.run import ModelRun, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspace,
    Workspaces,
    any_workspace,
    has_maintainer,
    has_workspace,
    read_of,
)

_LONGEST_NAME = 64
NAMES = ("-", ".", "..", "build", "Build", "x" * _LONGEST_NAME, "A-Z.0_9")
_BAD_NAMES = ("", " ", "a b", "a\n", "x" * (_LONGEST_NAME + 1), "a/b", "a'b", "ä", "a\0b")
_ISSUER = "chatgpt_base_url="
_DESCRIPTIONS = ("", "mine", "two\nlines", "Größe ☃", "d" * 10_000)

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Executor:
    """An executor that was registered."""

    id: str
    name: str
    description: str


@dataclass
class Executors:
    """The executors of all workspaces."""

    by_workspace: dict[str, list[Executor]] = field(default_factory=lambda: defaultdict(list))
    """By the id of the workspace, the oldest first."""

    def of(self, workspace: Workspace) -> list[Executor]:
        """Those of one workspace."""
        return self.by_workspace[workspace.id]


def register_executor(
    run: ModelRun, workspace: Workspace, user: str, name: str, **given: Any
) -> Executor:
    """Register an executor, and check what is shown of it this once."""
    made = run.call(user, "executors.register", workspace.id, name=name, **given)
    return note_executor(run, workspace, made, name, given.get("description", ""))


def note_executor(
    run: ModelRun, workspace: Workspace, made: Any, name: str, description: str
) -> Executor:
    """Check a new executor, whose identity no later answer may contain."""
    method = "executors.register"
    command = made.connect_commands.agent_identity
    expect(
        method,
        "the command, by either name",
        command,
        made.connect_command or command,
    )
    if command:
        identity = made.agent_identity_jwt or command
        expect(method, "the command has the identity", True, identity in command)
        actual = shlex.split(command.replace(identity, "IDENTITY"))
        expected = _words_of_command(actual, made.exe_id, name)
        expect(method, "the command connects the executor", expected, actual)
        if identity in run.state.secrets:
            raise ContractViolation(method, "every executor has an identity of its own", "again")
        run.state.secrets.add(identity)
    executor = Executor(made.exe_id, name, description)
    run.state[Executors].of(workspace).append(executor)
    return executor


def _words_of_command(actual: Sequence[str], executor_id: str, name: str) -> list[str]:
    """The words of a command, with the addresses of its server as they are in it."""
    issuer = next((each.partition("=")[2] for each in actual if each.startswith(_ISSUER)), "")
    remote = next((after for each, after in pairwise(actual) if each == "--remote"), "")
    return [
        *("export", "CODEX_ACCESS_TOKEN=IDENTITY"),
        *("export", f"CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL={issuer}"),
        f"CODEX_AGENT_IDENTITY_JWKS_BASE_URL={issuer}",
        *("codex", "-c", f"{_ISSUER}{issuer}", "exec-server", "--remote", remote),
        *("--environment-id", executor_id, "--name", name, "--use-agent-identity-auth"),
    ]


def unbind_executor(run: ModelRun, workspace: Workspace, user: str, executor: Executor) -> None:
    """Unbind an executor."""
    run.call(user, "executors.unbind", workspace.id, executor.id)
    run.state[Executors].of(workspace).remove(executor)


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "executors")
def executors_are_listed_with_the_oldest_first(run: ModelRun) -> None:
    method = "executors.list"
    for workspace in run.state[Workspaces].by_id.values():
        rows = read_of(run, workspace, method)
        expected = [
            (each.id, each.name, each.description, False, False, None, None)
            for each in run.state[Executors].of(workspace)
        ]
        actual = [
            (
                *(row.exe_id, row.name, row.description, row.is_default, row.is_online),
                *(row.connected_at, row.last_seen_at),
            )
            for row in rows
        ]
        expect(method, "every executor of the workspace, the oldest first", expected, actual)


# --- rules ----------------------------------------------------------------------------------------


def _managers(workspace: Workspace) -> list[str]:
    return workspace.with_role("owner", "maintainer")


def _free(run: ModelRun, workspace: Workspace, name: str) -> str:
    """The name, or one of its form that no executor of the workspace has."""
    return free_name(name, {each.name for each in run.state[Executors].of(workspace)})


def free_name(name: str, taken: Container[str]) -> str:
    """A name, or one of its form that is not taken, and not too long."""
    ends = chain([""], (f"-{number}" for number in count(2)))
    names = (name[: _LONGEST_NAME - len(end)] + end for end in ends)
    return next(each for each in names if each not in taken)


@rule(touches=["executors"], precondition=A_WORKSPACE)
def register_executors(run: ModelRun, choose: Choose) -> None:
    """With a description, and without one; a name is taken for as long as the executor is there,
    and in another case it is another name."""
    workspace, user = any_workspace(run, choose), ""
    for given in ({"description": choose(_DESCRIPTIONS)}, {}):
        user = choose(_managers(workspace))
        name = _free(run, workspace, choose(NAMES))
        executor = register_executor(run, workspace, user, name, **given)
        read_back(run, "executors")
        run.call(
            user,
            "executors.register",
            workspace.id,
            name=name,
            description="other",
            raises=Conflict,
        )
        read_back(run, "executors")
    unbind_executor(run, workspace, user, executor)
    read_back(run, "executors")
    register_executor(run, workspace, user, executor.name)
    lower = _free(run, workspace, "case")
    for name in (lower, _free(run, workspace, lower.upper())):
        register_executor(run, workspace, user, name)


@rule(touches=["executors"], precondition=A_WORKSPACE)
def register_executors_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    user, name = choose(_managers(workspace)), _free(run, workspace, "together")
    call = planned(user, "executors.register", workspace.id, name=name)
    outcomes = run.concurrently([call] * 3)
    refused = [each for each in outcomes if isinstance(each, Conflict)]
    made = [each for each in outcomes if not isinstance(each, Exception)]
    expect(
        "executors.register",
        "of three with one name, one succeeds",
        (1, 2),
        (len(made), len(refused)),
    )
    note_executor(run, workspace, made[0], name, "")
    read_back(run, "executors")


@rule(touches=["executors"], precondition=A_WORKSPACE)
def register_invalid_executors(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    user = choose(_managers(workspace))
    invalid: list[dict[str, Any]] = [{"name": each} for each in _BAD_NAMES]
    invalid += [
        {"name": _free(run, workspace, "invalid"), "description": each}
        for each in ("d" * 10_001, "a\0b")
    ]
    for given in invalid:
        run.call(user, "executors.register", workspace.id, **given, raises=BadRequest)


@rule(touches=["executors"], precondition=SEVERAL_WORKSPACES)
def unbind_executors(run: ModelRun, choose: Choose) -> None:
    """More than once; in a workspace that has others, and from one that does not have it."""
    method = "executors.unbind"
    workspaces = list(run.state[Workspaces].by_id.values())
    for workspace in workspaces:
        user = choose(_managers(workspace))
        executors = [
            register_executor(run, workspace, user, _free(run, workspace, name))
            for name in ("a", "b", "c")
        ]
        for other in workspaces:
            if other is not workspace:
                run.call(choose(_managers(other)), method, other.id, executors[1].id)
        run.call(user, method, workspace.id, f"{NO_SUCH}executor")
        read_back(run, "executors")
        unbind_executor(run, workspace, user, executors[1])
        read_back(run, "executors")
        run.call(user, method, workspace.id, executors[1].id)
        read_back(run, "executors")


@rule(touches=["executors"], precondition=A_WORKSPACE)
def change_executors_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    name = _free(run, workspace, "kept")
    executor = register_executor(run, workspace, choose(_managers(workspace)), name)
    for user in workspace.without_role("owner", "maintainer"):
        other = _free(run, workspace, "refused")
        run.call(user, "executors.register", workspace.id, name=other, raises=PermissionDenied)
        run.call(user, "executors.unbind", workspace.id, executor.id, raises=PermissionDenied)


@rule(touches=["executors", "members"], precondition=has_workspace(has_maintainer))
def remove_who_registered_an_executor(run: ModelRun, choose: Choose) -> None:
    """It cannot connect any more, and stays in the list until it is unbound."""
    workspace = any_workspace(run, choose, has_maintainer)
    maker, owner = choose(workspace.with_role("maintainer")), choose(workspace.with_role("owner"))
    register_executor(run, workspace, maker, _free(run, workspace, "left"))
    delete_member(run, workspace, owner, maker)
    read_back(run, "executors")
    admit_member(run, workspace, owner, maker, "maintainer")
