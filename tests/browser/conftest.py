"""A server for each module, and a page in a real Chromium that notes every request that would leave the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from browser.driver import FLAGS, KEEP_RUNS, program
from browser.servers import ADDRESS, running_server
from PIL import Image as PillowImage
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PATIENCE = 60_000  # ms: a cold server imports torch at its first page
HOW = {
    "base_url": ADDRESS,
    "viewport": {"width": 1400, "height": 1000},
    "accept_downloads": True,
    "reduced_motion": "reduce",  # what moves only for the eye is half of what is painted
}

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def profile(tmp_path_factory) -> Iterator[BrowserContext]:
    """A browser as a person has it, with a cache on disk: a page then comes at half the computing."""
    with sync_playwright() as playwright:
        folder = tmp_path_factory.mktemp("profile")
        context = playwright.chromium.launch_persistent_context(folder, executable_path=program(), args=FLAGS, **HOW)
        yield context
        context.close()


@pytest.fixture(scope="session")
def browser(profile: BrowserContext) -> Browser:
    return profile.browser


@pytest.fixture(scope="session", autouse=True)
def workspace_folder(tmp_path_factory) -> Iterator[Path]:
    """Where the projects of all servers lie."""
    folder = tmp_path_factory.mktemp("projects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONLAB_WORKSPACE", str(folder))
        yield folder


@pytest.fixture(scope="module", autouse=True)
def fresh_clone(built_in_alone) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as url:
        yield url


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    page.add_init_script(KEEP_RUNS)
    page.set_default_timeout(PATIENCE)
    outside: list[str] = []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith((ADDRESS, "data:", "blob:")) else None)
    yield page
    exceptions = page.get_by_test_id("stException").all_inner_texts()
    assert not exceptions
    assert not outside, "a page may cause no request that leaves the server"


@pytest.fixture
def page(profile: BrowserContext, server) -> Iterator[Page]:
    """A page of somebody whom the server has not seen before."""
    first = profile.pages[0]
    if not first.url.startswith(ADDRESS):  # it stays open, and with it what the browser has compiled: see FLAGS
        first.goto(f"{ADDRESS}/_stcore/health")
    try:
        with watched(profile) as page:
            yield page
    finally:
        for each in profile.pages[1:]:
            each.close()
        where = {"origin": ADDRESS, "storageTypes": "cookies,local_storage"}
        profile.new_cdp_session(first).send("Storage.clearDataForOrigin", where)


@pytest.fixture
def page_apart(browser: Browser, server) -> Iterator[Page]:
    """A page in a context of its own, for what would stay in the browser: a clock that is turned, for instance."""
    with browser.new_context(**HOW) as context, watched(context) as page:
        yield page


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
