"""The Feature maps page: every layer, channels and units by links, comparing, patches, bad links and odd pictures."""

import json
import re
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
import torch
from app.conftest import finish_jobs, framing, unfold
from cli.shell import run
from lite import lively
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from tiny import TINY, tiny_classifier
from torchvision.models import get_model

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.inside.excitation import peaks, strongest_patches
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.torchvision_nets import LAYER_KINDS, Stepped, network_layers
from visionlab.ui.maps import caches, layer_view
from visionlab.ui.maps.look import Look, View, colours, full_colour
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached, networks
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.networks.own_head import TrainedHead
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.state import Picture

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
    return [float(number.replace("−", "-")) for number in re.findall(r"<td>([−+]?\d[\d.]*)</td></tr>", table)]


def texts(app) -> list[str]:
    return [element.value for element in app.text]


def strongest(found: vl.FeatureMap, channel: int) -> int:
    """The place of the channel's strongest unit, counted row by row, of those whose 3 × 3 window holds no padding."""
    one = found.values[channel].copy()
    if found.layer.kind in ("conv", "relu") and one.size > 1:
        one[[0, -1]] = one[:, [0, -1]] = -np.inf
    return int(one.argmax())


def look_at(app, layer: str, channel: int | None = None, unit: tuple[int, int] | None = None) -> None:
    """What a click does: see tests/browser for real ones."""
    app.session_state["spot"] = Spot(layer, channel, unit)
    app.run()
    assert not app.exception, layer


def test_every_layer_has_its_maps_and_every_unit_its_sum(open_page, maps):
    app = unfold(open_page("Feature maps"), "whole-network")
    (drawing,) = given(app, "network_drawing")
    assert [layer["name"] for layer in drawing["layers"]] == list(maps)
    for name, found in maps.items():
        look_at(app, name)
        values = found.values
        (drawing,) = given(app, "network_drawing")
        assert drawing["chosen"] == name
        facts = next(layer["facts"] for layer in drawing["layers"] if layer["name"] == name)
        assert " × ".join(map(str, (*values.shape[1:], len(values)))) in facts or f"{len(values)} units" in facts
        row = app.dataframe[-1].value.set_index("Layer").loc[name]
        assert row["Parameters"] == found.layer.parameters
        channel = int(values.mean((1, 2)).argmax())
        if name in ("head", "prob", "fc8"):  # classes, which have a list
            (listed,) = given(app, "bars")
            assert listed["chosen"] == listed["bars"][0]["index"] == channel
        else:
            mosaic, *others = given(app, "cells")
            assert mosaic["what"] == f"The feature maps of {name}"
            assert mosaic["count"] == min(len(values), 256)
        assert app.number_input(key=f"channel-{name}-{len(values)}").value == channel
        if values[0].size > 1:
            assert (others[0]["rows"], others[0]["columns"]) == values.shape[1:]
            assert others[0]["chosen"] == strongest(found, channel)
        assert numbers(app)[-1] == pytest.approx(values[channel].ravel()[strongest(found, channel)], abs=1e-3)
        assert any("the sum agrees" in caption.value for caption in app.caption)


def test_a_link_opens_a_layer_a_channel_and_a_unit(app, net):
    app.run()
    app.query_params.update({"layer": "conv3_1", "channel": "17", "unit": "12,20", "side": "128"})
    app.switch_page(PAGE).run()
    assert not app.exception
    mosaic, one = given(app, "cells")
    values = vl.feature_maps(net, vl.load_sample("cat"), ["conv3_1"], 128)["conv3_1"].values
    assert (mosaic["chosen"], one["chosen"]) == (17, 12 * 32 + 20)
    assert numbers(app)[-1] == pytest.approx(values[17, 12, 20], abs=1e-3)


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


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"layer": "conv1_1", "channel": "-3"}, "There is no channel “-3”: channels are numbered from 0."),
        ({"unit": "a,b"}, "There is no unit “a,b”: units are called by row and column, as 12,20."),
        ({"unit": "7"}, "There is no unit “7”: units are called by row and column, as 12,20."),
        ({"order": "no"}, "There is no order “no”, so “Number” is shown. There are number, mean, "),
        ({"scale": "no"}, "There is no scale “no”, so “Each channel” is shown. There are channel, layer, network."),
        ({"second": "zebra"}, "There is no picture to compare with “zebra”. There are coffee, "),
        (
            {"class": "banane", "order": "contribution"},
            "There is no class “banane”, so “{best}” is shown. Did you mean “banana”?",
        ),
    ],
)
def test_what_is_no_word_or_number_of_the_page_in_a_link_is_told_while_something_else_is_shown(app, net, link, said):
    app.run()
    app.query_params.update(link)
    app.switch_page(PAGE).run()
    said = said.format(best=vl.predict(net, [vl.load_sample("cat")], 1)[0][0].label)
    for _ in range(2):
        assert not app.exception
        assert [text for text in texts(app) if said in text], texts(app)
        assert len(given(app, "cells")) == 2
        app.run()
    app.selectbox(key="second").set_value("coffee").run()
    look_at(app, "conv2_1", 2)
    app.selectbox(key="order-of-two").set_value("mean").run()
    app.segmented_control(key="scale").set_value("layer").run()
    assert not [text for text in texts(app) if said in text]


def test_orders_and_scales(open_page, net, maps):
    app = open_page("Feature maps")
    look_at(app, "relu4_2", 5)
    values = maps["relu4_2"].values
    names = {}
    for order in ("number", "mean", "peak", "sparsity", "contribution"):
        app.selectbox(key="order").set_value(order).run()
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
    assert given(app, "bars")[0]["bars"][0]["label"] == net.labels[best]


def test_a_number_opens_a_channel(open_page):
    app = open_page("Feature maps")
    look_at(app, "relu4_2", 5)
    app.number_input(key="channel-relu4_2-256").set_value(77).run()
    assert given(app, "cells")[0]["chosen"] == 77
    assert app.query_params["channel"] in ("77", ["77"])


def test_two_pictures_side_by_side(open_page, net, maps):
    app = unfold(open_page("Feature maps"), "every-channel")
    look_at(app, "relu5_3")
    app.selectbox(key="second").set_value("coffee").run()
    assert not app.exception
    one, other, map_of_one, map_of_other = given(app, "cells")
    assert one["names"] == other["names"]
    assert one["picture"] != other["picture"]
    assert map_of_one["what"] == map_of_other["what"]
    coffee = vl.feature_maps(net, vl.load_sample("coffee"), ["relu5_3"])["relu5_3"].values
    change = np.abs(maps["relu5_3"].values - coffee).mean((1, 2))
    assert app.selectbox(key="order-of-two").value == "change"
    assert one["names"][0] == f"channel {change.argmax()}"
    table = next(frame.value for frame in app.dataframe if "Channel" in frame.value)
    shares = [float(re.match(r"change ([\d.]+) · ", note)[1]) for note in one["notes"]]
    assert shares == sorted(shares, reverse=True)
    np.testing.assert_allclose(sorted(table["Change"], reverse=True), shares, atol=1e-3)
    whole = (np.abs(maps["relu5_3"].values).mean() + np.abs(coffee).mean()) or 1
    assert shares[0] == pytest.approx(change.max() / whole, abs=1e-3)


def test_either_of_two_pictures_is_looked_at_in_detail(open_page, net, maps):
    app = unfold(open_page("Feature maps"), "whole-network")
    look_at(app, "relu5_3", 5, (2, 3))
    app.selectbox(key="second").set_value("coffee").run()
    coffee = vl.feature_maps(net, vl.load_sample("coffee"), None)
    for place, found, name in ((0, maps, "Cat"), (1, coffee, "Coffee"), (0, maps, "Cat")):
        app.segmented_control(key="in-detail-2").set_value(place).run()
        assert not app.exception
        app.segmented_control(key="section-5").set_value("Values").run()
        assert any(f"mean {found['relu5_3'].values[5].mean():.3f}, from" in each.value for each in app.caption), name
        assert any(each.value.endswith(f"and what it answers to {name}") for each in app.text)
        row = next(frame.value for frame in app.dataframe if "Layer" in frame.value).set_index("Layer").loc["relu5_3"]
        assert row["Mean"] == pytest.approx(found["relu5_3"].values.mean(), rel=1e-4)


def test_classes_of_two_pictures_are_in_the_order_that_is_said(open_page, maps):
    app = open_page("Feature maps")
    look_at(app, "fc8")
    app.selectbox(key="second").set_value("coffee").run()
    coffee = vl.feature_maps(framing(112), vl.load_sample("coffee"), ["fc8"])["fc8"].values
    change = np.abs(maps["fc8"].values - coffee).mean((1, 2))
    orders = {"change": -change, "number": -maps["fc8"].values.ravel(), "peak": -maps["fc8"].values.ravel()}
    for order, by in orders.items():
        app.selectbox(key="order-of-two").set_value(order).run()
        assert not app.exception
        one, other = ([bar["index"] for bar in listed["bars"]] for listed in given(app, "bars"))
        assert one == other == np.argsort(by, kind="stable")[:10].tolist()


def test_what_two_pictures_are_sorted_by_is_said_and_their_maps_are_named(open_page):
    app = open_page("Feature maps")
    look_at(app, "relu5_3")
    assert not any(":material/sort:" in each.value for each in app.markdown)
    app.selectbox(key="second").set_value("coffee").run()
    assert ":gray[:material/sort: by change between the two]" in [each.value for each in app.markdown]
    assert [texts(app).count(name) for name in ("Cat", "Coffee")] == [2, 2]  # over the mosaic, and over the map
    app.selectbox(key="order-of-two").set_value("number").run()
    assert not any(":material/sort:" in each.value for each in app.markdown)
    assert given(app, "cells")[0]["names"][:2] == ["channel 0", "channel 1"]


def test_a_channel_on_another_page_is_told_and_its_page_is_a_click_away(open_page, maps, caplog):
    app = open_page("Feature maps")
    app.selectbox(key="second").set_value("coffee").run()
    coffee = vl.feature_maps(framing(112), vl.load_sample("coffee"), ["fc6"])["fc6"].values
    change = np.abs(maps["fc6"].values - coffee).mean((1, 2))
    least = int(change.argmin())
    for _ in range(2):
        look_at(app, "fc6", least)
        assert given(app, "cells")[0]["chosen"] is None
        button = next(each for each in app.button if each.key.startswith("to-page-fc6"))
        assert button.label == f"The open one, unit {least}, is on page 2"
        button.click().run()
        assert not app.exception
        mosaic = given(app, "cells")[0]
        assert mosaic["names"][mosaic["chosen"]] == f"unit {least}"
        app.number_input(key="channel-fc6-512").set_value(int(change.argmax())).run()
        assert given(app, "cells")[0]["chosen"] == 0
    assert "was created with a default value" not in caplog.text


def test_a_number_that_no_channel_has_is_refused_with_the_range_and_the_old_one_stays(open_page):
    app = open_page("Feature maps")
    look_at(app, "relu4_2", 5)
    for wrong in (256, -1, 256):
        app.number_input(key="channel-relu4_2-256").set_value(wrong).run()
        assert f"There is no channel {wrong}: they go from 0 to 255.".replace("-", "−") in texts(app)
        assert app.number_input(key="channel-relu4_2-256").value == 5
        assert given(app, "cells")[0]["chosen"] == 5
    app.number_input(key="channel-relu4_2-256").set_value(6).run()
    assert not any("There is no channel" in text for text in texts(app))


@pytest.mark.parametrize("layer", ["relu6", "fc8", "prob"])
def test_units_are_told_in_the_order_of_their_values_and_those_that_are_classes_page_by_page(open_page, maps, layer):
    app = open_page("Feature maps")
    values = maps[layer].values.ravel()
    order = np.argsort(-values, kind="stable")
    least = int(order[-1])
    look_at(app, layer, int(order[0]))
    (listed,) = given(app, "bars")
    assert [bar["index"] for bar in listed["bars"]] == order[:10].tolist()
    assert all(bar["share"] * values[bar["index"]] >= 0 and abs(bar["share"]) <= 1 for bar in listed["bars"])
    if layer == "relu6":  # beside the mosaic, the open one is among the strongest
        look_at(app, layer, least)
        assert [bar["index"] for bar in given(app, "bars")[0]["bars"]] == [*order[:9].tolist(), least]
        return
    for unit in (least, int(order[0]), least):
        look_at(app, layer, unit)
        assert not given(app, "cells"), "squares say nothing of classes"
        next(each for each in app.button if each.key.startswith("to-page-")).click().run()
        assert not app.exception
        (listed,) = given(app, "bars")
        assert listed["chosen"] == unit
        assert unit in [bar["index"] for bar in listed["bars"]]


def written(frame) -> dict[str, list[str]]:
    """What is written in the cells of a table, by its headings."""
    shown = convert_arrow_bytes_to_pandas_df(frame.proto.arrow_data.styler.display_values)
    return {heading: [*shown[heading]] for heading in shown}


def test_tables_are_written_as_the_page_is_and_sorted_as_numbers(open_page, maps):
    app = open_page("Feature maps")
    assert not app.dataframe, "tables are loaded by who asks for them"
    unfold(app, "every-channel", "whole-network")
    look_at(app, "conv4_2")
    channels, layers = (next(f for f in app.dataframe if name in f.value) for name in ("Channel", "Layer"))
    mean = maps["conv4_2"].values.mean((1, 2))
    assert (mean < 0).any()
    assert written(channels)["Mean"] == [f"{value:.4f}".replace("-", "−") for value in mean]
    np.testing.assert_allclose(channels.value["Mean"], mean, rtol=1e-5)
    assert all(re.fullmatch(r"\d+\.\d%", share) for each in (channels, layers) for share in written(each)["Silent"])
    assert written(layers)["Output"][0] == "112 × 112 × 32"  # as over the mosaic
    assert written(layers)["Parameters"][:2] == ["896", "0"]
    assert not any("-" in cell for column in ("Mean", "Spread") for cell in written(layers)[column])
    assert not any(cell in ("nan", "None") for cells in written(layers).values() for cell in cells)


def test_mosaics_fill_their_place():
    for count, sides in ((1, (7, 7)), (64, (112, 112)), (256, (14, 14)), (1000, (1, 1)), (24, (30, 90))):
        columns = layer_view._columns(count, sides)

        def size(across, count=count, sides=sides):
            return min(600 / across / sides[1], 420 / sides[0] / -(-count // across))

        assert size(columns) == max(map(size, range(1, count + 1)))


def test_layers_of_hundreds_have_pages(open_page, maps):
    app = open_page("Feature maps")
    look_at(app, "fc7", 300)
    values = maps["fc7"].values.ravel()
    (mosaic,) = given(app, "cells")
    assert (mosaic["count"], mosaic["names"][0], mosaic["chosen"]) == (256, "unit 256", 300 - 256)
    app.number_input(key="channel-fc7-512").set_value(2).run()
    (mosaic,) = given(app, "cells")
    assert (mosaic["names"][0], mosaic["chosen"]) == ("unit 0", 2)
    assert mosaic["notes"][2] == f"{values[2]:.4f}".replace("-", "−")


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
    best = strongest_patches(found, 3, 9)
    expected = [f"{place}. {e.value:.2f} · {list(pictures)[e.picture]}" for place, e in enumerate(best, 1)]
    assert {text.split(" · ")[1] for text in expected} == set(pictures)
    assert [text for text in texts(app) if re.match(r"\d\. \d+\.\d\d · ", text)] == expected  # as they are laid out


def test_what_a_channel_looks_for_is_drawn_once_and_can_be_stopped(open_page):
    app = open_page("Feature maps")
    look_at(app, "relu1_2", 3)
    app.segmented_control(key="section-5").set_value("Looks for").run()
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
    assert any(text.startswith("odd.png\u00a0· ") for text in texts(app))


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
    assert {bar["label"] for bar in given(app, "bars")[0]["bars"]} == {"<b>cats", "dogs"}
    look_at(app, "fc6")
    assert any("has no layer “fc6”" in text for text in texts(app))


def test_another_network_is_no_error_and_a_wrong_link_is(open_page, new_app):
    app = open_page("Feature maps")
    look_at(app, "conv3_1", 3)
    app.session_state["spot_networks"] = ["another"]  # which has that layer, as this one has not
    app.session_state["spot"] = Spot("blocks.3.depthwise")
    app.run()
    assert not any("has no layer" in text.value for text in app.text)
    linked = new_app()
    linked.run()
    linked.query_params["layer"] = "conv9_9"
    linked.switch_page(PAGES["Feature maps"].script).run()
    assert any("has no layer “conv9_9”" in text.value for text in linked.text)


# --- the prediction, whatever the size ------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["128", "224"])
def test_the_last_layer_is_what_predict_says_at_every_size_and_the_page_says_so(app, net, side):
    app.run()
    app.query_params.update({"layer": "prob", "side": side})
    app.switch_page(PAGE).run()
    for sample in ("cat", "coffee", "rocket"):
        app.segmented_control(key="sample").set_value(sample).run()
        assert not app.exception
        look = Look(Network("n", "", net, "n"), Picture(sample, sample, vl.load_sample(sample)), int(side))
        found = look.maps["prob"].values.ravel()
        np.testing.assert_allclose(found, cached.class_probabilities("n", sample, net, look.picture.image), atol=1e-5)
        (listed,) = given(app, "bars")
        answers = vl.predict(net, [look.picture.image], 10)[0]
        assert [bar["label"] for bar in listed["bars"]] == [each.label for each in answers]
        told = [float(bar["said"].removesuffix("%")) for bar in listed["bars"]]
        np.testing.assert_allclose(told, [100 * each.probability for each in answers], atol=0.06)
    (drawing,) = given(app, "network_drawing")
    facts = {layer["name"]: layer["facts"] for layer in drawing["layers"]}
    assert f"{side} × {side} × 32" in facts["conv1_1"]
    assert "at 112 px, as it predicts" in facts["avgpool"]
    assert any(f"at {side} px, its classifier as it predicts, at 112 px" in m.value for m in app.markdown)


def test_maps_begin_at_the_size_of_the_prediction(open_page, net):
    app = open_page("Feature maps")
    (drawing,) = given(app, "network_drawing")
    assert "112 × 112 × 32" in drawing["layers"][0]["facts"]
    assert not any("as it predicts" in layer["facts"] for layer in drawing["layers"])
    assert "side" not in app.query_params
    app.select_slider(key="side-112").set_value(224).run()
    assert app.query_params["side"] in ("224", ["224"])
    app.select_slider(key="side-112").set_value(112).run()
    assert "side" not in app.query_params


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (
            {"side": "300"},
            "Maps at 300 px are not offered here, so they are at 112 px. Choose one of 112, 128, 224, 320.",
        ),
        ({"side": "huge"}, "Maps at huge px are not offered here"),
        (
            {"network": "vgg61"},
            "There is no network “vgg61” here, so another one is shown. Those that are here: Built-in",
        ),
        ({"network": "resnet50"}, "ResNet-50 (ImageNet) is not here yet, so another one is shown."),
    ],
)
def test_what_a_link_names_and_is_not_here_gets_a_sentence(app, link, said):
    app.run()
    app.query_params.update(link)
    app.switch_page(PAGE).run()
    assert not app.exception
    assert [said in text for text in texts(app)].count(True) == 1


# --- what channels add to a class -----------------------------------------------------------------------------------


def test_channels_add_to_a_class_that_one_chooses(open_page, net):
    app = unfold(open_page("Feature maps"), "every-channel")
    look_at(app, "relu5_3", 5)
    app.selectbox(key="order").set_value("contribution").run()
    image = vl.load_sample("cat")
    picker = next(box for box in app.selectbox if box.key.startswith("class-"))
    assert picker.value == vl.predict(net, [image])[0][0].index
    for index in (picker.value, net.target("banana"), net.target("banana")):
        next(box for box in app.selectbox if box.key.startswith("class-")).set_value(index).run()
        assert not app.exception
        found = vl.contributions(net, image, index)
        (mosaic, _) = given(app, "cells")
        best = int(found.layers["relu5_3"].argmax())
        assert mosaic["names"][0] == f"channel {best}"
        assert mosaic["notes"][0].startswith(f"adds +{found.layers['relu5_3'][best]:.3f} · ")
        assert "adds −" in mosaic["notes"][-1]
        said = next(each.value for each in app.caption if "its channels add" in each.value).replace("−", "-")
        total, rest, logit = map(float, re.findall(r"(-?\d+\.\d{3})\b", said))
        assert total + rest == pytest.approx(logit, abs=1e-9)  # as they are shown
        assert (total, logit) == (
            pytest.approx(found.layers["relu5_3"].sum(), abs=1e-3),
            pytest.approx(found.logit, abs=1e-3),
        )
        assert "To first order" in said
        assert f"“{net.labels[index]}”" in said.replace("\\", "")
        table = next(frame.value for frame in app.dataframe if "Channel" in frame.value)
        np.testing.assert_allclose(
            table[f"Adds to “{net.labels[index]}”"], found.layers["relu5_3"], rtol=1e-4, atol=1e-6
        )
    assert app.query_params["class"] in ("banana", ["banana"])
    app.select_slider(key="side-112").set_value(128).run()
    assert any("”, as the network predicts, at 112 px, its channels add" in each.value for each in app.caption)
    look_at(app, "relu7")
    assert any("Exact: behind this layer" in each.value for each in app.caption)
    look_at(app, "prob")
    assert any("prob comes after the logits" in each.value for each in app.caption)


def silent_net(net: vl.Classifier) -> vl.Classifier:
    """Its fc7 answers below zero, whatever the picture."""
    module = deepcopy(net.module)
    module.classifier[3].bias.fill_(-1e4)
    return replace(net, module=module)


def test_a_silent_layer_and_zero_gradients_are_said(app, net, monkeypatch):
    quiet = silent_net(net)
    monkeypatch.setattr(cached, "classifier", lambda name: quiet)
    app.run()
    app.query_params["layer"] = "relu7"
    app.switch_page(PAGE).run()
    assert not app.exception
    assert any("relu7 is silent" in each.value for each in app.caption)
    assert any("Nothing does: its gradient is zero" in each.value for each in app.caption)
    for layer in ("relu7", "conv3_1"):
        look_at(app, layer)
        app.selectbox(key="order").set_value("contribution").run()
        assert any(f"No channel of {layer} adds anything" in each.value for each in app.caption)
        assert given(app, "cells")[0]["names"][0].endswith(" 0")
    assert not any("conv3_1 is silent" in each.value for each in app.caption)


# --- colours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["channel", "layer", "network"])
@pytest.mark.parametrize("layer", ["relu3_1", "conv3_1"])
def test_zero_is_white_on_every_scale_and_two_pictures_share_it(net, layer, scale):
    looks = [Look(Network("z", "", net, "z"), Picture(n, n, vl.load_sample(n)), 112) for n in ("cat", "coffee")]
    ends = full_colour(looks, layer, scale)
    assert (ends[:, 0] == -ends[:, 1]).all()
    values = np.concatenate([look.maps[layer].values.reshape(len(ends), -1) for look in looks], axis=1)
    reach = {
        "channel": np.abs(values).max(1),
        "layer": np.abs(values).max(),
        "network": max(np.abs(found.values).max() for look in looks for found in look.maps.values()),
    }[scale]
    np.testing.assert_allclose(ends[:, 1], np.broadcast_to(reach, len(ends)))
    for look in looks:
        one = look.maps[layer].values
        channel = int((one > 0).sum((1, 2)).argmax())
        drawn = vl.load_image(caches.map_grid(one, channel, ends).picture)
        nearly = np.abs(one[channel]) < ends[channel, 1] / 1000
        assert (drawn[one[channel] > ends[channel, 1] / 20, 2] < 250).all()  # orange has little blue
        if nearly.any():
            assert (drawn[nearly] >= 253).all()


# --- channels, units and networks, one after the other --------------------------------------------------------------


def test_another_channel_opens_at_its_strongest_unit_unless_a_place_is_held(open_page, maps):
    app = open_page("Feature maps")
    look_at(app, "relu3_2", 3)
    for channel in (7, 20, 7):
        app.number_input(key="channel-relu3_2-128").set_value(channel).run()
        assert given(app, "cells")[1]["chosen"] == strongest(maps["relu3_2"], channel)
        assert "unit" not in app.query_params
    app.checkbox(key="hold").check().run()
    place = strongest(maps["relu3_2"], 7)
    for channel in (20, 3):
        app.number_input(key="channel-relu3_2-128").set_value(channel).run()
        assert given(app, "cells")[1]["chosen"] == place
    assert app.query_params["unit"] in (f"{place // 28},{place % 28}", [f"{place // 28},{place % 28}"])
    app.checkbox(key="hold").uncheck().run()
    assert given(app, "cells")[1]["chosen"] == strongest(maps["relu3_2"], 3)


def test_of_a_relu_the_sum_is_said_to_be_the_one_before_it(open_page, maps):
    app = open_page("Feature maps")
    look_at(app, "relu2_1", 3)
    app.session_state["spot"] = Spot("relu2_1", 3, tuple(map(int, np.argwhere(maps["conv2_1"].values[3] < 0)[0])), True)
    app.run()
    row, column = app.session_state["spot"].unit
    table = next(element.value for element in app.get("html") if 'class="trace"' in element.value)
    assert "sum, before the ReLU" in table
    assert numbers(app)[-2:] == [pytest.approx(maps["conv2_1"].values[3, row, column], abs=1e-3), 0]
    before = f"{maps['conv2_1'].values[3, row, column]:.3f}".replace("-", "−")
    assert any(each.value == f"**0.000** = max(0, {before})" for each in app.markdown)


@pytest.mark.parametrize("layer", ["conv1_1", "conv3_2", "pool2", "avgpool", "fc6", "prob"])
def test_the_numbers_of_a_unit_in_short_add_up_as_they_are_shown(open_page, maps, layer):
    app = open_page("Feature maps")
    look_at(app, layer, 1)
    short = next(each.value for each in app.markdown if re.match(r"\*\*[−\d.]+\*\* = ", each.value))
    value = float(re.match(r"\*\*([−\d.]+)", short)[1].replace("−", "-"))
    assert value == pytest.approx(maps[layer].values[1].ravel()[strongest(maps[layer], 1)], abs=6e-4)
    if "products" in short:
        start, sign, rest = re.search(r"= ([−\d.]+) \(bias\) ([−+]) ([\d.]+)", short).groups()
        assert float(start.replace("−", "-")) + float(f"{sign}{rest}".replace("−", "-")) == pytest.approx(
            value, abs=1e-9
        )


def test_a_unit_has_a_gradient_and_what_it_looks_for_is_drawn(open_page):
    app = open_page("Feature maps")
    look_at(app, "pool1", 3)
    assert any("Brighter pixels raise it" in each.value for each in app.caption)
    app.button(key="wanted-unit-begin").click().run()
    finish_jobs()
    app.run()
    assert not app.exception
    assert any("The unit answers it with" in each.value for each in app.caption)
    look_at(app, "pool1", 4)
    assert "wanted-unit-begin" in [button.key for button in app.button]  # another unit is another picture


def test_a_softmaxs_unit_is_said_to_be_its_share_by_the_networks_own_temperature(open_page, net, maps):
    app = open_page("Feature maps")
    best = int(maps["prob"].values.argmax())
    look_at(app, "prob", best)
    logits = maps["fc8"].values.ravel() / net.temperature
    powers = np.exp(logits - logits.max())
    short = next(each.value for each in app.markdown if "its share of the exponentials" in each.value)
    own, whole = powers[best], powers.sum()
    assert short == f"**{own / whole:.3f}** = {own:.3f} of {whole:.3f}, its share of the exponentials"
    rule = next(each.value for each in app.markdown if each.value.startswith("**prob** is "))
    assert rule == (
        f"**prob** is its own share of the exponentials of all {len(logits)} values of fc8, each divided by "
        f"{net.temperature:.3g}, the network’s temperature, before."
    )
    table = next(element.value for element in app.get("html") if 'class="trace"' in element.value)
    assert re.findall(r'<th scope="row">([^<]+)', table) == [f"unit {best}", "sum"]
    assert numbers(app)[-1] == pytest.approx(powers[best] / powers.sum(), abs=1e-4)


def test_networks_of_other_sizes_one_after_the_other_twice(app, net, monkeypatch):
    """A page of a layer's channels, or a class, that the next network does not have."""
    wide = tiny_classifier(plan=replace(TINY, classes=1000, hidden=(300, 600)))
    weights = np.zeros((2, wide.layer("avgpool").shape[0]), np.float32)
    head = Head(weights, np.zeros(2, np.float32), ("one", "two"), wide.name, "avgpool", network_fingerprint(wide))
    shown = [wide, head.as_classifier(wide), net]
    monkeypatch.setattr(cached, "classifier", lambda name: shown[0])
    app.run()
    app.switch_page(PAGE).run()
    look_at(app, "prob")
    app.selectbox(key="order").set_value("contribution").run()
    app.number_input(key="channel-prob-1000").set_value(900).run()
    assert 900 in [bar["index"] for bar in given(app, "bars")[0]["bars"]]
    for _ in range(2 * len(shown)):
        shown.append(shown.pop(0))
        app.run()
        assert not app.exception
        assert len(given(app, "bars")[0]["bars"]) == min(10, len(shown[0].labels))


def test_a_link_has_the_second_picture_and_it_comes_back_with_the_page(app):
    app.run()
    app.query_params.update({"layer": "relu2_1", "second": "coffee"})
    app.switch_page(PAGE).run()
    assert app.selectbox(key="second").value == "coffee"
    assert len(given(app, "cells")) == 4
    for title in ("Predict", "Feature maps"):
        app.switch_page(PAGES[title].script).run()
    assert app.query_params["second"] in ("coffee", ["coffee"])
    unfold(app, "every-channel")
    app.selectbox(key="second").set_value("").run()
    assert "second" not in app.query_params
    assert len(given(app, "cells")) == 2
    table = next(frame.value for frame in app.dataframe if "Channel" in frame.value)
    assert "Change" not in table


def torchvisions(name: str) -> vl.Classifier:
    """torchvision's network of that name with random weights, at 64 px."""
    module = get_model(name)
    module.load_state_dict(lively(module))
    module = MODELS[name].adapt(module) if name in MODELS else Stepped(module)
    module.eval().requires_grad_(False)
    labels, layers = tuple(f"class {i}" for i in range(1000)), network_layers(module, 64)
    embedding = MODELS[name].embedding if name in MODELS else "avgpool"
    return vl.Classifier(name, module, vl.Transform(64, 64), labels, layers, torch.device("cpu"), embedding)


# --- two networks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two(app, net, monkeypatch):
    """The app on Feature maps, with two networks to be had: the built-in one, and a ResNet-18."""
    nets = {"vgg16-tinyimagenet": net, "resnet50": torchvisions("resnet18")}
    monkeypatch.setattr(cached, "classifier", nets.get)
    monkeypatch.setattr(networks, "available", lambda: [*nets])
    app.run()
    return app, nets


def test_two_networks_side_by_side_at_the_same_depth(two, maps):
    app, nets = two
    app.switch_page(PAGE).run()
    look_at(app, "conv3_2")
    app.selectbox(key="beside").set_value("resnet50").run()
    for layer, deep in (("conv3_2", "layer2.1.conv1"), ("relu5_3", "layer4.1.relu2"), ("conv1_1", "conv1")):
        look_at(app, layer)
        assert not app.exception
        drawings = given(app, "network_drawing")
        assert [drawing["chosen"] for drawing in drawings] == [layer, deep]
        mosaics = [each for each in given(app, "cells") if each["what"].startswith("The feature maps of ")]
        assert [each["what"].split()[-1] for each in mosaics] == [layer, deep]
        assert app.query_params["layer2"] in (deep, [deep])
        theirs = vl.feature_maps(nets["resnet50"], vl.load_sample("cat"), [deep])[deep].values
        for mosaic, values in zip(mosaics, (maps[layer].values, theirs), strict=True):
            channel = int(values.mean((1, 2)).argmax())
            assert mosaic["names"][mosaic["chosen"]] == f"channel {channel}"
            assert mosaic["notes"][mosaic["chosen"]].startswith(f"mean {values[channel].mean():.3f}")
    titles = [each.value for each in app.markdown if "convolution" in each.value and "px · " in each.value]
    assert titles[0].endswith(":gray[at 112 px · convolution 1 of 13]")
    assert titles[1].endswith(":gray[at 64 px · convolution 1 of 20]")


def test_another_layer_and_channel_beside_stay_until_the_first_moves(two):
    app, _ = two
    title = "ResNet\\-50"
    app.query_params.update(
        {"layer": "conv3_2", "beside": "ResNet-50 (ImageNet)", "layer2": "layer3.0.sum", "channel2": "7"}
    )
    app.switch_page(PAGE).run()
    assert not app.exception
    assert [drawing["chosen"] for drawing in given(app, "network_drawing")] == ["conv3_2", "layer3.0.sum"]
    assert app.number_input(key="channel-layer3.0.sum-256-beside").value == 7
    app.number_input(key="channel-conv3_2-128").set_value(3).run()
    app.number_input(key="channel-layer3.0.sum-256-beside").set_value(9).run()
    assert [app.query_params[name] for name in ("channel", "channel2")] in (["3", "9"], [["3"], ["9"]])
    app.checkbox(key="hold-beside").check().run()
    assert app.query_params["unit2"] not in ("", [""])
    assert "unit" not in app.query_params
    app.checkbox(key="hold-beside").uncheck().run()
    assert "unit2" not in app.query_params
    app.segmented_control(key="in-detail-2").set_value(1).run()
    assert not app.exception
    assert any("One unit: layer3.0.sum, channel 9" in each.value for each in app.markdown)
    assert any(title in each.value for each in app.markdown)
    look_at(app, "conv1_1")
    assert [drawing["chosen"] for drawing in given(app, "network_drawing")] == ["conv1_1", "conv1"]


def test_one_comparison_at_a_time_and_the_link_says_which(two):
    app, _ = two
    app.query_params["second"] = "coffee"
    app.switch_page(PAGE).run()
    for _ in range(2):
        app.selectbox(key="beside").set_value("resnet50").run()
        assert app.selectbox(key="second").value == ""
        assert ("second" in app.query_params, "beside" in app.query_params) == (False, True)
        assert len(given(app, "network_drawing")) == 2
        app.selectbox(key="second").set_value("coffee").run()
        assert app.selectbox(key="beside").value == ""
        assert ("second" in app.query_params, "beside" in app.query_params) == (True, False)
        assert not any(name.endswith("2") for name in app.query_params)
        assert len(given(app, "network_drawing")) == 1
        assert not app.exception


def test_probabilities_of_two_networks_have_one_scale_and_nothing_else_has(net):
    other = torchvisions("resnet18")
    looks = [Look(Network(n, n, each, n), Picture("cat", "cat", vl.load_sample("cat")), each.transform.crop)
             for n, each in (("one", net), ("other", other))]  # fmt: skip
    views = [View(look, Spot("prob"), [look]) for look in looks]
    most = max(look.maps["prob"].values.max() for look in looks)
    for scale in ("channel", "layer"):
        for ends in colours(views, scale):
            np.testing.assert_allclose(ends[:, 1], most)
            np.testing.assert_allclose(ends[:, 0], -most)
    views = [View(look, Spot(name), [look]) for look, name in zip(looks, ("conv1_1", "conv1"), strict=True)]
    for view, ends in zip(views, colours(views, "layer"), strict=True):
        np.testing.assert_allclose(ends[:, 1], np.abs(view.found.values).max())


def test_a_link_to_a_network_beside_that_is_not_here_is_told(two):
    app, _ = two
    app.query_params["beside"] = "convnext_tiny"
    app.switch_page(PAGE).run()
    for _ in range(2):
        assert not app.exception
        assert "ConvNeXt tiny (ImageNet) is not here yet, so no other network is beside this one." in texts(app)
        app.run()
    app.selectbox(key="beside").set_value("resnet50").run()
    assert not any("is not here yet" in text for text in texts(app))


def test_a_block_of_a_residual_network_is_entered_down_to_its_convolutions_and_its_sum(app, monkeypatch):
    net = torchvisions("resnet18")
    monkeypatch.setattr(cached, "classifier", lambda name: net)
    app.run()
    app.switch_page(PAGE).run()
    (drawing,) = given(app, "network_drawing")
    assert {layer["block"] for layer in drawing["layers"] if layer["name"].startswith("layer2.0.")} == {"Stride 8"}
    for name in ("conv1", "bn1", "relu1", "conv2", "bn2", "downsample.0", "downsample.1", "sum", "relu2"):
        look_at(app, f"layer2.0.{name}")
        assert any("the sum agrees" in caption.value for caption in app.caption), name
        assert any("Brighter pixels raise it" in caption.value for caption in app.caption), name
    look_at(app, "layer2.0.sum", 3)
    table = next(element.value for element in app.get("html") if 'class="trace"' in element.value)
    assert "layer2.0.downsample.1" in table
    assert "layer2.0.bn2" in table
    app.segmented_control(key="section-5").set_value("Weights").run()
    assert not app.exception


@pytest.mark.parametrize(
    ("name", "path", "parts", "words"),
    [
        (
            "mobilenet_v3_large",
            "features.4.block.2",
            ("avgpool", "fc1", "activation", "fc2"),
            "says of the whole channel",
        ),
        ("squeezenet1_1", "features.3", ("squeeze", "expand1x1", "expand3x3_activation"), "says there in its channel"),
        ("convnext_tiny", "features.3.0", ("block.0", "block.2", "block.3", "layer_scale"), "said there before"),
    ],
)
def test_other_blocks_are_entered_as_well(app, monkeypatch, name, path, parts, words):
    net = torchvisions(name)
    monkeypatch.setattr(cached, "classifier", lambda name: net)
    app.run()
    app.switch_page(PAGE).run()
    for layer in (*(f"{path}.{part}" for part in parts), path):
        look_at(app, layer, 3)
        assert any("the sum agrees" in caption.value for caption in app.caption), layer
        app.segmented_control(key=next(c.key for c in app.segmented_control if c.key.startswith("section-"))).set_value(
            "Weights"
        ).run()
        assert not app.exception, layer
    assert any(words in each.value for each in app.markdown)
    known = {"softmax", *(kind for _, kind in LAYER_KINDS)}
    assert {layer["kind"] for layer in given(app, "network_drawing")[0]["layers"]} <= known


@pytest.mark.parametrize("layer", ["conv3_1", "relu6", "prob"])
def test_the_mosaic_of_the_page_is_that_of_the_shell(open_page, app, net, layer, tmp_path, monkeypatch):
    taken = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, *rest, **more: taken.update({label: data}))
    app.query_params["layer"] = layer
    open_page("Feature maps")
    (tmp_path / "cat.png").write_bytes(encode_png(vl.load_sample("cat")))
    monkeypatch.setattr(vl, "load_classifier", lambda *rest: net)
    run("features", tmp_path / "cat.png", "--layer", layer, "-o", tmp_path / "maps.png")
    found = vl.load_image(tmp_path / "maps.png")
    np.testing.assert_array_equal(found, vl.load_image(taken["Mosaic as PNG"]()))
    assert 1000 < found.shape[1] <= 1300


def test_a_layer_before_and_after_it_was_fine_tuned_is_compared_channel_by_channel(open_page):
    """A head's own network beside the one it was put on: which channels changed most."""
    net = cached.classifier("vgg16-tinyimagenet")
    layer = net.layer("conv5_3")
    known = {name: value.numpy() for name, value in net.module.state_dict().items()}
    tuned = {f"{layer.module}.{part}": known[f"{layer.module}.{part}"].copy() for part in ("weight", "bias")}
    tuned[f"{layer.module}.weight"][7] *= 3  # one channel learned something else
    weights = np.zeros((2, net.layer(net.embedding).shape[0]), np.float32)
    known_by = network_fingerprint(net)
    head = Head(weights, np.zeros(2, np.float32), ("cats", "dogs"), net.name, net.embedding, known_by, tuned=tuned)
    app = open_page("Feature maps")
    app.session_state["trained_head"] = TrainedHead("a tuned one", head)
    app.run()
    app.selectbox(key="beside").set_value("your-head").run()
    assert not app.exception
    look_at(app, "conv5_3")
    before, after = given(app, "cells")[:2]
    assert before["what"] == after["what"]
    order = app.selectbox(key="order-of-two")
    assert order.value == "change"
    assert [mosaic["names"][0] for mosaic in (before, after)] == ["channel 7", "channel 7"]
    assert before["notes"][1].startswith("change 0.000")
    shown = texts(app)
    assert {"Your own head", MODELS[net.name].title} <= set(shown)
    look_at(app, "conv4_1")  # before what was changed: the same, to the last bit
    assert all(note.startswith("change 0.000") for note in given(app, "cells")[0]["notes"])
