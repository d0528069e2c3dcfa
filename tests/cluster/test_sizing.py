"""What fits into the cluster, told before it is waited for."""

import pytest

from visionlab.errors import ParameterError

sizing = pytest.importorskip("visionlab.cluster.sizing", reason="Ray is not installed: make test-cluster brings it")


def test_what_has_to_become_free_first_is_told(cluster):
    assert sizing.short(sizing.Size(processors=0.01), "1 worker") == ""
    told = sizing.short(sizing.Size(2, 2, processors=64), "3 apes", 3)
    assert told.startswith("3 apes × --cpus 64 = 384 processors; the cluster has 2")
    assert sizing.short(sizing.Size(processors=0.01, gpus=0.5), "1 worker") == (
        "1 worker × --gpus 0.5 = 0.5 GPUs; the cluster has 0. What does not fit waits until there are more; "
        "“cluster stop” frees what is served."
    )


@pytest.mark.parametrize(
    ("nodes", "count", "room", "share"),
    [([2], 4, 2, 0.5), ([1, 1], 3, 2, 0.5), ([1, 1], 2, 2, 1), ([2, 1], 2, 3, 1), ([2], 2, 0.5, 0.25), ([2], 2, 0, 0)],
)
def test_what_would_fit_does_on_every_node(nodes, count, room, share):
    assert sizing._fitting(nodes, count, room) == share


@pytest.mark.parametrize("wrong", [{"least": 0}, {"least": 3, "most": 2}, {"processors": 0}, {"gpus": -1}])
def test_a_size_that_cannot_be_is_refused(wrong):
    with pytest.raises(ParameterError):
        sizing.Size(**wrong)
