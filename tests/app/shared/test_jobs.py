"""Background jobs: they outlive their starter, wait for their turn, stop when asked, and say what went wrong."""

import gc
import threading
import time
import weakref

import pytest
from streamlit.testing.v1 import AppTest

from visionlab import limits
from visionlab.errors import BusyError, DatasetError
from visionlab.shortage import NO_MEMORY
from visionlab.ui.shared import jobs
from visionlab.ui.shared.jobs import FINISHED_KEPT, Registry

AT_ONCE = limits.JOBS.usual


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


def resting(seconds: float, registry: Registry):
    """A job that was asked to give way for so long, and is at its report, and its id."""
    reached, go = threading.Event(), threading.Event()

    def work(job):
        reached.set()
        assert go.wait(10)
        job.report(0.5)
        yield "after it"

    key = registry.submit(work)
    assert reached.wait(10)
    registry.find(key).give_way(seconds)
    go.set()
    return key


def test_a_job_gives_way_to_what_is_done_by_hand_and_then_goes_on():
    registry, began = Registry(), time.monotonic()
    job = finished(registry, resting(0.3, registry))
    assert job.events == ["after it"]
    assert time.monotonic() - began >= 0.3


def test_a_job_that_gives_way_can_be_stopped():
    registry = Registry()
    key = resting(1000, registry)
    registry.find(key).cancel()
    assert finished(registry, key).state == "cancelled"


def test_a_job_does_not_give_way_for_ever(monkeypatch):
    monkeypatch.setattr(jobs, "COURTESY", 0.1)
    registry = Registry()
    assert finished(registry, resting(1000, registry)).events == ["after it"]


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


def test_what_the_machine_lacks_is_told_and_its_cause_is_in_the_log(monkeypatch, caplog):
    surfaced, registry = [], Registry()
    monkeypatch.setattr(threading, "excepthook", surfaced.append)

    def large(job):
        raise MemoryError("640 GiB")
        yield

    job = finished(registry, registry.submit(large))
    assert (job.state, job.error) == ("failed", NO_MEMORY)
    assert not surfaced
    [line] = caplog.messages
    assert "MemoryError: 640 GiB" in line


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


def test_a_generator_has_the_last_word_before_its_job_is_over():
    registry, last, reached, go = Registry(), [], threading.Event(), threading.Event()

    def work(job):
        try:
            reached.set()
            assert go.wait(10)
            yield "first"
            yield "second"
        finally:
            last.append(job.state)

    key = registry.submit(work)
    assert reached.wait(10)
    registry.find(key).cancel()
    go.set()
    job = finished(registry, key)
    assert (job.state, job.events, last) == ("cancelled", ["first"], ["running"])


def test_what_a_stopped_generator_cannot_save_is_told():
    registry, reached = Registry(), threading.Event()

    def work(job):
        try:
            reached.set()
            while True:
                yield "on and on"
        finally:
            raise DatasetError("The disk is full.")

    key = registry.submit(work)
    assert reached.wait(10)
    registry.find(key).cancel()
    job = finished(registry, key)
    assert (job.state, job.error) == ("failed", "The disk is full.")


@pytest.fixture
def full():
    """A registry in one of whose queues all turns are taken, and what lets them go."""
    registry, go, running = Registry(), threading.Event(), threading.Semaphore(0)

    def long(job):
        running.release()
        assert go.wait(10)
        yield "done"

    for _ in range(AT_ONCE):
        registry.submit(long, queue="runs")
        assert running.acquire(timeout=10)
    yield registry, go
    go.set()


def test_a_job_knows_its_place_in_the_queue_and_moves_up(full):
    registry, go = full
    order = []
    jobs = [registry.find(registry.submit(lambda job, n=n: iter([order.append(n)]), queue="runs")) for n in range(3)]
    assert [job.place for job in jobs] == [1, 2, 3]
    jobs[1].cancel()
    assert jobs[1].wait(10), "what waits need not wait to be stopped"
    assert [job.place for job in jobs] == [1, 0, 2]
    go.set()
    for job in jobs:
        assert job.wait(10)
    assert sorted(order) == [0, 2]
    assert [(job.state, job.place) for job in jobs] == [("done", 0), ("cancelled", 0), ("done", 0)]


def test_queues_do_not_wait_for_each_other(full):
    registry, _ = full
    assert finished(registry, registry.submit(lambda job: iter([1]))).state == "done"


def test_a_job_that_never_began_says_so(full):
    registry, _ = full
    dropped = []
    job = registry.find(registry.submit(lambda job: iter([1]), queue="runs", dropped=lambda: dropped.append(1)))
    job.cancel()
    assert job.wait(10)
    assert (job.state, job.events, dropped) == ("cancelled", [], [1])


def test_one_job_about_one_thing(full):
    registry, go = full
    key = registry.submit(lambda job: iter([1]), about="a project", queue="runs")
    with pytest.raises(BusyError):
        registry.submit(lambda job: iter([2]), about="a project")
    other = finished(registry, registry.submit(lambda job: iter([3]), about="another"))
    assert registry.about("another") is other
    assert registry.about("a third") is None
    go.set()
    assert finished(registry, key) is registry.about("a project")
    again = finished(registry, registry.submit(lambda job: iter([4]), about="a project"))
    assert registry.about("a project") is again
    for _ in range(FINISHED_KEPT + 1):
        finished(registry, registry.submit(lambda job: iter([5])))
    assert registry.about("a project") is None, "what is forgotten is forgotten here, too"


def test_many_stopped_and_unstopped_jobs_leave_no_turn_taken():
    registry = Registry()
    jobs = [registry.find(registry.submit(lambda job: iter(range(3)))) for _ in range(60)]
    for job in jobs[::2]:
        job.cancel()
    for job in jobs:
        assert job.wait(10)
    assert {job.state for job in jobs[1::2]} == {"done"}
    assert {job.state for job in jobs[::2]} <= {"done", "cancelled"}
    assert finished(registry, registry.submit(lambda job: iter([1]))).state == "done"


def drawn_while_a_job_ends() -> None:
    import streamlit as st

    from visionlab.ui.shared.jobs import followed

    registry, go, story = (st.session_state[key] for key in ("registry", "go", "story"))
    with followed():
        job = registry.find(st.session_state["job"])
        busy = not job.over
        go.set()
        job.wait(60)
        shown = "busy" if busy else "done"
        story.append(shown)
        st.text(shown)
        registry.submit(lambda _: iter(()))  # looks through the jobs of everybody


def test_a_page_that_saw_a_job_going_on_which_ended_meanwhile_is_drawn_once_more():
    registry, go, story = Registry(), threading.Event(), []
    forever = threading.Event()
    registry.submit(lambda _: iter([forever.wait(60)]))  # of somebody else
    app = AppTest.from_function(drawn_while_a_job_ends, default_timeout=60)
    job = registry.submit(lambda _: iter([go.wait(60)]))
    for key, value in {"registry": registry, "go": go, "story": story, "job": job}.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    assert story == ["busy", "done"]
    assert [each.value for each in app.text] == ["done"]
    app.run()
    assert story == ["busy", "done", "done"]
    forever.set()


def watched_job():
    import streamlit as st

    from visionlab.ui.shared import jobs

    each = [st.session_state["registry"].find(key) for key in st.session_state["jobs"]]
    jobs.watch(each[0] if len(each) == 1 else jobs.Jobs(each), lambda: None, "Stop", "stop")


@pytest.mark.parametrize("count", [1, 2])
def test_stop_cannot_be_pressed_again_while_the_work_comes_to_its_end(count):
    registry, go = Registry(), threading.Event()
    app = AppTest.from_function(watched_job, default_timeout=60)
    app.session_state["registry"] = registry
    app.session_state["jobs"] = [registry.submit(lambda _: iter([go.wait(60)])) for _ in range(count)]
    app.run()
    assert not app.button(key="stop").disabled
    app.button(key="stop").click().run()
    assert not app.exception
    assert app.button(key="stop").disabled
    go.set()


def choosing() -> None:
    """A page on which one of two things is begun, the other of them stopped."""
    import streamlit as st

    from visionlab.ui.shared import jobs

    @st.cache_resource(show_spinner=False)
    def begin(session: str, number: int) -> str:
        def work(job: jobs.Job):
            yield number
            while True:
                job.give_way(0.01)
                job.report(0.5)

        return jobs.registry().submit(work)

    for number in st.session_state["numbers"]:
        st.session_state["job"] = jobs.only("here", begin, jobs.session(), number)


def test_of_what_a_session_begins_at_a_place_the_last_alone_goes_on():
    """What is stopped for that is begun anew when it is asked for again; another session's goes on."""
    first, second = AppTest.from_function(choosing), AppTest.from_function(choosing)
    found = []
    try:
        for app, numbers in ((second, [1]), (first, [1]), (first, [2]), (first, [1])):
            app.session_state["numbers"] = numbers
            app.run()
            assert not app.exception
            found.append(app.session_state["job"])
        assert len(set(found)) == 4
        others, *stopped, last = found
        for job in stopped:
            assert job.wait(10)
            assert job.state == "cancelled"
        assert not others.ended
        assert not last.ended
    finally:
        for job in found:
            job.cancel()


def test_of_two_visitors_the_second_is_told_that_it_waits_and_not_that_it_is_worked_on(monkeypatch):
    """Whatever it waits for: a bar that says what is being done would stand at 0 without a reason."""
    monkeypatch.setenv(limits.JOBS.variable, "1")
    known, go, begun = Registry(), threading.Event(), threading.Event()
    monkeypatch.setattr(jobs, "registry", lambda: known)

    def long(_):
        begun.set()
        assert go.wait(60)
        yield 1

    def script(key: str) -> None:
        from visionlab.ui.shared import jobs
        from visionlab.ui.shared.widgets import how_far

        job = jobs.registry().find(key)
        how_far(job, "Following the gradient …")
        how_far(jobs.Jobs([job]), "Asking every network …")

    def told(key: str) -> list[str]:
        app = AppTest.from_function(script, kwargs={"key": key}).run()
        assert not app.exception
        return [each.proto.text for each in app.get("progress")]

    first, second = known.submit(long), known.submit(lambda _: iter([1]))
    try:
        assert begun.wait(10)
        assert told(first) == ["Following the gradient …", "Asking every network …"]
        assert told(second) == ["Waiting for its turn …"] * 2
    finally:
        go.set()
    assert known.find(second).wait(10)
    assert known.find(second).state == "done"
    assert told(second) == ["Following the gradient …", "Asking every network …"]
