import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photographs import error_of, errors_by_chance, loaded, outcomes, pets, photographs
from scipy.special import log_softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from visionlab.errors import ParameterError
from visionlab.learning.judging.calibration import BINS, COLDEST, fit_temperature, helpful_temperature, reliability
from visionlab.network.running.certainty import tempered
from visionlab.network.running.prediction import probabilities


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def drawn(temperature, n=20_000, classes=5, seed=0):
    """Logits that are too sure by `temperature`: truths are drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (n, classes))
    sums = softmax(logits / temperature).cumsum(1)
    return logits, (rng.random((n, 1)) > sums).sum(1).clip(max=classes - 1)


def test_the_expected_error_by_hand():
    probabilities = [[0.9, 0.1], [0.8, 0.2], [0.55, 0.45], [0.4, 0.6]]
    found = reliability(probabilities, [0, 1, 0, 1], bins=2)  # all in the upper bin: sure 0.7125, right 0.75
    assert found.count.tolist() == [0, 4]
    assert found.confidence[1] == pytest.approx(0.7125)
    assert found.accuracy[1] == 0.75
    assert np.isnan(found.accuracy[0])
    assert found.expected_error == pytest.approx(0.0375)


def test_the_bins_are_those_of_scikit_learn():
    logits, truth = drawn(1.5, n=3000)
    probabilities = softmax(logits)
    ours = reliability(probabilities, truth, bins=10)
    hit = probabilities.argmax(1) == truth
    right, sure = calibration_curve(hit, probabilities.max(1), n_bins=10)
    full = ours.count > 0
    np.testing.assert_allclose(ours.accuracy[full], right, atol=1e-12)
    np.testing.assert_allclose(ours.confidence[full], sure, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_truths_is_found(temperature):
    logits, truth = drawn(temperature)
    found = fit_temperature(logits, truth)
    assert found == pytest.approx(temperature, rel=0.05)
    assert reliability(softmax(logits / found), truth).expected_error < 0.015


@given(st.integers(0, 1000))
def test_no_other_temperature_is_more_likely(seed):
    logits, truth = drawn(2.0, n=200, seed=seed)
    found = fit_temperature(logits, truth)
    best = log_loss(truth, softmax(logits / found), labels=range(5))
    for other in (found * 0.8, found * 1.25):
        assert best <= log_loss(truth, softmax(logits / other), labels=range(5)) + 1e-9


def test_bad_input_is_named():
    with pytest.raises(ParameterError, match=r"shape \(2,\) for \(2,\) truths"):
        reliability([0.1, 0.9], [0, 1])
    with pytest.raises(ParameterError, match="whole numbers from 0 to 1"):
        reliability([[0.5, 0.5]], [2])
    with pytest.raises(ParameterError, match="not finite"):
        fit_temperature([[np.nan, 1.0]], [0])
    with pytest.raises(ParameterError, match="0 bins"):
        reliability([[0.5, 0.5]], [1], bins=0)


def test_efficientnet_lite0_is_as_sure_of_photographs_as_it_is_right():
    net, pictures = loaded("efficientnet_lite0"), photographs() + pets(every=4)
    table = probabilities(net, [image for _, image in pictures])
    sure, right = outcomes(net, pictures, table)
    assert error_of(sure, right) < errors_by_chance(sure)[990]
    published = np.stack([tempered(row, 1 / net.temperature) for row in table])
    sure, right = outcomes(net, pictures, published)
    assert error_of(sure, right) > errors_by_chance(sure)[-1], "as it was published, it is too shy"


@pytest.mark.parametrize("count", [20, 25, 60])
def test_a_temperature_that_helps_nobody_is_not_applied(count):
    """Logits that are right about how sure they are: what a few rows ask for is chance, and misleads on the next."""
    kept, total = 0, 40
    for seed in range(total):
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, 2, (count, 3))
        truth = np.array([rng.choice(3, p=row) for row in softmax(logits)])
        kept += helpful_temperature(logits, truth) == 1
    assert kept > total / 2


def test_a_temperature_that_helps_is_applied():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (60, 3))
    truth = np.array([rng.choice(3, p=row) for row in softmax(logits)])
    found = helpful_temperature(5 * logits, truth)
    assert found == fit_temperature(5 * logits, truth, one_more=True) > 3
    assert found == pytest.approx(fit_temperature(5 * logits, truth), rel=0.1)
    assert helpful_temperature(5 * logits[:4], truth[:4]) == 1


def test_a_temperature_that_makes_calibration_worse_is_not_applied():
    """Of all that are fitted, also where it gives the truth a higher likelihood."""
    kept = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        logits = 1.5 * rng.normal(0, 2, (30, 2))
        truth = np.array([rng.choice(2, p=row) for row in softmax(logits / 1.5)])
        found = helpful_temperature(logits, truth)
        error, before = (reliability(softmax(logits / each), truth, BINS).expected_error for each in (found, 1))
        assert error <= before
        kept.append(found != 1)
    assert any(kept)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("count", [20, 60, 400])
def test_all_right_is_no_reason_to_be_certain(count, classes):
    """So many that are all right say that of the next, about one in so many is wrong: Laplace's rule of succession."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, count)
    logits = 3 * np.eye(classes)[truth] + rng.uniform(-1, 1, (count, classes))
    temperature = helpful_temperature(logits, truth)
    assert fit_temperature(logits, truth) == pytest.approx(COLDEST, rel=0.01), "which is what the truth itself asks for"
    assert 2 * COLDEST < temperature < 1
    assert 0.2 / count < 1 - softmax(logits / temperature).max(1).mean() < 2 / count


@pytest.mark.parametrize("shift", [0, 1e5])
def test_one_row_more_is_as_the_others_are_in_the_mean(shift):
    logits, truth = drawn(2.0, n=50)
    ratio = np.linspace(0.2, 3, 4000)
    losses = [
        -np.append(log_softmax(logits * one, 1)[np.arange(50), truth], log_softmax(logits * one, 1).mean()).mean()
        for one in ratio
    ]
    expected = 1 / ratio[int(np.argmin(losses))]
    assert fit_temperature(logits + shift, truth, one_more=True) == pytest.approx(expected, rel=2e-3)
