"""Background jobs: they outlive their starter, wait for their turn, stop when asked, and say what went wrong."""

import gc
import threading
import weakref

import pytest

from visionlab.errors import DatasetError
from visionlab.ui.jobs import AT_ONCE, FINISHED_KEPT, Registry


def finished(registry: Registry, key: str):
    job = registry.find(key)
    assert job.wait(10)
    return job


def test_events_are_kept_in_order():
    registry = Registry()
    job = finished(registry, registry.submit(lambda job: iter(range(5))))
    assert (job.state, job.events, job.latest, job.error) == ("done", [0, 1, 2, 3, 4], 4, None)


def test_a_cancelled_job_keeps_what_it_had():
    registry, reached, go = Registry(), threading.Event(), threading.Event()

    def work(job):
        yield "first"
        reached.set()
        assert go.wait(10)
        yield "second"
        yield "never"

    key = registry.submit(work)
    assert reached.wait(10)
    registry.find(key).cancel()
    go.set()
    job = finished(registry, key)
    assert (job.state, job.events) == ("cancelled", ["first", "second"])


def test_a_report_stops_a_cancelled_job_between_events():
    registry, reached, go = Registry(), threading.Event(), threading.Event()

    def work(job):
        yield "first"
        job.report(0.25)
        reached.set()
        assert go.wait(10)
        job.report(0.5)
        pytest.fail("went on")

    key = registry.submit(work)
    assert reached.wait(10)
    assert registry.find(key).share == 0.25
    registry.find(key).cancel()
    go.set()
    job = finished(registry, key)
    assert (job.state, job.events, job.error) == ("cancelled", ["first"], None)


def test_an_error_for_people_is_told_and_a_bug_surfaces(monkeypatch):
    surfaced = []
    monkeypatch.setattr(threading, "excepthook", surfaced.append)
    registry = Registry()

    def unusable(job):
        raise DatasetError("“cats” has 1 picture.")
        yield

    def buggy(job):
        yield 1 / 0

    job = finished(registry, registry.submit(unusable))
    assert (job.state, job.error) == ("failed", "“cats” has 1 picture.")
    assert not surfaced
    job = finished(registry, registry.submit(buggy))
    assert job.state == "failed"
    assert "ZeroDivisionError" in job.error
    assert surfaced[0].exc_type is ZeroDivisionError


def test_so_many_at_once_and_the_rest_wait():
    registry, go = Registry(), threading.Event()
    running = threading.Semaphore(0)

    def work(job):
        running.release()
        assert go.wait(10)
        yield "done"

    keys = [registry.submit(work) for _ in range(AT_ONCE + 2)]
    for _ in range(AT_ONCE):
        assert running.acquire(timeout=10)
    assert not running.acquire(blocking=False)
    assert sorted(registry.find(key).state for key in keys) == ["running"] * AT_ONCE + ["waiting"] * 2
    waiting = next(key for key in keys if registry.find(key).state == "waiting")
    registry.find(waiting).cancel()
    go.set()
    assert sorted(finished(registry, key).state for key in keys) == ["cancelled", "done", "done", "done"]
    assert registry.find(waiting).events == [], "what is cancelled while it waits never begins"


def test_the_registry_is_bounded_and_its_ids_cannot_be_guessed():
    registry = Registry()
    keys = []
    for _ in range(FINISHED_KEPT + 10):
        keys.append(registry.submit(lambda job: iter([1])))
        finished(registry, keys[-1])
    assert registry.find(keys[0]) is None
    assert registry.find(keys[-1]) is not None
    assert len(set(keys)) == len(keys)
    assert min(map(len, keys)) >= 20
    assert registry.find(None) is registry.find("") is registry.find("nonsense") is None


def test_a_finished_job_lets_go_of_what_it_worked_on():
    class Pictures:
        pass

    registry, pictures = Registry(), Pictures()
    gone = weakref.ref(pictures)
    job = finished(registry, registry.submit(lambda job, held=pictures: iter([1 if held else 0])))
    del pictures
    gc.collect()
    assert job.events == [1]
    assert gone() is None


@pytest.mark.parametrize("count", [0, 3])
def test_work_may_yield_nothing(count):
    registry = Registry()
    job = finished(registry, registry.submit(lambda job: iter([0] * count)))
    assert (job.state, len(job.events)) == ("done", count)
