import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.features.regression import STRENGTHS, Regression
from visionlab.learning.judging.suspects import _Checked, check_labels, suspected_labels

CLASSES = ("cats", "dogs", "birds")


def separable(seed: int = 0, count: int = 60, classes: int = 3):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = 4 * np.eye(classes).repeat(6, axis=1)
    return (centres[labels] + rng.normal(0, 0.05, (count, 6 * classes))).astype(np.float32), labels


@settings(deadline=None, max_examples=8)
@given(st.tuples(*[st.integers(0, 19)] * 3), st.integers(0, 20))
def test_flipped_labels_of_separable_pictures_are_found_and_mended(places, seed):
    features, labels = separable(seed)
    flipped = {3 * place + kind for kind, place in enumerate(places)}  # one of each class
    given_labels = labels.copy()
    given_labels[list(flipped)] = (labels[list(flipped)] + 1) % 3
    found = suspected_labels(features, given_labels, np.arange(60), CLASSES)
    assert {suspect.index for suspect in found} == flipped
    for suspect in found:
        assert suspect.label == given_labels[suspect.index]
        assert suspect.suggestion == labels[suspect.index]
        assert 0.5 < suspect.probability <= 1
    assert [s.own for s in found] == sorted(s.own for s in found)


def test_they_are_those_that_regressions_of_other_folds_call_something_else():
    rng = np.random.default_rng(0)
    features, labels = separable(count=90)
    features += rng.normal(0, 8, features.shape).astype(np.float32)
    groups = np.arange(90)
    found = Regression(features, labels, 3).out_of_sample(groups, 0)
    suspects = suspected_labels(features, labels, groups, CLASSES)
    assert len(suspects) == (found.logits.argmax(1) != labels).sum() > 2
    p = softmax(found.logits, axis=1)
    for each in suspects:
        assert (each.suggestion, each.probability) == (p[each.index].argmax(), p[each.index].max())
        assert each.own == p[each.index, labels[each.index]]


def test_two_alike_that_are_both_wrong_are_found_among_very_sure_heads():
    """Their twin vouches for each, so that the right class is less probable than it is for pictures of that class."""
    features, labels = separable(seed=1)
    features[3] = features[0] = (features[0] + 0.2 * features[1]) / 1.2
    labels[[0, 3]] = 1
    found = suspected_labels(features, labels, np.arange(60), CLASSES)
    assert {suspect.index for suspect in found} == {0, 3}


def test_right_labels_are_not_suspected():
    features, labels = separable()
    assert suspected_labels(features, labels, np.arange(60), CLASSES) == []


def test_a_copy_does_not_vouch_for_its_own_wrong_label():
    features, labels = separable()
    features = np.repeat(features, 2, axis=0)
    labels = np.repeat(labels, 2)
    labels[[0, 1]] = 1  # both copies of one cat
    found = suspected_labels(features, labels, np.arange(120) // 2, CLASSES)
    assert {suspect.index for suspect in found} == {0, 1}


def test_a_class_of_one_group_is_neither_suspected_nor_suggested():
    features, labels = separable()
    groups = np.where(labels == 2, 1000, np.arange(60))
    labels[0], labels[4] = 1, 2  # a cat called a dog; a dog called a bird, beside the one group of birds
    groups[4] = 1000
    found = suspected_labels(features, labels, groups, CLASSES)
    assert [(suspect.index, suspect.label, suspect.suggestion) for suspect in found] == [(0, 1, 0)]


def test_empty_classes_do_not_matter_and_progress_is_told():
    features, labels = separable(classes=2)
    told = []
    labels = labels.copy()
    labels[0] = 1
    found = suspected_labels(
        features, labels + 1, np.arange(60), ("none", "a", "b", "none either"), progress=lambda *a: told.append(a)
    )
    assert [(suspect.index, suspect.label, suspect.suggestion) for suspect in found] == [(0, 2, 1)]
    assert told == [(done, len(STRENGTHS)) for done in range(1, len(told) + 1)]


def test_the_same_seed_gives_the_same_suspects():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(0, 1, (40, 5)).astype(np.float32), rng.integers(0, 2, 40)
    one, two = (suspected_labels(features, labels, np.arange(40), CLASSES[:2], seed=3) for _ in range(2))
    assert one == two


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=2, max_size=14), st.integers(0, 50))
def test_any_few_pictures_give_suspects_or_a_sentence(pictures, seed):
    labels, groups = np.array(pictures).T
    features = np.random.default_rng(seed).normal(0, 1, (len(labels), 3)).astype(np.float32)
    if sum(len(set(groups[labels == one])) > 1 for one in range(3)) < 2:
        with pytest.raises(DatasetError, match="Add pictures"):
            suspected_labels(features, labels, groups, CLASSES)
    else:
        found = suspected_labels(features, labels, groups, CLASSES)
        assert all(suspect.suggestion != suspect.label == labels[suspect.index] for suspect in found)


def test_what_cannot_be_checked():
    features, labels = separable()
    with pytest.raises(DatasetError, match="here are 1"):
        suspected_labels(features, np.zeros(60, int), np.arange(60), CLASSES)
    with pytest.raises(ParameterError, match="59 labels"):
        suspected_labels(features, labels[1:], np.arange(60), CLASSES)


def test_the_check_of_labels_is_tested_and_says_where_features_are_too_weak():
    rng = np.random.default_rng(0)
    features, labels = separable()
    given_labels = labels.copy()
    given_labels[[3, 7]] = (labels[[3, 7]] + 1) % 3
    told = []
    good = check_labels(features, given_labels, np.arange(60), CLASSES, progress=lambda *a: told.append(a))
    assert {suspect.index for suspect in good.suspects} == {3, 7}
    assert (good.checked, good.planted, good.is_too_weak) == (60, 20, False)
    assert good.found > 17, "all but those that made a wrong label right again"
    assert told[-1][0] == told[-1][1]
    noise = check_labels(rng.normal(0, 1, (60, 8)).astype(np.float32), labels, np.arange(60), CLASSES)
    assert noise.is_too_weak
    assert noise.found < 9, "about a tenth of twenty, which chance finds"
    assert len(noise.suspects) <= 6


def test_copies_are_made_wrong_together_and_each_class_stays():
    features, labels = separable(count=12)
    case = _Checked(features.repeat(2, 0), labels.repeat(2), np.arange(24) // 2, CLASSES)
    wrong, places = case.planted(20, np.random.default_rng(0))
    assert (wrong != case.labels).nonzero()[0].tolist() == sorted(places)
    assert {place ^ 1 for place in places.tolist()} == set(places.tolist())
    assert set(wrong) == {0, 1, 2}
