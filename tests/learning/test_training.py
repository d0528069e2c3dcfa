from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tiny import tiny_classifier

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.dataset import LabelledImages
from visionlab.learning.embedding import embed
from visionlab.learning.training import fit, train_head
from visionlab.network.classifier import predict


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["relu7", "avgpool"])
def test_a_head_tells_apart_what_can_be_told_apart(tiny, stripes, layer):
    net = replace(tiny, embedding=layer)
    run = fit(stripes, net, seed=3, strength=0.05)
    epochs = list(run)
    assert [epoch.index for epoch in epochs] == list(range(1, 41))
    assert epochs[-1].train_loss < 0.3 * epochs[0].train_loss
    assert run.report().accuracy == run.best.validation_accuracy >= 0.85
    assert run.head.classes == ("across", "down", "plain")
    answers = predict(run.head.as_classifier(net), [stripes.images[i] for i in run.held_out])
    right = [answer[0].index == stripes.labels[i] for answer, i in zip(answers, run.held_out, strict=True)]
    assert sum(right) / len(right) == pytest.approx(run.report().accuracy, abs=0.01)


def test_the_head_is_scikit_learns_logistic_regression(stripes):
    net, strength = tiny_classifier(), 0.1
    run = fit(stripes, net, seed=1, strength=strength, epochs=200)
    epochs = iter(run)
    for _ in range(199):
        next(epochs)
        run.best = None  # so that the last epoch counts, not the best on the held-out pictures
    next(epochs)
    x, y = embed(net, stripes.images), stripes.labels
    mean, spread = x[run.train].mean(0), x[run.train].std(0)
    live = spread > 1e-6
    z = (x - mean)[:, live] / spread[live]
    oracle = LogisticRegression(C=1 / (strength * len(run.train)), tol=1e-10, max_iter=5000)
    expected = oracle.fit(z[run.train], y[run.train]).predict_proba(z)
    logits = run.head.logits(x)
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_best_epoch_is_kept(stripes):
    run = fit(stripes, tiny_classifier(), seed=0, strength=0.0, epochs=30)
    losses = [epoch.validation_loss for epoch in run]
    assert run.best.index == int(np.argmin(losses)) + 1
    assert run.head.facts["epoch"] == run.best.index


def test_stopping_early_keeps_the_best_so_far(stripes):
    run = fit(stripes, tiny_classifier())
    with pytest.raises(ParameterError, match="no head yet"):
        _ = run.head
    first = next(iter(run))
    assert run.best == first
    assert run.head.weights.shape == (3, 14)


def test_one_seed_one_head_and_held_out_pictures_are_not_learned_from(stripes):
    net = tiny_classifier()
    one, two, other = (train_head(stripes, net, seed=seed, epochs=5) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.weights, two.weights)
    assert not np.array_equal(one.weights, other.weights)
    run = fit(stripes, net, seed=5, epochs=5)
    assert not set(run.train) & set(run.held_out)
    features = embed(net, stripes.images)
    features[run.held_out] += 100  # whatever is held out: it must not reach the weights
    spoilt = fit(stripes, net, features=features, seed=5, epochs=1)
    plain = fit(stripes, net, seed=5, epochs=1)
    list(spoilt), list(plain)
    np.testing.assert_allclose(spoilt.head.weights, plain.head.weights, rtol=1e-6)


def test_dead_features_are_no_trouble(stripes):
    net = tiny_classifier()
    features = embed(net, stripes.images)
    features[:, :5] = 0
    run = fit(stripes, net, features=features)
    list(run)
    assert np.isfinite(run.head.weights).all()
    assert (run.head.weights[:, :5] == 0).all()


def test_what_cannot_be_learned_from_is_refused(stripes):
    net = tiny_classifier()
    with pytest.raises(ParameterError, match="0 epochs"):
        fit(stripes, net, epochs=0)
    with pytest.raises(ParameterError, match="penalty of -1"):
        fit(stripes, net, strength=-1)
    with pytest.raises(ParameterError, match="features of 3 pictures for 36"):
        fit(stripes, net, features=np.zeros((3, 14), np.float32))
    lonely = LabelledImages.from_arrays({"one": [stripes.images[0]], "two": list(stripes.images[20:25])})
    with pytest.raises(DatasetError, match="one"):
        fit(lonely, net)
