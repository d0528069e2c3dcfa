"""Before and after: the line between two pictures is dragged, tapped and moved by keys, and a finger still scrolls."""

import pytest
from browser.driver import open_page, settle
from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def stack(page: Page) -> Locator:
    open_page(page, "Filters")
    found = page.locator(".stack")
    found.scroll_into_view_if_needed()
    return found


def line(stack: Locator) -> float:
    """Where the line is, in percent; the slider and the picture before agree with it."""
    place = float(stack.locator(".line").evaluate("(line) => parseFloat(line.style.left)"))
    assert stack.page.locator(".compare input").input_value() == str(round(place))
    assert (
        stack.locator(".before").evaluate("(image) => image.style.clipPath") == f"inset(0px {100 - place:g}% 0px 0px)"
    )
    return place


def test_the_line_is_dragged_and_moved_by_keys(page: Page, stack: Locator):
    for turn in range(2):
        box = stack.bounding_box()
        x, y = box["x"] + box["width"] * line(stack) / 100, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(1, 6):
            page.mouse.move(x + (-1) ** turn * box["width"] * 0.06 * step, y)
        assert line(stack) == pytest.approx(50 + 30 * (1 - turn), abs=2), "while it is held"
        page.mouse.move(box["x"] + box["width"] + 300, y)  # beyond the picture: it stays held
        assert line(stack) == 100
        page.mouse.move(x + (-1) ** turn * box["width"] * 0.3, y)
        page.mouse.up()
        page.mouse.move(box["x"] + 5, y)
        assert line(stack) == pytest.approx(50 + 30 * (1 - turn), abs=2), "it was let go"
    page.keyboard.press("ArrowLeft")
    assert line(stack) == pytest.approx(49, abs=2)


def test_a_finger_draws_the_line_across_and_scrolls_down(page: Page, stack: Locator):
    page.set_viewport_size({"width": 420, "height": 700})
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def swipe(across: float, down: float) -> None:
        box = stack.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        kinds = ["touchStart", *["touchMove"] * 8]
        for step, kind in enumerate(kinds):
            at = {"x": x + across * step / 8, "y": y + down * step / 8}
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    settle(page)
    stack.scroll_into_view_if_needed()
    swipe(120, 0)
    drawn = line(stack)
    assert drawn == pytest.approx(50 + 100 * 120 / stack.bounding_box()["width"], abs=5)
    main = page.get_by_test_id("stMain").element_handle()
    before = main.evaluate("(main) => main.scrollTop")
    swipe(0, -120)
    page.wait_for_function("([main, before]) => main.scrollTop > before + 50", arg=[main, before])
    assert line(stack) == drawn, "who scrolls past does not move it"
