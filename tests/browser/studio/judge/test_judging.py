"""What a run is worth, its labels put right, and the zip that answers elsewhere as the page does, in a real browser."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser.driver import open_page, pixels, settle
from browser.servers import running_server
from playwright.sync_api import Page, expect

from visionlab import load_head, predict
from visionlab.imaging.image import encode_png
from visionlab.learning.projects.intake import from_labelled, take
from visionlab.learning.projects.outcome import Outcome
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets.ready_made import textures
from visionlab.network.zoo.loading import load_classifier
from visionlab.ui.studio.judge.case import counted
from visionlab.ui.studio.train.run import Settings, noted, train

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NETWORK = "vgg16-tinyimagenet"
LONG = 150_000  # ms: what the network itself computes, on a machine that has other work as well
PATCHES = textures(patches=16)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    """Brick, grass and gravel, two bricks of them in the wrong class, and a finished run."""
    folder = tmp_path_factory.mktemp("projects")
    found = Workspace(folder).create("Textures", "a text that only I know")
    for _ in take(found, from_labelled(PATCHES)):
        pass
    brick, grass, _ = found.classes()
    found.move([each.id for each in found.pictures(brick.id, limit=2)], grass.id)
    run = found.begin_run(noted(Settings(NETWORK, "linear", (), 0.25, 0), len(PATCHES)), waiting=True)
    for _ in train(found, run, load_classifier(NETWORK, "cpu")):
        pass
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VISIONLAB_WORKSPACE", str(folder))
        yield found


@pytest.fixture(scope="module")
def server(project) -> Iterator[str]:
    with running_server() as url:
        yield url


def open_step(page: Page, project: Project, step: str, look: str = "") -> None:
    open_page(page, f"Fine_tune?project={project.id}&step={step}&look={look}")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0, timeout=LONG)
    settle(page)


def click_cell(page: Page, row: int, column: int) -> None:
    """Of the confusion matrix on the page."""
    chart = page.locator("[class*=st-key-cells] .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    x, y = chart.evaluate(
        """(chart, [row, column]) => {
            const {xaxis, yaxis} = chart._fullLayout, at = chart.getBoundingClientRect();
            return [at.x + xaxis._offset + xaxis.c2p(column), at.y + yaxis._offset + yaxis.c2p(row)];
        }""",
        [row, column],
    )
    page.mouse.click(x, y)


def test_a_click_on_a_cell_opens_its_pictures(page: Page, project: Project):
    (run,) = project.runs()
    outcome = Outcome.from_bytes(project.outcome(run.id))
    said = outcome.probabilities.argmax(1)
    open_step(page, project, "Judge", "Mistakes")
    expect(page.get_by_text(f"{(said == outcome.truth).mean():.0%} right", exact=True)).to_be_visible()
    for place in (2, 0):
        click_cell(page, place, place)
        ids = outcome.pictures[(outcome.truth == place) & (said == place)].tolist()
        name = outcome.classes[place]
        expect(page.get_by_text(f"{counted(len(ids))} of “{name}”, and it said so")).to_be_visible()
        settle(page)
        for each in ids:
            expect(page.get_by_role("img", name=project.picture(each).name, exact=True).first).to_be_visible()


def test_a_click_on_a_cell_of_a_test_folder_opens_its_pictures(page: Page, project: Project, tmp_path: Path):
    (run,) = project.runs()
    every = textures(patches=25)
    unseen = [place for place, name in enumerate(every.names) if name not in PATCHES.names]  # nine of each
    fresh = every.subset([place for label in range(3) for place in unseen[9 * label : 9 * label + 3]])
    names = [f"{number} of {fresh.classes[label]}" for number, label in enumerate(fresh.labels)]
    with zipfile.ZipFile(tmp_path / "elsewhere.zip", "w") as packed:
        stranger = np.flip(fresh.images[0], 0)  # of no class of the head: its place is nobody's
        packed.writestr("a stranger/0.png", encode_png(np.ascontiguousarray(stranger)))
        for name, label, image in zip(names, fresh.labels, fresh.images, strict=True):
            packed.writestr(f"{fresh.classes[label]}/{name}.png", encode_png(image))
    said = np.array([answer.index for (answer, *_) in predict(load_head(run.head).as_classifier(), fresh.images)])
    open_step(page, project, "Judge", "A%20test%20folder")
    zipped = page.get_by_test_id("stFileUploader").filter(has_text="A zip of such a folder")
    zipped.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(tmp_path / "elsewhere.zip")
    expect(page.get_by_text("of “a stranger” left out")).to_be_visible(timeout=LONG)
    for place in (2, 0):
        click_cell(page, place, place)
        found = np.flatnonzero((fresh.labels == place) & (said == place))
        told = f"{counted(len(found))} of “{fresh.classes[place]}”, and it said so"
        expect(page.get_by_text(told)).to_be_visible()
        settle(page)
        for each in found:
            picture = page.get_by_role("img", name=f"{names[each]}.png", exact=True).first
            expected = fresh.images[each].mean((0, 1))
            np.testing.assert_allclose(pixels(picture).mean((0, 1)), expected, atol=2)


def test_one_key_moves_a_doubtful_picture_and_undo_takes_it_back(page: Page, project: Project):
    brick, grass, _ = project.classes()
    open_step(page, project, "Judge", "Mistakes")
    page.get_by_role("radio", name="Labels", exact=True).click()  # which has the focus then
    expect(page.get_by_text(re.compile(r"0 of \d doubtful labels? looked at"))).to_be_visible(timeout=LONG)
    before = {each.id: each.class_id for each in project.snapshot()[1]}
    expect(page.get_by_role("button", name="Move it to “brick”")).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_text(re.compile(r"1 of \d doubtful labels? looked at"))).to_be_visible()
    after = {each.id: each.class_id for each in project.snapshot()[1]}
    ((picture, now),) = after.items() - before.items()
    assert (before[picture], now) == (grass.id, brick.id)
    expect(page.get_by_text("another label since")).to_be_visible()
    settle(page)
    page.locator(".st-key-undo").get_by_role("button").click()
    expect(page.get_by_text(re.compile(r"0 of \d doubtful labels? looked at"))).to_be_visible()
    assert {each.id: each.class_id for each in project.snapshot()[1]} == before


def test_the_zip_answers_elsewhere_as_the_page_does(page: Page, project: Project, tmp_path: Path):
    photo = tmp_path / "patch.png"
    photo.write_bytes(encode_png(PATCHES.images[20]))
    open_step(page, project, "Classes")
    tried = page.locator(".st-key-card-try")
    tried.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(photo)
    lines = tried.get_by_role("listitem")
    expect(lines).to_have_count(4)
    expect(lines.last).to_have_text(re.compile(r"None of these\s*no"))
    settle(page)
    found = [line.replace("\n", " ").rsplit(" ", 1) for line in lines.all_inner_texts()[:3]]
    bars = sorted(found, key=lambda bar: -float(bar[1].rstrip("%")))

    open_step(page, project, "Take%20away")
    page.get_by_role("button", name="Pack it").click()
    expect(page.get_by_text("onnxruntime and PyTorch agree to")).to_be_visible(timeout=LONG)
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the zip").click()
    zipfile.ZipFile(download.value.path()).extractall(tmp_path / "elsewhere")
    command = [sys.executable, "predict.py", str(photo)]
    found = subprocess.run(command, cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=True)
    told = re.findall(r"(\w+) (\d\.\d+)", found.stdout.removeprefix(f"{photo}:"))
    assert len(told) == 3
    for (shown_name, shown), (name, probability) in zip(bars, told, strict=True):
        assert shown_name == name
        assert float(shown.rstrip("%")) == pytest.approx(100 * float(probability), abs=0.06)
