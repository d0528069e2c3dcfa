"""What the browser does not hand to the server, since that takes smaller files alone, or a proxy in front of it: each
uploader says so where one looks."""

import re
from pathlib import Path

import pytest
from browser.driver import another_picture, open_page, settle
from browser.servers import running_server
from playwright.sync_api import Page, expect

MB = 2**20


@pytest.fixture(scope="module")
def server(fresh_clone):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "1")
        with running_server() as url:
            yield url


def sized(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_the_picture_bar_says_what_is_over_the_servers_limit(page: Page, photo, tmp_path):
    open_page(page, "Predict")
    another_picture(page)
    panel = page.locator(".st-key-another-picture")
    expect(panel.get_by_text("files of at most 1 MB", exact=False)).to_be_visible()
    for name, size, said in (("big.png", 2_400_000, "2.4 MB"), ("huge.png", 21 * MB, "22 MB")):
        with page.expect_file_chooser() as dialog:
            panel.get_by_role("button", name="Upload a picture").click()
        dialog.value.set_files(sized(tmp_path / name, size))
        told = f"{name}: The file has {said}; this server takes files of at most 1 MB. Choose a smaller picture."
        expect(page.get_by_text(told, exact=True)).to_be_visible()
        settle(page)
        another_picture(page)
    page.locator(".st-key-upload input").set_input_files(photo)
    expect(page.get_by_text("my photo.png · 300 × 200 px")).to_be_visible()
    expect(page.get_by_text("this server takes")).to_have_count(0)


def test_the_picture_bar_says_what_a_proxy_refuses(page: Page, photo, tmp_path):
    open_page(page, "Predict")
    page.route("**/_stcore/upload_file/**", lambda route: route.fulfill(status=413, body="Request Entity Too Large"))
    files = [tmp_path / name for name in ("one.png", "two.png")]
    for file in files:
        file.write_bytes(photo.read_bytes())
    page.locator(".st-key-upload input").set_input_files(files)
    for name in ("one.png", "two.png"):
        told = f"{name}: The file did not reach the server. Choose it again, or a smaller one."
        expect(page.get_by_text(told)).to_be_visible()
    settle(page)
    page.unroute("**/_stcore/upload_file/**")
    page.locator(".st-key-upload input").set_input_files(photo)
    expect(page.get_by_text("my photo.png · 300 × 200 px")).to_be_visible()
    expect(page.get_by_text("did not reach")).to_have_count(0)


def of_filters(page: Page) -> None:
    page.get_by_text("Download, code, a zip of pictures").click()
    page.get_by_role("tab", name="A zip of pictures").click()


def of_many(page: Page) -> None:
    page.get_by_role("radio", name="Many pictures").click()


def at_once(page: Page) -> None:
    """It is open where there is no project."""


def of_opening(page: Page) -> None:
    page.get_by_text("Open what you took away before").click()


@pytest.mark.parametrize(
    ("title", "reach", "uploader"),
    [
        ("Filters", of_filters, "batch-zip"),
        ("Predict", of_many, "many-zip"),
        ("Fine_tune", at_once, "zip-"),
        ("Fine_tune", of_opening, "package-"),
    ],
    ids=["filters", "many", "sets", "opening"],
)
def test_every_uploader_says_what_is_over_the_servers_limit(page: Page, tmp_path, title, reach, uploader):
    open_page(page, title)
    reach(page)
    place = page.locator(f"[class*=st-key-uploader-{uploader}]").first
    place.locator("input[type=file]").set_input_files(sized(tmp_path / "big.zip", 2 * MB))
    expect(place.get_by_role("alert")).to_contain_text("1.0MB or smaller")
    expect(place.get_by_text(re.compile("What is red was not taken: .* of at most 1 MB are"))).to_be_visible()
