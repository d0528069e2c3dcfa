"""A picture that comes without a file dialog, pasted or dropped anywhere on a page; and why one is refused."""

import base64
import re
from pathlib import Path

import pytest
from browser.driver import another_picture, open_page, settle
from playwright.sync_api import Page, expect

# What a person holds: [[bytes in base64, name, type] …] as a DataTransfer.
HOLD = """(files) => {
    const data = new DataTransfer();
    for (const [bytes, name, type] of files)
        data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, {type}));
    return data;
}"""
PASTE = """(clipboardData) => document.body.dispatchEvent(
    new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true}))"""
DRAG = """([selector, kind, dataTransfer]) => document.querySelector(selector).dispatchEvent(
    new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true, composed: true}))"""
BEGINNING = "[data-testid=stMain] h1"  # what is far from any uploader

LISTENING = """(button) => new Promise((done) => {
    const look = () => (button.onclick ? done() : requestAnimationFrame(look));
    look();
})"""  # the component's script may come after its button


def hold(page: Page, *files: tuple[str, bytes, str]):
    page.locator(".st-key-paste .from-clipboard").evaluate(LISTENING)
    held = [[base64.b64encode(data).decode(), name, kind] for name, data, kind in files]
    return page.evaluate_handle(HOLD, held)


def paste(page: Page, data: bytes, kind: str = "image/png") -> None:
    page.evaluate(PASTE, hold(page, ("image.png", data, kind)))


def drop(page: Page, *files: tuple[str, bytes, str], at: str = BEGINNING) -> None:
    held = hold(page, *files)
    page.evaluate(DRAG, [at, "dragover", held])
    expect(page.get_by_test_id("drop-sign")).to_be_visible(visible=at == BEGINNING)
    page.evaluate(DRAG, [at, "drop", held])
    expect(page.get_by_test_id("drop-sign")).to_be_hidden()


def test_a_pasted_picture_becomes_the_picture_of_all_pages(page: Page, photo):
    open_page(page, "Feature_maps")
    paste(page, photo.read_bytes())
    expect(page.get_by_text("pasted picture.png · 300 × 200 px")).to_be_visible()
    settle(page)
    paste(page, b"not a picture")
    expect(page.get_by_text("pasted picture.png: ")).to_be_visible()
    expect(page.get_by_text("pasted picture.png · 300 × 200 px")).to_be_visible()


@pytest.mark.parametrize("kind", ["text/plain", "application/pdf"])
def test_what_is_no_picture_is_left_to_the_page(page: Page, kind):
    open_page(page, "Convolution")
    paste(page, b"some text", kind)
    settle(page)
    expect(page.get_by_text("pasted picture")).to_have_count(0)


def test_pictures_are_dropped_anywhere_and_the_last_one_counts(page: Page, photo):
    open_page(page, "Filters")
    data = photo.read_bytes()
    drop(page, ("one.png", data, "image/png"))
    expect(page.get_by_text("one.png · 300 × 200 px")).to_be_visible()
    settle(page)
    drop(page, ("two.png", data + b" ", "image/png"), ("three.png", data + b"  ", "image/png"))
    expect(page.get_by_text("three.png · 300 × 200 px")).to_be_visible()
    settle(page)
    another_picture(page)
    expect(page.get_by_role("combobox", name=re.compile("Your pictures so far"))).to_have_value("three.png")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Paste a picture")).to_be_hidden()


def test_a_file_that_is_refused_says_why_and_loses_nothing(page: Page, photo, tmp_path):
    open_page(page, "Predict")
    drop(page, ("one.png", photo.read_bytes(), "image/png"))
    expect(page.get_by_text("one.png · 300 × 200 px")).to_be_visible()
    settle(page)
    drop(page, ("notes.pdf", b"%PDF-1.7", "application/pdf"))
    expect(page.get_by_text("notes.pdf: The file is a PDF document, which is not read here.")).to_be_visible()
    expect(page.get_by_text("one.png · 300 × 200 px")).to_be_visible()
    settle(page)
    drop(page, ("two", photo.read_bytes() + b" ", ""), ("list.txt", b"text", "text/plain"))  # and without a suffix
    expect(page.get_by_text("two · 300 × 200 px")).to_be_visible()
    expect(page.get_by_text("list.txt: The file is not a picture that can be read.")).to_be_visible()
    settle(page)
    sentence = "{}: The file has 22 MB; at most 20 MB are read. Choose a smaller picture."
    for big in ("big.png", "big again.png"):  # each is told in the place of what was refused before
        page.locator(".st-key-upload input").set_input_files(large(tmp_path / big))
        expect(page.get_by_text(sentence.format(big), exact=True)).to_be_visible()
        expect(page.get_by_text("two · 300 × 200 px")).to_be_visible()
        settle(page)
    expect(page.get_by_text("list.txt: ")).to_have_count(0)
    (tmp_path / "three.png").write_bytes(photo.read_bytes() + b"  ")
    page.locator(".st-key-upload input").set_input_files([tmp_path / "three.png", tmp_path / "big.png"])
    expect(page.get_by_text("three.png · 300 × 200 px")).to_be_visible()
    settle(page)
    expect(page.get_by_text(sentence.format("big.png"), exact=True)).to_be_visible()
    page.locator(".st-key-upload input").set_input_files(photo)
    expect(page.get_by_text("my photo.png · 300 × 200 px")).to_be_visible()
    expect(page.get_by_text("The file has 22 MB")).to_have_count(0)


def large(path: Path) -> Path:
    """A file of 21 · 2^20 bytes, more than a picture may have."""
    with path.open("wb") as file:
        file.truncate(21 << 20)
    return path


def test_what_brings_a_picture_looks_the_same_whatever_came_before(page: Page, photo, tmp_path):
    open_page(page, "Filters")
    panel = page.locator(".st-key-another-picture")
    for files in ([], [photo], [large(tmp_path / "big.png")]):
        if files:
            with page.expect_file_chooser() as dialog:
                panel.get_by_role("button", name="Upload a picture").click()
            dialog.value.set_files(files)
            expect(page.get_by_text("my photo.png · 300 × 200 px")).to_be_visible()
            settle(page)
        another_picture(page)
        assert panel.get_by_role("button").all_inner_texts() == ["Upload a picture", "Paste a picture"]
        expect(panel.get_by_test_id("stFileUploader")).to_be_hidden()
        expect(panel.get_by_text("files of at most 20 MB")).to_be_visible()


def test_a_drop_onto_another_uploader_goes_to_that_one(page: Page, photo):
    open_page(page, "Filters")
    page.get_by_text("Download, code, a zip of pictures").click()
    page.get_by_role("tab", name="A zip of pictures").click()
    drop(page, ("one.png", photo.read_bytes(), "image/png"), at=".st-key-batch-zip section")
    refused = page.locator(".st-key-batch-zip").get_by_role("alert")
    expect(refused).to_contain_text("image/png files are not allowed.")
    expect(page.get_by_text("Cat · 451 × 300 px")).to_be_visible()
