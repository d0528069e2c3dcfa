"""What every page begins with: a low strip that says what the page is for, and right under it what it is about."""

import re

import numpy as np
import pytest
from browser.driver import open_page, settle
from playwright.sync_api import Page, Route, expect

from visionlab.imaging.image import encode_png
from visionlab.ui.shared.server.pages import PAGES

# What a page is about, where that is this page's to say: each begins well within the first screen.
SUBJECTS = {
    "Home": [f".st-key-roomy-steps [data-testid=stColumn]:nth-child({place})" for place in (1, 2, 3, 4)],
    "Convolution": [".bench .picture", ".bench .response", ".bench .weights"],
    "Filters": [".compare .stack", "[data-testid=stSlider]"],
    "Feature maps": [
        ".st-key-network-drawing",
        "[class*=st-key-mosaic-]:not([class*=-picture])",
        "[class*=st-key-map-]:not([class*=-picture])",
    ],
    "Predict": ["[class*=st-key-bars-]", ".st-key-roomy-answers [data-testid=stImage]"],
    "Fine-tune": [".st-key-card-place-1", ".st-key-card-place-2"],
    "From scratch": [".st-key-numbers"],
}
ENOUGH = 60  # px of it that are seen, at least
LOWEST = {1400: 96, 420: 140}  # px of the strip, by the window's width
SIZES = ((1400, 900), (800, 1000), (420, 850))
# The page's background as it was painted, each colour once in a row.
BACKGROUNDS = """
window.backgrounds = [];
(function look() {
    const app = document.querySelector("[data-testid=stApp]");
    const colour = app && getComputedStyle(app).backgroundColor;
    if (colour && colour !== backgrounds.at(-1)) backgrounds.push(colour);
    requestAnimationFrame(look);
})();
"""
# Where the words over the page began, frame by frame: those that it is sent with, and those of the script. And what the
# browser called it, and whether what Streamlit shows of a page that has yet to come was seen.
WORDS = """
window.words = [];
window.titles = [];
(function look() {
    const bones = document.querySelector("[data-testid=stAppSkeleton]");
    const title = bones?.checkVisibility({visibilityProperty: true}) ? "bones" : document.title;
    if (document.body && title !== titles.at(-1)) titles.push(title);
    const strip = "[data-testid=stMain] .st-key-strip-heading";
    for (const element of document.querySelectorAll(`#opening > *, ${strip} h1, ${strip} p`)) {
        const text = document.createRange();
        text.selectNodeContents(element);
        const box = text.getBoundingClientRect(), said = element.innerText;
        const now = [said, ...[box.x, box.y].map(Math.round)].join(" ");
        if (said && !words.includes(now)) words.push(now);
    }
    requestAnimationFrame(look);
})();
"""


def address(title: str) -> str:
    """A page's deep link."""
    return re.sub("[ -]", "_", title) if title != "Home" else ""


@pytest.mark.parametrize("title", PAGES)
def test_the_strip_is_low_the_subject_on_the_first_screen_and_no_button_called_by_its_icon(page: Page, title):
    open_page(page, address(title))
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        strip = page.locator(".st-key-strip").bounding_box()
        assert strip["height"] <= LOWEST.get(width, 140)
        assert strip["y"] <= 16
        assert strip["x"] + strip["width"] <= width
        for subject in SUBJECTS.get(title, ()):
            box = page.locator(subject).first.bounding_box()
            assert box["y"] + ENOUGH <= height, f"{subject} at {width} × {height}"
            assert strip["y"] + strip["height"] <= box["y"], subject
    if title == "From scratch":
        page.get_by_role("radio", name="Convolutional network").click()
        expect(page.get_by_role("button", name=re.compile("^Move up: .*, layer 4$"))).to_be_visible()
    if title == "Fine-tune":
        page.get_by_label("Add classes").fill("cats, dogs")
        page.get_by_label("Add classes").press("Enter")
        expect(page.get_by_role("button", name="More of the project")).to_be_visible()
    settle(page)
    assert not page.get_by_role("button", name=re.compile(r" icon$")).all_inner_texts()


@pytest.mark.parametrize("shape", [(3, 4000), (4000, 3)])
def test_a_picture_like_a_strip_leaves_room_for_its_name_and_for_another(page: Page, shape):
    open_page(page, "Convolution")
    thin = {"name": "thin.png", "mimeType": "image/png", "buffer": encode_png(np.full((*shape, 3), 90, np.uint8))}
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(thin)
    expect(page.get_by_text(f"thin.png · {shape[1]} × {shape[0]} px")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        assert page.locator(".st-key-strip").bounding_box()["height"] <= LOWEST.get(width, 140)
        button = page.locator(".st-key-another-picture summary").bounding_box()
        assert button["x"] + button["width"] <= width
        assert page.locator(".st-key-picture-name").bounding_box()["width"] > 60


def test_the_keys_come_to_the_whole_navigation_and_show_where_they_are(page: Page):
    open_page(page, "Filters")
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        here = page.locator("*:focus").first
        assert here.evaluate("(part) => [getComputedStyle(part).outlineStyle, getComputedStyle(part).boxShadow]") != [
            *("none", "none")
        ], here
        reached.append(here.inner_text())
    fold = "keyboard_double_arrow_left"  # the icon of what folds it away
    assert [text.split("\n")[-1] for text in reached] == ["Skip to main content", fold, *PAGES]


def test_a_thing_to_try_sets_the_page_up_and_says_what_to_notice(page: Page):
    open_page(page, "Feature_maps")
    page.get_by_role("button", name="Nearly the end").click()
    expect(page.get_by_text("conv5_3 has small maps")).to_be_visible()
    expect(page.get_by_role("application", name="The feature maps of conv5_3")).to_be_visible()
    page.get_by_role("button", name="Try more").click()
    page.get_by_role("button", name="Edges and colours").click()
    expect(page.get_by_text("conv1_1 sees a few pixels at a time")).to_be_visible()
    expect(page.get_by_role("application", name="The feature maps of conv1_1")).to_be_visible()


@pytest.mark.parametrize(("theme", "colour"), [("dark", "rgb(16, 22, 30)"), ("light", "rgb(255, 255, 255)")])
def test_a_page_has_the_colours_of_its_theme_from_the_first_frame_on(page: Page, theme, colour):
    page.emulate_media(color_scheme=theme)
    page.add_init_script(BACKGROUNDS)
    open_page(page, "Filters")
    assert page.evaluate("backgrounds") == [colour]


def test_the_heading_is_there_before_streamlit_has_begun_and_stays_in_its_place(page: Page):
    entry, held = PAGES["Feature maps"], []
    page.add_init_script(WORDS)

    def hold(route: Route) -> None:  # the first, which Streamlit begins with
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(re.compile(r"/static/js/index\.[^.]+\.js$"), hold)

    def opened() -> None:
        page.goto("/Feature_maps", wait_until="commit")
        expect(page.locator("#opening")).to_be_visible()
        assert page.locator("#opening").inner_text().split("\n") == [entry.headline, entry.about]
        assert page.title() == entry.tab
        expect(page.get_by_test_id("stApp")).to_have_count(0)
        held[0].continue_()
        settle(page)
        held.clear()
        expect(page.locator("#opening")).to_have_count(0)
        assert page.evaluate("titles") == [entry.tab]
        seen = page.evaluate("words")
        assert [each.rstrip(" -0123456789") for each in seen] == [entry.headline, entry.about], seen

    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        opened()
    page.set_viewport_size({"width": 1400, "height": 900})
    page.get_by_test_id("stSidebarHeader").hover()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    opened()
