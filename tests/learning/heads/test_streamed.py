"""A head on features that are read in blocks against the one of a process that holds them all."""

import numpy as np
import pytest
from tiny import tiny_classifier

from visionlab.errors import DatasetError
from visionlab.learning.features.embedding import embed
from visionlab.learning.heads.head import load_head
from visionlab.learning.heads.streamed import Rows, fit_streamed
from visionlab.learning.heads.training import fit
from visionlab.learning.sets.dataset import LabelledImages

NET = tiny_classifier()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    tint = {"red": (60, 0, 0), "green": (0, 60, 0), "grey": (0, 0, 0)}
    return LabelledImages.from_arrays(
        {
            name: [(rng.integers(0, 190, (40, 44, 3)) + add).astype(np.uint8) for _ in range(30)]
            for name, add in tint.items()
        }
    )


def test_the_head_is_that_of_one_process(data):
    features = embed(NET, data.images)
    expected = fit(data, NET, features=features, seed=3)
    ours = fit_streamed(data, NET, lambda: iter(np.array_split(features, 7)), seed=3)
    assert [epoch.index for epoch in expected] == [epoch.index for epoch in ours]
    for one, other in ((expected.head, ours.head), (expected.head, load_head(ours.head.to_bytes()))):
        np.testing.assert_allclose(one.logits(features), other.logits(features), atol=1e-4)
        assert other.temperature == pytest.approx(one.temperature, abs=1e-4)
        assert other.refusal.threshold == pytest.approx(one.refusal.threshold, rel=1e-5)
        assert other.learned.keys.shape == one.learned.keys.shape
        assert other.facts == one.facts
    np.testing.assert_array_equal(expected.held_out, ours.held_out)
    np.testing.assert_allclose(expected.probabilities(), ours.probabilities(), atol=1e-5)


def test_rows_stand_for_an_array_of_them():
    features = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    rows = Rows(lambda: iter(np.array_split(features, 6)), np.arange(0, 50, 2))
    chosen = np.array([7, 0, 24, 7])
    np.testing.assert_array_equal(rows[chosen], features[::2][chosen])
    np.testing.assert_array_equal(np.concatenate([*rows.blocks()]), features[::2])
    labels = np.arange(25)
    assert np.concatenate([part for _, part in rows.labelled(labels)]).tolist() == labels.tolist()


def test_features_that_are_no_numbers_are_refused(data):
    broken = np.full((len(data), 4), np.nan, np.float32)
    with pytest.raises(DatasetError, match="no finite numbers"):
        list(fit_streamed(data, NET, lambda: iter([broken])))
