"""The built site: links, requests to other hosts, widths, and the search."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from contrast import CONTRAST
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
        if request.failure != "net::ERR_ABORTED":  # the next page was opened before it ended
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


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("install", "install.html"),
        ("pip", "install.html"),
        ("mock", "guides/testing.html"),
        ("pytest", "guides/testing.html"),
        ("docker", "guides/server.html"),
        ("postgres", "guides/server.html"),
        ("pagination", "guides/types.html"),
        ("retry", "guides/retries.html"),
        ("timeout", "guides/retries.html"),
        ("proxy", "guides/credentials.html"),
        ("sign in", "guides/credentials.html"),
        ("login", "api/auth.html#login"),
        ("csv", "recipes/onboarding.html"),
        ("asyncio", "guides/async.html"),
        ("logging", "guides/errors.html"),
        ("backup", "guides/upgrade.html"),
        ("list users", "api/admin.html#admin_list_users"),
        ("connection refused", "guides/troubleshooting.html"),
        ("invalid credentials", "guides/troubleshooting.html"),
    ],
)
def test_search_finds_what_people_look_for_near_the_top(
    served: str, words: str, wanted: str, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(f"{served}/index.html")
    found = [link.removeprefix(f"{served}/").partition("?")[0] for link in _search(page, words)]
    fragments = [urlsplit(link).fragment for link in _search(page, words)]
    page.close()
    results = [f"{path}#{fragment}" for path, fragment in zip(found, fragments, strict=True)]
    assert any(wanted in result for result in results[:6]), results[:12]


def test_copied_commands_have_no_prompt(served: str, browser: Browser) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{served}/install.html")
    page.locator(".highlight", has_text="pip install").first.locator(".md-code__button").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text !== '')")
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()
    assert copied.splitlines()[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_button_covers_code(served: str, width: str, browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": WIDTHS[width], "height": 900})
    covered = []
    for path in _paths(site):
        page.goto(f"{served}/{path}")
        covered += page.evaluate(
            """() => [...document.querySelectorAll("pre")].filter(block => {
              const code = block.querySelector("code")?.getBoundingClientRect()
              const buttons = block.querySelector(".md-code__nav")?.getBoundingClientRect()
              return code?.width && buttons?.width && buttons.left < code.right - 1
            }).map(block => `${location.pathname}: ${block.textContent.slice(0, 40)}`)"""
        )
    page.close()
    assert not covered


def test_tables_on_a_phone_show_every_cell_with_its_heading(
    served: str, browser: Browser, site: Path
) -> None:
    page = browser.new_page(viewport={"width": WIDTHS["phone"], "height": 900})
    lost = []
    for path in _paths(site):
        page.goto(f"{served}/{path}")
        lost += page.evaluate(
            """() => [...document.querySelectorAll(".md-typeset table:not([class]) td")]
              .filter(cell => cell.checkVisibility() && cell.textContent.trim())
              .filter(cell => {
                const box = cell.getBoundingClientRect()
                const named = cell.cellIndex === 0 || cell.dataset.heading
                return !named || box.left < 0 || box.right > innerWidth || !box.height
              }).map(cell => `${location.pathname}: ${cell.textContent.slice(0, 40)}`)"""
        )
    page.close()
    assert not lost


def test_every_page_has_one_title_that_no_other_page_has(site: Path) -> None:
    titles: dict[str, list[str]] = {}
    for path in _paths(site):
        text = (site / path).read_text()
        for title in re.findall(r"<h1[^>]*>(.*?)(?:<a |</h1>)", text, re.DOTALL):
            titles.setdefault(title.strip(), []).append(path)
    assert sorted(path for paths in titles.values() for path in paths) == _paths(site)
    assert not [f"{title}: {paths}" for title, paths in titles.items() if len(paths) > 1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(served: str, scheme: str, browser: Browser, site: Path) -> None:
    page = browser.new_page(color_scheme=scheme)
    faint = set()
    for path in _paths(site):
        page.goto(f"{served}/{path}")
        faint |= set(page.evaluate(CONTRAST))
    page.close()
    assert not faint
