"""The typed client of agentserver: `Client`, `AsyncClient`, what they raise, and `Agent`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import models
    from ._client import AsyncClient, Client
    from ._errors import (
        AgentserverError,
        ArgumentError,
        AuthorizationDenied,
        AuthorizationExpired,
        AuthorizationFailed,
        BadGateway,
        BadRequest,
        CallError,
        ClientClosed,
        ClientError,
        ConfigurationError,
        Conflict,
        ConnectionFailed,
        GatewayTimeout,
        Gone,
        InsecureConnection,
        InternalServerError,
        MethodNotAllowed,
        MissingCredential,
        NotFound,
        NotSupported,
        OutcomeUnknown,
        PayloadTooLarge,
        PermissionDenied,
        QuotaExceeded,
        RateLimited,
        RedirectRefused,
        RequestTimeout,
        ResponseValidationError,
        ServerError,
        ServiceUnavailable,
        StatusError,
        TimedOut,
        TransportError,
        Unauthenticated,
        UnprocessableEntity,
        UnsupportedMediaType,
        WaitFailed,
        WaitTimeout,
    )
    from ._omit import OMIT, Omit
    from ._operation import CallOptions
    from ._options import AsyncTransport, Timeout, Transport
    from ._page import Page
    from ._response import Response
    from ._secret import Secret
    from .agent import Agent

__all__ = [
    "OMIT",
    "Agent",
    "AgentserverError",
    "ArgumentError",
    "AsyncClient",
    "AsyncTransport",
    "AuthorizationDenied",
    "AuthorizationExpired",
    "AuthorizationFailed",
    "BadGateway",
    "BadRequest",
    "CallError",
    "CallOptions",
    "Client",
    "ClientClosed",
    "ClientError",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "GatewayTimeout",
    "Gone",
    "InsecureConnection",
    "InternalServerError",
    "MethodNotAllowed",
    "MissingCredential",
    "NotFound",
    "NotSupported",
    "Omit",
    "OutcomeUnknown",
    "Page",
    "PayloadTooLarge",
    "PermissionDenied",
    "QuotaExceeded",
    "RateLimited",
    "RedirectRefused",
    "RequestTimeout",
    "Response",
    "ResponseValidationError",
    "Secret",
    "ServerError",
    "ServiceUnavailable",
    "StatusError",
    "TimedOut",
    "Timeout",
    "Transport",
    "TransportError",
    "Unauthenticated",
    "UnprocessableEntity",
    "UnsupportedMediaType",
    "WaitFailed",
    "WaitTimeout",
    "__version__",
    "models",
]

# The module of each name that is not an error; every module is imported on first use.
_MODULES = {
    "Agent": "agent",
    "AsyncClient": "_client",
    "AsyncTransport": "_options",
    "CallOptions": "_operation",
    "Client": "_client",
    "OMIT": "_omit",
    "Omit": "_omit",
    "Page": "_page",
    "Response": "_response",
    "Secret": "_secret",
    "Timeout": "_options",
    "Transport": "_options",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "models":
        return import_module(".models", __name__)
    value = getattr(import_module(f".{_MODULES.get(name, '_errors')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
