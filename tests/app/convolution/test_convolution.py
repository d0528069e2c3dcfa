"""The Convolution page: its controls, its link, what it hands out. What the browser does is tests/browser's."""

import json

import numpy as np
import pytest
from app.conftest import ROOT, unfold
from streamlit.testing.v1 import AppTest

import visionlab as vl
from visionlab.imaging.image import encode_png, fit
from visionlab.imaging.kernels import custom_kernel
from visionlab.ui.convolution import kernel_facts
from visionlab.ui.convolution.channels import CHANNELS, grey
from visionlab.ui.convolution.settings import Settings
from visionlab.ui.shared.server.pages import PAGES

SHOWN = {name: kernel for name, kernel in vl.KERNELS.items() if name != "identity"}


@pytest.fixture
def app(app) -> AppTest:
    """Its facts are folded out."""
    return unfold(app, "of-the-response")


def told(app, label: str) -> str:
    return {metric.label: metric.value for metric in app.metric}[label]


def lab(app) -> dict:
    """What the browser's lab was given."""
    (part,) = (part for part in app.get("bidi_component") if "convolution_lab" in part.proto.component_name)
    return json.loads(part.proto.json)


def small_picture(app, image: np.ndarray) -> None:
    app.file_uploader(key="upload").set_value(("small.png", encode_png(image), "image/png")).run()


def test_the_controls_are_those_of_convolve(open_page):
    app = open_page("Convolution")
    app.selectbox(key="kernel").select("identity").run()
    cat = fit(vl.load_sample("cat"), 256)
    assert told(app, "Output, px") == f"{cat.shape[1]} × {cat.shape[0]}"
    assert told(app, "Smallest … largest") == f"{grey(cat).min()} … {grey(cat).max()}"
    app.selectbox(key="channel").select("each").run()
    assert told(app, "Smallest … largest") == f"{cat.min()} … {cat.max()}"
    app.selectbox(key="border").select("valid").run()
    app.selectbox(key="kernel").select("box_blur_8").run()
    app.number_input(key="stride").set_value(2).run()
    rows, columns = vl.convolve(cat, vl.KERNELS["box_blur_8"], stride=2, border="valid").shape[:2]
    assert told(app, "Output, px") == f"{columns} × {rows}"
    app.select_slider(key="detail").set_value(1024).run()
    rows, columns = vl.convolve(vl.load_sample("cat"), vl.KERNELS["box_blur_8"], stride=2, border="valid").shape[:2]
    assert told(app, "Output, px") == f"{columns} × {rows}"


def test_a_picture_that_is_shrunk_is_told(open_page):
    app = open_page("Convolution")
    small_picture(app, np.full((90, 150, 3), 90, np.uint8))
    assert not any("shrunk from" in caption.value for caption in app.caption)
    app.file_uploader(key="upload").set_value(
        ("wall.png", encode_png(np.full((900, 1500, 3), 90, np.uint8)), "image/png")
    ).run()
    assert any("256 × 154 px, shrunk from 1,500 × 900" in caption.value for caption in app.caption)


@pytest.mark.parametrize("name", SHOWN)
def test_no_kernel_of_the_table_answers_black(name):
    """Fitted, as the page begins, a twentieth of each response to a photograph is brighter than a third of white."""
    kernel = SHOWN[name]
    response = vl.convolve(grey(fit(vl.load_sample("cat"), 256)), kernel)
    mode = "clip" if kernel.total > 0.5 else "absolute"
    settings = Settings(1, 1, "reflect", False, "grey", 256, mode, True)
    shown = vl.render(response, mode, settings.ends(kernel, response))
    assert np.percentile(shown, 95) > 85
    if kernel.total > 0.5:
        np.testing.assert_array_equal(shown, vl.render(response, mode), "a blur is a picture as bright as the picture")


def test_a_kernel_that_darkens_or_brightens_is_shown_as_a_picture():
    response = vl.convolve(grey(fit(vl.load_sample("cat"), 256)), np.full((3, 3), 2.0))
    settings = Settings(1, 1, "reflect", False, "grey", 256, "clip", True)
    assert settings.ends(custom_kernel(np.full((3, 3), 2.0)), response) == (0, 18 * 255)


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


@pytest.mark.parametrize(("field", "most"), [("stride", 64), ("dilation", 32)])
def test_a_number_that_cannot_be_is_told_and_what_was_shown_stays(open_page, field, most):
    app = open_page("Convolution")
    app.number_input(key=field).set_value(2).run()
    [before] = [each.value for each in app.metric if each.label == "Output, px"] or [None]
    for typed in (0, most + 1, -3):
        app.number_input(key=field).set_value(typed).run()
        assert not app.exception
        shown = f"{typed}".replace("-", "−")
        told = [text.value for text in app.text if "not possible" in text.value]
        assert told == [f"{field.capitalize()}: {shown} is not possible. Use 1 to {most}."] * 2, (
            "there, and at the field"
        )
        assert any("as it was before" in caption.value for caption in app.caption)
        assert [each.value for each in app.metric if each.label == "Output, px"] == ([before] if before else [])
    app.number_input(key=field).set_value(3).run()
    assert not any("not possible" in text.value for text in app.text)


def test_a_number_of_a_link_that_cannot_be_is_told_beside_what_is_shown_instead(app, open_page):
    app.query_params.update(stride="1000")
    open_page("Convolution")
    assert any(text.value == "Stride: 1,000 is not possible. Use 1 to 64." for text in app.text)
    assert any(caption.value == "The response is that of stride 1 and dilation 1." for caption in app.caption)
    assert app.session_state["shown"][2].stride == 1


def test_words_of_a_link_that_the_page_does_not_know_are_told_while_the_usual_is_shown(app, open_page):
    app.query_params.update({"kernel": "sobel_z", "border": "mirror", "channel": "alpha", "mode-absolute": "loud"})
    open_page("Convolution")
    said = (
        "There is no kernel “sobel_z”, so “Sobel, horizontal change” is shown. Did you mean “sobel_",
        "There is no border “mirror”, so “Reflect” is shown. There are ",
        "There is no choice of channels “alpha”, so “Grey” is shown.",
        "There is no way to show the response “loud”, so “Strength, whichever its sign” is shown.",
    )
    for _ in range(2):
        assert not app.exception
        for sentence in said:
            assert [text.value for text in app.text if text.value.startswith(sentence)], sentence
        app.run()
    app.selectbox(key="border").set_value("wrap").run()
    assert not [text.value for text in app.text if "no border" in text.value]
    assert [text.value for text in app.text if "no kernel" in text.value]


def boxes(app) -> list[str]:
    """The labels of the two boxes of controls, which their popovers show."""
    return [block.proto.popover.label for block in app.get("popover")][:2]


def test_the_boxes_say_what_is_set_in_them_from_the_first_draw_on(app, open_page):
    app.query_params.update(stride="3", flip="true", channel="Red alone", detail="512")
    open_page("Convolution")
    for _ in range(2):
        assert boxes(app) == ["Stride 3 · flipped", "Red alone · 512 px"]
        app.run()
    app.number_input(key="stride").set_value(1).run()
    app.toggle(key="flip").set_value(False).run()
    app.selectbox(key="channel").select("each").run()
    app.selectbox(key="mode-absolute").select("diverging").run()
    app.toggle(key="plain").set_value(True).run()
    assert boxes(app) == ["How it slides", "Each by itself · Signed · Plain range · 512 px"]
    app.switch_page(PAGES["Filters"].script).run()
    app.switch_page(PAGES["Convolution"].script).run()
    assert "Signed" in boxes(app)[1]


@pytest.mark.parametrize("asked", [{"stride": "two"}, {"detail": "300"}, {"flip": "maybe"}])
def test_what_a_link_asks_for_and_cannot_be_leaves_the_usual(app, open_page, asked):
    app.query_params.update(asked)
    open_page("Convolution")
    assert boxes(app) == ["How it slides", "What is shown"]
    assert lab(app)["stride"] == app.number_input(key="stride").value


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"stage": "99"}, "“stage=99” in the link cannot be read, and is left out."),
        (
            {"bias": "abc", "at": "9", "view": "tiles"},
            "“at=9” and “bias=abc” in the link cannot be read, and are left out.",
        ),
        ({"bias": "-3", "at": "4,5", "held": "True"}, None),
    ],
)
def test_what_a_link_asks_of_the_lab_and_cannot_be_read_is_told(app, open_page, asked, said):
    app.query_params.update(asked)
    open_page("Convolution").run()
    told = [text.value for text in app.text if "in the link" in text.value]
    assert told == ([said] if said else [])
    app.selectbox(key="kernel").select("identity").run()
    assert not [text.value for text in app.text if "in the link" in text.value]


@pytest.mark.parametrize(
    ("weights", "settings", "said"),
    [
        ("0,0,0;0,0,0;0,0,0", {}, "Every weight is 0"),
        ("2", {}, "each pixel 2 times as bright"),
        ("1,1;1,1", {}, "A side of 2 has no middle"),
        ("1,1;1,1;1,1", {}, "A side of 2 has no middle"),
        ("1,0,-1", {"dilation": 32}, "spans 65 pixels across and 1 down, more than the picture’s 40 × 30"),
        ("1,0,-1", {"stride": 64}, "A stride of 64 leaves one response of the picture’s 40 × 30 pixels"),
    ],
)
def test_what_is_hardly_wanted_is_shown_and_said(app, open_page, weights, settings, said):
    app.query_params["weights"] = weights
    open_page("Convolution")
    small_picture(app, np.zeros((30, 40, 3), np.uint8))
    for name, value in settings.items():
        app.number_input(key=name).set_value(value).run()
    assert not app.exception
    assert [caption.value for caption in app.caption if said in caption.value]
    assert app.metric, "and the response is there"
    usual = Settings(1, 1, "reflect", False, "grey", 256, "clip", True)
    assert not kernel_facts.cautions(vl.KERNELS["sobel_x"], usual, (30, 40))


def test_a_link_brings_ones_own_kernel_which_stays(app, open_page):
    app.query_params["weights"] = "0,0.111111112,0;-2,3,1e-3"
    open_page("Convolution")
    assert app.selectbox(key="kernel").value == "yours"
    assert lab(app)["title"] == "Yours"
    assert lab(app)["about"].startswith("A kernel of your own, 2 × 3."), "rows × columns"
    np.testing.assert_array_equal(np.float32(lab(app)["weights"]), np.float32([[0, 1 / 9, 0], [-2, 3, 1e-3]]))
    assert app.query_params["weights"] == "0,0.111111112,0;-2,3,0.00100000005"
    app.switch_page(PAGES["Filters"].script).run()
    app.switch_page(PAGES["Convolution"].script).run()
    assert app.selectbox(key="kernel").value == "yours"
    assert np.shape(lab(app)["weights"]) == (2, 3)
    app.selectbox(key="kernel").select("sobel_x").run()
    assert "weights" not in app.query_params
    assert lab(app)["weights"] == vl.KERNELS["sobel_x"].weights.tolist()
    app.selectbox(key="kernel").select("yours").run()
    assert np.shape(lab(app)["weights"]) == (2, 3)


def test_what_ones_own_kernel_makes_brighter_is_shown_brighter(app, open_page):
    app.query_params["weights"] = "0,0,0;0,2,0;0,0,0"
    open_page("Convolution")
    scale = lab(app)["scale"]
    assert (scale["mode"], scale["low"], scale["high"], lab(app)["fit"]) == ("clip", 0, 255, False)
    app.toggle(key="own-plain").set_value(False).run()
    assert (lab(app)["scale"]["high"], lab(app)["fit"]) == (510, True)
    app.selectbox(key="kernel").select("sobel_x").run()
    assert lab(app)["fit"], "other kernels are fitted, as before"


def test_a_link_says_how_to_show_the_kernel_that_it_holds_and_of_no_former_one(app, open_page):
    app.query_params.update(weights="1,0,-1", like="absolute")
    open_page("Convolution")
    assert (app.query_params["weights"], app.query_params["like"]) == ("1,0,-1", "absolute")
    button = next(each for each in app.button if each.label.endswith("Make your own"))
    button.click().run()
    assert app.query_params["weights"] == "0,0,0;0,1,0;0,0,0"
    assert "like" not in app.query_params


LINKS = {"a,b": "no numbers", "1,2;3": "same number", "1,nan": "finite", ";".join(["0"] * 16): "more than 15"}


@pytest.mark.parametrize("text", LINKS)
def test_a_broken_link_is_answered_with_one_sentence(text):
    app = AppTest.from_file(str(ROOT / PAGES["Convolution"].script), default_timeout=60)
    unfold(app, "of-the-response").query_params["weights"] = text
    app.query_params.update(square="here,there", bias="nan", view="nowhere", stage="12", speed="-1", shift="99")
    app.run()
    assert not app.exception
    assert sum(LINKS[text] in element.value for element in app.text) == 1
    assert told(app, "Output, px") == "256 × 170"
    assert lab(app)["left"] == {"shift": 8}


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_python_of_the_page_makes_its_response(app, open_page, photo, channel, tmp_path, monkeypatch):
    app.query_params["weights"] = "1,-2,0.333333343;0,3,-1"
    open_page("Convolution")
    assert not app.code, "what colours code is loaded by who asks for it"
    app.session_state["in-python"] = True
    app.file_uploader(key="upload").set_value(photo).run()
    app.selectbox(key="channel").select(channel).run()
    app.number_input(key="stride").set_value(2).run()
    app.select_slider(key="detail").set_value(128).run()
    (tmp_path / "photo.jpg").write_bytes(photo[1])
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(app.code[0].value, names)
    image = fit(vl.load_image(photo[1]), 128)
    expected = vl.convolve(CHANNELS[channel].take(image), [[1, -2, 1 / 3], [0, 3, -1]], stride=2)
    if channel == "sum":
        expected = expected.sum(axis=2)
    np.testing.assert_allclose(names["response"], expected, atol=1e-3)
    shown = vl.load_image(tmp_path / "response.png")
    assert shown.shape[:2] == expected.shape[:2]
    scale = lab(app)["scale"]
    np.testing.assert_array_equal(shown, vl.render(expected, scale["mode"], (scale["low"], scale["high"])))
