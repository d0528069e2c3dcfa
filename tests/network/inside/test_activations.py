import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab import device
from visionlab.errors import ModelError, ParameterError
from visionlab.network.inside.activations import activations, feature_maps
from visionlab.network.running.prediction import probabilities


@pytest.mark.gpu
def test_every_layer_is_what_a_hook_would_have_seen(tiny, noise):
    seen, handles = {}, []
    for layer in tiny.layers[:-1]:
        module = tiny.module.get_submodule(layer.module)
        handles.append(module.register_forward_hook(lambda m, i, o, name=layer.name: seen.update({name: o[0].clone()})))
    with torch.no_grad():
        tiny.module(tiny.transform([noise], tiny.device))
    for handle in handles:
        handle.remove()
    maps = feature_maps(tiny, noise)
    assert list(maps) == [layer.name for layer in tiny.layers]
    for name, expected in seen.items():
        values = maps[name].values
        assert values.dtype == np.float32
        assert values.shape == maps[name].layer.shape
        np.testing.assert_allclose(values.ravel(), expected.cpu().numpy().ravel(), rtol=1e-4, atol=1e-5)


def test_the_last_layer_is_the_prediction(noise):
    net = tiny_classifier()
    found = feature_maps(net, noise, ["prob"])["prob"].values
    np.testing.assert_allclose(found.ravel(), probabilities(net, [noise])[0], rtol=1e-5)
    assert found.sum() == pytest.approx(1)


def test_only_what_is_wanted_is_computed(noise, monkeypatch):
    net = tiny_classifier()
    monkeypatch.setattr(net.module.features[7], "forward", lambda x: pytest.fail("ran past the wanted layer"))
    assert list(feature_maps(net, noise, ["relu1_1", "conv1_2"])) == ["relu1_1", "conv1_2"]


def test_maps_at_another_size(noise):
    values = feature_maps(tiny_classifier(), noise, ["pool3"], side=96)["pool3"].values
    assert values.shape == (8, 12, 12)
    assert feature_maps(tiny_classifier(), noise, [], side=96) == {}


def test_layers_without_places_are_those_of_the_prediction_whatever_the_size(noise):
    net = tiny_classifier()
    found, own = feature_maps(net, noise, side=96), feature_maps(net, noise)
    assert list(found) == [layer.name for layer in net.layers]
    for name, each in found.items():
        if each.layer.in_place:
            assert each.values.shape[1] == 96 // each.layer.stride
        else:
            np.testing.assert_array_equal(each.values, own[name].values)
    np.testing.assert_allclose(found["prob"].values.ravel(), probabilities(net, [noise])[0], rtol=1e-5)


def test_what_the_memory_does_not_hold_is_told_before_it_is_begun(noise, monkeypatch):
    net = tiny_classifier()
    monkeypatch.setattr(device, "free_memory", lambda _: 2_000_000)
    with pytest.raises(ParameterError, match=r"Looking at conv1_1 at 640 px .* about 34\.4 MB .* 2 MB are free"):
        feature_maps(net, noise, ["conv1_1"], side=640)
    with pytest.raises(ParameterError, match=r"Looking at 31 layers at 20,000 px is too much"):
        feature_maps(net, noise, side=20_000)
    feature_maps(net, noise)


def test_unknown_layers_and_tiny_sides_are_refused(noise):
    with pytest.raises(ModelError, match="no layer “conv6_1”"):
        feature_maps(tiny_classifier(), noise, ["conv6_1"])
    with pytest.raises(ParameterError, match="8 px is too small"):
        feature_maps(tiny_classifier(), noise, ["conv1_1"], side=8)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 2, 3)])
def test_extreme_pictures_pass(shape):
    maps = feature_maps(tiny_classifier(), np.full(shape, 200, np.uint8))
    assert all(np.isfinite(found.values).all() for found in maps.values())


def test_activations_keep_their_gradient():
    net = tiny_classifier()
    x = torch.randn(1, 3, 64, 64, requires_grad=True)
    activations(net, x, ["pool2"])["pool2"].sum().backward()
    assert x.grad.abs().sum() > 0
