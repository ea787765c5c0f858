"""Signing in from a machine without a browser: the device authorization grant of OAuth 2.0.

RFC 8628: the program shows a link and a code, a person opens the link elsewhere and approves, and
the program meanwhile asks for its tokens every few seconds. Like `_transport`, the flows make every
decision, and `DeviceFlow` and `AsyncDeviceFlow` differ in the driver alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, TypeVar
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from ._decoding import DecodeError, Decoding
from ._errors import (
    AuthorizationDenied,
    AuthorizationExpired,
    AuthorizationFailed,
    BadRequest,
    CallError,
    InsecureConnection,
    ServerError,
    StatusError,
    TransportError,
)
from ._operation import FORM_HEADERS, Call, Form, Operation
from ._retry import LONGEST_WAIT
from ._secret import Secret
from ._transport import Runtime, Sleep, drive, drive_async

if TYPE_CHECKING:
    from ._client import AsyncClient, Client

T = TypeVar("T")

CLIENT_ID: Final = "agentserver-agent-cli"
SCOPE: Final = "openid profile agent:register"

_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL: Final = 5.0
"""Seconds between two questions where the server names none, and what `slow_down` adds."""
_LONGEST_LIFE: Final = 1e9

_PENDING: Final = "authorization_pending"
_SLOW_DOWN: Final = "slow_down"

Step: TypeAlias = "Call[Any] | Sleep"


@frozen
class DeviceCode:
    """What the person who approves needs, and how the program asks whether they did."""

    user_code: str
    """To compare, or to type at `verification_uri`."""
    verification_uri: str
    """The link to open."""
    verification_uri_complete: str
    """The link with the code in it; the same as `verification_uri` where the server has none."""
    expires_in: float
    """Seconds in which it must be approved."""
    interval: float
    """Seconds between two questions."""
    device_code: Secret
    ends: float = field(default=0.0, repr=False)
    """When it expires, by the clock of the client."""


@frozen
class Pending:
    """Not approved or denied yet; the next question may be asked after `interval`."""

    interval: float
    """Seconds; `slow_down` makes it longer for all further questions."""


@frozen
class Tokens:
    """What an approved program gets."""

    access_token: Secret
    refresh_token: Secret | None
    """To be used once: each refresh gives a new one."""
    expires_in: float | None
    """Seconds that the access token lives from now; None where the server does not say."""
    scope: str | None


# --- the flows ------------------------------------------------------------------------------------


def start_flow(runtime: Runtime) -> Generator[Step, Any, DeviceCode]:
    """Ask for a code. Raises CallError if the server has no device authorization."""
    code: DeviceCode | CallError = yield Call(
        _START, _START.path, headers=FORM_HEADERS, body=Form(client_id=CLIENT_ID, scope=SCOPE)
    )
    if isinstance(code, Exception):
        raise code
    return evolve(code, ends=runtime.clock() + code.expires_in)


def poll_flow(code: DeviceCode) -> Generator[Step, Any, Tokens | Pending]:
    """Ask once whether it was approved.

    Raises:
        AuthorizationDenied: it was denied.
        AuthorizationExpired: it was not decided in time.
        AuthorizationFailed: the server refuses the code for another reason.
        CallError: there was no answer, or another one.
    """
    answer = yield _token_call(grant_type=_GRANT, device_code=code.device_code)
    if isinstance(answer, Tokens):
        return answer
    said = answer.code if isinstance(answer, BadRequest) else None
    if said == _PENDING:
        return Pending(code.interval)
    if said == _SLOW_DOWN:
        return Pending(code.interval + _INTERVAL)
    _refuse(answer)


def wait_flow(code: DeviceCode, runtime: Runtime) -> Generator[Step, Any, Tokens]:
    """Ask until it is approved, denied or expired; a server that cannot be reached is asked again.

    Raises as `poll_flow`, but for CallError of a network or a server that fails for a while.
    """
    pause = code.interval
    while runtime.clock() + pause < code.ends:
        yield Sleep(pause)
        try:
            answer = yield from poll_flow(code)
        except (TransportError, ServerError):
            # RFC 8628, section 3.5: ask ever less often as long as there is no answer.
            pause = min(LONGEST_WAIT, pause * 2)
            continue
        if isinstance(answer, Tokens):
            return answer
        pause = answer.interval
        code = evolve(code, interval=pause)
    raise AuthorizationExpired("the code was not approved in time")


def refresh_flow(refresh_token: Secret) -> Generator[Step, Any, Tokens]:
    """Exchange a refresh token, which is used up by it, for new tokens.

    It is not repeated after a lost answer: a server takes a refresh token that comes twice for a
    stolen one, and ends all tokens that it was exchanged for.

    Raises:
        AuthorizationExpired: the token is used up, expired or revoked: sign in again.
        AuthorizationFailed: the server refuses it for another reason.
        CallError: there was no answer, or another one.
    """
    answer = yield _token_call(grant_type="refresh_token", refresh_token=refresh_token)
    if isinstance(answer, Tokens):
        return answer
    if isinstance(answer, BadRequest) and answer.code == "invalid_grant":
        raise AuthorizationExpired("the sign-in has ended, or was used elsewhere: sign in again")
    _refuse(answer)


def revoke_flow(token: Secret) -> Generator[Step, Any, None]:
    """End a token, and with a refresh token all others of the same sign-in."""
    answer = yield Call(
        _REVOKE, _REVOKE.path, headers=FORM_HEADERS, body=Form(client_id=CLIENT_ID, token=token)
    )
    if isinstance(answer, Exception):
        raise answer


def _token_call(**fields: str | Secret) -> Call[Any]:
    return Call(_TOKEN, _TOKEN.path, headers=FORM_HEADERS, body=Form(client_id=CLIENT_ID, **fields))


_REFUSALS: Final[Mapping[str, tuple[type[AuthorizationFailed], str]]] = {
    "access_denied": (AuthorizationDenied, "the request was denied"),
    "expired_token": (AuthorizationExpired, "the code was not approved in time"),
}


def _refuse(error: CallError) -> NoReturn:
    if isinstance(error, StatusError) and error.code is not None and error.status_code < 500:
        kind, words = _REFUSALS.get(
            error.code, (AuthorizationFailed, f"the server refused it ({error.code})")
        )
        raise kind(words)
    raise error


# --- the answers ----------------------------------------------------------------------------------


def _read_code(wire: Any, _: Decoding) -> DeviceCode:
    link = _link(wire, "verification_uri")
    has_complete = wire.get("verification_uri_complete") is not None
    return DeviceCode(
        user_code=_text(wire, "user_code"),
        verification_uri=link,
        verification_uri_complete=(
            _link(wire, "verification_uri_complete") if has_complete else link
        ),
        expires_in=_seconds(wire, "expires_in"),
        interval=_seconds(wire, "interval") if "interval" in wire else _INTERVAL,
        device_code=Secret(_text(wire, "device_code")),
    )


def _read_tokens(wire: Any, _: Decoding) -> Tokens:
    access = Secret(_text(wire, "access_token"))
    if _text(wire, "token_type").lower() != "bearer":
        raise DecodeError("$.token_type", "is not Bearer")
    has_refresh = wire.get("refresh_token") is not None
    return Tokens(
        access,
        Secret(_text(wire, "refresh_token")) if has_refresh else None,
        _seconds(wire, "expires_in") if wire.get("expires_in") is not None else None,
        _text(wire, "scope") if wire.get("scope") else None,
    )


def _text(wire: Any, name: str) -> str:
    value = wire.get(name) if isinstance(wire, dict) else None
    if not isinstance(value, str) or not value or not value.isprintable():
        raise DecodeError(f"$.{name}", "must be a text without control characters")
    return value


def _link(wire: Any, name: str) -> str:
    link = _text(wire, name)
    try:
        parts = urlsplit(link)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DecodeError(f"$.{name}", "must be an http or https URL")
    return link


def _seconds(wire: Any, name: str) -> float:
    value = wire.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise DecodeError(f"$.{name}", "must be a number of seconds above 0")
    return min(float(min(value, _LONGEST_LIFE)), _LONGEST_LIFE)


def _operation(path: str, read: Callable[[Any, Decoding], T] | None) -> Operation[Any]:
    return Operation(
        id=f"POST {path}",
        method="POST",
        path=path,
        security=(),
        security_optional=False,
        success={200: read},
        errors={},
    )


_START: Final = _operation("/api/oauth2/device/auth", _read_code)
_TOKEN: Final = _operation("/api/oauth2/token", _read_tokens)
_REVOKE: Final = _operation("/api/oauth2/revoke", lambda wire, _: None)


# --- the drivers ----------------------------------------------------------------------------------


class DeviceFlow:
    """The device flow through a `Client`, which needs no credential for it."""

    def __init__(self, client: Client) -> None:
        """Use a client.

        Raises:
            InsecureConnection: the tokens would travel over plain http to another machine.
        """
        _check_private(client)
        self._client = client

    def start(self) -> DeviceCode:
        """See `start_flow`."""
        return self._run(start_flow(self._client._shared.runtime))

    def poll(self, code: DeviceCode) -> Tokens | Pending:
        """See `poll_flow`."""
        return self._run(poll_flow(code))

    def wait(self, code: DeviceCode) -> Tokens:
        """See `wait_flow`."""
        return self._run(wait_flow(code, self._client._shared.runtime))

    def refresh(self, refresh_token: Secret) -> Tokens:
        """See `refresh_flow`."""
        return self._run(refresh_flow(refresh_token))

    def revoke(self, token: Secret) -> None:
        """See `revoke_flow`."""
        self._run(revoke_flow(token))

    def _run(self, flow: Generator[Step, Any, T]) -> T:
        return drive(flow, self._perform)  # type: ignore[arg-type]  # calls instead of requests

    def _perform(self, step: Any) -> Any:
        if isinstance(step, Sleep):
            return self._client._perform(step)
        try:
            return self._client._call(step)
        except CallError as error:
            return error


class AsyncDeviceFlow:
    """The device flow through an `AsyncClient`, which needs no credential for it."""

    def __init__(self, client: AsyncClient) -> None:
        """Use a client.

        Raises:
            InsecureConnection: the tokens would travel over plain http to another machine.
        """
        _check_private(client)
        self._client = client

    async def start(self) -> DeviceCode:
        """See `start_flow`."""
        return await self._run(start_flow(self._client._shared.runtime))

    async def poll(self, code: DeviceCode) -> Tokens | Pending:
        """See `poll_flow`."""
        return await self._run(poll_flow(code))

    async def wait(self, code: DeviceCode) -> Tokens:
        """See `wait_flow`."""
        return await self._run(wait_flow(code, self._client._shared.runtime))

    async def refresh(self, refresh_token: Secret) -> Tokens:
        """See `refresh_flow`."""
        return await self._run(refresh_flow(refresh_token))

    async def revoke(self, token: Secret) -> None:
        """See `revoke_flow`."""
        await self._run(revoke_flow(token))

    async def _run(self, flow: Generator[Step, Any, T]) -> T:
        return await drive_async(flow, self._perform)  # type: ignore[arg-type]  # as above

    async def _perform(self, step: Any) -> Any:
        if isinstance(step, Sleep):
            return await self._client._perform(step)
        try:
            return await self._client._call(step)
        except CallError as error:
            return error


def _check_private(client: Client | AsyncClient) -> None:
    connection = client._shared.connection
    if not (connection.base_url.private or connection.allow_insecure_http):
        raise InsecureConnection(
            "signing in would send tokens over plain http to another machine; "
            "use https, or allow_insecure_http=True if the way there is safe"
        )
