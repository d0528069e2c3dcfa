import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learning.conftest import striped
from sklearn.metrics import f1_score, log_loss
from tiny import tiny_classifier

from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import encode_jpeg, load_image
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.learning.heads.training import fit, train_head
from visionlab.learning.judging.evaluation import UNKNOWN, assess, f1_interval, macro_f1, score
from visionlab.learning.judging.metrics import evaluate, wilson
from visionlab.learning.judging.refusal import Refusal, fit_refusal
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.prediction import probabilities

CLASSES = ("cats", "dogs", "birds")
TRUTH = np.array([0, 0, 1, 1, 1, 2])
TABLE = np.array(
    [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.05, 0.05, 0.9], [0.4, 0.3, 0.3]]
)


def test_an_evaluation_computed_by_hand():
    found = assess(TRUTH, TABLE, CLASSES, names="abcdef")
    assert found.classes == CLASSES
    assert found.predicted.tolist() == [0, 1, 1, 1, 2, 0]
    assert found.report.accuracy == 0.5
    np.testing.assert_allclose(found.losses, -np.log([0.8, 0.2, 0.8, 0.4, 0.05, 0.3]))
    assert found.losses.mean() == pytest.approx(log_loss(TRUTH, TABLE))
    assert found.worst().tolist() == [4, 1, 5, 3, 0, 2]
    assert found.cell(1, 1).tolist() == [2, 3]  # the surest first
    assert found.cell(0, 1).tolist() == [1]
    assert found.cell(2, 2).tolist() == []
    assert found.f1 == pytest.approx(f1_score(TRUTH, found.predicted, average="macro"))
    assert found.quadrants(1).false_positives.tolist() == [1]
    assert found.roc(2).area == pytest.approx(3.5 / 5)  # 0.3 beats three 0.1s, ties with a 0.3, loses to 0.9
    assert found.reliability.count.sum() == 6
    assert found.refused.tolist() == []
    assert found.names == tuple("abcdef")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_macro_f1_agrees_with_scikit_learn_and_cells_part_the_pictures(pairs):
    truth, predicted = np.array(pairs).T
    confusion = evaluate(truth, predicted, "abcd").confusion
    assert macro_f1(confusion) == pytest.approx(f1_score(truth, predicted, average="macro", zero_division=0))
    found = assess(truth, np.full((len(pairs), 4), 0.1) + 0.6 * np.eye(4)[predicted], tuple("abcd"))
    cells = {(i, j): found.cell(i, j) for i in range(4) for j in range(4)}
    assert sorted(np.concatenate(list(cells.values()))) == list(range(len(pairs)))
    assert all(len(cells[i, j]) == confusion[i, j] for i, j in cells)
    low, high = f1_interval(confusion)
    assert 0 <= low <= high <= 1


def test_the_bootstrap_agrees_with_drawing_pictures():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 60)
    predicted = np.where(rng.random(60) < 0.7, truth, rng.integers(0, 3, 60))
    drawn = []
    for _ in range(800):
        some = rng.integers(0, 60, 60)
        drawn.append(f1_score(truth[some], predicted[some], average="macro", zero_division=0))
    interval = f1_interval(evaluate(truth, predicted, CLASSES).confusion)
    np.testing.assert_allclose(interval, np.quantile(drawn, (0.025, 0.975)), atol=0.025)
    assert interval == f1_interval(evaluate(truth, predicted, CLASSES).confusion, seed=0)


def test_all_right_and_all_wrong():
    right = assess(TRUTH, np.eye(3)[TRUTH], CLASSES)
    assert right.report.accuracy == right.f1 == 1
    assert right.f1_interval == right.report.interval == wilson(6, 6)
    assert right.losses.tolist() == [0] * 6
    assert [right.roc(k).area for k in range(3)] == [1, 1, 1]
    wrong = assess(TRUTH, np.eye(3)[(TRUTH + 1) % 3], CLASSES)
    assert wrong.report.accuracy == wrong.f1 == 0
    assert np.isfinite(wrong.losses).all()
    assert wrong.reliability.expected_error == 1


def test_two_pictures_and_a_class_that_is_absent():
    found = assess([0, 1], [[0.6, 0.4, 0], [0.5, 0.5, 0]], CLASSES)
    assert np.isnan(found.roc(2).area)
    assert found.f1 == pytest.approx(1 / 3)  # cats: 2 / 3; dogs: 0, of equals the first wins; birds do not occur
    assert found.names == ("1", "2")
    told = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert told["per_class"]["roc_area"][2] is None
    assert told["per_class"]["pictures"] == [1, 1, 0]


def test_the_summary_is_plain_and_complete():
    refusal = Refusal([[0.0, 0, 0]], np.eye(3), [0.0, 0, 0], threshold=0.5)
    found = assess(TRUTH, TABLE, CLASSES, features=np.eye(3, dtype=np.float32)[TRUTH], refusal=refusal)
    told = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert told["accuracy"] == 0.5
    assert told["confusion"] == found.report.confusion.tolist()
    assert told["f1_interval"] == list(found.f1_interval)
    assert told["refused"] == 6
    assert told["loss"] == pytest.approx(log_loss(TRUTH, TABLE))


def test_what_is_refused_the_farthest_first():
    refusal = Refusal([[0.0, 0, 0]], np.diag([1.0, 2, 3]), [0.0, 0, 0], threshold=1.5)
    found = assess(TRUTH, TABLE, CLASSES, features=np.eye(3, dtype=np.float32)[TRUTH], refusal=refusal)
    np.testing.assert_allclose(found.distances, TRUTH + 1)
    assert found.refused.tolist() == [5, 2, 3, 4]


@pytest.mark.parametrize(
    ("truth", "table", "more", "told"),
    [
        ([0, 1], [[0.5, 0.5, 0]], {}, "1 predictions for 2 pictures"),
        ([0], [[0.5, 0.5]], {}, r"\(N, 3\) is needed"),
        ([0], [[np.nan, 0.5, 0.5]], {}, "picture 1 are"),
        ([3], [[0, 0.5, 0.5]], {}, "names no class"),
        ([], np.zeros((0, 3)), {}, "N of 1 or more"),
        ([0], [[1, 0, 0]], {"names": ["a", "b"]}, "2 names for 1"),
        (
            [0],
            [[1, 0, 0]],
            {"features": np.ones((2, 1)), "refusal": Refusal([[0.0]], [[1.0]], [0.0], 1.0)},
            "features of 2 pictures for 1",
        ),
    ],
)
def test_what_cannot_be_assessed(truth, table, more, told):
    with pytest.raises(ParameterError, match=told):
        assess(truth, table, CLASSES, **more)


def head_for(net, data):
    features = embed(net, data.images)
    means = np.stack([features[data.labels == k].mean(0) for k in range(len(data.classes))])
    bias = -0.5 * (means**2).sum(1)
    return Head(means, bias, data.classes, net.name, net.embedding, network_fingerprint(net)), features


@pytest.mark.gpu
def test_a_folder_scored_on_its_own(tiny, stripes):
    head, features = head_for(tiny, stripes)
    mine = head.as_classifier(tiny)
    seen = []
    found = score(mine, stripes, lambda done, total: seen.append((done, total)))
    np.testing.assert_allclose(found.probabilities, probabilities(mine, stripes.images), atol=1e-5)
    assert found.truth.tolist() == stripes.labels.tolist()
    assert found.names == stripes.names
    assert found.distances is None
    assert (found.left_out, found.learned) == (UNKNOWN, None), "nobody wrote down what this head was made of"
    assert seen == [(32, 36), (36, 36)]
    refusal = fit_refusal(features, stripes.labels, features)
    measured = score(mine, stripes, refusal=refusal)
    np.testing.assert_allclose(measured.distances, refusal.distances(features), rtol=1e-3)


def test_folders_are_matched_by_name_and_strangers_left_out(stripes):
    net = tiny_classifier()
    head, features = head_for(net, stripes)
    rng = np.random.default_rng(1)
    flat = [np.full((64, 64, 3), shade, np.uint8) for shade in (0, 90, 255)]
    folder = LabelledImages.from_arrays({"Plain": [striped(2, rng)], "nothing": flat, "ACROSS": [striped(0, rng)]})
    found = score(head.as_classifier(net), folder)
    assert found.classes == ("across", "down", "plain")
    assert found.truth.tolist() == [2, 0]
    assert found.names == ("Plain 1", "ACROSS 1")
    assert found.left_out == f"3 pictures of “nothing” left out: the classifier has no such class. {UNKNOWN}"
    refusal = replace(fit_refusal(features, stripes.labels, features), threshold=0.0)
    told = score(head.as_classifier(net), folder, refusal=refusal).left_out
    assert "It refuses 3 of them as none of its own." in told


def test_pictures_that_were_learned_from_are_told_and_not_counted(stripes):
    net = tiny_classifier()
    rng = np.random.default_rng(1)
    mine = train_head(stripes, net, epochs=3).as_classifier(net)
    again = load_image(encode_jpeg(stripes.images[0], 80))  # of “across”
    turned = np.ascontiguousarray(load_image(encode_jpeg(stripes.images[1], 80))[:, ::-1])
    fresh = [striped(0, rng), striped(1, rng)]
    folder = LabelledImages.from_arrays(
        {"across": [stripes.images[2], again, fresh[0], turned], "down": [fresh[1]], "else": [stripes.images[3]]}
    )
    found = score(mine, folder)
    assert (found.learned, found.places.tolist(), found.names) == (3, [2, 4], ("across 3", "down 1"))
    assert found.report.confusion.sum() == 2
    assert "The head has learned 3 of these 5 pictures (copies and near-copies count): left out" in found.left_out
    np.testing.assert_allclose(found.probabilities, probabilities(mine, fresh), atol=1e-5)
    assert score(mine, LabelledImages.from_arrays({"across": fresh[:1], "down": fresh[1:]})).learned == 0
    with pytest.raises(DatasetError, match="has learned all of these 36 pictures, so they cannot tell how good it is"):
        score(mine, stripes)


def test_what_was_held_out_and_never_learned_counts(stripes):
    """A kind that does not learn from all in the end knows its held-out pictures no better than others."""
    net = tiny_classifier()
    run = fit(stripes, net, kind="mlp", epochs=3)
    for _ in run:
        pass
    found = score(run.head.as_classifier(net), stripes)
    assert found.places.tolist() == run.held_out.tolist()
    assert found.learned == len(run.train)


def test_what_cannot_be_scored(stripes):
    net = tiny_classifier()
    with pytest.raises(DatasetError, match=r"None of 36 pictures is of a class of tiny: .* class 0, class 1"):
        score(net, stripes)
    folder = LabelledImages.from_arrays({"class 3": [stripes.images[0]]})
    assert score(net, folder).truth.tolist() == [3]
    with pytest.raises(ParameterError, match="tiny has no head"):
        score(net, folder, refusal=Refusal([[0.0]], [[1.0]], [0.0], 1.0))


def test_scoring_leaves_the_network_as_it_was(stripes):
    net = tiny_classifier()
    head, _ = head_for(net, stripes)
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    score(head.as_classifier(net), stripes)
    assert all(torch.equal(value, before[name]) for name, value in net.module.state_dict().items())
