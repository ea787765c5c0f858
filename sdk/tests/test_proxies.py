"""Which proxy is used, and which hosts ``NO_PROXY`` excludes."""

from __future__ import annotations

import pytest

from agentserver import Client
from agentserver._proxies import is_excluded, proxy_for

# By entry of NO_PROXY: hosts that it excludes, and hosts that it does not.
ENTRIES: dict[str, tuple[list[str], list[str]]] = {
    "*": (["example.com", "10.0.0.1", "::1"], []),
    "example.com": (
        ["example.com", "a.example.com", "EXAMPLE.com", "example.com."],
        ["badexample.com"],
    ),
    ".example.com": (["a.example.com", "example.com"], ["example.org"]),
    "*.example.com": (["a.b.example.com", "example.com"], ["anexample.com"]),
    "Example.COM.": (["example.com", "example.com."], ["com"]),
    "example.com:8443": (
        ["example.com:8443", "a.example.com:8443"],
        ["example.com", "example.com:80"],
    ),
    "http://example.com": (["example.com"], ["example.org"]),
    "10.0.0.1": (["10.0.0.1"], ["10.0.0.10", "110.0.0.1", "a.10.0.0.1"]),
    "10.0.0.1:8080": (["10.0.0.1:8080"], ["10.0.0.1"]),
    "10.0.0.0/8": (["10.1.2.3"], ["11.0.0.1", "example.com", "::1"]),
    "10.0.0.7/8": (["10.1.2.3"], ["11.0.0.1"]),
    "192.168.0.0/255.255.0.0": (["192.168.7.1"], ["192.169.0.1"]),
    "::1": (["::1", "0:0:0:0:0:0:0:1"], ["::2", "127.0.0.1"]),
    "[::1]": (["::1"], ["::2"]),
    "[::1]:8080": (["::1:8080"], ["::1"]),
    "fd00::/8": (["fd12::1"], ["fe80::1", "10.0.0.1"]),
    "bücher.example": (["xn--bcher-kva.example"], ["bucher.example"]),
    "a.example b.example\tc.example": (["a.example", "b.example", "c.example"], ["d.example"]),
    " a.example , ,b.example,": (["a.example", "b.example"], ["", "example"]),
    "localhost,127.0.0.1": (["localhost", "127.0.0.1"], ["localhost.example"]),
    "10.0.0.0/99, example.com:port, [, :80, /": ([], ["10.0.0.1", "example.com", "x"]),
}


def host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host and port in ("80", "8080", "8443"):
        return host, int(port)
    return text, 443


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_proxy_is_read_in_every_form(entry) -> None:
    excluded, others = ENTRIES[entry]
    for host in excluded:
        assert is_excluded(*host_and_port(host), entry), host
    for host in others:
        assert not is_excluded(*host_and_port(host), entry), host


def proxy_to(host: str, scheme: str = "https", base: str = "https://agents.example") -> str | None:
    connection = Client(base)._shared.connection
    found = proxy_for((scheme, host, 443), connection)
    return found and found.reveal()


def test_the_environment_has_a_proxy_for_each_scheme(monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://other.example:3128")
    monkeypatch.setenv("no_proxy", "inner.example, 10.0.0.0/8")
    assert proxy_to("agents.example") == "http://proxy.example:3128"
    assert proxy_to("agents.example", "http") == "http://other.example:3128"
    assert proxy_to("a.inner.example") is proxy_to("10.1.2.3") is None


def test_names_in_upper_case_count_too_and_one_proxy_serves_all(monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inner.example")
    assert proxy_to("agents.example") == "http://proxy.example:3128"
    assert proxy_to("inner.example") is None


def test_no_proxy_alone_means_none(monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "inner.example")
    assert proxy_to("agents.example") is None


def test_a_server_on_this_machine_is_asked_directly(monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    assert proxy_to("127.0.0.1", "http", "http://127.0.0.1:8080") is None
