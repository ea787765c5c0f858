"""Messages are converted without loss, and shown without their secrets."""

from __future__ import annotations

import requests

from agentserver_contract.contract.document import JSON
from agentserver_contract.http.messages import Request, Response
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


def test_response_hides_the_session_that_it_opens() -> None:
    opened = f"agentserver-token={SESSION}; Path=/; HttpOnly"
    response = Response(200, {"set-cookie": (opened,)}, b'{"status":"ok"}')
    assert response.session == SESSION
    assert SESSION not in response.as_text()


def test_response_that_clears_the_session_opens_none() -> None:
    response = Response(200, {"set-cookie": ("agentserver-token=; Path=/; Max-Age=0",)})
    assert response.session is None


def test_finding_shows_operation_promise_request_response_and_replay_command() -> None:
    finding = Finding(
        layer="roles",
        operation="rename_workspace",
        promise="guest is refused with 403",
        contract="/paths/~1api",
        detail="expected 403, got 200",
        sent="curl -X PATCH http://127.0.0.1/api/workspaces/1",
        received="200",
        replay="nox -s contract -- -k roles --operation rename_workspace",
    )
    text = finding_text(finding)
    for part in (
        finding.operation,
        finding.promise,
        finding.contract,
        finding.detail,
        finding.sent,
        finding.received,
        finding.replay,
    ):
        assert part in text


def test_the_same_fault_is_kept_once() -> None:
    result = LayerResult("roles")
    for detail in ("first", "again"):
        result.add(Finding("roles", "login", "answers 200", "", detail))
    assert [finding.detail for finding in result.findings] == ["first"]
    assert not result.holds


REQUEST = Request("PUT", "/api/a%20b?x=1&x=2", {"content-type": "application/json"}, b"{}")
RESPONSE = Response(200, {"content-type": ("text/plain",), "allow": ("GET", "PUT")}, b"caf\xc3\xa9")


def test_request_is_the_same_after_httpx() -> None:
    through = Request.from_httpx(REQUEST.to_httpx("http://127.0.0.1:8080", {}))
    assert (through.method, through.target, through.body) == ("PUT", REQUEST.target, b"{}")
    assert through.headers["content-type"] == "application/json"


def test_request_is_read_from_what_requests_prepares() -> None:
    prepared = requests.Request(
        "PUT", f"http://127.0.0.1{REQUEST.target}", headers={"Content-Type": JSON}, data="{}"
    ).prepare()
    read = Request.from_requests(prepared)
    assert (read.method, read.target, read.body) == (REQUEST.method, REQUEST.target, b"{}")
    assert read.headers["content-type"] == JSON


def test_response_is_the_same_after_httpx_every_value_of_a_header_included() -> None:
    sent = REQUEST.to_httpx("http://127.0.0.1", {})
    through = Response.from_httpx(RESPONSE.to_httpx(sent))
    assert (through.status, through.body) == (200, RESPONSE.body)
    assert through.headers["allow"] == ("GET", "PUT")


def test_response_is_the_same_after_requests() -> None:
    prepared = requests.Request("GET", "http://127.0.0.1/").prepare()
    through = Response.from_requests(RESPONSE.to_requests(prepared))
    assert (through.status, through.body, through.media_type) == (200, RESPONSE.body, "text/plain")


def test_body_of_a_stream_of_events_is_not_waited_for() -> None:
    prepared = requests.Request("GET", "http://127.0.0.1/").prepare()
    stream = Response(200, {"content-type": ("text/event-stream",)}, b"data: 1\n\n")
    assert Response.from_requests(stream.to_requests(prepared)).body == b""


def test_body_that_is_said_to_be_json_and_is_none_is_no_json() -> None:
    def answer(media_type: str, body: bytes) -> Response:
        return Response(200, {"content-type": (media_type,)}, body)

    assert answer(JSON, b'{"a": 1}').json_or_none() == {"a": 1}
    assert answer(JSON, b"internal error").json_or_none() is None
    assert answer(JSON, b"\xff").json_or_none() is None
    assert answer("text/plain", b"1").json_or_none() is None
