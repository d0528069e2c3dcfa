import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab.device import half_precision
from visionlab.errors import ParameterError
from visionlab.network.inside.activations import feature_maps
from visionlab.network.running import precision
from visionlab.network.running.precision import in_precision
from visionlab.network.running.prediction import probabilities


@pytest.fixture
def computes_in_half(monkeypatch):
    """As on a device that is quick in bfloat16: any computes in it."""
    monkeypatch.setattr(precision, "half_precision", lambda device: torch.bfloat16)


@pytest.mark.gpu
def test_half_precision_answers_nearly_the_same(tiny, noise, computes_in_half):
    half = in_precision(tiny, "bfloat16")
    images = [noise, noise[::-1].copy(), np.roll(noise, 9, 1)]
    found, expected = probabilities(half, images), probabilities(tiny, images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)  # the softmax is in float32
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(found - expected).max() > 0  # it did compute in another precision


@pytest.mark.gpu
def test_every_layer_is_there_in_half_precision(tiny, noise, computes_in_half):
    found = feature_maps(in_precision(tiny, "bfloat16"), noise)
    for name, expected in feature_maps(tiny, noise).items():
        assert found[name].values.dtype == np.float32
        scale = max(1e-3, np.abs(expected.values).max())
        np.testing.assert_allclose(found[name].values / scale, expected.values / scale, atol=0.06)


def test_the_shared_network_stays_as_it_is(computes_in_half):
    net = tiny_classifier()
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    half = in_precision(net, "bfloat16")
    for name, value in net.module.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])
    assert {value.dtype for value in half.module.state_dict().values()} == {torch.bfloat16}


def test_float32_is_the_network_itself():
    net = tiny_classifier()
    assert in_precision(net, "float32") is net


def test_what_the_device_is_slow_at_and_what_is_no_precision_is_refused(monkeypatch):
    monkeypatch.setattr(precision, "half_precision", lambda device: None)
    with pytest.raises(ParameterError, match="does not compute in bfloat16 natively"):
        in_precision(tiny_classifier(), "bfloat16")
    with pytest.raises(ParameterError, match="“float8” is no precision"):
        in_precision(tiny_classifier(), "float8")


def test_it_is_offered_where_the_device_has_it():
    net = tiny_classifier()
    if half_precision(net.device) is None:
        with pytest.raises(ParameterError):
            in_precision(net, "bfloat16")
    else:
        assert in_precision(net, "bfloat16").labels == net.labels
