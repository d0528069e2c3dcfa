"""The script that trains the built-in network, on a handful of pictures."""

import io
import itertools
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from typer.testing import CliRunner

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning import builtin
from visionlab.network.models import load_classifier
from visionlab.network.vgg import VGG, fold_batch_norm

COLOURS = {"n01": (200, 40, 40), "n02": (40, 40, 200)}


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "classes.txt").write_text("n01 red_thing\nn02 blue thing\n")
    with zipfile.ZipFile(folder / "both.zip", "w") as archive:
        for split, count in (("train", 12), ("val", 6)):
            for wnid, colour in COLOURS.items():
                for i in range(count):
                    pixels = np.clip(np.array(colour) + rng.normal(0, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
                    buffer = io.BytesIO()
                    PillowImage.fromarray(pixels).save(buffer, "PNG")
                    archive.writestr(f"{split}/{wnid}/{i}.png", buffer.getvalue())
    return folder


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

    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(out.parent))
    resumed = load_classifier("vgg16-tinyimagenet", "cpu")
    assert resumed.labels == ("red thing", "blue thing")
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(straight.parent))
    whole = load_classifier("vgg16-tinyimagenet", "cpu")
    for name, value in whole.module.state_dict().items():
        torch.testing.assert_close(resumed.module.state_dict()[name], value, rtol=1e-2, atol=1e-3)
    assert "epoch 4/4" in run(data, out, "--stages", "32x2,40x2"), "more epochs go on from there"
    for other in ("32x9", "32x2"):
        with pytest.raises(ParameterError, match="another recipe"):
            run(data, out, "--stages", other)


def test_the_loss_falls_on_what_can_be_learned(data, tmp_path):
    recipe = builtin.Recipe(stages=((32, 10),), width=0.125, hidden=(16, 16), batch=4, peak_rate=0.02)
    pictures = builtin.read_pictures(data, "train", tmp_path / "work")
    network, _ = builtin._build(recipe, 2, torch.device("cpu"))
    optimiser = builtin._optimiser(network, recipe)
    means = [
        float(torch.stack([loss for _, _, loss in builtin.train_epoch(network, optimiser, pictures, recipe, e)]).mean())
        for e in range(10)
    ]
    assert means[-1] < means[0] - 0.1
    assert builtin.evaluate(network, pictures, 32)[0] >= 0.9


@pytest.mark.gpu
def test_one_step_on_every_device(device):
    recipe = builtin.Recipe(stages=((32, 1),), width=0.125, hidden=(16, 16), batch=4)
    pixels = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    pictures = builtin.Pictures(pixels, torch.tensor([0, 1, 0, 1])).to(device)
    network, plan = builtin._build(recipe, 2, device)
    steps = list(builtin.train_epoch(network, builtin._optimiser(network, recipe), pictures, recipe, 0))
    assert [step for step, _, _ in steps] == [1]
    assert torch.isfinite(steps[0][2])
    assert 0 <= builtin.evaluate(network, pictures)[0] <= 1
    x = torch.randn(2, 3, 64, 64)
    folded = fold_batch_norm(network.cpu(), plan)
    torch.testing.assert_close(folded(x), network.eval()(x), rtol=1e-4, atol=1e-4)


def test_augmented_pictures_keep_their_place_and_their_seed():
    pixels = torch.zeros(6, 64, 64, 3, dtype=torch.uint8)
    pixels[:, :, 32:] = 255
    one, two, other = (builtin.augment(pixels, 48, 0.35, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert one.shape == (6, 3, 48, 48)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    left, right = one[:, :, :, 0].mean((1, 2)), one[:, :, :, -1].mean((1, 2))
    assert (left > right).any(), "some are mirrored"
    assert (left < right).any(), "some are not"


def test_the_rate_rises_and_falls():
    rates = [builtin.rate_at(step, 100, 0.1) for step in range(101)]
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == 20
    assert rates[0] < 0.01
    assert rates[100] < 1e-6
    assert all(a > b for a, b in itertools.pairwise(rates[20:]))


def test_what_is_wrong_with_the_data_is_said(data, tmp_path):
    with pytest.raises(DatasetError, match=r"no classes\.txt"):
        builtin.read_classes(tmp_path)
    with pytest.raises(DatasetError, match="No pictures for “test”"):
        builtin.read_pictures(data, "test", tmp_path / "work")
    (data / "classes.txt").write_text("n01 red_thing\n")
    with pytest.raises(DatasetError, match=r"train/n02 is not in classes\.txt"):
        builtin.read_pictures(data, "train", tmp_path / "elsewhere")
    for bad in ("64", "8x2", "64x0", "axb"):
        with pytest.raises(ParameterError, match="stages"):
            builtin.parse_stages(bad)
    assert builtin.parse_stages("40x5,64x3") == ((40, 5), (64, 3))


def test_plain_files_of_the_metadata(data, tmp_path):
    recipe = builtin.Recipe(width=0.125, hidden=(16, 16))
    network, plan = builtin._build(recipe, 2, torch.device("cpu"))
    assert isinstance(network, VGG)
    builtin.write(network, plan, builtin.read_classes(data), {"seed": 0}, tmp_path / "out.safetensors")
    raw = (tmp_path / "out.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    assert json.loads(header["wnids"]) == ["n01", "n02"]
    assert json.loads(header["training"]) == {"seed": 0}
