"""Every cache of the app. Keys are SHA-256 digests, names and numbers; what starts with an underscore is no key.

Streamlit hashes a sample of a large array, so two pictures could share a key: pictures go in under their own digest.
Every cache is bounded.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.device import give_back_memory
from visionlab.errors import WeightsError
from visionlab.imaging.convolution import convolve
from visionlab.imaging.filter_record import Value
from visionlab.imaging.image import Image, Response, encode_jpeg, encode_png, fit
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.operations.frequencies import kept_frequencies, spectrum
from visionlab.imaging.pipeline import Pipeline, Stage
from visionlab.imaging.render import mosaic, mosaic_layout, overlay, render
from visionlab.learning.heads.head import Head
from visionlab.network.explain import explain, explain_layers
from visionlab.network.inside.activations import FeatureMap, feature_maps
from visionlab.network.inside.channels import LayerStatistics, contributions, layer_statistics
from visionlab.network.inside.excitation import Peaks, peaks
from visionlab.network.running.batching import Batcher, Engine
from visionlab.network.running.classifier import Classifier, Prediction, probabilities, ranked
from visionlab.network.zoo.models import load_classifier
from visionlab.ui.convolution.response_settings import Settings

_numbers = itertools.count()
_keys: weakref.WeakKeyDictionary[Classifier, str] = weakref.WeakKeyDictionary()


def classifier(name: str) -> Classifier:
    """The network of that name in MODELS; loaded anew where its file has been found to be damaged."""
    net = _loaded(name)
    try:
        net.check()
    except WeightsError:
        _loaded.clear(name)
        net = _loaded(name)
    return net


@st.cache_resource(max_entries=10, show_spinner="Loading the network …")
def _loaded(name: str) -> Classifier:
    return load_classifier(name)


def key_of(net: Classifier) -> str:
    """What a network is known by in caches: something else once it is loaded anew, as its file was damaged."""
    return _keys.setdefault(net, f"{net.name}-{next(_numbers)}")


def head_classifier(key: str, head: Head) -> Classifier:
    base = head.base(classifier)
    return _headed(key, key_of(base), head, base)


@st.cache_resource(max_entries=4, show_spinner=False)
def _headed(key: str, base_key: str, _head: Head, _base: Classifier) -> Classifier:
    return _head.as_classifier(_base)


@st.cache_data(max_entries=64, show_spinner=False)
def picture_bytes(key: str, longest: int, _image: Image) -> bytes:
    """The picture for showing, as JPEG, its longest side at most so many pixels."""
    return encode_jpeg(fit(_image, longest))


@st.cache_resource(max_entries=8, show_spinner=False)
def fitted(key: str, longest: int, _image: Image) -> Image:
    """The picture, its longest side at most so many pixels; shared, so not to be written to."""
    image = fit(_image, longest)
    image.setflags(write=False)
    return image


@st.cache_data(max_entries=64, show_spinner=False)
def picture_png(key: str, longest: int, _image: Image) -> bytes:
    """As picture_bytes, every pixel kept."""
    return encode_png(fit(_image, longest))


@dataclass(frozen=True, eq=False)
class Answer:
    """A response, (H, W[, C]) float32; how it is shown; and that as a JPEG file, maybe smaller."""

    response: Response
    shown: Image
    encoded: bytes


@st.cache_resource(max_entries=2, show_spinner=False)
def answer(key: str, weights: bytes, settings: Settings, longest: int, _image: Image, _kernel: Kernel) -> Answer:
    """What the kernel of these weights answers to the picture of that key; the JPEG at most `longest` pixels a side."""
    source = _image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) if settings.grey else _image
    response = convolve(source, _kernel, **settings.options)
    shown = render(response, settings.mode)
    return Answer(response, shown, encode_jpeg(fit(shown, longest), 95))


@st.cache_resource(max_entries=10, show_spinner=False)
def engine(net_key: str, _net: Classifier) -> Engine:
    """What answers for a network, whoever asks: many people at once get batches."""
    return Batcher(_net)


@st.cache_data(max_entries=128, show_spinner=False)
def class_probabilities(net_key: str, picture_key: str, _net: Classifier, _image: Image) -> NDArray[np.float32]:
    return engine(net_key, _net).probabilities(_image)


@st.cache_data(max_entries=128, show_spinner="Asking the network …")
def timed_probabilities(
    net_key: str, picture_key: str, _net: Classifier, _image: Image
) -> tuple[NDArray[np.float32], float]:
    """The probabilities, and the seconds that they took: the second time, since the first may prepare the network."""
    probabilities(_net, [_image])
    start = time.perf_counter()
    found = probabilities(_net, [_image])[0]
    return found, time.perf_counter() - start


def top_predictions(net_key: str, picture_key: str, net: Classifier, image: Image, top: int) -> list[Prediction]:
    return ranked(net, class_probabilities(net_key, picture_key, net, image), top)


def _give_back_soon(_: object) -> None:
    """Hand back what a dropped entry held, once nobody refers to it any more."""
    timer = threading.Timer(0.5, give_back_memory)
    timer.daemon = True
    timer.start()


@st.cache_resource(max_entries=3, show_spinner="Opening the layers …", on_release=_give_back_soon)
def all_maps(net_key: str, picture_key: str, side: int, _net: Classifier, _image: Image) -> dict[str, FeatureMap]:
    """Every layer's maps: computed once for a picture, so that another layer costs nothing."""
    return feature_maps(_net, _image, side=side)


@st.cache_data(max_entries=16, show_spinner=False)
def some_maps(
    net_key: str, picture_key: str, side: int, layer: str, count: int, _net: Classifier, _image: Image
) -> NDArray[np.float32]:
    """The first channels (count, H, W) of one layer, for which nothing behind it is computed."""
    return feature_maps(_net, _image, [layer], side)[layer].values[:count].copy()


@dataclass(frozen=True)
class Grid:
    """An encoded picture of equal cells, row by row, each `size` (height, width) pixels, `pitch` (down, right) pixels
    from the last.
    """

    picture: bytes
    rows: int
    columns: int
    count: int
    size: tuple[int, int]
    pitch: tuple[int, int]

    @property
    def layout(self) -> dict[str, int | tuple[int, int]]:
        """Everything but the picture, as the component “cells” takes it."""
        return {name: value for name, value in vars(self).items() if name != "picture"}


@st.cache_data(max_entries=64, max_size="100 MB", show_spinner=False)
def mosaic_grid(
    key: tuple[str | int, ...],
    channels: bytes | None,
    scale: str | tuple[float, float],
    width: int,
    columns: int | None,
    _values: NDArray[np.float32],
    exact: bool = False,
) -> Grid:
    """Channels of the values (C, H, W) in a mosaic about so many pixels wide; key says which values.

    `channels` are those that are shown, in their order, as int32; None: all. Maps larger than their tile are shrunk,
    and small ones enlarged by a whole factor, so that their pixels stay squares of one size. `exact` keeps every pixel,
    as a PNG; otherwise it is a JPEG, which is sent and drawn sooner.
    """
    shown = _values if channels is None else _values[np.frombuffer(channels, np.int32)]
    count, *sides = shown.shape
    rows, columns = mosaic_layout(count, columns)
    tile, longest = max(1, width // columns), max(sides)
    tile = tile // longest * longest or tile
    size = (max(1, round(sides[0] * tile / longest)), max(1, round(sides[1] * tile / longest)))
    gap = 1 if tile < 64 else 2
    picture = mosaic(shown, columns, tile, gap, scale, _palette(_values))
    encoded = encode_png(picture) if exact else encode_jpeg(picture, 90)
    return Grid(encoded, rows, columns, count, size, (size[0] + gap, size[1] + gap))


def map_grid(values: NDArray[np.float32], channel: int, scale: str | tuple[float, float]) -> Grid:
    """One channel's map out of (C, H, W), a pixel a unit, in the colours that it has in the mosaic."""
    ends = (float(values.min()), float(values.max())) if scale == "layer" else scale
    picture = mosaic(values[channel, None], gap=0, scale=ends, palette=_palette(values))
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


@st.cache_data(max_entries=64, show_spinner="Looking for the reasons …")
def reasons(net_key: str, picture_key: str, target: int, _net: Classifier, _image: Image) -> bytes:
    """Grad-CAM over the picture, as JPEG."""
    shown = fit(_image, 900)
    return encode_jpeg(overlay(shown, explain(_net, shown, target=target).values, 0.7))


@st.cache_data(max_entries=16, max_size="50 MB", show_spinner="Looking for the reasons …")
def layer_heats(
    net_key: str, picture_key: str, target: int, method: str, _net: Classifier, _image: Image
) -> dict[str, NDArray[np.uint8]]:
    """{layer: the method's map over the picture, 0..255}."""
    found = explain_layers(_net, _image, target, method=method)
    return {layer: np.rint(255 * heat.values).astype(np.uint8) for layer, heat in found.items()}


@st.cache_data(max_entries=4096, max_size="50 MB", show_spinner=False)
def thumbnail(key: str, side: int, _decode: Callable[[], Image]) -> bytes:
    """The middle square of a picture, at most `side` pixels, so that thumbnails line up whatever their shapes."""
    image = _decode()
    height, width = image.shape[:2]
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    return encode_jpeg(fit(image[top : top + square, left : left + square].copy(), side), quality=80)


def _palette(values: NDArray[np.float32]) -> str:
    return "diverging" if values.min() < 0 else "viridis"


@st.cache_data(max_entries=64, max_size="400 MB", show_spinner="Filtering …")
def filter_stage(key: str, name: str, _values: Mapping[str, Value], _image: Image) -> Stage:
    """What one step of a chain makes of the picture; key stands for the picture and all steps up to this one."""
    return next(Pipeline([(name, _values)]).stages(_image))


@st.cache_data(max_entries=64, max_size="200 MB", show_spinner=False)
def stage_png(key: str, _image: Image) -> bytes:
    """A stage's picture, every pixel kept; key as for filter_stage()."""
    return encode_png(_image)


@st.cache_data(max_entries=32, show_spinner=False)
def spectrum_png(key: str, name: str, side: int, _values: Mapping[str, Value], _image: Image) -> bytes:
    """The spectrum of what comes into a Fourier filter, what the filter takes out of it in blue; key as above."""
    return encode_png(fit(spectrum(_image, kept_frequencies(name, *_image.shape[:2], **_values)), side))
