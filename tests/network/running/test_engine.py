"""What an engine in this process gives is what the functions give that it is asked to run."""

from contextlib import closing

import numpy as np
import pytest
from tiny import tiny_classifier

from visionlab.errors import ModelError
from visionlab.network.explain import explain
from visionlab.network.explain.cam import answer_and_map
from visionlab.network.explain.sanity import sanity_check
from visionlab.network.inside.activations import feature_maps, first_maps
from visionlab.network.inside.excitation import layer_peaks, peaks
from visionlab.network.running.batching import answers, prepared
from visionlab.network.running.engine import LocalEngine
from visionlab.network.running.prediction import probabilities

NET = tiny_classifier()


@pytest.fixture
def engine():
    with closing(LocalEngine(NET)) as engine:
        yield engine


def test_whole_tasks_give_what_their_functions_give(engine, noise):
    expected = feature_maps(NET, noise, ["conv3_1"])["conv3_1"].values
    assert np.array_equal(engine.run(feature_maps, noise, ["conv3_1"])["conv3_1"].values, expected)
    assert np.array_equal(engine.run(first_maps, noise, "conv3_1", 64, 2), expected[:2])
    assert np.array_equal(engine.run(layer_peaks, noise, "conv3_1", 64).values, peaks_of(noise))
    told = []
    found = engine.run(explain, noise, "occlusion", progress=told.append)
    assert np.array_equal(found.values, explain(NET, noise, "occlusion").values)
    assert told[-1] == 1


def peaks_of(image):
    return peaks(feature_maps(NET, image, ["conv3_1"], 64)["conv3_1"]).values


def test_an_answer_and_the_map_of_its_reasons_come_of_one_pass(noise):
    said, values = answer_and_map(NET, noise)
    np.testing.assert_allclose(said, probabilities(NET, [noise])[0], atol=1e-6)
    heat = explain(NET, noise)
    np.testing.assert_allclose(values / max(values.max(), 1e-38), heat.on_crop, atol=1e-6)


def test_what_comes_one_after_the_other_can_be_left(engine, noise):
    begun = engine.each(sanity_check, noise)
    assert next(begun).layer
    begun.close()


def test_a_map_takes_the_next_item_when_the_last_is_done(engine, noise):
    taken = []

    def items():
        for count in (2, 0, 1):
            taken.append(count)
            yield [prepared(NET, noise)] * count

    for place, found in enumerate(engine.map(answers, items())):
        assert len(taken) == place + 1
        assert [each.probabilities.shape for each in found] == [(7,)] * taken[-1]


def test_who_has_closed_it_is_told_so(noise):
    engine = LocalEngine(NET)
    engine.close()
    with pytest.raises(ModelError, match="closed"):
        engine.answer(noise)
