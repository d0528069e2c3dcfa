"""The streamed regression against the one that holds all rows."""

import numpy as np
import pytest

from visionlab.learning.features.regression import Regression
from visionlab.learning.features.streamed import StreamedRegression


def rows(count, width, classes, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count) if classes > 2 else (rng.random(count) < 0.2).astype(np.int64)
    centres = rng.normal(size=(classes, width))
    features = 50 + 3 * rng.random(width) * (rng.normal(size=(count, width)) + centres[labels])
    features[:, 0] = 7  # a dead feature
    return features.astype(np.float32), labels


@pytest.mark.parametrize(("count", "width", "classes"), [(300, 20, 4), (40, 90, 2), (500, 8, 2)])
@pytest.mark.parametrize("strength", [0.1, 1.0, 30.0])
def test_the_minimum_is_that_of_all_rows_at_once(count, width, classes, strength):
    features, labels = rows(count, width, classes)
    weights, bias, loss = Regression(features, labels, classes).fit(strength, 1.3)

    def blocks():
        for start in range(0, count, 37):
            yield features[start : start + 37], labels[start : start + 37]

    told = []
    streamed = StreamedRegression(blocks, classes, told.append)
    ours = streamed.fit(strength, 1.3)
    np.testing.assert_allclose(ours[0], weights, atol=2e-5)
    logits = features @ weights.T + bias
    np.testing.assert_allclose(features @ ours[0].T + ours[1], logits, atol=1e-4)
    assert ours[2] == pytest.approx(loss, abs=1e-6)
    assert told == list(range(1, streamed.passes + 1))
    assert streamed.passes < 100
