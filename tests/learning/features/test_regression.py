"""How rows are parted for cross-validation; what is learned from them is tested with heads, in test_training.py."""

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from visionlab.learning.features.regression import folds


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=2, max_size=60),
    st.integers(2, 5),
    st.integers(0, 99),
)
def test_folds_are_stratified_and_keep_groups_whole(rows, parts, seed):
    labels, groups = np.array(rows).T
    groups = groups * 3 + labels  # each of one class
    found = folds(labels, groups, parts, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([asked for _, asked in found])), np.arange(len(rows)))
    for learned, asked in found:
        assert not set(groups[learned]) & set(groups[asked])
        assert len(learned) + len(asked) == len(rows)
    for one in set(labels):
        counts = [(labels[asked] == one).sum() for _, asked in found]
        largest = np.bincount(groups[labels == one]).max()
        assert max(counts) - min(counts) <= largest
        if len(set(groups[labels == one])) > 1:
            assert max(counts) < (labels == one).sum(), "whoever asks about it has learned it"


def test_folds_are_as_even_as_scikit_learns_and_come_sooner():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 300, 600)
    labels = rng.choice(5, 300, p=(0.4, 0.3, 0.15, 0.1, 0.05))[groups]

    def unevenness(parted) -> float:
        counts = np.array([np.bincount(labels[asked], minlength=5) for _, asked in parted])
        return float((counts.std(0) / counts.mean(0)).mean())

    start = time.process_time()
    ours = unevenness(folds(labels, groups, 5, seed=0))
    between = time.process_time()
    theirs = unevenness(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(labels, labels, groups))
    assert ours < theirs + 0.02
    assert between - start < time.process_time() - between
