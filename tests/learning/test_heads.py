import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from tiny import tiny_classifier

from visionlab.errors import HeadError
from visionlab.learning.embedding import embed
from visionlab.learning.heads import load_head
from visionlab.learning.training import train_head
from visionlab.network.activations import feature_maps
from visionlab.network.classifier import predict, probabilities
from visionlab.network.explain import explain


@pytest.fixture
def head(stripes):
    return train_head(stripes, tiny_classifier(), epochs=10)


def test_a_saved_head_is_the_same_head(head, tmp_path):
    head.save(tmp_path / "stripes.safetensors")
    for found in (load_head(tmp_path / "stripes.safetensors"), load_head(head.to_bytes())):
        np.testing.assert_array_equal(found.weights, head.weights)
        np.testing.assert_array_equal(found.bias, head.bias)
        assert (found.classes, found.network, found.layer) == (head.classes, "tiny", "relu7")
        assert found.facts == head.facts
    assert [path.name for path in tmp_path.iterdir()] == ["stripes.safetensors"]


@pytest.mark.gpu
def test_as_a_classifier_it_answers_like_the_features_it_was_trained_on(head, tiny, stripes):
    mine = head.as_classifier(
        replace(tiny, temperature=3.0)
    )  # which is of the network's own classes, not of the head's
    images = [stripes.images[i] for i in range(0, 36, 5)]
    logits = head.logits(embed(tiny, images)).astype(float)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities(mine, images), expected, atol=1e-4)
    assert mine.labels == head.classes
    assert len(predict(mine, images)[0]) == 3


def test_everything_that_works_on_a_network_works_on_a_head(head, noise):
    mine = head.as_classifier(tiny_classifier())
    maps = feature_maps(mine, noise)
    assert list(maps)[-3:] == ["relu7", "head", "prob"]
    assert all(found.values.shape == found.layer.shape for found in maps.values())
    assert explain(mine, noise, target="plain").values.shape == noise.shape[:2]


def test_a_head_does_not_go_on_another_network(head):
    with pytest.raises(HeadError, match="other weights of “tiny”"):
        head.as_classifier(tiny_classifier(seed=1))


def _edited(head, **changes) -> bytes:
    arrays = {"weights": head.weights, "bias": head.bias} | changes.pop("arrays", {})
    size = int.from_bytes(head.to_bytes()[:8], "little")
    about = json.loads(json.loads(head.to_bytes()[8 : 8 + size])["__metadata__"]["visionlab"]) | changes
    return safetensors.numpy.save(arrays, {"visionlab": json.dumps(about)})


def test_files_that_are_no_heads_are_refused_in_one_sentence(head, tmp_path):
    good = head.to_bytes()
    bad = {
        "empty": b"",
        "text": b"not a head at all, just some text",
        "cut": good[:-10],
        "other safetensors": safetensors.numpy.save({"a": np.zeros(3, np.float32)}),
        "class missing": _edited(head, classes=["across", "down"]),
        "not a number": _edited(head, arrays={"bias": np.array([0, np.nan, 0], np.float32)}),
        "later format": _edited(head, format="visionlab-head-9"),
    }
    for name, data in bad.items():
        with pytest.raises(HeadError) as caught:
            load_head(data)
        assert "\n" not in str(caught.value), name
    with pytest.raises(HeadError, match=r"none\.safetensors cannot be read"):
        load_head(tmp_path / "none.safetensors")
