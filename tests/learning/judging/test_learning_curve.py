import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionlab.errors import ParameterError
from visionlab.learning.judging.learning_curve import CurvePoint, _needed, in_words, learning_curve
from visionlab.learning.judging.probe import linear_probe


def pictures(count: int, noise: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return (np.eye(2, 30)[labels] + rng.normal(0, noise, (count, 30))).astype(np.float32), labels


def test_more_pictures_of_a_hard_problem_help():
    train, held = pictures(400, 0.6), pictures(400, 0.6, seed=1)
    points = list(learning_curve(*train, np.arange(400), *held, shares=(0.05, 0.5, 1.0)))
    assert [point.share for point in points] == [0.05, 0.5, 1.0]
    assert [point.pictures for point in points] == [20, 200, 400]
    assert points[0].mean < points[1].mean < points[2].mean
    assert points[0].accuracies.shape == (5,)
    assert points[0].spread > 0
    assert points[2].spread == 0
    assert all(point.held_out == 400 for point in points)


def test_the_last_point_is_the_probe_on_all_pictures():
    train, held = pictures(60, 0.6), pictures(100, 0.6, seed=1)
    last = list(learning_curve(*train, np.arange(60), *held, repeats=3))[-1]
    assert last.accuracies.tolist() == [linear_probe(*train).score(*held)] * 3


def test_a_seed_gives_one_curve():
    train, held = pictures(40, 0.6), pictures(100, 0.6, seed=1)
    one, two, three = (
        np.stack([p.accuracies for p in learning_curve(*train, np.arange(40), *held, seed=seed)]) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()


def test_it_is_computed_as_it_is_asked_for():
    train, held = pictures(40, 0.6), pictures(100, 0.6, seed=1)
    curve = learning_curve(*train, np.arange(40), *held)
    assert next(curve).share == 0.25


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


def point(share: float, pictures: int, accuracies: list[float], held_out: int = 100) -> CurvePoint:
    return CurvePoint(share, pictures, np.array(accuracies), held_out)


def test_what_a_curve_says():
    rising = [point(0.5, 20, [0.70, 0.74]), point(0.75, 30, [0.8, 0.8]), point(1, 40, [0.82, 0.82])]
    assert in_words(rising) == (
        "More pictures would probably help. From 20 to 40 pictures the accuracy went from 72% to 82%, "
        "which is more than it varies between draws."
    )
    flat = [point(0.5, 20, [0.70, 0.90]), point(1, 40, [0.82, 0.82])]
    assert in_words(flat).startswith("More pictures like these would probably change little. From 20 to 40")
    one_picture = [point(0.5, 20, [0.8, 0.8], 10), point(1, 40, [0.9, 0.9], 10)]
    assert "within what chance can do" in in_words(one_picture)  # one held-out picture is no trend
    perfect = [point(0.5, 20, [0.9, 0.9], 12), point(1, 40, [1, 1], 12)]
    assert in_words(perfect).endswith("with nothing wrong on 12 held-out pictures, this cannot tell whether more help.")
    with pytest.raises(ParameterError, match="1 points"):
        in_words(flat[:1])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"labels": np.zeros(20, int)}, "two classes or more"),
        ({"labels": np.zeros(19, int)}, "19 labels"),
        ({"held_labels": np.zeros(3, int)}, "3 labels held out"),
        ({"held_features": np.zeros((0, 30)), "held_labels": []}, "0 labels held out"),
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
    arguments |= {"held_features": features, "held_labels": labels}
    with pytest.raises(ParameterError, match=told):
        learning_curve(**{**arguments, **changed})
