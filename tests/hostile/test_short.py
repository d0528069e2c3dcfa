"""A short form of what `make hostile` tries."""

from hostile import heads, pictures, weight_files, zips
from hostile.__main__ import document, record
from hostile.outcome import Outcome

from visionlab.errors import HeadError


def test_pictures():
    worst = ("PNG, a million unknown chunks", "GIF, a million comments", "BMP, 20 MB of runs of one pixel")
    found = pictures.run(300, seed=7, worst=worst)
    assert found.failures == []
    assert found.attempts == 300 + len(worst)
    assert min(found.taken, found.refused) > 60


def test_a_picture_that_ends_its_process_is_told(monkeypatch):
    monkeypatch.setattr(pictures, "CODE", "import os, sys; os.kill(os.getpid(), 11)")
    found = pictures.run(1, worst=())
    assert found.failures == ["jpg: the process ended with -11"]


def test_zips():
    found = zips.run(2 * len(zips.MAKERS), seed=7)
    assert found.failures == []
    assert found.attempts == 2 * len(zips.MAKERS) * len(zips.DOORS)
    assert min(found.taken, found.refused) > 20


def test_heads_and_chains():
    found = heads.run(40, minutes=1 / 60, first=3)
    assert found.failures == []
    assert found.attempts >= 240


def test_weight_files():
    found = weight_files.run(3, 2)
    assert found.failures == []
    assert found.attempts == 5


def test_what_breaks_a_promise_is_told():
    outcome = Outcome("Zips")
    outcome.attempt("good", lambda: None, 10)
    outcome.attempt("bug", lambda: 1 / 0, 10)
    outcome.attempt("slow", lambda: None, -1)

    def refuse(text: str) -> None:
        raise HeadError(text)

    outcome.attempt("refused", lambda: refuse("no"), 10)
    outcome.attempt("endless", lambda: refuse("no" * 1_000), 10)
    assert [told.partition(":")[0] for told in outcome.failures] == ["bug", "slow", "endless"]
    outcome.attempt("bug", lambda: 1 / 0, 10, "another door")
    assert outcome.failures[-1].startswith("bug, another door: ZeroDivisionError")
    outcome.fail("slow: and left something behind")
    told = document([record("What strangers do.", outcome, 3)])
    assert "| Zips | 7 | 1 | 1 | 5 |" in told
    assert "| bug | 0 | 0 | 2 |" in told
    assert "**broke a promise:** bug: ZeroDivisionError at test_short.py" in told
