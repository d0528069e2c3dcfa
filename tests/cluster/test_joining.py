"""Joining a cluster, from its nodes and from outside; versions that differ are refused by both their names."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from visionlab.errors import ClusterError

joining = pytest.importorskip("visionlab.cluster.joining", reason="Ray is not installed: make test-cluster brings it")


def test_joining_twice_is_joining_once(cluster):
    found = joining.join(cluster.address)
    assert (found.nodes, found.processors) == (2, 2)
    assert cluster.address in found.told


def test_a_node_with_another_version_is_refused(cluster, monkeypatch):
    monkeypatch.setattr("visionlab.__version__", "9.9.9")
    with pytest.raises(ClusterError, match=r"has visionlab 9\.9\.9, and the node [\d.]+ has \d+\.\d+"):
        joining.join(cluster.address)


def test_a_node_without_visionlab_is_told():
    told = joining.differ("visionlab", "0.2.0", "the node 10.0.0.7", None)
    assert told == "This machine has visionlab 0.2.0, and the node 10.0.0.7 has none. Install the same version on both."


def run(code, cwd=None):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, cwd=cwd)


def test_another_version_of_ray_is_refused(cluster):
    code = "import ray; ray.__version__ = '9.9.9'\nfrom visionlab.cluster.joining import join\n"
    code += f"try:\n    join({cluster.address!r})\nexcept Exception as error:\n    print(type(error).__name__, error)"
    told = run(code).stdout
    version = sys.modules["ray"].__version__
    assert f"ClusterError This machine has Ray 9.9.9, and the cluster has {version}." in told


def test_from_outside_the_answers_are_the_same(cluster, served, net, noise):
    """By Ray's client, which can follow nothing: progress is told at the end. A head is handed over, then served."""
    code = f"""
import sys
sys.path.append({str(Path(__file__).parents[1])!r})
from cluster_heads import head_on
import numpy as np
from ray import serve
from visionlab.cluster.choice import chosen
from visionlab.cluster import serving, sizing
from visionlab.network.explain import explain
from visionlab.network.explain.sanity import sanity_check
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.loading import load_classifier
net = load_classifier({net.name!r}, "cpu")
noise = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
choice = chosen()
engine, shares = choice.engine_of(net, None), []
print(choice.told, choice.problem)
np.testing.assert_allclose(engine.answer(noise).probabilities, probabilities(net, [noise])[0], atol=1e-6)
heat = engine.run(explain, noise, "saliency", progress=shares.append)
np.testing.assert_allclose(heat.values, explain(net, noise, "saliency").values, atol=1e-5)
head = head_on(net)
headed = head.as_classifier(net)
expected = probabilities(headed, [noise])[0]
np.testing.assert_allclose(choice.engine_of(headed, head).answer(noise).probabilities, expected, atol=1e-6)
own = serving.deploy(net.name, sizing.Size(processors=0.1), head.to_bytes())
assert serving.short([own], sizing.Size(processors=0.1)) == "" != serving.short([own], sizing.Size(processors=64))
np.testing.assert_allclose(choice.engine_of(headed, head).answer(noise).probabilities, expected, atol=1e-6)
serve.delete(own)
print(shares, len(list(engine.each(sanity_check, noise))), len(list(engine.map(probabilities, [[noise]] * 3))))
"""
    for _ in range(2):  # on a busy machine Ray's own server for a client may come too late for it
        told = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=os.environ | {"VISIONLAB_ENGINE": cluster.client_address},
            timeout=100,
        )
        if "lets nobody in" not in told.stdout:
            break
    assert told.stdout.splitlines()[-2:] == [
        f"Ray cluster at {cluster.client_address.removeprefix('ray://')} ",
        "[1.0] 8 3",
    ], told.stdout + told.stderr
    assert "messages" not in told.stderr  # of Ray's client, about weights that are sent as they are


def test_a_cluster_that_goes_away_is_told_and_not_waited_for(tmp_path):
    """Its own cluster, in a process of its own, whose head is killed while it is asked."""
    code = """
import os, threading, time
from pathlib import Path
import numpy as np
import visionlab as vl
from ray.cluster_utils import Cluster
from visionlab.cluster import engine, joining, listing, many, serving, sizing
from visionlab.network.zoo.loading import load_classifier
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
joining.join(cluster.address)
serving.deploy("vgg16-tinyimagenet", sizing.Size(processors=0.3))
found = engine.engine_of(load_classifier("vgg16-tinyimagenet", "cpu"))
def slow(net, progress=None):
    time.sleep(60)
def work():
    Path("1.png").write_bytes(vl.encode_png(np.zeros((64, 64, 3), np.uint8)))
    job = many.Work("vgg16-tinyimagenet", "embed")
    shards = many.begun(job, [listing.Named("1.png")] * 10_000, {}, Path("out"), ".parquet")
    list(many.run(job, shards, sizing.Size(processors=0.3)))
def ask(task):
    try:
        task()
    except Exception as error:
        print(type(error).__name__, error, flush=True)
tasks = work, lambda: found.run(slow), lambda: found.run(slow, progress=lambda share: None)
asking = [threading.Thread(target=ask, args=(each,)) for each in tasks]
for each in asking:
    each.start()
time.sleep(2)
cluster.head_node.kill_gcs_server(check_alive=False)
for each in asking:
    each.join(15)
os._exit(0)
"""
    told = run(code, cwd=tmp_path).stdout
    assert told.count("is gone. Once it is back, start this anew.") == 2, told  # lines of several threads may mingle
    assert told.count("is gone. Once it is back, the same command goes on where it stopped.") == 1, told


def test_the_raylet_of_this_machine_is_looked_for_too(cluster, monkeypatch):
    """After its end Ray ends this process without a word."""
    assert len(joining._doors) == 2
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setattr(joining, "_doors", [joining._doors[0], (*held.getsockname(), "Ray on this machine")])
    monkeypatch.setattr(joining, "LOOK_EVERY", 0.01)
    with pytest.raises(joining.GoneError, match=r"^Ray on this machine is gone"):
        next(joining.watched(iter(threading.Event().wait, None)))


def test_what_is_watched_comes_as_it_is(cluster):
    def coming():
        yield from (1, None, 2)
        raise KeyError(3)

    items = joining.watched(coming())
    assert [next(items) for _ in range(3)] == [1, None, 2]
    with pytest.raises(KeyError):
        next(items)
    assert list(joining.watched(iter("abc"))) == ["a", "b", "c"]
