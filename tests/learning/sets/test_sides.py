from dataclasses import replace

import numpy as np
import pytest

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.sides import BURST, sides


def both(*arguments):
    found = sides(*arguments)
    return found.train, found.held_out


def in_parts(*counts):
    """Two classes that come in parts of so many pictures each: train, validation, test."""
    parts = np.repeat(["train", "validation", "test"][: len(counts)], counts).tolist()
    places, labels = np.arange(2 * len(parts)), np.repeat([0, 1], len(parts))
    return LabelledImages(places, labels, ("a", "b"), places, [""] * len(places), parts=parts * 2)


def test_the_sets_own_parts_are_the_sides():
    data = in_parts(5, 3, 2)
    train, held_out = both(data, None, 0)
    assert {data.parts[place] for place in train} == {"train"}
    assert {data.parts[place] for place in held_out} == {"validation"}
    assert (len(train), len(held_out)) == (10, 6)
    train, held_out = both(data, 0.25, 0)  # of all but the test part
    assert "test" not in {data.parts[place] for place in (*train, *held_out)}
    assert (len(train), len(held_out)) == (12, 4)


def test_copies_across_parts_are_learned_from_on_neither_side():
    data = in_parts(5, 3, 2)
    groups = data.groups.copy()
    groups[5] = groups[0]  # a held-out picture is a copy of one to learn from
    groups[8] = groups[1]  # and one of the test part of another
    train, held_out = both(replace(data, groups=groups), None, 0)
    assert 5 in held_out
    assert not {0, 1} & {*train.tolist()}
    train, held_out = both(replace(data, groups=groups), 0.5, 0)
    assert not {1, 8} & {*train.tolist(), *held_out.tolist()}


def test_copies_across_parts_are_counted_and_told():
    data = in_parts(5, 3, 2)
    assert sides(data, None, 0).told == ""
    groups = data.groups.copy()
    groups[5], groups[6], groups[8] = groups[0], groups[1], groups[1]
    found = sides(replace(data, groups=groups), None, 0)
    assert found.copies == 3  # 0 and 1, and 6, which would be held out, were it not in the test part, too
    told = "3 pictures are not learned from: the set’s held-out or test part has the same, or all but the same."
    assert found.told == told
    assert sides(replace(data, groups=groups), 0.5, 0).copies == 2
    assert sides(replace(data, groups=groups), 0, 0).told.startswith("2 pictures are not learned from")


def test_why_a_class_has_nothing_to_learn_from_is_the_true_reason():
    data = in_parts(2, 2, 2)
    groups = data.groups.copy()
    groups[[0, 1]] = groups[4]  # of “a”, all of the training part are in the test part, too
    with pytest.raises(
        DatasetError, match="Each picture of “a” to learn from is in the set’s validation and test part"
    ):
        sides(replace(data, groups=groups), None, 0)
    groups[[2, 3]] = groups[4]
    with pytest.raises(DatasetError, match="Each picture of “a” to learn from is in the set’s test part, too"):
        sides(replace(data, groups=groups), 0.25, 0)
    alone = replace(data, parts=["test"] * 6 + [*data.parts[6:]])
    for share in (None, 0.25):
        with pytest.raises(
            DatasetError, match="All pictures of “a” are in the set’s test part; put some to learn from"
        ):
            sides(alone, share, 0)
    without = replace(data, classes=("a", "b", "c"))
    with pytest.raises(DatasetError, match="“c” has no picture; add some or leave the class out"):
        sides(without, 0.25, 0)


def test_a_set_without_a_part_to_hold_out_holds_out_the_usual_share():
    found, usual = sides(in_parts(4), None, 0), sides(in_parts(4), 0.25, 0)
    assert found.held_out.tolist() == usual.held_out.tolist() != []
    lacking = replace(in_parts(2, 2), parts=["train", "train", "validation", "validation"] + ["validation"] * 4)
    with pytest.raises(DatasetError, match="All pictures of “b” are in the set’s validation part"):
        sides(lacking, None, 0)


@pytest.mark.parametrize("share", [1, -0.3, 1.5, 25, float("nan")])
@pytest.mark.parametrize("of_bursts", [True, False])
def test_a_share_outside_is_refused_and_not_cut_to_what_is_there(share, of_bursts):
    data = bursts(20, 20, groups=None if of_bursts else np.arange(40))
    with pytest.raises(ParameterError, match=f"is {share:g}; it must lie between 0 and 1, like 0.25"):
        sides(data, share, 0)


@pytest.mark.parametrize("share", [0.25, 0, None])
def test_a_negative_seed_is_refused_whatever_is_held_out(share):
    with pytest.raises(ParameterError, match="The seed is -1"):
        sides(in_parts(5, 3), share, -1)


def bursts(*sizes, groups=None):
    """Classes of so many pictures, in the order in which they were taken, each a group of its own unless told."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    names = tuple("abcde"[: len(sizes)])
    places = np.arange(len(labels))
    return LabelledImages(places, labels, names, labels if groups is None else groups, [""] * len(places))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("count", [BURST, 9, 19, 60])
def test_a_class_of_one_burst_is_parted_by_time(count, share):
    found = sides(bursts(count, count), share, 0)
    for first in (0, count):
        own = np.arange(first, first + count)
        train, held_out = (np.intersect1d(side, own) for side in (found.train, found.held_out))
        assert train.tolist() == own[: len(train)].tolist()
        assert held_out.tolist() == own[-len(held_out) :].tolist()
        assert len(train) >= 1
        gap = held_out[0] - train[-1] - 1
        assert gap == max(1, round(count / 10)), "what lies between is all but a copy of either"
        assert abs(len(held_out) - share * count) <= max(0.5, share * count - (count - gap - 1))
    assert found.by_time == ("a", "b")
    assert found.told.startswith("Of “a” and “b” there is one burst: its last pictures are held out.")


def test_a_burst_beside_other_classes_leaves_these_as_they_are():
    groups = np.concatenate([np.zeros(19), np.arange(1, 21), np.arange(30, 50)]).astype(int)
    data = bursts(19, 20, 20, groups=groups)
    found = sides(data, 0.25, 3)
    assert np.bincount(data.labels[found.held_out]).tolist() == [5, 5, 5]
    assert found.held_out[:5].tolist() == [14, 15, 16, 17, 18]
    assert found.by_time == ("a",)
    expected = data.subset(np.flatnonzero(data.labels > 0))
    places = LabelledImages(expected.images, expected.labels - 1, ("b", "c"), expected.groups, expected.names)
    assert found.held_out[5:].tolist() == list(places.split(0.25, 3)[1].images)
    whole = replace(data, groups=np.arange(len(data)))
    assert sides(whole, 0.25, 3).told == ""


@pytest.mark.parametrize("kind", [{}, {"alone": True}])
def test_a_class_too_small_for_that_trains_with_nothing_held_out(kind):
    found = sides(bursts(BURST - 1, 40), 0.25, 0, **kind)
    assert (len(found.train), len(found.held_out)) == (BURST - 1 + 40, 0)
    assert found.unchecked == ("a",)
    assert "the pictures of “a” are too few" in found.told
    with pytest.raises(DatasetError, match="“a” has 7 pictures, all of one group"):
        sides(bursts(BURST - 1, 40), 0.25, 0, needed=True)


def test_one_picture_of_a_class_is_enough_for_some_kinds_alone():
    assert len(sides(bursts(1, 40), 0.25, 0, alone=True).held_out) == 0
    with pytest.raises(DatasetError, match="“a” has 1 picture; a split needs two"):
        sides(bursts(1, 40), 0.25, 0)
    with pytest.raises(DatasetError, match="“a” has no picture"):
        sides(bursts(0, 40), 0.25, 0, alone=True)
    with pytest.raises(DatasetError, match="1 class; two or more"):
        sides(bursts(40), 0.25, 0)


def test_many_bursts_are_named_by_the_first_of_them():
    assert sides(bursts(*[20] * 5), 0.25, 0).told.startswith("Of “a”, “b”, “c” and 2 more there is")


def test_nothing_held_out_on_request_is_told_by_whoever_asked():
    found = sides(bursts(20, 20), 0, 0)
    assert (len(found.train), found.told) == (40, "")
