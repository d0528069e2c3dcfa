import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from sklearn.metrics import classification_report

from visionlab.errors import ParameterError
from visionlab.learning.judging.metrics import Report, Spread, balanced_accuracy, evaluate, report_of, wilson
from visionlab.wording import percent

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


@pytest.mark.parametrize("worth", [0, -1, 6, np.nan])
def test_predictions_are_worth_themselves_at_most(worth):
    with pytest.raises(ParameterError, match="cannot be worth"):
        wilson(3, 5, worth=worth)


def of_recalls(right, total):
    """The confusion matrix of classes of which so many of so many pictures are right."""
    confusion = np.diag(right)
    confusion[np.arange(len(right)), np.roll(np.arange(len(right)), 1)] += np.subtract(total, right)
    return confusion


def test_the_interval_of_balanced_accuracy_is_that_of_its_paper_with_an_unbiased_variance():
    # By hand: 4 of 4 and 1 of 2 become 5 of 6 and 2 of 4, of which m = 2/3 and Σ p(1 − p)/(n' − 1) = 5/36/5 + 1/4/3.
    mean, (low, high) = balanced_accuracy(of_recalls([4, 1], [4, 2]))
    assert mean == 0.75
    margin = 1.959964 * np.sqrt(1 / 36 + 1 / 12) / 2
    assert (low, high) == (pytest.approx(2 / 3 - margin), pytest.approx(2 / 3 + margin))
    # A single picture counts with m(1 − m)/n': 1 of 1 and 1 of 2 become 2 of 3 and 2 of 4, of which m = 7/12.
    mean, (low, high) = balanced_accuracy(of_recalls([1, 1], [1, 2]))
    margin = 1.959964 * np.sqrt(35 / 144 / 3 + 1 / 12) / 2
    assert (mean, low, high) == (0.75, pytest.approx(7 / 12 - margin), pytest.approx(7 / 12 + margin))
    low, high = balanced_accuracy(of_recalls([50, 50, 50], [50, 50, 50]))[1]
    assert low < 1 == high


@pytest.mark.parametrize("total", [(2, 2), (3, 3), (5, 5), (2, 60), (2, 2, 2), (5, 5, 5), (2, 3, 4, 5)])
def test_of_few_pictures_of_a_class_the_interval_of_balanced_accuracy_covers(total):
    """Exactly: over all that can come, by how probable it is."""
    every = np.array(list(product(*(range(count + 1) for count in total))))
    ends = np.array([balanced_accuracy(of_recalls(right, total))[1] for right in every])
    recalls = (0.5, 0.8, 0.95) if len(total) > 2 else (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
    held = []
    for each in product(recalls, repeat=len(total)):
        likely = np.prod([binom.pmf(right, n, p) for right, n, p in zip(every.T, total, each, strict=True)], axis=0)
        held.append(likely[(ends[:, 0] <= np.mean(each)) & (np.mean(each) <= ends[:, 1])].sum())
    assert min(held) > 0.92
    assert 0.95 < np.mean(held) < 0.995


@pytest.mark.parametrize("few", [2, 3, 5])
def test_of_many_small_classes_the_interval_of_balanced_accuracy_covers(few):
    rng, total = np.random.default_rng(few), np.where(np.arange(40) % 2, few, 30)
    for recalls in (np.full(40, 0.95), np.where(np.arange(40) % 2, 0.6, 0.97)):
        held = 0
        for _ in range(200):
            low, high = balanced_accuracy(of_recalls(rng.binomial(total, recalls), total))[1]
            held += low <= recalls.mean() <= high
        assert held >= 0.9 * 200


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


# Pictures that are not all different --------------------------------------------------------------------------------


def test_pictures_of_one_group_count_as_one():
    truth, predicted = [0] * 6 + [1] * 4, [0] * 6 + [1] * 3 + [0]
    report = evaluate(truth, predicted, "ab", [7, 7, 7, 8, 8, 8, 1, 2, 3, 3])
    assert report.spread.groups.tolist() == [2, 3]
    assert report.spread.worths.tolist() == [2, pytest.approx(16 / 6)]  # (3 + 3)² / (3² + 3²), 4² / (1 + 1 + 2²)
    assert report.worth == pytest.approx(100 / (9 + 9 + 1 + 1 + 4))
    assert report.told() == "10 pictures, 5 different"
    assert report.told("held-out picture") == "10 held-out pictures, 5 different"
    assert report.interval == wilson(9, 10, worth=report.worth)
    alone = evaluate(truth, predicted, "ab")
    assert alone.told() == "10 pictures"
    assert (alone.accuracy, alone.balanced) == (report.accuracy, report.balanced)
    assert report.interval[0] < alone.interval[0] < alone.interval[1] < report.interval[1]
    assert np.diff(report.balanced_interval) > np.diff(alone.balanced_interval)
    assert evaluate(truth, predicted, "ab", range(10)).interval == alone.interval
    again = report_of(report.confusion, "ab", Spread.from_facts(json.loads(json.dumps(report.spread.facts()))))
    assert again.figures() == report.figures()
    assert report.figures()["different"] == 5


@pytest.mark.parametrize("count", [2, 12])
def test_copies_change_no_interval(count):
    rng = np.random.default_rng(count)
    truth, predicted = rng.integers(0, 2, (2, count))
    once, thrice = (
        evaluate(np.repeat(truth, n), np.repeat(predicted, n), "ab", np.repeat(range(count), n)) for n in (1, 3)
    )
    assert once.interval == pytest.approx(thrice.interval)
    assert once.balanced_interval == pytest.approx(thrice.balanced_interval)


@pytest.mark.parametrize("alike", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("accuracy", [0.7, 0.9])
def test_intervals_by_groups_hold_what_those_by_pictures_miss(alike, accuracy):
    """80 pictures of 12 subjects, each of which the head knows well or not: beta-binomial, `alike` is its intraclass
    correlation."""
    rng, sizes = np.random.default_rng(0), np.array([12, 10, 8, 8, 8, 6, 6, 6, 6, 4, 4, 2])
    groups, held = np.repeat(range(12), sizes), {True: 0, False: 0}
    for _ in range(400):
        known = rng.random(12) < accuracy
        if alike < 1:
            rest = 1 / alike - 1
            known = rng.beta(accuracy * rest, (1 - accuracy) * rest, 12)
        predicted = np.where(rng.random(80) < known[groups], 0, 1)
        for by_groups in held:
            low, high = evaluate(np.zeros(80, int), predicted, "ab", groups if by_groups else None).interval
            held[by_groups] += low <= accuracy <= high
    assert held[True] >= 0.93 * 400
    assert held[False] < 0.85 * 400


@pytest.mark.parametrize(
    ("groups", "worths"), [([3], [3]), ([2, 1], [2, 3]), ([4, 1], [2, 1]), ([0, 1], [1, 1]), ([2, 1], [np.nan, 1])]
)
def test_a_spread_of_other_pictures_is_refused(groups, worths):
    with pytest.raises(ParameterError, match="cannot be those of"):
        report_of([[2, 1], [0, 1]], "ab", Spread(groups, worths))
    with pytest.raises(ParameterError, match="each needs one"):
        evaluate([0, 1], [0, 1], "ab", [3])


def test_always_naming_the_large_class_is_half_right_by_balance():
    found = evaluate([0] * 15 + [1] * 2, [0] * 17, "ab")
    assert found.accuracy == pytest.approx(15 / 17)
    assert found.balanced == 0.5
    low, high = evaluate([0] * 15 + [1], [0] * 15 + [1], "ab").balanced_interval
    assert low < 0.65  # of one picture of a class that was right, little is known
    assert high == 1
