"""What the report says, and when something counts as slower."""

import json

import pytest

from benchmarks import report
from benchmarks.__main__ import QUESTIONS, told_of
from benchmarks.machine import Machine
from benchmarks.measuring import FAR, Answer, Goal, Line, Row, to_json

WIDE = Machine("Some Processor", "AVX-512", 2, 16)
NARROW = Machine("Some Processor", "AVX2", 2, 16, "avx2")
TOLD = {"convolution": ("Convolution", "About it."), "live": ("The camera", "About that.")}


def answer(ratio: float, what: str = "a row") -> Answer:
    return Answer((Row(what, 4.0, "ms", {"peer": ratio, "another": 0.25}, Goal(1.1)), Row("memory", 1234, "MB")))


def kept(folder, machine: Machine, found: Answer, question: str = "convolution", day: int = 1) -> None:
    told = {"date": f"2026-12-0{day}", "versions": {"torch": "2.14.1"}, "load": (0.5, 1.5), "answer": to_json(found)}
    report.keep(folder, machine, question, told)


def test_processors_lie_side_by_side(tmp_path):
    kept(tmp_path, NARROW, answer(1.5))
    kept(tmp_path, WIDE, answer(0.9))
    text = report.document(report.all_results(tmp_path), TOLD)
    assert "| A | Some Processor, AVX-512, 2 cores, 16 GB | torch 2.14.1; without " in text
    assert "| B | Some Processor, restricted to AVX2, 2 cores, 16 GB |" in text
    assert "|  | ours, A | ours, B | / peer | / another | goal |" in text
    assert "| a row | 4.00 ms | 4.00 ms | 0.90 · **1.50** | 0.25 · 0.25 | ≤ 1.1 × ✓ · ✗ |" in text
    assert "| memory | 1,234 MB | 1,234 MB |  |  |  |" in text
    assert "B is another machine by restriction. onnxruntime" in text
    assert "- a row (B, 1.50 × peer): **No reason is known.**" in text
    assert "load 0.5 at the start and 1.5 at the end" in text
    assert text.endswith("\nNot measured so far: The camera.\n")


def test_a_reason_that_is_known_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(report.REASONS, "convolution", {"a *": "It cheats."})
    kept(tmp_path, WIDE, answer(2.0))
    assert "- a row (A, 2.00 × peer): **It cheats.**" in report.document(report.all_results(tmp_path), TOLD)


def test_what_one_processor_lacks_is_told_as_such(tmp_path):
    kept(tmp_path, WIDE, answer(0.9))
    kept(tmp_path, NARROW, answer(0.9, "another row"))
    text = report.document(report.all_results(tmp_path), TOLD)
    assert "| a row | 4.00 ms | – | 0.90 · – | 0.25 · – | ≤ 1.1 × ✓ · – |" in text
    assert "| another row | – | 4.00 ms | – · 0.90 | – · 0.25 | ≤ 1.1 × – · ✓ |" in text


def test_what_was_measured_earlier_stays(tmp_path):
    kept(tmp_path, WIDE, answer(0.9))
    kept(tmp_path, WIDE, answer(0.5), "live")
    kept(tmp_path, WIDE, answer(0.8), day=2)
    [found] = report.all_results(tmp_path)
    assert {name: each.date for name, each in found.questions.items()} == {
        "convolution": "2026-12-02",
        "live": "2026-12-01",
    }
    assert found.questions["convolution"].answer == answer(0.8)


def test_lines_are_drawn_where_the_report_looks_for_them(tmp_path):
    drawing = pytest.importorskip("benchmarks.drawing")
    pytest.importorskip("matplotlib")
    kept(tmp_path, WIDE, Answer([], [Line("time", "pixels", "s", [(10, 1), (100, 9)])]))
    [found] = report.all_results(tmp_path)
    drawing.drawn(found, tmp_path)
    text = report.document([found], TOLD)
    [picture] = tmp_path.glob("*.svg")
    assert f"(results/{picture.name})" in text
    first = picture.read_bytes()
    drawing.drawn(found, tmp_path)
    assert picture.read_bytes() == first  # or each report would be a change


@pytest.mark.parametrize(
    ("was", "now", "slow"),
    [
        (0.8, 1.61, True),
        (0.8, 1.59, False),
        (1.5, 0.7, False),
        (0.01, 0.9 / FAR, False),  # so far behind that it was called twice alone
        (0.01, 1.1 / FAR, True),
    ],
)
def test_slower_is_what_has_more_than_doubled(was, now, slow):
    found = report.slower("convolution", answer(now), answer(was))
    told = {("a row", "peer"): f"convolution, a row: {now:.2f} × peer, where {was:.2f} is kept"}
    assert found == (told if slow else {})


def test_rows_and_peers_that_are_not_kept_are_compared_with_nothing():
    assert report.slower("convolution", answer(9.0, "a new row"), answer(1.0)) == {}
    assert report.slower("convolution", answer(9.0), Answer([Row("a row", 1.0, "ms")])) == {}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_says_what_it_is_about(question):
    title, about = told_of(question)
    assert title
    assert about.endswith(".")


def test_what_is_kept_can_be_read_and_the_report_is_of_it():
    """The file in the repository is the one that these results make."""
    results = report.all_results(report.RESULTS)
    text = report.document(results, {name: told_of(name) for name in QUESTIONS})
    assert (report.HERE / "RESULTS.md").read_text() == text
    for path in report.RESULTS.glob("*.json"):
        assert path.stem == report.read(path).machine.name
        assert json.loads(path.read_text())["questions"].keys() <= set(QUESTIONS)
