"""Heads from strangers: what is in the file is refused in a sentence, or works like any other."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

from visionlab.errors import HeadError, VisionlabError
from visionlab.imaging.samples import load_sample
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.training import train_head
from visionlab.learning.takeaway.export import Parity
from visionlab.learning.takeaway.model_card import model_card
from visionlab.network.files import weights
from visionlab.network.running.prediction import predict
from visionlab.packing import read_json


@pytest.fixture(scope="module")
def head(stripes) -> Head:
    return train_head(stripes, tiny_classifier(), epochs=3)


def forged(head: Head, arrays: dict | None = None, text: str | None = None, **changes) -> bytes:
    """The head's file with other arrays, and with other things said about them, or with that text instead."""
    data = head.to_bytes()
    about = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["visionlab"])
    said = json.dumps(about | changes) if text is None else text
    return safetensors.numpy.save({"weights": head.weights, "bias": head.bias} | (arrays or {}), {"visionlab": said})


def used(head: Head) -> None:
    """As the app does, up to what it shows and hands out."""
    net = tiny_classifier()
    for each in predict(head.as_classifier(net), [load_sample("cat")], top=3)[0]:
        assert np.isfinite(each.probability)
        assert each.label.encode()
    load_head(head.to_bytes())
    assert model_card(head, Parity(1, 0.0, 1)).encode()


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.int8, np.uint8])
def test_numbers_of_another_type_become_float32(head, dtype):
    found = load_head(forged(head, {key: np.ones_like(getattr(head, key), dtype) for key in ("weights", "bias")}))
    assert (found.weights.dtype, found.bias.dtype) == (np.float32, np.float32)
    used(found)


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
    ],
    ids=range(11),
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["format", "classes", "network", "layer", "fingerprint", "facts", "temperature", "transform", "unit_length"]
ARRAYS = st.builds(
    lambda shape, value, dtype: np.full(shape, value).astype(dtype),
    st.lists(st.integers(0, 4), max_size=3),
    st.floats(-1e6, 1e6),
    st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_]),
)
NAMES = [
    "weights",
    "bias",
    "hidden.weights",
    "hidden.bias",
    "tuned.x",
    "refusal.points",
    "refusal.threshold",
    "strange",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    arrays=st.dictionaries(st.sampled_from(NAMES), ARRAYS, max_size=2),
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast", "ignore:invalid value encountered in cast")
def test_whatever_is_said_a_head_is_refused_in_a_sentence_or_works(head, changes, arrays):
    try:
        found = load_head(forged(head, arrays, **changes))
    except HeadError:
        return
    with contextlib.suppress(VisionlabError):
        used(found)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8), cut=st.booleans()
)
def test_a_damaged_file_is_refused_in_a_sentence_or_works(head, places, cut):
    data = bytearray(head.to_bytes())
    for place, value in places:
        data[place % min(len(data), 3_000)] = value
    with contextlib.suppress(HeadError):
        load_head(bytes(data[: -places[0][0] % len(data)] if cut else data))
