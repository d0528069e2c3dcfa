import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

from visionlab.errors import BusyError, ModelError, ParameterError
from visionlab.network.running import batching
from visionlab.network.running.batching import Batcher, answers, prepared
from visionlab.network.running.prediction import probabilities

NET = tiny_classifier()
PICTURES = [np.random.default_rng(i).integers(0, 256, (40 + i, 60, 3), dtype=np.uint8) for i in range(24)]
EXPECTED = [probabilities(NET, [picture])[0] for picture in PICTURES]


class Gated(torch.nn.Module):
    """A network that waits at a gate before it computes, and notes the size of each batch under its name."""

    def __init__(self, module, name, log):
        super().__init__()
        self.module, self.name, self.log = module, name, log
        self.entered, self.gate = threading.Semaphore(0), threading.Semaphore(0)

    def forward(self, x):
        self.log.append((self.name, len(x)))
        self.entered.release()
        self.gate.acquire()
        return self.module(x)

    def steps(self):
        return [("gated", self)]

    def open(self, batches=100):
        self.gate.release(batches)


def gated(name="tiny", log=None):
    return replace(NET, name=name, module=Gated(NET.module, name, [] if log is None else log))


def until_waiting(batcher, count):
    """Return once so many pictures wait for the batcher's network."""
    changed = batcher._line.changed
    with changed:
        assert changed.wait_for(lambda: len(batcher._lane.waiting) == count, 20)


def worker_threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("batches on")}


@pytest.fixture
def callers():
    with ThreadPoolExecutor(32) as pool:
        yield pool


@pytest.mark.gpu
def test_every_caller_gets_what_predict_says_of_its_picture(tiny, callers):
    expected = [probabilities(tiny, [picture])[0] for picture in PICTURES]
    with closing(Batcher(tiny)) as batcher:
        found = list(callers.map(batcher.probabilities, PICTURES))
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.shape, ours.dtype) == ((7,), np.float32)
        np.testing.assert_allclose(ours, theirs, atol=1e-5 if tiny.device.type == "cpu" else 1e-3)


@settings(max_examples=12)
@given(
    most=st.integers(1, 7),
    wait=st.sampled_from([0, 0.001, 0.004]),
    order=st.lists(st.integers(0, len(PICTURES) - 1), min_size=1, max_size=24),
    clients=st.integers(1, 8),
)
def test_whatever_the_batches_are_no_answer_goes_astray(most, wait, order, clients):
    with closing(Batcher(NET, most, wait)) as batcher, ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(lambda index: batcher.probabilities(PICTURES[index]), order))
    np.testing.assert_allclose(found, [EXPECTED[index] for index in order], atol=1e-5)


def test_prepared_pictures_are_answered_like_pictures():
    found = [each.probabilities for each in answers(NET, [prepared(NET, picture) for picture in PICTURES])]
    np.testing.assert_allclose(found, EXPECTED, atol=1e-5)


def test_what_comes_while_a_batch_is_computed_goes_together(callers):
    net = gated()
    with closing(Batcher(net, most=4, wait=0)) as batcher:
        first = callers.submit(batcher.probabilities, PICTURES[0])
        net.module.entered.acquire()
        others = [callers.submit(batcher.probabilities, picture) for picture in PICTURES[1:7]]
        until_waiting(batcher, 6)
        net.module.open()
        for future, expected in zip([first, *others], EXPECTED, strict=False):
            np.testing.assert_allclose(future.result(), expected, atol=1e-5)
    assert net.module.log == [("tiny", 1), ("tiny", 4), ("tiny", 2)]


def test_a_lone_caller_is_never_held_back(monkeypatch):
    timeouts = []

    class Noting(threading.Condition):
        def wait_for(self, predicate, timeout=None):
            timeouts.append(timeout)
            return super().wait_for(predicate, timeout)

    monkeypatch.setattr(batching.threading, "Condition", Noting)
    with closing(Batcher(replace(NET, device=torch.device("cpu", 7)), wait=60)) as batcher:  # a line of its own
        for picture in PICTURES[:3]:
            batcher.probabilities(picture)
    assert set(timeouts) == {None}


def test_company_is_waited_for_only_until_the_batch_is_full(callers):
    net = gated()
    with closing(Batcher(net, most=2, wait=60)) as batcher:
        for_one = callers.submit(batcher.probabilities, PICTURES[0])
        net.module.entered.acquire()
        second = callers.submit(batcher.probabilities, PICTURES[1])
        until_waiting(batcher, 1)
        net.module.open()
        for_one.result()
        third = callers.submit(batcher.probabilities, PICTURES[2])
        np.testing.assert_allclose([second.result(), third.result()], EXPECTED[1:3], atol=1e-5)
    assert net.module.log == [("tiny", 1), ("tiny", 2)]


def test_a_full_queue_refuses_at_once_and_has_room_again(callers):
    net = gated()
    with closing(Batcher(net, queue=3)) as batcher:
        inside = [callers.submit(batcher.probabilities, PICTURES[0])]
        net.module.entered.acquire()
        inside += [callers.submit(batcher.probabilities, picture) for picture in PICTURES[1:3]]
        until_waiting(batcher, 2)
        with pytest.raises(BusyError, match="busy with 3 pictures; try again"):
            batcher.probabilities(PICTURES[3])
        net.module.open()
        np.testing.assert_allclose([future.result() for future in inside], EXPECTED[:3], atol=1e-5)
        np.testing.assert_allclose(batcher.probabilities(PICTURES[3]), EXPECTED[3], atol=1e-5)


def test_who_gives_up_leaves_nothing_behind(callers):
    net = gated()
    with closing(Batcher(net, queue=2)) as batcher:
        first = callers.submit(batcher.probabilities, PICTURES[0])
        net.module.entered.acquire()
        for _ in range(3):
            with pytest.raises(BusyError, match=r"not answered within 0\.001 s"):
                batcher.probabilities(PICTURES[1], timeout=0.001)
        assert not batcher._lane.waiting
        assert not batcher._line.lanes
        net.module.open()
        np.testing.assert_allclose(first.result(), EXPECTED[0], atol=1e-5)
        np.testing.assert_allclose(batcher.probabilities(PICTURES[2], timeout=20), EXPECTED[2], atol=1e-5)
    assert net.module.log == [("tiny", 1), ("tiny", 1)]


def test_who_gives_up_while_it_is_computed_disturbs_nobody(callers):
    net = gated()
    with closing(Batcher(net)) as batcher:
        for patience in (0.001, 0.01, 0.1, 1.0, 10.0):  # on a busy machine it may be given up before it is computed
            given_up = callers.submit(batcher.probabilities, PICTURES[0], timeout=patience)
            with pytest.raises(BusyError):
                given_up.result()
            if computed := net.module.entered.acquire(timeout=1):
                break
        assert computed
        net.module.open()
        np.testing.assert_allclose(batcher.probabilities(PICTURES[1]), EXPECTED[1], atol=1e-5)


def test_what_is_no_picture_fails_alone_and_takes_no_place():
    with closing(Batcher(NET, queue=1)) as batcher:
        for _ in range(2):
            with pytest.raises(ParameterError, match="float64"):
                batcher.probabilities(np.zeros((40, 40, 3)))
        np.testing.assert_allclose(batcher.probabilities(PICTURES[0]), EXPECTED[0], atol=1e-5)


def test_a_failure_of_the_network_reaches_its_callers_and_the_worker_goes_on(callers):
    class Failing(torch.nn.Module):
        def forward(self, x):
            raise MemoryError("no room")

        def steps(self):
            return [("failing", self)]

    with closing(Batcher(replace(NET, module=Failing()))) as broken, closing(Batcher(NET)) as batcher:
        for future in [callers.submit(broken.probabilities, picture) for picture in PICTURES[:5]]:
            with pytest.raises(MemoryError, match="no room"):
                future.result()
        np.testing.assert_allclose(batcher.probabilities(PICTURES[0]), EXPECTED[0], atol=1e-5)


def test_networks_of_one_device_share_a_thread_and_take_turns(callers):
    log = []
    one, two = gated("one", log), gated("two", log)
    before = worker_threads()
    with closing(Batcher(one, most=2, wait=0)) as first, closing(Batcher(two, most=2, wait=0)) as second:
        assert len(worker_threads() - before) <= 1
        assert first._worker is second._worker
        futures = [callers.submit(first.probabilities, PICTURES[0])]
        one.module.entered.acquire()
        futures += [callers.submit(first.probabilities, picture) for picture in PICTURES[1:6]]
        until_waiting(first, 5)
        futures += [callers.submit(second.probabilities, picture) for picture in PICTURES[6:9]]
        until_waiting(second, 3)
        one.module.open()
        two.module.open()
        np.testing.assert_allclose([future.result() for future in futures], EXPECTED[:9], atol=1e-5)
    turns = [("one", 1), ("one", 2), ("two", 2), ("one", 2), ("two", 1), ("one", 1)]
    assert log == turns


def test_closing_tells_those_who_wait_and_ends_the_thread(callers):
    net = replace(gated(), device=torch.device("cpu", 3))
    before = worker_threads()
    batcher = Batcher(net)
    (thread,) = worker_threads() - before
    computed = callers.submit(batcher.probabilities, PICTURES[0])
    net.module.entered.acquire()
    waiting = [callers.submit(batcher.probabilities, picture) for picture in PICTURES[1:4]]
    until_waiting(batcher, 3)
    batcher.close()
    batcher.close()
    for future in waiting:
        with pytest.raises(ModelError, match="“tiny” has been closed"):
            future.result()
    with pytest.raises(ModelError, match="“tiny” has been closed"):
        batcher.probabilities(PICTURES[0])
    net.module.open()
    np.testing.assert_allclose(computed.result(), EXPECTED[0], atol=1e-5)
    thread.join(20)
    assert not thread.is_alive()


def test_a_call_that_meets_the_closing_is_told(monkeypatch):
    batcher = Batcher(NET)

    def prepare(net, image):
        batcher.close()  # just when the picture is on its way
        return prepared(net, image)

    monkeypatch.setattr(batching, "prepared", prepare)
    with pytest.raises(ModelError, match="has been closed"):
        batcher.probabilities(PICTURES[0])


def test_a_forgotten_batcher_ends_its_thread_and_lets_go_of_the_network():
    before = worker_threads()
    net = replace(tiny_classifier(seed=1), device=torch.device("cpu", 5))
    module = weakref.ref(net.module)
    batcher = Batcher(net)
    (thread,) = worker_threads() - before
    assert thread.daemon
    batcher.probabilities(PICTURES[0])
    del batcher, net
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()
    assert module() is None


@pytest.mark.parametrize("wrong", [{"most": 0}, {"queue": 0}, {"wait": -0.1}, {"wait": float("nan")}])
def test_odd_settings_are_named(wrong):
    with pytest.raises(ParameterError, match=str(next(iter(wrong.values())))):
        Batcher(NET, **wrong)
