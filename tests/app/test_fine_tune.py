"""Fine-tuning in the app: classes, pictures, a zip, the ready-made set, a run, its head."""

import io
import zipfile

import numpy as np
import pytest

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.ui import jobs
from visionlab.ui.page import PAGES
from visionlab.ui.state import Spot


def noisy(kind: int, seed: int) -> bytes:
    rows, columns = np.mgrid[:64, :64]
    wave = (np.sin(rows / 2), np.sin(columns / 2))[kind] * 90
    picture = 128 + wave[..., None] + np.random.default_rng(seed).normal(0, 25, (64, 64, 3))
    return encode_png(picture.clip(0, 255).astype(np.uint8))


def texts(app) -> list[str]:
    return [text.value for text in app.text]


def button(app, label: str):
    return next(button for button in app.button if button.label == label)


def add_class(app, name: str) -> None:
    app.text_input(key="class-name").set_value(name)
    button(app, "Add class").click().run()


def uploader(app, place: int):
    return [found for found in app.file_uploader if found.label == "Add pictures"][place]


@pytest.fixture
def registry(monkeypatch) -> jobs.Registry:
    """A registry that the test can look into: AppTest keeps its own caches."""
    known = jobs.Registry()
    monkeypatch.setattr(jobs, "registry", lambda: known)
    return known


def finish(app, registry: jobs.Registry) -> None:
    """Wait for the run that the link names, then look again."""
    assert registry.find(app.query_params["run"]).wait(60)
    app.run()
    assert not app.exception


def test_from_names_to_a_head(open_page, registry):
    app = open_page("Fine-tune")
    assert button(app, "Train").disabled
    for kind, name in enumerate(("across", "down")):
        add_class(app, name)
        files = [(f"{i}.png", noisy(kind, 10 * kind + i), "image/png") for i in range(6)]
        uploader(app, kind).set_value(files).run()
    assert "across · 6 pictures" in texts(app)
    assert not button(app, "Train").disabled
    button(app, "Train").click().run()
    finish(app, registry)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Right on held-out pictures"] == "100%"
    assert metrics["Always naming the largest class"] == "50%"
    head = app.session_state["trained_head"].head
    assert head.classes == ("across", "down")
    facts = vl.load_head(head.to_bytes()).facts
    assert facts["trained_on"] + facts["validated_on"] == 12

    app.switch_page(PAGES["Feature maps"].script).run()
    app.selectbox(key="network").select("your-head").run()
    app.session_state["spot"] = Spot("head")
    app.run()
    assert not app.exception
    assert app.number_input(key="channel-head").max == 1  # a unit for each of its two classes


def test_names_that_cannot_be_classes(open_page):
    app = open_page("Fine-tune")
    add_class(app, "   ")
    assert any("needs a name" in text for text in texts(app))
    add_class(app, "Cat")
    add_class(app, "cat ")
    assert any("There is a class “cat” already" in text for text in texts(app))
    assert [text for text in texts(app) if "· 0 pictures" in text] == ["Cat · 0 pictures"]


def test_bad_and_repeated_pictures_are_left_out(open_page):
    app = open_page("Fine-tune")
    add_class(app, "**bold**")
    good = ("a.png", noisy(0, 0), "image/png")
    uploader(app, 0).set_value([good, ("b.png", b"nothing", "image/png"), ("again.png", good[1], "image/png")]).run()
    assert "**bold** · 1 picture" in texts(app)
    assert sum(text.startswith("b.png: ") for text in texts(app)) == 1
    strip = encode_png(np.full((2, 3000, 3), 90, np.uint8))
    uploader(app, 0).set_value([("c.png", noisy(0, 1), "image/png"), ("strip.png", strip, "image/png")]).run()
    assert not app.exception
    assert "**bold** · 3 pictures" in texts(app)
    assert not any(text.startswith("b.png") for text in texts(app))


def zipped(files: dict[str, bytes]) -> tuple[str, bytes, str]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return "set.zip", buffer.getvalue(), "application/zip"


def zip_uploader(app):
    return next(found for found in app.file_uploader if found.label == "Zip")


def test_a_zip_of_folders(open_page):
    app = open_page("Fine-tune")
    kinds = {"one": 0, "two": 1}
    files = {f"{name}/{i}.png": noisy(kind, i + 50 * kind) for name, kind in kinds.items() for i in range(4)}
    zip_uploader(app).set_value(zipped(files)).run()
    assert {"one · 4 pictures", "two · 4 pictures"} <= set(texts(app))
    zip_uploader(app).set_value(("bad.zip", b"no zip", "application/zip")).run()
    assert any(text.startswith("bad.zip: ") for text in texts(app))
    assert {"one · 4 pictures", "two · 4 pictures"} <= set(texts(app)), "a bad zip loses nothing"
    zip_uploader(app).set_value(zipped({"one/1.png": noisy(0, 1), "two/2.png": b"broken"})).run()
    assert any("two/2.png" in text for text in texts(app))
    assert "one · 4 pictures" in texts(app)


def test_the_ready_made_set_and_a_lonely_picture(open_page):
    app = open_page("Fine-tune")
    button(app, "Use the textures").click().run()
    assert {"brick · 24 pictures", "grass · 24 pictures", "gravel · 24 pictures"} <= set(texts(app))
    add_class(app, "alone")
    uploader(app, 3).set_value([("a.png", noisy(0, 0), "image/png")]).run()
    assert button(app, "Train").disabled
    next(found for found in app.button if found.key and found.key.startswith("remove-")).click().run()
    assert not any(text.startswith("brick") for text in texts(app))


def test_copies_of_one_picture_cannot_be_split(open_page, registry):
    app = open_page("Fine-tune")
    one = noisy(0, 0)
    files = {"one/a.png": one, "one/b.png": one, "two/a.png": noisy(1, 1), "two/b.png": noisy(1, 2)}
    zip_uploader(app).set_value(zipped(files)).run()
    button(app, "Train").click().run()
    finish(app, registry)
    assert any("“one” has 2 pictures, all of one group" in text for text in texts(app))
    assert "one · 2 pictures" in texts(app)


def test_a_saved_head_opens_again_and_others_are_refused(open_page):
    from tiny import tiny_classifier

    from visionlab.learning.dataset import textures
    from visionlab.learning.training import train_head

    app = open_page("Fine-tune")

    def open_head(name: str, data: bytes) -> None:
        opener = next(found for found in app.file_uploader if found.label == "Head")
        opener.set_value((name, data, "application/octet-stream")).run()

    open_head("x.safetensors", b"nothing")
    assert any(text.startswith("x.safetensors: ") for text in texts(app))
    foreign = train_head(textures(patches=4), tiny_classifier(), epochs=2)
    open_head("tiny.safetensors", foreign.to_bytes())
    assert not app.exception
    assert any("tiny" in text for text in texts(app)), "its network is not here: one sentence"
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    head = train_head(textures(patches=6), net, epochs=5)
    open_head("mine.safetensors", head.to_bytes())
    assert not app.exception
    assert app.session_state["trained_head"].head.classes == ("brick", "grass", "gravel")


@pytest.mark.parametrize("run", ["unknown", ""])
def test_a_link_to_a_run_that_is_gone_is_a_fresh_page(app, run):
    app.run()
    app.query_params["run"] = run
    app.switch_page(PAGES["Fine-tune"].script).run()
    assert not app.exception
