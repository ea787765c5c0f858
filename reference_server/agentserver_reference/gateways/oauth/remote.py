"""Ory Hydra as the OAuth provider, or another one with its interface."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.domain.oauth import Claims, scopes_of
from agentserver_reference.domain.sessions import COOKIE_NAME
from agentserver_reference.gateways.failures import OutsideError
from agentserver_reference.gateways.oauth.protocol import (
    Answer,
    ConsentRequest,
    Form,
    LoginRequest,
    Page,
)
from agentserver_reference.gateways.outside import Outside
from agentserver_reference.replies import Headers, end_to_end

_REQUESTS = "/admin/oauth2/auth/requests"
_REFUSALS = frozenset({400, 401, 403, 429})
_CODE = re.compile(r"[a-z_]{1,64}")
_DROPPED = frozenset({"host", "content-length", "accept-encoding", "authorization", "cookie"})
_OF_A_PAGE = frozenset({"content-type", "location", "set-cookie", "cache-control"})

T = TypeVar("T")


class _Introspection(msgspec.Struct):
    active: bool
    sub: str = ""
    scope: str = ""
    ext: dict[str, Any] | None = None


class _Login(msgspec.Struct):
    subject: str = ""
    skip: bool = False


class _Consent(msgspec.Struct):
    subject: str = ""
    requested_scope: list[str] | None = None


class _Onward(msgspec.Struct):
    redirect_to: str


class _Refusal(msgspec.Struct):
    error: str


class RemoteOAuth:
    """Calls the provider's admin API and its public API.

    The text of its errors is not passed on, because it may contain secrets.
    """

    def __init__(
        self,
        admin_url: str,
        public_url: str,
    ) -> None:
        self._admin_url = admin_url.rstrip("/")
        self._public_url = public_url.rstrip("/")
        self._outside = Outside(private_allowed=True)

    async def authorize_device(self, form: Form, verification_uri: str) -> Answer:
        """See OAuth. The provider has a page of its own."""
        return await self._public("/oauth2/device/auth", form)

    async def token(self, form: Form) -> Answer:
        """See OAuth."""
        return await self._public("/oauth2/token", form)

    async def revoke(self, form: Form) -> Answer:
        """See OAuth."""
        return await self._public("/oauth2/revoke", form)

    async def introspect(self, token: str) -> Claims | None:
        """See OAuth."""
        url = f"{self._admin_url}/admin/oauth2/introspect"
        status, body = await self._request("POST", url, data={"token": token})
        found = _decoded(status, body, _Introspection)
        if not found.active:
            return None
        workspace_id = (found.ext or {}).get("workspace_id")
        known = isinstance(workspace_id, str) and workspace_id
        return Claims(
            found.sub, frozenset(scopes_of(found.scope)), str(workspace_id) if known else None
        )

    async def login_request(self, challenge: str) -> LoginRequest:
        """See ConsentProvider."""
        found = await self._ask("login", challenge, _Login)
        return LoginRequest(found.subject, found.skip)

    async def accept_login(self, challenge: str, subject: str) -> str:
        """See ConsentProvider."""
        return await self._say("login/accept", challenge, {"subject": subject, "remember": True})

    async def consent_request(self, challenge: str) -> ConsentRequest:
        """See ConsentProvider."""
        found = await self._ask("consent", challenge, _Consent)
        return ConsentRequest(found.subject, found.requested_scope or [])

    async def accept_consent(
        self, challenge: str, scopes: list[str], workspace_id: str, role: str
    ) -> str:
        """See ConsentProvider."""
        session = {
            "access_token": {"workspace_id": workspace_id, "workspace_role": role},
            "id_token": {"workspace_id": workspace_id},
        }
        body = {"grant_scope": scopes, "session": session}
        return await self._say("consent/accept", challenge, body)

    async def reject_consent(self, challenge: str) -> str:
        """See ConsentProvider."""
        body = {"error": "access_denied", "error_description": "The request was denied."}
        return await self._say("consent/reject", challenge, body)

    async def accept_device(self, challenge: str, user_code: str) -> str:
        """See ConsentProvider."""
        return await self._say("device/accept", challenge, {"user_code": user_code})

    async def verify_device(self, method: str, query: str, headers: Headers, body: bytes) -> Page:
        """See ConsentProvider. Our own session is none of the provider's business."""
        sent = [(name, value) for name, value in end_to_end(headers) if name not in _DROPPED]
        cookies = [
            pair.strip()
            for name, value in headers
            if name == "cookie"
            for pair in value.split(";")
            if pair.strip().partition("=")[0] != COOKIE_NAME
        ]
        if cookies:
            sent.append(("cookie", "; ".join(cookies)))
        url = f"{self._public_url}/oauth2/device/verify" + (f"?{query}" if query else "")
        response, content = await self._exchange(method, url, headers=sent, content=body or None)
        return Page(
            response.status_code,
            content,
            tuple(
                (name, value)
                for name, value in response.headers.multi_items()
                if name in _OF_A_PAGE
            ),
        )

    async def close(self) -> None:
        """See OAuth."""
        await self._outside.close()

    async def _public(self, path: str, form: Form) -> Answer:
        status, body = await self._request("POST", self._public_url + path, data=dict(form))
        if status == httpx.codes.OK:
            content = _decoded(status, body, dict[str, Any]) if body else {}
            return Answer(status, msgspec.json.encode(content))
        if status in _REFUSALS:
            code = _decoded(httpx.codes.OK, body, _Refusal).error
            if _CODE.fullmatch(code):
                return Answer(status, msgspec.json.encode({"error": code}))
        raise _unavailable()

    async def _ask(self, kind: str, challenge: str, form: type[T]) -> T:
        url = f"{self._admin_url}{_REQUESTS}/{kind}"
        query = {f"{kind}_challenge": challenge}
        return _decoded(*await self._request("GET", url, params=query), form)

    async def _say(self, path: str, challenge: str, body: Mapping[str, Any]) -> str:
        url = f"{self._admin_url}{_REQUESTS}/{path}"
        query = {f"{path.partition('/')[0]}_challenge": challenge}
        answer = await self._request("PUT", url, params=query, json=body)
        onward = _decoded(*answer, _Onward).redirect_to
        try:
            parts = urlsplit(onward)
        except ValueError:
            raise _unavailable() from None
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise _unavailable()
        return onward

    async def _request(self, method: str, url: str, **content: Any) -> tuple[int, bytes]:
        response, body = await self._exchange(method, url, **content)
        return response.status_code, body

    async def _exchange(
        self, method: str, url: str, **content: Any
    ) -> tuple[httpx.Response, bytes]:
        try:
            return await self._outside.exchange(method, url, **content)
        except OutsideError:
            raise _unavailable() from None


def _decoded(status: int, body: bytes, form: type[T]) -> T:
    if status != httpx.codes.OK:
        raise _unavailable()
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, RecursionError):
        raise _unavailable() from None


def _unavailable() -> BadGateway:
    return BadGateway("OAuth provider unavailable")
