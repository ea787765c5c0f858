"""The pages of the reference server for browsers: `/` and the console at `/docs`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from contrast import CONTRAST
from playwright.sync_api import Browser, Locator, Page, expect
from reference_in_browser import ADA, foreign, running
from reverse_proxy import under_prefix

from agentserver import Client

PREFIX = "/agents/one"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as url:
        with Client(url, **ADA) as client:
            client.auth.register(**ADA)
        yield url


@pytest.fixture(params=["at the root", "behind a prefix"])
def address(request: pytest.FixtureRequest, server: str) -> Iterator[str]:
    """Where the browser finds the server."""
    if request.param == "at the root":
        yield server
    else:
        with under_prefix(server, PREFIX) as url:
            yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that allows no error of a script, and no request to another host."""
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, faults = context.new_page(), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda sent: faults.append(sent.url) if foreign(sent.url) else None)
    yield page
    context.close()
    assert not faults


def sign_in(page: Page, password: str = ADA["password"]) -> None:
    form = page.locator("#sign-in")
    form.get_by_label("E-mail").fill(ADA["email"])
    form.get_by_label("Password").fill(password)
    form.get_by_role("button").click()


def execute(page: Page, operation: str) -> Locator:
    """Try an operation out, and return its block."""
    block = page.locator(f"[id$='-{operation}']")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table")).to_be_visible()
    return block


def status_of(block: Locator) -> str:
    shown = block.locator(".live-responses-table .response-col_status").last.inner_text()
    return shown.split()[0]


def copied_command(page: Page, block: Locator) -> str:
    block.locator(".own-curl").get_by_role("button", name="Copy").click()
    expect(block.locator(".own-curl").get_by_role("button", name="Copied")).to_be_visible()
    command: str = page.evaluate("navigator.clipboard.readText()")
    return command


def result_of(command: str) -> str:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


def test_who_signs_in_calls_with_examples_of_their_own(page: Page, address: str) -> None:
    page.goto(f"{address}/docs")
    sign_in(page)
    expect(page.locator("#account")).to_have_text(f"Signed in as {ADA['email']}.")
    block = execute(page, "get_workspace")
    assert status_of(block) == "200"
    expect(block.locator(".live-responses-table")).to_contain_text("Default workspace")


def test_the_command_that_is_copied_signs_in_and_the_one_that_is_shown_hides_the_password(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/docs")
    sign_in(page)
    block = execute(page, "get_current_user")
    assert '"password":"•••"' in block.locator("pre.curl").inner_text()
    assert f'"email":"{ADA["email"]}"' in result_of(copied_command(page, block))
    assert "secret" not in page.content()


def test_a_token_that_is_pasted_is_used_and_copied(page: Page, address: str, server: str) -> None:
    opened = httpx.post(f"{server}/api/auth/login", json=ADA)
    token = opened.cookies["agentserver-token"]
    page.goto(f"{address}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    cookie = page.locator(".auth-container").filter(has_text="HttpOnly")
    cookie.get_by_role("textbox").fill(token)
    cookie.get_by_role("button", name="Apply credentials").click()
    cookie.get_by_role("button", name="Close").click()
    expect(page.locator("#account")).to_have_text(f"Signed in as {ADA['email']}.")
    block = execute(page, "list_workspaces")
    assert status_of(block) == "200"
    assert token not in block.inner_text()
    assert "Default workspace" in result_of(copied_command(page, block))
    assert page.context.cookies() == [], "a pasted token is not kept"


def test_who_signs_out_is_unknown_again(page: Page, address: str) -> None:
    page.goto(f"{address}/docs")
    sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#account")).to_have_text("Not signed in.")
    assert status_of(execute(page, "get_current_user")) == "401"


def test_a_wrong_password_is_told(page: Page, server: str) -> None:
    page.goto(f"{server}/docs")
    sign_in(page, "wrong")
    expect(page.locator("#account")).to_contain_text("Not signed in: 401")


def test_an_operation_that_needs_no_session_is_copied_without_one(page: Page, server: str) -> None:
    page.goto(f"{server}/docs")
    sign_in(page)
    expect(page.locator("#account")).to_contain_text("Signed in")
    command = copied_command(page, execute(page, "check_health"))
    assert command == f"curl --silent --request GET '{server}/healthz'"


def test_the_first_page_leads_to_the_console(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("agentserver reference server")
    expect(page.locator("dl")).to_contain_text("in memory")
    page.get_by_role("link", name="API console").click()
    expect(page.get_by_text("/api/auth/login").first).to_be_visible()
    assert page.url == f"{address}/docs"


def test_the_first_page_names_the_public_address(page: Page, tmp_path: Path) -> None:
    with running(tmp_path, "--public-url", "https://host.example/prefix") as url:
        page.goto(f"{url}/")
        expect(page.locator("pre")).to_contain_text('Client("https://host.example/prefix"')
        link = page.get_by_role("link", name="API console")
        expect(link).to_have_attribute("href", "https://host.example/prefix/docs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_page_can_be_read(browser: Browser, server: str, scheme: str, width: int) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(f"{server}/")
    assert (
        page.evaluate(CONTRAST.replace('querySelector("article")', 'querySelector("main")')) == []
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
