from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_classifier, with_room

from visionlab.errors import DatasetError, ModelError, ParameterError
from visionlab.learning.features.embedding import embed
from visionlab.learning.heads import fine_tuning
from visionlab.learning.heads.block import Maps, last_block
from visionlab.learning.heads.head import load_head
from visionlab.learning.heads.training import fit
from visionlab.network.inside.activations import feature_maps
from visionlab.network.running.prediction import probabilities
from visionlab.packing import packed, unpacked

BLOCK_5 = {f"features.{place}.{what}" for place in (24, 26, 28) for what in ("weight", "bias")}


def test_the_last_block_is_that_of_the_last_layer_with_places():
    before, keys = last_block(tiny_classifier())
    assert before.name == "pool4"
    assert set(keys) == BLOCK_5
    before, keys = last_block(replace(tiny_classifier(), embedding="relu2_1"))
    assert (before.name, set(keys)) == ("pool1", {"features.5.weight", "features.5.bias"})
    with pytest.raises(ModelError, match="a single block"):
        last_block(replace(tiny_classifier(), embedding="relu1_2"))


def test_the_last_block_of_networks_of_blocks():
    from torchvision.models import get_model

    from visionlab.network.running.classifier import Classifier, Transform
    from visionlab.network.zoo.models import MODELS
    from visionlab.network.zoo.torchvision_nets import network_layers

    expected = {
        "resnet50": ("layer3.5.relu3", "network.layer4."),
        "squeezenet1_1": ("features.7", "network.features."),
        "mobilenet_v3_large": ("features.13.block.0.2", "network.features.1"),
        "efficientnet_lite0": ("blocks.11.expand_relu6", ""),
    }
    for name, (first, prefix) in expected.items():
        model = MODELS[name]
        with torch.device("meta"):
            module = model.build() if model.build else model.adapt(get_model(name).eval())
        layers, cpu = network_layers(module, 224), torch.device("cpu")
        net = Classifier(name, module, Transform(224, 224), ("a",), layers, cpu, model.embedding)
        before, keys = last_block(net)
        assert before.name == first
        assert keys
        assert all(key.startswith(prefix) for key in keys)


@pytest.mark.gpu
def test_it_learns_on_a_copy_and_its_head_answers_as_it_did_in_training(tiny, stripes):
    before = {key: value.clone() for key, value in tiny.module.state_dict().items()}
    run = fit(stripes, tiny, kind="fine-tune", epochs=8, strength=3.0, views=())
    epochs = list(run)
    assert epochs[-1].train_loss < epochs[1].train_loss
    for key, value in tiny.module.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert not any(value.requires_grad for value in tiny.module.parameters())
    assert run.best.index > 1, "a strong penalty leaves much to learn, so that what follows is of tuned values"
    head = load_head(run.head.to_bytes())
    assert set(head.tuned) == BLOCK_5
    held_out = [stripes.images[i] for i in run.held_out]
    logits = torch.from_numpy(head.logits(run.features[run.held_out]))
    np.testing.assert_allclose(
        probabilities(replace(head, temperature=1.0).as_classifier(tiny), held_out), logits.softmax(1), atol=1e-3
    )
    np.testing.assert_allclose(embed(head.tuned_network(tiny), held_out), run.features[run.held_out], atol=1e-3)
    assert (logits.argmax(1).numpy() == run.predictions()).all()
    assert run.report().accuracy == run.best.validation_accuracy


def test_its_first_epoch_is_the_linear_head(stripes):
    net = tiny_classifier()
    linear, tuned = fit(stripes, net, strength=0.1), fit(stripes, net, kind="fine-tune", strength=0.1)
    *_, last = linear
    first = next(iter(tuned))
    assert first.validation_loss == pytest.approx(last.validation_loss, rel=1e-4)
    assert not tuned.head.tuned


def test_where_tuning_does_not_help_the_linear_head_learns_from_all_pictures_in_the_end(stripes, monkeypatch):
    monkeypatch.setattr(fine_tuning, "HEAD_RATE", 1e3)  # so large that nothing gets better
    net = tiny_classifier()
    settings = {"kind": "fine-tune", "epochs": 3, "strength": 0.1}
    run = fit(stripes, net, **settings)
    told = [run.probabilities() for _ in run]
    assert run.best.index == 1
    whole = fit(stripes, net, validation=0, strength=0.1)
    list(whole)
    np.testing.assert_allclose(run.head.weights, whole.head.weights, rtol=1e-3, atol=1e-5)
    assert run.head.facts["trained_on"] == len(stripes)
    np.testing.assert_array_equal(run.probabilities(), told[0])


@pytest.mark.gpu
def test_the_same_seed_gives_the_same_head_and_an_interruption_changes_nothing(tiny, stripes):
    settings = {"kind": "fine-tune", "epochs": 5, "strength": 0.1, "seed": 2}
    state = torch.random.get_rng_state()
    whole = fit(stripes, tiny, **settings)
    epochs = list(whole)
    cut = fit(stripes, tiny, **settings)
    begun = iter(cut)
    first = [next(begun) for _ in range(3)]
    going_on = fit(stripes, tiny, resume=cut.checkpoint(), **settings)
    rest = list(going_on)
    assert first + rest == epochs == going_on.history
    assert going_on.head.to_bytes() == whole.head.to_bytes()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_resumed_run_keeps_the_best_from_before(stripes):
    settings = {"kind": "fine-tune", "epochs": 4, "strength": 0.1}
    cut = fit(stripes, tiny_classifier(), **settings)
    for _ in zip(range(3), cut, strict=False):
        pass
    resumed = fit(stripes, tiny_classifier(), resume=cut.checkpoint(), **settings)
    list(resumed.prepare())
    assert resumed.best == cut.best
    assert resumed.head.to_bytes() == cut.head.to_bytes()


def test_a_checkpoint_under_its_older_names_goes_on(stripes):
    settings = {"kind": "mlp", "epochs": 4}
    cut = fit(stripes, tiny_classifier(), **settings)
    for _ in zip(range(2), cut, strict=False):
        pass
    about, arrays = unpacked(cut.checkpoint())
    assert {"weights", "bias", "logits", "hidden.weights", "hidden.bias"} < arrays.keys()
    older = packed(about, {f"best.{k}" if k in ("weights", "bias", "logits") else k: v for k, v in arrays.items()})
    runs = [fit(stripes, tiny_classifier(), resume=data, **settings) for data in (cut.checkpoint(), older)]
    assert list(runs[0]) == list(runs[1])
    assert runs[0].head.to_bytes() == runs[1].head.to_bytes()


def test_a_checkpoint_goes_on_with_its_own_run_alone(stripes):
    net = tiny_classifier()
    run = fit(stripes, net, kind="fine-tune", epochs=3, strength=0.1)
    with pytest.raises(ParameterError, match="at least one epoch"):
        run.checkpoint()
    next(iter(run))
    kept = run.checkpoint()
    for other in ({"seed": 1}, {"epochs": 4}, {"views": ("flip",)}, {"strength": 1.0}, {"kind": "mlp"}):
        settings = {"kind": "fine-tune", "epochs": 3, "strength": 0.1} | other
        with pytest.raises(ParameterError, match="other pictures or settings"):
            fit(stripes, net, resume=kept, **settings)
    for data in (b"", kept[:-9], run.head.to_bytes()):
        with pytest.raises(ParameterError, match="interrupted run"):
            fit(stripes, net, kind="fine-tune", resume=data)
    with pytest.raises(ParameterError, match="not resumed"):
        fit(stripes, net, kind="linear", resume=kept)


def test_it_stops_when_it_gets_no_better(stripes):
    net = tiny_classifier()
    held_out = fit(stripes, net, kind="mlp").held_out
    told = stripes.labels.copy()
    told[held_out] = (told[held_out] + 1) % 3  # so that whatever is learned is wrong there
    features = np.eye(14, dtype=np.float32)[told]
    run = fit(stripes, net, kind="mlp", features=features)
    epochs = list(run)
    assert len(epochs) == min(run.best.index + run.kind.patience, run.epochs) < run.epochs


def test_progress_counts_the_views_of_training_pictures_and_no_other(stripes):
    run = fit(stripes, tiny_classifier(), kind="fine-tune", views=("flip", "colour"))
    *_, last = run.prepare()
    assert last == (36 + 2 * len(run.train),) * 2
    assert list(run.prepare()) == []


def test_maps_come_back_and_a_full_disk_is_told(monkeypatch):
    maps, values = Maps(), torch.randn(7, 2, 3, 3)
    for part in values.split(3):
        maps.append(part)
    assert len(maps) == 7
    assert torch.equal(maps.rows(np.array([6, 0, 6])), values[[6, 0, 6]])
    if not (full := Path("/dev/full")).exists():
        pytest.skip("no /dev/full here")
    with full.open("wb", buffering=0) as file:
        monkeypatch.setattr(maps, "_file", file)
        with pytest.raises(DatasetError, match="no room"):
            maps.append(values)


def test_feature_maps_of_a_tuned_head_are_those_of_its_network(stripes):
    net = tiny_classifier()
    run = fit(stripes, net, kind="fine-tune", epochs=8, strength=3.0)
    list(run)
    image = stripes.images[0]
    ours = feature_maps(run.head.as_classifier(net), image, ["pool4", "conv5_3"])
    plain = feature_maps(net, image, ["pool4", "conv5_3"])
    np.testing.assert_array_equal(ours["pool4"].values, plain["pool4"].values)
    assert not np.allclose(ours["conv5_3"].values, plain["conv5_3"].values, atol=1e-4)


@pytest.mark.parametrize("most", [5, 0])
def test_a_gpu_without_room_for_a_batch_learns_the_same_in_parts_or_on_the_cpu(stripes, monkeypatch, most):
    settings = {"kind": "fine-tune", "epochs": 3, "strength": 0.1, "views": ("flip",)}
    expected, tight = fit(stripes, tiny_classifier(), **settings), tiny_classifier()
    history = list(expected)
    room = with_room(tight, most, monkeypatch)
    run = fit(stripes, tight, **settings)
    for _ in run.prepare():
        pass
    room.most = most  # again, as if the features had been known
    for epoch, wanted in zip(run, history, strict=True):
        assert epoch.train_loss == pytest.approx(wanted.train_loss, rel=1e-3)
        assert epoch.validation_loss == pytest.approx(wanted.validation_loss, rel=1e-3)
    assert (room.most == float("inf")) == (most == 0)
    np.testing.assert_allclose(run.head.weights, expected.head.weights, atol=1e-3)
