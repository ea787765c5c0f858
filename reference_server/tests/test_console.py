"""The console at /docs, which sends requests only to the server that serves it."""

import re

import httpx
import pytest
from serving import in_memory, serving

from agentserver_reference import console
from agentserver_reference.contract import load_document

pytestmark = pytest.mark.anyio


async def test_the_console_and_all_it_needs_is_served_here(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert needed
    for address in needed:
        if not address.startswith("data:"):
            file = await client.get(address)
            assert file.status_code == 200, address
            assert file.content, address
            assert file.headers["content-type"].split(";")[0] in ("text/css", "text/javascript")


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/swagger-ui.css"])
async def test_the_browser_is_forbidden_to_ask_other_hosts(
    client: httpx.AsyncClient, path: str
) -> None:
    policy = (await client.get(path)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|unsafe-eval|script-src[^;]*unsafe", policy)


async def test_the_contract_is_served_as_it_is(client: httpx.AsyncClient) -> None:
    response = await client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == load_document()


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fswagger.html", "swagger.html", "LICENSE"])
async def test_nothing_else_of_the_package_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/docs/{name}")).status_code == 404


async def test_without_its_package_there_is_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "PACKAGE", "no_such_package")
    async with serving(in_memory()) as client:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 200
