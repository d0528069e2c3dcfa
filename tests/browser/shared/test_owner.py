"""Whose projects are whose: the same text in all sessions of a browser, another one in another browser, and no script
reads it.
"""

import re
from collections.abc import Iterator

import pytest
from browser.demos.serving import HERE
from browser.driver import open_page, settle
from browser.servers import running_server
from playwright.sync_api import Browser, BrowserContext, Page, expect

from visionlab.ui.shared.visitor import COOKIE, WELL_FORMED


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server(HERE / "owner.py") as url:
        yield url


def owner(page: Page) -> str:
    """The text that the page shows."""
    line = page.get_by_text(re.compile("^owner "))
    expect(line).to_be_visible()
    return line.inner_text().removeprefix("owner ")


def kept(context: BrowserContext) -> dict:
    (cookie,) = [cookie for cookie in context.cookies() if cookie["name"] == COOKIE]
    return cookie


def test_the_same_in_every_session_of_a_browser_and_read_by_no_script(page: Page):
    open_page(page, "")
    first = owner(page)
    assert WELL_FORMED.fullmatch(first)
    page.get_by_role("button", name="Run again").click()
    settle(page)
    assert owner(page) == first
    page.reload()
    assert owner(page) == first
    second = page.context.new_page()
    open_page(second, "")
    assert owner(second) == first
    cookie = kept(page.context)
    assert cookie["value"] == first
    assert cookie["httpOnly"]
    assert COOKIE not in page.evaluate("document.cookie")
    assert cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/"
    now = page.evaluate("Date.now() / 1000")
    assert cookie["expires"] == pytest.approx(now + 365 * 24 * 3600, abs=600)


def test_another_one_in_another_browser(page: Page, browser: Browser, server: str):
    open_page(page, "")
    with browser.new_context(base_url=server) as context:
        other = context.new_page()
        open_page(other, "")
        assert owner(other) != owner(page)


def test_one_that_scripts_could_read_stays_and_becomes_hidden(page: Page, server: str):
    """Browsers that were here before have it so, and projects with it."""
    page.context.add_cookies([{"name": COOKIE, "value": "b" * 32, "url": server}])
    open_page(page, "")
    assert owner(page) == "b" * 32
    assert kept(page.context)["httpOnly"]


@pytest.mark.parametrize("value", ["short", "x" * 33, "<img src=x onerror=alert(1)>abcd", "/" * 32])
def test_a_malformed_one_is_replaced(page: Page, server: str, value: str):
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": server}])
    open_page(page, "")
    found = owner(page)
    assert WELL_FORMED.fullmatch(found)
    assert kept(page.context)["value"] == found != value
    page.reload()
    assert owner(page) == found
