import numpy as np
import pytest
from tiny import tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.network.inside.activations import FeatureMap, feature_maps
from visionlab.network.inside.channels import RANKINGS, channel_change, channel_weights, layer_statistics
from visionlab.network.inside.contributions import contributions
from visionlab.network.running.classifier import Layer


def _map(values) -> FeatureMap:
    values = np.asarray(values, np.float32)
    return FeatureMap(Layer("relu1_1", "features.1", "relu", values.shape, 1, 3, 0), values)


def test_the_weights_are_the_networks_own():
    net = tiny_classifier()
    found = channel_weights(net, "conv2_1", 3)
    module = net.module.get_submodule(net.layer("conv2_1").module)
    np.testing.assert_array_equal(found.kernels, module.weight[3].numpy())
    assert found.bias == module.bias[3].item()
    norms = [float((kernel**2).sum() ** 0.5) for kernel in found.kernels]
    assert list(found.strongest(2)) == sorted(range(4), key=lambda i: -norms[i])[:2]
    assert channel_weights(net, "fc8", 6).kernels.shape == (14, 1, 1)


def test_what_has_no_weights_or_is_not_there_is_named():
    net = tiny_classifier()
    with pytest.raises(ModelError, match="relu2_1 has no kernels"):
        channel_weights(net, "relu2_1", 0)
    with pytest.raises(ParameterError, match=r"conv2_1 has no channel 6\. Choose a channel from 0 to 5\."):
        channel_weights(net, "conv2_1", 6)


def test_statistics_by_hand():
    (found,) = layer_statistics({"relu1_1": _map([[[0, 0]], [[4, -4]], [[0, 6]]])})
    assert found.layer.name == "relu1_1"
    assert found.silent == pytest.approx(4 / 6)
    assert found.mean == pytest.approx(1)
    assert found.spread == pytest.approx(((1 + 1 + 9 + 25 + 1 + 25) / 6) ** 0.5)


def test_statistics_of_every_layer_are_numpys(noise):
    maps = feature_maps(tiny_classifier(), noise)
    found = layer_statistics(maps)
    assert [each.layer.name for each in found] == list(maps)
    for each in found:
        values = maps[each.layer.name].values.astype(np.float64)
        assert each.silent == pytest.approx((values <= 0).mean())
        assert each.mean == pytest.approx(values.mean(), rel=1e-5, abs=1e-6)
        assert each.spread == pytest.approx(values.std(), rel=1e-5, abs=1e-6)
    by_name = {each.layer.name: each for each in found}
    assert by_name["conv4_2"].silent == by_name["relu4_2"].silent


def test_a_constant_layer_has_no_spread():
    (found,) = layer_statistics({"relu1_1": _map(np.full((3, 50, 50), 12.3))})
    assert found.spread == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", RANKINGS)
@pytest.mark.parametrize("layer", ["conv1_1", "relu4_3", "avgpool", "relu6"])
def test_every_ranking_orders_every_channel(noise, name, layer):
    net = tiny_classifier()
    values = feature_maps(net, noise, [layer])[layer].values
    ranking = RANKINGS[name]
    assert ranking.name == name
    added = contributions(net, noise).layers[layer] if ranking.by_class else None
    score = ranking.score(values, added)
    assert score.shape == (len(values),)
    assert np.isfinite(score).all()
    order = ranking.order(values, added)
    assert sorted(order) == list(range(len(values)))
    assert (np.diff(score[order]) <= 0).all()


def test_rankings_by_hand():
    values = np.array([[[0, 0, 0, 0]], [[1, 1, 1, 1]], [[0, 3, 0, 0]], [[-9, 2, 2, -9]]], np.float32)
    assert list(RANKINGS["number"].order(values)) == [0, 1, 2, 3]
    assert list(RANKINGS["mean"].order(values)) == [1, 2, 0, 3]
    assert list(RANKINGS["peak"].order(values)) == [2, 3, 1, 0]
    hoyer = (2 - 4 / 8**0.5) / (2 - 1)  # n = 4, ‖x‖₁ = 4, ‖x‖₂ = √8
    np.testing.assert_allclose(RANKINGS["sparsity"].score(values, None), [0, 0, 1, hoyer], atol=1e-6)
    assert list(RANKINGS["contribution"].order(values, np.array([1, -2, 5, 0], np.float32))) == [2, 0, 3, 1]
    assert [ranking.by_class for ranking in RANKINGS.values()] == [False, False, False, False, True]


def test_the_change_by_hand():
    before = _map([[[1, 3]], [[0, 0]], [[2, 2]]])
    after = _map([[[3, 1]], [[0, 0]], [[2, 2]]])
    # |a − b| is 2 and 2 in the first channel; |a| + |b| is 4, 4, 0, 0, 4, 4 over the layer, 16 / 6 on average.
    np.testing.assert_allclose(channel_change(before, after), [2 / (16 / 6), 0, 0])


def test_the_mean_change_is_the_bray_curtis_dissimilarity(noise):
    net = tiny_classifier()
    before, after = (feature_maps(net, image, ["relu3_1"])["relu3_1"] for image in (noise, noise[::-1].copy()))
    change = channel_change(before, after)
    expected = np.abs(before.values - after.values).sum() / (before.values + after.values).sum()
    assert 0 < expected < 1
    assert change.mean() == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(change, channel_change(after, before))
    assert not channel_change(before, before).any()


def test_silent_layers_do_not_change_and_other_shapes_are_refused():
    silent = _map(np.zeros((2, 3, 3)))
    np.testing.assert_array_equal(channel_change(silent, silent), [0, 0])
    with pytest.raises(ParameterError, match="2 × 3 × 3 and 2 × 4 × 4 cannot be compared"):
        channel_change(silent, _map(np.zeros((2, 4, 4))))
