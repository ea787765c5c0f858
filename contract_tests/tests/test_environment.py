"""Both HTTP libraries reach a server alike, and understand what a proxy does to answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
from relay import Relay, Relayed, compressed, relayed
from servers import CHEAPEST_PASSWORDS

from agentserver_contract.__main__ import BROKEN, HOLDS, main
from agentserver_contract.fixtures.accounts import email_of
from agentserver_contract.http.environment import Environment
from agentserver_contract.http.messages import Response
from agentserver_contract.http.target import Target
from agentserver_contract.http.urls import UrlError
from agentserver_contract.local_server import running

REMOTE = "http://agentserver.example"
VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR", "NETRC"),
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing but an administrator's credential."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGENTSERVER_EMAIL", email_of("admin"))
    monkeypatch.setenv("AGENTSERVER_PASSWORD", "of a server made for this test")


def test_proxy_is_for_servers_on_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert Environment.of(REMOTE).proxy == "http://proxy.example:3128"
    assert Environment.of("http://127.0.0.1:8080").proxy is None
    assert Environment.of("http://localhost:8080").proxy is None
    monkeypatch.setenv("NO_PROXY", "agentserver.example")
    assert Environment.of(REMOTE).proxy is None


def test_first_certificates_that_are_named_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first.pem", tmp_path / "second.pem"
    first.touch()
    second.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(second))
    assert Environment.of(REMOTE).certificates == str(second)
    monkeypatch.setenv("SSL_CERT_FILE", str(first))
    environment = Environment.of(REMOTE)
    assert environment.requests_options()["verify"] == str(first)


@pytest.mark.parametrize(
    ("name", "value"), [("HTTP_PROXY", "socks5://proxy:1080"), ("SSL_CERT_FILE", "/no/such.pem")]
)
def test_environment_that_is_of_no_use_is_reported(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UrlError, match=value):
        Environment.of(REMOTE)


def test_both_libraries_ask_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with relayed("http://127.0.0.1:1", Relay()) as somewhere:
        monkeypatch.setenv("HTTP_PROXY", somewhere)
        with Target(REMOTE) as target:
            assert target.environment.proxy == somewhere
            assert target.environment.requests_options()["proxies"]["http"] == somewhere


def test_password_file_of_the_user_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password of-another-host")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Target("http://127.0.0.1:1") as target, target.hooked_schemathesis():
        prepared = requests.Session().prepare_request(requests.Request("GET", target.base_url))
    assert "authorization" not in prepared.headers


def test_body_that_was_decoded_is_not_decoded_again() -> None:
    headers = {"content-type": ("application/json",), "content-encoding": ("gzip",)}
    request = httpx.Request("GET", REMOTE)
    response = Response(200, headers, b"[]")
    assert response.to_httpx(request).json() == []
    prepared = requests.Request("GET", REMOTE).prepare()
    assert response.to_requests(prepared).json() == []


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server", "--password-cost", CHEAPEST_PASSWORDS) as at:
        yield at


def untouched(answer: Relayed) -> None:
    """As the server sent it."""


@pytest.mark.parametrize(
    "relay",
    [Relay(compressed), Relay(untouched, protocol="HTTP/1.0")],
    ids=["compressed", "HTTP/1.0"],
)
def test_what_a_proxy_does_to_answers_is_no_finding(
    relay: Relay, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--layers", "roles,refusals,fuzzing", "--examples", "2", "--seed", "1"]
    with relayed(url, relay) as behind:
        status = main(["run", behind, *words, "--operation", "list_workspaces"])
    assert status == HOLDS, capsys.readouterr().out
    assert relay.requests > 50


def as_nginx(method: str, path: str) -> int:
    """What nginx answers by itself."""
    return 405 if method == "TRACE" else 400 if "%00" in path else 0


def test_what_a_proxy_refuses_by_itself_is_no_finding(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--layers", "ids,fuzzing", "--examples", "2", "--seed", "1"]
    with relayed(url, Relay(untouched, refuses=as_nginx)) as behind:
        status = main(["run", behind, *words, "--operation", "get_workspace"])
    output = capsys.readouterr().out
    assert status == HOLDS, output
    for odd in ("a NUL in a path", "the method TRACE"):
        assert f"{odd}, which a proxy in front of the server refuses by itself" in output


def test_server_that_answers_with_pages_by_itself_is_no_proxy(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(method: str, path: str) -> int:
        return as_nginx(method, path) or (404 if "no-such" in path else 0)

    words = ["--layers", "ids", "--seed", "1", "--operation", "get_workspace"]
    with relayed(url, Relay(untouched, refuses=refuses)) as behind:
        assert main(["run", behind, *words]) == BROKEN, capsys.readouterr().out
