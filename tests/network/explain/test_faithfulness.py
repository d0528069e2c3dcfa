"""Deletion and insertion against networks whose answer can be written down, and against a loop written out."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from tiny import tiny_classifier
from torch import nn

from visionlab.errors import ParameterError
from visionlab.network.explain import Heatmap, explain
from visionlab.network.explain.faithfulness import Chance, Faithfulness, against_chance, faithfulness, random_baseline
from visionlab.network.running.classifier import Classifier, Transform
from visionlab.network.running.prediction import probabilities

SIDE = 64
PATCH = (slice(8, 24), slice(40, 56))  # 16 × 16 of 64 × 64 pixels: a sixteenth
SHARE = (1 - np.sqrt(0.5)) / 2  # of the pixels that have gone after the first of four steps, or come with the last


class OnePatch(nn.Module):
    """Logits (4 · the patch's mean, 0): nothing else in the picture counts. It notes how many pictures came at once."""

    def __init__(self, gain: float = 4.0):
        super().__init__()
        self.gain = gain
        self.batches = []

    def steps(self):
        return [("patch", self.forward)]

    def forward(self, x):
        self.batches.append(len(x))
        found = self.gain * x[:, :, *PATCH].mean((1, 2, 3))
        return torch.stack([found, torch.zeros_like(found)], 1)


def one_patch(gain: float = 4.0) -> Classifier:
    transform = Transform(SIDE, SIDE)
    return Classifier("patch", OnePatch(gain), transform, ("bright", "dark"), (), torch.device("cpu"), "patch")


def heat_of(values: np.ndarray, target: int = 0) -> Heatmap:
    return Heatmap(values.astype(np.float32), target, "grad-cam")


@pytest.fixture
def image() -> np.ndarray:
    return np.full((SIDE, SIDE, 3), 255, np.uint8)


def test_a_perfect_and_a_wrong_order_of_a_patch(image):
    net = one_patch()
    p = probabilities(net, [image])[0, 0]
    assert p > 0.99
    right = np.zeros((SIDE, SIDE))
    right[PATCH] = 1
    found = faithfulness(net, image, heat_of(right), steps=4)
    np.testing.assert_allclose(found.fractions, [0, SHARE, 0.5, 1 - SHARE, 1], atol=1e-7)
    np.testing.assert_allclose(found.deletion_curve, [p, *[0.5] * 4], atol=1e-6)
    np.testing.assert_allclose(found.insertion_curve, [p] * 5, atol=1e-6)  # blurred white is white
    assert found.deletion == pytest.approx((p + 0.5) / 2 * SHARE + 0.5 * (1 - SHARE), abs=1e-6)
    assert found.insertion == pytest.approx(p, abs=1e-6)
    wrong = faithfulness(net, image, heat_of(1 - right), steps=4)
    np.testing.assert_allclose(wrong.deletion_curve, [*[p] * 4, 0.5], atol=1e-6)
    assert wrong.deletion == pytest.approx(p * (1 - SHARE) + (p + 0.5) / 2 * SHARE, abs=1e-6)


class Brittle(OnePatch):
    """The class is sure until so large a share of a white picture has gone, and then gone."""

    def __init__(self, share: float, white: float):
        super().__init__()
        self.least = white * (1 - share)

    def forward(self, x):
        found = 1e4 * (x.mean((1, 2, 3)) - self.least)
        return torch.stack([found, torch.zeros_like(found)], 1)


@pytest.mark.parametrize("share", [0.004, 0.996])
def test_the_area_is_right_where_a_few_pixels_decide(image, share):
    """As the first ones of a map of pixels often do, and the last ones of a map that marks the wrong things."""
    net = one_patch()
    white = float(net.transform([image], net.device).mean())
    found = faithfulness(replace(net, module=Brittle(share, white)), image, heat_of(np.zeros((SIDE, SIDE))))
    assert found.deletion == pytest.approx(share, abs=0.005)


def test_insertion_begins_with_what_the_blur_leaves():
    net = one_patch()
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[PATCH] = 255
    heat = np.zeros((SIDE, SIDE))
    heat[PATCH] = 1
    curve = faithfulness(net, image, heat_of(heat), steps=4).insertion_curve
    p = probabilities(net, [image])[0, 0]
    assert curve[0] < p - 0.01
    np.testing.assert_allclose(curve[1:], p, atol=1e-6)


@pytest.mark.gpu
def test_the_curves_are_a_loop_over_shares(tiny):
    net, steps = tiny, 6
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (72, 72, 3), dtype=np.uint8)  # a pixel of the picture is a pixel of the network
    values = rng.permutation(72 * 72).reshape(72, 72) / 72**2
    x = net.transform([image], net.device)
    picture = x[0].cpu().numpy()
    soft = np.stack([gaussian_filter(channel, 64 / 16, mode="mirror") for channel in picture])
    order = np.argsort(-values[4:68, 4:68].ravel())
    deletion, insertion = [], []
    shares = [(1 - np.cos(np.pi * step / steps)) / 2 for step in range(steps + 1)]
    for share in shares:
        gone, come = picture.copy(), soft.copy()
        for place in order[: round(share * 64 * 64)]:
            row, column = divmod(place, 64)
            gone[:, row, column] = 0
            come[:, row, column] = picture[:, row, column]
        for curve, pixels in ((deletion, gone), (insertion, come)):
            with torch.no_grad():
                logits = net.module(torch.from_numpy(pixels)[None].to(net.device))
            curve.append(float(logits.softmax(1)[0, 3]))
    found = faithfulness(net, image, heat_of(values, 3), steps)
    np.testing.assert_allclose(found.deletion_curve, deletion, atol=1e-4)
    np.testing.assert_allclose(found.insertion_curve, insertion, atol=1e-3)
    means = [(a + b) / 2 for a, b in pairwise(deletion)]
    by_hand = sum(mean * (to - since) for mean, (since, to) in zip(means, pairwise(shares), strict=True))
    assert found.deletion == pytest.approx(by_hand, abs=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(70, 90), (33, 400), (1, 1), (2, 500)])
def test_the_curves_end_at_the_picture_and_at_nothing(tiny, shape):
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    heat = explain(tiny, image)
    found = faithfulness(tiny, image, heat, steps=5)
    whole = probabilities(tiny, [image])[0, heat.target]
    with torch.no_grad():
        grey = tiny.softmax(tiny.module(torch.zeros(1, 3, 64, 64, device=tiny.device)))[0, heat.target].item()
    assert found.deletion_curve[0] == pytest.approx(whole, abs=1e-4)
    assert found.deletion_curve[-1] == pytest.approx(grey, abs=1e-4)
    assert found.insertion_curve[-1] == pytest.approx(whole, abs=1e-4)
    for curve in (found.fractions, found.deletion_curve, found.insertion_curve):
        assert curve.dtype == np.float32
        assert curve.shape == (6,)
    assert 0 <= found.deletion <= 1
    assert 0 <= found.insertion <= 1


def test_the_area_under_a_constant_curve_is_the_constant(image):
    net = one_patch(gain=0)
    for found in (faithfulness(net, image, heat_of(np.eye(SIDE))), random_baseline(net, image, "dark")):
        assert found.deletion == pytest.approx(0.5)
        assert found.insertion == pytest.approx(0.5)
        assert len(found.fractions) == 29


def test_an_empty_map_is_worth_what_chance_is_wherever_the_patch_lies(image):
    net = one_patch()
    empty = faithfulness(net, image, heat_of(np.zeros((SIDE, SIDE))), steps=16)
    with torch.no_grad():
        white = float(net.transform([image], net.device).mean())
    curve = empty.deletion_curve
    left = np.log(curve / (1 - curve)) / (4 * white)  # of the patch: as much as of the whole picture
    np.testing.assert_allclose(left, 1 - empty.fractions, atol=0.08)
    again = faithfulness(net, image, heat_of(np.zeros((SIDE, SIDE))), steps=16)
    np.testing.assert_array_equal(again.deletion_curve, empty.deletion_curve)


def test_only_the_networks_crop_of_the_map_counts():
    net, image = tiny_classifier(), np.random.default_rng(2).integers(0, 256, (60, 300, 3), dtype=np.uint8)
    values = np.random.default_rng(3).random((60, 300)).astype(np.float32)
    expected = faithfulness(net, image, heat_of(values), steps=4)
    values[:, :100] = values[:, 200:] = 1
    np.testing.assert_array_equal(
        faithfulness(net, image, heat_of(values), steps=4).deletion_curve, expected.deletion_curve
    )


@pytest.mark.parametrize("method", ["saliency", "grad-cam"])
def test_a_map_is_judged_alike_whatever_it_lies_over(tiny, method):
    image = np.random.default_rng(4).integers(0, 256, (130, 200, 3), dtype=np.uint8)
    expected = faithfulness(tiny, image, explain(tiny, image, method), steps=4)
    over = explain(tiny, image, method, shape=(65, 100))
    found = faithfulness(tiny, image, over, steps=4)
    np.testing.assert_array_equal(found.insertion_curve, expected.insertion_curve)
    np.testing.assert_array_equal(
        random_baseline(tiny, image, over.target, 4, 2, over).deletions,
        random_baseline(tiny, image, over.target, 4, 2, explain(tiny, image, method)).deletions,
    )


def test_chance_lies_between_the_right_and_the_wrong_order_and_is_the_same_each_time(image):
    net = one_patch()
    right = np.zeros((SIDE, SIDE))
    right[PATCH] = 1
    best, worst = (faithfulness(net, image, heat_of(values)) for values in (right, 1 - right))
    for like in (None, heat_of(right)):
        chance = random_baseline(net, image, "bright", like=like)
        assert best.deletion < chance.deletion < worst.deletion
        again = random_baseline(net, image, 0, like=like)
        np.testing.assert_array_equal(again.deletion_curve, chance.deletion_curve)


def test_chance_of_a_maps_own_grain_moves_it_as_a_whole(image):
    """A half that was moved still goes in one step, and takes with it what it covers of the network's patch."""
    net = one_patch()
    patch, half = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    patch[PATCH] = half[: SIDE // 2] = 1
    moved = random_baseline(net, image, 0, steps=2, orders=1, like=heat_of(half))
    strewn = random_baseline(net, image, 0, steps=2, orders=1)
    logits = np.log(moved.deletion_curve / (1 - moved.deletion_curve))
    with torch.no_grad():
        white = float(net.transform([image], net.device).mean())
    shift = np.random.default_rng(1).integers(SIDE, size=2)
    left = 1 - (np.roll(half, shift, (0, 1)) * patch).sum() / patch.sum()
    assert logits[1] == pytest.approx(4 * white * left, abs=1e-3)
    assert not np.allclose(moved.deletion_curve, strewn.deletion_curve, atol=1e-3)


def test_the_mean_of_more_orders_is_nearer_to_what_is_expected(image):
    """Each order's curve scatters about the expected one; the mean of many scatters less."""
    net = one_patch()
    with torch.no_grad():
        white = float(net.transform([image], net.device).mean())
    errors = []
    for orders in (1, 25):
        found = random_baseline(net, image, 0, orders=orders)
        expected = 1 / (1 + np.exp(-4 * white * (1 - found.fractions)))
        errors.append(np.abs(found.deletion_curve - expected).mean())
    assert errors[1] < errors[0]


def test_batches_are_bounded_and_progress_rises_to_the_end(image):
    net, told = one_patch(), []
    random_baseline(net, image, 0, steps=70, orders=2, progress=told.append)
    assert max(net.module.batches) <= 32
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) == len(net.module.batches)


def test_odd_requests_name_the_odd_value(image):
    net, heat = one_patch(), heat_of(np.zeros((SIDE, SIDE)))
    with pytest.raises(ParameterError, match="0 steps were asked for"):
        faithfulness(net, image, heat, steps=0)
    with pytest.raises(ParameterError, match="0 random orders"):
        random_baseline(net, image, 0, orders=0)
    with pytest.raises(ParameterError, match="no class “grey”"):
        random_baseline(net, image, "grey")
    with pytest.raises(ParameterError, match="picture of 64 × 64 px, this one has 90 × 70 px"):
        faithfulness(net, np.zeros((70, 90, 3), np.uint8), heat)


CURVE = np.array([0.8, 0.1], np.float32)
AREAS = np.array([0.40, 0.44, 0.36], np.float32)  # mean 0.4, deviation 0.04; t(2, 0.975) = 4.3027
REACH = 4.3027 * 0.04 * np.sqrt(4 / 3)


def measured(deletion: float, insertion: float, whole: float = 0.8) -> Faithfulness:
    return Faithfulness(deletion, insertion, CURVE, np.array([whole, 0.1], np.float32), CURVE)


def chance_of(areas: np.ndarray) -> Chance:
    return Chance(0.4, 0.4, CURVE, CURVE, CURVE, areas, areas)


def test_chance_has_the_range_of_students_prediction_interval():
    np.testing.assert_allclose(chance_of(AREAS).likely_deletion, [0.4 - REACH, 0.4 + REACH], atol=1e-5)
    assert chance_of(AREAS).likely_insertion == chance_of(AREAS).likely_deletion


def test_that_range_lies_within_what_an_area_can_be():
    low, high = chance_of(np.array([0.01, 0.12, 0.05], np.float32)), chance_of(np.array([0.99, 0.88, 0.95], np.float32))
    assert low.likely_deletion[0] == 0 < low.likely_deletion[1] < 1
    assert 0 < high.likely_insertion[0] < high.likely_insertion[1] == 1
    assert against_chance(measured(0.0, 0.0), low) == ("no different", "no different")
    assert against_chance(measured(1.0, 1.0), high) == ("no different", "no different")


@pytest.mark.parametrize(
    ("deletion", "insertion", "verdicts"),
    [
        (0.4 - REACH - 0.001, 0.4 + REACH + 0.001, ("better", "better")),
        (0.4 - REACH + 0.001, 0.4 + REACH - 0.001, ("no different", "no different")),
        (0.4 + REACH + 0.001, 0.4 - REACH - 0.001, ("worse", "worse")),
    ],
)
def test_a_map_is_better_or_worse_only_outside_of_that_range(deletion, insertion, verdicts):
    assert against_chance(measured(deletion, insertion), chance_of(AREAS)) == verdicts
    assert against_chance(measured(deletion, insertion, whole=0.019), chance_of(AREAS)) == ("nothing", "nothing")


def test_one_order_says_nothing_of_a_spread_and_rounding_makes_none():
    one, same = chance_of(AREAS[:1]), chance_of(np.full(8, 0.4, np.float32))
    for chance in (one, same):
        assert against_chance(measured(0.3999, 0.4001), chance) == ("no different", "no different")
    assert against_chance(measured(0, 1), one) == ("no different", "no different")
    assert against_chance(measured(0.399, 0.401), same) == ("better", "better")


def test_the_mean_of_the_orders_is_what_is_told_and_each_is_kept(image):
    net = one_patch()
    like = heat_of(np.arange(SIDE * SIDE).reshape(SIDE, SIDE))
    chance = random_baseline(net, image, "bright", steps=8, orders=3, like=like)
    assert chance.deletions.shape == chance.insertions.shape == (3,)
    assert chance.deletions.std() > 0.01  # where the patch comes in the order is another thing each time
    assert chance.deletion == pytest.approx(chance.deletions.mean(), abs=1e-6)
    assert chance.insertion == pytest.approx(chance.insertions.mean(), abs=1e-6)
