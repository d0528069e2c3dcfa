"""The script that trains vgg16-oxford's head, on a tiny network's convolutions and a handful of pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import typer
from safetensors import safe_open
from tiny import TINY, tiny_classifier
from typer.testing import CliRunner

from visionlab.errors import ParameterError
from visionlab.learning.builtin import oxford_head
from visionlab.learning.builtin.oxford_head import Features, Means, Recipe, parse_sides, rounds_of, train
from visionlab.network.files import checksums
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.running.classifier import Transform
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.oxford import MEAN, STD
from visionlab.network.zoo.vgg import VGG

CHANNELS = TINY.blocks[-1][-1]
SMALL = Recipe(hidden=(16, 12), epochs=40, batch=16, peak_rate=0.01, weight_decay=0.0)
SMALL = replace(SMALL, dropout=0.0, input_dropout=0.0, mixup=0.0, smoothing=0.0)


@pytest.fixture
def tiny_convolutions(monkeypatch) -> VGG:
    network = tiny_classifier().module
    monkeypatch.setattr(oxford_head, "convolutions", lambda: network)
    return network


@pytest.fixture
def run(data, tmp_path, tiny_convolutions):
    """Runs the script in a work folder that stays; gives what it says."""

    def call(out, *options):
        app = typer.Typer()
        app.command()(oxford_head.main)
        common = ["--data", str(data), "--out", str(out), "--work", str(tmp_path / "work"), "--sides", "32,48"]
        result = CliRunner().invoke(app, [*common, "--epochs", "5", *options])
        if result.exception:
            raise result.exception
        return result.output

    return call


@pytest.mark.parametrize("wide", [1, 8, 100])
@pytest.mark.parametrize("side", [32, 50])
def test_means_are_those_of_the_networks_own_convolutions(wide, side):
    network = tiny_classifier().module
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40 + i, 44, 3), np.uint8) for i in range(oxford_head.BATCH + 2)]
    transform = Transform(side, side, MEAN, STD)
    found = Means(network, wide)(images, transform)
    with torch.no_grad():
        expected = network.features(transform(images, torch.device("cpu"))).mean((2, 3)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * expected.max())


def test_rounds_take_one_of_every_class_until_all_were_taken():
    labels = torch.tensor([2, 0, 0, 1, 2, 2, 0, 1, 2])
    rounds = list(rounds_of(labels, 3))
    assert [labels[chosen].tolist() for chosen in rounds] == [[0, 1, 2], [0, 1, 2], [0, 2], [2]]
    assert sorted(np.concatenate(rounds)) == list(range(9))
    again, other = (list(rounds_of(labels, seed)) for seed in (3, 4))
    assert all(map(np.array_equal, rounds, again))
    assert not all(map(np.array_equal, rounds, other))


def test_it_goes_on_where_it_was_stopped_and_writes_the_same_bytes(run, tmp_path, monkeypatch):
    real, made = oxford_head.Means.__call__, []

    def counted(self, images, transform):
        if len(made) == stop_after:
            raise KeyboardInterrupt
        made.append(transform.crop)
        return real(self, images, transform)

    monkeypatch.setattr(oxford_head.Means, "__call__", counted)
    stop_after = 3
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        run(tmp_path / "a.safetensors", "--rounds", "5", "--validation", "2")
    assert not (tmp_path / "a.safetensors").exists()
    stop_after = None
    told = run(tmp_path / "a.safetensors", "--rounds", "5", "--validation", "2")
    assert made == [32, 48, 32, 48, 32, *(32, 48, 32, 48), *(32, 32), *(48, 48)], "train, strangers, validation"
    assert checksums.sha256(tmp_path / "a.safetensors") in told, "what the entry in MODELS has to say"
    assert "10 of 24 pictures to train on, 4 of 12 to validate" in told
    run(tmp_path / "b.safetensors", "--rounds", "5", "--validation", "2")
    assert len(made) == 13, "nothing is computed twice"
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    run(tmp_path / "c.safetensors", "--rounds", "7", "--validation", "2")
    assert made[13:] == [48, 32], "the rounds that follow"


def test_its_file_and_the_convolutions_are_a_classifier(run, tiny_convolutions, tmp_path, monkeypatch, noise):
    from safetensors.torch import save_file

    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    state = tiny_convolutions.state_dict()
    save_file({k: v for k, v in state.items() if k.startswith("features.")}, tmp_path / "features.safetensors")
    run(tmp_path / "head.safetensors", "--measured-at", "48")
    files = [WeightFile(n, sha256=checksums.sha256(tmp_path / n)) for n in ("features.safetensors", "head.safetensors")]
    with safe_open(tmp_path / "head.safetensors", "pt") as file:
        header = {key: json.loads(value) for key, value in file.metadata().items()}
        assert all(file.get_tensor(name).dtype == torch.float16 for name in file.keys())  # noqa: SIM118
    assert header["labels"] == ["red thing", "blue thing"]
    assert header["wnids"] == ["n01", "n02"]
    assert header["side"] == 48
    assert (header["mean"], header["std"]) == (list(MEAN), list(STD))
    assert header["training"]["pictures"] == 24
    assert header["training"]["recipe"]["sides"] == [32, 48]
    transform = Transform(header["side"], header["side"], MEAN, STD)
    entry = replace(MODELS["vgg16-tinyimagenet"], name="joined", file=files[0], head=files[1], transform=transform)
    monkeypatch.setitem(MODELS, "joined", entry)
    net = load_classifier("joined", "cpu")
    assert net.labels == ("red thing", "blue thing")
    assert net.temperature == header["temperature"]
    assert [layer.name for layer in net.layers][-7:] == ["avgpool", "fc6", "relu6", "fc7", "relu7", "fc8", "prob"]
    x = torch.from_numpy(Means(tiny_convolutions)([noise], transform))
    with torch.no_grad():
        expected = (net.module.classifier(x) / net.temperature).softmax(1).numpy()
    np.testing.assert_allclose(probabilities(net, [noise]), expected, atol=1e-4)


def clusters(spread: float = 1.0, offset: float = 0.0) -> Features:
    """Two heaps of points, far from each other beside their width."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2).repeat_interleave(32)
    values = torch.randn(64, CHANNELS, generator=generator) * 0.2
    values[:, 0] += 2.0 * labels
    return Features(values * spread + offset, labels)


@pytest.mark.parametrize(("spread", "offset"), [(1.0, 0.0), (50.0, -400.0), (0.05, 3.0)])
def test_the_head_takes_features_of_any_scale_as_they_are(spread, offset):
    features = clusters(spread, offset)
    head = train(features, torch.zeros(0, 0), 2, SMALL)
    assert [tuple(p.shape) for p in head.parameters() if p.dim() == 2] == [(16, CHANNELS), (12, 16), (2, 12)]
    assert not any(p.requires_grad for p in head.parameters())
    assert torch.equal(head(features.values).argmax(1), features.labels)


def test_features_are_mixed_in_the_shares_that_their_labels_get():
    torch.manual_seed(0)
    x = torch.eye(6)
    mixed, own = oxford_head._mixed(x, 0.4)
    assert torch.equal(mixed.diagonal(), own)
    assert torch.equal(mixed.roll(-1, 0).diagonal(), (1 - own).roll(-1, 0)), "the neighbour before has the rest"
    torch.testing.assert_close(mixed.sum(1), torch.ones(6))
    assert 0.5 <= own.min() < own.max() <= 1


def test_with_all_that_hinders_learning_it_learns(tiny_convolutions):
    features = clusters()
    hindered = replace(SMALL, dropout=0.3, input_dropout=0.1, mixup=0.4, smoothing=0.1)
    head = train(features, torch.zeros(0, 0), 2, hindered)
    assert (head(features.values).argmax(1) == features.labels).float().mean() > 0.9


def test_pictures_of_nothing_make_it_unsure_of_such():
    features = clusters()
    odd = clusters().values + 3 * torch.nn.functional.one_hot(torch.tensor(1), CHANNELS)
    certainty = []
    for strangers in (torch.zeros(0, 0), odd):
        head = train(features, strangers, 2, replace(SMALL, strangers_weight=1.0))
        certainty.append(float(head(odd).softmax(1).amax(1).mean()))
        assert torch.equal(head(features.values).argmax(1), features.labels)
    assert certainty[1] < certainty[0] - 0.1


def test_sides_are_read_or_refused():
    assert parse_sides("96,128") == (96, 128)
    for bad in ("", "31", "96;128", "big", "128,"):
        with pytest.raises(ParameterError, match="sides"):
            parse_sides(bad)
