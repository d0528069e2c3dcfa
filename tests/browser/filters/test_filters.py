"""What a person does with a chain of filters, in a real browser."""

import io
import json
import re
import zipfile
from urllib.parse import quote

import numpy as np
import pytest
from browser.driver import attribute, downloaded, open_page, pixels, settle, use_photo
from playwright.sync_api import Locator, Page, expect

import visionlab as vl
from visionlab.imaging.chains import CHAINS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SKETCH = list(CHAINS["sketch"].steps)


def cards(page: Page) -> Locator:
    return page.locator("[class*=st-key-step-]")


def control(page: Page, place: int, what: str) -> Locator:
    """A button of the card at that place: up, down, copy or remove."""
    return cards(page).nth(place - 1).locator(f"[class*=st-key-{what}-]").get_by_role("button")


def expect_chain(page: Page, *titles: str) -> None:
    """Wait until the cards are these, in this order."""
    expect(cards(page)).to_have_count(len(titles))
    for place, title in enumerate(titles, 1):
        label = cards(page).nth(place - 1).get_by_text(f"{place} · {title}", exact=True)
        expect(label).to_have_count(1)  # while the page draws there may be two, of which one is of the run before
        expect(label).to_be_visible()
    settle(page)


def after(page: Page) -> np.ndarray:
    """The picture after, once every pixel of it has come."""
    picture = page.locator("img.after")
    expect(picture).to_have_attribute("data-shown", attribute(picture, "data-exact"))
    return pixels(picture)


def test_a_chain_is_built_shared_saved_and_used_on_many_pictures(page: Page, photo, tmp_path):
    open_page(page, "Filters")
    use_photo(page, photo)
    image = vl.load_image(photo)
    expect_chain(page, "Gaussian blur", "Canny edges")
    np.testing.assert_array_equal(after(page), vl.Pipeline([("gaussian_blur", {}), ("canny", {})]).run(image))

    page.get_by_role("button", name="Ready-made").click()
    page.get_by_role("button", name="Pencil sketch").click()
    expect_chain(page, "Grey", "Median", "Even light", "Gamma")
    np.testing.assert_array_equal(after(page), vl.Pipeline(SKETCH).run(image))

    expect(page.get_by_role("button", name="Pencil sketch")).to_be_hidden()
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_role("radio", name="Black and white").click()
    page.locator(".st-key-add-otsu").get_by_role("button").click()
    expect_chain(page, "Grey", "Median", "Even light", "Gamma", "Otsu threshold")
    expect(page.locator(".st-key-add-otsu")).to_be_hidden()
    np.testing.assert_array_equal(after(page), vl.Pipeline([*SKETCH, ("otsu", {})]).run(image))

    control(page, 5, "up").focus()
    page.keyboard.press("Enter")  # as a person without a mouse does
    expect_chain(page, "Grey", "Median", "Even light", "Otsu threshold", "Gamma")
    control(page, 1, "remove").click()
    expect_chain(page, "Median", "Even light", "Otsu threshold", "Gamma")
    control(page, 1, "copy").click()
    expect_chain(page, "Median", "Median", "Even light", "Otsu threshold", "Gamma")
    cards(page).nth(3).get_by_test_id("stCheckbox").locator("label").first.click()
    expect(page.get_by_role("img", name="Stage 4")).to_have_count(0)
    settle(page)
    steps = [SKETCH[1], SKETCH[1], SKETCH[2], ("otsu", {}), SKETCH[3]]
    chain = vl.Pipeline(steps, off={3})
    np.testing.assert_array_equal(after(page), chain.run(image))

    page.locator("[class*=st-key-look-]").get_by_role("button").nth(2).click()
    expect(page.get_by_role("img", name="After Median, Median, Even light", exact=True)).to_be_visible()
    settle(page)
    np.testing.assert_array_equal(after(page), vl.Pipeline(steps[:3]).run(image))
    page.locator("[class*=st-key-look-]").get_by_role("button").last.click()
    expect(page.get_by_role("img", name="After Median, Median, Even light, Gamma")).to_be_visible()

    page.get_by_text("Download, code, a zip of pictures").click()
    download = downloaded(page, page.get_by_role("button", name="Download the picture, 300 × 200 px"))
    assert download.suggested_filename == "my photo, filtered.png"
    np.testing.assert_array_equal(vl.load_image(download.path()), chain.run(image))
    page.get_by_role("tab", name="Python and shell").click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("def pipeline")
    expect(page.get_by_test_id("stCode").last).to_contain_text("--fit 1024")
    page.get_by_role("tab", name="Save, open, share").click()
    download = downloaded(page, page.get_by_role("button", name="Save the chain"))
    saved = download.path().read_bytes()
    assert vl.Pipeline.from_json(saved) == chain
    bad = json.loads(saved)
    bad["steps"][0]["values"]["size"] = 400
    upload = page.locator("[class*=st-key-chain-file]").get_by_test_id("stFileUploaderDropzoneInput")
    upload.set_input_files({"name": "bad.json", "mimeType": "application/json", "buffer": json.dumps(bad).encode()})
    expect(page.get_by_text("bad.json: Step 1: “size” goes from 1 to 63 px in steps of 2, not 400.")).to_be_visible()
    expect_chain(page, "Median", "Median", "Even light", "Otsu threshold", "Gamma")
    np.testing.assert_array_equal(after(page), chain.run(image))

    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(photo, "trip/one.png")
        archive.writestr("trip/broken.png", photo.read_bytes()[:500])
        archive.write(photo, "two.png")
    page.get_by_role("tab", name="A zip of pictures").click()
    batch = page.locator(".st-key-batch-zip").get_by_test_id("stFileUploaderDropzoneInput")
    batch.set_input_files({"name": "trip.zip", "mimeType": "application/zip", "buffer": zipped.getvalue()})
    start = page.get_by_role("button", name="Filter them all")
    expect(start).to_be_enabled()
    start.click()
    expect(page.get_by_text("2 pictures went through the chain.")).to_be_visible()
    expect(page.get_by_text("trip/broken.png: ")).to_be_visible()
    settle(page)
    download = downloaded(page, page.get_by_role("button", name="Download the zip"))
    assert download.suggested_filename == "trip, filtered.zip"
    with zipfile.ZipFile(download.path()) as archive:
        assert sorted(archive.namelist()) == ["trip/one.png", "two.png"]
        for name in archive.namelist():
            np.testing.assert_array_equal(vl.load_image(archive.read(name)), chain.run(image))

    page.get_by_role("link", name="Predict").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Filters").click()
    expect_chain(page, "Median", "Median", "Even light", "Otsu threshold", "Gamma")
    page.reload()  # the session is gone, the chain is in the link
    expect_chain(page, "Median", "Median", "Even light", "Otsu threshold", "Gamma")
    np.testing.assert_array_equal(after(page), chain.run(vl.load_sample("cat")))


def slider(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stSlider").filter(has_text=label)


def thumb_of(bar: Locator) -> tuple[float, float]:
    """Where one takes hold of it."""
    box = bar.get_by_test_id("stSliderThumbValue").locator("..").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def shown_at(sigma: float, image: np.ndarray) -> np.ndarray:
    return vl.FILTERS["gaussian_blur"].apply(image, sigma=sigma)


def test_a_slider_acts_while_it_is_held_and_a_drag_is_taken_back_at_once(page: Page, photo):
    open_page(page, "Filters")
    use_photo(page, photo)
    page.get_by_role("button", name="Blur it").click()
    expect_chain(page, "Gaussian blur")
    expect(page.get_by_text("Drag Sigma: fine detail goes first")).to_be_visible()
    image, bar = vl.load_image(photo), slider(page, "Sigma (px)")
    value = bar.get_by_role("slider")
    picture = page.locator("img.after")
    for turn in range(2):  # another drag is another change
        before = attribute(picture, "data-digest")
        x, y = thumb_of(bar)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y, steps=3)
        expect(picture).not_to_have_attribute("data-digest", before)
        held = attribute(picture, "data-digest")
        page.mouse.move(x + 60, y, steps=3)
        expect(picture).not_to_have_attribute("data-digest", held)
        page.mouse.up()
        settle(page)
        expect(page).to_have_url(re.compile(f"sigma%22%3A{float(value.input_value())}%7D"))
        np.testing.assert_array_equal(after(page), shown_at(float(value.input_value()), image))
        assert float(value.input_value()) > 6 + 3 * turn
    last = value.input_value()
    value.focus()
    page.keyboard.press("ArrowRight")
    expect(value).not_to_have_value(last)
    settle(page)
    np.testing.assert_array_equal(after(page), shown_at(float(value.input_value()), image))
    undo = page.locator(".st-key-undo").get_by_role("button")
    for _ in range(3):  # the key, and the two drags
        undo.click()
        settle(page)
    expect(value).to_have_value("6")
    np.testing.assert_array_equal(after(page), shown_at(6.0, image))


SCREENS = {"wide": (1400, 900), "tablet": (800, 1000), "telephone": (420, 850)}


def test_the_first_screen_shows_before_and_after_and_the_first_slider(page: Page):
    open_page(page, "Filters")
    for width, height in SCREENS.values():
        page.set_viewport_size({"width": width, "height": height})
        for shown in (page.locator("img.after"), slider(page, "Sigma (px)")):
            box = shown.bounding_box()
            assert box["y"] + box["height"] <= height, (width, height)


def test_before_and_after_stay_in_view_while_the_chain_is_slid(page: Page):
    names = ("gaussian_blur", "bilateral", "guided", "canny", "invert")
    open_page(page, f"Filters?chain={quote(json.dumps([{'filter': name} for name in names]))}")
    last = page.get_by_test_id("stSlider").last
    for width, height in (*SCREENS.values(), (900, 700)):
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        page.get_by_test_id("stMain").evaluate("(main) => main.scrollTo(0, 0)")
        last.evaluate("(slider) => slider.scrollIntoView({block: 'end'})")
        picture, box = page.locator(".stack").bounding_box(), last.bounding_box()
        assert picture["y"] >= 0, (width, height)
        assert picture["y"] + picture["height"] <= height, (width, height)
        below = box["y"] >= picture["y"] + picture["height"]
        assert below or box["x"] + box["width"] <= picture["x"], "nor does it cover what moves it"
        assert box["y"] + box["height"] <= height


def test_a_broken_link_is_told(page: Page):
    open_page(page, "Filters?chain=%5B%7B%22filter%22%3A%22cany%22%7D%5D")
    expect(page.get_by_text("Step 1: “cany” is no filter. Did you mean “canny”?")).to_be_visible()
    expect_chain(page, "Gaussian blur", "Canny edges")


def test_a_button_that_a_key_has_pressed_keeps_the_focus_wherever_it_goes(page: Page):
    chain = json.dumps([{"filter": "canny"}, {"filter": "gaussian_blur"}, {"filter": "invert"}])
    open_page(page, f"Filters?chain={quote(chain)}")
    expect_chain(page, "Canny edges", "Gaussian blur", "Invert")
    for label, then in (
        ("Move down: Canny edges, step 1", "Move down: Canny edges, step 2"),
        ("Move down: Canny edges, step 2", "Move up: Canny edges, step 3"),  # it cannot go further down
        ("Move up: Canny edges, step 3", "Move up: Canny edges, step 2"),
        ("Remove: Canny edges, step 2", "Remove: Gaussian blur, step 1"),  # what stands before it
    ):
        page.get_by_role("button", name=label).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name=then)).to_be_focused()
        settle(page)
        expect(page.get_by_role("button", name=then)).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_written_on_the_colour_of_the_theme_can_be_read(page: Page, theme):
    page.emulate_media(color_scheme=theme)
    open_page(page, "Filters")
    button = page.get_by_role("button", name="Add a filter")
    colours = button.evaluate(
        "(button) => [getComputedStyle(button).backgroundColor, getComputedStyle(button.querySelector('p')).color]"
    )
    fill, text = (luminance([int(part) for part in re.findall(r"\d+", colour)[:3]]) for colour in colours)
    assert (max(fill, text) + 0.05) / (min(fill, text) + 0.05) >= 4.5, "WCAG 2.2, 1.4.3"


def luminance(rgb: list[int]) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))
