"""What every answer carries, and the order in which a call is checked."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from serving import PASSWORD, in_memory, serving, session_cookie
from sqlalchemy import text

from agentserver_reference.call import Call
from agentserver_reference.domain import errors
from agentserver_reference.handlers import health
from agentserver_reference.http.conformance import ContractViolation
from agentserver_reference.replies import Reply

pytestmark = pytest.mark.anyio

ACCOUNT = {"email": "alice@example.com", "password": PASSWORD}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def assert_line(response: httpx.Response, status: int, line: str) -> None:
    assert (response.status_code, response.text) == (status, line + "\n")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/api/workspaces", 401),
        ("GET", "/api/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("PUT", "/api/workspaces", 405),
        ("POST", "/api/auth/login", 400),
    ],
)
async def test_every_answer_carries_a_request_id_and_nosniff(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert str(UUID(response.headers["x-request-id"])) == response.headers["x-request-id"]


@pytest.mark.parametrize("given", ["a", "A-Z.0_9~", "x" * 128])
async def test_a_sane_request_id_comes_back(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/healthz", headers={"x-request-id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a/b", "ü", "a\tb"])
async def test_another_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    headers = {b"x-request-id": given.encode()}
    response = await client.get("/healthz", headers=headers)
    assert UUID(response.headers["x-request-id"])


async def test_an_answer_without_body_has_no_content_type(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"")
    assert "content-type" not in response.headers


async def test_json_is_compact(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/auth/register", json=ACCOUNT)
    assert response.headers["content-type"] == "application/json"
    assert b" " not in response.content.replace(PASSWORD.encode(), b"")


@pytest.mark.parametrize("path", ["/api/workspaces/", "/healthz/", "/api//workspaces", "/docs/"])
async def test_a_slash_too_many_is_an_unknown_path(client: httpx.AsyncClient, path: str) -> None:
    assert_line(await client.get(path), 404, "not found")


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE"])
async def test_an_unknown_method_is_405_and_names_what_the_path_takes(
    client: httpx.AsyncClient, method: str
) -> None:
    response = await client.request(method, "/api/workspaces")
    assert response.status_code == 405
    assert response.headers.get_list("allow") == ["GET, HEAD, POST"]


async def test_passwords_switched_off_leave_paths_that_take_no_method() -> None:
    settings = in_memory(environment={"PASSWORD_AUTH_ENABLED": "false"})
    async with serving(settings) as client:
        for path in ("/api/auth/login", "/api/auth/register"):
            response = await client.post(path, json=ACCOUNT)
            assert_line(response, 405, "method not allowed")
            assert response.headers.get_list("allow") == [""]


@pytest.mark.parametrize(
    "cookie",
    [
        None,
        "",
        "agentserver-token",
        "agentserver-token=",
        'agentserver-token=""',
        "agentserver-token=unknown",
        "agentserver-token=" + "0" * 64,
        "agentserver-token=" + "0" * 64 + "; {session}",
        "other={token}",
        "Agentserver-Token={token}",
    ],
)
async def test_without_a_living_session_a_call_is_401(
    client: httpx.AsyncClient, cookie: str | None
) -> None:
    session = await session_cookie(client)
    sent = cookie and cookie.format(session=session, token=session.partition("=")[2])
    headers = {} if sent is None else {"cookie": sent}
    for path in ("/api/workspaces", "/api/workspaces/unknown"):
        assert_line(await client.get(path, headers=headers), 401, "unauthorized")


@pytest.mark.parametrize(
    "cookie", ["{s}", "a=b; {s}", "a=b;{s};c=d", '{name}="{token}"', "{s}; agentserver-token=other"]
)
async def test_the_first_session_cookie_counts(client: httpx.AsyncClient, cookie: str) -> None:
    session = await session_cookie(client)
    name, _, token = session.partition("=")
    headers = {"cookie": cookie.format(s=session, name=name, token=token)}
    assert (await client.get("/api/workspaces", headers=headers)).status_code == 200


async def test_the_cookie_is_the_only_credential(client: httpx.AsyncClient) -> None:
    token = (await session_cookie(client)).partition("=")[2]
    headers = {"authorization": f"Bearer {token}"}
    assert_line(await client.get("/api/workspaces", headers=headers), 401, "unauthorized")


async def test_a_session_ends_by_the_clock_after_seven_days() -> None:
    now = NOW
    async with serving(in_memory(), clock=lambda: now) as client:
        headers = {"cookie": await session_cookie(client)}
        now = NOW + timedelta(days=7, seconds=-1)
        assert (await client.get("/api/workspaces", headers=headers)).status_code == 200
        now = NOW + timedelta(days=7)
        assert_line(await client.get("/api/workspaces", headers=headers), 401, "unauthorized")


@pytest.mark.parametrize("workspace", ["unknown", "%00", "%FF", "a%2Fb", "..%2F..", "x" * 3000])
async def test_an_unknown_workspace_is_as_one_of_others(
    client: httpx.AsyncClient, workspace: str
) -> None:
    headers = {"cookie": await session_cookie(client)}
    response = await client.get(f"/api/workspaces/{workspace}", headers=headers)
    assert_line(response, 403, "not a workspace member")


async def test_who_calls_is_checked_before_what_is_sent(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/api/workspaces", content=b"{", headers={"content-type": "text/plain"}
    )
    assert_line(response, 401, "unauthorized")


def fail_with(error: Exception) -> Any:
    async def check_health(call: Call) -> Reply:
        raise error

    check_health.__module__ = health.__name__
    return check_health


async def test_an_unexpected_failure_is_500_and_logged_without_secrets(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "check_health", fail_with(RuntimeError("broken")))
    async with serving(in_memory(), validate_responses=False) as client:
        headers = {"x-request-id": "my-id", "cookie": "agentserver-token=s3cret"}
        with caplog.at_level(logging.INFO, "agentserver_reference"):
            response = await client.get("/healthz?password=s3cret", headers=headers)
    assert_line(response, 500, "internal error")
    assert response.headers["x-request-id"] == "my-id"
    failed = next(record for record in caplog.records if record.exc_info)
    assert failed.event_fields == {"request_id": "my-id"}  # type: ignore[attr-defined]
    assert "broken" in caplog.text
    shown = caplog.text + repr([vars(record) for record in caplog.records])
    assert "s3cret" not in shown


async def test_a_failing_statement_is_logged_without_its_values(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = {"key": "terc3s"[::-1]}  # not as the traceback shows this very line

    async def check_health(call: Call) -> Reply:
        await call.work.read(lambda conn: conn.execute(text("SELECT :key FROM none"), secret))
        return Reply(200)

    check_health.__module__ = health.__name__
    monkeypatch.setattr(health, "check_health", check_health)
    async with serving(in_memory(), validate_responses=False) as client:
        assert_line(await client.get("/healthz"), 500, "internal error")
    assert "no such table" in caplog.text
    assert "s3cret" not in caplog.text


async def test_under_test_an_unexpected_failure_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "check_health", fail_with(RuntimeError("broken")))
    async with serving(in_memory()) as client:
        with pytest.raises(RuntimeError, match="broken"):
            await client.get("/healthz")


async def test_under_test_an_undocumented_answer_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "check_health", fail_with(errors.Gone("ended")))
    async with serving(in_memory()) as client:
        with pytest.raises(ContractViolation, match="check_health responded with 410"):
            await client.get("/healthz")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadRequest("why"), 400),
        (errors.Unauthenticated("why"), 401),
        (errors.Forbidden("why"), 403),
        (errors.NotFound("why"), 404),
        (errors.Conflict("why"), 409),
        (errors.Gone("why"), 410),
        (errors.BadGateway("why"), 502),
        (errors.ServiceUnavailable("why"), 503),
    ],
)
async def test_a_refusal_is_its_status_and_one_line(
    monkeypatch: pytest.MonkeyPatch, error: errors.Refusal, status: int
) -> None:
    monkeypatch.setattr(health, "check_health", fail_with(error))
    async with serving(in_memory(), validate_responses=False) as client:
        assert_line(await client.get("/healthz"), status, "why")


async def test_a_reached_quota_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    error = errors.QuotaExceeded("full", current=5, maximum=5)
    monkeypatch.setattr(health, "check_health", fail_with(error))
    async with serving(in_memory(), validate_responses=False) as client:
        response = await client.get("/healthz")
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "error": "quota_exceeded",
        "message": "full",
        "quota": {"current": 5, "max": 5},
    }


def test_every_refusal_has_a_status() -> None:
    from agentserver_reference.http.responses import STATUSES

    assert set(errors.Refusal.__subclasses__()) <= STATUSES.keys()


async def test_a_line_stays_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "check_health", fail_with(errors.Conflict("a\r\nb " + "x" * 5000)))
    async with serving(in_memory(), validate_responses=False) as client:
        text = (await client.get("/healthz")).text
    assert text.startswith("a b x")
    assert text.endswith("x\n")
    assert len(text) == 1000
