import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from visionlab.errors import ParameterError
from visionlab.learning.judging.baselines import baselines, mean_colours
from visionlab.learning.judging.metrics import MAJORITY, evaluate, wilson

CLASSES = ("cats", "dogs", "birds")


@settings(deadline=None, max_examples=30)
@given(st.integers(6, 40), st.integers(1, 30), st.integers(0, 999))
def test_they_agree_with_scikit_learn(count, held, seed):
    rng = np.random.default_rng(seed)
    x, y, z, truth = rng.normal(0, 1, (count, 4)), rng.integers(0, 3, count), rng.normal(0, 1, (held, 4)), None
    y[:3] = [0, 1, 2]
    truth = rng.integers(0, 3, held)
    found = {b.name: b for b in baselines(x, y, z, truth, CLASSES, colours=x[:, :3], held_colours=z[:, :3])}
    theirs = {
        "majority": DummyClassifier(strategy="most_frequent").fit(z, truth).score(z, truth),
        "colour": NearestCentroid().fit(x[:, :3], y).score(z[:, :3], truth),
        "neighbour": KNeighborsClassifier(1).fit(x, y).score(z, truth),
    }
    assert list(found) == ["chance", *theirs]
    for name, accuracy in theirs.items():
        assert found[name].accuracy == pytest.approx(accuracy)
        assert found[name].interval == wilson(round(accuracy * held), held)
    assert found["majority"].accuracy == evaluate(truth, truth, CLASSES).majority, "one figure under one name"
    assert found["majority"].title == MAJORITY
    assert found["chance"].accuracy == 1 / 3
    assert found["chance"].interval == (1 / 3, 1 / 3)


def test_without_colours_that_baseline_is_left_out():
    found = baselines(np.eye(3), [0, 1, 2], np.eye(3), [0, 1, 2], CLASSES)
    assert [baseline.name for baseline in found] == ["chance", "majority", "neighbour"]
    assert found[-1].accuracy == 1
    assert "“cats”" in found[1].about


def test_a_class_without_training_pictures_is_named_by_nothing_that_learns():
    found = baselines(np.eye(2), [0, 2], np.eye(2), [1, 1], CLASSES, colours=np.eye(2, 3), held_colours=np.eye(2, 3))
    assert [baseline.accuracy for baseline in found] == [1 / 3, 1, 0, 0]


def test_mean_colours():
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[0] = (10, 20, 30)
    found = mean_colours([picture, np.full((5, 4, 3), 255, np.uint8)])
    assert found.dtype == np.float32
    assert found.tolist() == [[5, 10, 15], [255, 255, 255]]
    assert mean_colours([]).shape == (0, 3)


@pytest.mark.parametrize(("held", "y", "truth"), [(2, [0], [0, 1]), (2, [0, 1], [0]), (0, [0, 1], [])])
def test_what_does_not_fit_is_refused(held, y, truth):
    with pytest.raises(ParameterError, match="each picture needs one of each"):
        baselines(np.eye(2), y, np.eye(held, 2), truth, CLASSES)
