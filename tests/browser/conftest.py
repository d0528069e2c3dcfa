"""A server for each module, and a page in a real Chromium that notes every request that would leave the server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from browser.driver import FLAGS, start_server
from PIL import Image as PillowImage
from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE = 60_000  # ms: a cold server imports torch at its first page

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "The browser tests need Chromium on the PATH: see the Makefile's target “chromium”."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def workspace_folder(tmp_path_factory) -> Iterator[Path]:
    """Where the projects of all servers lie."""
    folder = tmp_path_factory.mktemp("projects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONLAB_WORKSPACE", str(folder))
        yield folder


@contextmanager
def running_server() -> Iterator[str]:
    process, url = start_server()
    try:
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    context = browser.new_context(base_url=server, viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    outside: list[str] = []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith((server, "data:", "blob:")) else None)
    yield page
    exceptions = page.get_by_test_id("stException").all_inner_texts()
    context.close()
    assert not exceptions
    assert not outside, "a page may cause no request that leaves the server"


@pytest.fixture(scope="session")
def photo(tmp_path_factory) -> Path:
    """A picture with something in it, 300 × 200 px, as PNG so that its pixels are exact."""
    rows, columns = np.mgrid[:200, :300]
    disc = ((rows - 90) ** 2 + (columns - 140) ** 2 < 60**2) * 120
    noise = np.random.default_rng(0).normal(0, 15, (200, 300, 3))  # so that every change of a control shows
    picture = np.stack([rows * 0.9, columns * 0.6 + disc * 0.3, 60 + disc], 2) + noise
    path = tmp_path_factory.mktemp("photo") / "my photo.png"
    PillowImage.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path)
    return path
