"""What the examples and the README show, run as it stands, and the reference that is made of the docstrings."""

import hashlib
import inspect
import json
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import typer
from cli.shell import run
from tiny import tiny_classifier

import visionlab as vl
from visionlab.cli import app
from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.learning.sets.ready_made import textures
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo.models import MODELS, TO_NAME

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def here(tmp_path, built_in_alone, monkeypatch):
    """A folder to work in, with what the README speaks of: a photograph, and pictures of two classes or more."""
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(encode_jpeg(vl.load_sample("cat")))
    data = textures(patches=8, side=64)
    for image, label, name in zip(data.images, data.labels, data.names, strict=True):
        path = tmp_path / "my-pictures" / data.classes[label] / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(image))
    return tmp_path


def example(monkeypatch, capsys, name: str, *arguments: str) -> str:
    """What the script prints, run as a person runs it."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    return capsys.readouterr().out


def test_a_chain_of_filters(here, monkeypatch, capsys):
    told = example(monkeypatch, capsys, "filters_as_a_pipeline.py", "photo.jpg")
    stages = sorted(path.name for path in (here / "sketch").glob("*.png"))
    assert stages == ["1_grey.png", "2_bilateral.png", "3_canny.png", "4_invert.png"]
    assert vl.FILTERS["canny"].about in told
    saved = vl.Pipeline.from_json((here / "sketch" / "pipeline.json").read_text(encoding="utf-8"))
    last = vl.load_image(here / "sketch" / stages[-1])
    np.testing.assert_array_equal(saved.run(vl.load_image("photo.jpg")), last)


def test_a_look_into_a_layer(here, monkeypatch, capsys):
    told = example(monkeypatch, capsys, "inside_a_layer.py")
    channel, value = re.search(r"channel (\d+) answers most,", told)[1], float(re.search(r"(.*) = a bias", told)[1])
    maps = vl.feature_maps(vl.load_classifier("vgg16-tinyimagenet"), vl.load_sample("cat"), ["conv3_1"])["conv3_1"]
    assert value == pytest.approx(maps.values[int(channel)].max(), abs=1e-3)
    assert sorted(path.name for path in (here / "maps").iterdir()) == ["conv3_1.png", f"conv3_1_{channel}.png"]


def test_a_head_from_a_folder(here, monkeypatch, capsys):
    told = example(monkeypatch, capsys, "a_head_from_a_folder.py", "my-pictures")
    assert "always the most frequent class: 33.3%" in told
    assert "95% interval" in told
    assert vl.load_head("mine.safetensors").classes == ("brick", "grass", "gravel")
    with pytest.raises(SystemExit, match="Name a folder"):
        example(monkeypatch, capsys, "a_head_from_a_folder.py")
    with pytest.raises(SystemExit, match="/nonexist"):
        example(monkeypatch, capsys, "a_head_from_a_folder.py", "/nonexist")


def test_each_example_is_run():
    tested = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{path.name}"' in tested for path in ROOT.glob("examples/*.py"))


def test_the_reference_tells_of_every_public_name(tmp_path):
    subprocess.run([sys.executable, ROOT / "docs" / "reference.py", tmp_path], check=True, stderr=subprocess.PIPE)
    told = (tmp_path / "visionlab.html").read_text(encoding="utf-8")
    sections = re.findall(r'<section id="(\w+)">(.*?)</section>', told, re.DOTALL)
    assert {name for name, _ in sections} == {*vl.__all__} - {"training"}
    for name, text in sections:
        documented = not inspect.isclass(getattr(vl, name)) and not inspect.isfunction(getattr(vl, name))
        assert documented or 'class="docstring"' in text, f"{name} has no docstring"
    assert 'id="KINDS"' in (tmp_path / f"{vl.training.__name__.replace('.', '/')}.html").read_text(encoding="utf-8")


def test_the_readmes_python_runs(here, capsys):
    (shown,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (here / "readme.py").write_text(shown, encoding="utf-8")
    runpy.run_path("readme.py")
    assert "Prediction(label=" in capsys.readouterr().out
    assert vl.load_head("mine.safetensors").classes == ("brick", "grass", "gravel")
    assert (here / "mine.onnx").stat().st_size > 1e6


def test_the_readmes_ways_to_train_give_the_same_head(here, monkeypatch):
    """From Python and from a shell, where a better network than the built-in one is here."""
    best, small = TO_NAME[0], tiny_classifier()
    state = safetensors.torch.save(small.module.state_dict(), {"labels": json.dumps(small.labels)})
    file = WeightFile("best.safetensors", sha256=hashlib.sha256(state).hexdigest())
    plain = {"labels": None, "wordnet_ids": None, "build": None, "head": None, "embedding": small.embedding}
    monkeypatch.setitem(MODELS, best, replace(MODELS[best], file=file, transform=small.transform, **plain))
    (here / "weights").mkdir()
    (here / "weights" / file.name).write_bytes(state)
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(here / "weights"))
    (shown,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    asked = re.findall(r"^(?:import .*|net = .*|data = [^)]*\).*|head = .*|head\.save.*)\n", shown, re.MULTILINE)
    exec("".join(asked), {})
    from_python = Path("mine.safetensors").read_bytes()
    assert vl.load_head(from_python).network == best
    (command,) = re.findall(r"^python -m visionlab (train my-pictures .*?)(?:  +#.*)?$", README, re.MULTILINE)
    run(*shlex.split(command))
    assert Path("mine.safetensors").read_bytes() == from_python


def test_the_readmes_commands_are_commands():
    """With options and arguments that these take; what they do is tested in cli/."""
    shown = re.findall(r"^python -m visionlab (.*?)(?:  +#.*)?$", README, re.MULTILINE)
    assert len(shown) >= 14
    for line in shown:
        command, words = typer.main.get_command(app), shlex.split(line)
        with ExitStack() as contexts:
            while hasattr(command, "commands"):
                command = command.commands[words.pop(0)]
            contexts.enter_context(command.make_context(line, words))
