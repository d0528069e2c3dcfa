"""The browser of the tests, and what a person does on the pages of the app."""

import base64
import io
import os
import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from playwright.sync_api import Download, Locator, Page, TimeoutError, expect

from visionlab.imaging.image import encode_png

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--no-opt",  # scripts that run for seconds are not worth a second compiler
    "--process-per-site",  # what one page has compiled serves the next, as long as a page of the site is open
    "--renderer-process-limit=1",  # nor has a page that is still empty a process of its own
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
BLANK = "" if os.environ.get("VISIONLAB_BLANK") == "off" else "blank"  # where a demo is in a page without Streamlit
LONG = 150_000  # ms: what the network itself computes, on a machine that has other work as well


# Runs before the page: what is still to come of the run that it last asked the server for, and when runs began and
# ended, by what the server says. The page itself says “not running” from a click on until the click's run has begun.
KEEP_RUNS = """
window.runs = {lacks: "begun", on: false, asked: 0, ended: 0};
window.WebSocket = class extends WebSocket {
    constructor(...where) {
        super(...where);
        this.addEventListener("message", ({data}) => {
            const [kind, length] = new Uint8Array(data);
            if (kind !== (9 << 3 | 2)) return;  // session_status_changed, which is empty where nothing runs
            runs.on = length > 0;
            if (!runs.on) runs.ended = performance.now();
            if (runs.on && runs.lacks === "begun") runs.lacks = "ended";
            else if (!runs.on && runs.lacks === "ended") runs.lacks = null;
        });
    }
    send(data) {
        const [kind] = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0);  // many share a buffer
        if (kind === (11 << 3 | 2)) {  // rerun_script
            runs.asked = performance.now();
            runs.lacks = runs.on ? "ended" : "begun";
        }
        super.send(data);
    }
};
"""
# A tenth of a second without a run: another may have been asked for while the last one ended. And at last also where
# what was asked for never runs, since it is of a fragment that is no longer there.
SETTLED = """() => {
    const {lacks, asked, ended} = window.runs ?? {lacks: null, asked: 0, ended: 0};
    const now = performance.now();
    return (!lacks || (ended && now > asked + 3000)) && now > ended + 100
        && document.querySelector("[data-testid=stApp]")?.getAttribute("data-test-script-state") === "notRunning"
        && !document.querySelector("[data-testid=stSkeleton]") && !document.querySelector("[data-stale=true]")
        && [...document.images].every((image) => image.complete);
}"""

READ = """async (image) => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}"""
TURN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"

# As if what waits so long until it tells something were never to come to the end of that.
NEVER_AFTER = """(never) => {
    const wait = window.setTimeout;
    window.setTimeout = (act, pause, ...given) => (pause === never ? 10 ** 9 : wait(act, pause, ...given));
}"""


def program() -> str:
    """The browser: Chromium without a window where that is there by itself, which takes a third less computing."""
    found = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
    assert found, "The browser tests need Chromium on the PATH: see the Makefile's target “chromium”."
    return found


def settle(page: Page) -> None:
    """Wait until the script has run and every picture has come."""
    page.evaluate(TURN)
    page.evaluate(TURN)  # a click has been sent by now
    page.wait_for_function(SETTLED)  # which has to answer at once: a promise would count as true


def attribute(part: Locator, name: str) -> str:
    """What an attribute is, once the page has given the part one: until then Playwright answers None, and that
    something is no longer None says nothing."""
    expect(part).to_have_attribute(name, re.compile("."))
    return part.get_attribute(name)


def open_page(page: Page, name: str) -> None:
    page.goto(f"/{name}")
    page.get_by_test_id("stApp").wait_for()
    settle(page)


def open_blank(page: Page, address: str = "") -> None:
    """Open the demo that is served, with that query, in a page without Streamlit: see blank.py."""
    open_page(page, BLANK + address)


def use_photo(page: Page, photo: Path) -> None:
    """Upload the photograph through the picture bar, and wait until the page works on it."""
    page.locator(".st-key-upload").get_by_test_id("stFileUploaderDropzoneInput").set_input_files(photo)
    expect(page.get_by_text(f"{photo.name} · 300 × 200 px")).to_be_visible()
    settle(page)


def another_picture(page: Page) -> None:
    """Open what brings another picture: samples, an upload, the clipboard, earlier ones."""
    page.locator(".st-key-another-picture summary").click()
    expect(page.get_by_role("button", name="Paste a picture")).to_be_visible()


def name_classes(page: Page, *names: str) -> None:
    """Make a project of these classes from the empty page, and go to its pictures."""
    page.get_by_label("Add classes").fill(", ".join(names))
    page.get_by_label("Add classes").press("Enter")
    page.get_by_role("radio", name="Pictures", exact=True).click()
    expect(page.get_by_role("radio", name="Pictures", exact=True)).to_be_checked()
    settle(page)


def striped(kind: int, seed: int) -> bytes:
    """A PNG of stripes, one of two kinds, with noise of its own: easily told apart by the built-in network."""
    rows, columns = np.mgrid[:64, :64]
    wave = (np.sin(rows / 2), np.sin(columns / 2))[kind] * 90
    picture = 128 + wave[..., None] + np.random.default_rng([kind, seed]).normal(0, 25, (64, 64, 3))
    return encode_png(picture.clip(0, 255).astype(np.uint8))


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a select box; again where the script was still at work, and drew the open list anew."""
    for _ in range(20):
        settle(page)
        page.get_by_test_id("stSelectbox").filter(has_text=label).locator("input").click()
        try:
            page.get_by_role("option", name=option, exact=True).click(timeout=2000)
        except TimeoutError:
            continue
        settle(page)
        return
    raise AssertionError(f"“{option}” of “{label}” could never be chosen")


def downloaded(page: Page, button: Locator) -> Download:
    """What the button hands out. Asked for while a run of the page replaces the file, it does not come: Streamlit drops
    what the run before had offered. Then again, as a person would.
    """
    settle(page)
    for patience in (10_000, 20_000, 60_000):
        try:
            with page.expect_download(timeout=patience) as coming:
                button.click()
        except TimeoutError:
            settle(page)
            continue
        return coming.value
    raise AssertionError(f"{button} hands nothing out")


def pixels(image: Locator) -> np.ndarray:
    """The picture that the page shows, as the browser got it: uint8 (H, W, 3)."""
    address = attribute(image, "src")
    if address.startswith("blob:"):  # which only the page itself knows
        data = base64.b64decode(image.evaluate(READ))
    else:
        data = image.page.request.get(address).body()
    return np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB"))
