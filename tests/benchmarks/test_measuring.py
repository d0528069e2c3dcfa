"""What a measurement is: ratios, goals, and rounds that nobody profits from."""

import json
from itertools import pairwise

import pytest

from benchmarks.measuring import FAR, Answer, Goal, Line, Row, compared, from_json, in_turn, number, p95, to_json


def row(ratio: float, goal: Goal | None = None, value: float = 1.0) -> Row:
    return Row("what", value, "ms", {"slow": ratio / 9, "quick": ratio}, goal)


def test_a_ratio_is_ours_over_the_peers_round_by_round():
    found = compared("what", {"ours": [0.001, 0.004, 0.009], "peer": [0.002, 0.002, 0.006], "far": [0.1, 0.1]})
    assert (found.value, found.unit) == (4.0, "ms")
    assert found.ratios == pytest.approx({"peer": 1.5, "far": 0.025})
    assert found.fastest == "peer"
    assert found.lost


@pytest.mark.parametrize(("ratio", "lost"), [(0.99, False), (1.004, False), (1.006, True), (2.0, True)])
def test_a_peer_wins_where_its_ratio_as_it_is_written_says_so(ratio, lost):
    assert row(ratio).lost is lost
    assert not Row("alone", 1.0, "ms").lost


@pytest.mark.parametrize(
    ("found", "met"),
    [
        (row(1.1, Goal(1.1)), True),
        (row(1.2, Goal(1.1)), False),
        (row(0.5, Goal(3, of="value"), value=4), False),
        (row(5.0, Goal(0.9, of="value", least=True), value=0.95), True),
        (row(1.0), None),
        (Row("its peer is not installed", 1.0, "ms", goal=Goal(1.1)), None),
    ],
)
def test_whether_a_goal_is_met(found, met):
    assert found.met is met


@pytest.mark.parametrize(
    ("goal", "told"),
    [(Goal(1.1), "≤ 1.1 ×"), (Goal(1200, of="value"), "≤ 1,200"), (Goal(0.9, of="value", least=True), "≥ 0.9")],
)
def test_a_goal_in_words(goal, told):
    assert str(goal) == told


def test_rounds_call_everybody_and_in_changing_orders(monkeypatch):
    called: list[str] = []
    monkeypatch.setattr("benchmarks.measuring.FAR", float("inf"))
    runs = {name: lambda name=name: called.append(name) for name in "abc"}
    times = in_turn(runs, seconds=0, least=40)
    assert {name: len(each) for name, each in times.items()} == {"a": 40, "b": 40, "c": 40}
    counted = [called[place : place + 6 : 2] for place in range(3, len(called), 6)]  # each twice, being quick
    assert all(sorted(each) == ["a", "b", "c"] for each in counted)
    assert len({tuple(each) for each in counted}) == 6
    assert {first for first, _ in pairwise(called[:3])} == {"a", "b"}


def test_who_is_far_behind_is_called_in_two_rounds_alone(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("benchmarks.measuring.time.perf_counter", lambda: clock[0])

    def taking(seconds: float) -> None:
        clock[0] += seconds

    runs = {"ours": lambda: taking(1), "near": lambda: taking(FAR - 1), "far": lambda: taking(FAR)}
    times = in_turn(runs, seconds=0, least=5)
    assert [len(times[name]) for name in runs] == [5, 5, 2]
    assert times["far"] == [FAR] * 2


def test_an_answer_comes_back_from_its_file_as_it_was():
    answer = Answer((row(1.2, Goal(1.1)), Row("memory", 3, "MB")), (Line("all", "px", "s", ((1, 2.5),)),), ("a note",))
    assert from_json(json.loads(json.dumps(to_json(answer)))) == answer


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0.00"), (0.01234, "0.0123"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_numbers_have_three_digits(value, told):
    assert number(value) == told


def test_the_95th_percentile():
    assert p95(list(range(101))) == 95
    assert p95([3.0]) == 3.0
