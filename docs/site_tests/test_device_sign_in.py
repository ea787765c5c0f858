"""Signing an agent in, in a browser: by keyboard, on a phone, in the dark, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from contrast import CONTRAST
from playwright.sync_api import Browser, Page, expect
from reference_in_browser import ADA, foreign, running

from agentserver import Client
from agentserver._device import DeviceCode, DeviceFlow, Pending, Tokens

PHONE: Any = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as url:
        with Client(url, **ADA) as client:
            client.auth.register(**ADA)
            client.workspaces.create(name="Loom " + "of a long name " * 12)
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture
def code(client: Client) -> DeviceCode:
    return DeviceFlow(client).start()


@pytest.fixture(params=["with scripts", "without scripts"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a phone in the dark, which requests nothing of another host."""
    context = browser.new_context(
        viewport=PHONE,
        color_scheme="dark",
        java_script_enabled=request.param == "with scripts",
    )
    page, faults = context.new_page(), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Policy" in said.text else None)
    page.on("request", lambda sent: faults.append(sent.url) if foreign(sent.url) else None)
    yield page
    context.close()
    assert not faults


def sign_in(page: Page) -> None:
    """By keyboard: the first field has the focus."""
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(ADA["email"])
    page.keyboard.press("Tab")
    page.keyboard.type(ADA["password"])
    page.keyboard.press("Enter")


def test_an_agent_is_approved_by_keyboard_from_link_to_token(
    page: Page, client: Client, code: DeviceCode
) -> None:
    page.goto(code.verification_uri_complete)
    sign_in(page)
    expect(page.get_by_text(code.user_code)).to_be_visible()
    expect(page.get_by_label("Workspace")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    assert isinstance(DeviceFlow(client).poll(code), Tokens)


def test_a_code_is_typed_and_denied(page: Page, client: Client, code: DeviceCode) -> None:
    page.goto(code.verification_uri)
    sign_in(page)
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type("bbbb bbbb")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There is no request with this code.")
    page.get_by_label("Code").fill(code.user_code.lower().replace("-", " "))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading", name="Denied")).to_be_visible()
    page.goto(code.verification_uri_complete)
    expect(page.get_by_role("alert")).to_have_text("This code has been used already.")


def test_a_wrong_password_is_told_and_the_code_is_kept(page: Page, code: DeviceCode) -> None:
    page.goto(code.verification_uri_complete)
    page.get_by_label("E-mail address").fill(ADA["email"])
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("is wrong")
    sign_in(page)
    expect(page.get_by_text(code.user_code)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_and_can_be_read(
    browser: Browser, code: DeviceCode, width: int, scheme: Any
) -> None:
    viewport: Any = {"width": width, "height": 844}
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()

    def check(what: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what
        assert (
            page.evaluate(CONTRAST.replace('querySelector("article")', 'querySelector("main")'))
            == []
        ), what
        unlabelled = "[...document.querySelectorAll('input:not([type=hidden]), select')]"
        assert page.evaluate(f"{unlabelled}.filter(each => !each.labels.length).length") == 0, what
        small = "[...document.querySelectorAll('input:not([type=hidden]), select, button')]"
        assert page.evaluate(f"{small}.every(each => each.offsetHeight >= 44)"), what

    page.goto(code.verification_uri)
    check("sign in")
    page.get_by_label("E-mail address").fill(ADA["email"])
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    check("sign in again")
    sign_in(page)
    expect(page.get_by_label("Code")).to_be_visible()
    check("enter the code")
    page.goto(f"{code.verification_uri}?user_code=BBBB-BBBB")
    check("a wrong code")
    page.goto(code.verification_uri_complete)
    check("approve")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading", name="Denied")).to_be_visible()
    check("denied")
    context.close()


def test_another_site_cannot_show_the_page_inside_of_its_own(
    browser: Browser, server: str, tmp_path: Path, code: DeviceCode
) -> None:
    evil = tmp_path / "evil.html"
    evil.write_text(f'<iframe src="{code.verification_uri_complete}"></iframe>', encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(evil.as_uri())
    frame = page.frames[1]
    assert frame.get_by_label("E-mail address").count() == 0
    context.close()


def test_another_site_cannot_send_the_form(
    browser: Browser, client: Client, tmp_path: Path, code: DeviceCode
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(code.verification_uri_complete)
    sign_in(page)
    expect(page.get_by_label("Workspace")).to_be_visible()
    fields = {
        name: page.locator(f"[name={name}]").input_value()
        for name in ("user_code", "form_token", "workspace_id")
    }
    inputs = "".join(f'<input name="{name}" value="{text}">' for name, text in fields.items())
    evil = tmp_path / "evil.html"
    evil.write_text(
        f'<form method="post" action="{code.verification_uri}">{inputs}'
        '<button name="decision" value="approve">Win a prize</button></form>',
        encoding="utf-8",
    )
    page.goto(evil.as_uri())
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert isinstance(DeviceFlow(client).poll(code), Pending)
    context.close()


def test_the_address_is_no_secret_of_a_browser(server: str) -> None:
    answer = httpx.get(f"{server}/oauth2/device")
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in answer.headers
