"""The script that trains the built-in network, on a handful of pictures."""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from typer.testing import CliRunner

from visionlab.errors import ParameterError
from visionlab.learning.builtin import training as builtin
from visionlab.network.files import checksums, reading
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.vgg import VGG, fold_batch_norm, read_plan, scaled_plan


def run(data, out, *options):
    import typer

    app = typer.Typer()
    app.command()(builtin.main)
    common = ["--data", str(data), "--out", str(out), "--work", str(out.parent / "work"), "--device", "cpu"]
    result = CliRunner().invoke(app, [*common, "--width", "0.125", "--batch", "8", *options])
    if result.exception:
        raise result.exception
    return result.output


def test_it_trains_resumes_and_writes_a_network_that_loads(data, tmp_path, monkeypatch):
    out = tmp_path / "weights" / "vgg16-tinyimagenet.safetensors"
    straight = tmp_path / "straight" / "vgg16-tinyimagenet.safetensors"
    run(data, straight, "--stages", "32x2,40x1")

    stop_after = {"epochs": 2}
    real = builtin.train_epoch

    def interrupted(*arguments):
        if stop_after["epochs"] == 0:
            raise KeyboardInterrupt
        stop_after["epochs"] -= 1
        return real(*arguments)

    monkeypatch.setattr(builtin, "train_epoch", interrupted)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        run(data, out, "--stages", "32x2,40x1")
    assert not out.exists()
    monkeypatch.setattr(builtin, "train_epoch", real)
    told = run(data, out, "--stages", "32x2,40x1")
    assert "going on after epoch 2" in told
    assert "epoch 3/3" in told
    assert "epoch 2/3" not in told
    assert checksums.sha256(out) in told, "what the entry in MODELS has to say"

    def loaded(path: Path) -> Classifier:
        entry = MODELS["vgg16-tinyimagenet"]
        monkeypatch.setenv("VISIONLAB_WEIGHTS", str(path.parent))
        file = replace(entry.file, sha256=checksums.sha256(path))
        monkeypatch.setitem(MODELS, entry.name, replace(entry, file=file))
        return load_classifier(entry.name, "cpu")

    resumed, whole = loaded(out), loaded(straight)
    assert resumed.labels == ("red thing", "blue thing")
    for name, value in whole.module.state_dict().items():
        torch.testing.assert_close(resumed.module.state_dict()[name], value, rtol=1e-2, atol=1e-3)
    assert "epoch 4/4" in run(data, out, "--stages", "32x2,40x2"), "more epochs go on from there"
    for other in ("32x9", "32x2"):
        with pytest.raises(ParameterError, match="another recipe"):
            run(data, out, "--stages", other)


def test_the_loss_falls_on_what_can_be_learned(data, tmp_path):
    """Half of the pictures in a batch, whose statistics are then those of all, and few steps at a low rate: with each
    of forty other seeds, which is more than a processor changes, no picture is told wrongly either."""
    recipe = builtin.Recipe(stages=((48, 20),), width=0.125, hidden=(16, 16), batch=12, peak_rate=0.02)
    pictures = builtin.read_pictures(data, "train", tmp_path / "work")
    run = a_run(recipe)
    means = [
        float(torch.stack([loss for _, _, loss in builtin.train_epoch(run, pictures, recipe, epoch)]).mean())
        for epoch in range(20)
    ]
    assert means[-1] < means[0] - 0.1
    assert builtin.evaluate(run.network, pictures, 48)[0] >= 0.9
    assert builtin.evaluate(run.average.module, pictures, 48)[0] >= 0.9


def a_run(recipe, device="cpu"):
    network, _ = builtin._build(recipe, 2, torch.device(device))
    return builtin.Run(network, builtin.moving_average(network, recipe.average), builtin._optimiser(network, recipe))


@pytest.mark.gpu
def test_one_step_on_every_device(device):
    recipe = builtin.Recipe(stages=((32, 1),), width=0.125, hidden=(16, 16), batch=4, cutmix=1.0)
    pixels = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    pictures = builtin.Pictures(pixels, torch.tensor([0, 1, 0, 1])).to(device)
    run = a_run(recipe, device)
    steps = list(builtin.train_epoch(run, pictures, recipe, 0))
    assert [step for step, _, _ in steps] == [1]
    assert torch.isfinite(steps[0][2])
    assert 0 <= builtin.evaluate(run.network, pictures)[0] <= 1
    x = torch.randn(2, 3, 64, 64)
    network = run.network.cpu().eval()
    folded = fold_batch_norm(network, scaled_plan(0.125, (16, 16), 2, batch_norm=True))
    torch.testing.assert_close(folded(x), network(x), rtol=1e-4, atol=1e-4)


def test_the_rate_rises_and_falls():
    rates = [builtin.rate_at(step, 100, 0.1) for step in range(101)]
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == 20
    assert rates[0] < 0.01
    assert rates[100] < 1e-6
    assert all(a > b for a, b in itertools.pairwise(rates[20:]))


def test_the_moving_average_is_the_exponential_one():
    network = torch.nn.BatchNorm1d(1)
    average = builtin.moving_average(network, 0.9)
    expected = None
    for count in range(60):
        value = float(count % 7)
        torch.nn.init.constant_(network.weight, value)
        network.num_batches_tracked.fill_(count)
        average.update_parameters(network)
        kept = min(0.9, (1 + count) / (10 + count))
        expected = value if expected is None else kept * expected + (1 - kept) * value
        assert average.module.weight.item() == pytest.approx(expected, rel=1e-5)
    assert average.module.num_batches_tracked == 59


def test_a_finished_network_is_trained_on(data, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second" / "file.safetensors"
    run(data, first, "--stages", "32x4", "--peak-rate", "0.02")
    run(data, second, "--stages", "32x1", "--start", str(first), "--peak-rate", "0.0001")
    tensors = {name: tensor.float() for name, tensor in reading.read(first)[0].items()}
    plan = read_plan({name: tensor.shape for name, tensor in tensors.items()})
    plain = VGG(plan).eval()
    plain.load_state_dict(tensors)
    recipe = builtin.Recipe(stages=((32, 1),), width=0.125, hidden=plan.hidden, batch=8)
    network, into = builtin._build(recipe, plan.classes, torch.device("cpu"))
    builtin._start_from(first, network, into, builtin.read_pictures(data, "train", tmp_path / "work"), recipe)
    x = torch.randn(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network.eval()(x), plain(x), rtol=1e-3, atol=1e-3)  # it begins where the other stopped
    with safe_open(second, "pt") as file:
        training = json.loads(file.metadata()["training"])
    assert training["recipe"]["start"] == hashlib.sha256(first.read_bytes()).hexdigest()
    assert len(training["started_from"]["history"]) == 4
    with pytest.raises(ParameterError, match="another recipe"):
        run(data, second, "--stages", "32x1", "--peak-rate", "0.0001")
    with pytest.raises(ParameterError, match="recipe’s own width"):
        run(data, tmp_path / "fourth" / "file.safetensors", "--start", str(first), "--width", "0.25")


def test_what_is_nothing_becomes_no_class(data, tmp_path):
    """All pictures are of one class, which a network soon says of everything, unless noise is to be of none; even if it
    could not tell noise from pictures, three quarters would then be best."""
    pictures = builtin.read_pictures(data, "train", tmp_path / "work")
    pictures = builtin.Pictures(pictures.pixels, torch.zeros_like(pictures.labels))
    odd = builtin.Pictures(torch.randint(0, 256, (32, 64, 64, 3), dtype=torch.uint8), torch.zeros(32).long())
    certainty = {}
    for count in (0, 12):
        recipe = builtin.Recipe(
            stages=((32, 16),),
            width=0.125,
            hidden=(16, 16),
            batch=12,
            peak_rate=0.05,
            strangers=count,
            strangers_weight=1,
        )
        run = a_run(recipe)
        for epoch in range(16):
            list(builtin.train_epoch(run, pictures, recipe, epoch))
        certainty[count] = builtin.logits_of(run.average.module, odd, 32).softmax(1).amax(1).mean()
    assert certainty[0] > 0.9
    assert certainty[12] < 0.8


def test_stages_are_read_or_refused():
    for bad in ("64", "8x2", "64x0", "axb"):
        with pytest.raises(ParameterError, match="stages"):
            builtin.parse_stages(bad)
    assert builtin.parse_stages("40x5,64x3") == ((40, 5), (64, 3))
