"""Networks as deployments: what is handed over, what is refused, how many there are."""

import pytest
from cluster_heads import head_on

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
