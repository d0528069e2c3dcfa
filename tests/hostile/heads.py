"""Heads, packages and chains from strangers: refused in a sentence, or they work to the end."""

from __future__ import annotations

import json
import random
import time
import warnings

import numpy as np
import safetensors.numpy
from hostile.outcome import Outcome
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.pipeline import Pipeline
from visionlab.imaging.samples import load_sample
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.training import train_head
from visionlab.learning.sets.ready_made import textures
from visionlab.learning.takeaway.export import Parity
from visionlab.learning.takeaway.model_card import model_card
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import predict

SECONDS = 10.0
KEYS = ["format", "classes", "network", "layer", "fingerprint", "facts", "temperature", "transform", "unit_length"]
NAMES = ["weights", "bias", "hidden.weights", "hidden.bias", "tuned.x", "refusal.points", "refusal.threshold", "odd"]
DTYPES = [np.float32, np.float64, np.float16, np.int64, np.int8, np.uint8, np.bool_]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ARRAYS = st.builds(
    lambda shape, value, dtype: np.full(shape, value).astype(dtype),
    st.lists(st.integers(0, 4), max_size=3),
    st.floats(-1e6, 1e6),
    st.sampled_from(DTYPES),
)


def forged(head: Head, arrays: dict | None = None, text: str | None = None, **changes) -> bytes:
    """The head's file with other arrays, and with other things said about them, or with that text instead."""
    data = head.to_bytes()
    about = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["visionlab"])
    said = json.dumps(about | changes) if text is None else text
    return safetensors.numpy.save({"weights": head.weights, "bias": head.bias} | (arrays or {}), {"visionlab": said})


def used(head: Head, net: Classifier) -> None:
    """As the app does, up to what it shows and hands out."""
    for each in predict(head.as_classifier(net), [load_sample("cat")], top=3)[0]:
        assert np.isfinite(each.probability)
        assert each.label.encode()
    load_head(head.to_bytes())
    assert model_card(head, Parity(1, 0.0, 1)).encode()


def run(count: int = 150, minutes: float = 10, first: int = 0) -> Outcome:
    """So many hand-made forgeries, and then whatever hypothesis thinks of, of heads and of chains, for so long."""
    outcome = Outcome("Heads, packages and chains")
    net, chance = tiny_classifier(), random.Random(first)
    head = train_head(textures(patches=4, side=32), net, epochs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of casts between types of numbers, which are the point
        for _ in range(count):
            kind, data = _forgery(chance, head)
            outcome.attempt(kind, lambda data=data: used(load_head(data), net), SECONDS)
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            _thought_of(outcome, head, net, first := first + 1)
    return outcome


def _forgery(chance: random.Random, head: Head) -> tuple[str, bytes]:
    kind = chance.choice(["depth", "temperature", "type", "value", "classes", "shape", "text", "bytes", "transform"])
    value = chance.choice([3e38, -3e38, 1e-320, float("inf"), float("nan"), 10**400, 2**63, -1, 0, None, "x", [], {}])
    deep = "[" * (depth := chance.choice([10, 17, 500, 10**5])) + "]" * depth
    weights = head.weights.astype(np.float64)
    if kind == "depth":
        return kind, forged(head, text=chance.choice([deep, f'{{"facts": {deep}}}']))
    if kind == "temperature":
        return kind, forged(head, temperature=value)
    if kind == "type":
        return kind, forged(
            head, {name: np.ones_like(getattr(head, name), chance.choice(DTYPES)) for name in ("weights", "bias")}
        )
    if kind == "value" and isinstance(value, float):
        weights.flat[chance.randrange(weights.size)] = value
        return kind, forged(head, {"weights": weights.astype(np.float32)})
    if kind == "classes":
        odd = chance.choice(["", " ", "a", "x" * 2**20, "\ud800", 3, None, "<b>", "**a**", "\n", "\u202e"])
        return kind, forged(head, classes=["a", odd, *head.classes[2:]])
    if kind == "shape":
        return kind, forged(
            head, {chance.choice(NAMES): np.zeros([chance.randrange(4) for _ in range(chance.randrange(4))])}
        )
    if kind == "text":
        return kind, forged(head, **{chance.choice(["network", "layer", "fingerprint"]): value})
    if kind == "transform":
        return kind, forged(head, transform={"resize": value, "crop": 64, "mean": [value] * 3, "std": [value] * 3})
    data = bytearray(head.to_bytes())
    for _ in range(chance.randrange(1, 9)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return "bytes", bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)


def _thought_of(outcome: Outcome, head: Head, net: Classifier, number: int) -> None:
    calm = settings(max_examples=100, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    changes = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3)
    steps = st.lists(
        st.fixed_dictionaries({"filter": st.sampled_from([*FILTERS, "odd"])}, optional={"values": JSON, "on": JSON})
    )

    @seed(number)
    @calm
    @given(changes, st.dictionaries(st.sampled_from(NAMES), ARRAYS, max_size=2))
    def heads(changes, arrays) -> None:
        outcome.attempt(
            "heads that hypothesis thought of", lambda: used(load_head(forged(head, arrays, **changes)), net), SECONDS
        )

    @seed(number)
    @calm
    @given(JSON | st.fixed_dictionaries({"steps": steps}))
    def chains(whole) -> None:
        data = json.dumps(whole)
        outcome.attempt("chains that hypothesis thought of", lambda: Pipeline.from_json(data), SECONDS)

    heads()
    chains()
