"""The Feature maps page: every layer, channels and units by links, comparing, patches, bad links and odd pictures."""

import json
import re

import numpy as np
import pytest
from app.conftest import finish_jobs, framing

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.inside.excitation import peaks, strongest_patches
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached
from visionlab.ui.shared.page import PAGES
from visionlab.ui.shared.state import TrainedHead

PAGE = PAGES["Feature maps"].script


@pytest.fixture(scope="module")
def net() -> vl.Classifier:
    return framing(112)


@pytest.fixture(autouse=True)
def in_the_app(monkeypatch, net):
    monkeypatch.setattr(cached, "classifier", lambda name: net)


@pytest.fixture(scope="module")
def maps(net) -> dict:
    return vl.feature_maps(net, vl.load_sample("cat"))


def given(app, component: str) -> list[dict]:
    """What the components of that name were given, in the order of the page."""
    found = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in found if proto.component_name == f"visionlab_{component}"]


def numbers(app) -> list[float]:
    """The last column of the table of a unit's sum."""
    table = next(element.value for element in app.get("html") if 'class="trace"' in element.value)
    return [float(number) for number in re.findall(r"<td>([-+]?\d[\d.]*)</td></tr>", table)]


def texts(app) -> list[str]:
    return [element.value for element in app.text]


def look_at(app, layer: str, channel: int | None = None, unit: tuple[int, int] | None = None) -> None:
    """What a click does: see tests/browser for real ones."""
    app.session_state["spot"] = Spot(layer, channel, unit)
    app.run()
    assert not app.exception, layer


def test_every_layer_has_its_maps_and_every_unit_its_sum(open_page, maps):
    app = open_page("Feature maps")
    (drawing,) = given(app, "network_drawing")
    assert [layer["name"] for layer in drawing["layers"]] == list(maps)
    for name, found in maps.items():
        look_at(app, name)
        values = found.values
        (drawing,) = given(app, "network_drawing")
        assert drawing["chosen"] == name
        facts = next(layer["facts"] for layer in drawing["layers"] if layer["name"] == name)
        assert " × ".join(map(str, (*values.shape[1:], len(values)))) in facts or f"{len(values)} units" in facts
        row = app.dataframe[0].value.set_index("Layer").loc[name]
        assert row["Parameters"] == found.layer.parameters
        mosaic, *others = given(app, "cells")
        assert mosaic["what"] == f"The feature maps of {name}"
        assert mosaic["count"] == min(len(values), 256)
        channel = int(values.mean((1, 2)).argmax())
        assert app.number_input(key=f"channel-{name}").value == channel
        if values[0].size > 1:
            assert (others[0]["rows"], others[0]["columns"]) == values.shape[1:]
            assert others[0]["chosen"] == values[channel].argmax()
        assert numbers(app)[-1] == pytest.approx(values[channel].max(), abs=1e-3)
        assert any("the sum agrees" in caption.value for caption in app.caption)


def test_a_link_opens_a_layer_a_channel_and_a_unit(app, maps):
    app.run()
    app.query_params.update({"layer": "conv3_1", "channel": "17", "unit": "12,20"})
    app.switch_page(PAGE).run()
    assert not app.exception
    mosaic, one = given(app, "cells")
    assert (mosaic["chosen"], one["chosen"]) == (17, 12 * 28 + 20)
    assert numbers(app)[-1] == pytest.approx(maps["conv3_1"].values[17, 12, 20], abs=1e-3)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"layer": "conv9_1"}, "vgg16-tinyimagenet has no layer “conv9_1”, so conv1_1 is shown"),
        ({"layer": "head", "channel": "1"}, "has no layer “head”"),
        ({"layer": "conv1_1", "channel": "400"}, "conv1_1 has no channel 400: its channels are numbered from 0 to 31"),
        ({"layer": "conv4_1", "unit": "30,2"}, "conv4_1 has no unit in row 30 and column 2"),
    ],
)
def test_a_link_from_another_network_gets_a_sentence_and_the_page_stands(app, link, said):
    app.run()
    app.query_params.update(link)
    app.switch_page(PAGE).run()
    assert not app.exception
    assert [said in text for text in texts(app)].count(True) == 1
    assert len(given(app, "cells")) == 2
    look_at(app, "conv2_1")
    assert not any(said in text for text in texts(app))


@pytest.mark.parametrize("link", [{"layer": "conv1_1", "channel": "-3"}, {"unit": "a,b"}, {"unit": "7"}])
def test_what_is_no_number_in_a_link_is_left_out(app, link):
    app.run()
    app.query_params.update(link)
    app.switch_page(PAGE).run()
    assert not app.exception
    assert len(given(app, "cells")) == 2


def test_orders_and_scales(open_page, net, maps):
    app = open_page("Feature maps")
    look_at(app, "relu4_2", 5)
    values = maps["relu4_2"].values
    names = {}
    for order in ("number", "mean", "peak", "sparsity", "contribution"):
        app.selectbox(key="order-False").set_value(order).run()
        assert not app.exception
        names[order] = given(app, "cells")[0]["names"]
    assert names["number"] == [f"channel {i}" for i in range(256)]
    assert names["mean"][0] == f"channel {values.mean((1, 2)).argmax()}"
    assert names["peak"][0] == f"channel {values.max((1, 2)).argmax()}"
    assert names["contribution"] not in (names["mean"], names["number"])
    assert all(set(each) == set(names["number"]) for each in names.values())
    pictures = set()
    for scale in ("channel", "layer", "network"):
        app.segmented_control(key="scale").set_value(scale).run()
        pictures.add(given(app, "cells")[0]["picture"])
    assert len(pictures) == 3
    look_at(app, "prob")  # it has no contribution to the logit that comes before it: in the order of the mean
    best = maps["prob"].values.argmax()
    assert given(app, "cells")[0]["names"][0] == f"unit {best} · {net.labels[best]}"


def test_a_number_opens_a_channel(open_page):
    app = open_page("Feature maps")
    look_at(app, "relu4_2", 5)
    app.number_input(key="channel-relu4_2").set_value(77).run()
    assert given(app, "cells")[0]["chosen"] == 77
    assert app.query_params["channel"] in ("77", ["77"])


def test_two_pictures_side_by_side(open_page, net, maps):
    app = open_page("Feature maps")
    look_at(app, "relu5_3")
    app.selectbox(key="second").set_value("coffee").run()
    assert not app.exception
    one, other, map_of_one, map_of_other = given(app, "cells")
    assert one["names"] == other["names"]
    assert one["picture"] != other["picture"]
    assert map_of_one["what"] == map_of_other["what"]
    coffee = vl.feature_maps(net, vl.load_sample("coffee"), ["relu5_3"])["relu5_3"].values
    change = np.abs(maps["relu5_3"].values - coffee).mean((1, 2))
    assert app.selectbox(key="order-True").value == "change"
    assert one["names"][0] == f"channel {change.argmax()}"
    shares = [float(note.rsplit("change ", 1)[1]) for note in one["notes"]]
    assert shares == sorted(shares, reverse=True)
    whole = (np.abs(maps["relu5_3"].values).mean() + np.abs(coffee).mean()) or 1
    assert shares[0] == pytest.approx(change.max() / whole, abs=1e-3)


def test_layers_of_hundreds_have_pages(open_page, maps):
    app = open_page("Feature maps")
    look_at(app, "fc7", 300)
    values = maps["fc7"].values.ravel()
    (mosaic,) = given(app, "cells")
    assert (mosaic["count"], mosaic["names"][0], mosaic["chosen"]) == (256, "unit 256", 300 - 256)
    app.number_input(key="channel-fc7").set_value(2).run()
    (mosaic,) = given(app, "cells")
    assert (mosaic["names"][0], mosaic["chosen"]) == ("unit 0", 2)
    assert mosaic["notes"][2] == f"{values[2]:.4f}"


@pytest.mark.parametrize("layer", ["conv1_1", "relu1_1", "conv3_2", "pool4", "fc7", "prob"])
def test_weights(open_page, layer):
    app = open_page("Feature maps")
    look_at(app, layer)
    section = next(c for c in app.segmented_control if c.key.startswith("section-"))
    section.set_value("Weights").run()
    assert not app.exception
    assert any("The bias is" in caption.value for caption in app.caption)


def test_patches_come_from_all_uploads(open_page, photo, net):
    app = open_page("Feature maps")
    name, data, kind = photo
    app.file_uploader(key="upload").set_value(photo).run()
    other = encode_png(np.ascontiguousarray(vl.load_image(data)[::-1, :, ::-1]))
    app.file_uploader(key="upload").set_value(("second.png", other, kind)).run()
    look_at(app, "relu2_2", 3)
    app.segmented_control(key="section-5").set_value("Patches").run()
    assert not app.exception
    pictures = {"second.png": vl.load_image(other), name: vl.load_image(data)}
    found = [peaks(vl.feature_maps(net, image, ["relu2_2"])["relu2_2"]) for image in pictures.values()]
    expected = [f"{e.value:.2f} · {list(pictures)[e.picture]}" for e in strongest_patches(found, 3, 9)]
    assert {text.split(" · ")[1] for text in expected} == set(pictures)
    assert sorted(text for text in texts(app) if re.match(r"\d+\.\d\d · ", text)) == sorted(expected)


def test_what_a_channel_looks_for_is_drawn_once_and_can_be_stopped(open_page):
    app = open_page("Feature maps")
    look_at(app, "relu1_2", 3)
    app.segmented_control(key="section-5").set_value("What it looks for").run()
    app.button(key="wanted-begin").click().run()
    assert not app.exception
    app.button(key="stop-wanted").click().run()
    finish_jobs()
    app.run()
    assert not app.exception
    app.button(key="wanted-again").click().run()
    finish_jobs()
    app.run()
    assert any("answers it with" in caption.value for caption in app.caption)
    assert "wanted-again" not in [button.key for button in app.button]


@pytest.mark.parametrize("shape", [(1, 1, 3), (20, 10_000, 3), (10_000, 20, 3), (64, 64, 3)])
@pytest.mark.parametrize("title", ["Feature maps", "Predict"])
def test_odd_and_blank_pictures(open_page, shape, title):
    app = open_page(title)
    app.file_uploader(key="upload").set_value(("odd.png", encode_png(np.full(shape, 77, np.uint8)), "image/png")).run()
    assert not app.exception
    assert not app.error
    assert any(text.startswith("odd.png · ") for text in texts(app))


def test_a_head_of_ones_own_is_opened_like_any_network(open_page, net):
    width = net.layer("avgpool").shape[0]
    weights = np.random.default_rng(0).normal(size=(2, width)).astype(np.float32)
    head = Head(weights, np.zeros(2, np.float32), ("<b>cats", "dogs"), net.name, "avgpool", network_fingerprint(net))
    app = open_page("Feature maps")
    app.session_state["trained_head"] = TrainedHead("key", head)
    app.run()
    app.selectbox(key="network").set_value("your-head").run()
    look_at(app, "head")
    assert [layer["name"] for layer in given(app, "network_drawing")[0]["layers"]][-2:] == ["head", "prob"]
    assert given(app, "cells")[0]["names"] == ["unit 0 · <b>cats", "unit 1 · dogs"]
    look_at(app, "fc6")
    assert any("has no layer “fc6”" in text for text in texts(app))


def test_another_network_is_no_error_and_a_wrong_link_is(open_page, new_app):
    app = open_page("Feature maps")
    look_at(app, "conv3_1", 3)
    app.session_state["spot_network"] = "another"  # which has that layer, as this one has not
    app.session_state["spot"] = Spot("blocks.3.depthwise")
    app.run()
    assert not any("has no layer" in text.value for text in app.text)
    linked = new_app()
    linked.run()
    linked.query_params["layer"] = "conv9_9"
    linked.switch_page(PAGES["Feature maps"].script).run()
    assert any("has no layer “conv9_9”" in text.value for text in linked.text)
