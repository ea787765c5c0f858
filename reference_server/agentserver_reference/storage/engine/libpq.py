"""PostgreSQL URLs with every parameter that libpq knows, in the terms of asyncpg.

A parameter is passed on, translated, or rejected by name: none is ignored. What is no parameter
of libpq is a setting of the server's, such as `statement_timeout`; the server itself rejects an
unknown one by name.
"""

from __future__ import annotations

import configparser
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
import attrs

from agentserver_reference.storage.engine.store import StoreError

PASSED = frozenset(
    {
        "host",
        "port",
        "dbname",
        "user",
        "password",
        "passfile",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslpassword",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        # These are settings of the server's session.
        "application_name",
        "options",
    }
)
"""What asyncpg reads from the URL as libpq does."""

PERMITTED: Mapping[str, tuple[frozenset[str], str]] = {
    "channel_binding": (frozenset({"prefer", "disable"}), "the driver has no channel binding"),
    "client_encoding": (
        frozenset({"auto", "utf8", "utf-8", "unicode"}),
        "the server always uses UTF8",
    ),
    "gssdelegation": (frozenset({"0"}), "the driver does not delegate credentials"),
    "gssencmode": (frozenset({"prefer", "disable"}), "the driver does not encrypt with GSSAPI"),
    "load_balance_hosts": (frozenset({"disable"}), "hosts are tried in their order"),
    "max_protocol_version": (frozenset({"3.0", "latest"}), "the driver uses version 3.0"),
    "min_protocol_version": (frozenset({"3.0"}), "the driver uses version 3.0"),
    "replication": (frozenset({"false", "off", "no", "0"}), "the server does not replicate"),
    "sslcertmode": (frozenset({"allow"}), "a certificate is sent if the server asks for it"),
    "sslcompression": (frozenset({"0"}), "the driver does not compress"),
    "sslsni": (frozenset({"1"}), "the driver always sends the host's name"),
}
"""Parameters of which some values describe what the driver does, and why not the others."""

REJECTED: Mapping[str, str] = {
    "hostaddr": "give the address as the host",
    "oauth_client_id": "the driver has no OAuth",
    "oauth_client_secret": "the driver has no OAuth",
    "oauth_issuer": "the driver has no OAuth",
    "oauth_scope": "the driver has no OAuth",
    "require_auth": "the driver cannot restrict how it authenticates",
    "requirepeer": "the driver does not check the owner of a socket",
    "scram_client_key": "the driver needs the password",
    "scram_server_key": "the driver needs the password",
    "sslcrldir": "give one file as sslcrl",
    "sslkeylogfile": "the driver does not log keys",
}
"""Parameters that cannot be honoured at all, and what to do instead, or why."""


def _seconds(text: str) -> float | None:
    """Return libpq's form of a time limit; None is no limit, and the shortest is 2 seconds."""
    seconds = int(text)
    return None if seconds <= 0 else float(max(seconds, 2))


SOCKET_OPTIONS: Mapping[str, tuple[str, int]] = {
    "keepalives_idle": ("TCP_KEEPIDLE", socket.IPPROTO_TCP),
    "keepalives_interval": ("TCP_KEEPINTVL", socket.IPPROTO_TCP),
    "keepalives_count": ("TCP_KEEPCNT", socket.IPPROTO_TCP),
    "tcp_user_timeout": ("TCP_USER_TIMEOUT", socket.IPPROTO_TCP),
}
"""Parameters of TCP, each a number for an option of the socket; 0 is the system's default."""

_TRANSLATED = frozenset(
    {
        "connect_timeout",
        "fallback_application_name",
        "keepalives",
        "service",
        "servicefile",
        *SOCKET_OPTIONS,
    }
)

KNOWN = PASSED | PERMITTED.keys() | REJECTED.keys() | _TRANSLATED
"""Every parameter of libpq, up to that of PostgreSQL 18."""


@attrs.frozen
class Target:
    """Where to connect, and how."""

    url: str = attrs.field(repr=False)
    """What asyncpg takes as `dsn`."""
    shown: str
    """The URL as it may be shown: without passwords."""
    connect_timeout: float | None
    """Seconds that a new connection may take; None: no limit."""
    socket_options: tuple[tuple[int, int, int], ...]
    """The options of TCP sockets, as `socket.setsockopt` takes them."""

    @property
    def connection_class(self) -> Any:
        """The class of the connections, which sets the options of their sockets."""
        options = self.socket_options

        class Connection(asyncpg.Connection):  # type: ignore[misc]
            __slots__ = ()

            def __init__(self, protocol: Any, transport: Any, *arguments: Any) -> None:
                raw = transport.get_extra_info("socket")
                if raw is not None and raw.family != getattr(socket, "AF_UNIX", None):
                    for option in options:
                        raw.setsockopt(*option)
                super().__init__(protocol, transport, *arguments)

        return Connection


def read_url(url: str, connect_timeout: float) -> Target:
    """Read a URL of PostgreSQL.

    Arguments:
        url: `postgresql://...`, with any parameter of libpq.
        connect_timeout: seconds that a new connection may take if the URL does not say it.

    Raises StoreError: a parameter cannot be honoured, or its service is not defined.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    parameters = _with_service(given, named=_named_in(url))
    for name, value in parameters.items():
        _check(name, value)
    passed = {
        name: value
        for name, value in parameters.items()
        if name not in PERMITTED and name not in _TRANSLATED and value
    }
    if fallback := parameters.get("fallback_application_name"):
        passed.setdefault("application_name", fallback)
    timeout: float | None = connect_timeout
    if parameters.get("connect_timeout"):
        timeout = _number("connect_timeout", parameters["connect_timeout"], _seconds)
    return Target(
        # asyncpg takes a blank for `+`, but libpq does not.
        url=urlunsplit(parts._replace(query=urlencode(passed, quote_via=quote))),
        shown=_shown(url),
        connect_timeout=timeout,
        socket_options=_socket_options(parameters),
    )


def _named_in(url: str) -> set[str]:
    """Return the parameters that stand before the query, which take precedence over a service."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    names = {"user": user, "password": password, "host": hosts, "dbname": parts.path.lstrip("/")}
    named = {name for name, value in names.items() if value}
    return named | ({"port"} if hosts else set())


def _with_service(given: dict[str, str], named: set[str]) -> dict[str, str]:
    """Return the parameters with those of the service that they name."""
    service = given.get("service")
    if not service:
        return given
    home = Path(os.environ.get("HOME") or "/")
    file = Path(
        given.get("servicefile") or os.environ.get("PGSERVICEFILE") or home / ".pg_service.conf"
    )
    sections = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    try:
        sections.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise StoreError(f"DATABASE_URL: service={service}: {file} is not a service file") from None
    if service not in sections:
        raise StoreError(f"DATABASE_URL: service={service}: is not defined in {file}")
    defined = {name: value for name, value in sections[service].items() if name not in named}
    return defined | given


def _check(name: str, value: str) -> None:
    """Raise StoreError if a parameter cannot be honoured."""
    if name in REJECTED and value:
        raise StoreError(f"DATABASE_URL: {name} is not supported: {REJECTED[name]}")
    if name in PERMITTED and value:
        permitted, reason = PERMITTED[name]
        if value.lower() not in permitted:
            raise StoreError(f"DATABASE_URL: {name}={value} is not supported: {reason}")


def _socket_options(parameters: Mapping[str, str]) -> tuple[tuple[int, int, int], ...]:
    """Return what to set on a TCP socket; like libpq, keepalives are on by default."""
    on = _number("keepalives", parameters.get("keepalives") or "1", int) != 0
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] if on else []
    for name, (option, level) in SOCKET_OPTIONS.items():
        number = _number(name, parameters.get(name) or "0", int)
        if number <= 0 or (name != "tcp_user_timeout" and not on):
            continue
        if not hasattr(socket, option):
            raise StoreError(f"DATABASE_URL: {name} is not supported: this system has no {option}")
        options.append((level, getattr(socket, option), number))
    return tuple(options)


def _number(name: str, value: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(value)
    except ValueError:
        raise StoreError(f"DATABASE_URL: {name}={value} is not a whole number") from None


def _shown(url: str) -> str:
    """Return the URL with its hosts and its database only, and with the user."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    query = {name: value for name, value in parse_qsl(parts.query) if name in ("host", "service")}
    return unquote(
        urlunsplit((parts.scheme, f"{user}{at}{hosts}", parts.path, urlencode(query), ""))
    )
