import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from tiny import TINY, tiny_classifier
from wheels import only_from

from visionlab.errors import HeadError, ParameterError
from visionlab.imaging.samples import load_sample
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.source import embedder, network_fingerprint
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.training import train_head
from visionlab.learning.judging.refusal import Refusal, fit_refusal
from visionlab.learning.sets.learned import Learned
from visionlab.network.explain import explain
from visionlab.network.files import weights
from visionlab.network.files.weights import is_here
from visionlab.network.inside.activations import feature_maps
from visionlab.network.inside.trace import trace_unit
from visionlab.network.running.batching import Batcher
from visionlab.network.running.prediction import answer, predict, probabilities
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.vgg_layers import vgg_layers

OLD_HEADS = Path(__file__).with_name("old_heads")  # written before heads said how pictures enter their network
# What they answered then to the samples “cat” and “coffee”: probabilities, and the distances of their refusals.
OLD_ANSWERS = {
    "vgg16-tinyimagenet":
        ([[0.0678079, 0.8188199, 0.1133722], [0.0735014, 0.7780522, 0.1484465]], [1.2123619, 2.5384753]),
    "efficientnet_lite0":
        ([[0.0248063, 0.9616145, 0.0135794], [0.0265079, 0.9383223, 0.0351698]], [2.8724716, 2.5408459]),
}  # fmt: skip


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


def test_heads_and_networks_are_printed_in_a_line(head):
    """Nothing of their arrays: whose classes, by what, and what it is worth."""
    share, count = head.report.accuracy, head.facts["validated_on"]
    worth = f"right on {share:.1%} of {count} held-out pictures"
    assert repr(head) == str(head) == f"Head: “across”, “down” and “plain” by 14 features of tiny, {worth}"
    assert repr(head.as_classifier(tiny_classifier())) == "Classifier: your head, 3 classes, on cpu"
    many = replace(head, classes=tuple(f"class {number}" for number in range(300)), facts={})
    told = "Head: “class 0”, “class 1”, “class 2” and 297 more by 14 features of tiny, not tried on held-out pictures"
    assert repr(many) == told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_where_a_head_cannot_be_saved_one_sentence_says_so_and_the_old_one_stays(head, tmp_path):
    place = tmp_path / "mine.safetensors"
    place.write_bytes(b"old")
    place.with_name("mine.safetensors.part").symlink_to("/dev/full")
    with pytest.raises(ParameterError, match=r"mine\.safetensors cannot be written \(No space left on device\)\."):
        head.save(place)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mine.safetensors", b"old")]
    with pytest.raises(ParameterError, match=r"no/mine\.safetensors cannot be written \(No such file or directory\)\."):
        head.save(tmp_path / "no" / "mine.safetensors")


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
    monkeypatch.setattr(weights, "_SHIPPED", ())  # what comes with the project
    only_from(monkeypatch)
    for name, title in {
        "efficientnet_lite0": r"EfficientNet-Lite0 \(ImageNet\)",
        "vgg16-tinyimagenet": "Built-in VGG16",
    }.items():
        told = f"needs {title}, which is not here. .*models --get {name}"
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
        learned=Learned.of(stripes, np.arange(5)),
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
    for key, value in full.learned.arrays().items():
        np.testing.assert_array_equal(found.learned.arrays()[key], value)


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


@pytest.mark.parametrize("name", OLD_ANSWERS)
@pytest.mark.parametrize("since", [{}, {"embedding_side": 96, "unit_length": True}], ids=["as it was", "embedded anew"])
def test_heads_of_before_answer_as_they_did(name, since):
    if not all(map(is_here, MODELS[name].files)):
        pytest.skip(f"{name} is not here: python -m visionlab models --get {name} brings it")
    net = replace(load_classifier(name, "cpu"), **({"embedding_side": None, "unit_length": False} | since))
    old, images = load_head(OLD_HEADS / f"{name}.safetensors"), [load_sample("cat"), load_sample("coffee")]
    assert (old.transform, old.unit_length) == (None, False)
    answers, distances = OLD_ANSWERS[name]
    mine = old.as_classifier(net)
    assert mine.transform == net.transform
    np.testing.assert_allclose(probabilities(mine, images), answers, atol=1e-4)
    features = embed(old.tuned_network(net), images)
    assert np.abs(np.linalg.norm(features, axis=1) - 1).min() > 0.1, "they were not of unit length"
    np.testing.assert_allclose(old.refusal.distances(features), distances, rtol=1e-4)
    again = load_head(old.to_bytes())
    assert (again.transform, again.temperature) == (None, 0.8)


def test_heads_are_trained_at_the_side_that_embeds_best_and_stay_there(stripes):
    net = replace(tiny_classifier(), embedding_side=96)
    trained = load_head(train_head(stripes, net, epochs=10).to_bytes())
    assert trained.transform == net.transform.at(96)
    images = [stripes.images[i] for i in range(0, 36, 5)]
    features = embed(net, images)
    np.testing.assert_array_equal(features, embed(replace(tiny_classifier(), transform=net.transform.at(96)), images))
    np.testing.assert_array_equal(features, embed(trained.tuned_network(net), images))
    for later in (
        net,
        tiny_classifier(),
        replace(net, embedding_side=128),
        replace(net, transform=net.transform.at(128)),
    ):
        mine = trained.as_classifier(later)
        assert mine.transform.crop == 96
        np.testing.assert_allclose(probabilities(mine, images), softmax(trained.logits(features)), atol=1e-4)
        assert [layer.shape for layer in mine.layers[:3]] == [(4, 96, 96), (4, 96, 96), (4, 96, 96)]
        for found in feature_maps(mine, images[0]).values():
            assert found.values.shape == found.layer.shape


@pytest.mark.parametrize("layer", ["relu7", "pool5"])
def test_features_of_unit_length_are_in_the_file_and_in_the_classifier(stripes, layer):
    plain = replace(tiny_classifier(), embedding=layer)
    net = replace(plain, unit_length=True)
    trained = load_head(train_head(stripes, net, epochs=10).to_bytes())
    images = [stripes.images[i] for i in range(0, 36, 5)]
    features, lengths = embed(net, images), np.linalg.norm(embed(plain, images), axis=1, keepdims=True)
    np.testing.assert_allclose(features * lengths, embed(plain, images), rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
    for later in (net, plain):
        np.testing.assert_array_equal(embed(trained.tuned_network(later), images), features)
        mine = trained.as_classifier(later)
        logits = trained.logits(features) / trained.temperature
        np.testing.assert_allclose(probabilities(mine, images), softmax(logits), atol=1e-5)
        np.testing.assert_allclose(feature_maps(mine, images[0])["unit-length"].values.ravel(), features[0], atol=1e-5)
        unit = trace_unit(mine, images[0], "head", 1)
        assert unit.total == pytest.approx(unit.value, rel=1e-4, abs=1e-5)
    other = load_head(train_head(stripes, plain, epochs=10).to_bytes())
    assert not other.unit_length
    assert "unit-length" not in [found.name for found in other.as_classifier(net).layers]


def test_a_network_that_is_embedded_at_its_own_side_is_left_as_it_is():
    net = tiny_classifier()
    assert embedder(net).layers is net.layers
    assert embedder(net).transform is net.transform
    other = embedder(replace(net, embedding_side=96))
    assert (other.transform.crop, other.embedding_side) == (96, None)
    assert other.layers == vgg_layers(TINY, 96)
    assert embedder(other).transform is other.transform


@pytest.mark.parametrize(
    "change",
    [{"crop": 31}, {"crop": 73}, {"resize": 10**6, "crop": 10**6}, {"crop": 64.0}, {"mean": [0, 0]}, {"std": [1, 1, 0]},
     {"mean": [0, 0, float("nan")]}, {"std": "abc"}, {"interpolation": "area"}, {"rounds": 1}],
)  # fmt: skip
def test_a_way_in_that_no_picture_can_take_is_refused(head, change):
    with pytest.raises(HeadError, match="how pictures enter its network"):
        load_head(_edited(head, transform=asdict(head.transform) | change))


def test_a_way_in_of_another_version_is_refused(head):
    for transform in ({"resize": 72, "crop": 64, "strange": 1}, {"crop": 64}, "bilinear", [72, 64]):
        with pytest.raises(HeadError, match="no head of this app"):
            load_head(_edited(head, transform=transform))


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


def test_one_answer_says_class_probability_and_refusal(noise):
    head = Head(
        np.random.default_rng(0).normal(size=(3, 14)).astype(np.float32),
        np.zeros(3, np.float32),
        ("a", "b", "c"),
        "tiny",
        "relu7",
        network_fingerprint(tiny_classifier()),
    )
    net, images = tiny_classifier(), [noise, noise[::-1].copy(), noise[:, ::-1].copy()]
    plain = head.as_classifier(net)
    assert [each.refused for each in answer(plain, images)] == [False] * 3
    assert {each.limit for each in answer(plain, images)} == {None}
    features = embed(net, images)
    refusal = Refusal(np.zeros((1, 14)), np.eye(14), np.zeros(14), 0.0)
    refusal = replace(refusal, centre=features[0] / np.linalg.norm(features[0]), threshold=1e-6)
    refusing = replace(head, refusal=refusal).as_classifier(net)
    found = answer(refusing, images)
    assert [each.refused for each in found] == [False, True, True]
    np.testing.assert_allclose([each.distance for each in found], refusal.distances(features), atol=1e-6)
    assert {each.limit for each in found} == {1e-6}
    np.testing.assert_allclose([each.probabilities for each in found], probabilities(plain, images), atol=1e-6)
    assert [each.top(2) for each in found] == predict(plain, images, top=2)
    batcher = Batcher(refusing)
    alone = [batcher.answer(image) for image in images]
    batcher.close()
    assert [each.refused for each in alone] == [False, True, True]
    with pytest.raises(ParameterError, match="list of pictures"):
        answer(plain, noise)


def test_a_head_that_refuses_another_share_promises_that_share(head):
    held_out = np.linspace(1, 5, 60).astype(np.float32)
    points = np.random.default_rng(0).normal(size=(40, head.weights.shape[1])).astype(np.float32)
    refusal = replace(fit_refusal(points, np.zeros(40, np.int64), points[:20]), held_out=held_out, groups=np.arange(60))
    one = replace(head, refusal=refusal, facts={**head.facts, "refusal": refusal.promise(0.05)})
    other = one.refusing(0.2)
    assert other.refusal.threshold == refusal.at(0.2).threshold < refusal.at(0.05).threshold
    assert other.facts["refusal"] == refusal.promise(0.2) != one.facts["refusal"]
    with pytest.raises(ParameterError, match="This head refuses nothing"):
        replace(head, refusal=None).refusing(0.2)


def test_a_zip_is_no_head_and_is_told_as_a_zip(tmp_path):
    path = tmp_path / "foreign.zip"
    for files in ({}, {"word/document.xml": b"<xml/>"}):
        with zipfile.ZipFile(path, "w") as opened:
            for name, data in files.items():
                opened.writestr(name, data)
        for source, name in ((path, "foreign.zip"), (path.read_bytes(), "This file")):
            with pytest.raises(HeadError, match=f"^{name} is a zip, or .* such as the one in a zip that it packed.$"):
                load_head(source)
