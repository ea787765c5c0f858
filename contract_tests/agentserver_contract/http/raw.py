"""What no HTTP library would send: bytes as they are, and requests that end at the same time."""

from __future__ import annotations

import shlex
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

import httpx

from agentserver_contract.http.messages import Request, Response, grouped
from agentserver_contract.http.target import Target

_LONGEST_SHOWN = 200
_ON_THE_WAY = 0.005
"""Seconds in which a server reads what has been sent."""


def send_bytes(target: Target, request: Request, data: bytes) -> Response | None:
    """Send bytes on a connection of their own, and return the answer; None if the server hangs up.

    Args:
        target: A server that is listening, and is asked through no proxy of this machine.
        request: What the bytes are most like: it is shown to the hooks.
        data: All that is sent.

    Raises:
        Blocked: The guard does not let the request out.
        TimeoutError: The server waits for more.
        ServerUnreachable: The server is gone.
    """
    target.before(request)
    try:
        connection = _connection(target)
    except OSError as error:
        target.lost(request, httpx.ConnectError(str(error)))
        return None
    try:
        with connection:
            with suppress(OSError):  # a server may refuse before it has read everything
                connection.sendall(data)
            with HTTPResponse(connection, method=request.method) as response:
                response.begin()
                return Response(response.status, grouped(response.getheaders()), response.read())
    except TimeoutError:
        raise
    except (OSError, HTTPException) as error:
        target.lost(request, httpx.ReadError(str(error)))
        return None


def reaches_server_itself(target: Target) -> bool:
    """Whether a connection of one's own reaches the server."""
    return target.app is None and target.environment.proxy is None


def send_at_once(target: Target, requests: Sequence[Request]) -> list[Response]:
    """Send requests that end at the same time, and return their answers.

    Of each, everything but its last byte is sent first, on a connection of its own. What a server
    does until then takes the longest, and no request gets ahead of the others by it.

    Args:
        target: A server that is listening, and is asked through no proxy of this machine.
        requests: The requests, none of them in chunks.

    Raises:
        Blocked: The guard does not let one of them out.
        httpx.TransportError: The server hung up, or does not answer in time.
        ServerUnreachable: The server is gone.
    """
    for request in requests:
        target.before(request)
    request, answers = requests[0], []
    with ExitStack() as opened:
        try:
            sent = []
            for request in requests:
                connection = opened.enter_context(_connection(target))
                data = _as_bytes(target, request)
                connection.sendall(data[:-1])
                sent.append((connection, data[-1:]))
            time.sleep(_ON_THE_WAY)
            for connection, last in sent:
                with suppress(OSError):  # a server may refuse before it has read everything
                    connection.sendall(last)
            for request, (connection, _) in zip(requests, sent, strict=True):
                answers.append(_read(connection, request))
        except (OSError, HTTPException) as error:
            is_late = isinstance(error, TimeoutError)
            failure = (httpx.ReadTimeout if is_late else httpx.ReadError)(str(error))
            target.lost(request, failure)
            raise failure from error
    for request, answer in zip(requests, answers, strict=True):
        target.after(request, answer)
    return answers


def _as_bytes(target: Target, request: Request) -> bytes:
    """A request as it is sent."""
    whole = request.to_httpx(target.base_url, {})
    lines = [
        b"%s %s HTTP/1.1" % (whole.method.encode(), whole.url.raw_path),
        *(b"%s: %s" % header for header in whole.headers.raw),
    ]
    return b"\r\n".join([*lines, b"", whole.read()])


def _read(connection: socket.socket, request: Request) -> Response:
    with HTTPResponse(connection, method=request.method) as response:
        response.begin()
        headers = response.getheaders()
        return Response.from_httpx(
            httpx.Response(response.status, headers=headers, content=response.read())
        )


class Unfinished:
    """A request that is begun, and never finished, on a connection of its own.

    Args:
        target: A server that is listening, and is asked through no proxy of this machine.
        request: What it is most like: it is shown to the hooks.
        data: All that is sent.

    Raises:
        Blocked: The guard does not let the request out.
        OSError: There is no connection.
    """

    def __init__(self, target: Target, request: Request, data: bytes) -> None:
        target.before(request)
        self._connection = _connection(target)
        self._connection.sendall(data)

    def fileno(self) -> int:
        """The connection, for those who wait until something comes."""
        return self._connection.fileno()

    def answer(self, patience: float) -> Response | None:
        """What the server answers; None where it has not given the request up.

        Args:
            patience: For how many seconds to wait for it.

        Raises:
            HTTPException: The server hung up without an answer.
            OSError: It broke the connection.
        """
        self._connection.settimeout(patience)
        response = HTTPResponse(self._connection)
        try:
            response.begin()
            return Response(response.status, grouped(response.getheaders()), response.read())
        except TimeoutError:
            return None
        finally:
            response.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def as_command(base_url: str, data: bytes) -> str:
    """A shell command that sends the bytes; what is very long is shortened."""
    text = data.decode("latin-1")
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[:_LONGEST_SHOWN]}... ({len(data)} bytes)"
    host, port, is_tls = _address(base_url)
    sender = f"openssl s_client -quiet -connect {host}:{port}" if is_tls else f"nc {host} {port}"
    return f"printf %b {shlex.quote(text.encode('unicode_escape').decode())} | {sender}"


def _connection(target: Target) -> socket.socket:
    host, port, is_tls = _address(target.base_url)
    plain = socket.create_connection((host, port), timeout=target.timeout)
    return target.environment.tls().wrap_socket(plain, server_hostname=host) if is_tls else plain


def _address(base_url: str) -> tuple[str, int, bool]:
    parts = urlsplit(base_url)
    is_tls = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if is_tls else 80), is_tls
