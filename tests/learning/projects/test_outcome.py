"""Outcomes: they come back as they were, what does not fit is refused, and two of them are compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from visionlab.errors import ParameterError
from visionlab.learning.judging.metrics import mcnemar
from visionlab.learning.projects.outcome import Outcome, compare
from visionlab.packing import packed, unpacked


def outcome(**changed) -> Outcome:
    fields = {
        "classes": ("cats", "dogs"),
        "pictures": [7, 3, 9],
        "truth": [0, 1, 1],
        "probabilities": [[0.75, 0.25], [0.5, 0.5], [0.1, 0.9]],
        "trained_on": [1, 2],
        "trained_labels": [0, 1],
    }
    return Outcome(**(fields | changed))


@pytest.mark.parametrize(
    "kept",
    [
        outcome(),
        outcome(classes=("“Käse”\n", "é" * 300)),
        outcome(pictures=[], truth=[], probabilities=np.zeros((0, 2), np.float32)),
    ],
    ids=["plain", "names", "nothing held out"],
)
def test_it_comes_back_as_it_was(kept):
    back = Outcome.from_bytes(kept.to_bytes())
    assert back.classes == kept.classes
    for name, dtype in (("pictures", "i8"), ("truth", "i8"), ("probabilities", "f4"), ("trained_on", "i8")):
        assert getattr(back, name).dtype == dtype
        np.testing.assert_array_equal(getattr(back, name), getattr(kept, name))


def test_it_says_where_it_is_right():
    assert outcome().right.tolist() == [True, False, True], "of equals, the first class counts"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"truth": [0, 1]}, "3 pictures of 2 classes"),
        ({"probabilities": [[1.0, 0.0, 0.0]] * 3}, "probabilities of shape (3, 3)"),
        ({"truth": [0, 2, 1]}, "names class 2"),
        ({"trained_labels": [0, -1]}, "names class -1"),
        ({"trained_labels": [0]}, "2 pictures with 1 labels"),
        ({"trained_on": [1, 7]}, "Picture 7 occurs twice"),
        ({"pictures": [3, 3, 9]}, "Picture 3 occurs twice"),
        ({"pictures": [1.5, 2.5, 3.5]}, "pictures are float64"),
        ({"probabilities": [[np.nan, 0.5]] * 3}, "no finite numbers"),
    ],
)
def test_what_does_not_fit_is_refused(changed, told):
    with pytest.raises(ParameterError) as raised:
        outcome(**changed)
    assert told in str(raised.value)


def without(field: str) -> bytes:
    about, arrays = unpacked(outcome().to_bytes())
    return packed(about, {name: values for name, values in arrays.items() if name != field})


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", outcome().to_bytes()[:-4], without("truth"), packed({"format": "another"}, {})],
    ids=["empty", "text", "cut", "no truth", "another file"],
)
def test_bytes_that_are_none_are_refused(data):
    with pytest.raises(ParameterError, match="damaged"):
        Outcome.from_bytes(data)


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_any_damage_is_a_sentence(junk, place):
    data = outcome().to_bytes()
    place %= len(data)
    damaged = data[:place] + junk + data[place + len(junk) :]
    try:
        back = Outcome.from_bytes(damaged)
    except ParameterError:
        return
    assert len(back.classes) == 2


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (2, 6), (6, 2), (5, 5), (0, 12), (300, 340)])
def test_mcnemar_is_the_binomial_test(b, c):
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-9)


def test_two_are_compared_on_what_both_held_out_under_one_name():
    sure = {0: [1.0, 0.0], 1: [0.0, 1.0]}
    one = outcome(pictures=[1, 2, 3, 4, 5], truth=[0, 0, 1, 1, 1], trained_on=[], trained_labels=[],
                  probabilities=[sure[k] for k in (0, 1, 1, 0, 1)])  # fmt: skip
    # The classes in another order, picture 5 relabelled, picture 1 not held out, picture 6 held out here alone.
    two = outcome(classes=("dogs", "cats"), pictures=[6, 5, 4, 3, 2], truth=[0, 1, 0, 0, 1], trained_on=[],
                  trained_labels=[], probabilities=[sure[k] for k in (0, 1, 0, 0, 1)])  # fmt: skip
    found = compare(one, two)
    assert (found.pictures, found.first_right, found.second_right) == (3, 1, 3)
    assert (found.only_first, found.only_second, found.p) == (0, 2, 0.5)
    other_way = compare(two, one)
    assert (other_way.only_first, other_way.only_second, other_way.p) == (2, 0, 0.5)
    apart = compare(one, outcome(pictures=[7, 8, 9]))
    assert (apart.pictures, apart.p) == (0, 1.0)
