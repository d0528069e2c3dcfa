"""A short form of what `make hostile` tries."""

from hostile import full, heads, pictures, weight_files, zips
from hostile.__main__ import document, record
from hostile.outcome import Outcome

from visionlab.errors import DatasetError, HeadError


def test_pictures():
    worst = ("PNG, a million unknown chunks", "GIF, a million comments", "BMP, 20 MB of runs of one pixel")
    found = pictures.run(300, seed=7, worst=worst)
    assert found.failures == []
    assert found.attempts == 300 + len(worst)
    assert min(found.taken, found.refused) > 60


def test_a_picture_that_ends_its_process_is_told(monkeypatch):
    monkeypatch.setattr(pictures, "CODE", "import os, sys; os.kill(os.getpid(), 11)")
    found = pictures.run(1, worst=())
    assert found.failures == ["jpg, plain.jpg: the process ended with -11"]


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


def test_full_disk_and_full_memory():
    acts = ("pictures come in", "an edit is undone", "a zip is filtered", "answers are written")
    found = full.run(acts, left=(0, 8_000), allocations=3, mounting=False)
    assert found.failures == []
    assert found.attempts == 4 * 2 + 3 * 3  # an edit allocates nothing that is watched
    assert found.refused > 12


def test_full_disk_and_full_memory_in_training():
    found = full.run(("a head is trained",), left=(8_000,), allocations=1, mounting=False)
    assert found.failures == []
    assert (found.attempts, found.refused) == (2, 2)


def test_what_a_full_disk_takes_away_is_told(monkeypatch):
    def lossy(place):
        [first, *_] = place.project.snapshot()[1]
        place.project.remove([first.id])
        raise DatasetError("The disk is full.")

    monkeypatch.setitem(full.ACTS, "loses", lossy)
    monkeypatch.setitem(full.ACTS, "leaves", lambda place: (place.base / "some.part").touch())
    found = full.run(("loses", "leaves"), left=(10**6,), allocations=0, mounting=False)
    assert found.failures == [
        "disk: loses, files of 1,000,000 bytes: then 1 pictures are lost",
        "disk: leaves, files of 1,000,000 bytes: then some.part lies about",
    ]


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
    told = document([("What strangers do.", record(outcome, 3))])
    assert "| Zips | 7 | 1 | 1 | 5 |" in told
    assert "| bug | 0 | 0 | 2 |" in told
    assert "**broke a promise:** bug: ZeroDivisionError at test_short.py" in told
