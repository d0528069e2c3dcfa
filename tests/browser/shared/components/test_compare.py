"""Before and after: the line between two pictures is dragged, tapped and moved by keys, and a finger still scrolls."""

import re

import numpy as np
import pytest
from browser.driver import attribute, open_page, pixels, settle
from playwright.sync_api import Locator, Page, expect

from visionlab.imaging.image import encode_jpeg, load_image
from visionlab.ui.filters.editor import DEFAULT

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


def test_a_part_of_both_is_looked_at_pixel_by_pixel(page: Page):
    """It is dragged, moved by keys and by the map, and is always the very pixels of that place."""
    rows, columns = np.mgrid[:1200, :1600].astype(np.float32)
    waves = 255 * (np.sin(rows / 40) * np.sin(columns / 30 + rows / 200) > 0.5)  # with large black parts in between
    large = encode_jpeg(np.stack([waves, waves, 255 - waves], 2).astype(np.uint8), 95)
    open_page(page, "Filters?full-size=true")
    page.locator(".st-key-upload input").set_input_files(
        {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": large}
    )
    expect(
        page.get_by_text("Worked on at its full size, 1,600 × 1,200 px: “1 : 1” shows single pixels.")
    ).to_be_visible()
    settle(page)
    after = DEFAULT.run(load_image(large))
    button, view, part = page.get_by_role("button", name="1 : 1"), page.locator(".close"), page.locator(".close-after")
    button.click()

    def corner(moved_from: str = "") -> tuple[float, float]:
        """What place of the picture is at the view's corner, once what lies there has come."""
        if moved_from:
            expect(part).not_to_have_attribute("data-wanted", moved_from)
        expect(part).to_have_attribute("data-left", re.compile(r"^\d+$"))
        settle(page)
        left, top = (int(attribute(part, f"data-{side}")) for side in ("left", "top"))
        shown, there = pixels(part), after[top:, left:]
        np.testing.assert_array_equal(shown, there[: shown.shape[0], : shown.shape[1]])
        box, seen = part.bounding_box(), view.bounding_box()
        assert (box["width"], box["height"]) == (shown.shape[1], shown.shape[0]), "a pixel of it is one of the screen's"
        for side, extent in (("x", "width"), ("y", "height")):
            beyond = box[side] + box[extent] - seen[side] - seen[extent]
            assert min(seen[side] - box[side], beyond) > -1, "all that is seen"
        other = page.locator(".close-before").bounding_box()
        assert (other["x"], other["y"]) == (box["x"], box["y"]), "both lie one over the other"
        return left + seen["x"] - box["x"], top + seen["y"] - box["y"]

    def known() -> str:
        return attribute(part, "data-wanted")

    x, y = corner()
    box, digest = view.bounding_box(), known()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 140, steps=4)
    page.mouse.up()
    assert corner(digest) == pytest.approx((x + 80, y + 60), abs=2)
    digest = known()
    page.keyboard.press("ArrowLeft")
    assert corner(digest) == pytest.approx((x + 80 - box["width"] / 4, y + 60), abs=2)
    digest = known()
    small = page.locator(".map").bounding_box()
    for turn in range(6):  # more parts than pictures that the browser keeps: the map stays
        page.locator(".map").click(position={"x": (3, small["width"] - 6)[turn % 2], "y": 3})
        assert corner(digest)[0] == pytest.approx((1600 - box["width"]) * (turn % 2), abs=2)
        digest = known()
    assert page.locator(".map canvas").evaluate("(map) => map.getContext('2d').getImageData(9, 9, 1, 1).data[3]") == 255
    x, y = corner()
    page.locator(".st-key-upload input").set_input_files({"name": "no.png", "mimeType": "image/png", "buffer": b"no"})
    expect(page.get_by_text("no.png: ")).to_be_visible()  # which moves all that stands below
    expect(view).to_be_visible()
    assert corner() == pytest.approx((x, y), abs=2)
    view.focus()
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    expect(button).to_be_focused()
