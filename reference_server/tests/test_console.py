"""The pages at / and /docs, which send requests only to the server that serves them."""

import re
from pathlib import Path

import attrs
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
            assert address.startswith("docs/"), "relative, so that it works behind a prefix"
            file = await client.get(f"/{address}")
            assert file.status_code == 200, address
            assert file.content, address
            assert file.headers["content-type"].split(";")[0] in ("text/css", "text/javascript")


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/console.js", "/docs/swagger-ui.css"])
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


async def test_the_first_page_says_what_this_is_and_not_where_its_data_is(tmp_path: Path) -> None:
    settings = in_memory(environment={"AGENTSERVER_DATA_DIR": str(tmp_path)})
    on_disk = attrs.evolve(settings, database_url=None)
    for given, database in ((settings, "in memory"), (on_disk, "a SQLite file")):
        async with serving(given) as client:
            page = await client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert re.search(rf"<dt>Database</dt><dd>{database}", page.text)
        assert f"<dt>API version</dt><dd>{load_document()['info']['version']}</dd>" in page.text
        assert str(tmp_path) not in page.text
        assert re.findall(r'href="([^"]+)"', page.text) == ["data:,", "docs", *LINKS]


LINKS = ["openapi.json", "healthz"]


async def test_the_first_page_shows_a_host_as_text(client: httpx.AsyncClient) -> None:
    page = await client.get("/", headers={"Host": "<script>alert(1)</script>"})
    assert "<script" not in page.text


async def test_without_a_console_the_first_page_has_no_link_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console, "PACKAGE", "no_such_package")
    async with serving(in_memory()) as client:
        page = await client.get("/")
    assert re.findall(r'href="([^"]+)"', page.text) == ["data:,", *LINKS]


async def test_the_contract_names_the_public_url_as_its_server() -> None:
    async with serving(in_memory(public_url="https://host.example/prefix")) as client:
        document = (await client.get("/openapi.json")).json()
    assert [server["url"] for server in document["servers"]] == ["https://host.example/prefix"]
    assert document["paths"] == load_document()["paths"]
