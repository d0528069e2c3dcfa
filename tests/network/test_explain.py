import captum.attr
import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.network.explain import METHODS, explain
from visionlab.network.explain.grad_cam import grad_cam


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["relu5_3", "relu4_1", "pool3", "conv2_2"])
def test_grad_cam_is_captums(tiny, noise, layer):
    x = tiny.transform([noise], tiny.device)
    module = tiny.module.get_submodule(tiny.layer(layer).module)
    expected = captum.attr.LayerGradCam(tiny.module, module).attribute(x, target=2, relu_attributions=True)
    found = grad_cam(tiny, x, 2, layer)
    assert found.max() > 0
    np.testing.assert_allclose(found, expected[0, 0].detach().cpu().numpy(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(70, 90, 3), (90, 70, 3), (33, 400, 3), (1, 1, 3), (2, 500, 3)])
def test_a_heatmap_lies_over_the_whole_picture(method, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    heat = explain(tiny_classifier(), image, method)
    assert heat.values.shape == shape[:2]
    assert heat.values.dtype == np.float32
    assert heat.values.min() >= 0
    assert heat.values.max() <= 1
    assert heat.method == method


def test_what_the_network_never_saw_stays_dark():
    image = np.random.default_rng(1).integers(0, 256, (60, 300, 3), dtype=np.uint8)
    for target in range(7):
        values = explain(tiny_classifier(), image, target=target).values
        assert values[:, :100].max() == 0
        assert values[:, 200:].max() == 0


def test_the_target_is_the_most_probable_class_or_the_one_asked_for(noise):
    net = tiny_classifier()
    with torch.no_grad():
        best = int(net.module(net.transform([noise], net.device)).argmax())
    assert explain(net, noise).target == best
    assert explain(net, noise, target="class 4").target == 4


def test_a_blank_picture_divides_by_nothing():
    assert np.isfinite(explain(tiny_classifier(), np.zeros((50, 50, 3), np.uint8)).values).all()


def test_the_network_is_left_as_it_was(noise):
    net = tiny_classifier()
    explain(net, noise)
    assert not any(p.requires_grad or p.grad is not None for p in net.module.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in net.module.modules())


def test_unknown_methods_layers_and_classes_are_named(noise):
    net = tiny_classifier()
    with pytest.raises(ModelError, match="no method “magic”"):
        explain(net, noise, "magic")
    with pytest.raises(ModelError, match="fc6 has no places"):
        explain(net, noise, layer="fc6")
    with pytest.raises(ParameterError, match="no class “unicorn”"):
        explain(net, noise, target="unicorn")
