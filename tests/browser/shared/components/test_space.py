"""The component “space” in a real browser: drawn around, clicked, moved about, by pointer, keys and fingers."""

import re
from collections.abc import Callable, Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import BLANK, open_blank, open_page
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("space.py")


def canvas(page: Page) -> Locator:
    return page.get_by_role("application")


def chosen(page: Page, *indices: int, near: int | None = None) -> None:
    expect(page.get_by_text(re.compile("^chosen "))).to_have_text(f"chosen {list(indices)}, near {near}")


def opened(page: Page, address: str = "", opening: Callable[[Page, str], None] = open_blank) -> dict:
    """The canvas' box, once all is drawn; the four pictures lie in its corners."""
    opening(page, address)
    expect(canvas(page)).to_have_attribute("data-frames", re.compile(r"\d"))
    return canvas(page).bounding_box()


def around(page: Page, box: dict, *corners: tuple[float, float]) -> None:
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in [*places[1:], places[0]]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


LEFT = ((0.005, 0.01), (0.4, 0.01), (0.4, 0.99), (0.005, 0.99))


def test_what_is_drawn_around_is_selected_and_let_go_of(page: Page):
    box = opened(page, opening=open_page)
    chosen(page)
    for _ in range(2):
        around(page, box, *LEFT)
        chosen(page, 0, 2)
        expect(page.locator(".told")).to_have_text("2 shown below")
        page.get_by_role("button", name="Let go").click()
        chosen(page)
        expect(page.get_by_role("button", name="Let go")).to_be_disabled()
    around(page, box, (0.45, 0.4), (0.55, 0.4), (0.55, 0.6))
    chosen(page)  # nothing is there
    expect(page.locator(".legend li")).to_have_text(["<b>one</b>", "two", "three", "four"])


def corner(page: Page, index: int) -> tuple[float, float]:
    """Where one of the four pictures is, on the page: as the component says it draws them."""
    box = canvas(page).bounding_box()
    edge = 16 + 1.2 * min(48, box["width"] / 12)
    scale = min((box["width"] - edge) / 1.0, (box["height"] - edge) / 0.5)
    x, y = (-0.5, 0.5)[index % 2], (-0.25, 0.25)[index // 2]
    return box["x"] + box["width"] / 2 + x * scale, box["y"] + box["height"] / 2 + y * scale


def test_a_click_asks_for_the_nearest_and_the_pointer_enlarges(page: Page):
    opened(page)
    page.mouse.move(*corner(page, 3))
    expect(page.locator(".large figcaption")).to_have_text("picture 3 · four")
    page.mouse.move(*corner(page, 0))
    expect(page.locator(".large figcaption")).to_have_text("picture 0 · <b>one</b>")
    page.mouse.click(*corner(page, 1))
    chosen(page, 1, near=1)
    page.mouse.click(*corner(page, 2))
    chosen(page, 2, near=2)


def test_what_is_pointed_at_is_enlarged_though_the_pictures_come_later(page: Page):
    asked = []
    page.route("**/media/*.jpg", lambda route: asked.append(route))
    page.goto(f"/{BLANK}", wait_until="commit")
    expect(canvas(page)).to_have_attribute("data-frames", re.compile(r"\d"))
    page.mouse.move(*corner(page, 3))
    large = page.locator(".large")
    for _ in range(2):
        page.mouse.move(*corner(page, 3))
        expect(large).to_be_hidden()
    assert asked
    page.unroute("**/media/*.jpg")  # what was held goes on
    expect(large).to_be_visible()
    expect(large.locator("figcaption")).to_have_text("picture 3 · four")


def test_keys_go_from_picture_to_picture_select_and_ask(page: Page):
    opened(page, opening=open_page)
    page.get_by_role("button", name="All of it").focus()
    page.keyboard.press("Tab")
    expect(canvas(page)).to_be_focused()
    expect(page.get_by_text("Shift with an arrow key goes to the next picture there")).to_be_in_viewport()
    card, spoken = page.locator(".large figcaption"), page.locator(".spoken")
    for key, name in (("Right", "0 · <b>one</b>"), ("Right", "1 · two"), ("Down", "3 · four"), ("Down", "3 · four")):
        page.keyboard.press(f"Shift+Arrow{key}")
        expect(card).to_have_text(f"picture {name}")
        expect(spoken).to_have_text(f"picture {name}")
    page.keyboard.press("Space")
    chosen(page, 3)
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Space")
    chosen(page, 3, 2)
    page.keyboard.press("Space")
    chosen(page, 3)
    page.keyboard.press("Enter")
    chosen(page, 2, near=2)
    page.keyboard.press("Shift+ArrowUp")
    expect(card).to_have_text("picture 0 · <b>one</b>")


def test_keys_bring_the_next_picture_into_sight(page: Page):
    opened(page)
    canvas(page).focus()
    page.keyboard.press("Shift+ArrowUp")
    for _ in range(4):
        page.keyboard.press("+")
    for key, name in (("Right", "1 · two"), ("Down", "3 · four"), ("Left", "2 · three")):
        page.keyboard.press(f"Shift+Arrow{key}")
        expect(page.locator(".large figcaption")).to_have_text(f"picture {name}")
        box, at = canvas(page).bounding_box(), page.locator(".large").bounding_box()
        assert box["x"] <= at["x"] + at["width"] / 2 <= box["x"] + box["width"]
        assert box["y"] <= at["y"] + at["height"] / 2 <= box["y"] + box["height"]


def test_the_plane_is_moved_and_brought_closer(page: Page):
    box = opened(page)
    canvas(page).focus()
    page.keyboard.press("+")
    expect(canvas(page)).to_have_attribute("data-zoom", "1.50")
    page.keyboard.press("-")
    expect(canvas(page)).to_have_attribute("data-zoom", "1.00")
    page.mouse.move(*corner(page, 0))
    page.mouse.wheel(0, -400)
    expect(canvas(page)).to_have_attribute("data-zoom", "2.72")
    page.mouse.click(*corner(page, 0))  # what lay under the pointer stays there
    chosen(page, 0, near=0)
    page.get_by_role("button", name="All of it").click()
    expect(canvas(page)).to_have_attribute("data-zoom", "1.00")
    page.get_by_role("radio", name="Move").click()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    start = corner(page, 0)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 50, middle[1] + 40, steps=5)
    page.mouse.up()
    page.mouse.move(start[0] + 50, start[1] + 40)
    expect(page.locator(".large figcaption")).to_have_text("picture 0 · <b>one</b>")
    chosen(page, 0, near=0)
    canvas(page).press("Escape")
    chosen(page)


def test_thousands_of_pictures_are_drawn_and_selected(page: Page):
    box = opened(page, "?count=2000")
    around(page, box, (0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99))
    expect(page.locator(".told")).to_have_text("2,000 shown below")
    page.get_by_role("button", name="Closer").click()
    expect(canvas(page)).to_have_attribute("data-zoom", "1.50")
