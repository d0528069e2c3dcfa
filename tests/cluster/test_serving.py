"""Networks as deployments: what is handed over, what is refused, how many there are."""

import logging
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from cli.shell import outcome
from cluster_heads import head_on

from visionlab.cli.cluster import _usual
from visionlab.errors import BusyError, ClusterError, ModelError
from visionlab.network.running.prediction import answer

serving = pytest.importorskip("visionlab.cluster.serving", reason="Ray is not installed: make test-cluster brings it")

from ray import serve  # noqa: E402 - without Ray it is skipped by now
from ray.serve.exceptions import DeploymentUnavailableError  # noqa: E402

from visionlab.cluster import engine, many  # noqa: E402
from visionlab.cluster.sizing import Size  # noqa: E402


@pytest.fixture(scope="module")
def own_head(net):
    return head_on(net, seed=1)


@pytest.fixture(scope="module")
def own(served, net, own_head):
    """The application of a head, which takes two at a time, and lets one wait."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(serving, "MOST", 1)
        patched.setattr(serving, "QUEUE", 1)
        return serving.deploy(net.name, Size(1, 2, processors=0.1), own_head.to_bytes())


def test_a_head_has_a_deployment_of_its_own(own, served, net, own_head, noise):
    assert own.startswith("visionlab-head-")
    found = engine.engine_of(own_head.as_classifier(net), own_head)
    assert found._head is None  # nothing travels but the picture
    [expected] = answer(own_head.as_classifier(net), [noise])
    assert found.answer(noise).probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert set(serving.served()) >= {served, own}


def waits(net, begun, ends):
    begun.touch()
    while not ends.exists():
        time.sleep(0.05)
    return net.name


def test_more_than_can_wait_is_refused_as_busy_and_all_else_is_answered(own, net, own_head, tmp_path, by_value):
    net = own_head.as_classifier(net)
    found, waiting = engine.engine_of(net, own_head), by_value(waits)
    given = waiting, tmp_path / "begun", tmp_path / "ends"
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(found.run, *given)]
        while not given[1].exists():  # until it is at work, it counts among those that wait
            time.sleep(0.05)
        asked += [pool.submit(found.run, *given) for _ in range(11)]
        refused = next(each for each in as_completed(asked, timeout=60))
        given[2].touch()
        assert isinstance(refused.exception(), BusyError)
        answers = [each.result() for each in asked if each.exception() is None]
    assert len(answers) >= 2
    assert set(answers) == {net.name}


def test_what_does_not_fit_is_told_before_and_what_is_replaced_does_not_count(served):
    asked = Size(2, 8, processors=0.75)
    assert serving.short([served], asked) == ""
    told = serving.short([served, "visionlab-other"], asked)
    start = "2 networks and heads × --min 2 × --cpus 0.75 = 3 processors; the cluster has 2"
    assert told.startswith(start)
    assert re.search(r"\. What does not fit waits until there are more; --cpus 0\.\d+ would fit\.$", told)
    told = serving.short([served], Size(processors=0.1, gpus=1))
    assert told.endswith(
        "the cluster has 0. What does not fit waits until there are more; “cluster stop” frees what is served."
    )


def test_heads_are_served_beside_the_usual_networks(cluster, net, tmp_path, monkeypatch):
    deployed = []
    monkeypatch.setattr(serving, "deploy", lambda name, size, data, hand_over: deployed.append((name, data)) or name)
    head = head_on(net)
    head.save(tmp_path / "mine.safetensors")
    told = outcome(
        "cluster", "serve", "--head", tmp_path / "mine.safetensors", "--address", cluster.address, "--cpus", 64
    )
    usual = list(dict.fromkeys(_usual()))
    assert deployed == [*((name, None) for name in usual), (net.name, head.to_bytes())]
    assert told.stderr.startswith(f"{len(usual) + 1} networks and heads × --min 1 × --cpus 64 = ")
    assert "mine.safetensors, served" in told.stdout


def test_serve_writes_no_lines_of_its_own():
    code = "import logging, visionlab.cluster.serving; print(logging.getLogger('ray.serve').level)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert ended.stdout == f"{logging.ERROR}\n"


@pytest.fixture(scope="module")
def failed(served):
    """The application of a network that no node has, beside one that answers; the sentence that was told of it."""
    with pytest.raises(ClusterError) as told:
        serving.deploy("vgg19", Size(processors=0.1), hand_over=False)
    yield str(told.value)
    serve.delete(serving.name_of("vgg19"))


def test_a_network_that_nodes_lack_is_told(failed):
    assert re.match(r"The node [\d.]+ lacks vgg19-dcbb9e9d\.pth\. Put it into .* --hand-over", failed)


def test_what_is_served_is_named_to_who_asks_in_vain(failed, own):
    """Networks that answer, whose names people know; no heads, none that failed."""
    told = serving.instead()
    assert re.fullmatch(r"The cluster serves (.+ and )?Built-in VGG16( and .+)?; choose .+, or ask who runs it\.", told)
    assert "head" not in told
    assert "VGG19" not in told


def test_what_failed_is_told_at_once_to_who_asks_and_why_to_who_runs_it(failed, net, monkeypatch):
    assert serving.name_of("vgg19") in serving.served()  # “cluster stop” ends it, too
    monkeypatch.setattr(engine.RayEngine, "version", lambda _: pytest.fail("it was asked, and waited for"))
    with pytest.raises(ClusterError, match=r"has failed\. The cluster serves .*Built-in VGG16.*; choose") as told:
        engine.engine_of(replace(net, name="vgg19"))
    assert str(told.value.__cause__) == failed


def test_who_waits_for_what_is_stopped_meanwhile_is_told(served, net, monkeypatch, by_value):
    found = engine.engine_of(net)
    monkeypatch.setattr(engine, "LOOK_EVERY", 0.1)
    monkeypatch.setattr("visionlab.cluster.joining.LOOK_EVERY", 0.1)
    monkeypatch.setattr("ray.serve.status", lambda: SimpleNamespace(applications={}))
    for asked in ({}, {"progress": lambda share: None}):
        nothing = r"serves this network no more\. The cluster serves no network now; ask who runs it\."
        with pytest.raises(ClusterError, match=nothing):
            found.run(by_value(slow), **asked)
    response = Mock(result=Mock(side_effect=DeploymentUnavailableError(None)))
    with pytest.raises(ClusterError, match="serves this network no more"):  # also where Ray says so at once
        found._asked(lambda: response)


def slow(net, progress=None):
    time.sleep(5)


def test_replicas_and_workers_of_another_version_are_refused(cluster, net):
    for begin in (partial(serving.Replica, net.name, head=None), partial(many.Actor, many.Work(net.name, "embed"))):
        with pytest.raises(ClusterError, match=r"has visionlab 9\.9\.9, and the node [\d.]+ has \d+\.\d+"):
            begin(version="9.9.9")


def test_what_is_no_network_is_refused_before_anything_is_deployed(cluster):
    with pytest.raises(ModelError, match="vgg99"):
        serving.deploy("vgg99", Size())
