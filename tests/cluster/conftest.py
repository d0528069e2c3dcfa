"""Ray on this machine: a cluster of two nodes with one processor each, for all tests here."""

import os
import sys
from pathlib import Path

import pytest
from browser.servers import free_port
from cluster.object_store import store

from visionlab.network.zoo.loading import load_classifier

# Nodes find the library as those find it that have it installed.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0"}
# A node that died is missed after eight seconds, not thirty.
os.environ |= {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "8"}

MODEL = "vgg16-tinyimagenet"  # comes with the project


@pytest.fixture(scope="session")
def buckets(tmp_path_factory):
    """A folder of buckets, which are read by s3:// and gs://anonymous@, in other processes, too."""
    folder = tmp_path_factory.mktemp("buckets")
    with store(folder):
        yield folder


@pytest.fixture(scope="session")
def cluster(buckets):
    """Two nodes of one processor each, which find the buckets; joined."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: make test-cluster brings it")
    from ray import serve
    from ray.cluster_utils import Cluster

    from visionlab.cluster import joining

    head = {"num_cpus": 1, "include_dashboard": False, "ray_client_server_port": free_port()}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    nodes.client_address = f"ray://127.0.0.1:{head['ray_client_server_port']}"
    nodes.add_node(num_cpus=1)
    joining.join(nodes.address)
    yield nodes
    serve.shutdown()
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="session")
def net():
    return load_classifier(MODEL, "cpu")


@pytest.fixture(scope="session")
def served(cluster):
    """The network on two replicas, which leave processors to other work."""
    from visionlab.cluster import serving, sizing

    return serving.deploy(MODEL, sizing.Size(2, 2, processors=0.3))


@pytest.fixture
def engine(served, net):
    from visionlab.cluster.engine import engine_of

    return engine_of(net)


@pytest.fixture
def by_value():
    """A function of a test, as it can be sent to nodes that know no tests."""

    def sent(function):
        from ray import cloudpickle

        cloudpickle.register_pickle_by_value(sys.modules[function.__module__])
        return function

    return sent
