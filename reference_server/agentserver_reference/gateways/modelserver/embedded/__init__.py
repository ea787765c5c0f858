"""The built-in model server, for development: it permits everything, and has the built-in model."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from agentserver_reference.domain.cipher import Cipher
from agentserver_reference.domain.modelserver import Project, Tokens
from agentserver_reference.gateways.models import Models
from agentserver_reference.gateways.models.protocol import Model
from agentserver_reference.gateways.modelserver.answers import (
    read_models,
    read_project,
    read_tokens,
    unavailable,
)
from agentserver_reference.gateways.modelserver.authorization_request import authorization_url
from agentserver_reference.gateways.modelserver.embedded.issuer import (
    CLIENT_ID,
    Answer,
    Form,
    Issuer,
)

PAGE = "/modelserver/authorize"
"""Where its page is, on this server."""


class BuiltInModelServer:
    """Asks the issuer of the same process, with the forms that a model server elsewhere takes."""

    def __init__(
        self,
        models: Models,
        cipher: Cipher,
        clock: Callable[[], datetime],
        tokens: Callable[[], str],
    ) -> None:
        self.issuer = Issuer(cipher, clock, tokens)
        self._models = models
        self._clock = clock

    has_models = True

    def page(self, server: str, redirect_uri: str, state: str, verifier: str) -> str:
        """See ModelServer."""
        return authorization_url(f"{server}{PAGE}", CLIENT_ID, redirect_uri, state, verifier)

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """See ModelServer."""
        return self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            }
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        """See ModelServer."""
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def introspect(self, access_token: str) -> Project:
        """See ModelServer."""
        return read_project(json.dumps(self.issuer.introspect(access_token)).encode())

    async def models(self, access_token: str) -> list[dict[str, str]]:
        """See ModelServer."""
        return read_models(json.dumps(self.issuer.models()).encode())

    def model(self, access_token: str) -> Model:
        """See ModelServer."""
        if not self.issuer.is_active(access_token):
            raise unavailable()
        return self._models.built_in

    async def close(self) -> None:
        """See ModelServer. There is no connection."""

    def _token(self, form: Form) -> Tokens:
        now = self._clock()
        answer: Answer = self.issuer.token({**form, "client_id": CLIENT_ID})
        if answer.status != 200:
            raise unavailable()
        return read_tokens(answer.body, refresh=form.get("refresh_token", ""), now=now)
