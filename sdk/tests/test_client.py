"""The clients as objects: settings, what importing costs, and that both are alike."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from typing import Any

import pytest

import agentserver
from agentserver import AsyncClient, Client, ConfigurationError, Timeout


def modules_after(code: str) -> set[str]:
    """What a fresh interpreter has imported after running the code."""
    code += "\nimport sys; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_importing_the_sdk_imports_no_httpx() -> None:
    loaded = modules_after("import agentserver")
    assert "agentserver" in loaded
    assert not loaded & {"httpx", "httpcore", "attr", "asyncio", "ssl"}


def test_httpx_comes_with_the_first_request_and_asyncio_with_none_that_is_synchronous() -> None:
    made = "from agentserver import Client, ConnectionFailed\n"
    made += "c = Client('http://127.0.0.1:1', max_retries=0)\n"
    assert not modules_after(made + "c.health") & {"httpx", "ssl", "asyncio"}
    loaded = modules_after(made + "try: c.health.check()\nexcept ConnectionFailed: pass")
    assert "httpx" in loaded
    assert not loaded & {"asyncio", "anyio.abc"}, "nothing is awaited"


def test_importing_a_client_imports_nothing_that_only_calls_need() -> None:
    loaded = modules_after("from agentserver import Client")
    generated = {name for name in loaded if name.startswith("agentserver._generated.")}
    assert generated == {"agentserver._generated.resources"}
    later = {"_encode", "_http", "_model", "_schema", "pagination", "waiting"}
    assert not loaded & {f"agentserver.{name}" for name in later}
    assert not loaded & {"datetime", "email.utils", "socket"}


def test_every_public_name_can_be_had_and_is_listed() -> None:
    assert dir(agentserver) == sorted(agentserver.__all__)
    for name in agentserver.__all__:
        assert getattr(agentserver, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = agentserver.nothing


def test_no_public_signature_has_a_type_of_httpx() -> None:
    for name in agentserver.__all__:
        value = getattr(agentserver, name)
        if not inspect.isclass(value):
            continue
        for method_name, method in inspect.getmembers(value, inspect.isfunction):
            for annotation in inspect.get_annotations(method).values():
                assert "httpx" not in str(annotation), f"{name}.{method_name}: {annotation}"


def public(client: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(client) if not name.startswith("_")}


def test_both_clients_offer_the_same() -> None:
    sync, asynchronous = public(Client), public(AsyncClient)
    assert set(sync) - {"close"} == set(asynchronous) - {"aclose"}
    for name in ("with_options", "base_url"):
        assert sync[name] is asynchronous[name]
    assert inspect.signature(Client) == inspect.signature(AsyncClient)


OF_THE_CLIENT = ("base_url", "close", "aclose", "request", "with_options", "with_raw_response")


def test_every_resource_method_is_the_same_in_both() -> None:
    def methods(client: Any, at: str = "") -> typing.Iterator[tuple[str, Any]]:
        for name in dir(type(client)):
            if name.startswith("_") or name in OF_THE_CLIENT:
                continue
            value = getattr(client, name)
            if callable(value):
                parameters = inspect.signature(value).parameters
                yield at + name, [(p.name, p.kind, p.default) for p in parameters.values()]
            else:
                yield from methods(value, f"{at}{name}.")

    sync = dict(methods(Client("https://a.example")))
    assert len(sync) >= 5
    assert sync == dict(methods(AsyncClient("https://a.example")))


def test_a_client_shows_where_it_calls_and_which_credentials_it_has() -> None:
    with Client("https://agents.example/prefix/") as client:
        assert repr(client) == "Client(base_url='https://agents.example/prefix')"
    assert repr(client) == "Client(base_url='https://agents.example/prefix', closed)"
    other = AsyncClient("https://a.example", session="hidden", token="hidden")
    assert repr(other) == "AsyncClient(base_url='https://a.example', session=***, token=***)"
    login = Client("https://a.example", email="me@a.example", password="hidden")
    assert repr(login) == "Client(base_url='https://a.example', email=***)"


def test_a_resource_shows_its_client() -> None:
    client = Client("https://a.example")
    assert repr(client.workspaces.members) == f"<WorkspacesMembers of {client!r}>"
    raw = client.with_raw_response.workspaces.members
    assert repr(raw) == f"<RawWorkspacesMembers of {client!r}>"
    assert repr(client.with_raw_response) == f"<RawResources of {client!r}>"


def test_no_url_is_an_error_that_tells_how_to_give_one() -> None:
    with pytest.raises(ConfigurationError, match="base_url= or set AGENTSERVER_URL"):
        Client()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "agents.example",
        "ftp://agents.example",
        "https://",
        "https:///path",
        "https://user:pw@agents.example",
        "https://agents.example?x=1",
        "https://agents.example/#top",
        "https://agents.example?",
        "https://agents.example:99999",
        "https://agents.example:0",
        "https://agents.example:port",
        "https://[::1",
        "https://agents .example",
        "https://agents.example\r\nX: y",
        "http://localhost\\@agents.example",
        "http://localhost%00.agents.example",
    ],
)
def test_what_is_no_base_url_is_refused(url) -> None:
    with pytest.raises(ConfigurationError, match="^base_url "):
        Client(url)


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ({"timeout": 0}, "connect"),
        ({"timeout": None}, "timeout"),
        ({"timeout": float("nan")}, "connect"),
        ({"timeout": True}, "connect"),
        ({"deadline": -1}, "deadline"),
        ({"deadline": "90"}, "deadline"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"retry": "sometimes"}, "retry"),
        ({"strict": "yes"}, "strict"),
        ({"allow_insecure_http": 1}, "allow_insecure_http"),
        ({"verify": None}, "verify"),
        ({"proxy": "proxy:3128"}, "proxy"),
        ({"proxy": 7}, "proxy"),
    ],
)
def test_a_setting_out_of_its_bounds_is_refused_by_name(setting, names) -> None:
    with pytest.raises(ConfigurationError, match=f"^{names} "):
        Client("https://agents.example", **setting)


def test_a_number_stands_for_every_phase_of_a_timeout() -> None:
    client = Client("https://agents.example", timeout=3)
    assert client._options.timeout == Timeout(3, 3, 3, 3)
    assert Client("https://agents.example")._options.timeout == Timeout(5.0, 30.0, 30.0, 5.0)
