"""The live maps: what is shown of a frame is what the library says of the same picture."""

import numpy as np
import pytest
from tiny import tiny_classifier

import visionlab as vl
from visionlab.errors import ImageError
from visionlab.network.inside.channels import PALETTE, greatest_of_each, usual_colours
from visionlab.ui.maps.live import WIDTH, maps_of
from visionlab.ui.shared.components.live_maps import Asked


def frame(layer: str, channel: int | None = None, jpeg: bytes | None = None) -> Asked:
    return Asked(7, jpeg or vl.encode_jpeg(vl.load_sample("cat"), 85), layer, channel, frozen=False)


@pytest.mark.parametrize("layer", ["conv1_1", "relu3_3", "pool5"])
@pytest.mark.parametrize("side", [64, 96])
def test_a_frames_maps_are_feature_maps_of_it(layer, side):
    net, asked = tiny_classifier(), frame(layer)
    answer = maps_of(asked, net, side)
    values = vl.feature_maps(net, vl.load_image(asked.jpeg), [layer], side)[layer].values
    assert answer.number == 7
    assert (answer.layer, answer.count, answer.channel, answer.heat) == (layer, len(values), None, None)
    height, width = values.shape[1:]
    assert answer.said == f"{layer}: {len(values)} channels of {height} × {width}, from {side} × {side} px"
    picture = vl.load_image(answer.mosaic)
    tile, gap = answer.size[0], answer.pitch[0] - answer.size[0]
    colours = usual_colours(greatest_of_each(values), alone=values[0].size == 1)
    exact = vl.mosaic(values, answer.columns, tile, gap, colours, PALETTE)
    assert picture.shape == exact.shape
    assert picture.shape[1] <= WIDTH + answer.columns * gap
    assert np.abs(picture.astype(int) - exact).mean() < 12, "as a JPEG of quality 80 keeps it"


def test_a_channel_lies_over_the_picture_by_its_strength():
    net, asked = tiny_classifier(), frame("conv2_1", 3)
    answer = maps_of(asked, net, 64)
    strength = np.abs(vl.feature_maps(net, vl.load_image(asked.jpeg), ["conv2_1"], 64)["conv2_1"].values[3])
    assert answer.heat.shape == strength.shape
    assert answer.heat.max() == 255
    assert np.allclose(answer.heat / 255, strength / strength.max(), atol=0.003)
    assert "channel 3 over the picture" in answer.said


@pytest.mark.parametrize("channel", [-1, 99])
def test_a_channel_that_is_not_there_is_none(channel):
    answer = maps_of(frame("conv1_1", channel), tiny_classifier(), 64)
    assert answer.channel is None
    assert answer.heat is None


def test_what_is_no_picture_is_told():
    with pytest.raises(ImageError):
        maps_of(frame("conv1_1", jpeg=b"no picture"), tiny_classifier(), 64)


def test_the_page_has_the_camera_where_the_link_asks_for_it(app, open_page):
    app.query_params["live"] = "true"
    open_page("Feature maps")
    assert app.toggle(key="live").value
    assert any("A click on a tile" in each.value for each in app.caption)
    app.toggle(key="live").set_value(False).run()
    assert not app.exception
    assert not any("A click on a tile" in each.value for each in app.caption)
