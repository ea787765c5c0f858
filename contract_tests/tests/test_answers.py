"""Every response is held to the contract: what each check finds, and that right ones pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from answer_middleware import AnswersChanged
from answers import Answer
from faulty import served

from agentserver_contract import cli
from agentserver_contract.contract.document import JSON, Contract
from agentserver_contract.contract.schemas import request_problems
from agentserver_contract.http.messages import Exchange, Request, Response, cookie
from agentserver_contract.results.answers import AnswerChecks
from agentserver_contract.results.findings import Finding

SESSION = "5e" * 32
OTHER_SESSION = "c0ffee00" * 8
KEY = "sk-of-this-test-0123"
WORKSPACE = {
    "id": "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
    "name": "Right",
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}
EVERYWHERE = {"x-request-id": ("3f0f8e9c",), "x-content-type-options": ("nosniff",)}
READ = Request("GET", f"/api/workspaces/{WORKSPACE['id']}", cookie(SESSION))
LOGIN = Request(
    "POST",
    "/api/auth/login",
    {"content-type": JSON},
    json.dumps({"email": "a@example.com", "password": "of this test, and long"}).encode(),
)


def as_json(value: Any, status: int = 200, **headers: str) -> Response:
    given = {name.replace("_", "-"): (text,) for name, text in headers.items()}
    kind = {"content-type": ("application/json",)}
    return Response(status, {**EVERYWHERE, **kind, **given}, json.dumps(value).encode())


def as_text(text: str, status: int, **headers: str) -> Response:
    given = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    kind = {"content-type": ("text/plain; charset=utf-8",)}
    return Response(status, {**EVERYWHERE, **kind, **given}, text.encode())


def without(name: str, response: Response) -> Response:
    return replace(response, headers={k: v for k, v in response.headers.items() if k != name})


def opened(session: str) -> Response:
    set_cookie = f"agentserver-token={session}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"
    return as_json({"status": "ok"}, set_cookie=set_cookie)


RIGHT: Mapping[str, Exchange] = {
    "a workspace": Exchange(READ, as_json(WORKSPACE)),
    "with its length": Exchange(
        READ, as_text("forbidden\n", 403, content_length=str(len("forbidden\n")))
    ),
    "compressed by a proxy": Exchange(
        READ, as_json(WORKSPACE, content_encoding="gzip", content_length="120")
    ),
    "with its charset": Exchange(
        READ,
        replace(
            as_json(WORKSPACE),
            headers={**EVERYWHERE, "content-type": ('application/json; charset="UTF-8"',)},
        ),
    ),
    "with a proxy's cookie": Exchange(READ, as_json(WORKSPACE, set_cookie="route=1")),
    "a session": Exchange(LOGIN, opened(OTHER_SESSION)),
    "nothing": Exchange(replace(READ, method="DELETE"), Response(204, EVERYWHERE)),
    "an unknown path": Exchange(Request("GET", "/api/nothing", {}), as_text("not found\n", 404)),
    "an unknown method": Exchange(
        replace(READ, method="PUT"), as_text("no\n", 405, allow="GET, PATCH, DELETE")
    ),
    "a method that servers answer": Exchange(
        replace(READ, method="OPTIONS"), Response(204, {**EVERYWHERE, "allow": ("GET",)})
    ),
    "no id": Exchange(Request("GET", "/api/workspaces/", {}), as_text("not found\n", 404)),
    "a repeated request id": Exchange(
        replace(READ, headers={"x-request-id": "mine"}),
        as_json(WORKSPACE, x_request_id="mine"),
    ),
    "a request id that cannot be kept": Exchange(
        replace(READ, headers={"x-request-id": "not mine!"}), as_json(WORKSPACE)
    ),
    "a proxy that does not pass on a method": Exchange(
        replace(READ, method="TRACE"),
        Response(405, {"content-type": ("text/html",)}, b"<h1>405 Not Allowed</h1>"),
    ),
    "a full server": Exchange(READ, as_text("too many\n", 503)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_responses_pass(name: str, contract: Contract) -> None:
    assert found_in(contract, RIGHT[name]) == []


WRONG: Mapping[str, tuple[Exchange, str, str, str]] = {
    "an undocumented status": (
        Exchange(READ, as_text("no\n", 404)), "get_workspace", "status", "404"
    ),
    "a refusal in JSON": (
        Exchange(Request("GET", "/api/admin/users", cookie(SESSION)), as_json("no", 403)),
        "admin_list_users", "media-type", JSON,
    ),
    "a field of another type": (
        Exchange(READ, as_json({**WORKSPACE, "name": 5})), "get_workspace", "schema", "type"
    ),
    "no request id": (
        Exchange(READ, without("x-request-id", as_json(WORKSPACE))),
        "get_workspace", "header", "missing",
    ),
    "no nosniff on a 405": (
        Exchange(
            replace(READ, method="PUT"),
            without("x-content-type-options", as_text("no\n", 405, allow="GET, PATCH, DELETE")),
        ),
        "get_workspace", "header", "missing",
    ),
    "no nosniff on an unknown path": (
        Exchange(
            Request("GET", "/api/nothing", {}),
            without("x-content-type-options", as_text("not found\n", 404)),
        ),
        "", "header", "missing",
    ),
    "no Allow": (
        Exchange(replace(READ, method="PUT"), as_text("no\n", 405)),
        "get_workspace", "header", "missing",
    ),
    "a method left out of Allow": (
        Exchange(replace(READ, method="PUT"), as_text("no\n", 405, allow="GET")),
        "get_workspace", "header", "methods",
    ),
    "another request id than was sent": (
        Exchange(replace(READ, headers={"x-request-id": "mine"}), as_json(WORKSPACE)),
        "get_workspace", "header", "repeated",
    ),
    "an error of two lines": (
        Exchange(READ, as_text("no\nnever\n", 403)), "get_workspace", "schema", "pattern"
    ),
    "an error in another charset": (
        Exchange(
            READ,
            replace(as_text("no\n", 403), headers={**EVERYWHERE, "content-type": ("text/plain",)}),
        ),
        "get_workspace", "media-type", "charset None",
    ),
    "an error that is not UTF-8": (
        Exchange(READ, replace(as_text("no\n", 403), body=b"\xff\n")),
        "get_workspace", "schema", "not UTF-8",
    ),
    "a body where there cannot be one": (
        Exchange(replace(READ, method="DELETE"), Response(204, EVERYWHERE, b"{}")),
        "delete_workspace", "length", "no body",
    ),
    "a wrong length": (
        Exchange(READ, as_json(WORKSPACE, content_length="3")), "get_workspace", "length", "length"
    ),
    "a session's cookie where none is documented": (
        Exchange(READ, as_json(WORKSPACE, set_cookie=f"agentserver-token={SESSION}; Path=/")),
        "get_workspace", "header", "undocumented",
    ),
    "an undocumented field": (
        Exchange(READ, as_json({**WORKSPACE, "colour": "red"})),
        "get_workspace", "field", "undocumented",
    ),
    "a field whose name is a secret's": (
        Exchange(READ, as_json({**WORKSPACE, "api_key": "short"})),
        "get_workspace", "secret", "undocumented",
    ),
    "a field whose value is a secret's": (
        Exchange(READ, as_json({**WORKSPACE, "extra": "0f1e2d3c" * 8})),
        "get_workspace", "secret", "undocumented",
    ),
    "a password's hash in a documented field": (
        Exchange(READ, as_json({**WORKSPACE, "name": "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"})),
        "get_workspace", "secret", "a hash of a password, or a private key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_responses_are_found(name: str, contract: Contract) -> None:
    exchange, operation, check, rule = WRONG[name]
    found = found_in(contract, exchange)
    assert [(each.operation, each.check, each.rule) for each in found] == [(operation, check, rule)]
    assert found[0].request == exchange.request
    assert found[0].response == exchange.response


def found_in(contract: Contract, *exchanges: Exchange, closed: bool = True) -> list[Finding]:
    checks = AnswerChecks(contract, closed=closed)
    for exchange in exchanges:
        checks.after(exchange.request, exchange.response)
    return checks.drain()


def test_undocumented_field_is_a_note_where_the_contract_is_open(contract: Contract) -> None:
    checks = AnswerChecks(contract)
    checks.after(READ, as_json({**WORKSPACE, "colour": "red"}))
    assert not checks.drain()
    assert checks.drain_notes() == {"get_workspace 200: $.colour is not documented": 1}
    checks.after(READ, as_json({**WORKSPACE, "session_token": "t"}))
    assert [each.check for each in checks.drain()] == ["secret"]


def test_undocumented_field_of_a_row_is_found_once(contract: Contract) -> None:
    rows = [{**WORKSPACE, "colour": "red"}, WORKSPACE, {**WORKSPACE, "colour": "blue"}]
    listed = Exchange(Request("GET", "/api/workspaces", cookie(SESSION)), as_json(rows))
    assert {each.at for each in found_in(contract, listed)} == {"$[].colour"}


def test_session_in_a_later_body_is_found(contract: Contract) -> None:
    shown = as_json({**WORKSPACE, "name": OTHER_SESSION})
    found = found_in(contract, Exchange(LOGIN, opened(OTHER_SESSION)), Exchange(READ, shown))
    assert [(each.operation, each.rule) for each in found] == [("get_workspace", "a session")]
    assert not found_in(contract, Exchange(READ, shown)), "only a session that was opened is one"


def test_key_that_was_sent_is_found_in_a_later_body(contract: Contract) -> None:
    path = f"{READ.target}/llm-config"
    models = [{"id": "m", "name": "M"}]
    config = {"base_url": "https://models.example.com", "models": models}
    sent = json.dumps({**config, "api_key": KEY}).encode()
    put = Request("PUT", path, {"content-type": JSON}, sent)
    masked = {**config, "configured": True, "api_key": "sk-...0123", "updated_at": None}
    shown = {**masked, "base_url": f"https://models.example.com/?key={KEY}"}
    read = Request("GET", path, cookie(SESSION))
    stored = Exchange(put, as_json({"ok": True}))
    assert not found_in(contract, stored, Exchange(read, as_json(masked)))
    found = found_in(contract, stored, Exchange(read, as_json(shown)))
    assert [(each.operation, each.check) for each in found] == [
        ("get_workspace_llm_config", "secret")
    ]


def test_example_of_the_contract_in_a_later_refusal_is_no_secret(contract: Contract) -> None:
    operation = contract.operations["configure_telegram_channel"]
    assert operation.body is not None
    path = "/api/workspaces/w1/im/telegram/configure"
    (example,) = contract.schemas["IMTelegramConfigureRequest"]["properties"]["bot_token"][
        "examples"
    ]
    requests = [
        Request("POST", path, cookie(SESSION) | {"content-type": JSON}, json.dumps(body).encode())
        for body in ({"bot_token": example}, {"bot_token": "x"})
    ]
    refused = Response(
        400,
        {"content-type": "text/plain; charset=utf-8"},
        f"bot_token: must look like {example}\n".encode(),
    )
    found = found_in(contract, *(Exchange(request, refused) for request in requests))
    assert "secret" not in {each.check for each in found}


@pytest.mark.parametrize(
    ("key", "mask", "is_whole"),
    [
        ("ñandúes", "ñan...dúes", True),
        ("ñandúes", "ña****es", False),
        ("ñandúes", "****", False),
        ("ñandú", "ñandú", True),
        (KEY, "sk-...0123", False),
        (KEY, "", False),
    ],
)
def test_mask_that_hides_nothing_is_found(
    key: str, mask: str, is_whole: bool, contract: Contract
) -> None:
    path = f"{READ.target}/llm-config"
    config = {"base_url": "https://models.example.com", "models": [{"id": "m", "name": "M"}]}
    sent = json.dumps({**config, "api_key": key}).encode()
    put = Exchange(Request("PUT", path, {"content-type": JSON}, sent), as_json({"ok": True}))
    shown = {**config, "configured": True, "api_key": mask, "updated_at": None}
    read = Exchange(Request("GET", path, cookie(SESSION)), as_json(shown))
    assert [each.check for each in found_in(contract, put, read)] == ["secret"] * is_whole


def test_request_id_that_never_changes_is_found(contract: Contract) -> None:
    found = found_in(contract, *[Exchange(READ, as_json(WORKSPACE))] * 5)
    assert [each.rule for each in found] == ["unique"]


def test_one_deviation_is_kept_a_few_times_only(contract: Contract) -> None:
    missing = without("x-request-id", as_json(WORKSPACE))
    assert len(found_in(contract, *[Exchange(READ, missing)] * 100)) == 20


def test_whole_run_finds_a_refusal_in_json_wherever_it_is_received(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    contract: Contract,
) -> None:
    def as_json_refusal(answer: Answer) -> Answer:
        if answer.status != 403:
            return answer
        changed = Answer(answer.status, list(answer.headers), answer.body)
        changed.set_body(b'"forbidden"', JSON)
        return changed

    monkeypatch.setenv("AGENTSERVER_EMAIL", "contract-admin@contract.example")
    monkeypatch.setenv("AGENTSERVER_PASSWORD", "of this test")
    with served(
        tmp_path,
        lambda app: AnswersChanged(app, as_json_refusal, contract, "admin_list_users"),
    ) as url:
        options = cli.parser().parse_args(
            ["run", url, "--layers", "roles", "--operation", "admin_list_users", "--seed", "1"]
        )
        assert options.command(options) == 1
    told = capsys.readouterr().out
    assert "admin_list_users: the body has a documented media type (403: application/json" in told
    assert "--layers roles" in told


def test_nul_counts_in_the_fields_that_the_contract_names_only(contract: Contract) -> None:
    operation = contract.operations["create_workspace"]
    ignored, named = b'{"name": "a", "other": ["\\u0000"]}', b'{"name": "\\u0000"}'
    assert request_problems(contract, operation, ignored, JSON) == []
    assert [each.rule for each in request_problems(contract, operation, named, JSON)] == ["NUL"]


def test_what_is_no_part_of_the_contract_is_held_to_none_of_it(contract: Contract) -> None:
    checks = AnswerChecks(contract)
    for path in ("/api/oauth2/token", "/v1/messages"):
        checks.after(Request("POST", path, {}), as_json({"error": "invalid_request"}, 400))
        checks.after(Request("POST", path, {}), as_json({"error": "overloaded"}, 500))
    assert not checks.drain()


def test_server_that_fails_is_found_where_it_speaks_other_protocols(contract: Contract) -> None:
    checks = AnswerChecks(contract)
    text = {"content-type": ("text/plain; charset=utf-8",)}
    checks.after(Request("POST", "/v1/messages", {}), Response(500, text, b"internal error"))
    (finding,) = checks.drain()
    assert finding.promise == "the status is documented (500: 500 at $)"


def test_what_only_looks_like_a_hash_may_be_shown_to_those_who_sent_it(contract: Contract) -> None:
    checks = AnswerChecks(contract)
    name = "$2b$ \u00e9"
    rename = Request("PATCH", READ.path, READ.headers, json.dumps({"name": f" {name}"}).encode())
    for request in (rename, READ):
        checks.after(request, as_json({**WORKSPACE, "name": name}))
    assert not checks.drain()
    checks.after(READ, as_json({**WORKSPACE, "name": "$2b$12$0123456789abcdef"}))
    assert "secret" in {each.check for each in checks.drain()}
