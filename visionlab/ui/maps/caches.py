"""The caches of the Feature maps page; shared/cached.py says what keys are."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.device import give_back_memory
from visionlab.imaging.image import Image, encode_png
from visionlab.imaging.render import mosaic
from visionlab.network.inside.activations import FeatureMap, feature_maps
from visionlab.network.inside.channels import PALETTE, LayerStatistics, greatest_of_each, layer_statistics
from visionlab.network.inside.contributions import Contributions, contributions
from visionlab.network.inside.excitation import Peaks, layer_peaks, peaks
from visionlab.network.inside.sensitivity import Sensitivity, unit_gradient
from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared.cached import Grid, engine_of


def _give_back_soon(_: object) -> None:
    """Hand back what a dropped entry held, once nobody refers to it any more."""
    timer = threading.Timer(0.5, give_back_memory)
    timer.daemon = True
    timer.start()


@st.cache_resource(max_entries=3, show_spinner="Opening the layers …", on_release=_give_back_soon)
def all_maps(net_key: str, picture_key: str, side: int, _net: Classifier, _image: Image) -> dict[str, FeatureMap]:
    """Every layer's maps: computed once for a picture, so that another layer costs nothing."""
    return engine_of(_net).run(feature_maps, _image, side=side)


def map_grid(values: NDArray[np.float32], channel: int, ends: NDArray[np.float32]) -> Grid:
    """One channel's map out of (C, H, W), a pixel a unit, in the colours that it has in the mosaic; ends (C, 2)."""
    picture = mosaic(values[channel, None], gap=0, scale=ends[channel], palette=PALETTE)
    rows, columns = values.shape[1:]
    return Grid(encode_png(picture), rows, columns, rows * columns, (1, 1), (1, 1))


@st.cache_data(max_entries=512, show_spinner=False)
def greatest(net_key: str, picture_key: str, side: int, layer: str, _found: FeatureMap) -> NDArray[np.float32]:
    """(C,): the greatest absolute value of each channel."""
    return greatest_of_each(_found.values)


@st.cache_data(max_entries=16, show_spinner=False)
def greatest_of_all(net_key: str, picture_key: str, side: int, _maps: Mapping[str, FeatureMap]) -> float:
    """The greatest absolute value of all layers."""
    return max(float(greatest(net_key, picture_key, side, name, found).max()) for name, found in _maps.items())


@st.cache_data(max_entries=256, show_spinner=False)
def of_channels(
    net_key: str, picture_key: str, side: int, layer: str, _found: FeatureMap
) -> dict[str, NDArray[np.float32]]:
    """{"mean", "peak" and "silent", the share of values ≤ 0: (C,)}"""
    values = _found.values
    return {"mean": values.mean((1, 2)), "peak": values.max((1, 2)), "silent": (values <= 0).mean((1, 2))}


@st.cache_data(max_entries=16, show_spinner=False)
def statistics(net_key: str, picture_key: str, side: int, _maps: Mapping[str, FeatureMap]) -> list[LayerStatistics]:
    return layer_statistics(_maps)


@st.cache_data(max_entries=16, show_spinner="Following the class back …")
def class_contributions(net_key: str, picture_key: str, target: int, _net: Classifier, _image: Image) -> Contributions:
    return engine_of(_net).run(contributions, _image, target)


@st.cache_data(max_entries=32, max_size="50 MB", show_spinner=False)
def sensitivity(
    net_key: str,
    picture_key: str,
    side: int,
    layer: str,
    channel: int,
    unit: tuple[int, int],
    _net: Classifier,
    _image: Image,
) -> Sensitivity:
    return engine_of(_net).run(unit_gradient, _image, layer, channel, *unit, side)


@st.cache_data(max_entries=256, max_size="50 MB", show_spinner=False)
def channel_peaks(net_key: str, picture_key: str, side: int, layer: str, _found: FeatureMap) -> Peaks:
    """Where each channel of the layer answers most."""
    return peaks(_found)


@st.cache_data(max_entries=256, max_size="50 MB", show_spinner=False)
def run_for_peaks(net_key: str, picture_key: str, side: int, layer: str, _net: Classifier, _image: Image) -> Peaks:
    """The same for a picture whose maps are not at hand: run up to that layer, and forgotten but for the peaks."""
    return engine_of(_net).run(layer_peaks, _image, layer, side)
