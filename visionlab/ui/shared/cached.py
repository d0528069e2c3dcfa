"""The caches that pages share; a page's own are in its folder.

Keys are SHA-256 digests, names and numbers; what starts with an underscore is no key.

Streamlit hashes a sample of a large array, so two pictures could share a key: pictures go in under their own digest.
Every cache is bounded.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.cluster import choice
from visionlab.errors import WeightsError
from visionlab.imaging.image import Image, encode_jpeg, encode_png, fit, middle_square
from visionlab.imaging.render import mosaic, mosaic_layout, mosaic_tile
from visionlab.learning.heads.head import Head
from visionlab.network.inside.activations import first_maps
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.engine import Engine
from visionlab.network.running.prediction import Answer, Prediction, ranked
from visionlab.network.zoo.loading import load_classifier

_numbers = itertools.count()
_keys: weakref.WeakKeyDictionary[Classifier, str] = weakref.WeakKeyDictionary()
_heads: weakref.WeakKeyDictionary[Classifier, Head] = weakref.WeakKeyDictionary()  # those that networks were made of


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
    net = _headed(key, key_of(base), head, base)
    _heads.setdefault(net, head)
    return net


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


def engine_of(net: Classifier) -> Engine:
    """Who computes for a network, whoever asks: many people at once get batches."""
    return _engine(key_of(net), net)


@st.cache_resource(max_entries=10, show_spinner=False)
def _engine(net_key: str, _net: Classifier) -> Engine:
    return where_computed().engine_of(_net, _heads.get(_net))


@st.cache_resource(show_spinner="Joining the cluster …")
def where_computed() -> choice.Choice:
    """Whose engines compute for this server, as it was chosen when it began."""
    return choice.chosen()


@st.cache_data(max_entries=128, show_spinner=False)
def answer(net_key: str, picture_key: str, _net: Classifier, _image: Image) -> Answer:
    """All that the network says to the picture: the classes' probabilities, and whether it refuses it."""
    return engine_of(_net).answer(_image)


def class_probabilities(net_key: str, picture_key: str, net: Classifier, image: Image) -> NDArray[np.float32]:
    return answer(net_key, picture_key, net, image).probabilities


def top_predictions(net_key: str, picture_key: str, net: Classifier, image: Image, top: int) -> list[Prediction]:
    return ranked(net, class_probabilities(net_key, picture_key, net, image), top)


@st.cache_data(max_entries=16, show_spinner=False)
def some_maps(
    net_key: str, picture_key: str, side: int, layer: str, count: int, _net: Classifier, _image: Image
) -> NDArray[np.float32]:
    """The first channels (count, H, W) of one layer, for which nothing behind it is computed."""
    return engine_of(_net).run(first_maps, _image, layer, side, count)


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
    scale: str | NDArray[np.float32],
    width: int,
    columns: int | None,
    _values: NDArray[np.float32],
    exact: bool = False,
    palette: str | None = None,
) -> Grid:
    """Channels of the values (C, H, W) in a mosaic about so many pixels wide; key says which values.

    `channels` are those that are shown, in their order, as int32; None: all. `exact` keeps every pixel, as a PNG;
    otherwise it is a JPEG, which is sent and drawn sooner. Without a palette the values' signs decide.
    """
    shown = _values if channels is None else _values[np.frombuffer(channels, np.int32)]
    count, *sides = shown.shape
    rows, columns = mosaic_layout(count, columns)
    (tile, gap), longest = mosaic_tile(sides, columns, width), max(sides)
    size = (max(1, round(sides[0] * tile / longest)), max(1, round(sides[1] * tile / longest)))
    picture = mosaic(shown, columns, tile, gap, scale, palette or palette_of(_values))
    encoded = encode_png(picture) if exact else encode_jpeg(picture, 90)
    return Grid(encoded, rows, columns, count, size, (size[0] + gap, size[1] + gap))


@st.cache_data(max_entries=4096, max_size="50 MB", show_spinner=False)
def thumbnail(key: str, side: int, _decode: Callable[[], Image]) -> bytes:
    """The middle square of a picture, at most `side` pixels, so that thumbnails line up whatever their shapes."""
    return encode_jpeg(middle_square(_decode(), side), quality=80)


def palette_of(values: NDArray[np.float32]) -> str:
    return "diverging" if values.min() < 0 else "viridis"
