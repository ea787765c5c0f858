"""Programs are signed in on any server that has the flow, and it is told where one has not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from servers import Server

from agentserver import AuthorizationExpired, Secret
from agentserver._device import DeviceFlow
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.contract.roles import AGENTS, ENDED_AGENT
from agentserver_contract.fixtures import api_keys
from agentserver_contract.fixtures.access_tokens import (
    AGENT_OF,
    EXPIRED,
    NARROWED,
    OF_FORMER_MEMBER,
    OF_GUEST,
    REVOKED,
    SCHEME,
    VALID,
    WITHOUT_SCOPE,
    with_access_tokens,
)
from agentserver_contract.fixtures.accounts import Accounts
from agentserver_contract.fixtures.device_flow import NoDeviceFlow, sign_in
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.http.target import Target
from agentserver_contract.results.answers import AnswerChecks
from agentserver_contract.run import run
from agentserver_reference.domain import oauth


def workspace_of(accounts: Accounts, name: str) -> str:
    with accounts.target.client(session=accounts[name].session) as client:
        return client.workspaces.list()[0].id


def test_an_account_of_the_run_approves_as_a_person_does(accounts: Accounts) -> None:
    owner = accounts["owner"]
    tokens = sign_in(accounts.target, owner, workspace_of(accounts, "owner"))
    with accounts.target.client() as client:
        flow = DeviceFlow(client)
        refreshed = flow.refresh(Secret(tokens.refresh))
        assert refreshed.scope == "openid profile agent:register"
        with pytest.raises(AuthorizationExpired):
            flow.refresh(Secret(tokens.refresh))


def test_the_tokens_of_a_run_are_of_every_kind(server: Server, accounts: Accounts) -> None:
    found = with_access_tokens(accounts, server.target, shift_clock=server.shift_clock)
    assert not found.lacking
    tokens = {name: each for name, each in found.by_name.items() if each.token}
    ended = {name for name, each in tokens.items() if each.ended}
    of_tokens = {EXPIRED, REVOKED, OF_FORMER_MEMBER, OF_GUEST}
    of_keys = {api_keys.REVOKED, api_keys.OF_NOTHING}
    assert ended == of_tokens | of_keys | {*AGENT_OF.values(), ENDED_AGENT}
    valid = {VALID, WITHOUT_SCOPE, NARROWED, api_keys.ELSEWHERE, *AGENTS} - {ENDED_AGENT}
    assert tokens.keys() - ended == valid
    assert tokens[VALID].scopes == {"agent:register"}
    assert tokens[WITHOUT_SCOPE].scopes == tokens[NARROWED].scopes == {"openid"}


def test_without_a_clock_no_token_expires(accounts: Accounts) -> None:
    found = with_access_tokens(accounts, accounts.target)
    assert EXPIRED not in found.by_name


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/oauth2/device/auth", 405, "/api/oauth2/device/auth is answered 405"),
        ("/oauth2/device", 500, "end with 500"),
        ("/api/oauth2/token", 400, "/api/oauth2/token is answered 400"),
    ],
)
def test_a_server_without_the_flow_is_told(
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    status: int,
    said: str,
) -> None:
    send = Target.send

    def sent(target: Target, request: Request) -> Response:
        if request.path == path:
            return Response(status, {"content-type": ("text/html",)}, b"<html>")
        return send(target, request)

    monkeypatch.setattr(Target, "send", sent)
    with pytest.raises(NoDeviceFlow, match=said):
        sign_in(accounts.target, accounts["owner"], workspace_of(accounts, "owner"))
    found = with_access_tokens(accounts, accounts.target)
    assert found.by_name == accounts.by_name
    assert said in found.lacking[SCHEME]
    assert not found.refused


def test_a_new_token_that_registers_no_agent_is_a_finding(
    accounts: Accounts, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "ACCESS_LIFETIME", timedelta())
    found = with_access_tokens(accounts, accounts.target)
    assert "401" in found.lacking[SCHEME]
    plan = Plan(seed=1, layers=("ids",), operations=frozenset({"register_agent"}))
    context = Context(accounts.target, found, contract, plan)
    counter, answers = StatusCounter(contract), AnswerChecks(contract, accounts.target.base_url)
    outcome = run(context, counter, answers)
    assert ("register_agent", "it succeeds where the layer needs it") in {
        (each.operation, each.promise) for each in outcome.unexplained
    }
