"""An OpenID provider with the device flow, on a real socket: Authlib's, as the server has it.

Its codes and tokens are those of a server of the test, whose database also says what a person
decides.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from listening import listening
from oauth_provider import form_of, json_of
from people import ReferenceServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentserver_reference.domain.oauth import APPROVED, CLIENT_ID, DENIED
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.storage import device_codes


@attrs.define
class OpenIDProvider:
    """The provider, and what it was asked."""

    server: ReferenceServer
    url: str = ""
    asked: list[dict[str, str]] = attrs.field(factory=list)
    """The forms that came."""
    failing: Response | None = None
    """What it answers to everything, if not None."""
    instead: Response | None = None
    """What it answers to those who ask for tokens, if not None."""
    discovered: dict[str, Any] = attrs.field(factory=dict)
    """What differs in its configuration."""
    tokens: dict[str, Any] = attrs.field(factory=dict)
    """What differs in the answer with tokens."""

    async def configuration(self, _: Request) -> Response:
        """GET /.well-known/openid-configuration."""
        known = {
            "issuer": self.url,
            "device_authorization_endpoint": f"{self.url}/device",
            "token_endpoint": f"{self.url}/token",
        }
        return self.failing or JSONResponse(known | self.discovered)

    async def device(self, request: Request) -> Response:
        """POST /device."""
        form = await form_of(request)
        self.asked.append(form)
        answer = await self.server.context.oauth.authorize_device(form, f"{self.url}/approve")
        return self.failing or json_of(answer)

    async def token(self, request: Request) -> Response:
        """POST /token."""
        form = await form_of(request)
        self.asked.append(form)
        if self.failing or self.instead:
            return self.failing or self.instead
        answer = json_of(await self.server.context.oauth.token(form))
        if self.tokens and answer.status_code == 200:
            return JSONResponse(json.loads(bytes(answer.body)) | self.tokens)
        return answer

    async def decide(self, user_code: str, user_id: str, workspace_id: str) -> None:
        """Let a person approve a login."""
        await self._decide(user_code, APPROVED, user_id, workspace_id)

    async def deny(self, user_code: str, user_id: str) -> None:
        """Let a person deny a login."""
        await self._decide(user_code, DENIED, user_id, None)

    async def _decide(
        self, user_code: str, state: str, user_id: str, workspace_id: str | None
    ) -> None:
        assert await self.server.store.write(
            device_codes.decide,
            token_hash(user_code),
            state,
            user_id=user_id,
            workspace_id=workspace_id,
            now=self.server.clock(),
        )

    def kubeconfig(self, server: str = "https://k8s.example.com:6443") -> str:
        """A kubeconfig whose user signs in here."""
        return f"""
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
users:
  - name: u
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: kubectl
        args:
          - oidc-login
          - get-token
          - --oidc-issuer-url={self.url}
          - --oidc-client-id
          - {CLIENT_ID}
          - --oidc-extra-scope=profile
"""


@asynccontextmanager
async def openid_provider(server: ReferenceServer) -> AsyncIterator[OpenIDProvider]:
    """Start the provider."""
    made = OpenIDProvider(server)
    routes = [
        Route("/.well-known/openid-configuration", made.configuration),
        Route("/device", made.device, methods=["POST"]),
        Route("/token", made.token, methods=["POST"]),
    ]
    async with listening(Starlette(routes=routes)) as running:
        made.url = f"http://{running.address}"
        yield made
