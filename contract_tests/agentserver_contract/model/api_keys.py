"""The API keys of workspaces."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentserver import AgentserverError, BadRequest, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.members import admit_member, delete_member
from agentserver_contract.model.readback import expect, expect_timestamp, read_back
from agentserver_contract.model.run import ModelRun, planned
from agentserver_contract.model.state import ContractViolation, Timestamp
from agentserver_contract.model.values import BAD_NAMES, NAMES
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

_SCOPE = "turns:submit"

# --- the state ------------------------------------------------------------------------------------


@dataclass
class ApiKey:
    """A key that was made."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    is_used: bool = False
    is_revoked: bool = False
    revoked_at: Timestamp = field(default_factory=Timestamp)

    def revoke(self) -> None:
        """Note that it is revoked; the time stays if it was before."""
        self.is_revoked = True


@dataclass
class ApiKeys:
    """The keys of all workspaces."""

    by_workspace: dict[str, list[ApiKey]] = field(default_factory=lambda: defaultdict(list))
    """By the id of the workspace, the oldest first."""

    def of(self, workspace: Workspace) -> list[ApiKey]:
        """Those of one workspace."""
        return self.by_workspace[workspace.id]


def mint_key(
    run: ModelRun, workspace: Workspace, user: str, name: str, scopes: list[str]
) -> ApiKey:
    """Make a key, and check what is shown of it this once."""
    return mint_key_with_secret(run, workspace, user, name, scopes)[0]


def mint_key_with_secret(
    run: ModelRun, workspace: Workspace, user: str, name: str, scopes: list[str]
) -> tuple[ApiKey, str]:
    """Make a key, and return it with its secret."""
    method = "api_keys.mint"
    made = run.call(user, method, workspace.id, name=name, scopes=scopes)
    return note_key(run, workspace, made, name, scopes), made.secret


def note_key(
    run: ModelRun, workspace: Workspace, made: Any, name: str, scopes: list[str]
) -> ApiKey:
    """Check a new key, whose secret no later answer may contain. Raises ContractViolation."""
    method = "api_keys.mint"
    expect(method, "the name, as it was given", name, made.name)
    expect(method, "the scopes, as they were given", scopes, list(map(str, made.scopes)))
    expect(method, "the prefix is the id", made.id, made.prefix)
    expect(method, "the secret begins with the id", f"{made.id}_", made.secret[: len(made.id) + 1])
    if made.secret in run.state.secrets:
        raise ContractViolation(method, "every key has a secret of its own", "one that was given")
    run.state.secrets.add(made.secret)
    key = ApiKey(made.id, name, scopes, made.created_at)
    run.state[ApiKeys].of(workspace).append(key)
    return key


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "api_keys")
def keys_are_listed_with_the_newest_first(run: ModelRun) -> None:
    method = "api_keys.list"
    for workspace in run.state[Workspaces].by_id.values():
        keys = run.state[ApiKeys].of(workspace)
        rows = read_of(run, workspace, method)
        expected = [
            (key.id, key.id, key.name, key.scopes, key.created_at, key.is_used, key.is_revoked)
            for key in reversed(keys)
        ]
        actual = [
            (
                *(row.id, row.prefix, row.name, list(map(str, row.scopes)), row.created_at),
                *(row.last_used_at is not None, row.revoked_at is not None),
            )
            for row in rows
        ]
        expect(method, "every key of the workspace, the newest first", expected, actual)
        for key, row in zip(reversed(keys), rows, strict=True):
            if row.revoked_at is not None:
                expect_timestamp(run, method, key.revoked_at, row.revoked_at)


@invariant("workspaces")
def scopes_are_the_same_everywhere(run: ModelRun) -> None:
    method, available = "api_keys.list_scopes", run.contract.schemas["APIKeyScope"]["enum"]
    shown = [
        [(row.name, row.available) for row in read_of(run, workspace, method)]
        for workspace in run.state[Workspaces].by_id.values()
    ]
    for rows in shown:
        expect(method, "the same scopes in every workspace", shown[0], rows)
        can_have = [name for name, is_available in rows if is_available]
        expect(method, "what is available is what keys can have", available, can_have)


# --- rules ----------------------------------------------------------------------------------------


def _managers(workspace: Workspace) -> list[str]:
    return workspace.with_role("owner", "maintainer")


@rule(touches=["api_keys"], precondition=A_WORKSPACE)
def mint_api_keys(run: ModelRun, choose: Choose) -> None:
    """Two have the same name, and one has a scope twice."""
    workspace, name = any_workspace(run, choose), choose(NAMES)
    for user, scopes in ((choose(_managers(workspace)), [_SCOPE]), ("owner", [_SCOPE, _SCOPE])):
        caller = user if user in _managers(workspace) else _managers(workspace)[0]
        mint_key(run, workspace, caller, name, scopes)
        read_back(run, "api_keys")


@rule(touches=["api_keys"], precondition=A_WORKSPACE)
def mint_api_keys_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "api_keys.mint"
    user = choose(_managers(workspace))
    mint_key(run, workspace, user, "alone", [_SCOPE])  # what fails then is no race
    call = planned(user, method, workspace.id, name="together", scopes=[_SCOPE])
    outcomes = run.concurrently([call] * 3)
    if any(isinstance(each, AgentserverError) for each in outcomes):
        raise ContractViolation(method, "all who make keys at the same time succeed", outcomes)
    listed = [row.id for row in run.call(user, "api_keys.list", workspace.id)]
    if missing := [each.id for each in outcomes if each.id not in listed]:
        raise ContractViolation("api_keys.list", "every key that was made is listed", missing)
    for made in sorted(outcomes, key=lambda each: -listed.index(each.id)):
        note_key(run, workspace, made, "together", [_SCOPE])


@rule(touches=["api_keys"], precondition=A_WORKSPACE)
def mint_invalid_api_keys(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "api_keys.mint"
    user, valid = choose(_managers(workspace)), {"name": "Bot", "scopes": [_SCOPE]}
    listed = run.call(user, "api_keys.list_scopes", workspace.id)
    unavailable = [row.name for row in listed if not row.available]
    invalid: list[tuple[str, Any]] = [("name", each) for each in BAD_NAMES]
    invalid += [("scopes", each) for each in ([], [_SCOPE.upper()], [_SCOPE] * 21, [""])]
    invalid += [("scopes", [_SCOPE, each]) for each in ("nothing:like", *unavailable)]
    for name, value in invalid:
        given: dict[str, Any] = {**valid, name: value}
        run.call(user, method, workspace.id, **given, raises=BadRequest)


@rule(touches=["api_keys"], precondition=SEVERAL_WORKSPACES)
def revoke_api_keys(run: ModelRun, choose: Choose) -> None:
    """More than once; in a workspace that has others, and from one that does not have it."""
    method = "api_keys.revoke"
    workspaces = list(run.state[Workspaces].by_id.values())
    for workspace in workspaces:
        user = choose(_managers(workspace))
        keys = [mint_key(run, workspace, user, name, [_SCOPE]) for name in ("a", "b", "c")]
        for other in workspaces:
            if other is not workspace:
                run.call(choose(_managers(other)), method, other.id, keys[1].id)
        run.call(user, method, workspace.id, f"{NO_SUCH}key")
        read_back(run, "api_keys")
        for _ in range(2):  # the second time there is nothing left to revoke
            run.call(user, method, workspace.id, keys[1].id)
            keys[1].revoke()
            read_back(run, "api_keys")


@rule(touches=["api_keys"], precondition=A_WORKSPACE)
def change_api_keys_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    key = mint_key(run, workspace, choose(_managers(workspace)), "kept", [_SCOPE])
    for user in workspace.without_role("owner", "maintainer"):
        given: dict[str, Any] = {"name": "Bot", "scopes": [_SCOPE]}
        run.call(user, "api_keys.mint", workspace.id, **given, raises=PermissionDenied)
        run.call(user, "api_keys.revoke", workspace.id, key.id, raises=PermissionDenied)


@rule(touches=["api_keys", "members"], precondition=has_workspace(has_maintainer))
def remove_the_maker_of_an_api_key(run: ModelRun, choose: Choose) -> None:
    """The key stays: it is the workspace's."""
    workspace = any_workspace(run, choose, has_maintainer)
    maker, owner = choose(workspace.with_role("maintainer")), choose(workspace.with_role("owner"))
    mint_key(run, workspace, maker, "kept", [_SCOPE])
    delete_member(run, workspace, owner, maker)
    read_back(run, "api_keys")
    admit_member(run, workspace, owner, maker, "maintainer")
