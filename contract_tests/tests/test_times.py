"""The layer of times on reference servers, and the faults that it is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from catalogue import find
from faulty import served
from planting import planted
from servers import in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.http.target import Target
from agentserver_contract.layers import times
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult
from agentserver_reference.services import auth, workspaces
from agentserver_reference.storage import workspaces as stored


def tried_in_process(contract: Contract, database_url: str) -> LayerResult:
    """On a server whose clock is in hand."""
    with in_process(database_url, checks_answers=False) as server:
        return times.run(
            Context(
                server.target,
                prepare_accounts(server.target),
                contract,
                Plan(seed=1),
                shift_clock=server.shift_clock,
                advance_clock=lambda: server.shift_clock(timedelta(seconds=1)),
            )
        )


def tried_over_a_socket(contract: Contract, folder: Path, *operations: str) -> LayerResult:
    """On a server whose answers have a `Date`."""
    with served(folder) as url, Target(url) as target:
        plan = Plan(seed=1, operations=frozenset(operations) or None)
        return times.run(Context(target, prepare_accounts(target), contract, plan))


def found(result: LayerResult) -> set[tuple[str, str]]:
    return {(finding.operation, finding.check) for finding in result.findings}


def test_loop_that_removes_live_sessions_is_found(contract: Contract, sqlite_url: str) -> None:
    with planted(find("live-sessions-removed")):
        result = tried_in_process(contract, sqlite_url)
    assert ("check_session", "session") in found(result)


def test_times_are_right_beside_date(contract: Contract, tmp_path: Path) -> None:
    result = tried_over_a_socket(contract, tmp_path)
    assert result.holds, findings_text(result.findings)
    assert set(result.not_run) == {"the life of a session"}


def test_every_write_that_has_a_time_is_looked_at(contract: Contract) -> None:
    shown = {
        each.id: [view.id for view in times.views(contract, each)]
        for each in contract.operations.values()
        if not each.is_read and times.views(contract, each)
    }
    assert shown == {
        "register_user": ["admin_list_users"],
        "create_workspace": ["list_workspaces", "admin_list_workspaces"],
        "rename_workspace": ["get_workspace"],
        "set_workspace_llm_config": ["get_workspace_llm_config"],
        "mint_workspace_api_key": ["list_workspace_api_keys"],
        "mint_codex_token": ["list_codex_tokens", "list_codex_browsers"],
        "create_credential_binding": ["list_credential_bindings"],
        "create_workspace_task": ["list_workspace_tasks", "list_agent_interactions"],
        "create_sandbox": ["list_sandboxes", "admin_list_sandboxes"],
        "rename_sandbox": ["get_sandbox"],
        "admin_set_user_quota": ["admin_get_user_quota"],
        "admin_set_workspace_quota": ["admin_get_workspace_quota"],
        "admin_set_workspace_llm_quota": ["admin_get_workspace_llm_quota"],
    }


def _an_hour_late(right: Callable[..., Any]) -> Callable[..., Any]:
    def with_now(*args: Any, now: datetime, **given: Any) -> Any:
        return right(*args, now=now + timedelta(hours=1), **given)

    return with_now


def test_time_that_is_not_now_is_found(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "add", _an_hour_late(stored.add))
    result = tried_over_a_socket(contract, tmp_path, "create_workspace")
    assert ("create_workspace", "date") in found(result), findings_text(result.findings)


def _without_moving(right: Callable[..., Any]) -> Callable[..., Any]:
    def rename(conn: Any, permission: Any, workspace_id: str, name: str, now: datetime) -> Any:
        before = stored.find(conn, workspace_id)
        assert before is not None
        still = datetime.fromisoformat(before["updated_at"])
        return right(conn, permission, workspace_id, name, still)

    return rename


def _back_in_time(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: right(*args[:-1], datetime(2000, 1, 1, tzinfo=UTC))


def _touching(right: Callable[..., Any]) -> Callable[..., Any]:
    async def get(work: Any, workspace_id: str) -> Any:
        shown = await right(work, workspace_id)
        return await workspaces.rename(work, workspace_id, shown["name"])

    return get


def _life(days: int) -> Callable[..., Any]:
    return lambda right: timedelta(days=days)


@pytest.mark.parametrize(
    ("module", "name", "fault", "expected"),
    [
        (stored, "rename", _without_moving, ("rename_workspace", "moves")),
        (stored, "rename", _back_in_time, ("get_workspace", "order")),
        (workspaces, "get", _touching, ("get_workspace", "moves")),
        (auth, "LIFETIME", _life(6), ("check_session", "session")),
        (auth, "LIFETIME", _life(8), ("check_session", "session")),
    ],
    ids=["stands still", "before created_at", "moved by a read", "short life", "long life"],
)
def test_fault_is_found_and_its_operation_named(
    module: object,
    name: str,
    fault: Callable[..., Any],
    expected: tuple[str, str],
    contract: Contract,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, fault(getattr(module, name)))
    result = tried_in_process(contract, sqlite_url)
    assert expected in found(result), findings_text(result.findings)
