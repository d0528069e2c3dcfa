"""Cascading randomisation: what is drawn anew, in which order, and what is left alone."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from tiny import tiny_classifier
from torch import nn

from visionlab.errors import ModelError, ParameterError
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.explain import METHODS, explain
from visionlab.network.explain.sanity import passes, rank_correlation, sanity_check

STAGES = ["fc8", "fc7", "fc6", "conv5_1", "conv4_1", "conv3_1", "conv2_1", "conv1_1"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("few_steps")
def test_one_stage_a_layer_of_the_classifier_and_a_block_of_convolutions(noise, method):
    found = list(sanity_check(tiny_classifier(), noise, method, "class 3"))
    assert [stage.layer for stage in found] == STAGES
    for stage in found:
        assert -1 <= stage.similarity <= 1
        assert (stage.heatmap.target, stage.heatmap.method) == (3, method)
        assert stage.heatmap.values.shape == noise.shape[:2]
        assert np.isfinite(stage.heatmap.values).all()


@pytest.mark.parametrize(("layer", "before"), [("relu7", ["fc7", "fc6"]), ("avgpool", [])])
def test_a_head_is_the_first_to_go(noise, layer, before):
    net = tiny_classifier()
    weights = np.random.default_rng(0).normal(size=(2, net.layer(layer).shape[0])).astype(np.float32)
    head = Head(weights, np.zeros(2, np.float32), ("a", "b"), net.name, layer, network_fingerprint(net))
    found = list(sanity_check(head.as_classifier(net), noise, layer="relu5_2"))
    assert [stage.layer for stage in found] == ["head", *before, *STAGES[3:]]


@pytest.mark.gpu
def test_the_first_stage_draws_only_the_output_layer(tiny, noise):
    copy = replace(tiny, module=deepcopy(tiny.module))
    output = copy.module.classifier[6]
    weight = nn.init.kaiming_normal_(torch.empty(7, 14), generator=torch.Generator().manual_seed(4))
    output.weight.copy_(weight)
    output.bias.zero_()
    found = next(sanity_check(tiny, noise, "layer-cam", 2, "relu4_3", seed=4))
    expected = explain(copy, noise, "layer-cam", 2, "relu4_3")
    np.testing.assert_allclose(found.heatmap.values, expected.values, atol=1e-5)


def test_the_last_stage_knows_nothing_of_the_network(noise):
    one, other = (list(sanity_check(tiny_classifier(seed=seed), noise, "saliency", 1, seed=9)) for seed in (0, 1))
    np.testing.assert_allclose(one[-1].heatmap.values, other[-1].heatmap.values, atol=1e-5)
    assert not np.allclose(one[-2].heatmap.values, other[-2].heatmap.values, atol=0.01)


def test_the_network_and_the_random_numbers_of_others_are_left_as_they_were(noise):
    net = tiny_classifier()
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    random = torch.get_rng_state()
    heat = explain(net, noise)
    assert len(list(sanity_check(net, noise))) == 8
    assert all(torch.equal(value, before[name]) for name, value in net.module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    np.testing.assert_array_equal(explain(net, noise).values, heat.values)


def test_a_seed_decides_the_weights_and_the_class_stays_the_trained_networks(noise):
    net = tiny_classifier()
    one, again, other = (list(sanity_check(net, noise, seed=seed)) for seed in (0, 0, 1))
    for a, b in zip(one, again, strict=True):
        assert a.similarity == b.similarity
        np.testing.assert_array_equal(a.heatmap.values, b.heatmap.values)
    assert [stage.similarity for stage in one] != [stage.similarity for stage in other]
    assert {stage.heatmap.target for stage in (*one, *other)} == {explain(net, noise).target}


def test_inside_a_callers_inference_mode(noise):
    net = tiny_classifier()
    expected = [stage.similarity for stage in sanity_check(net, noise)]
    with torch.inference_mode():
        found = []
        for stage in sanity_check(net, noise):
            assert torch.is_inference_mode_enabled(), "the caller's mode is back between stages"
            found.append(stage.similarity)
    assert found == expected


def test_progress_rises_over_all_stages(noise):
    told = []
    for stage in sanity_check(tiny_classifier(), noise, "smoothgrad", progress=told.append):
        assert told[-1] == pytest.approx((STAGES.index(stage.layer) + 2) / 9)
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_map_is_like_itself_and_unlike_its_opposite():
    values = np.random.default_rng(0).random((7, 9)).astype(np.float32)
    assert rank_correlation(values, values**3) == 1
    assert rank_correlation(values, -values) == -1


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_similarity_is_scipys_spearman(levels):
    rng = np.random.default_rng(levels)
    a = rng.integers(levels, size=(12, 11)).astype(np.float32)
    b = a + rng.integers(levels, size=(12, 11)).astype(np.float32)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-9)


def test_constant_maps_are_like_each_other_and_like_nothing_else():
    flat, uneven = np.zeros((3, 3), np.float32), np.eye(3, dtype=np.float32)
    with np.errstate(all="raise"):
        assert rank_correlation(flat, flat + 2) == 1
        assert rank_correlation(flat, uneven) == rank_correlation(uneven, flat) == 0


def test_blank_pictures_pass():
    with np.errstate(all="raise"):
        for stage in sanity_check(tiny_classifier(), np.zeros((40, 40, 3), np.uint8)):
            assert -1 <= stage.similarity <= 1


def test_unknown_methods_layers_and_classes_are_named(noise):
    net = tiny_classifier()
    with pytest.raises(ModelError, match="no method “magic”"):
        next(sanity_check(net, noise, "magic"))
    with pytest.raises(ModelError, match="Occlusion looks at the pixels"):
        next(sanity_check(net, noise, "occlusion", layer="relu5_3"))
    with pytest.raises(ParameterError, match="no class “unicorn”"):
        next(sanity_check(net, noise, target="unicorn"))


def test_a_method_that_looks_at_the_picture_alone_does_not_pass(noise, monkeypatch):
    assert [passes(value) for value in (0, 0.5, -0.5, 0.51, -0.7, 1)] == [True, True, True, False, False, False]
    edges = replace(METHODS["saliency"], attribute=lambda net, x, *rest: x[0].abs().sum(0).numpy())
    monkeypatch.setitem(METHODS, "edges", replace(edges, name="edges"))
    *_, last = sanity_check(tiny_classifier(), noise, "edges", 3)
    assert not passes(last.similarity)
    *_, last = sanity_check(tiny_classifier(), noise, "saliency", 3)
    assert passes(last.similarity)
