"""What is refused, in which order, and without effect: faults of it are found, and only those."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from catalogue import find
from faulty import run_on
from planting import planted
from servers import in_process, prepare_accounts
from wrapping import Seen, answering

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures import states
from agentserver_contract.layers import refusals
from agentserver_contract.reports.text import findings_text
from agentserver_reference.domain.errors import Conflict
from agentserver_reference.services import auth
from agentserver_reference.storage import users
from agentserver_reference.storage.locks import Lock

RENAME = frozenset({"rename_workspace"})


def test_body_that_is_read_before_the_session_is_found(tmp_path: Path, contract: Contract) -> None:
    def answer(sent: Seen) -> tuple[int, str] | None:
        if sent.method != "PATCH":
            return None
        try:
            json.loads(sent.body)
        except ValueError:
            return 400, "not JSON"
        return None

    result = run_on(refusals.run, tmp_path, contract, answering(answer), RENAME)
    promises = {finding.promise.partition(" is refused")[0] for finding in result.findings}
    assert promises >= {
        "no credential and a body that is not JSON",
        "a caller who is outsider and a body that is not JSON",
        "an unknown workspace and a body that is not JSON",
    }
    assert {finding.operation for finding in result.findings} == RENAME


def test_query_that_is_read_before_rights_is_found(sqlite_url: str, contract: Contract) -> None:
    with (
        planted(find("query-checked-before-rights")),
        in_process(sqlite_url, checks_answers=False) as server,
    ):
        plan = Plan(1, operations=frozenset({"list_workspace_operations"}))
        accounts = prepare_accounts(server.target)
        result = refusals.run(Context(server.target, accounts, contract, plan))
    assert result.findings
    for finding in result.findings:
        assert finding.promise.startswith(
            ("a caller who is outsider and a query", "an unknown workspace and a query")
        )


def test_media_type_that_is_not_looked_at_is_found(tmp_path: Path, contract: Contract) -> None:
    def wrap(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                named = [pair for pair in scope["headers"] if pair[0] != b"content-type"]
                scope = {**scope, "headers": named}
            await app(scope, receive, send)

        return wrapped

    result = run_on(refusals.run, tmp_path, contract, wrap, RENAME)
    assert {finding.check for finding in result.findings} == {
        "a body called text/plain",
        "a body called a form",
    }
    assert "expected 415" in result.findings[0].detail


@pytest.mark.parametrize(
    "operations",
    [RENAME, RENAME | {"get_workspace", "delete_workspace"}],
    ids=["alone", "among those that are looked at together"],
)
def test_refused_request_that_writes_is_found_by_its_name(
    operations: frozenset[str], sqlite_url: str, contract: Contract
) -> None:
    with (
        planted(find("rename-refused-and-made")),
        in_process(sqlite_url, checks_answers=False) as server,
    ):
        context = Context(
            server.target, prepare_accounts(server.target), contract, Plan(1, operations=operations)
        )
        result = refusals.run(context)
    (finding,) = [each for each in result.findings if "it changed" in each.detail]
    assert finding.operation == "rename_workspace"
    assert finding.check.startswith("a caller who is")
    assert "became" in finding.detail


def test_password_of_a_refused_request_that_is_kept_is_found(
    sqlite_url: str, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = auth.register

    async def register(work: Any, email: str, password: str) -> Any:
        try:
            return await original(work, email, password)
        except Conflict:
            account = await work.read(users.find_credential, email)
            kept = await work.context.passwords.hash(password)
            await work.write(Lock(), users.set_password_hash, account["id"], kept)
            raise

    monkeypatch.setattr(auth, "register", register)
    with in_process(sqlite_url, checks_answers=False) as server:
        plan = Plan(1, operations=frozenset({"register_user"}))
        accounts = prepare_accounts(server.target)
        result = refusals.run(Context(server.target, accounts, contract, plan))
    found = [finding for finding in result.findings if finding.check == "an address that is taken"]
    assert found, findings_text(result.findings)
    assert found[0].operation == "register_user"
    assert "the password sent opens owner's account" in found[0].detail


@pytest.mark.parametrize(
    ("fault", "check", "wrong"),
    [
        ("create-one-too-many", "a workspace over the limit", "got 201"),
        ("create-refused-and-made", "a workspace over the limit", "it changed"),
    ],
)
def test_what_is_refused_in_one_state_only_is_found_by_its_name(
    fault: str, check: str, wrong: str, sqlite_url: str, contract: Contract
) -> None:
    with planted(find(fault)), in_process(sqlite_url, checks_answers=False) as server:
        plan = Plan(1, operations=frozenset({"create_workspace"}))
        accounts = prepare_accounts(server.target)
        result = refusals.run(Context(server.target, accounts, contract, plan))
    found = [finding for finding in result.findings if finding.check == check]
    assert any(wrong in finding.detail for finding in found), findings_text(result.findings)
    assert {finding.operation for finding in result.findings} == {"create_workspace"}


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
        ("revoked-keys-count", "mint_workspace_api_key"),
        ("tokens-of-other-workspaces-count", "mint_codex_token"),
    ],
)
def test_wrong_count_at_a_limit_is_found(
    contract: Contract, sqlite_url: str, fault: str, operation: str
) -> None:
    with planted(find(fault)), in_process(sqlite_url) as server:
        plan = Plan(seed=1, operations=frozenset({operation}))
        accounts = prepare_accounts(server.target)
        result = refusals.run(Context(server.target, accounts, contract, plan))
    found = {(finding.operation, finding.check) for finding in result.findings}
    assert found == {(operation, "room")}


def test_workspace_that_is_never_full_is_filled_once(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = []
    fill_with = states.fill_with
    monkeypatch.setattr(states, "fill_with", lambda *of: (filled.append(of), fill_with(*of)))
    monkeypatch.setattr("agentserver_reference.domain.api_keys.MOST", 10**9)
    with in_process(sqlite_url) as server:
        plan = Plan(seed=1, operations=frozenset({"mint_workspace_api_key"}))
        accounts = prepare_accounts(server.target)
        result = refusals.run(Context(server.target, accounts, contract, plan))
    assert [finding.check for finding in result.findings] == ["an API key over the limit"]
    assert len(filled) == 1
    not_tried = [name for name, why in result.not_run.items() if why == refusals.NO_LIMIT]
    assert "mint_workspace_api_key, no credential and an API key over the limit" in not_tried
