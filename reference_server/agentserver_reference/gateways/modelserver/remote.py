"""A model server at the operator's addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import attrs
import httpx

from agentserver_reference.domain.modelserver import Project, Tokens
from agentserver_reference.gateways.failures import OutsideError
from agentserver_reference.gateways.models import Models
from agentserver_reference.gateways.models.protocol import Model
from agentserver_reference.gateways.modelserver.answers import (
    read_models,
    read_project,
    read_tokens,
    unavailable,
)
from agentserver_reference.gateways.modelserver.authorization_request import authorization_url
from agentserver_reference.gateways.outside import Outside


@attrs.frozen
class Addresses:
    """Where the model server is, and who we are there."""

    authorization: str
    token: str
    introspection: str
    models: str | None
    """Where its models are called; None where only the connection is made."""
    client_id: str
    client_secret: str | None = attrs.field(repr=False)


class RemoteModelServer:
    """Calls the model server. The text of its errors is not passed on: it may contain secrets."""

    def __init__(
        self,
        addresses: Addresses,
        models: Models,
        clock: Callable[[], datetime],
    ) -> None:
        self._addresses = addresses
        self._models = models
        self._clock = clock
        self._outside = Outside(private_allowed=True)

    @property
    def has_models(self) -> bool:
        """See ModelServer."""
        return self._addresses.models is not None

    def page(self, server: str, redirect_uri: str, state: str, verifier: str) -> str:
        """See ModelServer."""
        at = self._addresses
        return authorization_url(at.authorization, at.client_id, redirect_uri, state, verifier)

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """See ModelServer."""
        return await self._token(
            {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier},
            grant="authorization_code",
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        """See ModelServer."""
        return await self._token({"refresh_token": refresh_token}, grant="refresh_token")

    async def introspect(self, access_token: str) -> Project:
        """See ModelServer."""
        form = {"token": access_token}
        return read_project(await self._ask("POST", self._addresses.introspection, form=form))

    async def models(self, access_token: str) -> list[dict[str, str]]:
        """See ModelServer."""
        if self._addresses.models is None:
            return []
        url = f"{self._addresses.models.removesuffix('/v1')}/v1/models"
        return read_models(
            await self._ask("GET", url, headers={"authorization": f"Bearer {access_token}"})
        )

    def model(self, access_token: str) -> Model:
        """See ModelServer."""
        if self._addresses.models is None:
            raise unavailable()
        return self._models.with_bearer(self._addresses.models, access_token)

    async def close(self) -> None:
        """See ModelServer."""
        await self._outside.close()

    async def _token(self, form: Mapping[str, str], *, grant: str) -> Tokens:
        at = self._addresses
        secret = {"client_secret": at.client_secret} if at.client_secret else {}
        sent = {"grant_type": grant, **form, "client_id": at.client_id, **secret}
        now = self._clock()
        body = await self._ask("POST", at.token, form=sent)
        return read_tokens(body, refresh=form.get("refresh_token", ""), now=now)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        try:
            status, body = await self._outside.send(method, url, data=form, headers=headers)
        except OutsideError:
            raise unavailable() from None
        if status != httpx.codes.OK:
            raise unavailable()
        return body
