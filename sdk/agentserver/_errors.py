"""Everything the SDK raises, under one root: `AgentserverError`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _printable(text: str) -> str:
    """A text that every file and terminal for Unicode takes: lone surrogates are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class AgentserverError(Exception):
    """The root: ``except AgentserverError`` catches whatever the SDK raises."""

    def __init__(self, message: str = "") -> None:
        super().__init__(_printable(message))


class ConfigurationError(AgentserverError):
    """The client cannot work as it was set up; nothing was sent."""


class MissingCredential(ConfigurationError):
    """The operation takes a credential that the client was not given; nothing was sent."""


class InsecureConnection(ConfigurationError):
    """A credential would have travelled over plain http to another machine; nothing was sent."""


class ClientClosed(ConfigurationError):
    """The client was used after `close` or `aclose`; nothing was sent."""


class ArgumentError(AgentserverError, ValueError):
    """An argument cannot be sent as it is; nothing was sent."""


class WaitFailed(AgentserverError):
    """What was waited for does not happen by itself: the thing is in a state that leads elsewhere.

    Attributes:
        resource: the thing as it was read last.
        id: its id.
        state: its state.
    """

    def __init__(
        self, message: str = "", resource: Any = None, *, id: str = "", state: str = ""
    ) -> None:
        super().__init__(message)
        self.resource = resource
        self.id = id
        self.state = state


class WaitTimeout(AgentserverError):
    """The time for a wait is over; the thing may still reach the state that was waited for.

    Attributes:
        resource: the thing as it was read last.
        id: its id.
        state: its state.
    """

    def __init__(
        self, message: str = "", resource: Any = None, *, id: str = "", state: str = ""
    ) -> None:
        super().__init__(message)
        self.resource = resource
        self.id = id
        self.state = state


class AuthorizationFailed(AgentserverError):
    """A program was not signed in, or is no longer."""


class AuthorizationDenied(AuthorizationFailed):
    """The person who was asked denied it."""


class AuthorizationExpired(AuthorizationFailed):
    """It was not approved in time, or a sign-in has ended since: sign in again."""


class CallError(AgentserverError):
    """A call failed: the request, the server, or its answer.

    Attributes:
        message: what went wrong, one line; the server's own words where it gave some.
        operation_id: the operation of the contract, for example ``create_workspace``.
        method: its HTTP method.
        path: its path template, for example ``/api/workspaces/{workspace_id}``.
        code: the ``error`` of a JSON error body, for example ``quota_exceeded``.
        body: the text of the answer, at most 64 KiB; None for a success, whose body may be
            a new credential.
        headers: the headers of the answer that are safe to show, names in lower case.
        request_id: the id the server gave the request, else the one that was sent.
        retry_after: seconds the server asked to wait.
        attempts: how often the request was sent.
        elapsed: seconds from the start of the call.
    """

    def __init__(
        self,
        message: str = "",
        *,
        operation_id: str = "",
        method: str = "",
        path: str = "",
        status_code: int | None = None,
        code: str | None = None,
        body: str | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        request_id: str | None = None,
        retry_after: float | None = None,
        attempts: int = 0,
        elapsed: float = 0.0,
    ) -> None:
        # `args` is the message alone, and everything else has a default, so that pickle and copy
        # rebuild the error from `args` and `__dict__`, as for any exception.
        super().__init__(message)
        self.message: str = self.args[0]
        self.operation_id = operation_id
        self.method = method
        self.path = path
        self._status_code = status_code
        self.code = code and _printable(code)
        self.body = body and _printable(body)
        self.headers = {name: _printable(value) for name, value in headers.items()}
        self.request_id = request_id
        self.retry_after = retry_after
        self.attempts = attempts
        self.elapsed = elapsed

    @property
    def status_code(self) -> int | None:
        """The status that was answered, even if the rest could not be read; None for no answer."""
        return self._status_code

    def __str__(self) -> str:
        status = "" if self.status_code is None else f" {self.status_code}"
        said = f": {self.message}" if self.message else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.operation_id or type(self).__name__}{status}{said}{request}"


class TransportError(CallError):
    """There was no answer, or no complete one."""


class ConnectionFailed(TransportError):
    """The server could not be reached, or the connection broke."""


class TimedOut(TransportError):
    """Time ran out.

    Attributes:
        phase: what was being waited for: ``connect``, ``pool``, ``write``, ``read``, ``login``.
        sent: whether some of the request may have reached the server.
    """

    def __init__(
        self, message: str = "", *, phase: str = "", sent: bool = False, **call: Any
    ) -> None:
        super().__init__(message, **call)
        self.phase = phase
        self.sent = sent


class OutcomeUnknown(TransportError):
    """A write may or may not have happened: look before doing it again.

    Raised when a request that changes something got no answer, and when such a request was sent
    again and its answer leaves open whether the first one was done.

    Attributes:
        phase: what was going on in the attempt that left the outcome open: ``write``, the request
            was being sent; ``read``, its answer was being waited for; ``answer``, a gateway
            answered in place of the server.
        cause: why that attempt left it open, for example ``the connection broke`` or ``status
            502``.
    """

    def __init__(self, message: str = "", *, phase: str = "", cause: str = "", **call: Any) -> None:
        super().__init__(message, **call)
        self.phase = phase
        self.cause = cause


class ResponseValidationError(CallError):
    """The server did answer, but its answer cannot be read or is not what the contract says.

    For example: HTML, broken JSON, a compressed body that is none, a body larger than
    ``max_response_bytes``. The answer to a write is `status_code`: a 2xx means that it happened.

    Attributes:
        json_path: where in the answer, for example ``$.items[3].role``.
    """

    def __init__(self, message: str = "", *, json_path: str = "$", **call: Any) -> None:
        super().__init__(message, **call)
        self.json_path = _printable(json_path)

    def __str__(self) -> str:
        return f"{super().__str__()} at {self.json_path}"


class StatusError(CallError):
    """The server answered with an error; there is a class for each status it documents."""

    STATUS: ClassVar[int | None] = None

    @property
    def status_code(self) -> int:
        """The status that was answered; that of the class, or 0, for an error made by hand."""
        return self._status_code or self.STATUS or 0


class RedirectRefused(StatusError):
    """A redirect that is not followed: of a write, to an invalid address, or one too many."""


class ClientError(StatusError):
    """Any 4xx."""


class BadRequest(ClientError):
    """400: the request is malformed, or breaks a bound; the message names the field."""

    STATUS = 400


class Unauthenticated(ClientError):
    """401: no credential, or one that is unknown, expired or revoked."""

    STATUS = 401


class PermissionDenied(ClientError):
    """403: the caller may not do this."""

    STATUS = 403


class QuotaExceeded(PermissionDenied):
    """403: a limit is reached.

    Attributes:
        current: how many there are.
        max: how many there may be.
    """

    def __init__(
        self,
        message: str = "",
        *,
        current: int | None = None,
        max: int | None = None,  # named as on the wire
        **call: Any,
    ) -> None:
        super().__init__(message, **call)
        self.current = current
        self.max = max


class NotFound(ClientError):
    """404: there is no such thing."""

    STATUS = 404


class MethodNotAllowed(ClientError):
    """405: the path does not take the method; the server is older or configured otherwise."""

    STATUS = 405


class RequestTimeout(ClientError):
    """408: the request did not arrive in time."""

    STATUS = 408


class Conflict(ClientError):
    """409: the state of things forbids it: a name taken, the last owner, a final state."""

    STATUS = 409


class Gone(ClientError):
    """410: it was there and is no more."""

    STATUS = 410


class PayloadTooLarge(ClientError):
    """413: the body is over the server's limit."""

    STATUS = 413


class UnsupportedMediaType(ClientError):
    """415: the body is in a media type that the operation does not read."""

    STATUS = 415


class UnprocessableEntity(ClientError):
    """422: well-formed, but a value is out of range."""

    STATUS = 422


class RateLimited(ClientError):
    """429: too many requests; `retry_after` is how many seconds to wait."""

    STATUS = 429


class ServerError(StatusError):
    """Any 5xx."""


class InternalServerError(ServerError):
    """500: a fault of the server."""

    STATUS = 500


class NotSupported(ServerError):
    """501: this server does not offer it."""

    STATUS = 501


class BadGateway(ServerError):
    """502: a service behind the server could not be reached."""

    STATUS = 502


class ServiceUnavailable(ServerError):
    """503: switched off, or not able to answer now."""

    STATUS = 503


class GatewayTimeout(ServerError):
    """504: a service behind the server did not answer in time."""

    STATUS = 504


def _by_status(base: type[StatusError]) -> dict[int, type[StatusError]]:
    found: dict[int, type[StatusError]] = {}
    for kind in base.__subclasses__():
        if "STATUS" in vars(kind) and kind.STATUS is not None:
            found[kind.STATUS] = kind
        found.update(_by_status(kind))
    return found


_CLASSES = _by_status(StatusError)
_FAMILIES: dict[int, type[StatusError]] = {4: ClientError, 5: ServerError}


def class_for(status: int) -> type[StatusError]:
    """Return the class for a status; the nearest base for one without a class."""
    return _CLASSES.get(status) or _FAMILIES.get(status // 100, StatusError)
