"""The OAuth 2.0 provider of the built-in model server, by Authlib: RFC 6749, 7636 and 7662.

It does not ask: opening its page permits the connection. Codes and tokens are sealed
with the key of the server and kept nowhere, so that every process knows those of the others. That a
code is used once is known in one process only, which is enough for development.
"""

# Authlib has no types; those that pyright brings for it are narrower than what it takes.
# pyright: reportArgumentType=false, reportAssignmentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import msgspec
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from agentserver_reference.domain.cipher import Cipher, Undecipherable
from agentserver_reference.domain.modelserver import SCOPES
from agentserver_reference.gateways.models.embedded.thinking import MODEL

# At the level DEBUG, Authlib logs the tokens that it issues.
logging.getLogger("authlib").setLevel(logging.INFO)

CLIENT_ID = "agentserver"

CODE_LIFETIME = timedelta(minutes=1)
ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_LIFETIME = timedelta(days=30)

_CODE, _ACCESS, _REFRESH = "code", "access", "refresh"
_PUBLIC = ["none"]
_HERE = "https://agentserver.invalid"
"""Authlib refuses plain http, and a proxy in front of this server may have ended TLS."""

Form = Mapping[str, str]


@attrs.frozen
class Answer:
    """An answer in the form of the RFCs; a redirect has a `location`."""

    status: int
    body: bytes = attrs.field(repr=False)
    location: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class _Sealed:
    """What a code or a token says."""

    text: str = attrs.field(repr=False)
    content: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def code_challenge(self) -> str:
        challenge: str = self.content["challenge"]
        return challenge

    @property
    def code_challenge_method(self) -> str:
        return "S256"

    def get_redirect_uri(self) -> str:
        uri: str = self.content["redirect_uri"]
        return uri

    def get_scope(self) -> str:
        return " ".join(SCOPES)

    def check_client(self, client: _Client) -> bool:
        return client.get_client_id() == CLIENT_ID


class Issuer:
    """Issues codes and tokens, and knows them again."""

    def __init__(
        self, cipher: Cipher, clock: Callable[[], datetime], tokens: Callable[[], str]
    ) -> None:
        self._cipher = cipher
        self._clock = clock
        self._tokens = tokens
        self._used: dict[str, datetime] = {}
        """When each code that was used would have expired."""

    def authorize(self, query: Form, callback: str) -> Answer:
        """Answer a browser, which is sent back to `callback` and nowhere else."""
        server = _Server(self, callback)
        request = _Request("GET", query)
        try:
            grant = server.get_authorization_grant(request)
        except OAuth2Error as error:
            refused: Answer = server.handle_error_response(request, error)
            return refused
        answer: Answer = server.create_authorization_response(
            request, grant_user=CLIENT_ID, grant=grant
        )
        return answer

    def token(self, form: Form) -> Answer:
        """Exchange a code or a refresh token for tokens."""
        answer: Answer = _Server(self).create_token_response(_Request("POST", form))
        return answer

    def introspect(self, token: str) -> dict[str, Any]:
        """Return what an access token is for."""
        if not self.is_active(token):
            return {"active": False}
        project = {"project_id": "built-in", "project_name": "Built-in", "user_id": "built-in"}
        return {"active": True, "client_id": CLIENT_ID, "scope": " ".join(SCOPES), "ext": project}

    def models(self) -> dict[str, Any]:
        """Return the models, by their names."""
        return {"data": [MODEL]}

    def is_active(self, token: str) -> bool:
        """Return whether this is an access token that has not expired."""
        return self.open(_ACCESS, token) is not None

    def seal(self, kind: str, lifetime: timedelta, **content: str) -> str:
        """Return a new code or token."""
        expires = (self._clock() + lifetime).timestamp()
        text = msgspec.json.encode({**content, "expires": expires, "nonce": self._tokens()[:16]})
        return self._cipher.encrypt(text.decode(), row=kind, column="the built-in model server")

    def open(self, kind: str, text: str) -> _Sealed | None:
        """Return what a code or a token says; None if it is none, has expired, or was used."""
        try:
            opened = self._cipher.decrypt(text, row=kind, column="the built-in model server")
        except Undecipherable:
            return None
        content = msgspec.json.decode(opened)
        is_valid = content["expires"] > self._clock().timestamp() and text not in self._used
        return _Sealed(text, content) if is_valid else None

    def use(self, code: _Sealed) -> None:
        """Note that a code was used; what would have expired by now is forgotten."""
        now = self._clock()
        self._used = {text: until for text, until in self._used.items() if until > now}
        self._used[code.text] = now + CODE_LIFETIME


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, method: str, form: Form) -> None:
        super().__init__(method, _HERE)
        self.payload = BasicOAuth2Payload(dict(form))

    @property
    def form(self) -> dict[str, str]:
        """The fields."""
        fields: dict[str, str] = self.payload.data
        return fields


@attrs.frozen
class _Client:
    """The one client: this server, public."""

    callback: str

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.callback

    def check_redirect_uri(self, uri: str) -> bool:
        return uri == self.callback

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in _PUBLIC

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def get_allowed_scope(self, scope: str) -> str:
        return scope or " ".join(SCOPES)


class _Server(AuthorizationServer):  # type: ignore[misc]
    """Answers one request."""

    def __init__(self, issuer: Issuer, callback: str = "") -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.issuer = issuer
        self.callback = callback
        self.register_token_generator("default", self._new_tokens)
        self.register_grant(_CodeGrant, [_OnlyS256(required=True)])
        self.register_grant(_RefreshGrant)

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """Take a request, which has its form already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        """Take an answer."""
        encoded = msgspec.json.encode(dict(body)) if body else b""
        return Answer(status, encoded, dict(headers).get("Location"))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """There are no listeners."""

    def query_client(self, client_id: str) -> _Client | None:
        """Find a client."""
        return _Client(self.callback) if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """A token is kept nowhere: it says itself what it is."""

    def _new_tokens(self, **_: Any) -> dict[str, Any]:
        return {
            "token_type": "Bearer",
            "access_token": self.issuer.seal(_ACCESS, ACCESS_LIFETIME),
            "expires_in": int(ACCESS_LIFETIME.total_seconds()),
            "refresh_token": self.issuer.seal(_REFRESH, REFRESH_LIFETIME),
            "scope": " ".join(SCOPES),
        }


class _OnlyS256(CodeChallenge):  # type: ignore[misc]
    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Require a challenge, by the one method that hides the verifier."""
        if grant.request.payload.data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Missing 'code_challenge' by S256")
        super().validate_code_challenge(grant, redirect_uri)


class _CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _PUBLIC

    server: _Server

    def generate_authorization_code(self) -> str:
        form = self.request.payload.data
        return self.server.issuer.seal(
            _CODE,
            CODE_LIFETIME,
            challenge=form["code_challenge"],
            redirect_uri=self.server.callback,
        )

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """A code is kept nowhere: it says itself what it is."""

    def query_authorization_code(self, code: str, client: _Client) -> _Sealed | None:
        return self.server.issuer.open(_CODE, code)

    def delete_authorization_code(self, authorization_code: _Sealed) -> None:
        self.server.issuer.use(authorization_code)

    def authenticate_user(self, authorization_code: _Sealed) -> str:
        return CLIENT_ID


class _RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _PUBLIC
    INCLUDE_NEW_REFRESH_TOKEN = True

    server: _Server

    def authenticate_refresh_token(self, refresh_token: str) -> _Sealed | None:
        return self.server.issuer.open(_REFRESH, refresh_token)

    def authenticate_user(self, refresh_token: _Sealed) -> str:
        return CLIENT_ID

    def revoke_old_credential(self, refresh_token: _Sealed) -> None:
        """It stays valid until it expires."""
