"""Heads on the networks that come as packages: whatever can be done with a head can be done on each of them."""

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from visionlab.imaging.image import encode_png
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.source import embedder, entered_by
from visionlab.learning.heads.block import last_block
from visionlab.learning.heads.head import load_head
from visionlab.learning.heads.training import fit, train_head
from visionlab.learning.takeaway.package import open_package, pack
from visionlab.network.explain import METHODS, explain
from visionlab.network.files.weights import is_here
from visionlab.network.inside.activations import feature_maps
from visionlab.network.inside.trace import trace_unit
from visionlab.network.inside.visualisation import visualise_channel
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import predict, probabilities
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS

SIDE = 64  # pixels: it is quick, and there are still 2 × 2 places in the last block
LAST_BLOCKS = {  # the layer before it, and what of it learns
    "efficientnet_lite0": ("blocks.11.expand_relu6", r"blocks\.11\.(depthwise|project)|blocks\.1[2-5]\.|last\."),
    "vgg16-oxford": ("pool4", r"features\.(24|26|28)\."),
}


@pytest.fixture(scope="module", params=LAST_BLOCKS)
def net(request) -> Classifier:
    if not all(map(is_here, MODELS[request.param].files)):
        pytest.skip(f"{request.param} is not here: python -m visionlab models --get {request.param} brings it")
    whole = load_classifier(request.param, "cpu")
    return entered_by(whole, whole.transform.at(SIDE))


@pytest.fixture(scope="module")
def run(net, stripes):
    """Fine-tuned, all epochs over. A strong penalty on the linear head leaves much to learn."""
    tuning = fit(stripes, net, kind="fine-tune", epochs=4, strength=3.0, views=(), validation=0.34)
    list(tuning)
    return tuning


@pytest.fixture(scope="module")
def mine(run, net) -> Classifier:
    return run.head.as_classifier(net)


def test_the_table_says_how_it_is_embedded(net):
    model = MODELS[net.name]
    whole = load_classifier(net.name, "cpu")
    asked = embedder(whole)
    assert asked.transform.crop == (model.embedding_side or model.transform.crop)
    assert (asked.embedding, asked.unit_length) == (model.embedding, model.unit_length)


def test_fine_tuning_changes_the_last_block_alone(net, run):
    before, pattern = LAST_BLOCKS[net.name]
    layer, keys = last_block(net)
    assert layer.name == before
    assert run.best.index > 1
    assert run.history[-1].train_loss < run.history[1].train_loss
    plain = net.module.state_dict()
    tuned = run.head.tuned_network(net).module.state_dict()
    assert {key for key in plain if not torch.equal(plain[key], tuned[key])} == set(keys) == set(run.head.tuned)
    assert {key for key in plain if re.match(pattern, key)} == set(keys)
    fresh = load_classifier(net.name, "cpu").module.state_dict()
    assert all(torch.equal(value, plain[key]) for key, value in fresh.items()), "the network itself was changed"


def test_a_saved_head_answers_as_it_did_in_training(net, run, stripes):
    head = load_head(run.head.to_bytes())
    held_out = [stripes.images[index] for index in run.held_out]
    np.testing.assert_allclose(probabilities(head.as_classifier(net), held_out), run.probabilities(), atol=1e-3)
    np.testing.assert_allclose(embed(head.tuned_network(net), held_out), run.features[run.held_out], atol=1e-3)


def test_a_linear_head_tells_stripes_apart_and_refuses_what_is_neither(net, stripes):
    head = train_head(stripes, net, validation=0.34)
    rng = np.random.default_rng(1)
    strangers = [rng.integers(0, 256, (90, 90, 3), dtype=np.uint8) for _ in range(5)]
    assert head.refusal.refuses(embed(head.tuned_network(net), strangers)).all()
    assert head.refusal.refuses(embed(head.tuned_network(net), stripes.images)).mean() < 0.2
    found = probabilities(head.as_classifier(net), stripes.images).argmax(1)
    assert (found == stripes.labels).mean() > 0.9


def test_what_is_taken_away_answers_alike(net, run, mine, stripes, tmp_path):
    """The export, its parity check, and predict.py in a process of its own."""
    images = [stripes.images[0], stripes.images[20], np.random.default_rng(1).integers(0, 256, (50, 90, 3), np.uint8)]
    *_, last = pack(run.head, net, tmp_path / "mine.zip", images)
    assert last.parity.holds
    assert last.parity.agreeing == len(images)
    assert open_package(tmp_path / "mine.zip").head.tuned.keys() == run.head.tuned.keys()
    with zipfile.ZipFile(tmp_path / "mine.zip") as zipped:
        zipped.extractall(tmp_path)
    for number, image in enumerate(images):
        Path(tmp_path, f"{number}.png").write_bytes(encode_png(image))
    files = [tmp_path / f"{number}.png" for number in range(len(images))]
    command = [sys.executable, "-I", tmp_path / "predict.py", *files]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout.splitlines()
    refused = run.head.refusal.refuses(embed(run.head.tuned_network(net), images))
    assert refused.tolist() == [False, False, True]
    for line, image, stranger in zip(told, images, refused, strict=True):
        answer = predict(mine, [image])[0][0]
        if stranger:
            assert "none of these" in line
        else:
            assert float(re.search(rf"{answer.label} ([\d.]+)", line)[1]) == pytest.approx(answer.probability, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("few_steps")
def test_every_explanation_works(mine, stripes, method):
    small = replace(mine, transform=mine.transform.at(32))  # one of them looks 49 times
    found = explain(small, stripes.images[0], method, target="across")
    assert found.values.shape == stripes.images[0].shape[:2]
    assert np.isfinite(found.values).all()
    assert np.abs(found.values).max() > 0


def test_units_are_written_as_sums(mine, stripes):
    image = stripes.images[0]
    maps = feature_maps(mine, image)
    kinds = {layer.kind: layer for layer in mine.layers if layer.kind != "norm"}  # the last one of each kind
    assert {"conv", "linear", "average", "softmax"} <= set(kinds)
    for layer in kinds.values():
        for channel in (0, layer.shape[0] - 1):
            unit = trace_unit(mine, image, layer.name, channel, maps=maps)
            assert unit.total == pytest.approx(unit.value, rel=1e-3, abs=1e-4), layer.name


@pytest.mark.parametrize("layer", ["head", "conv"])
def test_what_it_looks_for(mine, layer):
    name = layer if layer == "head" else [each for each in mine.layers if each.kind == "conv"][-1].name
    first, *_, last = visualise_channel(mine, name, 0, side=SIDE, steps=12)
    assert last.activation > first.activation
    assert last.image.shape == (SIDE, SIDE, 3)
