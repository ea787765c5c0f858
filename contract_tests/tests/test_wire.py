"""Reports show requests and answers whole, but for their secrets."""

from __future__ import annotations

from agentserver_contract.http.messages import Answer, Request
from agentserver_contract.reports.text import finding_text
from agentserver_contract.results.findings import Finding, LayerResult

SESSION = "0123456789abcdef" * 4


def test_curl_command_sends_the_request_and_hides_the_session_and_the_password() -> None:
    request = Request(
        "POST",
        "/api/auth/login",
        {"cookie": f"agentserver-token={SESSION}", "content-type": "application/json"},
        b'{"email": "a@contract.example", "password": "hun\\"ter2"}',
    )
    shown = request.as_curl("http://127.0.0.1:8080")
    assert shown.startswith("curl -i -X POST -H 'cookie: agentserver-token=***'")
    assert shown.endswith("http://127.0.0.1:8080/api/auth/login")
    assert '"password": "***"' in shown
    assert SESSION not in shown
    assert "ter2" not in shown


def test_answer_hides_the_session_that_it_opens() -> None:
    opened = f"agentserver-token={SESSION}; Path=/; HttpOnly"
    answer = Answer(200, {"set-cookie": (opened,)}, b'{"status":"ok"}')
    assert answer.session == SESSION
    assert SESSION not in answer.as_text()


def test_answer_that_clears_the_session_opens_none() -> None:
    answer = Answer(200, {"set-cookie": ("agentserver-token=; Path=/; Max-Age=0",)})
    assert answer.session is None


def test_finding_says_operation_promise_what_was_sent_what_came_and_how_to_replay_it() -> None:
    finding = Finding(
        layer="roles",
        operation="rename_workspace",
        promise="guest is refused with 403",
        contract="/paths/~1api",
        detail="expected 403, got 200",
        sent="curl -X PATCH http://127.0.0.1/api/workspaces/1",
        came="200",
        replay="nox -s contract -- -k roles --operation rename_workspace",
    )
    text = finding_text(finding)
    for part in (
        finding.operation,
        finding.promise,
        finding.contract,
        finding.detail,
        finding.sent,
        finding.came,
        finding.replay,
    ):
        assert part in text


def test_the_same_fault_is_kept_once() -> None:
    result = LayerResult("roles")
    for detail in ("first", "again"):
        result.add(Finding("roles", "login", "answers 200", "", detail, "", "", ""))
    assert [finding.detail for finding in result.findings] == ["first"]
    assert not result.holds
