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
from visionlab.network.inside.channels import LayerStatistics, contributions, layer_statistics
from visionlab.network.inside.excitation import Peaks, peaks
from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared.cached import Grid, palette_of


def _give_back_soon(_: object) -> None:
    """Hand back what a dropped entry held, once nobody refers to it any more."""
    timer = threading.Timer(0.5, give_back_memory)
    timer.daemon = True
    timer.start()


@st.cache_resource(max_entries=3, show_spinner="Opening the layers …", on_release=_give_back_soon)
def all_maps(net_key: str, picture_key: str, side: int, _net: Classifier, _image: Image) -> dict[str, FeatureMap]:
    """Every layer's maps: computed once for a picture, so that another layer costs nothing."""
    return feature_maps(_net, _image, side=side)


def map_grid(values: NDArray[np.float32], channel: int, scale: str | tuple[float, float]) -> Grid:
    """One channel's map out of (C, H, W), a pixel a unit, in the colours that it has in the mosaic."""
    ends = (float(values.min()), float(values.max())) if scale == "layer" else scale
    picture = mosaic(values[channel, None], gap=0, scale=ends, palette=palette_of(values))
    rows, columns = values.shape[1:]
    return Grid(encode_png(picture), rows, columns, rows * columns, (1, 1), (1, 1))


@st.cache_data(max_entries=16, show_spinner=False)
def extremes(net_key: str, picture_key: str, side: int, _maps: Mapping[str, FeatureMap]) -> tuple[float, float]:
    """The least and the greatest value of all layers."""
    values = [found.values for found in _maps.values()]
    return float(min(map(np.min, values))), float(max(map(np.max, values)))


@st.cache_data(max_entries=16, show_spinner=False)
def statistics(net_key: str, picture_key: str, side: int, _maps: Mapping[str, FeatureMap]) -> list[LayerStatistics]:
    return layer_statistics(_maps)


@st.cache_data(max_entries=16, show_spinner="Following the class back …")
def class_contributions(
    net_key: str, picture_key: str, side: int, target: int, _net: Classifier, _image: Image
) -> dict[str, NDArray[np.float32]]:
    return contributions(_net, _image, target, side)


@st.cache_data(max_entries=256, max_size="50 MB", show_spinner=False)
def channel_peaks(net_key: str, picture_key: str, side: int, layer: str, _found: FeatureMap) -> Peaks:
    """Where each channel of the layer answers most."""
    return peaks(_found)


@st.cache_data(max_entries=256, max_size="50 MB", show_spinner=False)
def run_for_peaks(net_key: str, picture_key: str, side: int, layer: str, _net: Classifier, _image: Image) -> Peaks:
    """The same for a picture whose maps are not at hand: run up to that layer, and forgotten but for the peaks."""
    return peaks(feature_maps(_net, _image, [layer], side)[layer])
