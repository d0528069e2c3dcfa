"""What replicas on other nodes give is what one process gives, to a millionth; and what becomes of it when they die."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from cluster_heads import head_on

from visionlab.errors import BusyError, ClusterError, ModelError, ParameterError
from visionlab.learning.features.embedding import embed, embed_cached
from visionlab.network.explain import explain
from visionlab.network.explain.cam import answer_and_map
from visionlab.network.explain.sanity import sanity_check
from visionlab.network.inside.activations import feature_maps
from visionlab.network.running.prediction import answer, probabilities

cluster = pytest.importorskip("visionlab.cluster.engine", reason="Ray is not installed: make test-cluster brings it")
ALIKE = {"atol": 1e-6, "rtol": 1e-5}
PICTURES = [np.random.default_rng(i).integers(0, 256, (40 + i, 60, 3), dtype=np.uint8) for i in range(40)]


def test_every_caller_gets_what_one_process_says(engine, net):
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(engine.answer, PICTURES))
    for ours, theirs in zip(found, answer(net, PICTURES), strict=True):
        assert ours.labels == net.labels
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, **ALIKE)


def test_maps_explanations_and_features_come_whole(engine, net, noise):
    expected = feature_maps(net, noise, ["conv2_1", "conv5_3"])
    for name, found in engine.run(feature_maps, noise, ["conv2_1", "conv5_3"]).items():
        assert found.layer == expected[name].layer
        np.testing.assert_allclose(found.values, expected[name].values, atol=1e-4)
    shares = []
    heat = engine.run(explain, noise, "smoothgrad", progress=shares.append)
    np.testing.assert_allclose(heat.values, explain(net, noise, "smoothgrad").values, atol=1e-5)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for ours, theirs in zip(engine.run(answer_and_map, noise), answer_and_map(net, noise), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    run = embed_cached(net, PICTURES, engine=engine)
    assert list(run)[-1] == (40, 40)
    np.testing.assert_allclose(run.features, embed(net, PICTURES), **ALIKE)


def test_what_comes_one_after_the_other_comes_as_it_does_here(engine, net, noise):
    ours, theirs = engine.each(sanity_check, noise), sanity_check(net, noise)
    for one, other in zip(ours, theirs, strict=True):
        assert one.layer == other.layer
        np.testing.assert_allclose(one.heatmap.values, other.heatmap.values, atol=1e-5)


def test_who_stops_following_ends_the_task(engine, tmp_path):
    log = tmp_path / "log"

    def endless(_net, log):
        for number in range(10_000):
            log.write_text(str(number))
            time.sleep(0.01)
            yield number

    begun = engine.each(endless, log)
    assert [next(begun), next(begun)] == [0, 1]
    begun.close()
    until = time.monotonic() + 20
    while (before := log.read_text()) != (time.sleep(0.5), log.read_text())[1]:
        assert time.monotonic() < until, before


def test_what_progress_raises_ends_it_and_is_raised_here(engine, noise):
    def stop(share):
        raise KeyError(share)

    with pytest.raises(KeyError):
        engine.run(explain, noise, "occlusion", progress=stop)


def test_what_a_task_refuses_is_refused_here_in_its_words(engine, noise):
    with pytest.raises(ModelError, match=r"^There is no method “magic”\. There are"):
        engine.run(explain, noise, "magic")
    with pytest.raises(ModelError, match="has no layer “conv9_9”"):
        engine.run(feature_maps, noise, ["conv9_9"])
    with pytest.raises(ParameterError):
        engine.answer(noise[..., 0])


def test_a_head_is_handed_over_and_answers_as_here(served, net):
    head = head_on(net)
    here = head.as_classifier(net)
    engine = cluster.engine_of(here, head)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(engine.answer, PICTURES[:12]))
    for ours, theirs in zip(found, answer(here, PICTURES[:12]), strict=True):
        assert ours.labels == here.labels
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, **ALIKE)
        np.testing.assert_allclose(ours.distance, theirs.distance, rtol=1e-5)


def test_what_serve_refuses_as_too_much_is_busy(engine, monkeypatch):
    from ray.serve.exceptions import BackPressureError

    def refuse(*_):
        raise BackPressureError(64, 64)

    monkeypatch.setattr(cluster, "_result", refuse)
    with pytest.raises(BusyError, match=r"^The cluster is busy with more than it can do; try again in a moment"):
        engine.run(probabilities, PICTURES[:1])
    monkeypatch.setattr(cluster, "PATIENCE", 0.1)
    with pytest.raises(BusyError):
        list(engine.map(probabilities, [PICTURES[:1]]))


def test_another_version_is_refused_and_both_are_named(served, net, monkeypatch):
    monkeypatch.setattr("visionlab.__version__", "9.9.9")
    with pytest.raises(ClusterError, match=r"visionlab 9\.9\.9, and the cluster has \d+\.\d+"):
        cluster.engine_of(net)


def test_a_network_that_nobody_serves_is_told(served, net):
    """A visitor what can be done, and the operator (errors.py::log_cause) the command."""
    with pytest.raises(
        ClusterError,
        match=r"does not serve VGG19.*\. The cluster serves .*Built-in VGG16.*; choose .*, or ask who",
    ) as refused:
        cluster.engine_of(replace(net, name="vgg19"))
    assert "python" not in str(refused.value)
    command = str(refused.value.__cause__)
    assert re.search(r"python -m visionlab cluster serve --model vgg19 --address [\d.]+:\d+$", command)


def dies(net, place, times):
    """What kills its replica so many times, and then answers."""
    deaths = len(list(place.iterdir()))
    if deaths < times:
        (place / str(deaths)).touch()
        time.sleep(0.5)  # or Serve, which has not heard that it was begun, asks another one by itself
        os._exit(1)
    return net.name


def test_a_replica_that_is_killed_while_it_answers_is_asked_again_once_and_others_go_on(
    engine, net, tmp_path, by_value
):
    dying = by_value(dies)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(engine.run, dying, tmp_path, 1)
        for ours, theirs in zip(map(engine.answer, PICTURES[:8]), probabilities(net, PICTURES[:8]), strict=True):
            np.testing.assert_allclose(ours.probabilities, theirs, **ALIKE)
        assert asked.result() == net.name
    with pytest.raises(ClusterError, match="machine that computed was lost, and another one"):
        engine.run(dying, tmp_path, 99)
    assert len(list(tmp_path.iterdir())) == 3  # one and the second try, which answered; then two
