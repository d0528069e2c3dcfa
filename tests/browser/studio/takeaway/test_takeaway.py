"""From a few pictures to a zip that answers elsewhere, and on from that zip as somebody else, in a real browser."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import onnxruntime
import pytest
from browser.driver import LONG, name_classes, open_page, settle, striped
from playwright.sync_api import Locator, Page, expect

from visionlab import load_classifier, load_head, load_image, predict
from visionlab.learning.takeaway.package import open_package

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CLASSES = ("across", "down")


def add(page: Page, kind: int, seeds: range, together: int) -> None:
    """Pictures of a kind, put into its class, which has so many together then."""
    name = CLASSES[kind]
    page.get_by_test_id("stRadioOption").filter(has_text=re.compile(rf"^{name} ·")).click()
    expect(page.get_by_text(f"Add pictures to {name}")).to_be_visible()
    settle(page)
    files = [{"name": f"{name} {n}.png", "mimeType": "image/png", "buffer": striped(kind, n)} for n in seeds]
    uploader(page).first.set_input_files(files)
    expect(page.get_by_test_id("stRadioOption").get_by_text(f"{name} · {together}", exact=True)).to_be_visible()
    expect(page.get_by_text(f"{len(seeds)} pictures added.")).to_be_visible()
    settle(page)


def uploader(page: Page, label: str = "") -> Locator:
    """The one of that label; the one for pictures of a class is first."""
    return page.get_by_test_id("stFileUploader").filter(has_text=label).get_by_test_id("stFileUploaderDropzoneInput")


def go(page: Page, step: str) -> None:
    page.get_by_role("radio", name=step, exact=True).click()
    expect(page.get_by_role("radio", name=step, exact=True)).to_be_checked()
    settle(page)


def train(page: Page, pictures: str) -> None:
    """A linear head on the built-in network, which is what a person is offered."""
    go(page, "Train")
    expect(page.get_by_role("radio", name="Linear")).to_be_checked()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_test_id("stMetric").filter(has_text=pictures)).to_be_visible(timeout=LONG)
    settle(page)


def pack(page: Page) -> None:
    go(page, "Take away")
    page.get_by_text("With the pictures").click()
    settle(page)
    page.get_by_role("button", name="Pack it").click()
    expect(page.get_by_text("onnxruntime and PyTorch agree to")).to_be_visible(timeout=LONG)
    settle(page)


def test_trained_taken_away_opened_by_somebody_else_and_trained_on(page: Page, page_apart: Page, tmp_path: Path):
    open_page(page, "Fine_tune")
    name_classes(page, *CLASSES)
    expect(page.get_by_text("No pictures yet")).to_be_visible()
    for kind in (0, 1):
        add(page, kind, range(8), together=8)
    train(page, "12 + 4")
    pack(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the zip").click()
    assert download.value.suggested_filename == "my-classifier.zip"
    taken = tmp_path / "my-classifier.zip"
    download.value.save_as(taken)
    page.get_by_text("The model card").click()
    expect(page.get_by_role("heading", name="A classifier of 2 classes")).to_be_visible()
    answers_alike_elsewhere(taken, tmp_path)

    other = page_apart
    open_page(other, "Fine_tune")
    other.get_by_text("Open what you took away before").click()
    uploader(other, "packed here").set_input_files(taken)
    expect(other.get_by_text("“my-classifier” is a project of yours now: 16 pictures and their head.")).to_be_visible()
    other.get_by_role("button", name="Go to it").click()
    expect(other.get_by_text("16 pictures · 2 classes")).to_be_visible()
    go(other, "Pictures")
    assert re.search(r"project=[\w-]{22}", other.url)[0] != re.search(r"project=[\w-]{22}", page.url)[0]
    for kind in (0, 1):
        add(other, kind, range(100, 105), together=13)
    expect(other.get_by_text("26 pictures · 2 classes")).to_be_visible()
    go(other, "Take away")
    expect(other.get_by_role("button", name="Pack it")).to_be_visible()  # the head that came with it is there at once
    train(other, "20 + 6")
    page.reload()
    expect(page.get_by_text("16 pictures · 2 classes")).to_be_visible()  # where it came from, nothing has changed


def answers_alike_elsewhere(taken: Path, folder: Path) -> None:
    """All that the zip holds fits together, and a process that knows nothing of this project answers as the head."""
    found = open_package(taken)
    assert found.head.classes == CLASSES
    with found.pictures as pictures, zipfile.ZipFile(pictures) as zipped:
        named = {f"{name}/{name} {n}.png": striped(kind, n) for kind, name in enumerate(CLASSES) for n in range(8)}
        assert {name: zipped.read(name) for name in zipped.namelist() if name.endswith(".png")} == named
    with zipfile.ZipFile(taken) as zipped:
        zipped.extractall(folder / "elsewhere")
    away = folder / "elsewhere"
    card = (away / "model-card.md").read_text()
    told = re.search(
        r"compared with the original \(PyTorch\): on (\d+) pictures no probability differs by more than "
        r"(\S+) and (\d+) have",
        card,
    )
    assert (told[1], told[3]) == ("4", "4")
    assert float(told[2]) < 1e-4
    assert "| across | 8 |" in card
    assert (away / "labels.txt").read_text().split() == list(CLASSES)
    mine = load_head(away / "head.safetensors").as_classifier(load_classifier("vgg16-tinyimagenet", "cpu"))
    session = onnxruntime.InferenceSession(away / "model.onnx")
    photos = [folder / f"{name}.png" for name in CLASSES]
    for kind, photo in enumerate(photos):
        photo.write_bytes(striped(kind, 0))  # one that it learned from, so that it is none that is refused
    command = [sys.executable, "-I", "predict.py", *photos]
    lines = subprocess.run(command, cwd=away, capture_output=True, text=True, check=True).stdout.splitlines()
    for name, photo, line in zip(CLASSES, photos, lines, strict=True):
        (expected,) = predict(mine, [load_image(photo)])
        assert expected[0].label == name
        probabilities, *_ = session.run(None, {"image": load_image(photo)})
        told = re.fullmatch(rf"{re.escape(str(photo))}: (\w+) ([\d.]+), (\w+) ([\d.]+)", line).groups()
        assert told[::2] == tuple(answer.label for answer in expected)
        for answer, said in zip(expected, map(float, told[1::2]), strict=True):
            assert probabilities[answer.index] == pytest.approx(answer.probability, abs=1e-4)
            assert said == pytest.approx(answer.probability, abs=2e-4)  # it is rounded to 1e-4
