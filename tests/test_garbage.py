"""What had been left out of Python's collections is let go of, once it is garbage, by the next collection of all."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest

from visionlab import garbage
from visionlab.garbage import collect_all, leave_out_imports


class Session:
    """Refers to itself, as Streamlit's do, so that only a collection finds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before():
    yield
    gc.unfreeze()


def test_a_session_of_the_days_of_an_import_is_let_go_of(monkeypatch):
    monkeypatch.setattr(garbage, "_imported", 0)
    session = Session()
    leave_out_imports()
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is not None, "the collection that Streamlit asks for does not look there"
    collect_all()
    assert gone() is None


def test_collections_are_short_again_after_it():
    collect_all()
    assert gc.get_freeze_count() > 1000
    assert len(gc.get_objects()) < 1000


def test_without_new_modules_nothing_is_collected(monkeypatch):
    monkeypatch.setattr(garbage, "_imported", len(sys.modules))
    collections = []
    monkeypatch.setattr(garbage, "collect_all", lambda: collections.append(1))
    leave_out_imports()
    assert not collections


def test_of_many_who_ask_at_once_one_waits(monkeypatch):
    """And not one after the other, each for its 0.1 s; none of them asks in vain."""
    begun, go, collections = threading.Event(), threading.Event(), []

    def collect() -> None:
        collections.append(len(collections))
        begun.set()
        assert go.wait(20)

    monkeypatch.setattr(garbage.gc, "collect", collect)
    first = threading.Thread(target=collect_all)
    first.start()
    assert begun.wait(20)
    others = [threading.Thread(target=collect_all) for _ in range(5)]
    for other in others:
        other.start()
    for other in others:
        other.join(0.2)
    assert sum(other.is_alive() for other in others) == 1
    go.set()
    for thread in (first, *others):
        thread.join(20)
    assert len(collections) == 2


def test_it_takes_no_library_along():
    code = "import sys, visionlab.garbage; print(sorted({'torch', 'streamlit', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
