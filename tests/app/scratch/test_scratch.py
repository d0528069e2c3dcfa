"""The page “From scratch”: which data, and each experiment from its settings to its results, on small digits."""

import io
import json
import re
import struct
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
from app.studio_tools import ME, finish, lines, stripes
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from tiny import tiny_classifier
from zipped import unmarked

from visionlab import limits
from visionlab.errors import DatasetError
from visionlab.imaging.image import encode_png
from visionlab.learning.judging.metrics import MAJORITY, wilson
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.scratch import (
    SOURCES,
    STACKS,
    Closing,
    MovingEight,
    Settings,
    SmallSet,
    Softmax,
    Training,
    answer,
    conv,
    dense,
    from_data,
    load,
    pool,
    probabilities,
    shapes,
    with_classes,
)
from visionlab.learning.scratch import five_steps as library_steps
from visionlab.learning.scratch.birds import verdict
from visionlab.learning.scratch.moving_eight import LEARNERS, ShiftMap, on_canvas
from visionlab.ui.scratch import (
    birds,
    closing,
    convnet,
    five_steps,
    layers,
    lesson,
    numbers,
    parts,
    runs,
    softmax,
)
from visionlab.ui.scratch.convnet import Learned
from visionlab.ui.scratch.eight import _lesson as lesson_of_the_eight
from visionlab.ui.scratch.parts import as_image, weights_image
from visionlab.ui.scratch.sets import bringing, choosing, opening
from visionlab.ui.scratch.softmax import lightened
from visionlab.ui.shared import cached, jobs, visitor
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.widgets import plain


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Also on a busy machine a small set is open when the page is drawn."""
    monkeypatch.setattr(opening, "PATIENCE", 60)


@pytest.fixture
def scratch(open_page, registry):
    """The page at an experiment."""

    def go(experiment: str, data: str = "digits") -> AppTest:
        app = open_page("From scratch")
        app.session_state["experiment"], app.session_state["data"] = experiment, data
        app.run()
        assert not app.exception
        return app

    return go


def train(app: AppTest, registry: jobs.Registry, experiment: str) -> AppTest:
    app.button(key=f"train-{experiment}").click().run()
    assert not app.exception
    return finish(app, registry)


def html(app: AppTest) -> str:
    return "\n".join(each.proto.body for each in app.get("html"))


def rests_on(app: AppTest, data: SmallSet, accuracy: float) -> None:
    """An accuracy stands there with its interval, how many were tested, and what chance is on these pictures."""
    count = len(data.test_labels)
    low, high = wilson(round(accuracy * count), count)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert (metrics["Right on the test part"], metrics["Test pictures"]) == (f"{accuracy:.1%}", f"{count:,}")
    assert metrics["95% interval"] == f"{low:.1%} to {high:.1%}"
    assert metrics[MAJORITY] == f"{np.bincount(data.test_labels).max() / count:.1%}"


def errors(app: AppTest) -> list[str]:
    return [each.value for each in app.text]


def zipped(
    classes: tuple[str, ...] = ("a", "b"), count: int = 8, size: tuple[int, int] = (12, 12), grey: bool = False
) -> bytes:
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in classes:
            for number in range(count):
                picture = rng.integers(0, 256, (*size, 1 if grey else 3), np.uint8)
                archive.writestr(f"{name}/{number}.png", encode_png(as_image(picture)))
    return file.getvalue()


# Data ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.needs == "nothing"])
def test_what_needs_nothing_is_there_at_once(scratch, name):
    app, data = scratch("numbers", name), load(name)
    assert f"{len(data.images):,} to learn from, {len(data.test_images):,} to test with" in lines(app)
    assert app.query_params["data"] == name
    assert f"{data.images[0].size:,} numbers" in lines(app)


def test_textures_say_what_a_figure_on_three_photographs_is_worth(scratch):
    told = "Each class is one photograph"
    assert told in lines(scratch("numbers", "textures"))
    assert told not in lines(scratch("numbers", "faces"))


def test_what_is_said_of_neighbours_is_so_of_the_picture(scratch):
    """Of an 8 × 8 digit most is edge; by hand: of a ramp of 9 pixels, neighbours differ by 20, any two by 66.7."""
    assert "nearly everything is edge: two neighbours differ by 64 on average, any two pixels by 90" in lines(
        scratch("numbers")
    )
    ramp = np.arange(0, 180, 20, dtype=np.uint8)[None, :, None]
    told = numbers.neighbours_told(ramp)
    assert "Neighbours are much alike, and an edge is where they jump: two neighbours differ by 20" in told
    assert "any two pixels by 67" in told
    assert numbers.neighbours_told(np.full((4, 4, 3), 7, np.uint8)) == "All its pixels are alike."
    assert numbers.neighbours_told(np.zeros((1, 1, 1), np.uint8)) == "All its pixels are alike."


def test_what_is_not_here_can_be_downloaded_stopped_and_tried_again(scratch, registry, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def failing(name):
        yield 1, 2
        raise DatasetError("MNIST could not be downloaded (no network); try later, or name a zip or a folder of it.")

    monkeypatch.setattr(bringing, "download", failing)
    bringing._download.clear()
    bringing._loaded.clear()
    app = scratch("softmax", "mnist")
    assert "MNIST is not here yet; download it, or name a zip or a folder of it." in errors(app)
    assert not [button for button in app.button if button.label == "Train"]
    app.button(key="download-mnist").click().run()
    finish(app, registry)
    assert any("no network" in text for text in errors(app))
    assert app.button(key="download-mnist").label == "Try again"


def test_a_zip_is_taken_and_a_bad_one_leaves_all_as_it_was(scratch):
    app = scratch("numbers", "pictures")
    app.file_uploader[0].upload("mine <b>.zip", zipped(), "application/zip").run()
    assert not app.exception
    assert "13 to learn from" in lines(app) or "14 to learn from" in lines(app)
    for name, content, told in (
        ("broken.zip", b"PK no zip", "zip"),
        ("one class.zip", zipped(("a",)), "class"),
    ):
        app.file_uploader[0].upload(name, content, "application/zip").run()
        assert not app.exception
        assert any(told in text for text in errors(app))
        assert "2 classes · 12 × 12 px, RGB" in lines(app)


def test_a_folder_is_named_by_who_sits_at_the_server(scratch, tmp_path, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        archive.extractall(tmp_path / "mine")
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    app = scratch("numbers", "pictures")
    for path in (str(tmp_path / "nowhere"), "~nobody-of-that-name/pictures", "n" * 300):
        app.text_input(key="path-pictures").set_value(path)
        app.button[-1].click().run()
        assert not app.exception
        assert any("is no folder and no zip" in text for text in errors(app))
    app.text_input(key="path-pictures").set_value(str(tmp_path / "mine"))
    app.button[-1].click().run()
    assert "2 classes · 12 × 12 px, RGB" in lines(app)


def test_a_named_folder_is_in_the_link_and_opened_by_it(scratch, new_app, tmp_path, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        archive.extractall(tmp_path / "mine")
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    app = scratch("numbers", "pictures")
    app.text_input(key="path-pictures").set_value(str(tmp_path / "mine"))
    app.button[-1].click().run()
    where = app.query_params["pictures"]
    assert where == str(tmp_path / "mine")
    other = by_link(new_app(), experiment="numbers", data="pictures", pictures=where)
    assert "2 classes · 12 × 12 px, RGB" in lines(other)
    (tmp_path / "mine").rename(tmp_path / "gone")
    third = by_link(new_app(), experiment="numbers", data="pictures", pictures=where)
    assert any("is no folder and no zip" in text for text in errors(third))
    other.session_state["data"] = "digits"
    other.run()
    assert "pictures" not in other.query_params


@pytest.mark.parametrize("where", ["mine.zip", "/home/somebody/secret/mine.zip", r"C:\\secret\\mine.zip"])
def test_a_link_to_pictures_that_are_not_here_says_which_are_missing(new_app, where):
    app = by_link(new_app(), experiment="softmax", data="pictures", pictures=where)
    (told,) = errors(app)
    assert told == "The link is on pictures called “mine.zip”, which are not here. Bring them once more."
    app.file_uploader[0].upload("mine.zip", zipped(), "application/zip").run()
    assert not errors(app)
    assert app.query_params["pictures"] == "mine.zip"
    assert not app.button(key="train-softmax").disabled


def test_cifar_10_in_a_zip_of_ones_own_is_not_offered_cifar_10(new_app):
    app = by_link(new_app(), experiment="softmax", data="pictures")
    app.file_uploader[0].upload("mine.zip", zipped(), "application/zip").run()
    assert "offered" in [button.key for button in app.button]
    ten = sorted(SOURCES["cifar10"].classes)
    app.file_uploader[0].upload("cifar.zip", zipped(tuple(ten), size=(32, 32)), "application/zip").run()
    assert "offered" not in [button.key for button in app.button]


def test_what_cifar_10_would_add_is_one_click_away(scratch, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bringing._loaded.clear()
    for experiment, module in (("softmax", softmax), ("convnet", convnet), ("birds", birds), ("closing", closing)):
        monkeypatch.setattr(cached, "classifier", lambda name: tiny_classifier())
        app = scratch(experiment)
        assert f"CIFAR-10 {module.ADDS}" in lines(app)
        app.button(key="offered").click().run()
        assert app.session_state["data"] == "cifar10"
        assert "download-cifar10" in [button.key for button in app.button]
        assert app.file_uploader, "beside it, for who has it"
        app.session_state["data"] = "digits"
        app.run()


def test_other_pictures_are_not_called_cifar_10(scratch, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bringing._loaded.clear()
    app = scratch("numbers", "cifar10")
    names = SOURCES["cifar10"].classes
    app.file_uploader[0].upload("mine.zip", zipped(names, 2, (32, 30)), "application/zip").run()
    assert not app.exception
    assert app.session_state["data"] == "pictures"
    assert [text for text in errors(app) if text.startswith("CIFAR-10 is 10 classes, airplane, automobile … truck, of")]
    assert "60,000" not in lines(app)
    app.session_state["data"] = "cifar10"
    app.run()
    assert "download-cifar10" in [button.key for button in app.button]
    app.file_uploader[0].upload("mine.zip", zipped(names, 2, (32, 32)), "application/zip").run()
    assert not errors(app)
    assert app.session_state["data"] == "cifar10"
    assert "10 to learn from, 10 to test with" in lines(app)
    assert "60,000" not in lines(app)


def test_a_link_to_other_pictures_as_cifar_10_says_so(new_app, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    bringing._loaded.clear()
    (tmp_path / "mine.zip").write_bytes(zipped())
    app = by_link(new_app(), experiment="numbers", data="cifar10", pictures=str(tmp_path / "mine.zip"))
    assert [text for text in errors(app) if "So it is taken as “Pictures of your own”." in text]
    assert "download-cifar10" in [button.key for button in app.button]
    app.session_state["data"] = "pictures"
    app.run()
    assert "2 classes · 12 × 12 px, RGB" in lines(app)


def test_what_was_chosen_in_the_panel_is_not_behind_it(scratch):
    app = scratch("numbers")
    app.session_state[choosing.PANEL] = True
    app.run()
    app.selectbox(key="data").select("textures").run()
    assert not app.session_state[choosing.PANEL]


def test_mnist_that_one_has_and_a_project_are_learned_from(scratch, registry, workspace_folder, tmp_path, monkeypatch):
    for stem, count in {"train": 60, "t10k": 30}.items():
        rng = np.random.default_rng(count)
        for name, values in (
            ("images-idx3-ubyte", rng.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10),
        ):
            head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            (tmp_path / f"{stem}-{name}").write_bytes(head + values.tobytes())
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    bringing._loaded.clear()
    app = scratch("softmax", "mnist")
    app.text_input(key="path-mnist").set_value(str(tmp_path))
    next(button for button in app.button if button.label == "Open").click().run()
    assert "60 to learn from, 30 to test with · 10 classes · 28 × 28 px, grey" in lines(app)
    train(app, registry, "softmax")
    assert "<td>7,850</td>" in html(app)
    app.session_state["experiment"] = "numbers"
    app.run()
    assert "MNIST’s pictures have 28 × 28 pixels; the article says 18 × 18." in lines(app)
    monkeypatch.setattr(bringing, "owner", lambda: ME)
    stripes(Workspace(workspace_folder).create("Stripes", ME))
    app.session_state["experiment"], app.session_state["data"] = "softmax", "project"
    app.run()
    train(app, registry, "softmax")
    assert any(text.startswith("Trained on Stripes, 20 pictures") for text in errors(app))
    assert f"<td>{2 * (32 * 32 * 3 + 1):,}</td>" in html(app)


def test_nobody_elsewhere_names_files_of_the_server(scratch):
    app = scratch("numbers", "pictures")
    assert not app.text_input
    assert app.file_uploader


def test_a_project_of_ones_own(scratch, workspace_folder, monkeypatch):
    monkeypatch.setattr(bringing, "owner", lambda: ME)
    app = scratch("numbers", "project")
    assert "You have no project yet" in lines(app)
    stripes(Workspace(workspace_folder).create("Stripes", ME))
    app.run()
    assert not app.exception
    assert "2 classes · 32 × 32 px, RGB" in lines(app)


@pytest.mark.parametrize(("most", "told"), [("1", "another training is"), ("3", "3 other trainings are")])
def test_a_training_that_waits_says_for_how_many(scratch, registry, monkeypatch, most, told):
    monkeypatch.setenv(limits.JOBS.variable, most)
    app, go = scratch("softmax"), threading.Event()

    def long(_):
        assert go.wait(60)
        yield 1

    others = [registry.find(registry.submit(long, queue=runs.QUEUE)) for _ in range(int(most))]
    try:
        app.button(key="train-softmax").click().run()
        assert app.get("progress")[0].proto.text == f"Waiting: {told} at work."
        app.button(key="stop-softmax").click().run()
    finally:
        go.set()
    assert all(job.wait(60) for job in others)
    finish(app, registry)


def test_what_would_be_downloaded_is_told_to_be_switched_off(scratch, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(limits.DOWNLOADS.variable, "off")
    app = scratch("softmax", "mnist")
    assert limits.DOWNLOADS_OFF in errors(app)
    assert "download-mnist" not in {button.key for button in app.button}
    assert app.file_uploader, "who has it can still bring it"


def test_fewer_pictures_in_a_hurry(scratch, registry):
    app = scratch("softmax")
    next(box for box in app.selectbox if box.label == "Learn from").select(300).run()
    count = len(load("digits").less(300).images)
    assert f"{count} to learn from" in lines(app)
    train(app, registry, "softmax")
    assert any(text.startswith(f"Trained on Handwritten digits, {count} pictures: ") for text in errors(app))


def test_a_large_set_begins_with_a_lesson_of_it_and_all_of_it_is_one_click_away(scratch, new_app, monkeypatch):
    monkeypatch.setattr(choosing, "LESSON", 300)
    app = scratch("convnet")
    few, whole = load("digits").less(300), load("digits")
    told = f"{10} × {len(few.images)} pictures to learn from, {len(few.test_images)} to test with each time"
    assert told in lines(app)
    assert "on this machine" in lines(app)
    every = app.button(key="all-convnet")
    assert every.label.startswith(f"All {len(whole.images):,}: a")
    every.click().run()
    assert f"10 × {len(whole.images):,} pictures to learn from, {len(whole.test_images):,} to test with" in lines(app)
    assert "all-convnet" not in [button.key for button in app.button]
    app.session_state["experiment"] = "birds"
    app.run()
    assert f"10 × {len(whole.images):,} pictures to learn from" in lines(app)
    assert app.query_params["learn"] == "all"
    again = by_link(new_app(), experiment="birds", data="digits", learn="all")
    assert f"10 × {len(whole.images):,} pictures to learn from" in lines(again)
    again.button(key="lesson-birds").click().run()
    assert f"10 × {len(few.images)} pictures to learn from" in lines(again), "and back"
    assert "learn" not in again.query_params
    other = by_link(new_app(), experiment="birds", data="digits", learn="7")
    assert "There is no number of pictures “7”, so “300, for a lesson” is shown." in "\n".join(errors(other))


def test_a_set_that_takes_long_to_open_says_how_far_it_is_and_can_be_stopped(scratch, registry, monkeypatch, tmp_path):
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    monkeypatch.setattr(opening, "PATIENCE", 0.01)
    (tmp_path / "mine.zip").write_bytes(zipped())
    reached, go = threading.Event(), threading.Event()
    source = SOURCES["pictures"]

    def slowly(path, side, seed, progress):
        progress(1, 4)
        reached.set()
        assert go.wait(60)
        progress(2, 4)
        return source.load(path, side, seed, progress)

    monkeypatch.setitem(SOURCES, "pictures", replace(source, load=slowly))
    app = scratch("numbers", "pictures")

    def name_it() -> None:
        app.session_state["data"] = "pictures"
        app.run()
        app.text_input(key="path-pictures").set_value(str(tmp_path / "mine.zip"))
        next(button for button in app.button if button.label == "Open").click().run()
        assert reached.wait(60)

    name_it()
    app.session_state["data"] = "digits"
    app.run()
    assert "1,498 to learn from" in lines(app), "what one had stays at work"
    assert [bar.proto.value for bar in app.get("progress")] == [25]
    app.button(key="stop-opening-own").click().run()
    go.set()
    assert all(job.wait(60) for job in registry._jobs.values())
    app.run()
    assert any("“mine.zip” was not opened, since it was stopped." in text for text in errors(app))
    name_it()
    finish(app, registry)
    assert "2 classes · 12 × 12 px, RGB" in lines(app)
    assert app.session_state["data"] == "pictures"


LEFT_OUT = {"file is no picture": "notes.txt", "picture cannot be read": "a/cut.png"}


def test_what_was_left_out_is_told_where_the_set_is_shown(scratch):
    file = io.BytesIO(zipped())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("a/cut.png", b"no picture")
        archive.writestr("notes.txt", b"")
    app = scratch("numbers", "pictures")
    app.file_uploader[0].upload("mine.zip", file.getvalue(), "application/zip").run()
    told = [plain(f"1 {what}, and is left out: {name}.") for what, name in LEFT_OUT.items()]
    assert [each.value for each in app.caption if each.value in told] == told


def test_names_of_a_zip_that_were_guessed_wrong_are_read_another_way(scratch):
    app = scratch("numbers", "pictures")
    rng = np.random.default_rng(0)
    names = [f"{name}/{number}.png" for name in ("kočka", "žába") for number in range(3)]
    files = {name: encode_png(rng.integers(0, 256, (8, 8, 3), np.uint8)) for name in names} | {"kočka/cut.png": b"x"}
    app.file_uploader[0].upload("mine.zip", unmarked(files, "cp1250"), "application/zip").run()
    for _ in range(2):
        app.selectbox(key="scratch-names").set_value("cp1250").run()
        assert not app.exception
        assert app.session_state[bringing.OWN].data.classes == ("kočka", "žába")
        assert plain("1 picture cannot be read, and is left out: kočka/cut.png.") in [c.value for c in app.caption]
        assert not any("not marked" in each.value for each in app.caption), "the picker says it"
        app.selectbox(key="scratch-names").set_value("cp1252").run()
        assert "koèka" in app.session_state[bringing.OWN].data.classes


# Experiments --------------------------------------------------------------------------------------------------------


def test_softmax_gives_what_the_library_gives_and_the_link_finds_it_again(scratch, registry, new_app):
    app = scratch("softmax")
    train(app, registry, "softmax")
    run = Softmax(load("digits"))
    accuracy = list(run)[-1].test_accuracy
    assert f"{accuracy:.2%} on Handwritten digits" in html(app)
    rests_on(app, load("digits"), accuracy)
    assert "30.66%" in html(app)
    assert html(app).count("<figure") == 10
    slider = next(each for each in app.get("select_slider"))
    before = html(app)
    slider.set_value(100).run()
    assert html(app) != before, "the templates of another step"
    job = app.query_params["softmax-run"]
    [subject] = registry._latest
    assert subject.startswith("scratch softmax ")
    assert registry.key(registry.about(subject)) in job, "by which this browser finds it without the link"
    other = new_app()
    other.run()
    other.query_params["experiment"], other.query_params["softmax-run"] = "softmax", job
    other.switch_page("pages/6_From_scratch.py").run()
    assert not other.exception
    assert f"{accuracy:.2%} on Handwritten digits" in html(other)
    third = new_app()
    third.query_params["experiment"], third.query_params["softmax-run"] = "numbers", job
    third.switch_page("pages/6_From_scratch.py").run()
    del third.query_params["softmax-run"]  # as where one leaves the page, and its link
    third.segmented_control(key="experiment").set_value("softmax").run()
    assert f"{accuracy:.2%} on Handwritten digits" in html(third), "also where another was looked at"


@pytest.mark.parametrize("experiment", ["softmax", "convnet", "moving-eight", "birds", "closing"])
def test_every_training_says_beforehand_how_long_it_takes(scratch, monkeypatch, experiment):
    monkeypatch.setattr(cached, "classifier", lambda name: tiny_classifier())
    assert re.search(r"(About [\d.]+ (s|min|h) .*|A second or two )on this machine: ", lines(scratch(experiment)))


@pytest.mark.parametrize(
    ("experiment", "label", "bad", "good", "told"),
    [
        ("softmax", "Steps", 0, 100, "Steps: 0 is not possible. Use 1 to 20,000."),
        ("softmax", "Learning rate", -1.0, 0.01, "Learning rate: −1 is not possible. Use 1e−06 or more."),
        ("convnet", "Epochs", 0, 1, "Epochs: 0 is not possible. Use 1 to 200."),
        ("convnet", "Watched test picture", 300, 299, "Watched test picture: 300 is not possible. Use 1 to 299."),
        ("convnet", "conv: filters", 1_025, 8, "A conv layer cannot have 1025 filters; use 1 to 1,024."),
        ("convnet", "dropout: share", 1.0, 0.5, "A dropout layer cannot have 1.0 share; use 0.0 to 0.95."),
        ("birds", "Epochs", 10**6, 2, "Epochs: 1,000,000 is not possible. Use 1 to 200."),
        ("moving-eight", "Seed", -1, 1, "Seed: −1 is not possible. Use 0 to 2,147,483,647."),
        ("closing", "Per class, transfer", 0, 1, "Per class, transfer: 0 is not possible. Use 1 to 1,000."),
    ],
)
def test_what_is_typed_is_what_counts(scratch, monkeypatch, experiment, label, bad, good, told):
    monkeypatch.setattr(cached, "classifier", lambda name: tiny_classifier())
    app = scratch(experiment)
    for _ in range(2):
        next(box for box in app.number_input if box.label == label).set_value(bad).run()
        assert not app.exception
        assert told in errors(app)
        assert app.button(key=f"train-{experiment}").disabled
        next(box for box in app.number_input if box.label == label).set_value(good).run()
        assert not errors(app)
        assert not app.button(key=f"train-{experiment}").disabled


def test_what_is_typed_and_trained_with_at_once_is_refused(scratch, registry):
    app = scratch("convnet")
    app.number_input(key="convnet-epochs").set_value(201)
    app.button(key="train-convnet").click().run()
    assert "Epochs: 201 is not possible. Use 1 to 200." in errors(app)
    assert "convnet-run" not in app.query_params


@pytest.mark.parametrize(
    ("experiment", "label", "bad", "told"),
    [
        ("numbers", "Which one", 0, "Which one: 0 is not possible. Use 1 to "),
        ("cost", "Width, px", 20_000, "Width, px: 20,000 is not possible. Use 1 to 10,000."),
    ],
)
def test_what_nothing_can_be_shown_of_is_told(scratch, experiment, label, bad, told):
    app = scratch(experiment)
    field = next(box for box in app.number_input if box.label == label)
    field.set_value(bad).run()
    assert not app.exception
    assert [text for text in errors(app) if text.startswith(told)]
    next(box for box in app.number_input if box.label == label).set_value(9).run()
    assert not errors(app)


def test_no_number_field_of_the_page_keeps_what_is_typed_to_itself(scratch, monkeypatch):
    """Beyond limits that Streamlit knows of, the browser shows one number and the page works with another."""
    monkeypatch.setattr(cached, "classifier", lambda name: tiny_classifier())
    for experiment in ("numbers", "moving-eight", "softmax", "convnet", "birds", "cost", "closing"):
        for field in scratch(experiment).number_input:
            assert (field.proto.has_min, field.proto.has_max) == (False, False), field.label


def test_names_of_people_are_never_read_as_markup(scratch, registry):
    app = scratch("softmax", "pictures")
    names = ("<img src=x>", "**bold**")
    app.file_uploader[0].upload("**mine**.zip", zipped(names), "application/zip").run()
    train(app, registry, "softmax")
    assert "<img src=x>" not in html(app)
    assert "&lt;img src=x&gt;" in html(app)
    for experiment in ("numbers", "birds", "convnet"):
        app.session_state["experiment"] = experiment
        app.run()
        assert not app.exception
        marked = "\n".join(each.value for each in (*app.markdown, *app.caption))
        assert not any(name in marked for name in (*names, "**mine**"))


def test_a_rate_at_which_the_loss_runs_away_is_told_and_what_was_good_stays(scratch, registry):
    app = scratch("softmax")
    next(box for box in app.number_input if box.label == "Learning rate").set_value(1e30).run()
    train(app, registry, "softmax")
    assert any("The loss became infinite" in text for text in errors(app))


def test_a_linear_stack_whose_loss_grows_and_grows_is_stopped(scratch, registry):
    app = scratch("convnet")
    app.button(key="stack-linear").click().run()
    next(box for box in app.number_input if box.label == "Learning rate").set_value(1e6).run()
    train(app, registry, "convnet")
    (told,) = [text for text in errors(app) if "over 1,000 times that of guessing" in text]
    assert ", at a learning rate of 1e+06; nothing good was learned before. Try a rate of 0.0015." in told
    assert re.search(r"in epoch 1, by step \d+,", told)
    assert parts.RAN_AWAY in lines(app)
    assert not app.button(key="train-convnet").disabled
    assert "the filters are noise" not in lines(app), "there are none"


@pytest.mark.parametrize("experiment", ["softmax", "convnet", "moving-eight", "birds", "closing"])
def test_who_comes_without_the_link_is_led_to_a_training_of_theirs(new_app, registry, monkeypatch, experiment):
    """While it is running, and when it has ended; nobody else is."""
    monkeypatch.setattr(cached, "classifier", lambda name: tiny_classifier())
    who, goes_on = [ME], threading.Event()
    monkeypatch.setattr(visitor, "owner", lambda: who[0])
    own = f"own-{experiment}"

    def come(name: str) -> AppTest:
        who[0] = name
        app = new_app()
        app.session_state["experiment"], app.session_state["data"] = experiment, "digits"
        app.switch_page("pages/6_From_scratch.py").run()
        assert not app.exception
        return app

    def offered(app: AppTest) -> list[str]:
        return [button.label for button in app.button if button.key == own]

    def work(job):
        yield 0.0, runs.Plan("x", {"Seed": "7"})
        goes_on.wait(60)

    subject = runs._own(experiment)
    for _ in range(2):  # of one browser as many at once as it likes
        key = registry.submit(work, subject, runs.QUEUE, alone=False)
    try:
        app = come(ME)
        assert offered(app) == ["One of yours is running: show it"]
        app.button(key=own).click().run()
        assert not app.exception
        assert key in app.query_params[f"{experiment}-run"]
        assert not offered(app)
        assert not offered(come("somebody else"))
    finally:
        goes_on.set()
    assert registry.find(key).wait(60)
    assert offered(come(ME)) == ["One of yours has ended: show it"]


def test_a_training_that_nobody_knows_any_more(scratch):
    app = scratch("softmax")
    app.query_params["softmax-run"] = "gone"
    app.run()
    assert runs.LOST in lines(app)


def test_a_stack_is_edited_and_trained(scratch, registry):
    app = scratch("convnet")
    app.button(key="stack-small").click().run()
    small = shapes(with_classes(STACKS["small"], 10), (16, 16, 1))
    assert f"**{sum(layer.parameters for layer in small):,} parameters**" in lines(app)
    rows = app.session_state[layers.ROWS]
    app.button(key=f"close-{rows[2].id}").click().run()  # the second conv
    app.number_input(key=f"out-{rows[0].id}").set_value(4).run()
    app.button(key=f"arrow_downward-{rows[0].id}").click().run()
    app.button(key="add-dropout").click().run()
    stack = tuple(row.spec for row in app.session_state[layers.ROWS])
    assert [spec.kind for spec in stack] == ["pool", "conv", "pool", "dense", "dropout", "dropout", "dense"]
    app.button(key=f"arrow_upward-{rows[0].id}").click().run()
    stack = tuple(row.spec for row in app.session_state[layers.ROWS])
    assert [spec.kind for spec in stack[:2]] == ["conv", "pool"]
    found = shapes(with_classes(stack, 10), (16, 16, 1))
    assert f"**{sum(layer.parameters for layer in found):,} parameters**" in lines(app)
    app.number_input(key="convnet-epochs").set_value(2).run()
    train(app, registry, "convnet")
    assert "What “conv 1” answers to the watched picture: 4 maps" in lines(app)
    assert "Before training the filters are noise" in lines(app)
    metrics = {metric.label: metric.value for metric in app.metric}
    rests_on(app, load("digits"), float(metrics["Right on the test part"].rstrip("%")) / 100)
    assert metrics["Parameters"] == f"{sum(layer.parameters for layer in found):,}"
    before = html(app)
    next(each for each in app.get("select_slider") if each.label == "After epoch").set_value(0).run()
    assert html(app) != before, "the filters before training"


def test_what_is_watched_has_its_class_and_the_answer_that_the_network_gives_it_by_then(scratch, registry):
    app = scratch("convnet")
    app.number_input(key="convnet-epochs").set_value(2).run()
    data = load("digits")
    for place in (4, 7):
        next(box for box in app.number_input if box.label == "Watched test picture").set_value(place + 1).run()
        name = data.classes[data.test_labels[place]]
        assert f"This one is watched: a test picture of “{name}”." in lines(app)
        train(app, registry, "convnet")
        assert f"Watched: a test picture of “{name}”" in lines(app)
        verdict_, said = re.search(r"\*\*(Right|Wrong)\.\*\* It says “(.*?)” \(\d+\.\d%\)\.", lines(app)).groups()
        assert (verdict_ == "Right") == (said == name)
        next(each for each in app.get("select_slider") if each.label == "After epoch").set_value(0).run()
        assert "It cannot tell yet: each of the 10 classes gets 10.0%." in lines(app)


def test_what_is_said_to_a_picture_is_right_or_wrong_in_words():
    classes = "cat", "*dog*", "frog"
    shares = np.array([0.2, 0.7, 0.1], np.float32)
    assert convnet.said(shares, classes, 1).endswith("**Right.** It says “\\*dog\\*” (70.0%).")
    told = convnet.said(shares, classes, 0)
    assert told.endswith("**Wrong.** It says “\\*dog\\*” (70.0%). “cat” gets 20.0%.")


def test_a_training_that_is_stopped_before_its_first_test_says_so():
    app = AppTest.from_function(_stopped).run()
    assert not app.exception
    assert lines(app).count(parts.UNTESTED) == 2


def test_what_is_seen_of_a_stopped_training_is_as_old_as_its_figure(monkeypatch):
    monkeypatch.setattr(convnet, "SHOWING", 0)  # of what is between the epochs nothing is affordable
    run = Training((conv(2), dense(3)), load("textures").less(60), 200, watched=None)
    shown, looks = Learned(run), []
    for look in shown:
        looks.append(look)
        if look.progress and look.progress.epoch and look.progress.index == 8:
            break
    assert [look.passes for look in looks if look.passes is not None] == [0, 5], "of a long training not each epoch"
    assert shown.unseen.passes == 8
    np.testing.assert_array_equal(shown.unseen.filters, run.network.steps[0].weight.permute(0, 2, 3, 1).detach())
    [answered] = probabilities(run.network, run.watched[None])
    np.testing.assert_array_equal(shown.unseen.answer, answered)
    np.testing.assert_array_equal(
        shown.unseen.maps["conv 1"], run.network.maps(run.watched)["conv 1"].astype(np.float16)
    )


def test_a_stopped_training_has_a_last_word(registry):
    reached, go = threading.Event(), threading.Event()

    def work():
        yield 1
        reached.set()
        assert go.wait(60)
        yield 2

    job = registry.find(registry.submit(lambda job: runs.events_of(job, runs.Plan("x", {}), work, lambda: 3)))
    assert reached.wait(60)
    job.cancel()
    go.set()
    assert job.wait(60)
    assert [event for _, event in job.events[1:]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("experiment", "label", "value", "told"),
    [
        ("softmax", "Steps", 200, "steps 100"),
        ("softmax", "Learning rate", 0.5, "learning rate 0.001"),
        ("convnet", "Epochs", 3, "epochs 1"),
        ("birds", "Seed", 4, "seed 0"),
    ],
)
def test_results_say_with_what_settings_they_were_made_and_when_these_are_others(
    scratch, registry, experiment, label, value, told
):
    app = scratch(experiment)
    for box in app.number_input:
        if box.label in ("Steps", "Epochs"):
            box.set_value(100 if box.label == "Steps" else 1)
    app.run()
    train(app, registry, experiment)
    (made,) = [text for text in errors(app) if text.startswith("Trained on Handwritten digits, 1,498 pictures: ")]
    assert told in made
    assert "other settings" not in "".join(errors(app))
    next(box for box in app.number_input if box.label == label).set_value(value).run()
    assert f"Made with other settings than those above: {told}." in errors(app)
    app.session_state["data"] = "faces"
    app.run()
    assert any("pictures Handwritten digits, 1,498 pictures" in text for text in errors(app))
    app.button(key=f"restore-{experiment}").click().run()
    assert not app.exception
    assert "other settings" not in "".join(errors(app))


def test_who_comes_by_the_link_has_the_settings_of_the_run_one_click_away(scratch, registry, new_app):
    """The result said 100 epochs, the field 10, and the layers were others."""
    app = scratch("convnet")
    app.button(key="stack-linear").click().run()
    app.number_input(key="convnet-epochs").set_value(3).run()
    app.number_input(key="seed-convnet").set_value(7).run()
    train(app, registry, "convnet")
    run = app.query_params["convnet-run"]
    other = by_link(new_app(), **{"experiment": "convnet", "convnet-run": run[0] if isinstance(run, list) else run})
    assert any(
        text.startswith("Made with other settings than those above: epochs 3, seed 7,") for text in errors(other)
    )
    other.button(key="restore-convnet").click().run()
    assert "other settings" not in "".join(errors(other))
    assert other.number_input(key="convnet-epochs").value == 3
    assert [row.spec.kind for row in other.session_state[layers.ROWS]] == ["dense"]
    assert "restore-convnet" not in {button.key for button in other.button}


def _stopped() -> None:
    import itertools

    from visionlab.learning.scratch import Birds, Training, conv, dense, load
    from visionlab.ui.scratch import birds, convnet

    data = load("textures").less(300)  # three steps an epoch
    stack = conv(4), dense(3)
    looks = [*itertools.islice(convnet.Learned(Training(stack, data, 5)), 2)]
    convnet._result(convnet.Plan("x", {}, 5, stack, 9, data.classes, data.test_images[0], 0, data.tested), looks, 1.0)
    looks = [*itertools.islice(birds.answered(Birds(data, "grass", 5)), 1)]
    birds._result(birds.Plan("x", {}, "grass", 5, data.test_images, data.test_labels), looks, 1.0)


def _bird_or_not() -> None:
    from dataclasses import replace

    from visionlab.learning.scratch import Birds, load
    from visionlab.ui.scratch import birds

    data = load("textures").less(60)
    *_, look = birds.answered(Birds(data, "grass", 1))
    worse = replace(look.progress.epoch, train_accuracy=0.1, test_accuracy=0.9)
    look = replace(look, progress=replace(look.progress, epoch=worse))
    birds._result(birds.Plan("x", {}, "grass", 1, data.test_images, data.test_labels == 1), [look], 1.0)


def test_bird_or_not_says_nothing_of_a_figure_that_it_does_not_show():
    app = AppTest.from_function(_bird_or_not, default_timeout=60).run()
    assert not app.exception
    assert "90.0% after 1" in html(app)
    assert "In training" not in lines(app)


def test_an_impossible_stack_is_explained_in_its_place_and_not_trained(scratch):
    app = scratch("convnet")
    stack = (*STACKS["convolutional"][:3], pool(16), *with_classes(STACKS["convolutional"], 10)[4:])
    app.session_state[layers.ROWS] = [layers.Row(100 + number, spec) for number, spec in enumerate(stack)]
    del app.session_state[layers.OURS]  # as if a person had made it
    app.run()
    assert any("take out a pool before it" in text for text in errors(app))
    assert app.button(key="train-convnet").disabled
    assert lines(app).count("→ ?") == 8, "the layer itself, and those after it"
    for row in list(app.session_state[layers.ROWS]):
        app.button(key=f"close-{row.id}").click().run()
        assert not app.exception
    assert any("The last layer must be dense" in text for text in errors(app))
    app.button(key="add-dense").click().run()
    assert not app.button(key="train-convnet").disabled
    app.button(key="add-conv").click().run()
    assert [row.spec.kind for row in app.session_state[layers.ROWS]] == ["conv", "dense"]


def test_the_digits_are_drawn_as_the_article_s_stack_needs_them_as_in_the_shell(scratch, registry):
    """It was grey, and another one loaded, with the reason on hover only."""
    app = scratch("convnet")
    assert not app.button(key="stack-convolutional").disabled
    assert "each is drawn at 16 × 16 px" in lines(app)
    assert "The picture: 16 × 16 × 1." in lines(app)
    article = with_classes(STACKS["convolutional"], 10)
    assert tuple(row.spec for row in app.session_state[layers.ROWS])[:-1] == article[:-1]
    parameters = sum(layer.parameters for layer in shapes(article, (16, 16, 1)))
    assert f"**{parameters:,} parameters**" in lines(app)
    app.button(key="stack-linear").click().run()
    app.number_input(key="convnet-epochs").set_value(1).run()
    train(app, registry, "convnet")
    assert "2,570" in html(app), "the picture’s 256 numbers, for ten classes"


def _editor_for_a_line() -> None:
    from visionlab.ui.scratch import layers

    layers.editor((1, 40, 3), 2)


def test_what_no_enlarging_helps_is_told_in_plain_text():
    app = AppTest.from_function(_editor_for_a_line, default_timeout=60).run()
    assert app.button(key="stack-convolutional").disabled
    assert "“The article’s” and “A small one” need larger pictures than 1 × 40. So this begins with" in lines(app)
    assert not app.button(key="stack-linear").disabled


def by_link(app: AppTest, **parameters: str) -> AppTest:
    """The page as somebody opens it who got a link."""
    app.run()
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page(PAGES["From scratch"].script).run()
    assert not app.exception
    return app


def test_the_browsers_back_leads_to_the_experiment_before(scratch):
    app = scratch("softmax")
    app.segmented_control(key="experiment").set_value("cost").run()
    assert app.query_params["experiment"] in ("cost", ["cost"])
    app.query_params["experiment"] = "softmax"  # as Streamlit has it after Back
    app.run()
    assert app.segmented_control(key="experiment").value == "softmax"


def test_a_busy_machine_is_measured_once_more_when_it_has_become_calm(scratch, monkeypatch):
    """What was told of a busy machine stayed, whatever it had to do by then."""
    load, now, drawn = [99.0], [0.0], []
    monkeypatch.setattr(lesson.os, "getloadavg", lambda: (load[0], 0, 0))
    monkeypatch.setattr(lesson, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(lesson.st, "rerun", lambda: drawn.append(now[0]))
    look = lesson._once_calm.__wrapped__  # a fragment is drawn in a browser only
    look(0.0)
    now[0] = lesson.FRESH
    look(0.0)
    assert not drawn, "it is still busy"
    load[0] = 0.0
    look(1.0)
    assert not drawn, "what was measured holds for a minute"
    look(0.0)
    assert drawn == [lesson.FRESH]
    looked = []
    monkeypatch.setattr(lesson, "_once_calm", looked.append)
    scratch("softmax")
    assert not looked, "a calm machine is not looked at"
    load[0] = 99.0
    scratch("softmax")
    assert looked


def test_the_layers_are_in_the_link_once_they_are_changed(scratch, new_app):
    app = scratch("convnet")
    assert "layers" not in app.query_params
    app.button(key="stack-small").click().run()
    app.number_input(key=f"out-{app.session_state[layers.ROWS][0].id}").set_value(7).run()
    app.button(key="add-dropout").click().run()
    link = app.query_params["layers"]
    assert from_data(json.loads(link)) == tuple(row.spec for row in app.session_state[layers.ROWS])
    other = by_link(new_app(), experiment="convnet", layers=link)
    assert [row.spec for row in other.session_state[layers.ROWS]] == [
        row.spec for row in app.session_state[layers.ROWS]
    ]
    assert next(line for line in lines(other).splitlines() if " parameters**" in line) in lines(app)
    assert not other.button(key="train-convnet").disabled


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0", "0 is no list of them"),
        ("-1", "-1 is no list of them"),
        ("1000000000", "1000000000 is no list of them"),
        ("text", '"text" is no JSON'),
        ("[{", '"[{" is no JSON'),
        ("[" * 20_000, "is no JSON"),
        ("[7]", '7 is no layer, such as {"kind": "conv", "out": 32, "size": 3}'),
        ('[{"kind":"<b>norm"}]', '"<b>norm" is no kind. There are conv, pool, dropout, dense.'),
        ('[{"kind":"conv","out":8,"size":3,"padding":"full"}]', '"full" is no padding. There are same, valid.'),
        ('[{"kind":"conv","out":"8","size":3}]', '"8" is no out'),
        ('[{"kind":"conv","out":0,"size":3}]', "A conv layer cannot have 0 filters; use 1 to 1,024."),
        ('[{"kind":"dense","out":-1}]', "A dense layer cannot have -1 units; use 1 to 8,192."),
        (f'[{{"kind":"pool","size":{10**9}}}]', "A pool layer cannot have 1000000000 px; use 1 to 16."),
        ('[{"kind":"dropout","share":NaN}]', "A dropout layer cannot have nan share; use 0.0 to 0.95."),
        (json.dumps([{"kind": "dense", "out": 10}] * 2_000), "The stack has 2,000 layers; at most 40 are built."),
    ],
    ids=lambda text: text[:40],
)
def test_layers_in_a_link_that_are_none_are_told_once_and_others_are_there(new_app, text, says):
    app = by_link(new_app(), experiment="convnet", layers=text)
    (told,) = errors(app)
    assert "The link’s layers cannot be used" in told
    assert says in told
    assert "layers" not in app.query_params
    assert not app.button(key="train-convnet").disabled
    app.button(key="add-dropout").click().run()
    assert not app.exception
    assert not errors(app)


def test_an_impossible_stack_in_a_link_is_there_and_explained(new_app):
    stack = pool(), conv(8, 15, "valid"), dense(10)
    app = by_link(new_app(), experiment="convnet", layers=json.dumps([asdict(spec) for spec in stack]))
    assert any("8×8 before “conv 1”, which needs 15×15" in text for text in errors(app))
    assert app.button(key="train-convnet").disabled
    app.number_input(key=f"size-{app.session_state[layers.ROWS][1].id}").set_value(3).run()
    assert not app.exception
    assert not app.button(key="train-convnet").disabled


@pytest.mark.parametrize(("name", "first"), [("experiment", "numbers"), ("data", "digits")])
def test_what_a_link_names_and_is_not_here_is_told(new_app, name, first):
    app = by_link(new_app(), **{name: "<b>no such thing" * 20})
    (told,) = errors(app)
    assert "“<b>no such thing<b>no" in told
    assert f" is shown. There are {first}, " in told
    assert app.query_params[name] == first


def test_the_articles_network_has_the_articles_parameters():
    app = AppTest.from_function(_cifar_editor).run()
    assert not app.exception
    assert "**1,250,858 parameters**" in lines(app)


def _cifar_editor() -> None:
    from visionlab.ui.scratch import layers

    layers.editor((32, 32, 3), 10)


def test_one_class_against_the_rest_at_any_threshold(scratch, registry):
    app = scratch("birds")
    app.number_input(key="birds-epochs").set_value(3).run()
    train(app, registry, "birds")
    metrics = {metric.label: metric.value for metric in app.metric}
    data = load("digits")
    rest = (data.test_labels != 8).mean()
    assert list(metrics)[:2] == ["Always saying no", "Balanced accuracy"]
    assert metrics["Always saying no"] == f"{rest:.1%}"
    assert "not comparable" in html(app)
    app.slider(key="birds-threshold").set_value(0).run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert (metrics["Recall"], metrics["Precision"], metrics["Accuracy"]) == ("100.0%", *[f"{1 - rest:.1%}"] * 2)
    assert metrics["Balanced accuracy"] == "50.0%"
    app.slider(key="birds-threshold").set_value(100).run()
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric}["Precision"] == "–"
    assert re.search(r"At 100% it names no picture “8”.* is [\d.]+%: move the slider down to \d+%, and see", lines(app))
    assert "**False negatives** · 29" in lines(app)


@pytest.mark.parametrize(
    ("experiment", "size", "grey"),
    [("birds", (1, 1), False), ("birds", (3, 3), False), ("moving-eight", (3, 3), True)],
)
def test_pictures_too_small_for_an_experiment_are_told_of_and_not_its_layers(scratch, experiment, size, grey):
    app = scratch(experiment, "pictures")
    app.file_uploader[0].upload("tiny.zip", zipped(size=size, grey=grey), "application/zip").run()
    assert not app.exception
    told = f"This experiment’s network cannot be built for pictures of {size[1]} × {size[0]} px"
    assert [text for text in errors(app) if told in text]
    assert not [text for text in errors(app) if "pool" in text]
    assert app.button(key=f"train-{experiment}").disabled


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (4, 4), (200, 200), (2, 400)])
def test_pictures_of_any_size_leave_every_experiment_usable(scratch, size):
    app = scratch("numbers", "pictures")
    app.file_uploader[0].upload("odd.zip", zipped(size=size), "application/zip").run()
    for experiment in ("moving-eight", "softmax", "convnet", "birds", "closing"):
        app.session_state["experiment"] = experiment
        app.run()
        assert not app.exception
        assert app.button(key=f"train-{experiment}").disabled == bool(errors(app)), "what hinders it is told"


def test_the_eight_that_moves(scratch, registry, monkeypatch):
    for name, kind in LEARNERS.items():
        monkeypatch.setitem(LEARNERS, name, replace(kind, epochs=1))
    app = scratch("moving-eight")
    train(app, registry, "moving-eight")
    for kind in LEARNERS.values():
        assert f":small[**{kind.title}**]" in lines(app)
    assert len(app.get("plotly_chart")) == 5, "four maps, and their curves on one picture"
    data = load("digits")
    oracle = MovingEight(data)
    for _ in oracle:
        pass
    found = oracle.shifts["centred"]
    _, accuracies = found.curve()
    shares = [f"{share:.0%} ({low:.0%} to {high:.0%})" for share in accuracies for low, high in [found.interval(share)]]
    assert f"<td>{shares[0]}</td><td>{shares[-1]}</td>" in html(app)
    assert f"Each figure rests on the same {found.tested} test pictures" in lines(app)
    hovered = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]["text"]
    right = round(found.accuracies[3, 3] * found.tested)
    assert hovered[3][3].startswith(f"{found.accuracies[3, 3]:.0%} right, {right} of {found.tested} (95% interval ")
    shown = {name: SimpleNamespace(shifts=oracle.shifts[name], net=oracle.nets[name]) for name in LEARNERS}
    assert lesson_of_the_eight(shown, "8") in lines(app)


@pytest.fixture(scope="module")
def eight() -> MovingEight:
    with pytest.MonkeyPatch.context() as patch:
        for name, kind in LEARNERS.items():
            patch.setitem(LEARNERS, name, replace(kind, epochs=2))
        run = MovingEight(load("digits"), device="cpu")
        for _ in run:
            pass
    return run


def walk(step: str, net, canvas) -> AppTest:
    """The five steps, at one of them."""
    app = AppTest.from_function(_walked, kwargs={"step": step, "net": net, "canvas": canvas}).run()
    assert not app.exception
    return app


def _walked(step, net, canvas) -> None:
    import streamlit as st

    from visionlab.ui.scratch import five_steps

    st.session_state.setdefault("five-step", step)
    five_steps.show(net, canvas, "8")


def test_five_steps_with_the_networks_own_numbers(eight):
    net, canvas = eight.nets["convolutional"], on_canvas(eight.digits.test_images[-1:])[0, ..., 0]
    found = library_steps(net, canvas)
    first, weigh, lay_out, pool_, decide = (walk(step, net, canvas) for step in five_steps.STEPS)
    assert "**256 tiles** of 3 × 3 pixels" in lines(first)
    row, column = found.strongest(0)
    told = lines(weigh).replace("−", "-")
    assert f"Of the tile in row {row + 1}, column {column + 1}" in told
    bias, sign, products, value, answered = re.search(
        r"(\S+) \(bias\) ([-+]) (\S+) \(9 products\) = (\S+), and the ReLU makes that \*\*(\S+)\*\*", told
    ).groups()
    assert float(answered) == pytest.approx(found.array[0, row, column], abs=6e-4)
    assert round(float(bias) + float(sign + products), 3) == float(value)
    (cells,) = re.findall(r"<td>Product</td>(.*?)</tr>", html(weigh).replace("−", "-"))
    assert round(sum(map(float, re.findall(r"<td>([^<]+)</td>", cells))), 3) == float(sign + products)
    weigh.selectbox(key="five-filter").select(5).run()
    assert "those of filter 6" in lines(weigh)
    assert "an array of 16 × 16 for each of the 8 filters" in lines(lay_out)
    assert f"its array is bright: {found.array[0].max():.3f} at most" in lines(lay_out)
    assert "8 × 8 are left of the array" in lines(pool_)
    assert "**128 numbers stand in a row**" in lines(decide)
    assert f"softmax makes that **{answer(net, canvas):.1%}**" in lines(decide)


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=25), st.floats(-0.01, 0.01))
def test_products_add_up_as_they_are_written(values, off):
    values = np.array(values)
    total = round(float(values.sum()) + off * len(values) / 25, 3)
    found = five_steps.adding_up(values, total)
    assert round(float(found.sum()), 3) == total
    assert abs(found - values).max() < 0.002


def test_the_tiles_of_the_lab_and_those_of_the_network_lead_to_each_other(new_app):
    app = by_link(new_app(), experiment="numbers")
    app.session_state["experiment"] = "softmax"
    app.run()
    app.switch_page(PAGES["Convolution"].script).run()
    app.query_params["experiment"] = "moving-eight"
    app.switch_page(PAGES["From scratch"].script).run()
    assert app.session_state["experiment"] == "moving-eight", "the link, and not where one was before"
    app.session_state["experiment"] = "cost"
    app.run()
    assert app.session_state["experiment"] == "cost"
    app.query_params["view"] = "tiles"
    app.switch_page(PAGES["Convolution"].script).run()
    assert app.session_state["lab_left"]["view"] == "tiles"


def test_any_pictures_move_and_what_is_left_out_of_them_is_told(scratch, registry, monkeypatch):
    for name, kind in LEARNERS.items():
        monkeypatch.setitem(LEARNERS, name, replace(kind, epochs=1))
    app = scratch("moving-eight", "textures")
    assert not app.button(key="train-moving-eight").disabled
    assert " is taken" not in lines(app)
    app.session_state["data"] = "pictures"
    app.run()
    for size, told in (((12, 12), "without their colours"), ((12, 16), "the square in the middle is taken, without")):
        app.file_uploader[0].upload("colours.zip", zipped(size=size), "application/zip").run()
        assert told in lines(app)
        train(app, registry, "moving-eight")
        assert not errors(app)[1:], "nothing but the settings"
        assert "**Where each is right**" in lines(app)


def test_the_closing_table(scratch, registry, monkeypatch):
    tiny = tiny_classifier()
    monkeypatch.setattr(cached, "classifier", lambda name: tiny)
    monkeypatch.setattr(closing, "TESTED", 50)
    app = scratch("closing")
    assert "drawn at 16 × 16 px" in lines(app)
    told = f"5 × {len(load('digits').images):,} pictures to learn from, for transfer 200 once, and 50 to test with"
    assert told in lines(app)
    app.number_input(key="closing-epochs").set_value(1).run()
    app.number_input(key="closing-of-each").set_value(2).run()
    train(app, registry, "closing")
    assert not errors(app)[1:]
    told = html(app)
    for title in closing.WAYS.values():
        assert f"<td>{title}</td>" in told
        assert f"<th>{title}</th>" in told, "a column of what it says of the pictures"
    assert told.count("<img") == closing.SHOWN
    assert "<th>Right on 50 test pictures (95% interval)</th>" in told
    assert "<td>20</td>" in told, "two pictures of each class, for transfer"
    always = Closing(load("digits"), tiny, tested=50).majority
    assert told.index(f"<td>{always:.1%}</td>") < told.index(f"<td>{closing.WAYS['softmax']}</td>")
    assert "244 × 244" in told
    assert "224 × 224" in told


def test_the_closing_table_is_never_full_before_it_is_over(monkeypatch):
    """Of what is so far: rows as they come in, with intervals and what they say of the pictures, and the rest open."""
    app = AppTest.from_function(_half_a_table).run()
    assert not app.exception
    told = html(app)
    assert (
        f"<td>{closing.WAYS['softmax']}</td><td>90</td><td>30</td><td>1.0 s</td><td>50.0% (40.0% to 60.0%)</td>" in told
    )
    assert f"<td>{closing.WAYS['fully connected']}</td><td>–</td><td>–</td><td>–</td><td>99% learned</td>" in told
    assert told.count("not done") == 2
    assert told.count("<img") == closing.SHOWN
    assert app.get("progress")[0].proto.value == pytest.approx(49, abs=1)


def _half_a_table() -> None:
    import numpy as np

    from visionlab.learning.scratch import Row
    from visionlab.learning.scratch.closing import Look
    from visionlab.ui.scratch import closing

    images, truth = np.zeros((8, 8, 8, 1), np.uint8), np.zeros(8, np.int64)
    row = Row("softmax", 90, 30, 1.0, 0.5, (0.4, 0.6), truth, np.full(8, 0.5, np.float32))
    plan = closing.Plan("Digits", {}, ("a", "b"), "VGG16", 40, 0.5, images, truth)
    closing._live(plan, [Look("softmax", 1.0, row), Look("fully connected", 1.0)], 1.0)


def test_pictures_too_narrow_for_the_article_s_stack_are_told_and_not_trained(scratch, monkeypatch):
    monkeypatch.setattr(cached, "classifier", lambda name: tiny_classifier())
    app = scratch("closing", "pictures")
    app.file_uploader[0].upload("lines.zip", zipped(size=(1, 40)), "application/zip").run()
    assert not app.exception
    assert any("cannot be built for pictures of 40 × 1 px" in text for text in errors(app))
    assert app.button(key="train-closing").disabled


def test_what_layers_cost(scratch):
    app = scratch("cost")
    told = html(app)
    for figure in ("196,608,000", "1.57 GB", "1,572 GB", "56,623,104", "<td>864</td>"):
        assert figure in told
    app.number_input(key="cost-Width").set_value(8).run()
    app.number_input(key="cost-Height").set_value(4).run()
    assert "<td>96,000</td>" in html(app)
    assert "At 8 × 4 pixels" in lines(app)
    app.number_input(key="cost-Height").set_value(2).run()
    assert "A kernel of 3 × 3 is larger than a picture of 8 × 2 px; use one of 1 to 2." in errors(app)


def test_weights_become_pictures():
    weights = np.zeros((4, 4, 1), np.float32)
    assert (weights_image(weights) == 255).all(), "zero is white"
    weights[0, 0] = 1
    weights[3, 3] = -1
    found = weights_image(weights)
    assert found[0, 0, 0] > found[0, 0, 2]
    assert found[3, 3, 2] > found[3, 3, 0]
    colours = np.zeros((4, 4, 3), np.float32)
    assert np.isin(weights_image(colours), (127, 128)).all(), "grey where nothing is said"
    colours[..., 2] = 1
    assert (weights_image(colours)[..., 2] == 255).all()


@pytest.mark.parametrize(("share", "times"), [(0, 2), (1e9, 12)])
def test_a_training_is_seen_within_an_epoch_as_far_as_that_costs_little(monkeypatch, share, times):
    monkeypatch.setattr(convnet, "SHOWING", share)
    run = Training((conv(4), dense(10)), load("digits"), 1)
    seen = [look for look in Learned(run) if look.passes is not None]
    assert len(seen) == times + (share > 0)
    assert (seen[0].passes, seen[-1].passes) == (0, 1)
    assert all(look.maps["conv 1"].shape == (4, 8, 8) and look.filters.shape == (4, 3, 3, 1) for look in seen)


def test_of_a_long_training_not_everything_is_kept():
    stack = (conv(70), dense(10))
    run = Training(stack, load("digits").less(20), 100)
    looks = [look for look in Learned(run) if look.passes is not None]
    assert [look.passes for look in looks] == [0, *range(3, 100, 3), 100]
    assert {look.maps["conv 1"].shape for look in looks} == {(64, 8, 8)}
    assert not any(look.progress.epoch.maps for look in looks[1:])
    run = Softmax(load("digits").less(20), Settings("long", steps=5_000))
    steps = [step.index for step in lightened(run) if step.templates is not None]
    assert steps == [*range(300, 5_000, 300), 5_000]


def test_what_was_not_trained_alike_is_told_beside_the_closing_table():
    plan = SimpleNamespace(settings={"Epochs from scratch": "1"})
    rows = {name: SimpleNamespace(pictures=1_498) for name in ("softmax", "convolutional")}
    told = closing._passes(rows, plan)
    assert "about 67 times, the networks from scratch 1" in told
    plan.settings["Epochs from scratch"] = "40"
    assert not closing._passes(rows, plan)
    plan.settings["Epochs from scratch"] = "1"
    assert not closing._passes({"softmax": rows["softmax"]}, plan)


@pytest.mark.parametrize(("right", "wrong", "chance"), [(8, 0, False), (5, 0, True), (6, 0, False), (9, 4, True)])
def test_a_gain_that_the_sign_test_does_not_tell_from_chance_is_told_so(right, wrong, chance):
    """p is 0.008, 0.063, 0.031 and 0.27, of the pictures that are named."""
    truth = np.repeat([0, 1], [25, 15])
    given = np.full(40, 0.1)
    given[:wrong], given[40 - right :] = 0.8, 0.9
    found = verdict(truth, np.stack([1 - given, given], 1), 0.5)
    told = birds._lesson(found, "8", 0.9)
    assert (", which with 40 test pictures may be chance." in told) == chance
    assert ("mostly more are right" in told) == (wrong > 0)


def test_what_is_said_of_filters_follows_from_how_far_they_changed():
    first, other = np.random.default_rng(0).normal(size=(2, 8, 3, 3, 1)).astype(np.float32)
    assert "leaves the filters of the first layer much as they were" in convnet._of_filters(first, first + 0.1 * other)
    assert "come to be in the first layer, since" in convnet._of_filters(first, first + other)


def looks(parameters: Mapping[str, int] | None = None, **middles: float) -> dict[str, SimpleNamespace]:
    """Networks that are right so often in the middle, and by guessing elsewhere, on 120 canvases."""
    shifts = np.array([-1, 0, 1])
    found = {}
    for name, middle in middles.items():
        right = np.full((3, 3), 0.5)
        right[1, 1] = middle
        layer = SimpleNamespace(parameters=(parameters or {}).get(name, len(name)))
        net = SimpleNamespace(network=SimpleNamespace(layers=[layer]))
        found[name] = SimpleNamespace(shifts=ShiftMap(shifts, right, 120), net=net)
    return found


def test_of_networks_that_tell_nothing_nothing_about_places_is_said():
    """Where the 95 % interval of 120 pictures holds 50 %, in the middle: up to 58.9 % right."""
    none = lesson_of_the_eight(looks(centred=0.5, window=0.52, shifted=0.58, convolutional=0.55), "cats")
    assert none.startswith("None of them tells “cats” from the rest better than guessing (50%), even in the middle")
    one = lesson_of_the_eight(looks(centred=0.9, window=0.9, shifted=0.9, convolutional=0.55), "cats")
    assert one.startswith(f"By {LEARNERS['convolutional'].title} nothing tells “cats”")
    told = lesson_of_the_eight(looks(centred=0.9, shifted=0.9, convolutional=0.9), "cats")
    assert "teach a network every place" in told
    assert "does that with" not in told  # it takes more
    told = lesson_of_the_eight(looks(shifted=0.9, convolutional=0.9, parameters={"shifted": 5_000}), "cats")
    assert told.endswith("The convolutional one does that with 13 parameters, the fully connected one with 5,000.")


def test_where_no_picture_is_named_the_advice_reaches_one_that_is():
    truth, given = np.array([0, 0, 1, 1]), np.array([0.3, 0.1, 0.14, 0.05])
    found = verdict(truth, np.stack([1 - given, given], 1), 0.5)
    told = birds._lesson(found, "8", float(given[truth == 1].max()))
    assert "move the slider down to 14%" in told
