"""The component “cells” in a real browser: the pointer, the keys, and what the server hears and says."""

import re
from collections.abc import Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import open_blank, open_page, settle
from playwright.sync_api import Browser, Locator, Page, expect

from visionlab.ui.shared.components.choosing import CHOICE

FIRST, SECOND = ".st-key-cells-first", ".st-key-cells-second"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("cells.py")


def stage(page: Page, which: str = FIRST) -> Locator:
    return page.locator(which).get_by_role("application")


def middle(page: Page, cell: int, rows: int = 8, columns: int = 8, which: str = FIRST) -> dict[str, float]:
    """Where the middle of a cell is in the stage, about: gaps are left out of account."""
    box = stage(page, which).bounding_box()
    return {
        "x": box["width"] * (cell % columns + 0.5) / columns,
        "y": box["height"] * (cell // columns + 0.5) / rows,
    }


def line(page: Page, which: str = FIRST) -> Locator:
    return page.locator(which).locator("figcaption")


def told(page: Page, text: str, which: str = "first") -> None:
    expect(page.get_by_text(re.compile(f"^{which} told "))).to_have_text(f"{which} told {text}")


def mark(page: Page, kind: str = "chosen", which: str = FIRST) -> list[float] | None:
    """Where the mark is on the picture that it lies on: left, top, width, height, in that picture's pixels."""
    return (
        page.locator(which)
        .locator(f".mark.{kind}")
        .evaluate(
            """(mark) => {
            if (mark.hidden) return null;
            const image = mark.parentElement.querySelector("img");
            const [place, whole] = [mark, image].map((element) => element.getBoundingClientRect());
            const scale = image.naturalWidth / whole.width;
            const found = [place.left - whole.left, place.top - whole.top, place.width, place.height];
            return found.map((value) => Math.round(value * scale * 10) / 10);
        }"""
        )
    )


def lay_out(page: Page, layout: str, side: int) -> None:
    """Choose one of the demo's layouts, and wait for its picture, so many pixels wide."""
    page.get_by_text(layout, exact=True).click()
    page.wait_for_function(
        "([selector, side]) => document.querySelector(selector).querySelector('[data-testid=stBidiComponentIsolated]')"
        ".shadowRoot.querySelector('img').naturalWidth === side",
        arg=[FIRST, side],
    )
    settle(page)


def test_pointing_and_clicking(page: Page):
    open_blank(page)
    expect(line(page)).to_have_text("")
    stage(page).hover(position=middle(page, 19))
    expect(line(page)).to_have_text("cell <b>19</b> note <i>19</i>")
    assert mark(page, "pointed") == [96, 64, 30, 30]
    assert mark(page) is None
    stage(page).click(position=middle(page, 19))
    told(page, "[19]")
    assert mark(page) == [96, 64, 30, 30]
    stage(page).hover(position=middle(page, 3))
    expect(line(page)).to_have_text("cell <b>3</b> note <i>3</i>")
    height = line(page).bounding_box()["height"]
    page.mouse.move(5, 5)
    expect(line(page)).to_have_text("cell <b>19</b> note <i>19</i>")
    assert mark(page, "pointed") is None
    assert line(page).bounding_box()["height"] == height
    stage(page).click(position=middle(page, 63))  # there are 62
    stage(page).click(position=middle(page, 19))
    told(page, "[19, 19]")


def test_the_mark_does_not_wait_for_the_server(page: Page):
    open_blank(page)
    at = middle(page, 10)
    stage(page).evaluate(
        """(stage, at) => {
            const box = stage.getBoundingClientRect();
            const where = {clientX: box.left + at.x, clientY: box.top + at.y, bubbles: true};
            stage.dispatchEvent(new MouseEvent("click", where));
            stage.dataset.seen = stage.querySelector(".chosen").hidden;
        }""",
        at,
    )
    expect(stage(page)).to_have_attribute("data-seen", "false")
    told(page, "[10]")


def test_keys_move_and_choose(page: Page):
    open_blank(page)
    stage(page).click(position=middle(page, 18))
    told(page, "[18]")
    page.mouse.move(5, 5)
    live = page.locator(FIRST).locator(".live")
    for key, cell in {
        "ArrowRight": 19,
        "ArrowDown": 27,
        "ArrowLeft": 26,
        "ArrowUp": 18,
        "Home": 16,
        "End": 23,
        "PageDown": 39,
        "PageUp": 23,
        "Control+End": 61,
        "ArrowRight ": 61,
        "ArrowUp ": 53,
        "ArrowDown ": 61,
        "Control+Home": 0,
        "ArrowLeft ": 0,
        "ArrowUp  ": 0,
    }.items():
        page.keyboard.press(key.strip())
        expect(live).to_have_text(f"cell <b>{cell}</b>, note <i>{cell}</i>{', chosen' * (cell == 18)}")
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    expect(live).to_have_text(re.compile("cell <b>55</b>"))  # the last row has no eighth cell
    told(page, "[18]")
    page.keyboard.press("Enter")
    told(page, "[18, 55]")
    page.keyboard.press("Space")
    told(page, "[18, 55, 55]")
    expect(stage(page)).to_be_focused()
    expect(stage(page)).to_have_attribute("aria-label", "The first")


def test_tab_comes_to_the_chosen_cell(page: Page):
    open_page(page, "")
    page.get_by_role("button", name="The server chooses").click()
    expect(line(page)).to_have_text("cell <b>4</b> note <i>4</i>")
    page.get_by_role("button", name="The server chooses").focus()
    page.keyboard.press("Shift+Tab")
    expect(stage(page)).to_be_focused()
    expect(page.locator(FIRST).locator(".live")).to_have_text("cell <b>4</b>, note <i>4</i>, chosen")


def test_the_server_chooses_and_the_picture_is_not_decoded_anew(page: Page):
    open_page(page, "")
    stage(page).click(position=middle(page, 20))
    told(page, "[20]")
    page.locator(FIRST).locator("img").evaluate("(image) => { image.dataset.mine = 'yes'; }")
    page.get_by_role("button", name="The server chooses").click()
    expect(line(page)).to_have_text("cell <b>4</b> note <i>4</i>")
    assert mark(page) == [128, 0, 30, 30]
    told(page, "[20]")
    expect(page.locator(FIRST).locator("img")).to_have_attribute("data-mine", "yes")
    stage(page).click(position=middle(page, 20))
    told(page, "[20, 20]")


def test_two_do_not_disturb_each_other(page: Page):
    open_page(page, "")
    stage(page).click(position=middle(page, 7))
    told(page, "[7]")
    stage(page, SECOND).click(position=middle(page, 5, 2, 3, SECOND))
    told(page, "[7, 'second 5']", "second")
    told(page, "[7]")  # what is in a fragment has only that run again
    expect(line(page, SECOND)).to_have_text("row 1, column 2")
    assert mark(page, which=SECOND) == [8, 4, 4, 4]
    assert mark(page) == [224, 0, 30, 30]
    expect(line(page)).to_have_text("cell <b>7</b> note <i>7</i>")
    stage(page, SECOND).click(position=middle(page, 5, 2, 3, SECOND))
    told(page, "[7, 'second 5', 'second 5']", "second")


def test_pictures_of_other_layouts(page: Page):
    open_blank(page)
    stage(page).click(position=middle(page, 6))
    told(page, "[6]")
    lay_out(page, "narrow", 108)
    assert mark(page) == [22, 22, 20, 20]
    box = stage(page).bounding_box()
    assert box["width"] / box["height"] == pytest.approx(108 / 42, rel=0.01)
    assert box["height"] <= 401
    stage(page).click(position=middle(page, 8, 2, 5))
    told(page, "[6, 8]")
    lay_out(page, "one", 7)
    assert mark(page) is None  # there is no cell 8
    stage(page).click(position=middle(page, 0, 1, 1))
    told(page, "[6, 8, 0]")
    assert mark(page) == [0, 0, 7, 7]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.keyboard.press("Enter")
    told(page, "[6, 8, 0, 0]")
    lay_out(page, "map", 224)
    stage(page).hover(position=middle(page, 223 * 224 + 50, 224, 224))
    expect(line(page)).to_have_text(f"row 223, column 50 unit {223 * 224 + 50}")
    stage(page).click(position=middle(page, 100 * 224 + 3, 224, 224))
    told(page, f"[6, 8, 0, 0, {100 * 224 + 3}]")
    assert mark(page) == pytest.approx([3, 100, 1, 1], abs=0.2)


def test_cells_that_would_be_too_narrow_stand_in_more_rows_and_are_slid(page: Page):
    open_blank(page)
    lay_out(page, "many", 16 * 32 - 2)
    place = page.locator(FIRST).locator(".place")
    picture, more = page.locator(FIRST).locator("canvas"), page.locator(FIRST).locator(".more")
    expect(picture).to_be_hidden()
    for times, width, columns in ((1, 420, 9), (2, 360, 7)):
        page.set_viewport_size({"width": width, "height": 900})
        expect(picture).to_have_js_property("width", columns * 32 - 2)
        assert stage(page).bounding_box()["width"] >= columns * 40
        expect(more).to_have_text(re.compile(r"↓ \d+ more rows?"))
        place.evaluate("(place) => place.scrollTo(0, 1e6)")
        expect(place).to_have_css("--bottom", "0px")
        expect(place).to_have_css("--top", "36px")
        expect(more).to_have_text(re.compile(r"↑ \d+ more rows?"))
        stage(page).click(position=middle(page, 120, -(-125 // columns), columns))
        told(page, str(times * [120]))
        row, column = divmod(120, columns)
        inside = picture.evaluate(
            "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]",
            [column * 32 + 9, row * 32 + 9],
        )
        assert inside[:3] == [37 * 120 % 256, 91 * 120 % 256, 255 - 53 * 120 % 256]
    page.set_viewport_size({"width": 560, "height": 900})
    expect(more).to_be_hidden()  # for a row or two nobody has to slide
    expect(picture).to_be_visible()
    assert place.evaluate("(place) => place.scrollHeight - place.clientHeight") <= 1
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(picture).to_be_hidden()
    expect(place).to_have_css("--top", "0px")


def test_pixels_stay_squares_only_where_they_are_enlarged(page: Page):
    open_blank(page)
    image = page.locator(FIRST).locator("img")
    expect(image).to_have_css("image-rendering", "pixelated")  # 254 pixels on 400
    page.set_viewport_size({"width": 260, "height": 900})
    expect(image).to_have_css("image-rendering", "auto")


@pytest.fixture(scope="module")
def choose(browser: Browser):
    page = browser.new_page()
    yield lambda script: page.evaluate(f"() => {{ {CHOICE} {script} }}")
    page.close()


def test_what_the_server_says_before_it_has_heard_is_not_believed(choose):
    assert choose("""
        const [choice, sent, seen] = [new Choice(), [], []];
        const hear = (chosen, heard) => {
            choice.hear({chosen, heard}, (name, value) => sent.push([name, value]));
            seen.push(choice.now);
        };
        hear(1, null);
        hear(2, 77);  // in a component that is mounted anew
        choice.make(3);
        choice.make(4);
        seen.push(choice.now);
        hear(2, 77);  // the script was under way
        hear(3, sent[0][1].turn);
        hear(4, sent[1][1].turn);
        hear(9, sent[1][1].turn);  // the server's own
        return [seen, sent.map(([name, value]) => [name, value.what]), sent[0][1].turn !== sent[1][1].turn];
    """) == [[1, 2, 4, 4, 4, 4, 9], [["choice", 3], ["choice", 4]], True]
