"""The 8 that moves, bird or not, costs and the closing table, on scikit-learn's digits and textures."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, precision_score, recall_score
from tiny import tiny_classifier

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.judging.metrics import wilson
from visionlab.learning.scratch import (
    CONVOLUTIONAL,
    Birds,
    Closing,
    MovingEight,
    SmallSet,
    Training,
    answer,
    closing,
    conv,
    convolutional,
    dense,
    five_steps,
    forecast,
    fully_connected,
    load,
    moving_eight,
    pool,
    probabilities,
    shapes,
    shift_map,
    surest_first,
    training,
)
from visionlab.learning.scratch.birds import verdict
from visionlab.learning.scratch.closing import enlarged, enlargement
from visionlab.learning.scratch.forecast import (
    ClosingPace,
    TransferPace,
    closing_pace,
    eight_seconds,
    softmax_pace,
    softmax_seconds,
    transfer_pace,
)
from visionlab.learning.scratch.moving_eight import LEARNERS, LEAST, change_told, of_each, on_canvas, places_of
from visionlab.learning.scratch.softmax import SETTINGS
from visionlab.learning.scratch.training import Pace


@pytest.fixture(scope="module")
def eight() -> MovingEight:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving_eight, "OF_EACH", 1_500)
        run = MovingEight(load("digits"), device="cpu")
    looks = list(run)
    assert [look.name for look in looks if look.shifts] == list(LEARNERS)
    assert all(0 < look.share <= 1 for look in looks)
    return run


def test_only_what_moves_or_slides_finds_an_8_that_is_moved(eight):
    curves = {name: found.curve() for name, found in eight.shifts.items()}
    assert all(distances.tolist() == [0, 1, 3, 4] for distances, _ in curves.values())
    accuracies = {name: curve for name, (_, curve) in curves.items()}
    assert min(curve[0] for curve in accuracies.values()) > 0.75  # in the middle all of them do
    assert accuracies["centred"][-1] < 0.65  # chance is a half
    assert min(accuracies[name][-1] for name in ("window", "shifted", "convolutional")) > 0.75


def test_shift_maps_count_the_answers(eight):
    net, shown = eight.nets["convolutional"], eight.digits
    canvases = on_canvas(shown.test_images)[..., 0]
    found = shift_map(net, canvases, shown.test_labels, places=3)
    assert found.shifts.tolist() == [-4, 0, 4]
    lower = np.pad(canvases, ((0, 0), (4, 0), (0, 0)))[:, :16]
    right = np.mean([(answer(net, one) >= 0.5) == label for one, label in zip(lower, shown.test_labels, strict=True)])
    assert found.accuracies[2, 1] == pytest.approx(right)
    assert found.tested == len(shown.test_labels)
    assert found.interval(right) == pytest.approx(wilson(round(right * found.tested), found.tested))
    assert found.curve()[1][0] == found.accuracies[1, 1]


def test_the_interval_of_a_mean_is_that_of_the_figure_beside_it():
    found = moving_eight.ShiftMap(np.arange(1), np.zeros((1, 1)), tested=58)
    low, high = found.interval(0.489)
    count, total, z = 0.489 * 58, 58, 1.959964
    middle = (count + z * z / 2) / (total + z * z)
    assert (low + high) / 2 == pytest.approx(middle)
    assert found.interval(0.489)[0] < found.interval(0.5)[0]


def test_the_surest_8_comes_first(eight):
    net, digits = eight.nets["centred"], eight.digits
    eights = digits.test_images[digits.test_labels == 1][..., 0]
    found = surest_first(net, eights)
    sure = net.answers(on_canvas(found[..., None])[..., 0])
    assert (np.diff(sure) <= 0).all()
    assert sure[0] > 0.9
    assert sorted(map(bytes, found)) == sorted(map(bytes, eights))


def test_the_five_steps_are_the_networks_own(eight):
    net = eight.nets["convolutional"]
    canvas = np.roll(on_canvas(eight.digits.test_images[-1:])[0, ..., 0], (3, -2), axis=(0, 1))
    found, maps = five_steps(net, canvas), net.network.maps(canvas[..., None])
    assert (found.tiles.shape, found.weights.shape, found.array.shape) == ((16, 16, 3, 3), (8, 3, 3), (8, 16, 16))
    by_hand = np.einsum("hwij,fij->fhw", found.tiles, found.weights) + found.bias[:, None, None]
    np.testing.assert_allclose(found.array, by_hand.clip(0), atol=1e-4)
    np.testing.assert_array_equal(found.array, maps["conv 1"])
    np.testing.assert_array_equal(found.pooled, found.array.reshape(8, 8, 2, 8, 2).max((2, 4)))
    assert (found.rounds, found.row.shape, [each.shape for each in found.hidden]) == (2, (32 * 2 * 2,), [(32,)])
    last = net.network.steps[-1]
    scores = last.weight.detach().numpy() @ found.hidden[-1] + last.bias.detach().numpy()
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    assert found.probability == pytest.approx(answer(net, canvas), abs=1e-5)
    row, column = found.strongest(3)
    assert found.array[3, row, column] == found.array[3].max()


def test_only_a_network_with_convolutions_has_five_steps(eight):
    with pytest.raises(ParameterError, match="“centred” begins with dense"):
        five_steps(eight.nets["centred"], np.zeros((16, 16), np.uint8))
    with pytest.raises(ParameterError, match=r"uint8 \(16, 16\) is needed"):
        five_steps(eight.nets["convolutional"], np.zeros((8, 8), np.uint8))


def test_the_window_answers_with_the_surest_place(eight):
    net = eight.nets["window"]
    canvas = np.zeros((16, 16), np.uint8)
    canvas[5:13, 1:9] = eight.digits.test_images[-1, ..., 0]
    places = [canvas[row : row + 8, column : column + 8] for row in range(9) for column in range(9)]
    wanted = probabilities(net.network, np.stack(places)[..., None])[:, 1].max()
    assert answer(net, canvas) == pytest.approx(float(wanted), abs=1e-6)


def test_an_empty_canvas_is_answered_and_one_of_another_size_refused(eight):
    for net in eight.nets.values():
        assert 0 <= answer(net, np.zeros((16, 16), np.uint8)) <= 1
        with pytest.raises(ParameterError, match=r"uint8 \(16, 16\) is needed"):
            answer(net, np.zeros((16, 17), np.uint8))


def test_the_8_needs_an_8_and_room_for_its_networks():
    with pytest.raises(ParameterError, match="no class “8”"):
        MovingEight(load("textures"))
    images, labels = np.zeros((4, 3, 40, 3), np.uint8), np.array([0, 1, 0, 1])
    with pytest.raises(DatasetError, match="pictures of 40 × 3 px"):
        MovingEight(SmallSet("x", images, labels, ("7", "8"), images, labels))


def test_the_8_is_learned_from_as_many_pictures_as_there_are_and_from_few_of_them_not_all_day():
    def taken(own: int, others: int) -> int:
        count = of_each(np.arange(own + others) < own)
        assert count == of_each(np.arange(own + others) < others)
        return count

    assert [taken(5_421, 44_579), taken(400, 500)] == [3_000, 3_000]
    assert [taken(145, 1_353), taken(213, 427)] == [16 * 145, 3_000]
    assert taken(70, 1_430) == 1_430
    assert [taken(83, 83), taken(2, 1)] == [16 * 83, 1_000]
    digits = load("digits").less(300)
    labels = MovingEight(digits).digits.labels
    assert np.bincount(labels).tolist() == [of_each(digits.labels == 8)] * 2


def test_of_other_pictures_the_square_in_the_middle_moves_without_colours():
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 12, 3), np.uint8)
    labels = np.array([0, 1, 0, 1])
    found = MovingEight(SmallSet("x", images, labels, ("7", "8"), images, labels)).digits
    greys = [cv2.cvtColor(np.ascontiguousarray(image[:, 2:10]), cv2.COLOR_RGB2GRAY) for image in images]
    for part, truth in ((found.images, found.labels), (found.test_images, found.test_labels)):
        assert part.shape[1:] == (8, 8, 1)
        for one, own in zip(part[..., 0].astype(int), truth, strict=True):
            of_class = [grey for grey, label in zip(greys, labels, strict=True) if label == own]
            assert min(abs(one - grey).max() for grey in of_class) <= 1
    assert change_told((8, 12, 3)) == "Of each picture the square in the middle is taken, without colours."
    assert change_told((8, 12, 1)) == "Of each picture the square in the middle is taken."
    assert change_told((8, 8, 3)) == "The pictures are taken without their colours."
    assert change_told((8, 8, 1)) is None


@pytest.fixture(scope="module")
def grass() -> Birds:
    run = Birds(load("textures"), "grass", epochs=4, stack=(conv(8), pool(4), dense(16), dense(2)), device="cpu")
    with pytest.raises(ParameterError, match="at least one epoch"):
        run.at()
    assert [epoch.index for epoch in run] == [1, 2, 3, 4]
    return run


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.7])
def test_verdicts_are_scikit_learns(grass, threshold):
    found, truth = grass.at(threshold), grass.data.test_labels
    said = (grass.probabilities[:, 1] >= threshold).astype(int)
    assert found.accuracy == pytest.approx(accuracy_score(truth, said))
    assert found.recall == pytest.approx(recall_score(truth, said))
    assert found.balanced == pytest.approx(balanced_accuracy_score(truth, said))
    assert found.always_no == pytest.approx((truth == 0).mean())
    if said.any():
        assert found.precision == pytest.approx(precision_score(truth, said))
    assert found.majority == pytest.approx(2 / 3)
    assert found.interval == wilson(int((truth == said).sum()), len(truth))
    assert set(found.quadrants.false_positives) == set(np.flatnonzero((said == 1) & (truth == 0)))


def test_what_is_not_defined_is_nan(grass):
    truth, answers = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4]])
    assert np.isnan(verdict(truth, answers, 0.5).precision)
    assert verdict(truth, answers, 0.5).accuracy == pytest.approx(2 / 3)
    assert verdict(truth, answers, 0.4).precision == 1
    assert np.isnan(verdict(np.zeros(3, int), answers, 0.5).recall)
    assert np.isnan(verdict(np.zeros(3, int), answers, 0.5).balanced)
    assert 0 < grass.curve().area <= 1


def test_birds_need_birds():
    with pytest.raises(ParameterError, match=r"no class “bird”\. There are brick, grass, gravel"):
        Birds(load("textures"))


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 96), (512, 512)])
def test_pictures_that_an_experiment_s_network_cannot_have_are_told_of(size):
    images = np.zeros((4, *size, 1), np.uint8)
    labels = np.array([0, 1, 0, 1])
    data = SmallSet("x", images, labels, ("bird", "8"), images, labels)
    says = f"cannot be built for pictures of {size[1]} × {size[0]} px; use pictures of about 32 × 32 px"
    with pytest.raises(DatasetError, match=says):
        Birds(data)
    with pytest.raises(ParameterError, match="“pool 1”"):
        Birds(data, stack=(pool(1_000), dense(2)))
    if size[0] == size[1]:
        with pytest.raises(DatasetError, match=says):
            MovingEight(data)


def test_a_birds_training_that_runs_away_keeps_the_answers_of_its_last_good_epoch():
    run = Birds(load("textures").less(60), "grass", epochs=3, stack=(dense(2),), device="cpu")
    for look in run.looks():
        if look.epoch:
            answers = run.probabilities.copy()
            run.training.rate = 1e6
    assert look.diverged is not None
    np.testing.assert_array_equal(run.probabilities, answers)


def test_the_articles_numbers():
    dense_layer = fully_connected(256, 256)
    assert dense_layer.weights == 196_608_000
    assert dense_layer.bytes(8) == 1_572_864_000
    assert dense_layer.bytes() == 786_432_000
    assert dense_layer.parameters == 196_609_000


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_costs_agree_with_those_of_a_stack(padding):
    layers = shapes((conv(32, padding=padding), dense(10)), (20, 30, 3))
    one = convolutional(20, 30, padding=padding)
    assert (one.parameters, one.multiplications) == (layers[0].parameters, layers[0].multiplications)
    other = fully_connected(*layers[0].shape, units=10)
    assert (other.parameters, other.multiplications) == (layers[1].parameters, layers[1].multiplications)
    assert convolutional(500, 700).parameters == convolutional(20, 30).parameters


def test_impossible_costs_are_one_sentence():
    with pytest.raises(ParameterError, match="height is 0"):
        fully_connected(0, 5)
    with pytest.raises(ParameterError, match="7 × 7 is larger than a picture of 9 × 5 px; use one of 1 to 5"):
        convolutional(5, 9, kernel=7, padding="valid")
    with pytest.raises(ParameterError, match="“full” is no padding"):
        convolutional(5, 9, padding="full")


def test_the_closing_table_has_all_four_ways_on_the_same_pictures():
    data = load("textures").less(90)
    run = Closing(data, tiny_classifier(), epochs=1, of_each=12, tested=40, device="cpu")
    looks = list(run)
    rows = [look.row for look in looks if look.row]
    assert [row.name for row in rows] == list(run.rows) == ["softmax", "fully connected", "convolutional", "transfer"]
    assert [row.pictures for row in rows] == [90, 90, 90, 36]
    assert rows[0].parameters == 32 * 32 * 3 + 3
    assert rows[2].parameters == sum(layer.parameters for layer in shapes((*CONVOLUTIONAL[:-1], dense(3)), (32, 32, 1)))
    assert rows[3].parameters == 3 * 14 + 3
    assert all(0 <= look.share <= 1 for look in looks)
    for row in rows:
        right = round(row.accuracy * 40)
        assert row.interval == wilson(right, 40)
        assert row.answers.shape == row.probabilities.shape == (8,)
        assert row.seconds > 0
        assert 1 / 3 <= row.probabilities.min() <= row.probabilities.max() <= 1
    assert len(run.images) == len(run.truth) == 40
    assert run.majority == max(np.bincount(run.truth)) / 40


def test_a_closing_table_tests_on_no_more_than_it_shows():
    run = Closing(load("textures"), tiny_classifier(), tested=40)
    assert len(run.data.test_images) == len(run.images) == 40
    assert (run.data.test_labels == run.truth).all()


def test_what_is_promised_of_the_closing_table_counts_all_four_ways_and_their_tests():
    found = ClosingPace(Pace(100_000, 1_000), (Pace(100, 1_000), Pace(50, 500)), TransferPace(20, 600, 10))
    softmax = 1_000 * 100 / 100_000 + 11 * 200 / 1_000
    scratch = 2 * 300 / 100 + 3 * 200 / 1_000 + 2 * 300 / 50 + 3 * 200 / 500
    transfer = 60 / 20 + 60 / 600 + 200 / 10
    assert found.seconds(300, 200, epochs=2, few=60) == pytest.approx(softmax + scratch + transfer)
    measured = closing_pace(load("textures").less(90), tiny_classifier(), "cpu", within=0.02)
    assert len(measured.stacks) == 2
    assert measured.seconds(90, 40, 1, 36) > 0


def test_what_is_promised_of_transfer_is_measured_by_each_of_its_parts(monkeypatch):
    """As the closing table does them: embedding, a head, and the test of both. Each takes as long as its clock says."""
    clock = [0.0]
    costs = {"embed": 0.5, "transfer": 0.125, "tested": 2.0}  # seconds a picture

    def slow(name, pictures):
        real = getattr(forecast, name)

        def work(*arguments, **settings):
            clock[0] += costs[name] * pictures(*arguments)
            return real(*arguments, **settings)

        return work

    counts = {
        "embed": lambda net, images: len(images),
        "transfer": lambda few, *_: len(few),
        "tested": lambda head, net, images: len(images),
    }
    works = {name: slow(name, pictures) for name, pictures in counts.items()}
    for name, work in works.items():
        monkeypatch.setattr(forecast, name, work)
    monkeypatch.setattr(forecast, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    found = transfer_pace(load("textures").less(90), tiny_classifier(), within=10)
    assert found == TransferPace(*(1 / cost for cost in costs.values()))
    assert found.seconds(36, 40) == pytest.approx(36 * 0.5 + 36 * 0.125 + 40 * 2)


@pytest.mark.parametrize("name", ["embed", "transfer", "tested"])
def test_what_a_fresh_server_does_once_is_no_part_of_what_is_promised_of_transfer(monkeypatch, name):
    """Imports, allocation: the first step takes a minute, and each later one a second."""
    clock, real, first = [0.0], getattr(forecast, name), [60.0]

    def work(*arguments, **settings):
        clock[0] += first.pop() if first else 0.0
        return real(*arguments, **settings)

    def read() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr(forecast, name, work)
    monkeypatch.setattr(forecast, "time", SimpleNamespace(perf_counter=read))
    found = transfer_pace(load("textures").less(90), tiny_classifier(), within=10)
    assert not first
    assert found == TransferPace(16, 90, 16), "as many as the last count, in a second"


def test_what_a_fresh_server_does_once_is_no_part_of_any_other_pace(monkeypatch):
    """The first three steps take a minute each, and each later one a quarter of a second."""
    clock, done = [0.0], []

    def work() -> int:
        clock[0] += 60.0 if len(done) < 3 else 0.25
        done.append(1)
        return 100

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(training, "WINDOWS", 1)
    assert training.pace_of(work, within=100.0) == 400


def test_the_time_of_a_way_counts_its_test(monkeypatch):
    clock = [0.0]

    def slow(real):
        def work(*arguments):
            clock[0] += 8
            return real(*arguments)

        return work

    monkeypatch.setattr(closing, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(closing, "tested", slow(closing.tested))
    monkeypatch.setattr(Training, "probabilities", slow(Training.probabilities))
    run = Closing(load("textures").less(30), tiny_classifier(), epochs=1, of_each=3, tested=8, device="cpu")
    assert len(list(run)) > 4
    assert [row.seconds for row in run.rows.values()] == [0, 8, 8, 8]


@pytest.mark.parametrize("data", ["one of each", "of one class one"])
def test_transfer_learns_from_a_single_picture_of_a_class(data):
    rng = np.random.default_rng(0)
    images, test_images = (rng.integers(0, 256, (count, 12, 12, 1), np.uint8) for count in (7, 6))
    labels = np.array([0, 0, 0, 1, 1, 1, 1 if data == "one of each" else 2])
    small = SmallSet("x", images, labels, ("a", "b", "c")[: labels.max() + 1], test_images, np.repeat([0, 1], 3))
    of_each = 1 if data == "one of each" else 3
    run = Closing(small, tiny_classifier(), epochs=1, of_each=of_each, device="cpu")
    assert len(list(run)) > 4
    assert run.rows["transfer"].pictures == (2 if of_each == 1 else 7)
    assert transfer_pace(run.data, tiny_classifier(), within=0.02).seconds(2, 6) > 0


def test_what_is_promised_of_softmax_and_of_the_8_grows_with_what_is_tested(monkeypatch):
    digits = load("digits")
    pace = softmax_pace(digits, within=0.02)
    seconds = [softmax_seconds(pace, SETTINGS["better"], count) for count in (0, 300)]
    assert 0 < seconds[0] < seconds[1]
    assert places_of(8, 16) == 81
    monkeypatch.setattr(forecast, "pace", lambda *_, **__: Pace(1_000, 2_000))
    tests = 2 * (digits.test_labels == 8).sum()
    each = of_each(digits.labels == 8)
    window, others = 7 * 6 * each / 1_000, (7 + 17 + 7) * 2 * each / 1_000
    shifts = tests * 49 * (81 + 3) / 2_000
    expected = window + others + (7 + 7 + 17 + 7) * tests / 2_000 + shifts
    assert eight_seconds(MovingEight(digits)) == pytest.approx(expected)
    less = (7 * 6 + (7 + 17 + 7) * 2) * (each - LEAST) / 1_000
    assert eight_seconds(MovingEight(digits.less(300))) == pytest.approx(expected - less), "a lesson takes less"


def test_small_pictures_are_enlarged_as_far_as_the_article_s_stack_needs():
    assert [enlargement((side, side, 1)) for side in (1, 4, 8, 12, 32)] == [16, 4, 2, 1, 1]
    digits = load("digits")
    larger = enlarged(digits)
    np.testing.assert_array_equal(larger.images[:, 1::2, ::2], digits.images)
    np.testing.assert_array_equal(larger.test_images[:, ::2, 1::2], digits.test_images)
    assert Closing(digits, tiny_classifier()).data.shape == larger.shape
    with pytest.raises(DatasetError, match="cannot be built for pictures of 40 × 1 px"):
        enlargement((1, 40, 3))


def test_a_class_without_training_pictures_is_no_answer_of_transfer():
    rng = np.random.default_rng(0)
    images, test_images = (rng.integers(0, 256, (count, 12, 12, 3), np.uint8) for count in (8, 6))
    data = SmallSet("x", images, np.repeat([0, 2], 4), ("a", "b", "c"), test_images, np.repeat([0, 1, 2], 2))
    run = Closing(data, tiny_classifier(), epochs=1, of_each=4, device="cpu")
    assert len(list(run)) > 4
    assert set(run.rows["transfer"].answers) <= {0, 2}
    assert run.rows["transfer"].pictures == 8


@pytest.mark.parametrize("change", [{"epochs": 0}, {"of_each": 0}, {"tested": 0}])
def test_a_closing_table_of_nothing_is_refused(change):
    with pytest.raises(ParameterError, match=r"0 .* were asked for"):
        Closing(load("faces"), tiny_classifier(), **change)


def test_a_seed_below_zero_is_refused():
    for experiment in (lambda: MovingEight(load("digits"), seed=-1), lambda: Closing(load("faces"), None, seed=-1)):
        with pytest.raises(ParameterError, match="The seed is -1; it must be 0 or more"):
            experiment()
