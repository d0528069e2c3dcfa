import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import norm

from visionlab.device import one_thread
from visionlab.errors import ParameterError
from visionlab.learning.judging import refusal as module
from visionlab.learning.judging.refusal import Refusal, fit_refusal, promise, still_counted


def clouds(seed: int = 0, count: int = 40, width: int = 24, classes: int = 2):
    """Features of classes that point in different directions, and of something that points elsewhere."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    features = 3 * np.eye(classes, width)[labels] + rng.normal(0, 0.3, (count, width)) + 1
    others = 3 * np.eye(width)[rng.integers(classes, width, count)] + rng.normal(0, 0.3, (count, width)) + 1
    return features.astype(np.float32), labels, others.astype(np.float32)


def test_distances_computed_by_hand():
    refusal = Refusal([[0, 0], [1, 0]], [[1, 0, 0], [0, 2, 0]], [0.5, 0, 0], threshold=1.0)
    # (2, 0, 0) points to (1, 0, 0), less the centre (0.5, 0, 0): half way between the points;
    # (0, 0, 5) is at (−0.5, 0), (0, 7, 0) at (−0.5, 2); no length at all at (−0.5, 0)
    found = refusal.distances(np.array([[2, 0, 0], [0, 0, 5], [0, 7, 0], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(found, [0.5, 0.5, np.hypot(0.5, 2), 0.5], rtol=1e-6)
    assert found.dtype == np.float32
    assert refusal.refuses(np.array([[2, 0, 0], [0, 7, 0]], np.float32)).tolist() == [False, True]


def test_it_is_fitted_on_one_thread_of_blas_whose_others_would_wait_for_one_another(monkeypatch):
    features, labels, _ = clouds()
    users, plain = [], module._whitening
    monkeypatch.setattr(module, "_whitening", lambda rows: users.append(one_thread.users) or plain(rows))
    fit_refusal(features, labels, features)
    assert users == [1]
    assert one_thread.users == 0


def test_without_shrinking_it_is_the_mahalanobis_distance(monkeypatch):
    monkeypatch.setattr(module, "SHRINKAGE", 0.0)
    features, labels, others = clouds(count=200)
    refusal = fit_refusal(features, labels, features)
    x, z = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (features, others))
    means = np.stack([x[labels == one].mean(0) for one in (0, 1)])
    inside = x - means[labels]
    expected = cdist(z, means, "mahalanobis", VI=np.linalg.inv(inside.T @ inside / len(x))).min(1)
    np.testing.assert_allclose(refusal.distances(others), expected, rtol=1e-3)


def test_a_sketch_of_many_axes_keeps_distances_to_a_few_per_cent():
    features, labels, others = clouds(width=700, count=60)
    refusal = fit_refusal(features, labels, features)
    assert refusal.projection.shape == (module.WIDEST, 700)
    x, z = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (features.astype(float), others))
    means = np.stack([x[labels == one].mean(0) for one in (0, 1)])
    inside = x - means[labels]
    covariance = inside.T @ inside / len(x)
    kept = module.SHRINKAGE
    shrunk = (1 - kept) * covariance + kept * np.trace(covariance) / 700 * np.eye(700)
    expected = cdist(z, means, "mahalanobis", VI=np.linalg.inv(shrunk)).min(1)
    np.testing.assert_allclose(refusal.distances(others), expected, rtol=0.15)
    assert np.mean(refusal.distances(others) / expected) == pytest.approx(1, abs=0.05)


def test_something_else_is_refused_and_the_own_classes_are_not():
    features, labels, others = clouds(count=120)
    refusal = fit_refusal(features[:60], labels[:60], features[60:90])
    assert refusal.refuses(others).mean() > 0.95
    assert refusal.refuses(features[90:]).mean() < 0.2


def test_brightness_does_not_matter():
    features, labels, others = clouds()
    refusal = fit_refusal(features, labels, features)
    np.testing.assert_allclose(refusal.distances(others), refusal.distances(0.01 * others), rtol=1e-4)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 60), st.sampled_from([0.05, 0.1, 0.3]), st.integers(0, 1000))
def test_no_more_validation_pictures_are_refused_than_was_said(count, share, seed):
    features, labels, _ = clouds(seed, count + 20)
    refusal = fit_refusal(features[:20], labels[:20], features[20:], share)
    refused = int(refusal.refuses(features[20:]).sum())
    # the rank-th smallest is let through, and all that are smaller
    assert refused == count - module._rank(count, share)
    assert refused <= share * count


def test_on_new_pictures_the_promise_holds_on_average():
    refused = []
    for seed in range(40):
        features, labels, _ = clouds(seed, 340)
        refusal = fit_refusal(features[:40], labels[:40], features[40:79], 0.1)  # 39 set it
        refused.append(refusal.refuses(features[79:]).mean())
    assert 0.05 < np.mean(refused) < 0.13


def test_arrays_and_back():
    features, labels, others = clouds()
    refusal = fit_refusal(features, labels, features)
    arrays = refusal.arrays()
    assert all(isinstance(values, np.ndarray) for values in arrays.values())
    again = Refusal.from_arrays(arrays)
    np.testing.assert_array_equal(again.distances(others), refusal.distances(others))
    assert again.threshold == refusal.threshold


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"points": np.zeros((2, 3))}, "have the shapes"),
        ({"points": np.zeros((0, 2))}, "have the shapes"),
        ({"centre": np.zeros(4)}, "have the shapes"),
        ({"projection": np.full((2, 3), np.nan)}, "finite"),
        ({"threshold": np.array([-1.0])}, "threshold is -1"),
        ({"threshold": np.array([np.nan])}, "threshold is nan"),
        ({"threshold": np.array([1.0, 2.0])}, "has 2"),
        ({"centre": np.array(["a", "b", "c"])}, "numbers alone"),
        ({"centre": None}, "lacks its centre"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, told):
    arrays = {
        "points": np.zeros((2, 2)),
        "projection": np.ones((2, 3)),
        "centre": np.zeros(3),
        "threshold": np.array([1.0]),
    }
    Refusal.from_arrays(arrays)
    with pytest.raises(ParameterError, match=told):
        Refusal.from_arrays({name: value for name, value in {**arrays, **change}.items() if value is not None})


@pytest.mark.parametrize(
    ("features", "labels", "held", "share", "told"),
    [
        (np.ones((2, 3)), [0, 1], np.ones((1, 4)), 0.05, r"\(N, 3\)"),
        (np.ones((2, 3)), [0, 1], np.ones((0, 3)), 0.05, "validation features have the shape"),
        (np.ones((2, 3)), [0], np.ones((1, 3)), 0.05, r"labels of shape \(1,\) for 2 pictures"),
        (np.full((2, 3), np.nan), [0, 1], np.ones((1, 3)), 0.05, "not finite"),
        (np.ones((2, 3)), [0, 1], np.ones((1, 3)), 0, "false refusals is 0"),
        (np.ones((2, 3)), [0, 1], np.ones((1, 3)), 1.0, "false refusals is 1"),
    ],
)
def test_what_cannot_be_fitted(features, labels, held, share, told):
    with pytest.raises(ParameterError, match=told):
        fit_refusal(features, labels, held, share)


def test_one_picture_a_class_is_enough_to_go_on():
    refusal = fit_refusal(np.eye(2, 5, dtype=np.float32), [0, 1], np.eye(2, 5, dtype=np.float32))
    assert refusal.refuses(np.eye(5, dtype=np.float32)).tolist() == [False, False, True, True, True]


def test_the_promise_says_on_how_much_it_rests():
    # Of n = 12 the largest is the threshold: 1 / 13 is expected, and 1 − 0.05^(1/12) = 22 % the 95 % quantile.
    assert promise(12) == (
        "About 8% of new pictures of your classes will be refused, and hardly more than 22%. "
        "It rests on 12 held-out pictures; 19 or more allow 5%."
    )
    assert promise(1000).startswith("About 5% of new pictures of your classes will be refused, and hardly more than 6%")
    assert promise(19).endswith("It rests on 19 held-out pictures.")
    assert promise(10, 0.09).endswith("It rests on 10 held-out pictures."), "1 / 11 is 9%, too"
    assert "1 held-out picture;" in promise(1)
    assert promise(12, 1 - 1e-12) == promise(12, 0.99), "the least of them is the threshold"
    with pytest.raises(ParameterError, match="0 validation pictures"):
        promise(0)


def test_what_is_promised_is_what_happens():
    """The share of uniform distances beyond the k-th smallest of n is the very same for any distribution."""
    rng = np.random.default_rng(0)
    beyond = 1 - np.sort(rng.random((4000, 39)))[:, module._rank(39, 0.1) - 1]
    assert beyond.mean() == pytest.approx(0.1, abs=0.005)
    assert f"hardly more than {np.quantile(beyond, 0.95):.0%}" in promise(39, 0.1)


def test_what_is_promised_of_groups_is_what_happens_to_new_ones():
    """39 scenes of 1 to 9 pictures: by pictures, more of a new scene are refused than was said."""
    rng, refused = np.random.default_rng(0), {True: [], False: []}
    for _ in range(600):
        sizes = rng.integers(1, 10, 39)
        groups = np.repeat(range(39), sizes)
        distances = (rng.normal(5, 1, 39)[groups] + rng.normal(0, 0.3, len(groups))).astype(np.float32)
        order = distances.argsort()
        for by_groups in refused:
            own = groups[order] if by_groups else groups[:0]
            limit = module.threshold_of(distances[order], own, 0.1)
            refused[by_groups].append(1 - norm.cdf(limit, 5, np.hypot(1, 0.3)))
    assert 0.07 < np.mean(refused[True]) < 0.105
    most = float(re.search(r"hardly more than (\d+)%", promise(200, 0.1, 39))[1]) / 100
    assert np.mean(np.array(refused[True]) > most) < 0.09
    fewer = float(re.search(r"hardly more than (\d+)%", promise(200, 0.1))[1]) / 100
    assert np.mean(np.array(refused[False]) > fewer) > 0.15


def test_pictures_of_one_scene_count_as_one():
    features, labels, _ = clouds(count=120)
    scenes = np.arange(60) // 5
    refusal = fit_refusal(features[:60], labels[:60], features[60:], groups=scenes)
    assert refusal.different == 12
    assert refusal.share == pytest.approx(1 / 13)
    assert not refusal.refuses(features[60:]).any(), "of twelve none can be spared"
    told = "About 8% of new pictures of your classes will be refused, and hardly more than 22%. "
    told += "It rests on 60 held-out pictures, 12 different; 19 or more different ones allow 5%."
    assert refusal.promise(0.05) == promise(60, 0.05, 12) == told
    again = Refusal.from_arrays(refusal.arrays())
    assert (again.promise(0.05), again.share) == (told, refusal.share)
    assert refusal.at(0.3).threshold < refusal.threshold
    assert 1 / 13 < refusal.at(0.3).share <= 0.3
    alone = fit_refusal(features[:60], labels[:60], features[60:], groups=range(60))
    assert alone.arrays().keys() == fit_refusal(features[:60], labels[:60], features[60:]).arrays().keys()
    for wrong in (lambda: replace(refusal, groups=[1]), lambda: fit_refusal(features, labels, features, 0.1, [1, 2])):
        with pytest.raises(ParameterError, match="each needs one"):
            wrong()


def test_another_share_can_be_chosen_by_what_it_was_set_by():
    features, labels, _ = clouds(count=120)
    refusal = fit_refusal(features[:60], labels[:60], features[60:])
    assert refusal.share == pytest.approx(3 / 61)  # the 58th of 60 distances is the limit
    for share in (0.01, 0.05, 0.2, 0.5):
        chosen = refusal.at(share)
        expected = fit_refusal(features[:60], labels[:60], features[60:], share)
        assert chosen.threshold == expected.threshold
        assert chosen.share == pytest.approx(max(share, 1 / 61), abs=1 / 60)
        again = Refusal.from_arrays(chosen.arrays())
        assert (again.threshold, again.share) == (chosen.threshold, chosen.share)
    assert refusal.at(0.5).refuses(features[60:]).mean() == pytest.approx(0.5, abs=0.03)
    with pytest.raises(ParameterError, match=r"false refusals is 1\.5"):
        refusal.at(1.5)


def test_a_refusal_of_before_says_that_its_share_is_not_known():
    old = Refusal([[0, 0]], [[1, 0, 0], [0, 2, 0]], [0.5, 0, 0], threshold=1.0)
    assert old.share is None
    assert "held_out" not in old.arrays()
    with pytest.raises(ParameterError, match="does not say by which pictures its refusal was set"):
        old.at(0.1)


@pytest.mark.parametrize(
    ("refused", "right", "told"),
    [
        (0, 0, "Of 60 pictures, none would be refused as “none of these”."),
        (1, 1, "Of 60 pictures, 1 would be refused as “none of these”, and still counts above by the class that it is"),
        (1, 1, "most like: as right."),
        (1, 0, "most like: as wrong."),
        (3, 3, "Of 60 pictures, 3 would be refused as “none of these”, and still count above by the class that they"),
        (3, 3, "are most like: 3 as right."),
        (3, 2, "most like: 2 as right and 1 as wrong."),
    ],
)
def test_what_a_figure_makes_of_refused_pictures_is_told(refused, right, told):
    assert told in still_counted(refused, right, "60 pictures")


def test_the_least_share_that_so_few_pictures_allow_is_told():
    features, labels, _ = clouds(count=60)
    refusal = fit_refusal(features[:38], labels[:38], features[38:60])  # 22 set it
    assert refusal.short_of(0.001) == "on 22 held-out pictures, 4% is the least"
    assert refusal.short_of(0.05) == refusal.short_of(0.5) == ""
    assert refusal.promise(0.001).endswith("It rests on 22 held-out pictures; 999 or more allow 0.1%.")
    assert "; 39 or more allow 2.5%." in refusal.promise(0.025)
    assert promise(1500, 0.001).startswith("About 0.1% of new pictures of your classes will be refused")
    grouped = fit_refusal(features[:38], labels[:38], features[38:60], groups=np.arange(22) // 2)
    assert grouped.short_of(0.001) == "on 22 held-out pictures, 11 different, 8% is the least"
    assert replace(refusal, held_out=refusal.held_out[:0]).short_of(0.001) == "", "nobody knows"
