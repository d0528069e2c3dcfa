"""Each method against an oracle: captum, autograd, the paper's formula in float64, a loop written out, a linear net."""

import warnings
from copy import deepcopy
from dataclasses import replace

import captum.attr
import numpy as np
import pytest
import torch
from tiny import tiny_classifier
from torch import nn

from visionlab.imaging.samples import load_sample
from visionlab.network.explain import METHODS
from visionlab.network.explain.integrated_gradients import signed_attributions
from visionlab.network.explain.method import silent
from visionlab.network.running.classifier import Classifier, Transform
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.steps import flatten

LAYERS = ["relu5_3", "relu4_1", "pool3", "conv2_2"]


def attribute(method: str, net, x, target: int, layer: str | None = None) -> np.ndarray:
    return METHODS[method].attribute(net, x, target, layer, silent)


def maps_and_gradient(net, x, target: int, layer: str) -> list[np.ndarray]:
    """A layer's maps and the logit's gradient there, (K, h, w) float64, with a hook on a network of our own."""
    kept = []
    handle = net.module.get_submodule(net.layer(layer).module).register_forward_hook(lambda _, __, y: kept.append(y))
    logits = net.module(x.clone().requires_grad_())
    handle.remove()
    kept += torch.autograd.grad(logits[0, target], kept[0])
    return [values[0].detach().double().cpu().numpy() for values in kept]


def linear_classifier(side: int = 32) -> Classifier:
    """logits = W·x + b: every attribution can be written down."""
    torch.manual_seed(3)
    module = nn.Linear(3 * side * side, 4).requires_grad_(False)
    network = nn.Sequential(nn.Flatten(), module)
    network.steps = lambda: [("flatten", flatten), ("linear", module)]
    labels, device = ("a", "b", "c", "d"), torch.device("cpu")
    return Classifier("linear", network, Transform(side, side), labels, (), device, "linear")


@pytest.fixture
def x(tiny, noise):
    return tiny.transform([noise], tiny.device)


@pytest.mark.gpu
@pytest.mark.parametrize("layer", LAYERS)
def test_grad_cam_is_captums(tiny, x, layer):
    module = tiny.module.get_submodule(tiny.layer(layer).module)
    expected = captum.attr.LayerGradCam(tiny.module, module).attribute(x, target=2, relu_attributions=True)
    found = attribute("grad-cam", tiny, x, 2, layer)
    assert found.max() > 0
    np.testing.assert_allclose(found, expected[0, 0].detach().cpu().numpy(), rtol=1e-3, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["relu5_3", "relu4_1", "pool3"])
def test_grad_cam_plus_plus_is_the_papers_equation(tiny, x, layer):
    maps, gradient = maps_and_gradient(tiny, x, 2, layer)
    alpha = np.zeros_like(maps)
    for k, i, j in zip(*np.nonzero(gradient), strict=True):
        g = gradient[k, i, j]
        alpha[k, i, j] = g**2 / (2 * g**2 + maps[k].sum() * g**3)
    weights = (alpha * gradient.clip(min=0)).sum((1, 2))
    expected = sum(weight * values for weight, values in zip(weights, maps, strict=True)).clip(min=0)
    assert expected.max() > 0
    np.testing.assert_allclose(attribute("grad-cam++", tiny, x, 2, layer), expected, rtol=1e-3, atol=1e-6)


def test_grad_cam_plus_plus_is_finite_where_maps_are_negative(noise):
    net = tiny_classifier()
    x = net.transform([noise], net.device)
    maps, _ = maps_and_gradient(net, x, 2, "conv4_2")
    assert maps.sum((1, 2)).min() < 0
    assert np.isfinite(attribute("grad-cam++", net, 1e4 * x, 2, "conv4_2")).all()


@pytest.mark.gpu
@pytest.mark.parametrize("layer", LAYERS)
def test_layer_cam_weighs_place_by_place(tiny, x, layer):
    maps, gradient = maps_and_gradient(tiny, x, 4, layer)
    expected = np.zeros(maps.shape[1:])
    for k in range(len(maps)):
        expected += np.where(gradient[k] > 0, gradient[k], 0) * maps[k]
    np.testing.assert_allclose(attribute("layer-cam", tiny, x, 4, layer), expected.clip(min=0), rtol=1e-3, atol=1e-6)


@pytest.mark.gpu
def test_saliency_is_the_largest_gradient_of_the_channels(tiny, x):
    pixels = x.clone().requires_grad_()
    tiny.module(pixels)[0, 3].backward()
    expected = pixels.grad[0].abs().max(0).values.cpu().numpy()
    np.testing.assert_allclose(attribute("saliency", tiny, x, 3), expected, rtol=1e-4, atol=1e-7)


def test_smoothgrad_is_captums_noise_tunnel(noise):
    net = tiny_classifier()
    x = net.transform([noise], net.device)
    spread = 0.15 * float(x.max() - x.min())
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(net.module))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # captum draws from the generator of the process
        mean = tunnel.attribute(
            x, nt_samples=32, nt_samples_batch_size=8, stdevs=spread, target=1, abs=False, nt_type="smoothgrad"
        )
    expected = mean[0].abs().amax(0).detach().numpy()
    np.testing.assert_allclose(attribute("smoothgrad", net, x, 1), expected, rtol=1e-3, atol=1e-6)


def test_smoothgrad_of_a_picture_without_range_is_saliency():
    net = tiny_classifier()
    x = torch.full((1, 3, 64, 64), 0.7)
    found, expected = attribute("smoothgrad", net, x, 1), attribute("saliency", net, x, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.gpu
@pytest.mark.parametrize("target", [0, 2, 5])
def test_integrated_gradients_are_complete(tiny, x, target):
    with torch.no_grad():
        gained = float((tiny.module(x) - tiny.module(torch.zeros_like(x)))[0, target])
    found = signed_attributions(tiny, x, target)
    assert found.shape == (3, 64, 64)
    moved = float(np.abs(found).sum())
    assert found.sum(dtype=float) == pytest.approx(gained, abs=0.002 * moved)
    finer = signed_attributions(tiny, x, target, points=200)
    assert finer.sum(dtype=float) == pytest.approx(gained, abs=0.0002 * moved)
    np.testing.assert_array_equal(attribute("integrated-gradients", tiny, x, target), found.sum(0).clip(min=0))


@pytest.mark.gpu
def test_integrated_gradients_are_captums(tiny, x):
    captums = captum.attr.IntegratedGradients(tiny.module)
    expected = captums.attribute(x, target=2, n_steps=500, internal_batch_size=50)[0].float().cpu().numpy()
    largest = np.abs(expected).max()
    assert largest > 0
    np.testing.assert_allclose(signed_attributions(tiny, x, 2, points=250), expected, atol=0.03 * largest)


def test_integrated_gradients_of_the_built_in_network_are_complete():
    """Its logits rise within a twentieth of the path: at even distances as many points miss it by 5 %, here, too."""
    net = load_classifier("vgg16-tinyimagenet", "cpu")
    x = net.transform.at(64)([load_sample("coffee")], net.device)
    gained = (net.module(x) - net.module(torch.zeros_like(x)))[0]
    target = int(gained.argmax())
    found = signed_attributions(net, x, target).sum(dtype=float)
    assert found == pytest.approx(float(gained[target]), rel=0.01)


@pytest.mark.gpu
def test_guided_backpropagation_is_captums(tiny, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # captum tells that it sets hooks: here on a copy
        expected = captum.attr.GuidedBackprop(deepcopy(tiny.module)).attribute(x.clone().requires_grad_(), target=5)
    expected = expected[0].detach().abs().amax(0).cpu().numpy()
    found = attribute("guided-backpropagation", tiny, x, 5)
    assert found.max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    assert not np.allclose(found, attribute("saliency", tiny, x, 5), rtol=0.1)


@pytest.mark.gpu
@pytest.mark.parametrize(("side", "window", "stride"), [(64, 9, 5), (48, 7, 3), (112, 16, 8)])
def test_occlusion_is_a_loop_over_windows(tiny, noise, side, window, stride):
    net = replace(tiny, transform=tiny.transform.at(side))
    x = net.transform([noise], net.device)
    falls, windows = np.zeros((side, side)), np.zeros((side, side))
    with torch.no_grad():
        whole = float(net.module(x)[0, 6])
        for top in range(0, side - window + stride, stride):
            for left in range(0, side - window + stride, stride):
                covered = x.clone()
                covered[:, :, top : top + window, left : left + window] = 0
                fall = whole - float(net.module(covered)[0, 6])
                falls[top : top + window, left : left + window] += fall
                windows[top : top + window, left : left + window] += 1
    assert windows.min() >= 1
    np.testing.assert_allclose(attribute("occlusion", net, x, 6), falls / windows, rtol=1e-3, atol=1e-4)


def test_a_linear_network_has_the_attributions_that_one_can_write_down(noise):
    net = linear_classifier()
    x = net.transform([noise], net.device)
    weights = net.module[1].weight.view(4, 3, 32, 32).numpy()
    added = weights[2] * x[0].numpy()
    np.testing.assert_allclose(signed_attributions(net, x, 2), added, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(attribute("saliency", net, x, 2), np.abs(weights[2]).max(0), rtol=1e-6)
    np.testing.assert_allclose(attribute("smoothgrad", net, x, 2), np.abs(weights[2]).max(0), rtol=1e-5)
    lost = attribute("occlusion", net, x, 2)  # windows of 5 px, and only one covers the corner
    np.testing.assert_allclose(lost[0, 0], added[:, :5, :5].sum(), atol=1e-5)
