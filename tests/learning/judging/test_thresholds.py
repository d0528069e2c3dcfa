import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from visionlab.errors import ParameterError
from visionlab.learning.judging.thresholds import precision_recall, quadrants, roc

KINDS = ("true_positives", "false_positives", "false_negatives", "true_negatives")


@st.composite
def answers(draw):
    """Truth and probabilities over three classes; coarse, so that ties are common."""
    count = draw(st.integers(1, 30))
    truth = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    weights = draw(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=count, max_size=count))
    table = np.array(weights, float) + np.array([0, 0, 0.5])  # no row of zeros
    return np.array(truth), table / table.sum(1, keepdims=True)


@settings(deadline=None)
@given(answers(), st.integers(0, 2))
def test_curves_agree_with_scikit_learn(case, target):
    truth, table = case
    mine, other = roc(truth, table, target), precision_recall(truth, table, target)
    positive = truth == target
    if 0 < positive.sum() < len(truth):
        fpr, tpr, thresholds = roc_curve(positive, table[:, target], drop_intermediate=False)
        np.testing.assert_allclose([mine.x, mine.y], [fpr, tpr])
        np.testing.assert_array_equal(mine.thresholds, thresholds)
        assert mine.area == pytest.approx(roc_auc_score(positive, table[:, target]))
        assert 0 <= mine.area <= 1
    else:
        assert np.isnan(mine.area)
    if positive.any():
        precision, recall, thresholds = precision_recall_curve(positive, table[:, target])
        np.testing.assert_allclose([other.x, other.y], [recall[::-1], precision[::-1]])
        np.testing.assert_array_equal(other.thresholds[1:], thresholds[::-1])
        assert other.area == pytest.approx(average_precision_score(positive, table[:, target]))
        assert 0 <= other.area <= 1
    else:
        assert np.isnan(other.area)
    for curve in (mine, other):
        assert (np.diff(curve.x) >= 0).all()
        assert ((curve.x >= 0) & (curve.x <= 1) & (curve.y >= 0) & (curve.y <= 1)).all()


def test_a_perfect_classifier():
    truth = np.array([0, 1, 1, 0])
    assert roc(truth, np.eye(2)[truth], 1).area == 1
    assert precision_recall(truth, np.eye(2)[truth], 1).area == 1
    assert roc(truth, np.eye(2)[1 - truth], 1).area == 0


def test_equal_scores_are_worth_chance():
    curve = roc([0, 1, 0, 1], np.full((4, 2), 0.5), 1)
    assert curve.x.tolist() == curve.y.tolist() == [0, 1]
    assert curve.area == 0.5


def test_quadrants_by_hand():
    table = np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    found = quadrants([0, 0, 1, 1, 0, 0], table, target=0, threshold=0.5)
    assert found.true_positives.tolist() == [0, 1]
    assert found.false_positives.tolist() == [2]  # 0.5 reaches the threshold
    assert found.false_negatives.tolist() == [5, 4]  # the surest of being none comes first
    assert found.true_negatives.tolist() == [3]


@settings(deadline=None)
@given(answers(), st.integers(0, 2), st.floats(0, 1))
def test_quadrants_part_the_pictures(case, target, threshold):
    truth, table = case
    found = quadrants(truth, table, target, threshold)
    assert sorted(np.concatenate([getattr(found, kind) for kind in KINDS])) == list(range(len(truth)))
    assert (truth[found.true_positives] == target).all()
    assert (truth[found.false_positives] != target).all()
    scores = table[:, target]
    assert (scores[np.r_[found.true_positives, found.false_positives]] >= threshold).all()
    assert (scores[np.r_[found.true_negatives, found.false_negatives]] < threshold).all()
    assert (np.diff(scores[found.false_positives]) <= 0).all()
    assert (np.diff(scores[found.false_negatives]) >= 0).all()


@settings(deadline=None)
@given(answers(), st.integers(0, 2), st.randoms(use_true_random=False))
def test_the_order_of_the_pictures_does_not_matter(case, target, random):
    truth, table = case
    order = random.sample(range(len(truth)), len(truth))
    before, after = (quadrants(t, p, target) for t, p in ((truth, table), (truth[order], table[order])))
    for kind in KINDS:
        assert sorted(np.array(order, int)[getattr(after, kind)]) == sorted(getattr(before, kind))
    np.testing.assert_equal(roc(truth[order], table[order], target).area, roc(truth, table, target).area)


@pytest.mark.parametrize(
    ("truth", "table", "target", "threshold", "told"),
    [
        ([0, 1], [[0.5, 0.5], [np.nan, 1]], 0, 0.5, r"picture 2 are \[nan, 1.0\]"),
        ([0, 1], [[0.5, 0.5], [0.9, 0.9]], 0, 0.5, "add up to 1"),
        ([0, 1], [[0.5, 0.5], [-0.5, 1.5]], 0, 0.5, "between 0 and 1"),
        ([0], [[0.5, 0.5], [0.5, 0.5]], 0, 0.5, r"truths of shape \(1,\) for 2 pictures"),
        ([], np.zeros((0, 2)), 0, 0.5, r"shape \(0, 2\)"),
        ([0], [[0.5, 0.5]], 2, 0.5, "2 names no class"),
        ([0], [[0.5, 0.5]], 0, 1.5, "threshold is 1.5"),
        ([0], [[0.5, 0.5]], 0, np.nan, "threshold is nan"),
    ],
)
def test_what_is_refused(truth, table, target, threshold, told):
    with pytest.raises(ParameterError, match=told):
        quadrants(truth, table, target, threshold)
