from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.utils import compute_sample_weight
from tiny import tiny_classifier

from visionlab.device import one_thread
from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.features.augmentation import view
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.regression import STRENGTHS, Regression, folds
from visionlab.learning.features.scaling import STRENGTH
from visionlab.learning.heads import descent, fine_tuning
from visionlab.learning.heads.head import load_head
from visionlab.learning.heads.kinds import KINDS, usual_kind, why_usual
from visionlab.learning.heads.linear import choose_strength
from visionlab.learning.heads.problem import Problem
from visionlab.learning.heads.training import fit, train_head
from visionlab.learning.judging.calibration import helpful_temperature
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.prediction import predict


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["relu7", "avgpool"])
def test_a_head_tells_apart_what_can_be_told_apart(tiny, stripes, layer):
    net = replace(tiny, embedding=layer)
    run = fit(stripes, net, seed=3, strength=0.05)
    (epoch,) = run
    assert epoch.train_loss < 0.3 * np.log(3), "far below that of saying nothing"
    assert run.report().accuracy == run.best.validation_accuracy >= 0.85
    assert run.head.classes == ("across", "down", "plain")
    answers = predict(run.head.as_classifier(net), [stripes.images[i] for i in run.held_out])
    right = [answer[0].index == stripes.labels[i] for answer, i in zip(answers, run.held_out, strict=True)]
    assert sum(right) / len(right) == pytest.approx(run.report().accuracy, abs=0.01)


def scaled(x: np.ndarray, learned: np.ndarray, own: float = 0.5) -> np.ndarray:
    """As a linear head learns from `learned`: each feature less its mean, over the root of its own and the mean
    variance, so weighted."""
    variance = learned.var(0)
    return (x - learned.mean(0)) / np.sqrt(own * variance + (1 - own) * variance.mean())


def test_the_head_is_scikit_learns_logistic_regression(stripes):
    net, strength = tiny_classifier(), 0.1
    run = fit(stripes, net, seed=1, strength=strength)
    next(iter(run))  # before all pictures are learned from
    x, y = embed(net, stripes.images), stripes.labels
    z = scaled(x, x[run.train])
    oracle = LogisticRegression(C=1 / (strength * len(run.train)), tol=1e-10, max_iter=5000)
    expected = oracle.fit(z[run.train], y[run.train]).predict_proba(z)
    logits = run.head.logits(x)
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_best_epoch_is_kept(stripes):
    run = fit(stripes, tiny_classifier(), kind="mlp", epochs=30)
    losses = [epoch.validation_loss for epoch in run]
    assert run.best.index == int(np.argmin(losses)) + 1
    assert run.head.facts["epoch"] == run.best.index


def test_stopping_early_keeps_the_best_so_far(stripes):
    run = fit(stripes, tiny_classifier())
    with pytest.raises(ParameterError, match="no head yet"):
        _ = run.head
    first = next(iter(run))
    assert run.best == first
    assert run.head.weights.shape == (3, 14)


def test_one_seed_one_head_and_held_out_pictures_are_not_learned_from(stripes):
    net = tiny_classifier()
    one, two = (train_head(stripes, net, seed=5, epochs=5) for _ in range(2))
    np.testing.assert_array_equal(one.weights, two.weights)
    run, other = (fit(stripes, net, seed=seed, epochs=5) for seed in (5, 6))
    assert not set(run.train) & set(run.held_out)
    assert set(run.held_out) != set(other.held_out)
    features = embed(net, stripes.images)
    features[run.held_out] += 100  # whatever is held out: it must not reach the weights
    spoilt = fit(stripes, net, features=features, seed=5, epochs=1)
    plain = fit(stripes, net, seed=5, epochs=1)
    next(iter(spoilt)), next(iter(plain))
    np.testing.assert_allclose(spoilt.head.weights, plain.head.weights, rtol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "prototype"])
def test_in_the_end_all_pictures_are_learned_from_and_what_is_told_is_from_before(kind):
    data, x = blobs(120, 10)
    net = tiny_classifier()
    run = fit(data, net, kind=kind, features=x, strength=0.1, epochs=5)
    ((epoch, before, probabilities, report),) = [(e, run.head, run.probabilities(), run.report()) for e in run]
    assert load_head(run.head.to_bytes()).report.figures() == before.report.figures() == report.figures()
    assert epoch == run.best
    assert before.facts["trained_on"] == len(run.train)
    expected = before.logits(x[run.held_out]) / before.temperature
    np.testing.assert_allclose(probabilities, torch.from_numpy(expected).softmax(1), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(run.probabilities(), probabilities)
    np.testing.assert_array_equal(run.report().confusion, report.confusion)
    whole = fit(data, net, kind=kind, features=x, strength=0.1, epochs=run.best.index, validation=0)
    list(whole)
    np.testing.assert_allclose(run.head.weights, whole.head.weights, rtol=1e-5, atol=1e-7)
    assert not np.allclose(run.head.weights, before.weights, rtol=1e-3)
    assert run.head.facts["trained_on"] == len(data)
    assert run.head.temperature == before.temperature
    np.testing.assert_array_equal(run.head.refusal.points, before.refusal.points)


def test_dead_features_are_no_trouble(stripes):
    net = tiny_classifier()
    features = embed(net, stripes.images)
    features[:, :5] = 0
    run = fit(stripes, net, features=features)
    list(run)
    assert np.isfinite(run.head.weights).all()
    assert (run.head.weights[:, :5] == 0).all()


def test_what_cannot_be_learned_from_is_refused(stripes):
    net = tiny_classifier()
    with pytest.raises(ParameterError, match="0 epochs"):
        fit(stripes, net, epochs=0)
    with pytest.raises(ParameterError, match="penalty of -1"):
        fit(stripes, net, strength=-1)
    with pytest.raises(ParameterError, match="features of 3 pictures for 36"):
        fit(stripes, net, features=np.zeros((3, 14), np.float32))
    lonely = LabelledImages.from_arrays({"one": [stripes.images[0]], "two": list(stripes.images[20:25])})
    with pytest.raises(DatasetError, match="one"):
        fit(lonely, net, kind="linear")


def test_without_a_kind_the_smallest_class_says_which_is_usual(stripes):
    others, down = np.flatnonzero(stripes.labels != 1), np.flatnonzero(stripes.labels == 1)

    def of(count: int, **changed) -> LabelledImages:
        return replace(stripes.subset([*others, *down[:count]]), **changed)

    for count, kind in ((1, "prototype"), (5, "prototype"), (6, "linear"), (12, "linear")):
        assert fit(of(count), tiny_classifier()).kind.name == usual_kind(of(count)).name == kind
    one = of(1)
    assert why_usual(of(6)) == ""
    assert why_usual(one).startswith("With fewer than 6 pictures in a class, “Nearest prototype” is usually")
    assert one.few().startswith(f"“{one.classes[1]}” has 1 picture beside 12 of “")
    alike = replace(of(8), groups=[*range(24), *[24] * 8])
    assert usual_kind(alike).name == "linear", "the frames of one burst are as many"
    assert [*alike.different().values()] == [12, 1, 12]
    tested = replace(of(8), parts=["train"] * 24 + ["test"] * 3 + ["train"] * 5)
    assert usual_kind(tested).name == "prototype", "of the test part nothing is learned"
    assert fit(of(5), tiny_classifier(), strength=1.0).kind.name == "linear"


@pytest.mark.parametrize("kind", ["linear", "prototype", "mlp"])
def test_a_feature_that_hardly_moves_on_few_pictures_does_not_decide_on_the_next(kind):
    """Five features tell the classes apart. Each of 200 others is zero for nearly all pictures, as ReLUs often are, and
    moved by chance on one of those that are learned from; on the next picture it may be a hundred times as large."""
    data, rows = blobs(20, 5, classes=2)[0], 20
    rng = np.random.default_rng(1)
    x = np.zeros((rows, 205), np.float32)
    x[:, :5] = 2 * data.labels[:, None] + rng.normal(0, 0.3, (rows, 5))
    x[rng.integers(rows, size=200), 5 + np.arange(200)] = 0.01
    run = fit(data, tiny_classifier(), kind=kind, features=x, validation=0.25)
    list(run)
    fresh = np.zeros((200, 205), np.float32)
    truth = np.arange(200) % 2
    fresh[:, :5] = 2 * truth[:, None] + rng.normal(0, 0.3, (200, 5))
    fresh[np.arange(200), 5 + rng.permutation(200)] = 1
    assert (run.head.logits(fresh).argmax(1) == truth).mean() > 0.95


def blobs(rows: int, width: int, classes: int = 3, seed: int = 0) -> tuple[LabelledImages, np.ndarray]:
    """Features of so many pictures, a blob a class, and the pictures' labels with places instead of pictures. The
    features are of all sizes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    features = rng.normal(size=(classes, width))[labels] + rng.normal(0, 2, (rows, width))
    features *= np.geomspace(0.3, 3, width)
    places, names = np.arange(rows), tuple(map(str, range(rows)))
    data = LabelledImages(places, labels, tuple(map(str, range(classes))), places, names)
    return data, features.astype(np.float32)


@pytest.mark.parametrize(("rows", "width"), [(24, 400), (120, 10)])  # many features are searched in the rows' span
def test_with_nothing_held_out_it_is_still_scikit_learns_minimum(rows, width):
    data, x = blobs(rows, width)
    run = fit(data, tiny_classifier(), features=x, validation=0, strength=0.3)
    list(run)
    z = scaled(x, x)
    oracle = LogisticRegression(C=1 / (0.3 * rows), tol=1e-10, max_iter=5000).fit(z, data.labels)
    logits = run.head.logits(x)
    np.testing.assert_allclose(softmax(logits), oracle.predict_proba(z), atol=1e-4)
    assert len(run.held_out) == 0
    assert run.best.index == run.epochs
    assert run.head.facts["validation_accuracy"] is None
    assert run.head.refusal is None
    with pytest.raises(DatasetError, match="No pictures were held out"):
        run.report()


def test_classes_count_the_same_however_many_pictures_they_have():
    data, features = blobs(90, 5)
    kept = np.concatenate([np.flatnonzero(data.labels == one)[:count] for one, count in enumerate((30, 5, 12))])
    data, features = data.subset(kept), features[kept]
    settings = {"strength": 0.3, "epochs": 200, "validation": 0}
    head = train_head(data, tiny_classifier(), features=features, **settings)
    z = scaled(features.astype(float), features.astype(float))
    oracle = LogisticRegression(C=1 / (0.3 * len(z)), class_weight="balanced", tol=1e-10, max_iter=5000)
    expected = oracle.fit(z, data.labels).predict_proba(z)
    np.testing.assert_allclose(softmax(head.logits(features)), expected, atol=1e-3)


@pytest.mark.parametrize("kind", ["mlp", "fine-tune"])
def test_where_nothing_tells_classes_apart_they_are_equally_probable_whatever_their_counts(kind, monkeypatch):
    for module, rate in ((fine_tuning, "HEAD_RATE"), (descent, "MLP_RATE")):
        monkeypatch.setattr(module, rate, 0.3)  # else a few epochs change little
    labels = np.repeat([0, 1], [24, 8])
    grey = [np.full((32, 32, 3), 128, np.uint8)] * 32
    data = LabelledImages(grey, labels, ("many", "few"), np.arange(32), [""] * 32)
    run = fit(data, tiny_classifier(), kind=kind, epochs=12, views=())
    for _ in run:
        pass
    run.best, run._parts, run._finished = run.history[-1], run._trial.parts(), None  # not the best on what is held out
    np.testing.assert_allclose(softmax(run.head.logits(run.features)), 0.5, atol=0.1)


def test_a_run_on_the_sets_own_parts_tells_of_them(stripes):
    parts = ["train", "train", "train", "validation", "test"] * len(stripes)
    data = replace(stripes, parts=parts[: len(stripes)])
    run = fit(data, tiny_classifier(), validation=None, epochs=3)
    for _ in run:
        pass
    assert {data.parts[place] for place in run.held_out} == {"validation"}
    assert run.head.facts["trained_on"] == len(run.train) + len(run.held_out) == sum(p != "test" for p in data.parts)


def test_a_burst_a_class_trains_and_says_what_its_figure_is_worth(stripes):
    burst = replace(stripes, groups=stripes.labels)
    run = fit(burst, tiny_classifier(), epochs=3)
    for _ in run:
        pass
    assert run.report().confusion.sum() == len(run.held_out) > 0
    assert "there is one burst" in run.head.facts["split"]
    assert load_head(run.head.to_bytes()).facts["split"] == run.head.facts["split"]
    few = burst.subset(np.concatenate([np.flatnonzero(burst.labels == one)[:3] for one in range(3)]))
    run = fit(few, tiny_classifier(), epochs=3)
    for _ in run:
        pass
    assert (len(run.train), len(run.held_out), run.head.refusal) == (9, 0, None)
    assert "None is held out" in run.head.facts["split"]
    assert "split" not in train_head(stripes, tiny_classifier(), epochs=1).facts
    with pytest.raises(DatasetError, match="3 pictures each, all of one group; a split needs two of each"):
        fit(few, tiny_classifier(), kind="mlp")


def test_the_share_to_refuse_is_chosen(stripes):
    def refusal(**settings):
        return train_head(stripes, tiny_classifier(), validation=0.5, epochs=2, **settings).refusal

    assert refusal().at(0.3).threshold == refusal(refuse=0.3).threshold < refusal().threshold
    with pytest.raises(ParameterError, match="share to refuse is 0"):
        fit(stripes, tiny_classifier(), refuse=0)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(float) - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("counts", [(30, 30, 30), (40, 12, 25)])
def test_the_penalty_is_the_one_that_cross_validation_finds_best(counts):
    data, x = blobs(120, 20)
    kept = np.concatenate([np.flatnonzero(data.labels == one)[:count] for one, count in enumerate(counts)])
    x, y, groups = x[kept], data.labels[kept], data.groups[kept]
    found = Regression(x, y, 3).out_of_sample(groups, seed=0)
    z, losses, prior, rows = scaled(x, x), [], [], np.arange(len(y))
    same = compute_sample_weight("balanced", y)
    for strength in STRENGTHS:
        logits = np.zeros((len(y), 3))
        for train, test in folds(y, groups, 5, seed=0):
            model = LogisticRegression(C=1 / (strength * len(train)), class_weight="balanced", tol=1e-8, max_iter=5000)
            mean = z[train].mean(0)
            logits[test] = model.fit(z[train] - mean, y[train]).decision_function(z[test] - mean)
        calibrated = [softmax(logits / t) for t in np.geomspace(0.1, 10, 200)]
        losses.append(min(np.average(-np.log(each[rows, y]), weights=same) for each in calibrated))
        prior.append(np.log(strength) ** 2 / 18 / len(y))
        if strength == found.strength:
            np.testing.assert_allclose(softmax(found.logits), softmax(logits / found.temperature), atol=0.02)
    assert found.strength == STRENGTHS[int(np.argmin(np.add(losses, prior)))]
    problem = Problem(x, y, groups, x[:0], 3, 0, None)
    assert choose_strength(problem) == (found.strength, found.temperature)
    assert min(losses) < found.loss < min(losses) + 0.05, "one more row is counted, whose class nobody knows"


def test_a_few_rows_that_are_all_right_are_not_called_certain():
    data, x = blobs(10, 5, classes=2)
    head = train_head(data, tiny_classifier(), features=x + 20 * data.labels[:, None].astype(np.float32), validation=0)
    found = softmax(head.logits(x + 20 * data.labels[:, None]))
    assert (found.argmax(1) == data.labels).all()
    assert 0.7 < found.max(1).mean() < 0.999


def test_a_class_that_one_fold_lacks_is_no_trouble():
    """One group holds all but one picture of a class."""
    x = blobs(30, 5)[1]
    labels = np.where(np.arange(30) < 20, np.arange(30) % 2, 2)
    groups = np.where((labels == 2) & (np.arange(30) < 29), 99, np.arange(30))
    found = Regression(x, labels, 3).out_of_sample(groups, 0)
    assert np.isfinite(found.loss)
    assert np.isfinite(found.logits).any(1).all()


@pytest.mark.parametrize("users", [1, 2])
def test_it_is_fitted_on_one_thread_and_others_get_theirs_back(users):
    from threadpoolctl import threadpool_info

    def threads() -> list[int]:
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    before = threads()
    first, second = one_thread(), one_thread()
    first.__enter__()
    if users == 2:
        second.__enter__()
        first.__exit__(None, None, None)
    assert set(threads()) == {1}
    (first if users == 1 else second).__exit__(None, None, None)
    assert threads() == before


def test_copies_do_not_choose_the_penalty():
    """Noise, each row five times: across folds there is nothing to learn, and copies in one group do not betray it."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 10)).astype(np.float32).repeat(5, 0)
    labels, copies = rng.permutation(np.arange(30) % 2).repeat(5), np.arange(30).repeat(5)
    kept = choose_strength(Problem(rows, labels, copies, rows[:0], 2, 0, None))
    parted = choose_strength(Problem(rows, labels, np.arange(150), rows[:0], 2, 0, None))
    assert kept.strength > parted.strength


def test_a_class_of_one_group_gets_the_usual_penalty():
    data, x = blobs(4, 5, classes=3)
    assert choose_strength(Problem(x, data.labels, data.groups, x[:0], 3, 0, None)) == (STRENGTH, 1.0)


def test_prototypes_are_the_nearest_class_means():
    data, x = blobs(60, 30)
    run = fit(data, tiny_classifier(), kind="prototype", features=x, validation=0)
    list(run)
    z = scaled(x, x, own=0)
    oracle = NearestCentroid().fit(z, data.labels)
    np.testing.assert_array_equal(run.head.logits(x).argmax(1), oracle.predict(z))
    means = np.stack([z[data.labels == one].mean(0) for one in range(3)])
    squares = ((z[:, None] - means) ** 2).sum(2)
    ratio = np.diff(run.head.logits(x), axis=1) / -np.diff(squares, axis=1)
    assert ratio.std() < 1e-3 * ratio.mean(), "logits are −‖z − c‖²/τ but for what all classes share"


def test_one_picture_a_class_is_enough_for_prototypes(stripes):
    net = tiny_classifier()
    few = stripes.subset([0, 12, 24, 25])
    run = fit(few, net, kind="prototype")
    assert [epoch.index for epoch in run] == [1]
    assert list(run.train) == [0, 1, 2, 3]
    answers = predict(run.head.as_classifier(net), [few.images[i] for i in range(3)], top=1)
    assert [answer[0].index for answer in answers] == [0, 1, 2]
    assert all(0.4 < answer[0].probability < 0.999 for answer in answers)
    with pytest.raises(DatasetError, match="No pictures were held out"):
        run.report()
    with pytest.raises(DatasetError, match="“plain” has no picture"):
        fit(stripes.subset([0, 12]), net, kind="prototype")
    list(more := fit(stripes, net, kind="prototype"))
    assert more.report().accuracy > 0.5
    assert len(more.held_out) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_train_learns_what_is_easy(kind):
    """Dark, middling and bright pictures: no arithmetic and no seed makes these hard, and a head of zeros fails."""
    rng = np.random.default_rng(0)

    def plain(count: int) -> dict[str, list[np.ndarray]]:
        levels = {"dark": 30, "middling": 128, "bright": 225}
        return {
            name: [rng.normal(level, 5, (64, 64, 3)).clip(0, 255).astype(np.uint8) for _ in range(count)]
            for name, level in levels.items()
        }

    net = tiny_classifier()
    mine = train_head(LabelledImages.from_arrays(plain(12)), net, kind=kind, seed=1).as_classifier(net)
    for name, images in plain(5).items():
        assert [answers[0].label for answers in predict(mine, images, 1)] == [name] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_train_gives_the_same_head_again_and_leaves_chance_alone(kind, stripes):
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002 — the one that must not be touched
    one, two = (train_head(stripes, tiny_classifier(), seed=3, kind=kind, strength=0.1) for _ in range(2))
    assert one.to_bytes() == two.to_bytes() == load_head(one.to_bytes()).to_bytes()
    net, torch_state = tiny_classifier(), torch.random.get_rng_state()
    train_head(stripes, net, kind=kind, epochs=2, strength=0.1)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert one.facts["kind"] == kind


def test_an_mlp_parts_what_no_line_parts_and_goes_on_after_an_interruption():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400, 2)).astype(np.float32)
    labels, places = (x[:, 0] * x[:, 1] > 0).astype(np.int64), np.arange(400)
    data = LabelledImages(places, labels, ("a", "b"), places, tuple(map(str, places)))
    net, settings = tiny_classifier(), {"kind": "mlp", "features": x, "epochs": 60, "seed": 1}
    linear, whole, cut = fit(data, net, features=x), fit(data, net, **settings), fit(data, net, **settings)
    list(linear), list(whole)
    assert linear.report().accuracy < 0.7 < 0.9 < whole.report().accuracy
    for _ in zip(range(25), cut, strict=False):
        pass
    resumed = fit(data, net, resume=cut.checkpoint(), **settings)
    assert next(iter(list(resumed))).index == 26
    assert resumed.history == whole.history
    assert resumed.head.to_bytes() == whole.head.to_bytes()
    np.testing.assert_allclose(
        whole.probabilities(), softmax(whole.head.logits(x[whole.held_out]) / whole.head.temperature), atol=1e-5
    )


def test_the_temperature_and_the_refusal_are_set_on_enough_held_out_pictures(stripes):
    data, x = blobs(120, 60)
    run = fit(data, tiny_classifier(), features=x, strength=0.0)
    heads = [run.head for _ in run]
    truth = data.labels[run.held_out]
    logits = heads[run.best.index - 1].logits(x[run.held_out])  # of a head that had not seen them
    assert run.head.temperature == pytest.approx(helpful_temperature(logits, truth), rel=1e-3)
    assert run.head.temperature != 1
    assert run.head.refusal.refuses(x[run.held_out]).mean() <= 0.05
    few = fit(stripes, tiny_classifier())  # 9 are held out
    list(few)
    assert (few.head.temperature, few.head.refusal) == (1.0, None)
    assert "rests on 30 held-out pictures" in run.head.facts["refusal"]
    assert few.head.facts["refusal"].startswith("None: ")


def test_views_are_of_training_pictures_alone_and_come_from_the_cache(stripes, tmp_path):
    net, cache = tiny_classifier(), FeatureCache(tmp_path)
    run = fit(stripes, net, views=("flip", "crop"), cache=cache, strength=0.1)
    *_, last = run.prepare()
    assert last == (36 + 2 * len(run.train),) * 2
    heads = [run.head for _ in run]
    again = fit(stripes, net, views=("flip", "crop"), cache=cache, strength=0.1)
    assert list(again.prepare()) == [(36, 90), (63, 90), (90, 90)], "one step for each view: all were known"
    list(again)
    np.testing.assert_array_equal(run.head.weights, again.head.weights)
    x = np.concatenate(
        [
            embed(net, [look(stripes.images[i], stripes.keys[i]) for i in run.train])
            for look in (
                lambda image, key: image,
                lambda image, key: view(image, "flip", key, 0),
                lambda image, key: view(image, "crop", key, 0),
            )
        ]
    )
    own = LabelledImages(
        np.arange(81), np.tile(stripes.labels[run.train], 3), stripes.classes, np.arange(81), ("",) * 81
    )
    expected = fit(own, net, features=x, validation=0, strength=0.1, epochs=run.best.index)
    list(expected)
    np.testing.assert_allclose(expected.head.weights, heads[run.best.index - 1].weights, rtol=1e-2, atol=1e-4)


def test_unknown_kinds_and_views_and_broken_features_are_refused(stripes):
    net, good = tiny_classifier(), np.zeros((36, 14), np.float32)
    with pytest.raises(ParameterError, match=r"“forest”\. There are linear, mlp"):
        fit(stripes, net, kind="forest")
    with pytest.raises(ParameterError, match="no view “mirror”"):
        fit(stripes, net, views=["mirror"])
    with pytest.raises(ParameterError, match="no finite numbers"):
        fit(stripes, net, features=np.where(np.arange(14) == 3, np.nan, good).astype(np.float32))
    with pytest.raises(ParameterError, match="share for validation is 25"):
        fit(stripes, net, validation=25)
    with pytest.raises(ParameterError, match="seed is -1"):
        fit(stripes, net, seed=-1)
    for kind in ("mlp", "fine-tune"):
        with pytest.raises(ParameterError, match="needs held-out pictures"):
            fit(stripes, net, kind=kind, validation=0)
    for kind in KINDS:
        for validation in (0.25, 0.0 if not KINDS[kind].needs_held_out else 0.5):
            with pytest.raises(DatasetError, match="1 class"):
                fit(
                    LabelledImages.from_arrays({"one": list(stripes.images[:4])}), net, kind=kind, validation=validation
                )


def test_the_sets_own_part_is_held_out_unless_told(stripes):
    """As by the shell and the app; a set without one has a quarter held out."""
    net, parts = tiny_classifier(), ["validation" if place % 3 == 0 else "train" for place in range(len(stripes))]
    own = fit(replace(stripes, parts=parts, groups=range(len(stripes))), net)
    assert {parts[place] for place in own.held_out} == {"validation"}
    assert len(own.held_out) == parts.count("validation")
    assert fit(stripes, net).held_out.tolist() == fit(stripes, net, validation=0.25).held_out.tolist() != []
