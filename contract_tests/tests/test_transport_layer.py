"""The transport layer finds what an SDK does wrong when something fails, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from servers import Server, in_process, prepare_accounts, reset_accounts

from agentserver import AsyncClient, _http, _limits, _retry, _transport
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import Accounts
from agentserver_contract.layers import transport
from agentserver_contract.layers.transport import TRIALS, Kind, kind_of
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult

OPERATIONS = frozenset(
    {"get_workspace", "create_workspace", "rename_workspace", "delete_workspace", "list_workspaces"}
)


@pytest.fixture(scope="module")
def tried(
    contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., LayerResult]]:
    """Runs the layer on a server: on a few operations, or on all."""
    folder: Path = tmp_path_factory.mktemp("transport")
    with in_process(f"sqlite:///{folder / 'transport.db'}") as server:
        accounts = prepare_accounts(server.target)

        def run(operations: frozenset[str] | None = OPERATIONS) -> LayerResult:
            reset_accounts(accounts)
            plan = Plan(1, operations=operations)
            return transport.run(Context(server.target, accounts, contract, plan))

        yield run


def test_nothing_is_found_with_the_right_sdk(
    tried: Callable[..., LayerResult], contract: Contract
) -> None:
    result = tried(None)
    assert not result.findings, findings_text(result.findings)
    assert result.cases.keys() == contract.operations.keys()
    assert not result.not_run


def test_the_server_sees_each_call_once(server: Server, contract: Contract) -> None:
    accounts: Accounts = prepare_accounts(server.target)
    plan = Plan(1, operations=frozenset({"create_workspace"}))
    context = Context(server.target, accounts, contract, plan)
    transport.run(context)
    assert len([row for row in server.rows()["workspaces"] if "My workspace" in row]) == 1


def test_operations_are_told_apart_by_the_contract_alone(contract: Contract) -> None:
    kinds = {kind_of(operation) for operation in contract.operations.values()}
    assert kinds >= {Kind.READ, Kind.IDEMPOTENT, Kind.WRITE}
    for trial in TRIALS:
        assert trial.expected.keys() == set(Kind), trial.name


def always(rule: Any) -> Callable[..., Any]:
    return lambda *arguments: rule


def without_doubt(reply: Any, state: Any) -> None:
    state.attempts += 1


def uncounted(right: Any) -> Any:
    def record(reply: Any, state: Any) -> None:
        right(reply, state)
        state.attempts = 1

    return record


def cut_is_whole(right: Any) -> Any:
    """A body that breaks off is empty, and complete."""

    def reply(response: Any, body: Any, interrupted: Any) -> Any:
        found = right(response, body, None)
        found.status = 204 if interrupted else found.status
        return found

    return reply


def new_id_each_time(right: Any) -> Any:
    def request(state: Any) -> Any:
        send = right(state)
        send.request_id = str(uuid4())
        return send

    return request


def without_body_on_retry(right: Any) -> Any:
    def request(state: Any) -> Any:
        send = right(state)
        send.content = None if state.attempts else send.content
        return send

    return request


def broken_is_worth_a_retry(right: Any) -> Any:
    def reply(response: Any, body: Any, interrupted: Any) -> Any:
        found = right(response, body, interrupted)
        return _transport.Failure("broken", "read") if found.problem else found

    return reply


async def returns_at_once(self: Any, seconds: float) -> None:
    """The asynchronous client does not wait."""


FAULTS: dict[str, tuple[Any, str, Any, str]] = {
    "writes are retried like PUT": (
        _transport,
        "rule_for",
        lambda right: always(_retry.IDEMPOTENT),
        "the response is lost once",
    ),
    "PUT and DELETE are never retried": (
        _transport,
        "rule_for",
        lambda right: lambda operation, retry: _retry.READ if operation.safe else _retry.CONSUME,
        "the response is late once",
    ),
    "Retry-After is ignored": (
        _transport,
        "retry_after",
        lambda right: always(None),
        "429 with Retry-After in seconds",
    ),
    "Retry-After as a date is read by the own clock": (
        _transport,
        "retry_after",
        lambda right: lambda header, date, now: right(header, None, now),
        "503 with Retry-After as a date of a slow clock",
    ),
    "a long Retry-After is waited for": (
        _transport,
        "LONGEST_WAIT",
        lambda right: 1e9,
        "429 with a Retry-After of an hour",
    ),
    "what may have been done counts as failed": (
        _transport,
        "_record",
        lambda right: without_doubt,
        "the response is lost every time",
    ),
    "attempts are not counted": (
        _transport,
        "_record",
        uncounted,
        "the connection is refused every time",
    ),
    "a response that breaks off is taken for a whole one": (
        _http,
        "_reply",
        cut_is_whole,
        "the response is cut off once",
    ),
    "what cannot be unpacked is fetched again": (
        _http,
        "_reply",
        broken_is_worth_a_retry,
        "the body is plain, and called gzip",
    ),
    "each attempt is another request": (
        _transport._CallState,
        "request",
        new_id_each_time,
        "the connection is refused once",
    ),
    "a retry has no body": (
        _transport._CallState,
        "request",
        without_body_on_retry,
        "the connection is refused once",
    ),
    "the deadline does not cut a timeout": (
        _limits.TimeLimits,
        "get",
        lambda right: lambda self, phase, default=None: self[phase],
        "the response is later than the deadline",
    ),
    "no wait between two attempts": (
        _transport,
        "backoff",
        lambda right: always(0.0),
        "503 without Retry-After",
    ),
    "the asynchronous client does not wait": (
        AsyncClient,
        "_sleep",
        lambda right: returns_at_once,
        "503 without Retry-After",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_sdk_is_found(
    tried: Callable[..., LayerResult], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    module, attribute, change, check = FAULTS[name]
    monkeypatch.setattr(module, attribute, change(getattr(module, attribute)))
    findings = tried().findings
    assert check in {finding.check for finding in findings}, findings_text(findings)


def test_a_finding_says_what_was_sent_expected_and_done(
    tried: Callable[..., LayerResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transport, "rule_for", always(_retry.IDEMPOTENT))
    [finding] = [
        each
        for each in tried(frozenset({"create_workspace"})).findings
        if each.check == "the response is lost once"
    ]
    assert finding.operation == "create_workspace"
    assert finding.promise == "the SDK copes when the response is lost once"
    sent, expected, done, *wrong = finding.detail.splitlines()
    assert sent == "sent: POST /api/workspaces, by Client.workspaces.create"
    assert expected == "expected of an operation that writes: 1 request, then OutcomeUnknown"
    assert done == "the SDK: 2 requests 0.375 s apart, then a Workspace"
    assert wrong == ["wrong: 2 requests instead of 1", "wrong: no OutcomeUnknown"]
