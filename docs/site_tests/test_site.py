"""The built site: links, requests to other hosts, widths, and the search."""

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from agentserver_contract.contract.document import load

ROOT = Path(__file__).parents[2]
OPERATIONS = {
    operation.id: operation.path for operation in load(ROOT / "openapi.yaml").operations.values()
}
WIDTHS = {"desktop": 1280, "phone": 390}


class _Html(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in ("href", "src") if name in given]
        self.anchors |= {given[name] or "" for name in ("id", "name") if name in given}


def _pages(site: Path) -> dict[Path, _Html]:
    pages = {site / path: _Html() for path in _paths(site)}
    for file, page in pages.items():
        page.feed(file.read_text())
    return pages


def test_every_link_leads_to_a_page_and_an_anchor_that_exist(site: Path) -> None:
    pages = _pages(site)
    dead = []
    for file, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (file.parent / unquote(url.path)).resolve() if url.path else file
            target = target / "index.html" if target.is_dir() else target
            anchors = pages[target].anchors if target in pages else set()
            if not target.exists() or (url.fragment and unquote(url.fragment) not in anchors):
                dead.append(f"{file.relative_to(site)}: {link}")
    assert not dead


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_loads_anything_from_another_host(
    base: str, width: str, browser: Browser, site: Path
) -> None:
    asked: list[str] = []
    broken: list[str] = []

    def ask(request: Request) -> None:
        if not request.url.startswith((base, "data:", "blob:")):
            asked.append(f"{page.url} asks {request.url}")

    def fail(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the next page came first
            broken.append(f"{page.url} misses {request.url}: {request.failure}")

    page = browser.new_page(viewport={"width": WIDTHS[width], "height": 900})
    page.on("request", ask)
    page.on("requestfailed", fail)
    page.on("pageerror", lambda error: broken.append(f"{page.url}: {error}"))
    for path in _paths(site):
        page.goto(f"{base}/{path}")
    page.close()
    assert not asked
    assert not broken


def _paths(site: Path) -> list[str]:
    """Every page except the one for missing pages."""
    return sorted(
        {file.relative_to(site).as_posix() for file in site.rglob("*.html")} - {"404.html"}
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_screen(
    served: str, width: str, scheme: str, browser: Browser, site: Path
) -> None:
    size = {"width": WIDTHS[width], "height": 900}
    page = browser.new_page(viewport=size, color_scheme=scheme)
    wide = []
    for path in _paths(site):
        page.goto(f"{served}/{path}")
        if page.evaluate("document.documentElement.scrollWidth") > WIDTHS[width]:
            wide.append(path)
        shown = page.evaluate("document.body.dataset.mdColorScheme")
        assert shown == {"light": "default", "dark": "slate"}[scheme]
    page.close()
    assert not wide


@pytest.mark.parametrize("wanted", ["path", "operationId"])
def test_search_finds_every_operation(base: str, wanted: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{base}/index.html")
    missed = {}
    for operation, path in OPERATIONS.items():
        text = path if wanted == "path" else operation
        found = _search(page, text)
        if not any(link.endswith(f"#{operation}") for link in found):
            missed[text] = found
    page.close()
    assert not missed


def _search(page: Page, text: str) -> list[str]:
    """The links of a search's results."""
    field = page.locator(".md-search__input")
    links = page.locator(".md-search-result__link")
    for typed in ("", text):
        field.fill(typed)
        field.press("End")  # the search looks when a key goes up
        expect(links).to_have_count(0) if not typed else expect(links).not_to_have_count(0)
    return links.evaluate_all("all => all.map(link => link.href)")


def test_search_index_holds_every_operation_at_its_anchor(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text())
    anchors = {entry["location"].partition("#")[2] for entry in index["docs"]}
    assert OPERATIONS.keys() <= anchors
