"""The layer of races on reference servers, and the faults that it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from catalogue import find
from planting import planted_folder
from servers import in_own_process, in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.layers import races
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult
from agentserver_reference.domain.errors import Conflict
from agentserver_reference.services import members, quotas, workspaces
from agentserver_reference.storage.locks import Lock

LONG_ENOUGH = 0.2
"""Seconds in which another request that was sent at the same time is answered."""


def tried(contract: Contract, database_url: str, *operations: str) -> LayerResult:
    with in_process(database_url, checks_answers=False) as server:
        accounts = prepare_accounts(server.target)
        plan = Plan(seed=1, operations=frozenset(operations) or None)
        return races.run(Context(server.target, accounts, contract, plan))


def titles(contract: Contract) -> set[str]:
    return {race.title for race in races.races(contract)}


def test_every_write_is_raced_against_itself(contract: Contract) -> None:
    for operation in contract.operations.values():
        expected = not (operation.is_read or operation.consumes)
        assert (f"{operation.id}: the same request twice" in titles(contract)) == expected


def test_writes_are_raced_against_others_of_the_thing_and_the_deletion_around_it(
    contract: Contract,
) -> None:
    in_it = "a change of a thing, and the deletion of what it is in"
    same = "two changes of the same thing"
    assert {
        f"add_workspace_member and delete_workspace: {in_it}",
        f"admin_set_workspace_quota and delete_workspace: {in_it}",
        f"delete_workspace and rename_workspace: {same}",
        f"delete_workspace_llm_config and set_workspace_llm_config: {same}",
        "create_workspace: only one can succeed, because of a workspace over the limit",
        "remove_workspace_member: only one can succeed, because of the last owner's leaving",
    } <= titles(contract)


def test_no_race_is_lost_over_a_socket(contract: Contract, tmp_path: Path) -> None:
    with in_own_process(tmp_path) as target:
        accounts = prepare_accounts(target)
        result = races.run(Context(target, accounts, contract, Plan(seed=1)))
    assert result.holds, findings_text(result.findings)


def test_requests_that_overlap_for_a_moment_alone_are_found(
    contract: Contract, tmp_path: Path
) -> None:
    fault = find("create-raced-past-quota-at-one-moment")
    with (
        planted_folder(fault) as folder,
        in_own_process(tmp_path, PYTHONPATH=str(folder)) as target,
    ):
        plan = Plan(seed=1, operations=frozenset({"create_workspace"}))
        result = races.run(Context(target, prepare_accounts(target), contract, plan))
    (finding,) = result.findings
    assert "only one can succeed" in finding.promise


def _create_without_lock(right: Callable[..., Any]) -> Callable[..., Any]:
    async def create(work: Any, owner_id: str, name: str) -> Any:
        context = work.context
        environment = context.settings.quota_environment
        owned, maximum = await work.read(quotas.owned_and_allowed, owner_id, environment)
        workspaces.check_workspaces(owned, maximum)
        await asyncio.sleep(LONG_ENOUGH)
        now, new_id = context.clock(), context.ids()
        return await work.write(Lock(), workspaces.add_owned, new_id, owner_id, name, now)

    return create


def _demote_without_lock(right: Callable[..., Any]) -> Callable[..., Any]:
    async def set_role(work: Any, workspace_id: str, user_id: str, role: str) -> None:
        owners = await work.read(members.members.owners, workspace_id)
        members.check_owner_stays(owners, user_id)
        await asyncio.sleep(LONG_ENOUGH)
        await work.write(Lock(), members.members.set_role, workspace_id, user_id, role)

    return set_role


def _answer_with_what_is_there(right: Callable[..., Any]) -> Callable[..., Any]:
    async def rename(work: Any, workspace_id: str, name: str) -> Any:
        await right(work, workspace_id, name)
        await asyncio.sleep(LONG_ENOUGH)
        return await workspaces.get(work, workspace_id)

    return rename


@pytest.mark.parametrize(
    ("module", "name", "fault", "operation", "kind"),
    [
        (workspaces, "create", _create_without_lock, "create_workspace", "only one can succeed"),
        (
            *(members, "set_role", _demote_without_lock),
            *("update_workspace_member_role", "only one can succeed"),
        ),
        (
            *(workspaces, "rename", _answer_with_what_is_there),
            *("rename_workspace", "different values"),
        ),
    ],
    ids=["quota", "last owner", "answer"],
)
def test_fault_is_found_and_its_operation_named(
    module: object,
    name: str,
    fault: Callable[..., Any],
    operation: str,
    kind: str,
    contract: Contract,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, fault(getattr(module, name)))
    result = tried(contract, sqlite_url, operation)
    assert {finding.operation for finding in result.findings} == {operation}
    assert any(kind in finding.promise for finding in result.findings), findings_text(
        result.findings
    )


def test_wrong_status_is_not_reported_as_a_race(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Conflict("not now")

    with in_process(sqlite_url, checks_answers=False) as server:
        accounts = prepare_accounts(server.target)
        monkeypatch.setattr(members.members, "remove", refuse)
        plan = Plan(seed=1, operations=frozenset({"remove_workspace_member"}))
        result = races.run(Context(server.target, accounts, contract, plan))
    assert result.holds, findings_text(result.findings)
    assert result.cases["remove_workspace_member"]
