"""Fixtures for all tests: the devices present, a tiny random network, and a picture with something in them."""

import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab.network.classifier import Classifier

torch.set_num_threads(1)  # tiny networks gain nothing from threads, and lose much on a busy machine

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request) -> torch.device:
    return torch.device(request.param)


@pytest.fixture
def tiny(device) -> Classifier:
    return tiny_classifier(device)


@pytest.fixture
def noise() -> np.ndarray:
    """A colourful picture, 70 rows × 90 columns."""
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
