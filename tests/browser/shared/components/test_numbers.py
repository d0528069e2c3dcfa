"""The component “numbers” in a real browser: the numbers themselves, the pointer and the keys."""

from collections.abc import Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import open_blank, open_page, settle
from playwright.sync_api import Locator, Page, expect

from visionlab.ui.shared.widgets import ink_on

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("number_grid.py")


def grid(page: Page, which: str = "grey") -> Locator:
    return page.locator(f".st-key-{which}").get_by_role("application")


def told(page: Page, which: str = "grey") -> Locator:
    return page.locator(f".st-key-{which} figcaption")


def test_every_pixel_is_its_number_on_its_grey(page: Page):
    open_blank(page)
    cells = grid(page).locator("span")
    expect(cells).to_have_text([str(20 * i) for i in range(12)])
    assert cells.nth(5).evaluate("cell => getComputedStyle(cell).backgroundColor") == "rgb(100, 100, 100)"
    inks = [cells.nth(i).evaluate("cell => getComputedStyle(cell).color") for i in range(12)]
    as_hex = {"rgb(0, 0, 0)": "#000000", "rgb(255, 255, 255)": "#ffffff"}
    assert [as_hex[ink] for ink in inks] == [ink_on((20 * i,) * 3) for i in range(12)]
    boxes = [cells.nth(i).bounding_box() for i in (0, 3, 4)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[2]["x"] == boxes[0]["x"]
    assert boxes[0]["width"] == pytest.approx(100, abs=1)


def test_the_pointer_and_the_keys_are_told_the_value(page: Page):
    open_blank(page)
    grid(page).locator("span").nth(6).hover()
    expect(told(page)).to_have_text("row 1, column 2: 120")
    page.mouse.move(5, 5)
    expect(told(page)).to_have_text("Point at a pixel for its place and value.")
    grid(page).focus()
    live = page.locator(".st-key-grey .live")
    for key, text in (
        ("Home", "row 0, column 0: 0"),
        ("ArrowRight", "row 0, column 1: 20"),
        ("ArrowDown", "row 1, column 1: 100"),
        ("End", "row 1, column 3: 140"),
        ("ArrowRight", "row 1, column 3: 140"),
        ("Home", "row 1, column 0: 80"),
        ("ArrowUp", "row 0, column 0: 0"),
        ("ArrowUp", "row 0, column 0: 0"),
    ):
        page.keyboard.press(key)
        expect(live).to_have_text(text)
        expect(told(page)).to_have_text(text)


def test_a_picture_in_colour_is_three_grids(page: Page):
    open_page(page, "")
    cells = grid(page, "colours").locator("span")
    assert cells.nth(2).inner_text() == "40"
    assert cells.nth(2).evaluate("cell => getComputedStyle(cell).backgroundColor") == "rgb(40, 0, 0)"
    page.get_by_text("Green", exact=True).click()
    settle(page)
    expect(cells.nth(2)).to_have_text("215")
    page.get_by_text("All three", exact=True).click()
    settle(page)
    expect(cells.nth(2)).to_have_text("")
    assert cells.nth(2).evaluate("cell => getComputedStyle(cell).backgroundColor") == "rgb(40, 215, 20)"
    cells.nth(2).hover()
    expect(told(page, "colours")).to_have_text("row 0, column 2: red 40, green 215, blue 20")
