from dataclasses import replace

import captum.attr
import numpy as np
import pytest
import torch
from tiny import TINY, tiny_classifier

from visionlab.errors import ParameterError
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.inside.activations import feature_maps
from visionlab.network.inside.contributions import contributions
from visionlab.network.running.prediction import predict


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["conv1_1", "relu2_2", "pool3", "conv5_3", "avgpool", "fc6", "relu7"])
def test_contributions_are_captums(tiny, noise, layer):
    x = tiny.transform([noise], tiny.device)
    module = tiny.module.get_submodule(tiny.layer(layer).module)
    expected = captum.attr.LayerGradientXActivation(tiny.module, module).attribute(x, target=2)[0]
    expected = expected.detach().cpu().numpy().reshape(len(expected), -1).sum(1)
    found = contributions(tiny, noise, target=2).layers[layer]
    assert np.abs(found).max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_without_biases_a_layers_contributions_add_up_to_the_logit(noise):
    net = tiny_classifier()
    for module in net.module.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.zeros_(module.bias)  # then the network is homogeneous of degree 1: Euler’s theorem
    found = contributions(net, noise, target="class 4")
    assert abs(found.logit) > 0.01
    for name, values in found.layers.items():
        assert values.sum() == pytest.approx(found.logit, rel=1e-3, abs=1e-5), name
        assert found.rest(name) == pytest.approx(0, abs=1e-3), name


def test_where_it_is_exact_the_logit_falls_by_what_a_silenced_channel_adds(noise):
    net = tiny_classifier()
    found = contributions(net, noise, target=4)
    assert found.exact == {"relu7", "fc8"}
    assert found.rest("relu7") == pytest.approx(net.module.classifier[6].bias[4].item(), abs=1e-5)
    assert found.logit == pytest.approx(feature_maps(net, noise, ["fc8"])["fc8"].values[4].item(), rel=1e-5)
    x = net.transform([noise], net.device)
    steps = net.module.steps()
    end = 1 + [path for path, _ in steps].index(net.layer("relu7").module)
    for _, step in steps[:end]:
        x = step(x)
    channel = int(np.abs(found.layers["relu7"]).argmax())
    x[0, channel] = 0
    for _, step in steps[end:]:
        x = step(x)
    assert found.logit - x[0, 4].item() == pytest.approx(found.layers["relu7"][channel], rel=1e-4)


def test_contributions_are_of_every_layer_up_to_the_logits(noise):
    net = tiny_classifier()
    found = contributions(net, noise, target=1).layers
    assert list(found) == [layer.name for layer in net.layers if layer.kind != "softmax"]
    for name, values in found.items():
        assert values.shape == net.layer(name).shape[:1]
        assert values.dtype == np.float32
    logits = feature_maps(net, noise, ["fc8"])["fc8"].values.ravel()
    np.testing.assert_allclose(found["fc8"], np.where(np.arange(7) == 1, logits, 0), rtol=1e-5)


def test_the_class_is_the_most_probable_one(noise):
    net = tiny_classifier()
    best = predict(net, [noise], top=1)[0][0].index
    assert contributions(net, noise).target == best
    assert np.flatnonzero(contributions(net, noise).layers["fc8"]) == [best]


def test_contributions_to_the_classes_of_a_head(noise):
    net = tiny_classifier(plan=replace(TINY, pool=7))
    weights = np.random.default_rng(1).normal(0, 0.1, (3, 12 * 49)).astype(np.float32)
    head = Head(weights, np.zeros(3, np.float32), ("a", "b", "c"), "tiny", "avgpool", network_fingerprint(net))
    mine = head.as_classifier(net)
    found = contributions(mine, noise, target="b")
    assert found.exact == {"pool5", "avgpool", "head"}
    features = feature_maps(mine, noise, ["avgpool"])["avgpool"].values
    np.testing.assert_allclose(
        found.layers["avgpool"], (features * weights[1].reshape(12, 7, 7)).sum((1, 2)), rtol=1e-3
    )
    assert "prob" not in found.layers


def test_the_network_is_left_as_it_was(noise):
    net = tiny_classifier()
    contributions(net, noise)
    assert not any(p.requires_grad or p.grad is not None for p in net.module.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in net.module.modules())


def test_unknown_classes_are_refused(noise):
    with pytest.raises(ParameterError, match="no class “unicorn”"):
        contributions(tiny_classifier(), noise, "unicorn")
