"""OpenID providers: discovery, logins with a device code, and the refresh of tokens.

The client is public, as those of command lines are: it has no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import attrs
import httpx
import msgspec

from agentserver_reference.domain.addresses import checked_address
from agentserver_reference.domain.errors import BadGateway, BadRequest
from agentserver_reference.domain.kubeconfig import ISSUER_SCHEMES
from agentserver_reference.gateways.failures import NotUnderstood, OutsideError, Unreachable
from agentserver_reference.gateways.outside import Outside, decoded

_DISCOVERY = "/.well-known/openid-configuration"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL, _LIFETIME = 5, 900
"""Seconds, where a provider does not say how often it may be asked, and for how long."""
_LONGEST = 24 * 3600


class _Discovered(msgspec.Struct):
    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str = ""


class _Code(msgspec.Struct):
    device_code: str
    user_code: str
    verification_uri: str = ""
    verification_url: str = ""
    expires_in: int = _LIFETIME
    interval: int = _INTERVAL


class _Tokens(msgspec.Struct):
    access_token: str = ""
    id_token: str = ""
    refresh_token: str = ""
    expires_in: int | None = None


class _Refusal(msgspec.Struct):
    error: str


@attrs.frozen
class DeviceLogin:
    """A login that has begun."""

    verification_uri: str
    user_code: str
    expires_in: int
    interval: int
    token_endpoint: str
    device_code: str = attrs.field(repr=False)


@attrs.frozen
class Tokens:
    """What a provider gave. What proves to a cluster who one is, is the id token."""

    access_token: str = attrs.field(repr=False)
    id_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    expires_in: int | None = None


@attrs.frozen
class StillPending:
    """No decision was made yet; `slower` if the provider wants to be asked less often."""

    slower: bool = False


class Refused(Exception):
    """The provider refuses for good: a person did, or what was sent is no longer valid."""


class RemoteProviders:
    """Calls OpenID providers. What they say of errors is never passed on."""

    def __init__(self, *, private_allowed: bool) -> None:
        self._private_allowed = private_allowed
        self._outside = Outside(private_allowed=private_allowed)

    async def begin(self, issuer: str, client_id: str, scopes: list[str]) -> DeviceLogin:
        """Begin a login with a device code. Raises BadGateway."""
        try:
            found = await self._discover(issuer)
            endpoint = self._checked(found.device_authorization_endpoint)
            data = {"client_id": client_id, "scope": " ".join(scopes)}
            code = await self._outside.ask("POST", endpoint, _Code, data=data)
            token_endpoint = self._checked(found.token_endpoint)
        except OutsideError as error:
            raise failed(error) from None
        uri = code.verification_uri or code.verification_url
        if not uri.startswith(("https://", "http://")) or not code.user_code or len(uri) > 2048:
            raise failed(NotUnderstood())
        return DeviceLogin(
            verification_uri=uri,
            user_code=code.user_code[:255],
            expires_in=min(code.expires_in, _LONGEST) if code.expires_in > 0 else _LIFETIME,
            interval=min(code.interval, _LIFETIME) if code.interval > 0 else _INTERVAL,
            token_endpoint=token_endpoint,
            device_code=code.device_code,
        )

    async def poll(
        self, token_endpoint: str, client_id: str, device_code: str
    ) -> Tokens | StillPending:
        """Ask whether a login is approved.

        Raises:
            Refused: it never will be.
            OutsideError: it is not known.
        """
        form = {"grant_type": _DEVICE_GRANT, "device_code": device_code, "client_id": client_id}
        answer = await self._token(token_endpoint, form)
        if isinstance(answer, Tokens):
            return answer
        if answer in ("authorization_pending", "slow_down"):
            return StillPending(slower=answer == "slow_down")
        raise Refused

    async def refresh(self, issuer: str, client_id: str, refresh_token: str) -> Tokens:
        """Get new tokens. Raises Refused and OutsideError, as `poll`."""
        endpoint = self._checked((await self._discover(issuer)).token_endpoint)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": client_id,
        }
        answer = await self._token(endpoint, form)
        if isinstance(answer, Tokens):
            return answer
        raise Refused

    async def close(self) -> None:
        """Close the connections."""
        await self._outside.close()

    async def _discover(self, issuer: str) -> _Discovered:
        url = issuer.rstrip("/") + _DISCOVERY
        found = await self._outside.ask("GET", url, _Discovered)
        if found.issuer.rstrip("/") != issuer.rstrip("/"):
            raise NotUnderstood
        return found

    async def _token(self, endpoint: str, form: Mapping[str, str]) -> Tokens | str:
        """Return tokens, or the code of the error."""
        status, body = await self._outside.send("POST", self._checked(endpoint), data=form)
        if httpx.codes.is_success(status):
            found = decoded(body, _Tokens)
            if not found.access_token:
                raise NotUnderstood
            return Tokens(
                found.access_token,
                found.id_token,
                found.refresh_token,
                found.expires_in,
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unreachable
        return decoded(body, _Refusal).error

    def _checked(self, endpoint: str) -> str:
        """Return an address that a provider names, which is as little trusted as its own."""
        try:
            checked_address(
                endpoint,
                field="",
                schemes=ISSUER_SCHEMES[self._private_allowed],
                private_allowed=self._private_allowed,
            )
        except BadRequest:
            raise NotUnderstood from None
        return endpoint


def failed(error: OutsideError) -> BadGateway:
    """Return the line that a caller gets."""
    return BadGateway(f"the OpenID provider {error}")
