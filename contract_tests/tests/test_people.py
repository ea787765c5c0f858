"""The layer of people on reference servers, and the faults that it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from servers import in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import NAMES, emails_of
from agentserver_contract.layers import people
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult
from agentserver_reference.security import authorize
from agentserver_reference.services import auth
from agentserver_reference.storage import users


def tried(contract: Contract, database_url: str, **options: Any) -> LayerResult:
    with in_process(database_url, checks_answers=False) as server:
        accounts = prepare_accounts(server.target)
        return people.run(Context(server.target, accounts, contract, Plan(seed=1, **options)))


def test_people_are_kept_apart(contract: Contract, database_url: str) -> None:
    result = tried(contract, database_url)
    assert result.holds, findings_text(result.findings)
    assert not result.not_run
    assert result.succeeded["get_current_user"] > len(NAMES)


def test_some_addresses_are_alike() -> None:
    emails = emails_of()
    assert len({email.casefold() for email in emails}) == len(NAMES)
    assert len({email.partition("@")[0] for email in emails}) < len(NAMES), "a local part is shared"
    assert len({email.partition("@")[2] for email in emails}) < len(NAMES), "a domain is shared"
    assert any(a != b and b.startswith(a) for a in emails for b in emails)


def _always_user(right: Callable[..., Any]) -> Callable[..., Any]:
    async def account(*args: Any) -> Any:
        return {**await right(*args), "role": "user"}

    return account


def _never_stored(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: True


def _any_password(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda conn, email: right(conn, "contract-owner@contract.example")


def _administrators_may_do_all(right: Callable[..., Any]) -> Callable[..., Any]:
    def check(operation: Any, principal: Any) -> None:
        if principal.role != "admin" or principal.workspace_role is None:
            right(operation, principal)

    return check


@pytest.mark.parametrize(
    ("module", "name", "fault", "operation", "check"),
    [
        pytest.param(auth, "account", _always_user, "get_current_user", "account", id="me"),
        pytest.param(users, "set_role", _never_stored, "admin_update_user_role", "role", id="role"),
        pytest.param(users, "find_credential", _any_password, "login", "password", id="password"),
        pytest.param(
            *(authorize, "check_role", _administrators_may_do_all),
            *("rename_workspace", "administrator and guest"),
            id="administrator and guest",
        ),
    ],
)
def test_fault_is_found_and_its_operation_named(
    module: object,
    name: str,
    fault: Callable[..., Any],
    operation: str,
    check: str,
    contract: Contract,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with in_process(sqlite_url, checks_answers=False) as server:
        accounts = prepare_accounts(server.target)
        monkeypatch.setattr(module, name, fault(getattr(module, name)))
        result = people.run(Context(server.target, accounts, contract, Plan(seed=1)))
    found = {(finding.operation, finding.check) for finding in result.findings}
    assert (operation, check) in found, findings_text(result.findings)


def test_only_the_named_operation_is_judged(contract: Contract, sqlite_url: str) -> None:
    result = tried(contract, sqlite_url, operations=frozenset({"rename_workspace"}))
    assert result.cases["rename_workspace"] == 1, "as a guest who administers the installation"
    assert not result.cases["login"]
