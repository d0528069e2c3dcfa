"""Heads from strangers: what is in the file is refused in a sentence, or works like any other."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hostile.heads import forged, used
from tiny import tiny_classifier

from visionlab.errors import HeadError, VisionlabError
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.training import train_head
from visionlab.network.files import weights
from visionlab.packing import read_json


@pytest.fixture(scope="module")
def head(stripes) -> Head:
    return train_head(stripes, tiny_classifier(), epochs=3)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.int8, np.uint8])
def test_numbers_of_another_type_become_float32(head, dtype):
    found = load_head(forged(head, {key: np.ones_like(getattr(head, key), dtype) for key in ("weights", "bias")}))
    assert (found.weights.dtype, found.bias.dtype) == (np.float32, np.float32)
    used(found, tiny_classifier())


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [17, 900, 100_000])
def test_what_is_nested_too_deep_is_no_head(head, depth):
    for text in (nested(depth), '{"facts": ' + nested(depth) + "}"):
        with pytest.raises(HeadError, match="no head of this app"):
            load_head(forged(head, text=text))
        header = text.encode()
        with pytest.raises(HeadError, match="no head of this app"):
            load_head(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match="nested"):
        read_json(nested(depth))


def test_a_header_of_megabytes_is_not_read():
    header = json.dumps({"__metadata__": {"visionlab": "x" * 5_000_000}}).encode()
    with pytest.raises(HeadError, match="no head of this app"):
        load_head(len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize(
    "temperature",
    [10**400, -(10**400), 1e-320, 1e308, 0, -1, float("nan"), float("inf"), True, "1", None, [1.0], {"a": 1}],
    ids=lambda value: str(value)[:12],
)
def test_a_temperature_that_logits_cannot_be_divided_by_is_refused(head, temperature):
    with pytest.raises(HeadError, match="temperature is"):
        load_head(forged(head, temperature=temperature))


@pytest.mark.parametrize("key", ["weights", "bias", "tuned.features.0.weight"])
@pytest.mark.parametrize("value", [3e38, -3e38, 1e7, np.inf, np.nan])
def test_numbers_that_make_answers_nan_are_refused(head, key, value):
    array = {"weights": head.weights, "bias": head.bias}.get(key, np.zeros((2, 2), np.float32)).copy()
    array.flat[0] = value
    with pytest.raises(HeadError, match=f"“{key}” holds"):
        load_head(forged(head, {key: array}))


@pytest.mark.parametrize("value", [np.bool_(True), np.complex64(1)])
def test_what_is_no_number_is_refused(head, value):
    with pytest.raises(HeadError, match=r"no finite number|no head of this app"):
        load_head(forged(head, {"bias": np.full(len(head.bias), value)}))


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (["a", "a", "b"], "Two classes of the same name"),
        (["a", "A ", "b"], "Two classes of the same name"),
        (["a", " ", "b"], "an empty name"),
        (["a", "b" * 2**20, "c"], "at most 500 characters"),
        (["a", "\ud800", "c"], "no text"),
        (["a", 3, "c"], "no text"),
        (["a", None, "c"], "no text"),
        ("abc", "no list"),
        ({"a": 1}, "no list"),
    ],
    ids=range(9),
)
def test_classes_that_nobody_could_have_typed_are_refused(head, classes, told):
    with pytest.raises(HeadError, match=told):
        load_head(forged(head, classes=classes))


@pytest.mark.parametrize("key", ["network", "layer", "fingerprint"])
@pytest.mark.parametrize("value", [None, 3, ["x"], "x" * 600, "\udfff"])
def test_what_it_was_trained_on_is_told_in_a_text(head, key, value):
    with pytest.raises(HeadError, match=f"its {key} is no text"):
        load_head(forged(head, **{key: value}))


@pytest.mark.parametrize(
    "facts",
    [
        [],
        {"seed": 10**400},
        {"seed": float("inf")},
        {"kind": "\ud800"},
        {"\ud800": 1},
        {"validation_accuracy": float("nan"), "validated_on": 3},
        {"validation_accuracy": 1e300, "validated_on": 3},
        {"pictures": {"a": "three"}},
        {"pictures": {"a": -1}},
        {"trained_on": "all"},
        {"validated_on": 1.5},
        {"confusion": "all right"},
        {"confusion": [[1, 0], [0, 1]]},
        {"confusion": [[1, 0, 0], [0, 1, 0], [0, 0]]},
        {"confusion": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]},
        {"confusion": [[0, 0, 0]] * 3},
        {"confusion": np.eye(3, dtype=int).tolist(), "spread": {"groups": [1, 1, 1]}},
        {"confusion": np.eye(3, dtype=int).tolist(), "spread": {"groups": [1, 1, 2], "worths": [1, 1, 1]}},
        {"confusion": np.eye(3, dtype=int).tolist(), "spread": {"groups": [1, 1, 1], "worths": [1, 1, "many"]}},
        {"confusion": np.eye(3, dtype=int).tolist(), "spread": {"groups": [1, 1], "worths": [1, 1]}},
        {"spread": {"groups": [1, 1, 1], "worths": [1, 1, 1]}},
        {"seconds": -1},
        {"seconds": "short"},
    ],
    ids=range(23),
)
def test_facts_that_cannot_be_told_are_refused(head, facts):
    with pytest.raises(HeadError, match="training"):
        load_head(forged(head, facts=facts))


@pytest.mark.parametrize("mean", [10**400, 1e300, "0.5", True])
def test_a_way_in_by_numbers_without_bound_is_refused(head, mean):
    transform = {"resize": 72, "crop": 64, "mean": [mean, 0, 0], "std": [1, 1, 1]}
    transform |= {"interpolation": "bilinear", "rounds": False}
    with pytest.raises(HeadError, match="how pictures enter"):
        load_head(forged(head, transform=transform))


def test_a_head_on_a_network_that_is_not_here_fetches_nothing(head, tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(weights.torch.hub, "get_dir", lambda: str(tmp_path))

    def fetched(*_):
        raise AssertionError("nobody asked for that")

    for name in ("urlopen", "fetch"):
        monkeypatch.setattr(weights, name, fetched)
    with pytest.raises(HeadError, match=r"needs VGG16.*is not here.*models --get vgg16"):
        replace(head, network="vgg16").as_classifier()
    with pytest.raises(VisionlabError, match="nowhere"):
        replace(head, network="nowhere").as_classifier()
