"""Each page on a sample at once and on an upload; bad uploads; what goes along from page to page."""

import json
import re
from html import unescape

import numpy as np
import pytest
from app.conftest import ROOT
from streamlit.testing.v1 import AppTest

import visionlab as vl
from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.ui.convolution import kernel_facts
from visionlab.ui.convolution.response_settings import Settings
from visionlab.ui.shared.page import PAGES

WITH_PICTURE = ["Home", "Convolution", "Filters", "Feature maps", "Predict"]


def texts(app) -> str:
    return "\n".join(element.value for kind in (app.text, app.markdown, app.caption) for element in kind)


def bars(app) -> list[tuple[str, str]]:
    """(class, percentage) of each prediction bar."""
    found = "".join(element.value for element in app.get("html"))
    rows = re.findall(r"<span[^>]*>([^<]+)</span><span[^>]*>([\d.]+%)</span>", found)
    drawn = [json.loads(part.proto.json) for part in app.get("bidi_component") if "bars" in part.proto.component_name]
    answers = [answer for data in drawn for answer in data["answers"]]
    return [*((unescape(label), share) for label, share in rows)] + [
        (answer["label"], f"{answer['probability']:.1%}") for answer in answers
    ]


@pytest.mark.parametrize("title", PAGES)
def test_every_page_opens_at_once_on_a_sample(open_page, title):
    app = open_page(title)
    assert not app.error
    assert app.title[0].value in (title, "See how a computer sees")


@pytest.mark.parametrize("script", [page.script for page in PAGES.values()])
def test_every_page_stands_by_itself(script):
    assert not AppTest.from_file(ROOT / script, default_timeout=60).run().exception


@pytest.mark.parametrize("title", WITH_PICTURE)
def test_every_page_works_on_an_upload(open_page, photo, title):
    app = open_page(title)
    app.file_uploader(key="upload").set_value(photo).run()
    assert not app.exception
    assert "holiday_*photo*.png · 220 × 150 px" in [text.value for text in app.text], "as plain text, not as Markdown"
    assert app.session_state["sample"] == "yours"


SHAPES = {"one pixel": (1, 1), "a strip": (20, 8000), "a thread": (4000, 3), "blank": (300, 300)}


@pytest.mark.parametrize("name", SHAPES)
def test_odd_shapes_upset_no_page(open_page, name):
    app = open_page("Home")
    image = np.full((*SHAPES[name], 3), 90, np.uint8)
    app.file_uploader(key="upload").set_value((f"{name}.png", encode_png(image), "image/png")).run()
    assert not app.exception
    for title in WITH_PICTURE[1:]:
        app.switch_page(PAGES[title].script).run()
        assert not app.exception, title
        assert any(text.value.startswith(f"{name}.png") for text in app.text)


def test_the_upload_goes_along_and_a_sample_can_be_taken_again(open_page, photo):
    app = open_page("Convolution")
    app.file_uploader(key="upload").set_value(photo).run()
    for title in ("Filters", "Feature maps", "Predict"):
        app.switch_page(PAGES[title].script).run()
        assert "holiday_*photo*.png" in texts(app), title
    app.segmented_control(key="sample").set_value("coffee").run()
    assert "holiday_*photo*.png" not in texts(app)
    app.segmented_control(key="sample").set_value("yours").run()
    assert "holiday_*photo*.png" in texts(app)


BAD = {
    "empty.png": b"",
    "text.jpg": b"this is no picture at all",
    "cut.jpg": encode_jpeg(np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8))[:2000],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_upload_gets_one_sentence_and_loses_nothing(open_page, photo, name):
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value(photo).run()
    before = bars(app)
    assert len(before) == 5
    app.file_uploader(key="upload").set_value((name, BAD[name], "image/jpeg")).run()
    assert not app.exception
    told = [text.value for text in app.text if text.value.startswith(f"{name}: ")]
    assert len(told) == 1
    assert "holiday_*photo*.png" in texts(app)
    assert bars(app) == before
    app.file_uploader(key="upload").set_value(photo).run()
    assert f"{name}: " not in texts(app)


def test_predictions_are_the_librarys(open_page, photo):
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value(photo).run()
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    expected = vl.predict(net, [vl.load_image(photo[1])])[0]
    assert bars(app) == [(answer.label, f"{answer.probability:.1%}") for answer in expected]


def test_an_edited_kernel_is_what_is_convolved(open_page):
    app = open_page("Convolution")
    app.selectbox(key="kernel").select("identity").run()
    values = {metric.label: metric.value for metric in app.metric}
    cat = vl.load_sample("cat")
    assert values["Output, px"] == f"{cat.shape[1]} × {cat.shape[0]}"
    assert values["Smallest … largest"] == f"{cat.min()} … {cat.max()}"
    app.selectbox(key="border").select("valid").run()
    app.selectbox(key="kernel").select("box_blur_8").run()
    app.number_input(key="stride").set_value(2).run()
    rows, columns = vl.convolve(cat, vl.KERNELS["box_blur_8"], stride=2, border="valid").shape[:2]
    assert {metric.label: metric.value for metric in app.metric}["Output, px"] == f"{columns} × {rows}"


def test_a_picture_that_is_shrunk_is_told(open_page):
    app = open_page("Convolution")
    assert not any("shrunk from" in caption.value for caption in app.caption)
    image = np.full((900, 1500, 3), 90, np.uint8)
    app.file_uploader(key="upload").set_value(("wall.png", encode_png(image), "image/png")).run()
    told = "1,024 × 614 px, shrunk from 1,500 × 900"
    assert any(told in caption.value for caption in app.caption)
    app.switch_page(PAGES["Filters"].script).run()
    assert any(told == caption.value for caption in app.caption)


def test_a_window_larger_than_the_picture_is_one_sentence(open_page):
    app = open_page("Convolution")
    app.selectbox(key="border").select("valid").run()
    app.selectbox(key="kernel").select("gabor_15").run()
    app.number_input(key="dilation").set_value(32).run()
    assert not app.exception
    assert any("valid" in text.value for text in app.text)
    assert any("as it was before" in caption.value for caption in app.caption)
    assert app.metric, "what was shown stays"
    app.number_input(key="dilation").set_value(1).run()
    assert not any("valid" in text.value for text in app.text)
    assert app.metric


def test_a_link_to_a_window_larger_than_the_picture(app, open_page):
    app.query_params.update(border="None (valid)", kernel="Gabor, upright stripes", dilation="32")
    open_page("Convolution")
    assert any("valid" in text.value for text in app.text)
    app.number_input(key="dilation").set_value(1).run()
    assert app.metric


@pytest.mark.parametrize(
    ("weights", "settings", "said"),
    [
        ("0,0,0;0,0,0;0,0,0", {}, "Every weight is 0"),
        ("2", {}, "each pixel 2 times as bright"),
        ("1,1;1,1", {}, "A side of 2 has no middle"),
        ("1,1;1,1;1,1", {}, "A side of 2 has no middle"),
        ("1,0,-1", {"dilation": 32}, "spans 65 × 1 pixels, more than the picture’s 40 × 30"),
        ("1,0,-1", {"stride": 64}, "A stride of 64 leaves one response of the picture’s 40 × 30 pixels"),
    ],
)
def test_what_is_hardly_wanted_is_shown_and_said(app, open_page, weights, settings, said):
    app.query_params["weights"] = weights
    open_page("Convolution")
    app.file_uploader(key="upload").set_value(
        ("small.png", encode_png(np.zeros((30, 40, 3), np.uint8)), "image/png")
    ).run()
    for name, value in settings.items():
        app.number_input(key=name).set_value(value).run()
    assert not app.exception
    assert [caption.value for caption in app.caption if said in caption.value]
    assert app.metric, "and the response is there"
    assert not kernel_facts.cautions(vl.KERNELS["sobel_x"], Settings(1, 1, "reflect", False, False, "clip"), (30, 40))


def test_what_is_done_to_the_weights(open_page):
    app = open_page("Convolution")

    def weights() -> str:
        return app.query_params["weights"]

    app.button(key="kernel-Rotate").click().run()
    assert weights() == "-1,-2,-1;0,0,0;1,2,1"
    app.button(key="kernel-Transpose").click().run()
    assert "weights" not in app.query_params, "that is the kernel as it was"
    app.selectbox(key="kernel").select("box_blur_3").run()
    app.number_input(key="rows-(3, 3)").set_value(5).run()
    app.button(key="kernel-Use this size").click().run()
    assert weights().startswith("0,0,0;0.11111,0.11111,0.11111;")
    app.button(key="kernel-Normalise").click().run()
    assert weights().count("0.11111") == 9
    app.button(key="kernel-Random").click().run()
    assert all(-3 <= float(value) <= 3 for row in weights().split(";") for value in row.split(","))
    assert not app.exception
    next(button for button in app.button if button.label == "Back to the kernel as it was").click().run()
    assert "weights" not in app.query_params


LINKS = {"a,b": "no numbers", "1,2;3": "same number", "1,nan": "finite", ";".join(["0"] * 16): "more than 15"}


@pytest.mark.parametrize("text", LINKS)
def test_a_broken_link_is_answered_with_one_sentence(text):
    app = AppTest.from_file(str(ROOT / PAGES["Convolution"].script), default_timeout=60)
    app.query_params["weights"] = text
    app.query_params["square"] = "here,there"
    app.run()
    assert not app.exception
    assert sum(LINKS[text] in element.value for element in app.text) == 1
    assert {metric.label: metric.value for metric in app.metric}["Output, px"] == "451 × 300"


def test_the_python_of_the_page_makes_its_response(open_page, photo, tmp_path, monkeypatch):
    app = open_page("Convolution")
    app.file_uploader(key="upload").set_value(photo).run()
    app.button(key="kernel-Random").click().run()
    app.toggle(key="grey").set_value(True).run()
    app.number_input(key="stride").set_value(2).run()
    (tmp_path / "photo.jpg").write_bytes(photo[1])
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(app.code[0].value, names)
    table = [[float(value) for value in row.split(",")] for row in app.query_params["weights"].split(";")]
    expected = vl.convolve(vl.load_image(photo[1]) @ [0.299, 0.587, 0.114], table, stride=2)
    np.testing.assert_allclose(names["response"], expected, atol=1e-3)
    assert (tmp_path / "response.png").is_file()
