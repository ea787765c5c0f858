"""The protocol of the embedded provider, by Authlib: clients, grants, and the form of errors.

Authlib's callbacks are synchronous, as our queries are: a whole request runs in one transaction,
on its connection. A refusal is an answer and no exception, so that what it has changed stays: a
longer interval, or the end of a sign-in whose refresh token was used twice.

Rows are locked in the order of `storage.locks`: the workspace before what belongs to it.
"""

# Authlib has no types; those that pyright brings for it are narrower than what it takes.
# pyright: reportArgumentType=false, reportAssignmentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import msgspec
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant

from agentserver_reference.domain import oauth
from agentserver_reference.domain.roles import may_register_agents
from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.gateways.oauth.protocol import Answer, Form
from agentserver_reference.storage import device_codes, members, oauth_grants
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

# At the level DEBUG, Authlib logs the tokens that it issues.
logging.getLogger("authlib").setLevel(logging.INFO)

_PUBLIC = ["none"]
_HERE = "https://agentserver.invalid"
"""Authlib refuses plain http, and a proxy in front of this server may have ended TLS."""


class TemporarilyUnavailable(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """Too many requests are undecided."""

    error = "temporarily_unavailable"
    status_code = 503


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, form: Form) -> None:
        super().__init__("POST", _HERE)
        self.payload = BasicOAuth2Payload(dict(form))

    @property
    def form(self) -> dict[str, str]:
        """The fields."""
        fields: dict[str, str] = self.payload.data
        return fields


class _Client:
    """The one client: public, and registered with every server."""

    def get_client_id(self) -> str:
        return oauth.CLIENT_ID

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in _PUBLIC

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in oauth.GRANTS


@attrs.frozen
class _Credential:
    """A device code, or a token, as Authlib asks about it."""

    row: Record = attrs.field(repr=False)
    now: datetime

    def get_client_id(self) -> str:
        client: str = self.row["client_id"]
        return client

    def check_client(self, client: _Client) -> bool:
        return self.get_client_id() == client.get_client_id()

    def get_scope(self) -> str:
        scope: str = self.row["scope"]
        return scope

    def is_expired(self) -> bool:
        expires_at: str = self.row["expires_at"]
        return expires_at <= timestamp(self.now)

    def get_user_code(self) -> str:
        code: str = self.row["user_code_hash"]
        return code


def server(conn: Connection, now: datetime, tokens: Callable[[], str]) -> Server:
    """Return what answers one request, on a connection in a transaction."""
    return Server(conn, now, tokens)


class Server(AuthorizationServer):  # type: ignore[misc]
    """Answers one request."""

    def __init__(self, conn: Connection, now: datetime, tokens: Callable[[], str]) -> None:
        super().__init__(scopes_supported=list(oauth.SCOPES))
        self.conn = conn
        self.now = now
        self.tokens = tokens
        self.verification_uri = ""
        self.register_token_generator("default", self._new_tokens)
        self.register_grant(_DeviceCodeGrant)
        self.register_grant(_RefreshTokenGrant)
        self.register_endpoint(_DeviceAuthorization)
        self.register_endpoint(_Revocation)

    def authorize_device(self, form: Form, verification_uri: str) -> Answer:
        """Begin a sign-in."""
        self.verification_uri = verification_uri
        return self._endpoint(_DeviceAuthorization.ENDPOINT_NAME, form)

    def token(self, form: Form) -> Answer:
        """Exchange a code or a refresh token for tokens."""
        answer: Answer = self.create_token_response(form)
        return answer

    def revoke(self, form: Form) -> Answer:
        """End a token."""
        return self._endpoint(_Revocation.ENDPOINT_NAME, form)

    def _endpoint(self, name: str, form: Form) -> Answer:
        answer: Answer = self.create_endpoint_response(name, form)
        return answer

    # --- what Authlib asks a framework for --------------------------------------------------------

    def create_oauth2_request(self, form: Form) -> OAuth2Request:
        """Wrap the fields of a form."""
        return _Request(form)

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        """Take an answer."""
        return Answer(status, msgspec.json.encode(dict(body)))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """There are no listeners."""

    def query_client(self, client_id: str) -> _Client | None:
        """Find a client."""
        return _Client() if client_id == oauth.CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Keep new tokens, for what was approved or for what they continue."""
        if request.refresh_token is not None:
            row = request.refresh_token.row
            if not oauth_grants.use(self.conn, row["token_hash"], self.now):
                raise InvalidGrantError
            grant_id = row["grant_id"]
            oauth_grants.extend(self.conn, grant_id, self.now + oauth.REFRESH_LIFETIME)
        else:
            grant_id = self._grant(request.credential.row)
        for kind, lifetime in (
            (oauth_grants.ACCESS, oauth.ACCESS_LIFETIME),
            (oauth_grants.REFRESH, oauth.REFRESH_LIFETIME),
        ):
            oauth_grants.add_token(
                self.conn,
                token_hash=token_hash(token[f"{kind}_token"]),
                grant_id=grant_id,
                kind=kind,
                scope=token["scope"],
                now=self.now,
                expires_at=self.now + lifetime,
            )

    # --- what both grants need --------------------------------------------------------------------

    def member_may(self, workspace_id: str, user_id: str) -> bool:
        """Whether a user may still register agents; it stays so until the transaction ends."""
        if Lock(workspace=workspace_id).take(self.conn) is not None:
            return False
        return may_register_agents(members.role_of(self.conn, workspace_id, user_id))

    def _grant(self, row: Record) -> str:
        """Use an approved code up, and return the id of what was granted."""
        workspace_id, user_id = row["workspace_id"], row["user_id"]
        if not self.member_may(workspace_id, user_id):
            raise InvalidGrantError("the membership has ended")
        if not device_codes.redeem(self.conn, row["device_code_hash"], self.now):
            raise InvalidGrantError
        grant_id = self.tokens()
        oauth_grants.add(
            self.conn,
            grant_id=grant_id,
            client_id=row["client_id"],
            workspace_id=workspace_id,
            user_id=user_id,
            scope=row["scope"],
            now=self.now,
            expires_at=self.now + oauth.REFRESH_LIFETIME,
        )
        return grant_id

    def _new_tokens(self, *, scope: str | None, **_: Any) -> dict[str, Any]:
        return {
            "token_type": "bearer",
            "access_token": self.tokens(),
            "expires_in": _seconds(oauth.ACCESS_LIFETIME),
            "refresh_token": self.tokens(),
            "scope": scope or "",
        }


class _DeviceAuthorization(DeviceAuthorizationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = _PUBLIC
    EXPIRES_IN = int(oauth.CODE_LIFETIME.total_seconds())
    INTERVAL = oauth.INTERVAL

    server: Server

    def authenticate_client(self, request: OAuth2Request) -> Any:
        client = super().authenticate_client(request)
        if device_codes.count_pending(self.server.conn, self.server.now) >= oauth.MOST_PENDING:
            raise TemporarilyUnavailable
        return client

    def generate_device_code(self) -> str:
        return self.server.tokens()

    def generate_user_code(self) -> str:
        return oauth.user_code(self.server.tokens())

    def get_verification_uri(self) -> str:
        return self.server.verification_uri

    def save_device_credential(self, client_id: str, scope: str | None, data: Any) -> None:
        device_codes.add(
            self.server.conn,
            device_code_hash=token_hash(data["device_code"]),
            user_code_hash=token_hash(data["user_code"]),
            client_id=client_id,
            scope=" ".join(oauth.scopes_of(scope)),
            poll_interval=oauth.INTERVAL,
            now=self.server.now,
            expires_at=self.server.now + oauth.CODE_LIFETIME,
        )


class _DeviceCodeGrant(DeviceCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _PUBLIC

    server: Server

    def query_device_credential(self, device_code: str) -> _Credential:
        row = device_codes.find_by_device_code(self.server.conn, token_hash(device_code))
        if row is None or row["status"] == oauth.REDEEMED:
            raise InvalidGrantError
        return _Credential(row, self.server.now)

    def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
        row = device_codes.find_by_user_code(self.server.conn, user_code)
        if row is None or row["status"] == oauth.PENDING:
            return None
        return row["user_id"], row["status"] != oauth.DENIED

    def should_slow_down(self, credential: _Credential) -> bool:
        row, now = credential.row, self.server.now
        interval, polled_at = row["poll_interval"], row["polled_at"]
        earliest = timestamp(now - timedelta(seconds=interval))
        too_soon = polled_at is not None and polled_at > earliest
        interval += oauth.INTERVAL if too_soon else 0
        device_codes.polled(self.server.conn, row["device_code_hash"], interval, now)
        return too_soon


class _RefreshTokenGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _PUBLIC
    INCLUDE_NEW_REFRESH_TOKEN = True

    server: Server

    def authenticate_refresh_token(self, refresh_token: str) -> _Credential | None:
        conn, hashed = self.server.conn, token_hash(refresh_token)
        row = oauth_grants.find(conn, hashed)
        if row is None or row["kind"] != oauth_grants.REFRESH:
            return None
        may = self.server.member_may(row["workspace_id"], row["user_id"])
        row = oauth_grants.find(conn, hashed)  # as it is under the lock
        if row is None or not may:
            return None
        credential = _Credential(row, self.server.now)
        if row["used_at"] is not None:
            # It was stolen: whoever used it first, all tokens of the sign-in end.
            oauth_grants.remove(conn, row["grant_id"])
            return None
        return None if credential.is_expired() else credential

    def authenticate_user(self, refresh_token: _Credential) -> str:
        user_id: str = refresh_token.row["user_id"]
        return user_id

    def revoke_old_credential(self, refresh_token: _Credential) -> None:
        """It was used up when the new ones were kept."""


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = _PUBLIC

    server: Server

    def check_params(self, request: OAuth2Request, client: _Client) -> None:
        """Require a token; a hint is none that is needed here, so that any will do."""
        if "token" not in request.form:
            raise InvalidRequestError("Missing 'token' in request.")

    def query_token(self, token: str, hint: str | None) -> _Credential | None:
        row = oauth_grants.find(self.server.conn, token_hash(token))
        return None if row is None else _Credential(row, self.server.now)

    def revoke_token(self, token: _Credential, request: OAuth2Request) -> None:
        row = token.row
        Lock(workspace=row["workspace_id"]).take(self.server.conn)
        if row["kind"] == oauth_grants.REFRESH:
            oauth_grants.remove(self.server.conn, row["grant_id"])
        else:
            oauth_grants.remove_token(self.server.conn, row["token_hash"])


def _seconds(lifetime: timedelta) -> int:
    return int(lifetime.total_seconds())
