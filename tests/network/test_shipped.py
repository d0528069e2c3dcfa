"""The weight file that comes with the project: what its header says, and what float16 on disk costs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from visionlab.imaging.image import load_image
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.network import weights
from visionlab.network.classifier import probabilities
from visionlab.network.models import MODELS, load_classifier
from visionlab.network.vgg import VGG, read_plan

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


def pictures():
    files = sorted(PHOTOGRAPHS.glob("n*"))
    return [load_image(file) for file in files] if files else [load_sample(name) for name in SAMPLES]


def test_float16_on_disk_moves_no_answer(header):
    """What the weights were before rounding lies within half a step of float16 around them: such a network, drawn at
    random, answers the same, but for a tie. What the very rounding changed on the validation pictures was measured when
    the file was made, and is in its header.
    """
    net = load_classifier(MODEL.name, "cpu")
    images = pictures()
    ours = probabilities(net, images)
    tensors, _ = weights.read(weights.find(MODEL.file))
    rng = np.random.default_rng(0)
    module = VGG(read_plan({name: tensor.shape for name, tensor in tensors.items()})).eval()
    original = {}
    for name, tensor in tensors.items():
        half = tensor.numpy()
        step = np.spacing(np.abs(half)).astype(np.float32)
        exact = half.astype(np.float32) + rng.uniform(-0.49, 0.49, half.shape).astype(np.float32) * step
        original[name] = torch.from_numpy(exact)
        assert (original[name].half() == tensor).float().mean() > 0.98, "it would have been rounded to what is shipped"
    module.load_state_dict(original)
    with torch.inference_mode():
        exact = torch.cat([net.softmax(module(net.transform([image], net.device))) for image in images]).numpy()
    two = np.sort(ours, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 0.002
    assert clear.mean() > 0.7
    np.testing.assert_array_equal(exact.argmax(1)[clear], ours.argmax(1)[clear])
    assert np.abs(exact - ours).max() < 0.005
    rounding = header["training"]["figures"]["rounding"]
    assert rounding["pictures"] >= 10_000
    assert rounding["largest_change"] < 0.02
    assert rounding["top1_moved"] / rounding["pictures"] < 0.002
