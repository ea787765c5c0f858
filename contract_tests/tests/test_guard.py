"""The guard blocks every write to anything that the run did not create."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import ABSENT, SPARE, email_of, emails_of
from agentserver_contract.http.guard import NO_SUCH, Administrator, Blocked, Guard
from agentserver_contract.http.messages import SESSION_COOKIE, Request, Response

OWN, OTHERS = "own-workspace", "workspace-of-others"
COLLEAGUE, STRANGER = "own-user", "user-of-others"
OPERATOR = Administrator("operator-id", "operator-session", own=False)


def guard_of(contract: Contract, **options: Any) -> Guard:
    spare = {email_of(SPARE): "known"}
    guard = Guard(contract, emails_of(), spare=spare, absent=[email_of(ABSENT)], **options)
    guard.administrator = OPERATOR
    guard.own(OWN, COLLEAGUE)
    return guard


def sent(method: str, path: str, body: Any = None, session: str | None = None) -> Request:
    headers = {"cookie": f"{SESSION_COOKIE}={session}"} if session else {}
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return Request(method, path, headers, raw)


BLOCKED = [
    sent("DELETE", f"/api/workspaces/{OTHERS}"),
    sent("PATCH", f"/api/workspaces/{OTHERS}", {"name": "Taken over"}),
    sent("PUT", f"/api/workspaces/{OWN}/members/{STRANGER}", {"role": "guest"}),
    sent("DELETE", f"/api/workspaces/{OTHERS}/members/{COLLEAGUE}"),
    sent("PUT", f"/api/admin/users/{STRANGER}/role", {"role": "user"}),
    sent("PUT", f"/api/admin/users/{OPERATOR.id}/role", {"role": "user"}),
    sent("DELETE", f"/api/admin/workspaces/{OTHERS}/quota"),
    sent("PUT", f"/api/admin/users/{STRANGER}/quota", {"max_workspaces": 1}),
    sent("DELETE", "/api/workspaces/%2E%2E"),
    sent("DELETE", "/api/workspaces/"),
    sent("DELETE", "/api/workspaces/quota"),
    sent("POST", f"/api/workspaces/{OTHERS}", {}),
    sent("POST", "/api/something-else", {}),
    sent("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 0}),
    sent("POST", "/api/auth/register", {"email": "real@example.org", "password": "x"}),
    sent("POST", "/api/auth/register", {"email": email_of(ABSENT), "password": "x"}),
    sent("POST", "/api/auth/register", {"email": email_of(SPARE), "password": "unknown"}),
    sent("POST", "/api/auth/register", {"email": email_of(SPARE)}),
    sent("POST", "/api/auth/register", {"email": " Contract-Owner@CONTRACT.example "}),
    sent("POST", "/api/auth/register", {"EMAIL": "real@example.org", "password": "x"}),
    sent("POST", "/api/auth/register", b'{"email": "contract-owner@contract.example"'),
    sent(
        "POST",
        "/api/auth/register",
        b'{"email": "contract-owner@contract.example", "email": "real@example.org"}',
    ),
    sent("POST", "/api/auth/register", b'\xef\xbb\xbf{"email": "real@example.org"} trailing'),
    sent("POST", "/api/auth/login", {"email": "real@example.org", "password": "guess"}),
    sent("POST", "/api/auth/login", {"email": {"nested": ["real@example.org"]}}),
    sent("POST", f"/api/workspaces/{OWN}/members", {"email": "real@example.org"}),
    sent("POST", f"/api/workspaces/{OWN}/members", {"user_id": STRANGER}),
    sent("POST", "/api/workspaces", {"name": "Mine"}, session=OPERATOR.session),
    sent("POST", "/api/auth/logout", session=OPERATOR.session),
]

ALLOWED = [
    sent("GET", f"/api/workspaces/{OTHERS}"),
    sent("HEAD", "/api/admin/users"),
    sent("DELETE", f"/api/workspaces/{OWN}"),
    sent("DELETE", f"/api/workspaces/{NO_SUCH}1"),
    sent("PUT", f"/api/workspaces/{OWN}/members/{COLLEAGUE}", {"role": "guest"}),
    sent("PUT", f"/api/admin/users/{COLLEAGUE}/role", {"role": "admin"}, session=OPERATOR.session),
    sent("POST", "/api/auth/register", {"email": email_of("owner"), "password": "x"}),
    sent("POST", "/api/auth/login", {"email": " Contract-Owner@CONTRACT.example "}),
    sent("POST", "/api/auth/register", {"email": "", "password": 1}),
    sent("POST", "/api/auth/register", {"email": email_of(SPARE), "password": "known"}),
    sent("POST", "/api/auth/register", {"email": f" {email_of(SPARE)} ", "password": "known"}),
    sent("POST", "/api/auth/login", {"email": email_of(SPARE), "password": "guessed"}),
    sent("POST", "/api/auth/register", b"not json"),
    sent("POST", f"/api/workspaces/{OWN}/members", {"email": email_of(ABSENT)}),
    sent("POST", "/api/workspaces", {"name": "real@example.org"}),
]


def shown(request: Request) -> str:
    body = (request.body or b"").decode("utf-8", "backslashreplace")
    return f"{request.method} {request.path} {body} {request.session or ''}".strip()


@pytest.mark.parametrize("request_", BLOCKED, ids=shown)
def test_write_to_what_the_run_did_not_create_is_blocked(
    contract: Contract, request_: Request
) -> None:
    guard = guard_of(contract)
    with pytest.raises(Blocked):
        guard.before(request_)
    assert guard.blocked.total() == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_read_that_changes_state_is_a_write(contract: Contract, method: str) -> None:
    document = json.loads(json.dumps(contract.document))
    document["paths"]["/api/workspaces/{workspace_id}"]["get"]["x-consumes"] = True
    with pytest.raises(Blocked):
        guard_of(Contract(document)).before(sent(method, f"/api/workspaces/{OTHERS}"))


@pytest.mark.parametrize("request_", ALLOWED, ids=shown)
def test_reads_and_writes_to_what_the_run_owns_pass(contract: Contract, request_: Request) -> None:
    guard_of(contract).before(request_)


def test_what_the_run_has_created_is_its_own(contract: Contract) -> None:
    guard = guard_of(contract)
    made = sent("DELETE", "/api/workspaces/just-made")
    with pytest.raises(Blocked):
        guard.before(made)
    guard.after(
        sent("POST", "/api/workspaces", {"name": "New"}),
        Response(201, {}, b'{"id": "just-made"}'),
    )
    guard.before(made)


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 403), ("PUT", 200)], ids=str)
def test_what_was_only_read_or_refused_is_not_its_own(
    contract: Contract, method: str, status: int
) -> None:
    guard = guard_of(contract)
    guard.after(sent(method, "/api/workspaces"), Response(status, {}, b'{"id": "not-made"}'))
    with pytest.raises(Blocked):
        guard.before(sent("DELETE", "/api/workspaces/not-made"))


def test_global_writes_pass_only_where_they_are_allowed(contract: Contract) -> None:
    guard = guard_of(contract, allow_global=True)
    guard.before(sent("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 0}))
    role = sent("PUT", f"/api/admin/users/{OPERATOR.id}/role", {"role": "user"})
    with pytest.raises(Blocked, match="role"):
        guard.before(role)
    guard.administrator = Administrator(OPERATOR.id, OPERATOR.session, own=True)
    guard.own(OPERATOR.id)
    guard.before(role)


def test_a_path_that_was_opened_takes_writes_without_what_belongs_to_others(
    contract: Contract,
) -> None:
    guard = guard_of(contract)
    guard.open_path("/v1/messages")
    guard.before(sent("POST", "/v1/messages", {"model": "any"}))
    for path, body in (("/v1/messages/batches", {}), ("/v1/messages", {"email": "a@b.example"})):
        with pytest.raises(Blocked):
            guard.before(sent("POST", path, body))


@pytest.mark.parametrize(
    "request_", [request for request in ALLOWED if request.method not in ("GET", "HEAD")], ids=shown
)
def test_run_that_only_reads_writes_nothing(contract: Contract, request_: Request) -> None:
    with pytest.raises(Blocked, match="only reads"):
        guard_of(contract, read_only=True).before(request_)


def test_settings_that_others_rely_on_are_only_raised(contract: Contract) -> None:
    guard = guard_of(contract, allow_global=True)
    guard.settings = {"max_idle_timeout": 1800, "ws_max_total_cpu": 0}
    guard.only_raise = True
    written: list[tuple[str, int]] = []
    guard.before_setting = written.extend

    def set_to(body: Any) -> None:
        guard.before(sent("PUT", "/api/admin/quotas/defaults", body))

    set_to({"max_idle_timeout": 1801, "ws_max_total_cpu": 0})
    set_to({"max_idle_timeout": 1800})
    set_to(b'{"broken": ')
    assert ("max_idle_timeout", 1801) in written, "what is set is noted before it is sent"
    lowering: list[Any] = [
        {"max_idle_timeout": 22},
        {"max_idle_timeout": -1},
        {"max_idle_timeout": 0},
        {"max_idle_timeout": "5"},
        {"MAX_IDLE_TIMEOUT": 5},
        {"max_idle_timeout": [5]},
        {"max_idle_timeout": True},
        {"ws_max_total_cpu": 23},
        b'{"max_idle_timeout": 1801, "max_idle_timeout": 5}',
        b'{"max_idle_timeout": 5} and more',
    ]
    for body in lowering:
        with pytest.raises(Blocked, match="lowers"):
            set_to(body)


def test_what_administrators_set_for_single_things_is_noted_with_its_removal(
    contract: Contract,
) -> None:
    guard = guard_of(contract)
    path = f"/api/admin/workspaces/{NO_SUCH}thing/llm-quota"
    guard.after(sent("PUT", path, {"max_rpd": 5}), Response(404, {}))
    assert not guard.removable
    guard.after(sent("PUT", path, {"max_rpd": 5}), Response(204, {}))
    assert guard.removable == {path: "admin_delete_workspace_llm_quota"}
