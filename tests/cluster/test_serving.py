"""Networks as deployments: what is handed over, what is refused, how many there are."""

import logging
import re
import subprocess
import sys

import pytest
from cli.shell import outcome
from cluster_heads import head_on

from visionlab.cli.cluster import _usual
from visionlab.errors import ClusterError, ModelError, ParameterError
from visionlab.network.running.prediction import answer

serving = pytest.importorskip("visionlab.cluster.serving", reason="Ray is not installed: make test-cluster brings it")


def test_a_head_has_a_deployment_of_its_own(served, net, noise):
    from visionlab.cluster.engine import engine_of

    head = head_on(net, seed=1)
    name = serving.deploy(net.name, serving.Size(1, 2, processors=0.1), head.to_bytes())
    assert name.startswith("visionlab-head-")
    engine = engine_of(head.as_classifier(net), head)
    assert engine._head is None  # nothing travels but the picture
    [expected] = answer(head.as_classifier(net), [noise])
    assert engine.answer(noise).probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert set(serving.served()) >= {served, name}


def test_what_does_not_fit_is_told_before_and_what_is_replaced_does_not_count(served):
    asked = serving.Size(2, 8, processors=0.75)
    assert serving.short([served], asked) == ""
    told = serving.short([served, "visionlab-other"], asked)
    start = "2 networks and heads × --min 2 × --cpus 0.75 take 3 processors; the cluster has 2"
    assert told.startswith(start)
    assert re.search(r"\. What does not fit waits until there are more; --cpus 0\.\d+ would fit\.$", told)
    told = serving.short([served], serving.Size(processors=0.1, gpus=1))
    assert told.endswith(
        "the cluster has 0. What does not fit waits until there are more; “cluster stop” frees what is served."
    )


@pytest.mark.parametrize(
    ("nodes", "count", "room", "share"),
    [([2], 4, 2, 0.5), ([1, 1], 3, 2, 0.5), ([1, 1], 2, 2, 1), ([2, 1], 2, 3, 1), ([2], 2, 0.5, 0.25), ([2], 2, 0, 0)],
)
def test_what_would_fit_does_on_every_node(nodes, count, room, share):
    assert serving._fitting(nodes, count, room) == share


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
    assert told.stderr.startswith(f"{len(usual) + 1} networks and heads × --min 1 × --cpus 64 take")
    assert "mine.safetensors, served" in told.stdout


def test_serve_writes_no_lines_of_its_own():
    code = "import logging, visionlab.cluster.serving; print(logging.getLogger('ray.serve').level)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert ended.stdout == f"{logging.ERROR}\n"


def test_a_network_that_nodes_lack_is_told(cluster):
    with pytest.raises(ClusterError, match=r"The node [\d.]+ lacks vgg19-dcbb9e9d\.pth\. Put it into .* --hand-over"):
        serving.deploy("vgg19", serving.Size(processors=0.1), hand_over=False)


def test_what_is_no_network_is_refused_before_anything_is_deployed(cluster):
    with pytest.raises(ModelError, match="vgg99"):
        serving.deploy("vgg99", serving.Size())


@pytest.mark.parametrize("wrong", [{"least": 0}, {"least": 3, "most": 2}, {"processors": 0}, {"gpus": -1}])
def test_a_size_that_cannot_be_is_refused(wrong):
    with pytest.raises(ParameterError):
        serving.Size(**wrong)
