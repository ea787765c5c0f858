"""The tenants of the fuzzing stay strangers, so that a write of one to the other's is a fault."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from schemathesis import GenerationMode
from schemathesis.openapi.checks import EnsureResourceAvailability
from servers import Server, in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import COLLEAGUE, TENANTS, Accounts, emails_of
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.workspaces import PARAMETER, add_workspace
from agentserver_contract.http.guard import Guard
from agentserver_contract.schemathesis.case_rewrites import CaseRewrites
from agentserver_contract.schemathesis.checks import ForeignWrite, ForeignWrites

OWNER, OTHER = TENANTS


def case_of(server: Server, contract: Contract, path: str, method: str, **given: Any) -> Any:
    schema = server.target.schema(contract.document, {})
    return schema[path][method].Case(_meta=None, **given)


def guarded_rewrites(
    server: Server, contract: Contract, *known: str
) -> tuple[CaseRewrites, Examples]:
    """What rewrites the owner's cases, and what they are about: that and `known` alone is the
    run's."""
    accounts = prepare_accounts(server.target)
    caller = accounts[OWNER]
    examples = prepare_examples(contract, accounts, owner=OWNER, members={}, caller=caller)
    guard = server.target.guard = Guard(contract, emails_of())
    for each in (examples.parameters[PARAMETER], *known):
        guard.own(each)
    context = Context(server.target, accounts, contract, Plan(seed=1))
    return CaseRewrites(context, examples, OWNER, caller), examples


@pytest.mark.parametrize("spelling", [str, str.upper, "  {} ".format])
def test_no_case_makes_a_tenant_a_member_of_the_others_workspace(
    contract: Contract, sqlite_url: str, spelling: Any
) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        caller = accounts[OWNER]
        examples = prepare_examples(
            contract, accounts, owner=OWNER, members={COLLEAGUE: "developer"}, caller=caller
        )
        context = Context(server.target, accounts, contract, Plan(seed=1))
        tenants = [accounts[name] for name in TENANTS]
        rewrites = CaseRewrites(context, examples, OWNER, caller, tenants)
        case = case_of(
            *(server, contract, "/api/workspaces/{workspace_id}/members", "POST"),
            path_parameters={PARAMETER: examples.parameters[PARAMETER]},
            body={"email": spelling(accounts[OTHER].email), "role": "maintainer"},
        )
        rewrites.apply(case)
    assert case.body == {"email": accounts[COLLEAGUE].email, "role": "maintainer"}


def test_no_case_deletes_the_workspace_of_the_examples_in_the_place_of_one_of_others(
    contract: Contract, sqlite_url: str
) -> None:
    with in_process(sqlite_url) as server:
        rewrites, examples = guarded_rewrites(server, contract)
        case: Any = SimpleNamespace(
            id="a case",
            method="DELETE",
            path_parameters={PARAMETER: "workspace-of-others"},
            body=None,
            operation=SimpleNamespace(
                definition=SimpleNamespace(raw={"operationId": "delete_workspace"})
            ),
            meta=SimpleNamespace(
                generation=SimpleNamespace(mode=GenerationMode.NEGATIVE),
                pool_draws=[SimpleNamespace(parameter_name=PARAMETER)],  # it is from a response
            ),
        )
        rewrites.apply(case)
    known = {"workspace-of-others", examples.parameters[PARAMETER]}
    assert case.path_parameters[PARAMETER] not in known


@pytest.mark.parametrize("known", [True, False])
def test_an_id_that_was_replaced_is_not_taken_for_one_of_the_response_before(
    contract: Contract, sqlite_url: str, known: bool
) -> None:
    with in_process(sqlite_url) as server:
        rewrites, _ = guarded_rewrites(server, contract, *(["drawn"] if known else []))
        case = case_of(
            *(server, contract, "/api/agent/tasks/{task_id}/status", "PUT"),
            path_parameters={"task_id": "drawn"},
            body={"status": "completed"},
        )
        rewrites.apply(case)
    failure = EnsureResourceAvailability(
        operation=case.operation.label,
        message="The API returned `404 Not Found` for a resource that was just created.",
        created_with="POST /api/agent/tasks",
        not_available_with=case.operation.label,
    )
    assert rewrites.explain(failure, case, 404) is not known


def renamed_by_the_other(
    server: Server, contract: Contract, accounts: Accounts, workspace_id: str
) -> None:
    """What the check makes of a rename that the owner is about to send."""
    check = ForeignWrites(server.target, accounts[OWNER], accounts[OTHER], {workspace_id})
    case = case_of(
        *(server, contract, "/api/workspaces/{workspace_id}", "PATCH"),
        path_parameters={PARAMETER: workspace_id},
        body={"name": "another name"},
    )
    check.before_call(case)
    check.check(case)


def test_write_of_a_tenant_who_has_become_a_member_is_no_fault(
    contract: Contract, sqlite_url: str
) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        workspace_id = add_workspace(accounts, OWNER, {OTHER: "maintainer"})
        renamed_by_the_other(server, contract, accounts, workspace_id)
        with server.target.client(session=accounts[OWNER].session) as client:
            shown = client.workspaces.get(workspace_id)
    assert shown.name != "another name", "nothing is sent in the name of a member"


def test_write_of_a_tenant_who_is_no_member_is_a_fault(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        workspace_id = add_workspace(accounts, OWNER, {})
        renamed_by_the_other(server, contract, accounts, workspace_id)  # it is refused
        owner = accounts[OWNER]
        # The other's requests are answered as if they were the owner's.
        monkeypatch.setattr(
            "agentserver_contract.schemathesis.checks.cookie",
            lambda session: {"cookie": f"agentserver-token={owner.session}"},
        )
        with pytest.raises(ForeignWrite):
            renamed_by_the_other(server, contract, accounts, workspace_id)
