"""The reference server with the known differences of agentserver v0.64.12 around it.

Each is named after its entry in `departures/v0.64.12.toml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from answer_middleware import App
from catalogue import DEPARTURES, find
from faulty import served
from planting import planted
from replacing import everywhere_replaced
from wrapping import Receive, Scope, Seen, Send, as_asgi, seen

from agentserver_reference.contract import Contract, compile_contract, load_document

_CREATE_APP = "agentserver_reference.app.create_app"
_PAGE = b"<!doctype html><title>agentserver</title>"
_TEXT = "text/plain; charset=utf-8"
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_LLM_QUOTA = re.compile(r"/llm-quota$")
_ADMINISTERED = re.compile(r"/api/admin/(users|workspaces)/[^/]+/(role|quota|llm-quota)$")
_MEMBER = re.compile(r"/api/workspaces/[^/]+/members/[^/]+$")
_LENIENT = ("PUT", "POST", "PATCH")

Answer = tuple[int, str, bytes]
"""Status, media type and body."""


@contextmanager
def departing() -> Iterator[None]:
    """Every server that this process makes answers as the release does."""

    def around(create_app: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(create_app)
        def create_departing_app(*args: Any, **kwargs: Any) -> Any:
            app = create_app(*args, **{**kwargs, "contract": _contract_of_the_release()})
            app.add_middleware(Release)
            return app

        return create_departing_app

    with _rules_of_the_release(), everywhere_replaced(_CREATE_APP, around):
        yield


@contextmanager
def _rules_of_the_release() -> Iterator[None]:
    """What is no matter of single requests and answers."""
    members = "agentserver_reference.services.members"
    tokens = "agentserver_reference.storage.codex_tokens"
    with ExitStack() as stack:
        for name, replacement in (
            (f"{tokens}.revoke_of_member", lambda *_: None),  # tokens-outlive-membership
            (f"{members}.check_may_give", lambda *_: None),  # maintainers-make-owners
            (f"{members}.check_owner_stays", lambda *_: None),  # last-owner-goes
            ("agentserver_reference.http.request.MAX_BYTES", 2**40),  # no-limit-of-size
            ("agentserver_reference.services.llm_configs.masked", _masked),  # mask-cuts-bytes
        ):
            stack.enter_context(patch(name, replacement))
        for fault in dict.fromkeys(DEPARTURES.values()):
            stack.enter_context(planted(find(fault)))
        yield


def _masked(key: str) -> str:
    """mask-cuts-bytes."""
    raw = key.encode()
    if len(raw) <= 8:
        return "****"
    return f"{raw[:3].decode(errors='replace')}...{raw[-4:].decode(errors='replace')}"


def _contract_of_the_release() -> Contract:
    """limits-out-of-bounds, llm-base-url, guests-change-sandboxes, agents-and-tasks-for-anybody,
    task-limits-unchecked, reports-out-of-bounds."""
    document = load_document()
    _loosen(document["components"]["schemas"])
    for path, methods in document["paths"].items():
        if path.startswith("/api/sandboxes/{sandbox_id}"):
            for operation in methods.values():
                if isinstance(operation, dict) and operation.get("x-required-role") == "developer":
                    operation["x-required-role"] = "guest"
        for operation in methods.values():
            if isinstance(operation, dict) and operation.get("operationId") in _FOR_ANYBODY:
                operation["x-required-role"] = "user"
    return compile_contract(document)


_FOR_ANYBODY = (
    *("list_workspace_agents", "get_agent_card", "create_workspace_task", "list_workspace_tasks"),
    *("get_task", "cancel_task"),
)


def _loosen(value: Any) -> None:
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if isinstance(inner, dict):
            for keyword in _LOOSE.get(name, ()):
                inner.pop(keyword, None)
        _loosen(inner)


_LOOSE = {
    "max_drive_size": ("minimum", "maximum"),
    "max_workspace_drive_size": ("minimum", "maximum"),
    "base_url": ("pattern", "format"),
    "max_turns": ("minimum", "maximum"),
    "max_budget_usd": ("minimum", "maximum"),
    "timeout_seconds": ("minimum",),
    "num_turns": ("minimum",),
    "total_cost_usd": ("minimum",),
}


@contextmanager
def release(folder: Path, fault: Callable[[App], App] = lambda app: app) -> Iterator[str]:
    """The URL of a server that answers as the release does.

    Args:
        folder: Where its database is.
        fault: Breaks something more.
    """
    with (
        _rules_of_the_release(),
        served(folder, lambda app: fault(Release(app)), _contract_of_the_release()) as url,
    ):
        yield url


class Release:
    """The application around the reference server's."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as the release would."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = await seen(scope, receive)
        known = _refused_at_once(sent)
        status, headers, body = 0, list[tuple[bytes, bytes]](), b""
        if known is None:

            async def keep(message: Any) -> None:
                nonlocal status, headers, body
                if message["type"] == "http.response.start":
                    status, headers = message["status"], list(message["headers"])
                else:
                    body += message.get("body", b"")

            for part in _written_before(sent):
                await self._app(*as_asgi(scope, part, receive), _drop)
            await self._app(*as_asgi(*_as_reference(scope, sent), receive), keep)
            media = dict(headers).get(b"content-type", b"").decode()
            known = _as_release(sent, status, media, body)
        if known is not None:
            status, media, body = known
            headers = [(b"content-type", media.encode()), _NOSNIFF] if media else []
        await send(
            {"type": "http.response.start", "status": status, "headers": _plain(status, headers)}
        )
        await send({"type": "http.response.body", "body": body})


async def _drop(message: Any) -> None:
    """Nobody is answered."""


_DEFAULTS = "/api/admin/quotas/defaults"
_TOKENS = "/api/codex/tokens"
_CARDS = "/api/agent/discovery/cards"
_MAILBOX = "/api/agent/mailbox/send"
_TASKS = re.compile(r"/api/(workspaces/[^/]+|agent)/tasks$")
_REPORTS = re.compile(r"/api/agent/tasks/[^/]+/status$")
_LARGEST = "1.7976931348623157e308"


def _written_before(sent: Seen) -> Iterator[Seen]:
    """settings-half-written: each setting that comes before an invalid one."""
    if sent.method != "PUT" or sent.path != _DEFAULTS:
        return
    for name, value in _object(sent.body).items():
        if type(value) is not int or not 0 <= value < 2**31:
            return
        yield replace(sent, body=json.dumps({name: value}).encode())


def _plain(status: int, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """no-request-id, no-nosniff, and an `Allow` for each method, without HEAD."""
    kept: list[tuple[bytes, bytes]] = []
    is_text = dict(headers).get(b"content-type", b"").startswith(b"text/plain")
    for name, value in headers:
        if name in (b"x-request-id", b"content-length"):
            continue
        if name == _NOSNIFF[0] and not (status >= 400 and is_text):
            continue
        if name == b"allow":
            methods = [each.strip() for each in value.split(b",")]
            kept += [(name, method) for method in methods if method != b"HEAD"]
        else:
            kept.append((name, value))
    return kept


def _refused_at_once(sent: Seen) -> Answer | None:
    """head-unsupported, turns-elsewhere, register-fails, email-of-any-form."""
    if sent.method == "HEAD" or (sent.path == "/api/turns" and sent.method == "POST"):
        return 405, "", b""  # the second: turns-elsewhere
    if sent.path == "/api/auth/register" and sent.method == "POST":
        return _registered_at_once(_object(sent.body))
    return None


def _names_agent_with_nul(sent: Seen) -> bool:
    """agent-of-a-nul."""
    named = "to" if sent.path == _MAILBOX else "target_id" if _TASKS.search(sent.path) else ""
    return "\0" in str(_object(sent.body).get(named, ""))


def _has_half_a_pair(sent: Seen) -> bool:
    """surrogate-in-card."""
    card = _object(sent.body).get("card") if sent.path == _CARDS else None
    return re.search("[\ud800-\udfff]", json.dumps(card, ensure_ascii=False)) is not None


def _registered_at_once(body: dict[str, Any]) -> Answer | None:
    email, password = body.get("email"), body.get("password")
    if not isinstance(email, str) or not isinstance(password, str) or not password:
        return None
    if len(password.encode("utf-8", "replace")) > 72:
        return 500, _TEXT, b"failed to create user\n"
    if re.fullmatch(r"[^@]+@[^@]+", email.strip()):
        return None
    return 201, "application/json", json.dumps({"id": str(uuid4()), "email": email}).encode()


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _as_reference(scope: Scope, sent: Seen) -> tuple[Scope, Seen]:
    """The request that the reference server reads as the release would read this one."""
    if not sent.path.startswith("/api/") or sent.path.startswith("/api/oauth2/"):  # forms, as such
        return scope, sent
    headers = [
        (name, b"application/json" if name == b"content-type" else value)  # content-type-ignored
        for name, value in scope["headers"]
        if name != b"content-encoding"
        and not (name == b"cookie" and sent.path == "/api/auth/logout")  # session-outlives-logout
    ]
    body = sent.body
    if sent.method in _LENIENT and body and not _has_half_a_pair(sent):
        body = _lenient(_DECIMAL.sub(rb"\g<1>0.5", body))  # decimal-integers
    if sent.method == "POST" and sent.path == "/api/workspaces":
        body = _with_name(body)
    if sent.method == "POST" and sent.path == _TOKENS:
        body = _without_zero(body)
    if sent.method == "POST" and _TASKS.search(sent.path):
        body = _with_default_time(body)
    if sent.path == _CARDS or _REPORTS.search(sent.path):  # numbers-of-any-size
        body = re.sub(rb"(?<![\w\"])Infinity(?![\w\"])", _LARGEST.encode(), body)
    return {**scope, "headers": headers}, Seen(sent.method, sent.path, sent.headers, body)


_DECIMAL = re.compile(rb'("(?:ws_)?max_(?!budget)\w+":\s*)-?\d+(?:\.0+|[eE]\+?\d+)(?=\s*[,}])')
"""An integer written as a decimal, and its name: the reference server refuses 0.5 in its place."""


def _lenient(body: bytes) -> bytes:
    """trailing-text, keys-in-any-case, null-is-absent, lone-surrogate-replaced."""
    try:
        text = body.decode("utf-8", "replace")
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return body
    if value is None:
        value = {}
    if not isinstance(value, dict):
        return body
    folded = {
        name.lower(): each
        for name, each in value.items()
        if each is not None or name.lower() in ("card", "result")  # where null is a value
    }
    if folded.get("api_key") == "":  # llm-empty-key
        del folded["api_key"]
    written = json.dumps(folded, ensure_ascii=False)
    return "".join(map(_whole, written)).encode()


def _whole(letter: str) -> str:
    """A letter, or what stands for half of one."""
    return "\N{REPLACEMENT CHARACTER}" if "\ud800" <= letter <= "\udfff" else letter


def _without_zero(body: bytes) -> bytes:
    """token-days-zero."""
    value = _object(body)
    if value.get("ttl_days") == 0 and value["ttl_days"] is not False:
        del value["ttl_days"]
        return json.dumps(value).encode()
    return body


def _with_default_time(body: bytes) -> bytes:
    """task-limits-unchecked: 300 seconds in place of zero or less."""
    value = _object(body)
    seconds = value.get("timeout_seconds")
    if type(seconds) is int and seconds <= 0:
        return json.dumps({**value, "timeout_seconds": 300}).encode()
    return body


def _with_name(body: bytes) -> bytes:
    """workspace-name-invented."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        value = {}
    value = value if isinstance(value, dict) else {}
    if not isinstance(value.get("name"), str) or not value["name"]:
        value["name"] = "New Workspace"
    return json.dumps(value).encode()


def _not_refused(sent: Seen, body: bytes) -> Answer | None:
    """What the release answers where the reference server answers 400; None for the same."""
    if _names_agent_with_nul(sent):
        return 404, _TEXT, b"target agent not found\n"
    if _has_session(sent) and sent.method in _LENIENT and b"\\u0000" in sent.body:  # nul-stored
        return 500, _TEXT, b"internal error\n"
    if _has_half_a_pair(sent) or _REQUESTER_UNKNOWN.match(body):
        return 500, _TEXT, b"internal error\n"
    if _REPORTS.search(sent.path) and b"\\u0000" in sent.body:  # report-lost
        return 200, "", b""
    if sent.path == "/api/auth/login" and _object(sent.body):  # login-checks-nothing
        return 401, _TEXT, b"invalid credentials\n"
    if sent.path == _TOKENS and sent.method == "POST":  # token-fields-422
        named = re.match(rb"(workspace_id|name): (is required|must have at least)", body)
        return (422, _TEXT, b"workspace_id and name are required\n") if named else None
    return None


_REQUESTER_UNKNOWN = re.compile(rb"requester_id: must be (the caller's own|a) sandbox")


_IMPOSSIBLE = re.compile("%(00|25|[01][0-9a-fA-F]|7[fF])")


def _has_session(sent: Seen) -> bool:
    return "agentserver-token=" in sent.headers.get("cookie", "")


def _as_release(sent: Seen, status: int, media: str, body: bytes) -> Answer | None:
    """What the release answers where the reference server answers this; None for the same."""
    if status in (400, 403, 404) and _has_session(sent) and _IMPOSSIBLE.search(sent.path):
        return 500, _TEXT, b"internal error\n"  # impossible-id
    if status == 400 and (known := _not_refused(sent, body)):
        return known
    if sent.path.endswith("/members") and sent.method == "POST" and status == 409:  # member-twice
        return 500, _TEXT, b"failed to add member\n"
    if sent.path.endswith("/executors") and status == 409:  # executor-name-taken
        return 502, _TEXT, b"bind: status=409\n"
    if _MEMBER.search(sent.path) and sent.method == "PUT" and status == 404:  # roles-changed
        return 204, "", b""
    if _ADMINISTERED.search(sent.path) and status == 404:  # administered-but-unknown
        return _administered(sent)
    if _LLM_QUOTA.search(sent.path) and status == 400:  # llm-quota-labelled-json
        return status, "application/json", body
    if sent.path.endswith("/traces") and status == 400:  # trace-query-passed-on
        return (status, "application/json", body) if "/sandboxes/" in sent.path else None
    if sent.path.endswith(("/traces", "/usage")) and status == 200:  # empty-lists-null
        return status, media, re.sub(rb'"(usage|traces)":\[\]', rb'"\1":null', body)
    if "/sandboxes" in sent.path and media == "application/json" and status in (200, 201):
        return status, media, _with_addresses(sent, body)  # session-in-web-addresses
    if sent.method == "GET" and status == 405:  # page-for-unknown-get
        return 200, "text/html; charset=utf-8", _PAGE
    return None


def _with_addresses(sent: Seen, body: bytes) -> bytes:
    shown = json.loads(body)
    session = sent.headers.get("cookie", "").partition("agentserver-token=")[2].partition(";")[0]
    for row in shown if isinstance(shown, list) else [shown]:
        if "short_id" in row:
            address = f"https://code-{row['short_id']}.example.com/auth?token={session}"
            row["opencode_url"] = address
    return json.dumps(shown).encode()


def _administered(sent: Seen) -> Answer:
    if sent.method != "GET":
        if sent.method == "PUT" and sent.path.endswith("/quota"):  # quota-of-unknown
            return 500, _TEXT, b"violates foreign key constraint\n"
        return 204, "application/json" if _LLM_QUOTA.search(sent.path) else "", b""
    if _LLM_QUOTA.search(sent.path):
        shown: Any = {"default_max_rpd": 0, "today_request_count": 0, "workspace_quota": None}
    elif sent.path.startswith("/api/admin/users"):
        shown = {"defaults": {"max_workspaces_per_user": 10}, "overrides": None}
    else:
        names = ("max_sandboxes", "max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout")
        totals = ("max_total_cpu", "max_total_memory", "max_drive_size")
        shown = {"defaults": dict.fromkeys((*names, *totals), 0), "overrides": None}
    return 200, "application/json", json.dumps(shown).encode()
