"""Path arguments: any text becomes one segment of the operation's own path, or is refused."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pkgutil import walk_packages
from threading import Thread
from types import ModuleType
from typing import Any

import httpx
import pytest

import agentserver._generated.api
from agentserver import Client
from agentserver._encode import segment
from agentserver._errors import ArgumentError

CORPUS = (
    *("a", "7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11", "...", "..x", "x..", "a.b", "~_-."),
    *("/", "//", "a/b", "../x", "x/..", "/etc/passwd", "\\..\\x"),
    *("%", "%2F", "%2f..%2f", "%2E%2E", "%00", "%zz"),
    *("?", "a?b=c", "#", "a#b", ";v=1", "a&b=c", "a+b", "a b"),
    *(" ", "\t", "\r\nX: y", "\x00", "\x7f", "{workspace_id}", "[::1]", "user@host:80", "'\"<>|^`"),
    *("é", "e\u0301", "日本", "😀", "\u202e", "\ufeff", "\u2025", "\uff0e\uff0e", "x" * 5000),
)
REFUSED = ("", ".", "..", "\ud800", "a\udfffb", None, 7, b"x", ["x"])

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def endpoints() -> list[ModuleType]:
    package = agentserver._generated.api
    found = walk_packages(package.__path__, f"{package.__name__}.")
    return [import_module(each.name) for each in found if not each.ispkg]


def placed() -> list[tuple[ModuleType, str]]:
    """Every operation with each argument of its path."""
    return [
        (endpoint, name)
        for endpoint in endpoints()
        for name in inspect.signature(endpoint.call).parameters
        if f"{{{name}}}" in endpoint.OPERATION.path
    ]


PLACED = [pytest.param(*each, id=f"{each[0].OPERATION.id}-{each[1]}") for each in placed()]


def encoded(text: str) -> str:
    """RFC 3986, sections 2.1 to 2.4, word for word."""
    return "".join(
        chr(octet) if chr(octet) in UNRESERVED else f"%{octet:02X}" for octet in text.encode()
    )


def call(endpoint: ModuleType, **path: Any) -> Any:
    arguments = {
        name: path.get(name, "x")
        for name, parameter in inspect.signature(endpoint.call).parameters.items()
        if parameter.default is parameter.empty
    }
    return endpoint.call(**arguments)


@pytest.mark.parametrize(("endpoint", "name"), PLACED)
def test_every_text_reaches_the_operation_it_was_meant_for(endpoint: ModuleType, name: str) -> None:
    for text in CORPUS:
        expected = endpoint.OPERATION.path.replace(f"{{{name}}}", encoded(text))
        for other in inspect.signature(endpoint.call).parameters:
            expected = expected.replace(f"{{{other}}}", "x")
        made = call(endpoint, **{name: text}).path
        assert made == expected, f"{text!r} as {name} went to {made}, not {expected}"
        sent = httpx.Request("GET", f"http://host{made}").url.raw_path.decode()
        assert sent == expected, f"httpx sends {text!r} as {name} as {sent}, not {expected}"


@pytest.mark.parametrize(("endpoint", "name"), PLACED)
def test_what_cannot_be_a_segment_is_refused_by_name(endpoint: ModuleType, name: str) -> None:
    for value in REFUSED:
        with pytest.raises(ArgumentError, match=f"^{name}: "):
            call(endpoint, **{name: value})


def test_there_are_operations_with_paths_to_try() -> None:
    assert len(PLACED) >= sum("{" in endpoint.OPERATION.path for endpoint in endpoints()) > 0


def test_reserved_characters_stay_where_the_contract_says_so() -> None:
    trace_id = "Az09._~:@$&+,;=-"
    assert segment("trace_id", trace_id, ":@$&+,;=") == trace_id
    assert segment("trace_id", "a/b%c d", ":@$&+,;=") == "a%2Fb%25c%20d"
    raw = httpx.URL(f"http://host/traces/{trace_id}").raw_path
    assert raw.decode() == f"/traces/{trace_id}"


@pytest.fixture
def request_lines() -> Iterator[tuple[str, list[str]]]:
    """A server on a real socket that writes down the paths it is asked for, as they come."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_DELETE(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_every_text_arrives_at_a_real_server_as_one_segment(
    request_lines: tuple[str, list[str]],
) -> None:
    url, asked = request_lines
    with Client(url, session="0" * 64) as client:
        for text in CORPUS:
            client.workspaces.members.remove(text, text)
    assert asked == [f"/api/workspaces/{encoded(text)}/members/{encoded(text)}" for text in CORPUS]
