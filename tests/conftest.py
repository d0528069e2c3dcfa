"""Fixtures for all tests: the devices present, a tiny random network, and a picture with something in them."""

import os
from pathlib import Path

# Tiny networks gain nothing from threads, and lose much on a busy machine; torch and the servers read this at once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test brings a network from elsewhere by accident, which the tests after it would then find.
os.environ.setdefault("PIP_NO_INDEX", "1")

import numpy as np
import pytest
import torch
from hypothesis import settings
from tiny import tiny_classifier

from visionlab.network.explain.method import GRADIENT_BATCH
from visionlab.network.running.classifier import Classifier

settings.register_profile("any machine", deadline=None)  # how long an example takes says what else the machine does
settings.load_profile("any machine")

LONG = ("browser", "app", "network", "cli")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def pytest_xdist_auto_num_workers() -> int:
    """One for each processor: with half as many again the whole takes a tenth less time, but a test in a browser up to
    twice as long, and what it waits for may then come too late."""
    return os.cpu_count() or 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reverse", action="store_true", help="the last test first, to find tests that need others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Folders of long files come first: begun last, one of them would be all that is still at work for a long while."""
    if config.getoption("--reverse"):
        items.reverse()
    folders = {item: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    items.sort(key=lambda item: LONG.index(folders[item]) if folders[item] in LONG else len(LONG))


@pytest.fixture(scope="session")
def built_in_alone(tmp_path_factory) -> Path:
    """Weights as a fresh clone has them, whatever the person who runs the tests has brought: for VISIONLAB_WEIGHTS."""
    folder = tmp_path_factory.mktemp("weights")
    for path in (Path(__file__).parents[1] / "weights").glob("vgg16-tinyimagenet.*"):
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(params=DEVICES)
def device(request) -> torch.device:
    return torch.device(request.param)


@pytest.fixture
def tiny(device) -> Classifier:
    return tiny_classifier(device)


@pytest.fixture
def few_steps(monkeypatch) -> None:
    """Explanations in a fraction of their steps: what more are worth is tested in network/explain/test_methods.py."""
    monkeypatch.setattr("visionlab.network.explain.gradients.NOISY_COPIES", GRADIENT_BATCH)
    monkeypatch.setattr("visionlab.network.explain.integrated_gradients.POINTS", 2 * GRADIENT_BATCH + 1)
    monkeypatch.setattr("visionlab.network.explain.occlusion.STRIDE", 1 / 7)


@pytest.fixture
def noise() -> np.ndarray:
    """A colourful picture, 70 rows × 90 columns."""
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
