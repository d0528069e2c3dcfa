"""Which pictures are near each other: against scikit-learn's PCA and neighbours, and what is known of made-up ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

import visionlab as vl
from visionlab.learning.judging.nearness import (
    STRETCHES,
    nearest,
    neighbouring,
    principal,
    strays,
)


def clouds(classes: int = 3, of_each: int = 30, features: int = 20, apart: float = 6.0, seed: int = 0):
    """Features (N, F) of classes that lie well apart, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), of_each)
    x = rng.normal(size=(classes, features))[labels] * apart + rng.normal(size=(len(labels), features))
    return x.astype(np.float32), labels


@given(rows=st.integers(1, 30), columns=st.integers(1, 30), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_principal_components_are_scikit_learns_up_to_their_signs(rows, columns, seed):
    x = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    found = principal(x)
    assert found.shape == (rows, 2)
    count = min(2, rows, columns)
    if rows > 1:
        theirs = PCA(count, svd_solver="full").fit_transform(x.astype(np.float64))
        for mine, other in zip(found.T, theirs.T, strict=False):
            error = min(np.abs(mine - other).max(), np.abs(mine + other).max())
            assert error <= 2e-3 * max(1.0, np.abs(other).max())
    for column in found.T:
        assert column.max() >= -column.min() - 1e-4, "the largest value is positive"


def test_the_nearest_are_scikit_learns_by_cosine():
    x, _ = clouds()
    theirs = NearestNeighbors(n_neighbors=6, metric="cosine").fit(x)
    distances, indices = theirs.kneighbors(x)
    for index in range(0, len(x), 7):
        order, cosines = nearest(x, index, 5)
        assert order.tolist() == indices[index, 1:].tolist()
        assert np.allclose(cosines, 1 - distances[index, 1:], atol=1e-5)
    assert len(nearest(x[:3], 0, 11)[0]) == 2


def test_what_lies_among_another_class_is_told_and_nothing_else():
    x, labels = clouds()
    assert not strays(x, labels).any()
    wrong = labels.copy()
    wrong[[4, 40, 77]] = (labels[[4, 40, 77]] + 1) % 3
    assert np.flatnonzero(strays(x, wrong)).tolist() == [4, 40, 77]


def test_the_blocks_of_many_pictures_are_one():
    x, labels = clouds(of_each=400)
    wrong = labels.copy()
    wrong[[5, 600, 1100]] = (labels[[5, 600, 1100]] + 1) % 3
    assert np.flatnonzero(strays(x, wrong)).tolist() == [5, 600, 1100]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_pictures_are_no_bug(count):
    x, labels = np.eye(count, 4, dtype=np.float32), np.arange(count) % 2
    assert principal(x).shape == (count, 2)
    assert strays(x, labels).shape == (count,)
    *_, last = neighbouring(x)
    assert last.shape == (count, 2)
    assert np.isfinite(last).all()


def test_t_sne_brings_together_what_belongs_together_and_the_same_again():
    x, labels = clouds(of_each=20)
    found = list(neighbouring(x))
    assert len(found) == STRETCHES
    last = found[-1]
    near = NearestNeighbors(n_neighbors=6).fit(last).kneighbors(return_distance=False)
    assert (labels[near] == labels[:, None]).mean() > 0.95
    *_, again = neighbouring(x)
    assert np.array_equal(last, again)


def test_pictures_that_are_all_alike_lie_in_one_place():
    x = np.ones((9, 5), np.float32)
    assert not principal(x).any()
    assert all(not places.any() for places in neighbouring(x))
    assert not strays(np.zeros((9, 5)), np.zeros(9, np.int64)).any()


@pytest.mark.parametrize("x", [np.ones(3), np.ones((0, 3)), np.full((2, 2), np.nan)])
def test_what_are_no_features_is_told(x):
    with pytest.raises(vl.ParameterError, match="Features are finite numbers of shape"):
        principal(x)


def test_a_picture_that_is_not_there_is_told():
    with pytest.raises(vl.ParameterError, match="no picture 3 among 3"):
        nearest(np.eye(3), 3, 1)
