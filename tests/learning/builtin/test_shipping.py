"""From a trained network to the file: rounding, the choice of the side, the temperature, the header."""

import json

import numpy as np
import pytest
import torch
from tiny import TINY

from visionlab.imaging.image import fingerprint
from visionlab.learning.builtin import shipping
from visionlab.learning.builtin.corpus import Pictures
from visionlab.learning.judging.calibration import reliability
from visionlab.network.zoo.vgg import VGG


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = VGG(TINY).eval()
    for name, value in network.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(value)
    torch.nn.init.normal_(network.classifier[-1].weight, std=2)
    return network


@pytest.fixture(scope="module")
def pictures(network):
    """Pictures whose labels the network finds more often than not, so that there is something to calibrate."""
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(0, 256, (80, 64, 64, 3), np.uint8))
    pixels = pixels // torch.from_numpy(rng.integers(1, 9, (80, 1, 1, 3), np.uint8))
    found = shipping.logits_of(network, Pictures(pixels, torch.zeros(80, dtype=torch.long)), 64).argmax(1)
    wrong = torch.from_numpy(rng.random(80) < 0.3)
    return Pictures(pixels, torch.where(wrong, (found + 1) % TINY.classes, found))


def test_what_is_shipped_is_rounded_calibrated_and_best_at_its_side(network, pictures):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    finished = shipping.finish(network, pictures, sides=(64, 96))
    for name, value in finished.network.state_dict().items():
        assert torch.equal(value, value.half().float()), name
        assert torch.equal(network.state_dict()[name], before[name])
    assert finished.side == max((64, 96), key=lambda side: finished.figures["chosen_on"][str(side)])
    logits = shipping.logits_of(finished.network, pictures, finished.side)
    held = slice(1, None, 2)
    held_out = finished.figures["held_out"]
    assert held_out["top1"] == pytest.approx(float((logits.argmax(1) == pictures.labels)[held].float().mean()))
    probabilities = (logits / finished.temperature).softmax(1).numpy()[held]
    expected = reliability(probabilities, pictures.labels.numpy()[held]).expected_error
    assert held_out["calibration_error"] == pytest.approx(expected)
    rounding = finished.figures["rounding"]
    assert rounding["pictures"] == 80
    assert 0 < rounding["mean_change_of_top"] <= rounding["largest_change"] < 0.02


def test_top1_and_top5_by_hand():
    logits = torch.eye(7)[[0, 1, 2]] + torch.arange(7) * 0.01
    assert shipping.accuracies(logits, torch.tensor([0, 1, 3])) == pytest.approx((2 / 3, 1))
    assert shipping.accuracies(logits, torch.tensor([0, 0, 2])) == pytest.approx((2 / 3, 2 / 3))
    assert shipping.accuracies(torch.eye(2), torch.tensor([1, 1])) == pytest.approx((0.5, 1)), "fewer than five classes"


def test_the_header_says_all_that_is_needed(network, pictures, tmp_path):
    finished = shipping.finish(network, pictures, sides=(64,))
    classes = [(f"n{i}", f"thing {i}") for i in range(TINY.classes)]
    shipping.write(finished, classes, {"seed": 0}, tmp_path / "out.safetensors")
    raw = (tmp_path / "out.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    assert json.loads(header["wnids"])[:2] == ["n0", "n1"]
    assert json.loads(header["labels"])[:2] == ["thing 0", "thing 1"]
    assert json.loads(header["side"]) == 64
    assert json.loads(header["temperature"]) == finished.temperature
    assert json.loads(header["training"]) == {"seed": 0, "figures": finished.figures}


def test_what_it_answered_before_rounding_is_kept(network, pictures, tmp_path):
    finished = shipping.finish(network, pictures, sides=(64,))
    images = [pixels.numpy() for pixels in pictures.pixels[:3]]
    shipping.write_unrounded(finished, images, tmp_path / "out.unrounded.npz")
    with np.load(tmp_path / "out.unrounded.npz") as file:
        assert list(file["fingerprints"]) == [fingerprint(image) for image in images]
        found = file["probabilities"]
    exact = shipping.logits_of(network, Pictures(pictures.pixels[:3], pictures.labels[:3]), 64)
    np.testing.assert_allclose(found, (exact / finished.temperature).softmax(1), atol=1e-6)
    rounded = shipping.logits_of(finished.network, Pictures(pictures.pixels[:3], pictures.labels[:3]), 64)
    assert np.abs(found - (rounded / finished.temperature).softmax(1).numpy()).max() > 1e-6
