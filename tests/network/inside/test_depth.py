"""How deep layers lie, and which lie as deep in another network."""

from dataclasses import replace

import pytest
from tiny import TINY, tiny_classifier

from visionlab.errors import ModelError
from visionlab.network.inside.depth import Depth, as_deep, depths
from visionlab.network.zoo.efficientnet_lite import EfficientNetLite0
from visionlab.network.zoo.torchvision_nets import network_layers


@pytest.fixture(scope="module")
def lite():
    module = EfficientNetLite0()
    return replace(tiny_classifier(), module=module, layers=network_layers(module, 64), name="lite")


def test_convolutions_are_counted_up_to_the_layer_and_those_behind_the_pool_by_themselves():
    found = depths(tiny_classifier())
    assert list(found) == [layer.name for layer in tiny_classifier().layers]
    assert [found[name] for name in ("conv1_1", "relu1_1", "conv3_1", "pool5")] == [
        Depth(1, 13),
        Depth(1, 13),
        Depth(5, 13),
        Depth(13, 13),
    ]
    assert [found[name] for name in ("avgpool", "fc6", "relu7", "prob")] == [Depth(each, 3) for each in (0, 1, 2, 3)]
    assert (found["conv1_1"].share, found["pool5"].share, found["conv4_1"].share) == (0, 1, 7 / 12)


def test_every_layer_has_one_as_deep_of_its_sort(lite):
    net = tiny_classifier()
    assert [as_deep(net, name, lite) for name in ("conv1_1", "conv5_3", "relu5_3", "avgpool", "fc6", "prob")] == [
        "stem",
        "last",
        "last_relu6",
        "avgpool",
        "classifier",
        "prob",
    ]
    assert [as_deep(lite, name, net) for name in ("stem", "last_relu6", "classifier", "prob")] == [
        "conv1_1",
        "relu5_3",
        "fc8",
        "prob",
    ]
    for one, other in ((net, lite), (lite, net)):
        here, there = depths(one), depths(other)
        shares = [there[as_deep(one, layer.name, other)].share for layer in one.layers if layer.kind == "conv"]
        assert shares == sorted(shares)
        for layer in one.layers:
            deep = other.layer(as_deep(one, layer.name, other))
            assert deep.in_place == layer.in_place
            if layer.kind == "conv":
                step = 1 / (there[deep.name].count - 1)
                assert abs(here[layer.name].share - there[deep.name].share) <= step / 2 + 1e-9
    assert as_deep(net, "conv3_1", tiny_classifier(plan=replace(TINY, classes=3))) == "conv3_1"
    with pytest.raises(ModelError, match="no layer “conv9_9”"):
        as_deep(net, "conv9_9", lite)
