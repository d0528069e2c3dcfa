"""From an empty page to a live answer on one screen: with files for five classes, and with the camera for two."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser.driver import LONG, open_page, settle, striped
from browser.streams import KEEP_STREAMS, streams_are
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

DROP = """(place, files) => {
    const dataTransfer = new DataTransfer();
    for (const { name, type, data } of files) {
        const bytes = data ? Uint8Array.from(atob(data), (c) => c.charCodeAt(0)) : new Uint8Array(21 << 20);
        dataTransfer.items.add(new File([bytes], name, { type }));
    }
    for (const kind of ["dragover", "drop"]) {
        place.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, composed: true, dataTransfer }));
    }
}"""


# Notes each height, in pixels, that an element has from one frame to the next.
KEEP_HEIGHTS = """(element) => {
    window.heights = new Set();
    const look = () => {
        if (element.isConnected) heights.add(element.getBoundingClientRect().height);
        requestAnimationFrame(look);
    };
    look();
}"""

# How many cards differ in where what stands in them lies, in pixels from their own tops and right edges.
ROWS = """() => {
    const parts = ["input[type=text]", "[class*=st-key-see-] button", "[class*=st-key-icon-only-remove-] button",
        ".strip", "[data-testid=stFileUploaderDropzone] button", "[class*=st-key-burst]"];
    const cards = [...document.querySelectorAll(".st-key-class-cards [class*=st-key-card-]")];
    return new Set(cards.map((card) => {
        const own = card.getBoundingClientRect();
        const shown = parts.map((part) => card.querySelector(part)).filter((part) => part.checkVisibility());
        const places = shown.map((part) => part.getBoundingClientRect());
        return String(places.map((place) => [place.top - own.top, own.right - place.right].map(Math.round)));
    })).size;
}"""

# The pretended camera shows the same again whenever it is turned on: a patch of a colour by chance makes frames differ.
NEVER_THE_SAME = """
const drawn = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...what) {
    drawn.apply(this, what);
    this.fillStyle = `hsl(${360 * Math.random()} 90% 50%)`;
    this.fillRect(0, 0, this.canvas.width / 4, this.canvas.height / 4);
};
"""


@dataclass
class Person:
    """Who acts on a page, and how often: a click, a drop, a field that is typed and ended with Enter, a hold."""

    page: Page
    actions: int = 0

    def click(self, what: Locator) -> None:
        self.actions += 1
        what.click()

    def enter(self, field: Locator, text: str) -> None:
        self.actions += 1
        field.fill(text)
        field.press("Enter")

    def drop(self, place: Locator, files: dict[str, bytes]) -> None:
        self.actions += 1
        types = {".png": "image/png", ".jpg": "image/jpeg"}
        place.evaluate(
            DROP,
            [
                {"name": name, "type": types[Path(name).suffix], "data": base64.b64encode(data).decode()}
                for name, data in files.items()
            ],
        )

    def hold(self, button: Locator, until: str) -> None:
        self.actions += 1
        expect(button).to_be_enabled()
        button.hover()
        self.page.mouse.down()
        expect(self.page.get_by_text(re.compile(until))).to_be_visible()
        self.page.mouse.up()


def card(page: Page, name: str) -> Locator:
    field = page.locator(f'input[aria-label="Name of the class"][value="{name}"]')
    return page.locator("[class*=st-key-card-]").filter(has=field)


def has(page: Page, name: str, count: int) -> None:
    expect(card(page, name).get_by_text(str(count), exact=True)).to_be_visible()


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_five_classes_by_files(page: Page):
    page.set_viewport_size({"width": 1400, "height": 900})
    open_page(page, "Fine_tune")
    person = Person(page)
    names = ["ant", "bee", "fly", "moth", "wasp"]
    person.enter(page.get_by_label("Add classes"), ", ".join(names))
    for number, name in enumerate(names):
        expect(card(page, name).get_by_text("Upload", exact=True)).to_be_visible()  # its heading comes before
        if name == "ant":
            card(page, name).evaluate(KEEP_HEIGHTS)
        files = {f"{name} {i}.png": striped(number % 2, 100 * number + i) for i in range(8)}
        if name == "bee":
            files["huge.jpg"] = b""
        person.drop(card(page, name), files)  # whatever is still coming in for the others
    for name in names:
        has(page, name, 8)
    expect(page.get_by_text("huge.jpg: File must be 20.0MB or smaller.")).to_be_visible()
    train = page.get_by_role("button", name="Train", exact=True)
    expect(train).to_be_enabled()
    settle(page)  # what told how far they had come is gone
    assert len(page.evaluate("[...heights]")) == 1, "what one wants to click stays where it is while pictures come in"
    for width in (1400, 800, 420):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(ROWS) == 1, "all cards have their rows at the same heights"
    page.set_viewport_size({"width": 1400, "height": 900})
    for each in (train, *(card(page, name) for name in names)):
        box = each.bounding_box()
        assert box["y"] + box["height"] <= 900, "all of it is on the first screen"
    person.click(train)
    tried = page.locator(".st-key-card-try")
    expect(tried).to_be_visible(timeout=LONG)
    expect(tried.get_by_text("Upload", exact=True)).to_be_visible()  # its heading comes before
    person.drop(tried, {"new.png": striped(1, 999)})
    bars = tried.get_by_role("list", name="Predictions").get_by_role("listitem")
    expect(bars).to_have_count(6)
    said = [text.split("\n")[0] for text in bars.all_inner_texts()]
    assert said in ([*names, "None of these"], ["None of these", *names])
    for each in bars.all():
        expect(each).to_be_in_viewport(ratio=1)
    assert person.actions <= 12
    expect(page.get_by_text("huge.jpg: File must be 20.0MB or smaller.")).to_be_visible()
    page.reload()
    for name in names:
        has(page, name, 8)
    expect(tried).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+% right on 10 held-out pictures"))).to_be_visible()


def test_two_classes_by_the_camera_on_a_telephone(page: Page):
    page.add_init_script(KEEP_STREAMS + NEVER_THE_SAME)
    page.set_viewport_size({"width": 420, "height": 850})
    open_page(page, "Fine_tune")
    person = Person(page)
    for number in (1, 2):
        own = page.locator(f".st-key-card-place-{number}")
        person.click(own.get_by_role("button", name="Camera"))
        expect(own.get_by_role("button", name="Hold to record")).to_be_in_viewport(ratio=1)
        person.hold(own.get_by_role("button", name="Hold to record"), r"^1[2-9] of at most 60 pictures")
        expect(own.locator(".strip img").nth(7)).to_be_attached()
        streams_are(page, *["ended"] * (number - 1), "live")  # also since there is a project
        fits(page)
    train = page.get_by_role("button", name="Train", exact=True)
    expect(train).to_be_enabled()
    person.click(train)
    expect(page.get_by_text(re.compile(r"pictures sent\."))).to_have_count(0, timeout=5000)
    tried = page.locator(".st-key-card-try")
    expect(tried).to_be_visible(timeout=LONG)
    expect(page.get_by_text("another burst would tell more")).to_be_visible()
    expect(tried.get_by_text("predictions a second")).to_be_visible(timeout=LONG)
    for name in ("Class 1", "Class 2"):
        expect(tried.get_by_role("list", name="Predictions").get_by_text(name)).to_be_in_viewport(ratio=1)
    expect(tried.locator("video")).to_be_in_viewport(ratio=0.99)  # it ends on a fraction of a pixel
    assert person.actions <= 5
    streams_are(page, "ended", "ended", "live")
    fits(page)
    tried.get_by_role("button", name="Stop the camera").click()
    settle(page)
    for step in ("Pictures", "Train", "Judge", "Take away"):
        page.get_by_role("radio", name=step, exact=True).click()
        settle(page)
        fits(page)
        menu = page.get_by_role("button", name="More of the project")
        menu.click()
        box = page.get_by_test_id("stPopoverBody").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 420
        page.keyboard.press("Escape")
