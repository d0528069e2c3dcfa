"""What holds for every method in METHODS, and what explain and explain_layers make of their maps."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tiny import TINY, tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.explain import METHODS, explain, explain_layers
from visionlab.network.explain.faithfulness import faithfulness
from visionlab.network.explain.heatmap import lay_over, seen
from visionlab.network.explain.sanity import sanity_check

LAYERED = [name for name, method in METHODS.items() if method.layered]
SLOW = ["smoothgrad", "integrated-gradients", "occlusion"]
few = pytest.mark.usefixtures("few_steps")  # for what does not depend on their number


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


def with_head(net, layer: str):
    """Three classes on the network's values at a layer, as a classifier."""
    channels = net.layer(layer).shape[0]
    weights = np.random.default_rng(0).normal(size=(3, channels)).astype(np.float32)
    classes = ("across", "down", "plain")
    head = Head(weights, np.zeros(3, np.float32), classes, net.name, layer, network_fingerprint(net))
    return head.as_classifier(net)


def test_the_table():
    assert list(METHODS) == [
        *("grad-cam", "grad-cam++", "layer-cam", "saliency", "smoothgrad"),
        *("integrated-gradients", "guided-backpropagation", "occlusion"),
    ]
    assert LAYERED == ["grad-cam", "grad-cam++", "layer-cam"]
    assert all(method.name == name and method.about.endswith(".") for name, method in METHODS.items())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(70, 90), (90, 70), (33, 400), (1, 1), (2, 500), (3000, 6)])
@few
def test_a_heatmap_lies_over_the_whole_picture(method, shape):
    heat = explain(tiny_classifier(), picture(*shape), method)
    assert heat.values.shape == shape
    assert heat.values.dtype == np.float32
    assert heat.values.min() >= 0
    assert heat.values.max() <= 1
    assert heat.method == method


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
@few
def test_something_speaks_for_some_class_and_again_the_same(tiny, noise, method):
    maps = [explain(tiny, noise, method, target).values for target in range(7)]
    assert max(values.max() for values in maps) > 0.5
    np.testing.assert_allclose(explain(tiny, noise, method, 3).values, maps[3], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@few
def test_what_the_network_never_saw_stays_dark(method):
    net = tiny_classifier()
    for target in range(7):
        values = explain(net, picture(60, 300), method, target).values
        assert values[:, :100].max() == 0
        assert values[:, 200:].max() == 0


@pytest.mark.parametrize("method", METHODS)
@few
def test_the_target_is_the_most_probable_class_or_the_one_asked_for(noise, method):
    net = tiny_classifier()
    with torch.no_grad():
        best = int(net.module(net.transform([noise], net.device)).argmax())
    own = explain(net, noise, method)
    assert own.target == best
    np.testing.assert_array_equal(own.values, explain(net, noise, method, best).values)
    by_index, by_label = explain(net, noise, method, 4), explain(net, noise, method, "Class 4")
    assert by_index.target == by_label.target == 4
    np.testing.assert_array_equal(by_index.values, by_label.values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0, 124, 255])
@few
def test_a_blank_picture_divides_by_nothing(method, level):
    with np.errstate(all="raise"):
        assert np.isfinite(explain(tiny_classifier(), np.full((50, 60, 3), level, np.uint8), method).values).all()


@pytest.mark.parametrize("method", METHODS)
@few
def test_the_network_and_the_random_numbers_of_others_are_left_as_they_were(noise, method):
    net = tiny_classifier()
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    random = torch.get_rng_state()
    explain(net, noise, method)
    assert all(torch.equal(value, before[name]) for name, value in net.module.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in net.module.parameters())
    for module in net.module.modules():
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            assert not getattr(module, kind)
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
@few
def test_callers_that_need_no_gradients_may_explain(noise, method, mode):
    net = tiny_classifier()
    expected = explain(net, noise, method)
    with mode():
        found = explain(net, noise, method)
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("layer", ["relu7", "avgpool"])
@pytest.mark.parametrize("method", METHODS)
@few
def test_a_head_of_ones_own_is_explained_like_any_network(noise, method, layer):
    net = with_head(tiny_classifier(), layer)
    heats = [explain(net, noise, method, target) for target in net.labels]
    assert [heat.target for heat in heats] == [0, 1, 2]
    assert max(heat.values.max() for heat in heats) > 0.5
    assert 0 <= faithfulness(net, noise, heats[0], steps=3).deletion <= 1
    assert next(sanity_check(net, noise, method)).layer == "head"


@few
def test_the_pool_of_seven_is_explained_too(noise):
    net = tiny_classifier(plan=replace(TINY, pool=7))
    for method in METHODS:
        assert np.isfinite(explain(net, noise, method).values).all()


# --- layers ---------------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.parametrize("method", LAYERED)
def test_all_layers_at_once_are_each_layer_by_itself(tiny, noise, method):
    found = explain_layers(tiny, noise, method=method, target="class 2")
    places = [layer.name for layer in tiny.layers if layer.kind in {"relu", "pool"} and layer.receptive_field]
    assert list(found) == places
    assert len(places) == 13 + 5
    for name, heat in found.items():
        assert (heat.target, heat.method) == (2, method)
        np.testing.assert_allclose(heat.values, explain(tiny, noise, method, 2, name).values, atol=1e-4)
    assert any(heat.values.max() > 0 for heat in found.values())


def test_all_layers_take_one_forward_and_one_backward_pass(noise, monkeypatch):
    net, passes, gradient = tiny_classifier(), [], torch.autograd.grad
    for name in ("0", "29"):
        step = net.module.features.get_submodule(name)
        monkeypatch.setattr(step, "forward", lambda x, run=step.forward: passes.append("forward") or run(x))
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: passes.append("backward") or gradient(*a, **k))
    assert len(explain_layers(net, noise)) == 18
    assert passes == ["forward", "forward", "backward"], "the first and the last step once each"


def test_layers_come_in_the_order_asked_for(noise):
    net = tiny_classifier()
    assert list(explain_layers(net, noise, layers=["pool4", "conv1_1"])) == ["pool4", "conv1_1"]
    assert explain_layers(net, noise, layers=[]) == {}


@pytest.mark.parametrize("method", LAYERED)
def test_without_a_layer_it_is_the_last_convolution(noise, method):
    net = tiny_classifier()
    own, last = explain(net, noise, method, 1), explain(net, noise, method, 1, "relu5_3")
    np.testing.assert_array_equal(own.values, last.values)


# --- progress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SLOW)
def test_progress_rises_to_the_end(noise, method):
    told = []
    explain(tiny_classifier(), noise, method, progress=told.append)
    assert len(told) > 2
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] == 1


@pytest.mark.parametrize("method", SLOW)
def test_what_progress_raises_ends_the_computation(noise, method):
    told = []

    def stop(share: float) -> None:
        told.append(share)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain(tiny_classifier(), noise, method, progress=stop)
    assert len(told) == 1


@pytest.mark.parametrize("method", METHODS)
def test_memory_is_bounded(noise, method):
    net, batches = tiny_classifier(), []
    first = net.module.features[0]
    first.forward = lambda x, run=first.forward: batches.append(len(x)) or run(x)
    explain(net, noise, method)
    assert max(batches) <= 32


# --- scaling --------------------------------------------------------------------------------------------------------


def test_one_hot_pixel_does_not_darken_the_others():
    transform, image = tiny_classifier().transform.at(64), picture(72, 72)
    values = np.ones((64, 64), np.float32)
    values[5, 5] = 1000
    assert np.median(lay_over(transform, image.shape[:2], values, 99)[4:-4, 4:-4]) == 1
    assert np.median(lay_over(transform, image.shape[:2], values, 100)) == pytest.approx(0.001)


def test_maps_without_a_positive_value_are_empty_and_rare_positives_are_not():
    transform, image = tiny_classifier().transform, picture(72, 72)
    values = np.full((64, 64), -3, np.float32)
    assert lay_over(transform, image.shape[:2], values, 99).max() == 0
    values[30:33, 30:33] = 2
    found = lay_over(transform, image.shape[:2], values, 99)
    assert found.max() == 1
    assert (found > 0).mean() < 0.01


# --- what a person can mend -----------------------------------------------------------------------------------------


def test_unknown_methods_layers_and_classes_are_named(noise):
    net = tiny_classifier()
    with pytest.raises(ModelError, match="no method “magic”"):
        explain(net, noise, "magic")
    with pytest.raises(ModelError, match="no method “magic”"):
        explain_layers(net, noise, method="magic")
    for method in LAYERED:
        with pytest.raises(ModelError, match="fc6 has no places"):
            explain(net, noise, method, layer="fc6")
        with pytest.raises(ModelError, match="no layer “conv6_1”"):
            explain(net, noise, method, layer="conv6_1")
    with pytest.raises(ModelError, match="no layer “conv6_1”"):
        explain_layers(net, noise, layers=["conv1_1", "conv6_1"])
    for method in METHODS:
        with pytest.raises(ParameterError, match="no class “unicorn”"):
            explain(net, noise, method, target="unicorn")
        with pytest.raises(ParameterError, match="Class 7 is not among the 7"):
            explain(net, noise, method, target=7)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in LAYERED])
def test_a_method_without_layers_takes_none(noise, method):
    told = f"{METHODS[method].title} looks at the pixels, .* use grad-cam, grad-cam\\+\\+, layer-cam"
    with pytest.raises(ModelError, match=told):
        explain(tiny_classifier(), noise, method, layer="conv5_3")
    with pytest.raises(ModelError, match=told):
        explain_layers(tiny_classifier(), noise, method=method)


@pytest.mark.parametrize("method", ["grad-cam", "saliency"])
def test_a_map_can_lie_over_a_smaller_copy_of_the_picture_that_is_explained(tiny, method):
    image = np.random.default_rng(4).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    whole, small = explain(tiny, image, method), explain(tiny, image, method, shape=(90, 120))
    assert small.values.shape == (90, 120)
    assert small.target == whole.target
    rows, columns = seen(tiny.transform, (90, 120))
    inside = np.zeros((90, 120), bool)
    inside[rows, columns] = True
    assert not small.values[~inside].any()
    side = (columns.stop - columns.start, rows.stop - rows.start)
    same = cv2.resize(whole.values[seen(tiny.transform, image.shape[:2])], side, interpolation=cv2.INTER_LINEAR)
    assert np.corrcoef(same.ravel(), small.values[rows, columns].ravel())[0, 1] > 0.9
