"""The figures hold the numbers that they are made of; what a click on a cell does is for the browser tests."""

import numpy as np
import pytest

from visionlab.learning.judging.baselines import Baseline
from visionlab.learning.judging.calibration import reliability
from visionlab.learning.judging.evaluation import assess
from visionlab.learning.judging.learning_curve import CurvePoint
from visionlab.learning.judging.metrics import evaluate
from visionlab.ui.shared.charts import counting, histogram, per_cent, precision_recall
from visionlab.ui.studio.judge import charts

TRUTH = np.array([0, 0, 1, 1, 1, 2])
TABLE = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0, 0.1, 0.9], [0.4, 0.3, 0.3]])
CLASSES = ("cats", "dogs", "birds")


@pytest.fixture
def found():
    return assess(TRUTH, TABLE, CLASSES)


def test_every_cell_of_the_confusion_matrix_can_be_clicked_and_told(found):
    figure = charts.confusion(found.report)
    assert np.array_equal(figure.data[0].z, found.report.confusion)
    cells = {}
    for trace in figure.data[1:]:
        for place, text, x, y in zip(trace.customdata, trace.text, trace.x, trace.y, strict=True):
            row, column = charts.clicked([{"customdata": int(place)}], found.report)
            assert (CLASSES[row], CLASSES[column]) == (y, x)
            assert int(text) == found.report.confusion[row, column] == len(found.cell(row, column))
            cells[row, column] = trace.textfont.color
    assert len(cells) == 9
    assert cells[1, 1] == "white"  # the fullest cell is dark
    assert cells[0, 2] != "white"
    assert charts.clicked([], found.report) is None


def test_a_hundred_classes_still_fit_on_a_screen():
    classes = [str(number) for number in range(100)]
    figure = charts.confusion(evaluate(np.arange(100), np.arange(100), classes))
    assert figure.layout.height < 1600
    assert {trace.mode for trace in figure.data[1:]} == {"markers"}


def test_classes_named_like_numbers_stay_names():
    figure = charts.confusion(evaluate([0, 1], [0, 1], ("10", "2")))
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "category"
    assert list(figure.layout.xaxis.categoryarray) == ["10", "2"]


def test_curves_are_in_per_cent_beside_chance(found):
    curve = found.roc(1)
    figure = charts.roc(curve, "dogs")
    np.testing.assert_allclose(figure.data[0].x, 100 * curve.x)
    np.testing.assert_allclose(figure.data[0].y, 100 * curve.y)
    assert np.isfinite(figure.data[0].customdata).all()
    assert "dogs" in figure.layout.yaxis.title.text
    other = precision_recall(found.precision_recall(1), "dogs", share=0.5)
    np.testing.assert_allclose(other.data[0].y, 100 * found.precision_recall(1).y)
    assert list(other.data[1].y) == [50, 50]


def test_reliability_shows_full_bins_alone():
    table = reliability([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45]], [0, 1, 0], bins=10)
    bars = charts.reliability(table).data[0]
    np.testing.assert_allclose(bars.x, [55, 95])
    np.testing.assert_allclose(bars.y, [100, 50])
    np.testing.assert_allclose(bars.customdata, [[55, 1], [95, 2]])


@pytest.mark.parametrize(
    ("most", "step"), [(1, 1), (3, 1), (8, 1), (9, 2), (20, 5), (100, 20), (101, 20), (374, 50), (2_000, 500)]
)
def test_what_is_counted_has_ticks_at_whole_round_numbers(most, step):
    assert counting(most) == {"tick0": 0, "dtick": step}


@pytest.mark.parametrize(
    ("low", "high", "first", "last", "step"),
    [(100, 100, 90, 100, 5), (0, 100, 0, 100, 20), (71, 83.5, 70, 90, 5), (55, 97, 50, 100, 10), (0, 4, 0, 10, 5)],
)
def test_shares_have_ticks_at_round_numbers_and_none_beyond_all(low, high, first, last, step):
    axis = per_cent(low, high)
    begin, end = axis["range"]
    assert begin == first == 0 or first - step / 5 < begin < first
    assert last < end < last + step
    assert (axis["tick0"], axis["dtick"]) == (0, step)


def test_the_learning_curve_has_its_spread():
    points = [
        CurvePoint(0.5, 20, np.arange(10) < np.array([[6], [8], [7]])),
        CurvePoint(1, 40, np.arange(10) < np.array([[9], [9], [9]])),
    ]
    low, high, mean = charts.learning(points).data
    np.testing.assert_allclose([low.y, mean.y, high.y], [[60, 90], [70, 90], [80, 90]])
    assert list(mean.x) == [20, 40]


def test_baselines_stand_beside_the_head_with_their_intervals(found):
    chance = Baseline("chance", "Chance", "Guessing.", 0.25, (0.25, 0.25))
    bars = charts.baselines([chance], found.report).data[0]
    assert list(bars.y) == ["Chance", "Your head"]
    np.testing.assert_allclose(bars.x, [25, 100 * found.report.accuracy])
    low, high = found.report.interval
    np.testing.assert_allclose(bars.x + bars.error_x.array, [25, 100 * high])
    np.testing.assert_allclose(bars.x - bars.error_x.arrayminus, [25, 100 * low])
    assert bars.marker.color[0] != bars.marker.color[1]


def test_distances_part_at_the_threshold():
    values = np.random.default_rng(0).gamma(4, 2, 100).astype(np.float32)
    near, far = charts.distances(values, 10.0).data
    assert sum(near.y) == (values <= 10).sum()
    assert sum(far.y) == (values > 10).sum()
    alike = charts.distances(np.full(3, 2, np.float32), 5.0)
    assert sum(alike.data[0].y) == 3


def test_where_bars_stand_has_ticks_at_round_numbers():
    few = np.linspace(27.43, 38.7, 30).astype(np.float32)  # of which there are few bars, of 1.127 each
    for axis in (charts.distances(few, 38.0).layout.xaxis, histogram(few.reshape(5, 6)).layout.xaxis):
        assert (axis.tick0, axis.dtick) == (0, 2)


@pytest.mark.parametrize(
    ("many", "ticks"),
    [(3, ["1", "2", "5"]), (60, ["1", "2", "5", "10", "20", "50"]), (4000, ["1", "10", "100", "1,000"])],
)
def test_counts_on_a_logarithmic_axis_are_written_out(many, ticks):
    axis = histogram(np.repeat(np.float32([0.0, 1.0]), [many, 1]).reshape(1, -1)).layout.yaxis
    assert axis.title.text == "Units, logarithmic"
    assert [
        text for text, value in zip(axis.ticktext, axis.tickvals, strict=True) if value <= many or many < 5
    ] == ticks
