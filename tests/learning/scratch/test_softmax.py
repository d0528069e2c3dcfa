"""Softmax regression in plain arithmetic: its gradient against autograd, its result against scikit-learn."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from visionlab.errors import ParameterError
from visionlab.learning.scratch import SETTINGS, Settings, SmallSet, Softmax, load


@pytest.fixture(scope="module")
def digits() -> SmallSet:
    return load("digits")


@pytest.fixture
def one_picture() -> SmallSet:
    """Every batch is the same picture, so that steps can be worked out elsewhere."""
    images = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 3), dtype=np.uint8).repeat(2, 0)
    found = SmallSet("one", images, np.array([0, 1]), ("a", "b", "c"), images, np.array([0, 1]))
    object.__setattr__(found, "labels", np.array([1, 1]))
    return found


def test_steps_are_those_of_torch(one_picture):
    settings = Settings("", steps=5, batch=3, rate=0.01, momentum=0.9, decay=0.05)
    run = Softmax(one_picture, settings)
    weights, bias = torch.zeros(60, 3, requires_grad=True), torch.zeros(3, requires_grad=True)
    groups = [{"params": [weights], "weight_decay": 0.05}, {"params": [bias]}]
    optimiser = torch.optim.SGD(groups, lr=0.01, momentum=0.9)
    x = torch.from_numpy(one_picture.images[:1].reshape(1, -1)).float() / 255
    for step in run:
        loss = F.cross_entropy(x @ weights + bias, torch.tensor([1]))
        assert step.loss == pytest.approx(loss.item(), rel=1e-4)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    np.testing.assert_allclose(run.templates.reshape(3, -1).T * 255, weights.detach().numpy(), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(run.bias, bias.detach().numpy(), rtol=1e-4)


@pytest.mark.parametrize("name", list(SETTINGS))
def test_digits_are_learned_nearly_as_by_logistic_regression(digits, name):
    from sklearn.linear_model import LogisticRegression

    settings = replace(SETTINGS[name], rate=0.05) if name == "article" else SETTINGS[name]
    *_, last = Softmax(digits, settings)
    flat = [part.reshape(len(part), -1) / 255 for part in (digits.images, digits.test_images)]
    oracle = LogisticRegression(max_iter=500).fit(flat[0], digits.labels).score(flat[1], digits.test_labels)
    assert oracle - 0.06 < last.test_accuracy <= 1


def test_looks_come_with_templates_that_answer_as_the_run_does(digits):
    run = Softmax(digits, Settings("", steps=250, standardised=True))
    steps = list(run)
    assert [step.index for step in steps if step.templates is not None] == [100, 200, 250]
    assert [step.test_accuracy is not None for step in steps] == [step.templates is not None for step in steps]
    templates = steps[-1].templates
    assert templates.shape == (10, 8, 8, 1)
    images = digits.test_images[:20]
    logits = images.reshape(20, -1).astype(np.float64) @ templates.reshape(10, -1).T + run.bias
    wanted = torch.from_numpy(logits).softmax(1).numpy()
    np.testing.assert_allclose(run.probabilities(images), wanted, atol=1e-4)
    right = (run.probabilities(digits.test_images).argmax(1) == digits.test_labels).mean()
    assert steps[-1].test_accuracy == pytest.approx(right)


def test_one_seed_gives_one_result(digits):
    def templates(seed: int) -> np.ndarray:
        run = Softmax(digits, Settings("", steps=20), seed)
        list(run)
        return run.templates

    np.testing.assert_array_equal(templates(0), templates(0))
    assert not np.array_equal(templates(0), templates(1))


def test_a_rate_that_is_too_high_stops_and_keeps_the_last_good_templates(digits):
    run = Softmax(digits, Settings("", steps=300, rate=1e35, momentum=0.9))
    *_, last = run
    assert last.diverged is run.diverged is not None
    assert last.index < 300
    assert "at a learning rate of 1e+35" in str(last.diverged)
    assert np.isfinite(run.probabilities(digits.test_images)).all()


def test_a_loss_that_grows_without_becoming_infinite_stops_and_keeps_the_last_looks_templates(digits):
    run = Softmax(digits)
    for step in run:
        if step.index == 100:
            templates, bias = run.templates, run.bias
            run.settings = replace(run.settings, rate=1e3)
    assert step.diverged is run.diverged is not None
    assert 100 < step.index < 200
    assert np.isfinite(step.loss)
    told = f"over 1,000 times that of guessing, in step {step.index}, at a learning rate of 1000;"
    assert told in str(run.diverged)
    np.testing.assert_array_equal(run.templates, templates)
    np.testing.assert_array_equal(step.templates, templates)
    np.testing.assert_array_equal(run.bias, bias)


def test_a_probability_too_small_for_a_float32_is_no_divergence(digits):
    run = Softmax(digits, replace(SETTINGS["article"], rate=50, steps=300))
    losses = [step.loss for step in run]
    assert max(losses) > 103, "−ln of the smallest float32, as a mean"
    assert run.diverged is None
    assert (run.probabilities(digits.test_images).argmax(1) == digits.test_labels).mean() > 0.85


def test_a_run_that_is_not_asked_further_stays_usable(digits):
    run = Softmax(digits)
    assert len(list(islice(run, 3))) == 3
    assert run.probabilities(digits.test_images).sum(1) == pytest.approx(1, abs=1e-5)
    assert run.probabilities(digits.test_images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 0}, "0 steps"),
        ({"batch": 0}, "0 batch"),
        ({"rate": 0}, "learning rate is 0"),
        ({"rate": float("inf")}, "learning rate is inf"),
        ({"momentum": 1.0}, "momentum 1.0"),
        ({"decay": -1}, "decay -1"),
    ],
)
def test_settings_that_train_nothing_are_one_sentence(digits, change, says):
    with pytest.raises(ParameterError, match=says):
        Softmax(digits, replace(SETTINGS["article"], **change))


def test_pictures_of_another_size_are_refused(digits):
    with pytest.raises(ParameterError, match=r"\(8, 8, 1\) is needed"):
        Softmax(digits).probabilities(np.zeros((1, 9, 9, 1), np.uint8))
