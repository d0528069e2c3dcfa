"""make bench-smoke's judgement, and what is kept of questions that end well, end in a sentence, or fail."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks import report
from benchmarks.machine import Machine
from benchmarks.measuring import NOT_HERE, Answer, Row, to_json

MACHINE = Machine("Some Processor", "AVX-512", 2, 16)


def answer(ratio: float) -> dict:
    return to_json(Answer((Row("a row", 1.0, "ms", {"peer": ratio}),)))


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A list of what questions end with and say, one call after the other."""
    ends: list[tuple[int, dict | None]] = []
    monkeypatch.setattr(runner, "ask", lambda question, options, restricted: ends.pop(0))
    monkeypatch.setattr(runner, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    return ends


@pytest.fixture
def kept(asked):
    told = {"date": "2026-12-01", "versions": {}, "load": (0, 0), "answer": answer(0.5)}
    report.keep(runner.RESULTS, MACHINE, "convolution", told)


def test_what_is_as_quick_as_before_passes(asked, kept):
    asked.append((0, answer(0.9)))
    assert runner.smoke(["convolution"], [], "", MACHINE)


def test_what_is_slow_twice_fails_and_is_told(asked, kept, capsys):
    asked += [(0, answer(1.2)), (0, answer(1.1))]
    assert not runner.smoke(["convolution"], [], "", MACHINE)
    assert "More than doubled: convolution, a row: 1.10 × peer, where 0.50 is kept." in capsys.readouterr().out


def test_what_is_slow_once_was_the_machine(asked, kept):
    asked += [(0, answer(1.2)), (0, answer(0.6))]
    assert runner.smoke(["convolution"], [], "", MACHINE)


def test_nothing_to_compare_with_is_told_and_passes(asked, capsys):
    asked.append((0, answer(9.0)))
    assert runner.smoke(["convolution"], [], "", MACHINE)
    assert "nothing is kept of Some Processor, AVX-512, 2 cores to compare with" in capsys.readouterr().out


def test_a_question_that_cannot_be_asked_at_all_fails(asked, kept):
    asked.append((1, None))
    assert not runner.smoke(["convolution"], [], "", MACHINE)


@pytest.mark.parametrize(("end", "whole"), [(0, True), (NOT_HERE, True), (1, False)])
def test_an_answer_is_kept_and_what_was_not_measured_is_no_failure(asked, kept, end, whole):
    asked += [(end, answer(0.7) if end == 0 else None)]
    assert runner.long(["convolution"], [], "", MACHINE) is whole
    [found] = report.all_results(runner.RESULTS)
    assert found.questions["convolution"].answer.rows[0].ratios == {"peer": 0.7 if end == 0 else 0.5}


@pytest.mark.parametrize(("told", "then"), [((), ""), (("ISA=avx2", "ONLY=live"), "--as avx2 --only live")])
def test_make_hands_on_what_it_is_told_and_nothing_else(told, then):
    make = ["make", "--dry-run", "-C", Path(runner.__file__).parent.parent, "bench", *told]
    done = subprocess.run(make, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if "-m benchmarks" in line)
    assert " ".join(line.partition("-m benchmarks")[2].split()) == then
