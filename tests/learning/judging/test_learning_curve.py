import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionlab.errors import ParameterError
from visionlab.learning.features.regression import Regression
from visionlab.learning.judging.learning_curve import CurvePoint, Outlook, _needed, in_words, learning_curve, outlook


def pictures(count: int, noise: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return (np.eye(2, 30)[labels] + rng.normal(0, noise, (count, 30))).astype(np.float32), labels


def test_more_pictures_of_a_hard_problem_help():
    points = list(learning_curve(*pictures(400, 0.6), np.arange(400), shares=(0.05, 0.3, 1.0)))
    assert [point.share for point in points] == [0.05, 0.3, 1.0]
    assert [point.pictures for point in points] == [16, 96, 320]
    assert points[0].mean < points[1].mean < points[2].mean
    assert points[0].right.shape == (3, 400)
    assert points[0].accuracies.shape == (3,)


def test_the_last_point_is_what_cross_validation_says():
    x, y = pictures(60, 0.6)
    last = list(learning_curve(x, y + 3, np.arange(60), repeats=1))[-1]
    expected = Regression(x, y, 2).out_of_sample(np.arange(60), 0).logits.argmax(1) == y
    assert (last.right[0] == expected).mean() > 0.95


def test_copies_do_not_vouch_for_one_another():
    """Noise: nothing can be learned from it, and a copy in another fold would betray the label."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 200)).astype(np.float32).repeat(2, 0), rng.permutation(np.arange(60) % 2).repeat(2)
    kept = list(learning_curve(x, y, np.arange(120) // 2))[-1].mean
    parted = list(learning_curve(x, y, np.arange(120)))[-1].mean
    assert kept < 0.65 < 0.8 < parted


def test_a_seed_gives_one_curve():
    one, two, three = (
        np.stack([point.right for point in learning_curve(*pictures(40, 0.6), np.arange(40), seed=seed)])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()


def test_it_is_computed_as_it_is_asked_for():
    assert next(learning_curve(*pictures(40, 0.6), np.arange(40))).share == 0.15


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=40), st.integers(0, 99))
def test_shares_are_nested_stratified_and_keep_groups_whole(pictures, seed):
    labels, groups = np.array(pictures).T
    needed = _needed(labels, groups, np.random.default_rng(seed))
    home = {group: labels[groups == group][0] for group in groups}
    homes = np.array([home[group] for group in groups])
    before = np.zeros(len(labels), bool)
    for share in (0.1, 0.25, 0.5, 0.75, 1.0):
        chosen = needed < share
        assert (chosen >= before).all()
        before = chosen
        for group in set(groups):
            assert len(set(chosen[groups == group])) == 1
        for one in set(homes):
            taken, total = (chosen & (homes == one)).sum(), (homes == one).sum()
            largest = max((groups[homes == one] == group).sum() for group in groups)
            assert share * total <= taken + 1e-9
            assert taken < share * total + largest + 1e-9
    assert before.all()


def drawn(sizes, floor: float, slope: float, exponent: float, count: int, seed: int = 0) -> list[CurvePoint]:
    """A curve of so many pictures that follows a power law, each picture with a difficulty of its own."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(size=(1, count))
    return [
        CurvePoint(size / sizes[-1], size, np.repeat(hard > floor + slope * size**-exponent, 3, 0)) for size in sizes
    ]


SIZES = (30, 60, 100, 150, 200)


@pytest.mark.parametrize(("slope", "exponent"), [(2.0, 0.5), (1.0, 0.25), (6.0, 1.0)])
def test_the_outlook_of_a_known_law_is_right(slope, exponent):
    truth = slope * (200**-exponent - 400**-exponent)
    found = outlook(drawn(SIZES, 0.05, slope, exponent, 20_000))
    assert found.gain == pytest.approx(truth, abs=0.01)
    inside = 0
    for seed in range(10):
        low, high = outlook(drawn(SIZES, 0.05, slope, exponent, 300, seed)).interval
        inside += low - 0.005 <= truth <= high + 0.005
    assert inside >= 7


def test_what_an_outlook_says():
    assert in_words(Outlook(200, 0.72, 0.04, (0.018, 0.062))) == (
        "More pictures would probably help. From 200 to 400 pictures, accuracy would go from 72% up by 2 to 6 points "
        "(90% interval of a power law)."
    )
    assert in_words(Outlook(200, 0.72, 0.0, (0.0, 0.012))).startswith("More pictures like these would probably change")
    assert in_words(Outlook(1600, 0.998, 0.0, (0.0, 0.001))) == (
        "More pictures like these would probably change little. From 1,600 to 3,200 pictures, accuracy would stay at "
        "99.8%, or come closer to 100% (90% interval of a power law)."
    )
    assert "stay at 72%, or go up by less than half a point (90%" in in_words(Outlook(200, 0.72, 0.0, (0.0, 0.001)))
    assert in_words(Outlook(200, 0.72, 0.02, (0.002, 0.05))).startswith("This cannot tell whether more pictures would")


@pytest.mark.parametrize("count", [24, 200])
def test_where_all_are_right_nothing_can_be_gained(count):
    points = [CurvePoint(size / 200, size, np.ones((3, count), bool)) for size in SIZES]
    found = outlook(points)
    assert (found.gain, found.interval) == (0, (0, 0))
    assert in_words(found) == (
        "More pictures like these would probably change little. From 200 to 400 pictures, accuracy would stay at 100% "
        "(90% interval of a power law)."
    )


def test_no_more_can_be_gained_than_is_wrong():
    """Many are wrong at first, and none or nearly none with all: a law that fits falls from above the last point."""
    for wrong in range(4):
        right = [np.arange(64) >= count for count in (40, 30, 20, 10, wrong)]
        found = outlook([CurvePoint(size / 200, size, each[None]) for size, each in zip(SIZES, right, strict=True)])
        assert max(found.gain, *found.interval) <= 1 - found.accuracy == pytest.approx(wrong / 64)


def test_no_sentence_promises_more_than_all():
    for right in range(401):
        accuracy = right / 400
        said = in_words(Outlook(200, accuracy, 0.0, (0.0, 1 - accuracy)))
        if told := re.search(r"from ([\d.]+)% up by (?:\d+ to )?(\d+) point", said):
            assert float(told[1]) + float(told[2]) <= 100, said


def test_two_points_are_no_law():
    with pytest.raises(ParameterError, match="2 points"):
        outlook(drawn(SIZES, 0.1, 1, 0.5, 50)[:2])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"labels": np.zeros(20, int)}, "two classes or more"),
        ({"labels": np.zeros(19, int)}, "19 labels"),
        ({"groups": np.arange(20) % 2}, "two pictures of each class"),
        ({"shares": (0.5, 0.25)}, "shares are"),
        ({"shares": (0.5, 1.5)}, "shares are"),
        ({"shares": (0.0, 1.0)}, "shares are"),
        ({"shares": ()}, "shares are"),
        ({"repeats": 0}, "drawn 0 times"),
    ],
)
def test_what_is_refused_before_any_training(changed, told):
    features, labels = pictures(20, 0.1)
    arguments = {"features": features, "labels": labels, "groups": np.arange(20)}
    with pytest.raises(ParameterError, match=told):
        learning_curve(**{**arguments, **changed})
