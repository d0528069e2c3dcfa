from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import TINY, tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.inside import visualisation
from visionlab.network.inside.activations import activations
from visionlab.network.inside.visualisation import COLOURS, visualise_channel


def _response(net, picture, layer, channel) -> torch.Tensor:
    """A layer's answer to a picture that already has the network's size."""
    framed = replace(net.transform, resize=len(picture), crop=len(picture))
    return activations(net, framed([picture], net.device), [layer])[layer][0, channel]


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["conv1_2", "relu2_1", "pool2", "conv3_3", "pool4", "relu6", "prob"])
def test_the_activation_rises(tiny, layer):
    found = list(visualise_channel(tiny, layer, 3, side=40, steps=60))
    assert [each.step for each in found] == [0, 8, 16, 24, 32, 40, 48, 56, 60]
    assert all(each.steps == 60 for each in found)
    assert all(each.image.shape == (40, 40, 3) and each.image.dtype == np.uint8 for each in found)
    assert found[-1].activation > found[0].activation + 0.3


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        ("conv2_2", "conv2_2", torch.nn.Identity()),
        ("relu2_2", "conv2_2", torch.nn.Identity()),
        ("pool2", "conv2_2", torch.nn.MaxPool2d(2)),
        ("avgpool", "conv5_3", torch.nn.MaxPool2d(2)),
        ("prob", "fc8", torch.nn.Identity()),
    ],
)
def test_the_activation_is_the_mean_before_the_relu_of_the_picture_shown(layer, before, after):
    net = tiny_classifier()
    for found in visualise_channel(net, layer, 3, side=48, steps=8):
        answer = _response(net, found.image, before, 3)
        expected = after(answer[None])[0] if answer.dim() == 2 else answer
        assert found.activation == pytest.approx(expected.mean().item(), rel=1e-4, abs=1e-6)


def test_a_unit_is_excited_at_its_own_place():
    net = tiny_classifier()
    first, *_, last = visualise_channel(net, "conv2_1", 2, side=48, steps=24, unit=(5, 20))
    assert last.activation == pytest.approx(_response(net, last.image, "conv2_1", 2)[5, 20].item(), rel=1e-4)
    assert last.activation > first.activation + 0.5
    *_, last = visualise_channel(net, "pool2", 2, side=48, steps=8, unit=(5, 6))  # its own place, not its convolution’s
    window = _response(net, last.image, "conv2_2", 2)[10:12, 12:14]
    assert last.activation == pytest.approx(window.max().item(), rel=1e-4)
    with pytest.raises(ParameterError, match="pool2 has no row 12"):
        visualise_channel(net, "pool2", 2, side=48, unit=(12, 0))
    with pytest.raises(ParameterError, match="conv2_1 has no row 24"):
        visualise_channel(net, "conv2_1", 2, side=48, unit=(24, 0))


def test_the_same_seed_gives_the_same_picture():
    net = tiny_classifier()
    one, two, other = (list(visualise_channel(net, "conv3_1", 0, 32, 10, seed))[-1].image for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("layer", ["pool5", "fc8", "prob"])
def test_networks_with_a_wider_pool_and_heads_work_too(layer):
    net = tiny_classifier(plan=replace(TINY, pool=7))
    weights = np.random.default_rng(1).normal(0, 1, (3, 12 * 49)).astype(np.float32)
    head = Head(weights, np.zeros(3, np.float32), ("a", "b", "c"), "tiny", "avgpool", network_fingerprint(net))
    mine = head.as_classifier(net)
    first, *_, last = visualise_channel(mine if layer == "prob" else net, layer, 2, side=40, steps=32)
    assert last.activation > first.activation


def test_a_stopped_one_leaves_nothing_behind():
    net = tiny_classifier()
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    state = torch.get_rng_state()
    running = visualise_channel(net, "conv3_1", 0, side=32)
    assert next(running).step == 0
    assert torch.is_grad_enabled()
    assert next(running).step > 0
    running.close()
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in net.module.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in net.module.parameters())


def test_the_colours_are_those_of_the_sample_pictures():
    covariance = np.mean([np.cov(load_sample(name).reshape(-1, 3).T / 255) for name in SAMPLES], 0)
    np.testing.assert_allclose(np.array(COLOURS) @ COLOURS, covariance, rtol=1e-4)


def test_what_is_not_there_is_named_at_once():
    net = tiny_classifier()
    with pytest.raises(ModelError, match="no layer “conv9_9”"):
        visualise_channel(net, "conv9_9", 0)
    with pytest.raises(ParameterError, match=r"pool1 has no channel 4\. Choose a channel from 0 to 3\."):
        visualise_channel(net, "pool1", 4)
    with pytest.raises(ParameterError, match="16 px is too small"):
        visualise_channel(net, "pool1", 0, side=16)
    with pytest.raises(ParameterError, match="0 steps change nothing"):
        visualise_channel(net, "pool1", 0, steps=0)


@pytest.mark.parametrize("bias", [-100.0, 100.0])  # every unit is silent, or at six
def test_what_a_relu6_cuts_off_on_either_side_is_passed_on_at_first(bias):
    net = tiny_classifier()
    for i, step in enumerate(net.module.features):
        if isinstance(step, torch.nn.ReLU):
            net.module.features[i] = torch.nn.ReLU6()
    layers = tuple(replace(each, kind="relu6") if each.kind == "relu" else each for each in net.layers)
    net = replace(net, layers=layers)
    net.module.features[0].bias.fill_(bias)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for leak, reaches in ((0.0, False), (0.1, True)):
        answer = visualisation._response(net, net.layer("conv1_2"), 0, None, picture, leak)
        (gradient,) = torch.autograd.grad(answer, picture)
        assert bool(gradient.abs().max() > 0) is reaches
