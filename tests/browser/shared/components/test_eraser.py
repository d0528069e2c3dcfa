"""The component “eraser” in a real browser: rubbing out, taking back, turning over, and what the server hears of it."""

import re
from collections.abc import Callable, Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import NEVER_AFTER, open_blank, open_page
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser
WIDTH, HEIGHT = 80, 40  # of the mask


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("eraser.py")


def canvas(page: Page) -> Locator:
    return page.get_by_role("application")


def corners(page: Page, *gone: int) -> None:
    """Which corners of the picture are gone: above left, above right, below left, below right."""
    expect(page.get_by_text(re.compile("^corners "))).to_have_text(f"corners {list(gone)}")


def at(page: Page, row: float, column: float) -> tuple[float, float]:
    box = canvas(page).bounding_box()
    return box["x"] + box["width"] * column / WIDTH, box["y"] + box["height"] * row / HEIGHT


def rub(page: Page, *places: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(page, *place), steps=5)
    page.mouse.up()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def opened(page: Page, opening: Callable[[Page, str], None] = open_blank) -> None:
    opening(page, "")
    expect(page.locator(".eraser .said").first).to_have_text("0% gone")


def test_the_whole_picture_is_answered_at_once_and_there_is_nothing_to_take_back(page: Page):
    opened(page)
    corners(page, 0, 0, 0, 0)
    expect(page.locator(".bars .name")).to_have_text(["<b>left</b>", "right"])
    expect(button(page, "Undo")).to_be_disabled()
    expect(button(page, "Start over")).to_be_disabled()


def test_strokes_are_taken_back_one_by_one_and_all_at_once(page: Page):
    opened(page)
    rub(page, (5, 5), (5, 75))
    corners(page, 1, 1, 0, 0)
    expect(page.locator(".bars .share").first).not_to_have_text("0.0%")
    rub(page, (35, 5), (34, 6))
    corners(page, 1, 1, 1, 0)
    button(page, "Undo").click()
    corners(page, 1, 1, 0, 0)
    button(page, "Undo").click()
    corners(page, 0, 0, 0, 0)
    expect(button(page, "Undo")).to_be_disabled()
    rub(page, (35, 75), (35, 74))
    corners(page, 0, 0, 0, 1)
    button(page, "Start over").click()
    corners(page, 0, 0, 0, 0)
    expect(page.locator("figcaption.said")).to_have_text("0% gone")


def test_only_this_part_stays(page: Page):
    opened(page)
    rub(page, (5, 5), (6, 5))
    corners(page, 1, 0, 0, 0)
    button(page, "Only this part").click()
    corners(page, 0, 1, 1, 1)
    expect(button(page, "Only this part")).to_have_attribute("aria-pressed", "true")
    button(page, "Only this part").click()
    corners(page, 1, 0, 0, 0)


def test_by_keys_alone(page: Page):
    opened(page)
    canvas(page).focus()
    for arrow in ["ArrowLeft"] * 15 + ["ArrowUp"] * 6:  # from the middle, 3% of the longer side each
        page.keyboard.press(arrow)
    page.keyboard.press("Space")
    corners(page, 1, 0, 0, 0)
    page.keyboard.press("Control+z")
    corners(page, 0, 0, 0, 0)
    page.keyboard.press("Space")
    corners(page, 1, 0, 0, 0)
    page.keyboard.press("Delete")
    corners(page, 0, 0, 0, 0)


def test_a_finger_rubs_out_and_does_not_scroll(browser: Browser, server: str):
    context = browser.new_context(base_url=server, viewport={"width": 420, "height": 400}, has_touch=True)
    page = context.new_page()
    opened(page, opening=open_page)
    touch = context.new_cdp_session(page)
    points = [dict(zip("xy", at(page, row, 5), strict=True)) for row in (36, 25, 15, 4)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    corners(page, 1, 0, 1, 0)
    button(page, "Undo").tap()
    corners(page, 0, 0, 0, 0)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") == 0
    context.close()


def test_who_comes_back_finds_what_was_rubbed_out(page: Page):
    opened(page, opening=open_page)
    rub(page, (5, 5), (5, 75))
    corners(page, 1, 1, 0, 0)
    for _ in range(2):
        page.get_by_text("Shown").click()
        expect(canvas(page)).to_have_count(0)
        page.get_by_text("Shown").click()
        corners(page, 1, 1, 0, 0)
        expect(page.locator("figcaption.said")).not_to_have_text("0% gone")
        corners(page, 1, 1, 0, 0)
    expect(button(page, "Undo")).to_be_disabled()
    button(page, "Start over").click()
    corners(page, 0, 0, 0, 0)


@pytest.mark.parametrize("how", ["pressed", "in focus"])
def test_what_was_rubbed_last_is_heard_before_something_else_is_done(page: Page, how):
    opened(page)
    page.evaluate(NEVER_AFTER, 60)  # ms, for which it leaves the server alone after an answer
    rub(page, (5, 5), (5, 6))
    rub(page, (35, 74), (35, 75))
    expect(page.locator("figcaption.said")).not_to_have_text("0% gone")  # one answer has come
    corners(page, 1, 0, 0, 0)
    if how == "pressed":
        page.get_by_text(re.compile(r"^corners ")).click()
    else:
        page.get_by_role("checkbox").focus()
    corners(page, 1, 0, 0, 1)


def test_nothing_waits_in_a_queue_and_the_last_stroke_is_heard(page: Page):
    opened(page, opening=open_page)  # in which a stroke takes longer than a run: all of it would be sent
    before = int(page.get_by_text(re.compile(r"^runs \d+$")).inner_text().split()[1])
    page.mouse.move(*at(page, 20, 40))
    page.mouse.down()
    for i in range(80):
        page.mouse.move(*at(page, 20 + i % 5, 40 - i % 4))
    page.mouse.move(*at(page, 35, 75))
    page.mouse.up()
    corners(page, 0, 0, 0, 1)
    after = int(page.get_by_text(re.compile(r"^runs \d+$")).inner_text().split()[1])
    assert after - before < 60, "far fewer runs than the pointer had places"
