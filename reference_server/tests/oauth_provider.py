"""A stand-in for Ory Hydra, on a real socket: its public API, its admin API, and its redirects.

Codes and tokens are those of the embedded provider, on the same database; what is its own is how it
asks a server who a person is and what they permit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote_plus, urlencode

import attrs
from listening import listening
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from agentserver_reference.domain.oauth import APPROVED, DENIED, scopes_of
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.gateways.oauth.embedded import EmbeddedOAuth
from agentserver_reference.gateways.oauth.protocol import Answer
from agentserver_reference.storage import Store, device_codes

_ADMIN = "/admin/oauth2/auth/requests"


@attrs.define
class Provider:
    """The stand-in, and what it was asked."""

    url: str = ""
    server: str = ""
    """Where the server is, to which it sends browsers."""
    store: Store | None = None
    oauth: EmbeddedOAuth | None = None
    asked: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    logged_in: str = ""
    """The account that it knows already."""
    cookies: list[str] = attrs.field(factory=list)
    failing: Response | None = None
    """What it answers to everything, if not None."""
    _code: str = ""
    _subject: str = ""

    async def start(self, request: Request) -> Response:
        """POST /oauth2/device/auth."""
        assert self.oauth is not None
        return json_of(
            await self.oauth.authorize_device(await form_of(request), f"{self.url}/verify")
        )

    async def token(self, request: Request) -> Response:
        """POST /oauth2/token."""
        assert self.oauth is not None
        return json_of(await self.oauth.token(await form_of(request)))

    async def revoke(self, request: Request) -> Response:
        """POST /oauth2/revoke."""
        assert self.oauth is not None
        return json_of(await self.oauth.revoke(await form_of(request)))

    async def introspect(self, request: Request) -> Response:
        """POST /admin/oauth2/introspect."""
        assert self.oauth is not None
        claims = await self.oauth.introspect((await form_of(request))["token"])
        if claims is None:
            return JSONResponse({"active": False})
        return JSONResponse(
            {
                "active": True,
                "sub": claims.user_id,
                "scope": " ".join(sorted(claims.scopes)),
                "client_id": "agentserver-agent-cli",
                "ext": {"workspace_id": claims.workspace_id},
            }
        )

    async def verify(self, request: Request) -> Response:
        """GET /oauth2/device/verify: on to the page of the server."""
        self.cookies += request.headers.getlist("cookie")
        query = {"device_challenge": "d & #1", **request.query_params}
        response = RedirectResponse(f"{self.server}/oauth2/device?{urlencode(query)}")
        response.set_cookie("provider-csrf", "kept")
        return response

    async def to_login(self, request: Request) -> Response:
        """GET /login."""
        query = urlencode({"login_challenge": "l & #1"})
        return RedirectResponse(f"{self.server}/api/oauth2/login?{query}")

    async def to_consent(self, request: Request) -> Response:
        """GET /consent."""
        query = urlencode({"consent_challenge": "c & #1"})
        return RedirectResponse(f"{self.server}/api/oauth2/consent?{query}")

    async def done(self, request: Request) -> Response:
        """GET /done."""
        return PlainTextResponse("done")

    async def admin(self, request: Request) -> Response:
        """The requests of the admin API."""
        kind = request.path_params["path"]
        name = kind.partition("/")[0]
        assert request.query_params[f"{name}_challenge"] == f"{name[0]} & #1"
        body = await request.json() if request.method == "PUT" else {}
        self.asked.append((kind, body))
        return JSONResponse(await self._answers[kind](body))

    @property
    def _answers(self) -> dict[str, Callable[[Any], Awaitable[Any]]]:
        return {
            "device/accept": self._accept_device,
            "login": self._login,
            "login/accept": self._accept_login,
            "consent": self._consent,
            "consent/accept": self._accept_consent,
            "consent/reject": self._reject_consent,
        }

    async def _accept_device(self, body: Any) -> Any:
        self._code = body["user_code"]
        return {"redirect_to": f"{self.url}/login"}

    async def _login(self, _: Any) -> Any:
        return {"skip": bool(self.logged_in), "subject": self.logged_in}

    async def _accept_login(self, body: Any) -> Any:
        self._subject = body["subject"]
        return {"redirect_to": f"{self.url}/consent"}

    async def _consent(self, _: Any) -> Any:
        assert self.store is not None
        row = await self.store.read(device_codes.find_by_user_code, token_hash(self._code))
        assert row is not None
        return {"subject": self._subject, "requested_scope": scopes_of(row["scope"])}

    async def _accept_consent(self, body: Any) -> Any:
        await self._decide(APPROVED, body["session"]["access_token"]["workspace_id"])
        return {"redirect_to": f"{self.url}/done"}

    async def _reject_consent(self, _: Any) -> Any:
        await self._decide(DENIED, None)
        return {"redirect_to": f"{self.url}/done"}

    async def _decide(self, state: str, workspace_id: str | None) -> None:
        assert self.store is not None
        assert self.oauth is not None
        hashed, now = token_hash(self._code), self.oauth._clock()
        await self.store.write(
            device_codes.decide,
            hashed,
            state,
            user_id=self._subject,
            workspace_id=workspace_id,
            now=now,
        )


def json_of(answer: Answer) -> Response:
    """The answer of the embedded provider, as sent."""
    return Response(answer.body, answer.status, media_type="application/json")


async def form_of(request: Request) -> dict[str, str]:
    """The form that came, without a credential of its sender."""
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in request.headers
    pairs = (pair.partition("=") for pair in (await request.body()).decode().split("&"))
    return {name: unquote_plus(value) for name, _, value in pairs}


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Start the stand-in; store, embedded provider and server are set afterwards."""
    made = Provider()

    def failing_first(answer: Callable[[Request], Awaitable[Response]]) -> Any:
        async def respond(request: Request) -> Response:
            return made.failing or await answer(request)

        return respond

    routes = [
        Route("/oauth2/device/auth", failing_first(made.start), methods=["POST"]),
        Route("/oauth2/token", failing_first(made.token), methods=["POST"]),
        Route("/oauth2/revoke", failing_first(made.revoke), methods=["POST"]),
        Route("/admin/oauth2/introspect", failing_first(made.introspect), methods=["POST"]),
        Route("/oauth2/device/verify", failing_first(made.verify), methods=["GET", "POST"]),
        Route("/login", made.to_login),
        Route("/consent", made.to_consent),
        Route("/done", made.done),
        Route(f"{_ADMIN}/{{path:path}}", failing_first(made.admin), methods=["GET", "PUT"]),
    ]
    async with listening(Starlette(routes=routes)) as running:
        made.url = f"http://{running.address}"
        yield made
