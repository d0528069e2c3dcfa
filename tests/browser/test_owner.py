"""Whose projects are whose: the same text in all sessions of a browser, and another one in another browser."""

import re
from collections.abc import Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import open_page, settle
from playwright.sync_api import Browser, BrowserContext, Page, expect

from visionlab.ui.shared.components.owner import COOKIE, WELL_FORMED

WORDS = ("above", "owner", "below")  # the lines of the demo; the component stands before the second


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("owner.py")


def owner(page: Page) -> str:
    """The text that the page shows, once the browser keeps it."""
    line = page.get_by_text(re.compile("^owner "))
    expect(line).to_be_visible()
    page.wait_for_function("(name) => document.cookie.includes(name)", arg=COOKIE)
    return line.inner_text().removeprefix("owner ")


def kept(context: BrowserContext) -> dict:
    (cookie,) = [cookie for cookie in context.cookies() if cookie["name"] == COOKIE]
    return cookie


def test_the_same_in_every_session_of_a_browser(page: Page):
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


@pytest.mark.parametrize("value", ["short", "x" * 33, "<img src=x onerror=alert(1)>abcd", "/" * 32])
def test_a_malformed_one_is_replaced(page: Page, server: str, value: str):
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": server}])
    open_page(page, "")
    expect(page.get_by_text(re.compile(r"^owner [\w-]{32}$"))).to_be_visible()
    page.wait_for_function("([name, value]) => !document.cookie.includes(`${name}=${value}`)", arg=[COOKIE, value])
    found = owner(page)
    assert found != value
    assert kept(page.context)["value"] == found
    page.reload()
    assert owner(page) == found


def test_of_two_that_a_browser_is_given_at_once_one_stays(page: Page):
    """Another page of the browser sets its own when this one's session has begun without."""
    theirs = "b" * 32
    page.add_init_script(
        f"""
        const Plain = window.WebSocket;
        window.WebSocket = class extends Plain {{
            constructor(...given) {{
                super(...given);
                this.addEventListener("open", () => (document.cookie = "{COOKIE}={theirs}; path=/"));
            }}
        }};
        """
    )
    open_page(page, "")
    expect(page.get_by_text(f"owner {theirs}")).to_be_visible()
    assert kept(page.context)["value"] == theirs


def test_it_takes_no_room(page: Page):
    open_page(page, "")
    owner(page)
    above, between, below = (page.get_by_text(re.compile(f"^{word}")).bounding_box() for word in WORDS)
    assert between["y"] - above["y"] == below["y"] - between["y"]
