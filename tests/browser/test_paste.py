"""A picture from the clipboard, pasted anywhere on a page."""

import base64

import pytest
from browser.driver import open_page, settle
from playwright.sync_api import Page, expect

PASTE = """([bytes, type]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], 'image.png', {type}));
    document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""


LISTENING = """(button) => new Promise((done) => {
    const look = () => (button.onclick ? done() : requestAnimationFrame(look));
    look();
})"""  # the component's script may come after its button


def paste(page: Page, data: bytes, kind: str = "image/png") -> None:
    page.get_by_role("button", name="Paste a picture").evaluate(LISTENING)
    page.evaluate(PASTE, [base64.b64encode(data).decode(), kind])


def test_a_pasted_picture_becomes_the_picture_of_all_pages(page: Page, photo):
    open_page(page, "Feature_maps")
    paste(page, photo.read_bytes())
    expect(page.get_by_text("pasted picture · 300 × 200 px")).to_be_visible()
    settle(page)
    paste(page, b"not a picture")
    expect(page.get_by_text("pasted picture: ")).to_be_visible()
    expect(page.get_by_text("pasted picture · 300 × 200 px")).to_be_visible()


@pytest.mark.parametrize("kind", ["text/plain", "application/pdf"])
def test_what_is_no_picture_is_left_to_the_page(page: Page, kind):
    open_page(page, "Convolution")
    paste(page, b"some text", kind)
    settle(page)
    expect(page.get_by_text("pasted picture")).to_have_count(0)


def test_too_large_a_picture_stays_in_the_browser(page: Page):
    open_page(page, "Convolution")
    page.evaluate("(n) => { window.big = btoa('x'.repeat(n)); }", 21 << 20)
    page.get_by_role("button", name="Paste a picture").evaluate(LISTENING)
    page.evaluate(f"() => ({PASTE})([window.big, 'image/png'])")
    expect(page.get_by_text("That picture has 21 MB; at most 20 are taken.")).to_be_visible()
