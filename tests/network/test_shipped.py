"""The weight file that comes with the project: what its header says, and what float16 on disk costs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from visionlab.imaging.image import fingerprint, load_image
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.network import weights
from visionlab.network.classifier import probabilities
from visionlab.network.models import MODELS, load_classifier

MODEL = MODELS["vgg16-tinyimagenet"]
PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "photos"  # beside the project, where there are any


@pytest.fixture(scope="module")
def header():
    with safe_open(weights.find(MODEL.file), "pt") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


def test_the_header_and_the_table_agree(header):
    assert header["side"] == MODEL.transform.crop, "the input size that was measured to be the best is the one used"
    assert tuple(header["mean"]) == MODEL.transform.mean
    assert tuple(header["std"]) == MODEL.transform.std
    net = load_classifier(MODEL.name, "cpu")
    assert list(net.labels) == header["labels"]
    assert net.temperature == header["temperature"]


def test_classes_have_names_for_people_and_wordnet_ids(header):
    assert len(set(header["wnids"])) == len(header["labels"]) == 202
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in header["wnids"])
    assert not any(re.search(r"n\d{8}|_", label) for label in header["labels"])
    assert header["labels"][header["wnids"].index("n02504458")] == "African elephant"


def test_it_was_calibrated_on_pictures_that_it_was_not_measured_on(header):
    held_out = header["training"]["figures"]["held_out"]
    assert 0 < held_out["calibration_error"] < 0.03
    assert held_out["top1"] > 0.47


def test_float16_on_disk_moves_no_answer(header):
    """Against the answers that the network gave before it was rounded, which its training wrote beside the file."""
    with np.load(weights.find(MODEL.file).with_suffix(".unrounded.npz")) as file:
        unrounded = dict(zip(file["fingerprints"], file["probabilities"], strict=True))
    images = [load_sample(name) for name in SAMPLES]
    if PHOTOGRAPHS.is_dir():
        images += [load_image(file) for file in sorted(PHOTOGRAPHS.iterdir())]
        assert len(images) == len(unrounded)
    ours = probabilities(load_classifier(MODEL.name, "cpu"), images)
    before = np.stack([unrounded[fingerprint(image)] for image in images])
    np.testing.assert_array_equal(ours.argmax(1), before.argmax(1))
    changes = np.abs(ours - before)
    assert 0 < changes.max() < 0.005, "they were rounded, and by no more than float16 does"
    assert changes.max(1).mean() < 0.001


def test_what_float16_changed_on_the_validation_pictures(header):
    rounding = header["training"]["figures"]["rounding"]
    assert rounding["pictures"] >= 10_000
    assert rounding["largest_change"] < 0.005
    assert rounding["top1_moved"] / rounding["pictures"] < 0.002
