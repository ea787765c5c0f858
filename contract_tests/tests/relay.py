"""A proxy in front of a server, which changes answers as proxies do, or dies."""

from __future__ import annotations

import gzip
import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_OF_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass
class Relayed:
    """An answer on its way to the caller."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    accepts: str
    """The encodings that the caller accepts."""


@dataclass
class Relay:
    """What a proxy does, and what it has seen."""

    change: Callable[[Relayed], None] = lambda relayed: None
    dies_after: int = 2**31
    """After how many requests it closes every connection and listens no more."""
    protocol: str = "HTTP/1.1"
    refuses: Callable[[str, str], int] = lambda method, path: 0
    """The status with which it answers a method and a path by itself; 0 where it does not."""
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends each request on, and its answer back."""

    server: Server
    disable_nagle_algorithm = True
    wbufsize = -1

    @property
    def protocol_version(self) -> str:  # type: ignore[override]
        """The version of HTTP in which answers are sent."""
        return self.server.relay.protocol

    def do_any(self) -> None:
        """Relay one request, whatever its method."""
        relay = self.server.relay
        with relay.lock:
            relay.requests += 1
            is_dead = relay.requests > relay.dies_after
        if is_dead:
            self.server.socket.close()
            self.close_connection = True
            return
        if refused := relay.refuses(self.command, self.path):
            answer = Relayed(refused, [("Content-Type", "text/html")], b"<html>no</html>", "")
        else:
            answer = self._forwarded()
            relay.change(answer)
        self._send(answer)

    def _forwarded(self) -> Relayed:
        length = int(self.headers.get("content-length") or 0)
        with closing(http.client.HTTPConnection(self.server.host, self.server.to_port)) as to:
            to.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                to.putheader(name, value)
            to.endheaders(self.rfile.read(length) if length else None)
            response = to.getresponse()
            headers = [each for each in response.getheaders() if _is_kept(each[0])]
            if self.command == "HEAD":
                told = response.getheader("content-length")
                headers += [("Content-Length", told)] if told is not None else []
            accepts = self.headers.get("accept-encoding", "")
            return Relayed(response.status, headers, response.read(), accepts)

    def _send(self, answer: Relayed) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in (204, 304) and self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.do_any
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Not into the test's output."""


class Server(http.server.ThreadingHTTPServer):
    """Listens for a relay."""

    daemon_threads = True

    def __init__(self, to: str, relay: Relay) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.relay = relay
        parts = urlsplit(to)
        self.host, self.to_port = parts.hostname or "", parts.port

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is what these tests are about."""


def _is_kept(header: str) -> bool:
    return header.lower() not in _OF_CONNECTION


@contextmanager
def relayed(to: str, relay: Relay) -> Iterator[str]:
    """The URL of a proxy in front of the server at `to`."""
    with Server(to, relay) as server:
        thread = threading.Thread(target=_serve, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        if relay.requests <= relay.dies_after:
            server.shutdown()
            thread.join()


def _serve(server: http.server.HTTPServer) -> None:
    try:
        server.serve_forever(poll_interval=0.05)
    except (OSError, ValueError):
        return  # the socket was closed: it is dead


def compressed(answer: Relayed) -> None:
    """As a proxy does that compresses, adds its headers, and writes names its own way."""
    answer.headers = [(name.title(), value) for name, value in answer.headers]
    answer.headers += [("Via", "1.1 relay"), ("Server", "relay"), ("Vary", "Accept-Encoding")]
    if answer.body and "gzip" in answer.accepts:
        answer.body = gzip.compress(answer.body)
        answer.headers.append(("Content-Encoding", "gzip"))
