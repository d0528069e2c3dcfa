import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from photographs import loaded, photographs
from scipy.special import softmax
from scipy.stats import entropy as scipys_entropy

from visionlab.errors import ParameterError
from visionlab.network.running.certainty import SURE, entropy, in_words, margin, rank, tempered
from visionlab.network.running.prediction import probabilities

LOGITS = arrays(np.float64, st.integers(2, 30), elements=st.floats(-20, 20))


@given(LOGITS, st.floats(0.2, 5))
def test_tempering_probabilities_is_dividing_logits(logits, temperature):
    expected = softmax(logits / temperature)
    np.testing.assert_allclose(tempered(softmax(logits), temperature), expected, rtol=1e-4, atol=1e-7)


def test_what_is_certain_stays_certain():
    assert tempered(np.array([1, 0, 0], np.float32), 3).tolist() == [1, 0, 0]


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_no_temperature(temperature):
    with pytest.raises(ParameterError, match="no temperature"):
        tempered(np.array([0.5, 0.5]), temperature)


@given(LOGITS)
def test_entropy_is_scipys(logits):
    p = softmax(logits)
    assert entropy(p) == pytest.approx(scipys_entropy(p, base=2), abs=1e-6)
    assert 0 <= entropy(p) <= np.log2(len(p)) + 1e-9


def test_by_hand():
    p = np.array([0.1, 0.6, 0.25, 0.05], np.float32)
    assert margin(p) == pytest.approx(0.35)
    assert [rank(p, i) for i in range(4)] == [3, 1, 2, 4]
    assert rank(np.array([0.4, 0.4, 0.2]), 1) == 1
    assert entropy(np.array([0.5, 0.5])) == 1
    assert entropy(np.array([1.0, 0.0])) == 0
    assert margin(np.array([1.0])) == 1


@pytest.mark.parametrize(
    ("p", "words"),
    [
        ([0.9, 0.1], "sure"),
        ([0.48, 0.45, 0.07], "torn between two"),
        ([0.27, 0.24, *[0.01] * 49], "torn between two"),
        ([0.18, 0.11, 0.11, *[0.01] * 60], "unsure"),  # between many
        ([0.5, 0.3, 0.2], "leaning to one"),
        ([0.2, 0.05, *[0.75 / 99] * 99], "unsure"),
        ([0.01] * 100, "unsure"),
    ],
)
def test_in_words(p, words):
    assert in_words(np.array(p)) == words


@pytest.mark.parametrize(("name", "every"), [("vgg16-tinyimagenet", 1), ("vgg16-oxford", 2), ("efficientnet_lite0", 1)])
def test_the_words_mean_the_same_for_two_hundred_classes_and_for_a_thousand(name, every):
    """The slowest network on every other photograph."""
    net = loaded(name)
    pictures = [(label, image) for label, image in photographs()[::every] if label in net.labels]
    table = probabilities(net, [image for _, image in pictures])
    words = np.array([in_words(row) for row in table])
    right = np.array([net.labels[row.argmax()] == label for row, (label, _) in zip(table, pictures, strict=True)])
    top = table.max(1).astype(float)
    for word in set(words):  # each word's pictures are right as often as they are said to be, but for chance
        of = words == word
        chance = np.sqrt((top[of] * (1 - top[of])).sum() + 1)
        assert abs(right[of].sum() - top[of].sum()) < 3 * chance, word
    assert right[words == "sure"].mean() > SURE
    assert right[words == "sure"].mean() > right[words != "sure"].mean() + 0.15
