import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import classification_report

from visionlab.errors import ParameterError
from visionlab.learning.judging.metrics import Report, balanced_accuracy, evaluate, percent, report_of, wilson

CLASSES = ("cats", "dogs", "birds")


def test_a_report_computed_by_hand():
    #          cats cats cats cats dogs dogs dogs birds
    truth = [0, 0, 0, 0, 1, 1, 1, 2]
    predicted = [0, 0, 0, 1, 1, 1, 0, 0]
    report = evaluate(truth, predicted, CLASSES)
    assert report.confusion.tolist() == [[3, 1, 0], [1, 2, 0], [1, 0, 0]]  # rows are the truth
    assert report.confusion.dtype == np.int64
    assert report.accuracy == 5 / 8
    assert report.majority == 4 / 8
    np.testing.assert_allclose(report.precision, [3 / 5, 2 / 3, 0])  # birds: never predicted, 0 / 0 is 0
    np.testing.assert_allclose(report.recall, [3 / 4, 2 / 3, 0])
    np.testing.assert_allclose(report.f1, [2 / 3, 2 / 3, 0])
    assert report.interval == wilson(5, 8)
    assert report.classes == CLASSES


def test_a_class_that_is_neither_there_nor_predicted_keeps_its_row():
    report = evaluate(np.array([2, 2]), np.array([2, 0]), CLASSES)
    assert report.confusion.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert report.precision.tolist() == [0, 0, 1]
    assert report.recall.tolist() == [0, 0, 0.5]
    assert report.majority == 1


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0%"), (1, "100%"), (0.924, "92%"), (0.998, "99.8%"), (1 - 1e-9, "99.9%"), (0.003, "0.3%"), (1e-9, "0.1%")],
)
def test_a_share_is_none_or_all_only_where_it_is(share, told):
    assert percent(share) == told


def test_reports_are_records():
    report = evaluate([0], [0], CLASSES)
    assert isinstance(report, Report)
    with pytest.raises(AttributeError):
        report.accuracy = 1.0


@settings(deadline=None)  # the first call imports
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_agrees_with_counting_and_with_scikit_learn(pairs):
    truth, predicted = map(list, zip(*pairs, strict=True))
    report = evaluate(truth, predicted, CLASSES)
    assert report.confusion.tolist() == [[pairs.count((row, column)) for column in range(3)] for row in range(3)]
    told = classification_report(
        truth, predicted, labels=[0, 1, 2], target_names=CLASSES, output_dict=True, zero_division=0
    )
    for index, name in enumerate(CLASSES):
        mine = report.precision[index], report.recall[index], report.f1[index]
        assert mine == pytest.approx([told[name]["precision"], told[name]["recall"], told[name]["f1-score"]])
    assert report.accuracy == pytest.approx(np.mean(np.equal(truth, predicted)))
    assert report.majority == pytest.approx(max(truth.count(label) for label in range(3)) / len(truth))
    assert report.interval[0] <= report.accuracy <= report.interval[1]
    assert report_of(report.confusion.tolist(), CLASSES).figures() == report.figures()


@pytest.mark.parametrize(
    ("truth", "predicted", "told"),
    [
        ([], [], "whole numbers"),
        ([0, 1], [0], "1 predictions for 2 pictures"),
        ([0, 3], [0, 1], "truth hold 3, which names no class"),
        ([0, 1], [0, -1], "predictions hold -1"),
        ([0.0, 1.0], [0, 1], "float64"),
        ([[0, 1]], [[0, 1]], "shape"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, predicted, told):
    with pytest.raises(ParameterError, match=told):
        evaluate(truth, predicted, CLASSES)


@settings(deadline=None)
@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_agrees_with_scipy(case):
    right, total = case
    theirs = binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert wilson(right, total) == pytest.approx((theirs.low, theirs.high), abs=1e-7)


def test_wilson_at_the_ends():
    # At p = 0 the formula leaves 0 and z² / (n + z²).
    assert wilson(0, 10, z=2.0) == (0.0, pytest.approx(4 / 14))
    assert wilson(10, 10, z=2.0) == (pytest.approx(10 / 14), 1.0)


@pytest.mark.parametrize(("right", "total", "z"), [(0, 0, 2.0), (-1, 5, 2.0), (6, 5, 2.0), (1, 5, 0.0), (1, 5, np.nan)])
def test_wilson_refuses(right, total, z):
    with pytest.raises(ParameterError):
        wilson(right, total, z)


def test_balanced_accuracy_is_scikit_learns_and_its_interval_covers():
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 80)
    predicted = np.where(rng.random(80) < 0.7, truth, rng.integers(0, 3, 80))
    found = evaluate(truth, predicted, "abcd")
    assert found.balanced == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert found.balanced_interval[0] < found.balanced < found.balanced_interval[1]
    # Of classes whose recalls are known, 95 % of intervals hold their mean.
    held = 0
    for _ in range(200):
        right = rng.binomial([40, 8], [0.9, 0.6])
        low, high = balanced_accuracy(np.array([[right[0], 40 - right[0]], [8 - right[1], right[1]]]))[1]
        held += low <= 0.75 <= high
    assert 180 <= held <= 200


def test_always_naming_the_large_class_is_half_right_by_balance():
    found = evaluate([0] * 15 + [1] * 2, [0] * 17, "ab")
    assert found.accuracy == pytest.approx(15 / 17)
    assert found.balanced == 0.5
    low, high = evaluate([0] * 15 + [1], [0] * 15 + [1], "ab").balanced_interval
    assert low < 0.65  # of one picture of a class that was right, little is known
    assert high == 1
