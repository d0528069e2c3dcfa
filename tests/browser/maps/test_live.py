"""The maps of a layer, live, as a person uses them: start, step, open a channel, freeze, leave, and come back."""

import re

import pytest
from browser.driver import attribute, open_page, settle
from browser.streams import KEEP_STREAMS, streams_are
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def said(page: Page) -> Locator:
    return page.locator(".live-maps .said")


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    expect(said(page)).to_have_text(re.compile(r"^conv2_1: 64 channels of 64 × 64, from 128 × 128 px$"))


def test_layers_move_are_stepped_through_and_frozen_and_the_camera_is_let_go_of(page: Page):
    page.add_init_script(KEEP_STREAMS)
    open_page(page, "Feature_maps?live=true&layer=conv2_1")
    start(page)
    expect(page.locator(".pace")).to_have_text(re.compile(r"^[\d.]+ mosaics a second · \d+ ms from frame to maps$"))
    maps = page.locator(".pair")
    for _ in range(2):  # a person does things twice
        maps.focus()
        page.keyboard.press("ArrowDown")
        expect(said(page)).to_have_text(re.compile(r"^relu2_1: "))
        page.keyboard.press("ArrowUp")
        expect(said(page)).to_have_text(re.compile(r"^conv2_1: "))
        page.keyboard.press("ArrowRight")
        expect(said(page)).to_have_text(re.compile(r"channel 0 over the picture"))
        expect(page.locator("canvas.heat")).to_be_visible()
        page.locator(".mosaic img").click(position={"x": 120, "y": 10})
        expect(said(page)).not_to_have_text(re.compile("channel 0 over"))
        expect(said(page)).to_have_text(re.compile(r"channel \d over the picture"))
        expect(page.locator(".chosen")).to_be_visible()
        page.get_by_role("button", name="Freeze").click()
        frozen = page.locator(".mosaic img")
        expect(page.get_by_text(re.compile("^What channel \\d of conv2_1 looks for"))).to_be_visible()
        settle(page)  # what is written may be there before the maps above it are
        before = attribute(frozen, "src")
        settle(page)
        assert attribute(frozen, "src") == before
        page.get_by_label("Layer", exact=True).select_option("conv1_1")
        expect(said(page)).to_have_text(re.compile(r"^conv1_1: 32 channels of 128 × 128, from 128 × 128 px$"))
        page.get_by_label("Layer", exact=True).select_option("conv2_1")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".pace")).to_contain_text("mosaics a second")
    page.get_by_role("link", name="Predict").click()
    streams_are(page, "ended")
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()  # before that, Back leaves the app
    page.go_back()
    start(page)
    page.get_by_role("button", name="Stop the camera").click()
    streams_are(page, "ended", "ended")


def test_a_link_to_a_channel_shows_it_mirrored_as_the_picture_is(page: Page):
    open_page(page, "Feature_maps?live=true&layer=conv2_1&channel=7")
    for _ in range(2):  # a person does things twice
        page.get_by_role("button", name="Start the camera").click()
        expect(said(page)).to_have_text(re.compile("channel 7 over the picture"))
        expect(page).to_have_url(re.compile("channel=7"))
        page.get_by_role("button", name="Freeze").click()
        settle(page)
        maps = page.locator(".mosaic img")
        before = attribute(maps, "src")
        page.get_by_label("Mirror").click()
        expect(maps).not_to_have_attribute("src", before)
        page.get_by_label("Mirror").click()
        expect(maps).to_have_attribute("src", before)
        page.get_by_role("button", name="Go on").focus()  # keys work wherever one has clicked
        page.keyboard.press("ArrowDown")
        expect(said(page)).to_have_text(re.compile("^relu2_1: "))
        expect(page).to_have_url(re.compile("layer=relu2_1"))
        page.keyboard.press("ArrowUp")
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        expect(said(page)).to_have_text(re.compile("channel 7 over the picture"))
        page.get_by_role("button", name="Stop the camera").click()


# The first frame that is sent frozen never arrives, and it is soon thought lost.
LOSE_THE_FROZEN = """
const later = window.setTimeout;
window.setTimeout = (act, after, ...rest) => later(act, after === 10_000 ? 500 : after, ...rest);
window.lost = 0;
window.WebSocket = class extends WebSocket {
    send(data) {
        const frozen = new TextDecoder("latin1").decode(data).includes('"frozen":true');
        if (!frozen || window.lost++) super.send(data);
    }
};
"""


def test_maps_of_a_frozen_picture_are_asked_for_again_where_no_answer_comes(page: Page):
    page.add_init_script(LOSE_THE_FROZEN)
    open_page(page, "Feature_maps?live=true&layer=conv2_1&channel=7")
    page.get_by_role("button", name="Start the camera").click()
    expect(said(page)).to_have_text(re.compile("channel 7 over the picture"))
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("What channel 7 of conv2_1 looks for")).to_be_visible()
    assert page.evaluate("lost") > 1
