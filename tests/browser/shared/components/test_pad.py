"""The component “pad” in a real browser: drawing, moving, clearing, and what the server hears of it."""

import re
from collections.abc import Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import open_blank, open_page
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser
SIDE = 16
SQUARE = [[7, 7], [7, 8], [8, 7], [8, 8]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("pad.py")


def canvas(page: Page) -> Locator:
    return page.get_by_role("application")


def light(page: Page, places: list[list[int]]) -> None:
    expect(page.get_by_text(re.compile("^light "))).to_have_text(f"light {places}")


def at(page: Page, row: float, column: float) -> tuple[float, float]:
    """The middle of a pixel of the pad, on the page."""
    box = canvas(page).bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / SIDE, box["y"] + box["height"] * (row + 0.5) / SIDE


def drag(page: Page, *places: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(page, *place), steps=5)
    page.mouse.up()


def moved(places: list[list[int]], down: int, right: int) -> list[list[int]]:
    return [[row + down, column + right] for row, column in places]


def shares(page: Page) -> list[str]:
    return page.locator(".bars .share").all_inner_texts()


def test_an_example_is_there_at_once_and_is_answered(page: Page):
    open_blank(page)
    light(page, SQUARE)
    expect(page.locator(".bars .name")).to_have_text(["<b>right</b>", "down"])
    assert shares(page) == ["50.0% · right", "50.0% · right"]
    expect(page.locator(".what")).to_have_text("Where the light is")


def test_it_is_dragged_and_moved_by_keys_and_the_bars_follow(page: Page):
    open_blank(page)
    light(page, SQUARE)
    drag(page, (7, 7), (9, 12))
    light(page, moved(SQUARE, 2, 5))
    expect(page.locator(".place")).to_have_text("Moved 5 px right, 2 px down.")
    expect(page.locator(".bars .share").first).to_have_text("83.3% · right")
    canvas(page).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    light(page, moved(SQUARE, 1, 1))
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    light(page, [])  # off the pad, and back
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    light(page, moved(SQUARE, 1, 1))


def test_what_an_example_is_and_whether_each_is_right_is_told_as_long_as_it_is_whole(page: Page):
    open_blank(page)
    about, bars = page.locator(".about"), page.locator(".bars .share")
    for _ in range(2):
        expect(about).to_have_text("A <b>square</b>.")
        drag(page, (7, 7), (7, 3))
        expect(bars).to_have_text(["23.3% · wrong", "50.0% · right"])
        drag(page, (7, 3), (7, 0))
        expect(about).to_have_text("")
        expect(bars).to_have_text(["3.3%", "50.0%"])
        drag(page, (7, 0), (7, 7))
        expect(bars).to_have_text(["50.0% · right", "50.0% · right"])
        page.get_by_role("radio", name="Draw").click()
        page.mouse.click(*at(page, 14, 14))
        expect(about).to_have_text("")
        expect(bars.first).not_to_contain_text("·")
        page.get_by_role("button", name="Another example").click()
        light(page, [[7, 7]])
        expect(about).to_have_text("")
        expect(bars.first).not_to_contain_text("·")
        page.get_by_role("button", name="Another example").click()


def test_one_draws_clears_and_takes_another_example(page: Page):
    open_blank(page)
    light(page, SQUARE)
    page.get_by_role("button", name="Clear").click()
    light(page, [])
    expect(page.get_by_role("radio", name="Draw")).to_be_checked()
    drag(page, (3, 2), (3, 9))
    light(page, [[3, column] for column in range(2, 10)])
    page.get_by_role("radio", name="Move").click()
    drag(page, (8, 8), (10, 8))
    light(page, [[5, column] for column in range(2, 10)])
    page.get_by_role("radio", name="Move").press("ArrowLeft")
    expect(page.get_by_role("radio", name="Draw")).to_be_focused()
    page.mouse.click(*at(page, 14, 14))
    light(page, [*([5, column] for column in range(2, 10)), [14, 14]])
    page.get_by_role("button", name="Another example").click()
    light(page, [[7, 7]])
    expect(page.get_by_text("brightest 200")).to_be_visible()
    canvas(page).press("Delete")
    light(page, [])


def test_a_finger_moves_and_draws_and_scrolls_beside_the_pad_alone(browser: Browser, server: str):
    context = browser.new_context(base_url=server, viewport={"width": 500, "height": 480}, has_touch=True)
    page = context.new_page()
    open_page(page, "")
    light(page, SQUARE)
    touch, main = context.new_cdp_session(page), page.get_by_test_id("stMain")

    def swipe(*places: tuple[float, float]) -> None:
        points = [dict(zip("xy", place, strict=True)) for place in places]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
        for point in points[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def scrolled() -> float:
        return main.evaluate("main => main.scrollTop")

    canvas(page).scroll_into_view_if_needed()
    before = scrolled()
    swipe(*(at(page, row, 7) for row in range(7, 2, -1)))
    light(page, moved(SQUARE, -4, 0))
    page.get_by_role("button", name="Clear").tap()
    light(page, [])
    swipe(*(at(page, row, 4) for row in range(12, 1, -1)))
    light(page, [[row, 4] for row in range(2, 13)])
    assert scrolled() == before
    beside = canvas(page).bounding_box()["x"] + canvas(page).bounding_box()["width"] + 40
    swipe(*((beside, 400 - 20 * step) for step in range(15)))
    page.wait_for_function(
        "before => document.querySelector('[data-testid=stMain]').scrollTop > before + 20", arg=before
    )
    context.close()


def test_nothing_waits_in_a_queue_and_the_last_drawing_is_heard(page: Page):
    open_page(page, "")  # in which a stroke takes longer than a run: all of it would be sent
    light(page, SQUARE)
    before = int(page.get_by_text(re.compile(r"^runs \d+$")).inner_text().split()[1])
    page.mouse.move(*at(page, 7, 7))
    page.mouse.down()
    for i in range(60):
        page.mouse.move(*at(page, 7 + i % 5, 7 - i % 4))
    page.mouse.move(*at(page, 2, 3))
    page.mouse.up()
    light(page, moved(SQUARE, -5, -4))
    after = int(page.get_by_text(re.compile(r"^runs \d+$")).inner_text().split()[1])
    assert after - before < 40, "far fewer runs than the pointer had places"


def test_a_reload_begins_anew_and_another_run_of_the_page_changes_nothing(page: Page):
    open_page(page, "")
    light(page, SQUARE)
    drag(page, (7, 7), (7, 9))
    light(page, moved(SQUARE, 0, 2))
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".place")).to_have_text("Moved 2 px right.")
    light(page, moved(SQUARE, 0, 2))
    page.reload()
    light(page, SQUARE)
