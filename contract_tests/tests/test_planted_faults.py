"""The suite catches what it is for: faults planted in server and SDK, each found by its layer."""

from __future__ import annotations

from typing import Any

import pytest
from servers import Server, in_process, settle

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.http import differential
from agentserver_contract.layers import fuzzing, roles
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult
from agentserver_reference.domain.errors import Forbidden
from agentserver_reference.security import authorize

SEEDS = (1, 2, 3)
WORKSPACES = frozenset({"create_workspace", "list_workspaces", "get_workspace", "rename_workspace"})


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """A fault is the same on every database: these tests take the quicker one."""
    return sqlite_url


def forget_membership(monkeypatch: pytest.MonkeyPatch, operation_id: str) -> None:
    """The server asks for a session there, and no longer for membership in the workspace."""
    right = authorize.check_role

    def lenient(operation: Any, principal: Any) -> None:
        if operation.id != operation_id:
            right(operation, principal)

    monkeypatch.setattr(authorize, "check_role", lenient)


def found(result: LayerResult, layer: str, operation: str, word: str) -> bool:
    return any(
        finding.layer == layer and finding.operation == operation and word in finding.promise
        for finding in result.findings
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_read_across_tenants_is_found_by_the_peers(
    monkeypatch: pytest.MonkeyPatch, server: Server, contract: Contract, seed: int
) -> None:
    forget_membership(monkeypatch, "get_workspace")
    people = settle(server.target)
    plan = Plan(seed, examples=5, operations=WORKSPACES)
    result = fuzzing.run(Context(server.target, people, contract, plan))
    assert found(result, fuzzing.NAME, "get_workspace", "object_level_authorization"), (
        f"not found; what was: {findings_text(result.findings)}"
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_write_across_tenants_is_found_by_the_peers(
    monkeypatch: pytest.MonkeyPatch, server: Server, contract: Contract, seed: int
) -> None:
    forget_membership(monkeypatch, "rename_workspace")
    people = settle(server.target)
    plan = Plan(seed, examples=5, operations=WORKSPACES)
    result = fuzzing.run(Context(server.target, people, contract, plan))
    assert found(result, fuzzing.NAME, "rename_workspace", "foreign_write"), (
        f"not found; what was: {findings_text(result.findings)}"
    )


@pytest.mark.parametrize("operation", ["get_workspace", "rename_workspace", "delete_workspace"])
def test_forgotten_membership_is_found_by_the_roles(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, contract: Contract, operation: str
) -> None:
    forget_membership(monkeypatch, operation)
    # With the fault, the server answers what its contract does not document.
    with in_process(sqlite_url, checks_answers=False) as server:
        people = settle(server.target)
        plan = Plan(seed=1, operations=frozenset({operation}))
        result = roles.run(Context(server.target, people, contract, plan, snapshot=server.rows))
    assert found(result, roles.NAME, operation, "outsider is refused with 403"), (
        f"not found; what was: {findings_text(result.findings)}"
    )


def test_refusal_that_writes_all_the_same_is_found_by_the_roles(
    monkeypatch: pytest.MonkeyPatch, server: Server, contract: Contract
) -> None:
    endpoint, _ = server.app.router.default.router.find("PATCH", b"/api/workspaces/any")
    rename = endpoint.handler

    async def renames_then_refuses(given: Any) -> Any:
        await rename(given)
        raise Forbidden("insufficient permissions")

    forget_membership(monkeypatch, "rename_workspace")
    object.__setattr__(endpoint, "handler", renames_then_refuses)
    people = settle(server.target)
    # Seen through the API alone, as by whoever tries a server that is not their own.
    plan = Plan(seed=1, operations=frozenset({"rename_workspace"}))
    result = roles.run(Context(server.target, people, contract, plan))
    assert found(result, roles.NAME, "rename_workspace", "a refusal of outsider changes nothing"), (
        f"not found; what was: {findings_text(result.findings)}"
    )


def test_sdk_that_drops_a_field_is_found_by_the_differential(
    monkeypatch: pytest.MonkeyPatch, server: Server, contract: Contract
) -> None:
    from agentserver._generated.api.workspaces import add_workspace_member as generated

    right = generated._body

    def without_role(given: Any, **options: Any) -> Any:
        return right({name: value for name, value in given.items() if name != "role"}, **options)

    monkeypatch.setattr(generated, "_body", without_role)
    plan = Plan(seed=1, examples=1, operations=frozenset({"add_workspace_member"}))
    result = fuzzing.run(Context(server.target, settle(server.target), contract, plan))
    assert found(result, differential.NAME, "add_workspace_member", "The SDK sends"), (
        f"not found; what was: {findings_text(result.findings)}"
    )
