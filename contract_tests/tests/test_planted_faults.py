"""Faults of server and SDK, planted in this process, each detected by the layer that is for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from catalogue import find
from planting import planted, planted_folder
from servers import Server, in_own_process, in_process, prepare_accounts

from agentserver_contract import departures
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.http import differential
from agentserver_contract.layers import fuzzing, lists, model, roles, times, values
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult

SEEDS = (1, 2, 3)
WORKSPACES = frozenset({"create_workspace", "list_workspaces", "get_workspace", "rename_workspace"})


@contextmanager
def server_with(fault: str, database_url: str) -> Iterator[Server]:
    """A server that does not hold its own answers to the contract, since a fault may break it."""
    with planted(find(fault)), in_process(database_url, checks_answers=False) as server:
        yield server


def assert_found(result: LayerResult, layer: str, operation: str, promise: str) -> None:
    assert any(
        finding.layer == layer and finding.operation == operation and promise in finding.promise
        for finding in result.findings
    ), f"found instead: {findings_text(result.findings)}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("fault", "operation", "check"),
    [
        ("workspace-read-by-outsiders", "get_workspace", "object_level_authorization"),
        ("rename-by-outsiders", "rename_workspace", "foreign_write"),
    ],
)
def test_access_across_tenants_is_found_by_the_fuzzing(
    sqlite_url: str, contract: Contract, seed: int, fault: str, operation: str, check: str
) -> None:
    with server_with(fault, sqlite_url) as server:
        plan = Plan(seed, examples=5, operations=WORKSPACES)
        result = fuzzing.run(
            Context(server.target, prepare_accounts(server.target), contract, plan)
        )
    assert_found(result, fuzzing.NAME, operation, check)


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
        ("workspace-read-by-outsiders", "get_workspace"),
        ("rename-by-outsiders", "rename_workspace"),
        ("delete-by-outsiders", "delete_workspace"),
    ],
)
def test_forgotten_membership_is_found_by_the_roles(
    sqlite_url: str, contract: Contract, fault: str, operation: str
) -> None:
    with server_with(fault, sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        plan = Plan(seed=1, operations=frozenset({operation}))
        result = roles.run(Context(server.target, accounts, contract, plan, snapshot=server.rows))
    assert_found(result, roles.NAME, operation, "outsider is refused with 403")


def test_refusal_that_writes_all_the_same_is_found_by_the_roles(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("rename-refused-and-made", sqlite_url) as server:
        # Seen through the API alone, as on a server whose database cannot be read.
        plan = Plan(seed=1, operations=frozenset({"rename_workspace"}))
        result = roles.run(Context(server.target, prepare_accounts(server.target), contract, plan))
    assert_found(result, roles.NAME, "rename_workspace", "a refusal of outsider changes nothing")


def test_session_that_is_found_only_as_the_first_cookie_is_found_by_the_roles(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("session-only-as-first-cookie", sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        plan = Plan(seed=1, operations=frozenset({"list_workspaces"}))
        result = roles.run(Context(server.target, accounts, contract, plan, snapshot=server.rows))
    assert_found(result, roles.NAME, "list_workspaces", "found between other cookies")


@pytest.mark.parametrize("fault", ["mask-hides-nothing-of-seven-letters", "mask-cuts-letters"])
def test_mask_that_shows_too_much_or_half_a_letter_is_found_by_the_model(
    sqlite_url: str, contract: Contract, fault: str
) -> None:
    with server_with(fault, sqlite_url) as server:
        plan = Plan(1, model_runs=0, operations=frozenset({"set_workspace_llm_config"}))
        result = model.run(Context(server.target, prepare_accounts(server.target), contract, plan))
    assert_found(result, model.NAME, "get_workspace_llm_config", "with its key masked")


@pytest.mark.parametrize(
    ("fault", "operation", "promise"),
    [
        ("usage-in-reverse", "get_sandbox_usage", "sorted by provider"),
        ("usage-since-the-next-second", "get_sandbox_usage", "and later"),
        (
            "traces-of-a-sandbox-counted-in-its-workspace",
            "list_sandbox_traces",
            "how many there are",
        ),
        (
            "sandbox-traces-count-requests-of-others",
            "list_sandbox_traces",
            "the sums of its requests",
        ),
        ("shared-traces-are-of-the-first", "list_sandbox_traces", "the sums of its requests"),
        ("shared-traces-shown-with-all-requests", "get_sandbox_trace", "that were sent"),
        ("first-workspace-of-another-name", "register_user", "a default workspace"),
        ("delegation-chains-sorted", "poll_agent_tasks", "the task as it was created"),
        ("failure-keeps-a-result", "update_agent_task_status", "as it was reported on"),
        ("traces-of-deleted-sandboxes-left-out", "list_workspace_traces", "was deleted"),
        ("filter-of-false-ignored", "list_workspace_operations", "{'is_error': False}"),
        ("clock-of-the-caller-taken-for-utc", "list_workspace_operations", "{'since':"),
        ("sessions-name-traces-before-headers", "list_sandbox_traces", "that is named by"),
        ("refused-for-a-day-too-long", "admin_set_workspace_llm_quota", "after midnight"),
        ("connected-workspaces-have-a-limit", "connect_modelserver", "no limit of a day"),
        ("cards-by-name-without-case", "discover_agents", "by name"),
        ("agents-use-the-quota", "get_workspace_defaults", "uses no quota"),
    ],
)
def test_what_agents_and_models_make_of_a_fault_is_found_by_the_model(
    contract: Contract, tmp_path: Path, fault: str, operation: str, promise: str
) -> None:
    with (
        planted_folder(find(fault)) as folder,
        in_own_process(tmp_path, PYTHONPATH=str(folder)) as target,
    ):
        plan = Plan(1, model_runs=0, operations=frozenset({operation}))
        result = model.run(Context(target, prepare_accounts(target), contract, plan))
    assert_found(result, model.NAME, operation, promise)


def test_session_that_ends_with_another_one_is_found_by_the_roles(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("logout-ends-all-sessions", sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        plan = Plan(seed=1, operations=frozenset({"logout"}))
        result = roles.run(Context(server.target, accounts, contract, plan, snapshot=server.rows))
    assert_found(result, roles.NAME, "logout", "another session of guest does not end")


def test_valid_credential_that_an_invalid_one_hides_is_found_by_the_roles(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("credentials-after-the-first-ignored", sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        plan = Plan(seed=1, operations=frozenset({"submit_turn"}))
        result = roles.run(Context(server.target, accounts, contract, plan, snapshot=server.rows))
    assert_found(result, roles.NAME, "submit_turn", "an invalid credential of another kind")


def test_another_default_than_the_documented_one_is_found_by_the_values(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("add-as-guest", sqlite_url) as server:
        plan = Plan(seed=1, operations=frozenset({"add_workspace_member"}))
        result = values.run(Context(server.target, prepare_accounts(server.target), contract, plan))
    promise = "lacks role is shown by the answer"
    assert_found(result, values.NAME, "add_workspace_member", promise)


@pytest.mark.parametrize(
    ("fault", "operation", "promise"),
    [
        (
            *("resuming-is-no-activity", "resume_sandbox"),
            "last_activity_at is when it was last done",
        ),
        (
            *("rename-to-the-same-name-keeps-time", "rename_workspace"),
            "moves with a write of the same values",
        ),
    ],
)
def test_time_that_does_not_move_is_found_by_the_times(
    fault: str, operation: str, promise: str, sqlite_url: str, contract: Contract
) -> None:
    with server_with(fault, sqlite_url) as server:
        plan = Plan(seed=1, operations=frozenset({operation}))
        context = Context(
            server.target,
            prepare_accounts(server.target),
            contract,
            plan,
            advance_clock=lambda: server.shift_clock(timedelta(seconds=1)),
        )
        result = times.run(context)
    assert_found(result, times.NAME, operation, promise)


def test_answer_that_differs_from_the_row_is_found_by_the_lists(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("register-answers-with-blanks", sqlite_url) as server:
        plan = Plan(seed=1, operations=frozenset({"register_user"}))
        result = lists.run(Context(server.target, prepare_accounts(server.target), contract, plan))
    assert_found(result, lists.NAME, "register_user", "listed as it was answered")


def test_page_that_leaves_nothing_out_is_found_by_the_lists(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("interactions-on-every-page", sqlite_url) as server:
        plan = Plan(seed=1, operations=frozenset({"list_agent_interactions"}))
        result = lists.run(Context(server.target, prepare_accounts(server.target), contract, plan))
    assert_found(result, lists.NAME, "list_agent_interactions", "that follow those left out")


def test_trace_of_another_tenant_is_found_by_the_model_and_is_a_listed_departure(
    contract: Contract, tmp_path: Path
) -> None:
    with (
        planted_folder(find("trace-of-any-tenant")) as fault,
        in_own_process(tmp_path, PYTHONPATH=str(fault)) as target,
    ):
        accounts, plan = prepare_accounts(target), Plan(1, model_runs=1)
        result = model.run(Context(target, accounts, contract, plan))
    found = {(each.operation, each.promise) for each in result.findings}
    refused = "this call is refused with NotFound"
    of_traces = {("get_sandbox_trace", refused), ("get_workspace_trace", refused)}
    assert found & of_traces, findings_text(result.findings)
    listed = departures.load(departures.file_of("v0.64.12"))
    account = departures.account(contract, listed, result.findings)
    assert account.explained.keys() == {"traces-of-any-tenant", "traces-of-the-first-sandbox"}
    assert not account.unexplained, findings_text(account.unexplained)


def test_sdk_that_drops_a_field_is_found_by_the_differential(
    sqlite_url: str, contract: Contract
) -> None:
    with server_with("sdk-drops-role", sqlite_url) as server:
        plan = Plan(seed=1, examples=1, operations=frozenset({"add_workspace_member"}))
        result = fuzzing.run(
            Context(server.target, prepare_accounts(server.target), contract, plan)
        )
    assert_found(result, differential.NAME, "add_workspace_member", "The SDK sends")
