"""Adversarial examples: within the budget once they are bytes, by the very gradient, and the target reached."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_classifier

import visionlab as vl
from visionlab.network.changes.adversarial import WAYS, adversarial, difference
from visionlab.network.running.prediction import probabilities


def noise(height: int, width: int, seed: int = 0) -> vl.Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def apart(image: vl.Image, other: vl.Image) -> int:
    return int(np.abs(image.astype(int) - other).max())


@pytest.fixture(scope="module")
def built_in() -> vl.Classifier:
    return vl.load_classifier("vgg16-tinyimagenet", "cpu")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("budget", [1, 3, 32])
@pytest.mark.parametrize("shape", [(72, 72), (60, 150), (200, 90)])
def test_no_byte_is_further_away_than_the_budget(way, budget, shape):
    net, image = tiny_classifier(), noise(*shape)
    made = adversarial(net, image, budget=budget, way=way)
    assert made.image.dtype == np.uint8
    assert made.image.shape == image.shape
    assert apart(made.image, image) <= budget
    assert np.array_equal(image, noise(*shape)), "the picture itself is left alone"


def test_one_step_is_the_gradients_sign_by_autograd():
    """Worked out here by other means: the transform as torchvision writes it, its gradient by torch."""
    net, image = tiny_classifier(), noise(90, 120, 3)
    answer = int(probabilities(net, [image])[0].argmax())
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float().requires_grad_()
    small = F.interpolate(x, (72, 96), mode="bilinear", antialias=True, align_corners=False)[..., 4:68, 16:80]
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (net.transform.mean, net.transform.std))
    loss = F.cross_entropy(net.module((small / 255 - mean) / std), torch.tensor([answer]))
    (gradient,) = torch.autograd.grad(loss, x)
    wanted = (x + 5 * gradient.sign()).clamp(0, 255).detach()[0].permute(1, 2, 0).numpy().astype(np.uint8)
    found = adversarial(net, image, budget=5, way="fgsm")
    sure = gradient[0].permute(1, 2, 0).abs().numpy() > 1e-8  # nearer to zero, the last bits decide the sign
    assert found.taken == 1
    assert sure.mean() > 0.5
    assert np.array_equal(found.image[sure], wanted[sure])


def test_what_the_network_does_not_see_stays():
    net, image = tiny_classifier(), noise(64, 200)
    made = adversarial(net, image, budget=8)
    changed = np.flatnonzero((made.image != image).any((0, 2)))
    assert changed.min() >= 60
    assert changed.max() < 140  # 57 px of 64 are seen, antialiased from a pixel beyond


@pytest.mark.parametrize("way", WAYS)
def test_what_is_told_is_what_the_network_says_of_the_bytes(way):
    net, image = tiny_classifier(), noise(80, 80, 5)
    made = adversarial(net, image, target=2, budget=6, way=way)
    before, after = (probabilities(net, [each])[0] for each in (image, made.image))
    assert made.probabilities.shape == (WAYS[way].steps + 1,)
    assert made.probabilities[0] == pytest.approx(before[2], abs=1e-6)
    assert made.probabilities[made.taken] == pytest.approx(after[2], abs=1e-6)
    assert made.probabilities[made.taken] == made.probabilities.max()
    assert made.reached == (after.argmax() == 2)
    assert made.answer == before.argmax()
    assert made.target == 2


def test_the_target_is_reached_on_photographs(built_in):
    """Any class that is asked for, by changes of 8 levels of 255, which nobody sees beside the other picture."""
    for name, target in (("cat", "goldfish"), ("rocket", "teddy")):
        if target not in built_in.labels:
            target = built_in.labels[7]
        image = vl.load_sample(name)
        made = adversarial(built_in, image, target, budget=8)
        assert made.reached
        assert apart(made.image, image) <= 8
        assert vl.predict(built_in, [made.image])[0][0].label == target


def test_away_from_the_answer_and_the_same_again(built_in):
    image = vl.load_sample("cat")
    made, again = (adversarial(built_in, image, budget=4) for _ in range(2))
    assert made.reached
    assert made.target is None
    assert vl.predict(built_in, [made.image])[0][0].index != made.answer
    assert np.array_equal(made.image, again.image)
    assert not np.array_equal(made.image, adversarial(built_in, image, budget=4, seed=1).image)


def test_progress_is_told_and_ends_it():
    told: list[float] = []
    adversarial(tiny_classifier(), noise(64, 64), progress=told.append)
    assert told[-1] == 1
    assert told == sorted(told)

    def enough(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adversarial(tiny_classifier(), noise(64, 64), progress=enough)


def test_the_difference_is_grey_where_nothing_is():
    before = np.full((1, 3, 3), 100, np.uint8)
    after = before + np.array([[0], [2], [255 - 1]], np.uint8)[None]  # 98 by going around
    assert difference(before, after, 2)[0, :, 0].tolist() == [128, 255, 0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"budget": 0}, "whole number of grey levels from 1 to 32, not 0"),
        ({"budget": 2.5}, "not 2.5"),
        ({"budget": True}, "not True"),
        ({"way": "luck"}, "no way “luck”. Use one of pgd, fgsm"),
        ({"target": "unicorn"}, "no class “unicorn”"),
    ],
)
def test_what_cannot_be_asked_for_is_told(arguments, told):
    with pytest.raises(vl.ParameterError, match=told):
        adversarial(tiny_classifier(), noise(64, 64), **arguments)


def test_what_it_is_already_is_no_target():
    net, image = tiny_classifier(), noise(64, 64)
    answer = int(probabilities(net, [image])[0].argmax())
    with pytest.raises(vl.ParameterError, match=f"takes the picture for “class {answer}” already"):
        adversarial(net, image, answer)
