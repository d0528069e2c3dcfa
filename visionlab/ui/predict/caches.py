"""The caches of the Predict page; shared/cached.py says what keys are."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.image import Image
from visionlab.network.explain import explain_layers
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import probabilities
from visionlab.ui.shared.cached import engine_of


@st.cache_data(max_entries=128, show_spinner="Asking the network …")
def timed_probabilities(
    net_key: str, picture_key: str, _net: Classifier, _image: Image
) -> tuple[NDArray[np.float32], float]:
    """The probabilities, and the seconds that they took: the second time, since the first may prepare the network."""
    engine = engine_of(_net)
    engine.run(probabilities, [_image])
    start = time.perf_counter()
    found = engine.run(probabilities, [_image])[0]
    return found, time.perf_counter() - start


@st.cache_data(max_entries=16, max_size="50 MB", show_spinner="Looking for the reasons …")
def layer_heats(
    net_key: str, picture_key: str, target: int, method: str, _net: Classifier, _image: Image, _shape: tuple[int, int]
) -> dict[str, NDArray[np.uint8]]:
    """{layer: the method's map over a copy of the picture of that shape, 0..255}."""
    found = engine_of(_net).run(explain_layers, _image, method=method, target=target, shape=_shape)
    return {layer: np.rint(255 * heat.values).astype(np.uint8) for layer, heat in found.items()}
