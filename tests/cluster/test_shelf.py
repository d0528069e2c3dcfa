"""Weight files that go to nodes which lack them, compared with their digits."""

import pytest

shelf = pytest.importorskip("visionlab.cluster.shelf", reason="Ray is not installed: make test-cluster brings it")


def test_a_node_takes_what_it_lacks_and_refuses_what_is_damaged(cluster, net, noise, tmp_path):
    import ray

    from visionlab.network.running.prediction import probabilities

    shelf.hand_over(net.name)

    @ray.remote(num_cpus=0)
    def on_a_bare_node(name, place, image, damage):
        import os

        from visionlab.cluster import shelf
        from visionlab.network.files import weights
        from visionlab.network.running.prediction import probabilities
        from visionlab.network.zoo.loading import load_classifier

        os.environ["VISIONLAB_WEIGHTS"] = str(place)
        weights._SHIPPED = ()
        if damage:
            take = shelf._from_shelf
            shelf._from_shelf = lambda file: take(file)[:-1] + b"?"
        try:
            shelf.bring(name)
        except Exception as error:
            return str(error), os.listdir(place)
        return probabilities(load_classifier(name, "cpu"), [image]), os.listdir(place)

    found, files = ray.get(on_a_bare_node.remote(net.name, tmp_path / "whole", noise, False))
    assert found == pytest.approx(probabilities(net, [noise]), abs=1e-6)
    assert f"{net.name}.safetensors" in files
    told, files = ray.get(on_a_bare_node.remote(net.name, tmp_path / "damaged", noise, True))
    assert "came out damaged: its SHA-256 begins with" in told
    assert not [name for name in files if name.endswith((".safetensors", ".part"))]
