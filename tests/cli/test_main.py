"""All commands: their help, what they say of what is odd, and how they end."""

import re
import signal
import subprocess
import sys

import pytest
from cli.shell import run
from typer.main import get_command

import visionlab as vl
from visionlab import cli

COMMANDS = get_command(cli.app).commands
EVERY = {**COMMANDS, **{f"scratch {name}": each for name, each in COMMANDS["scratch"].commands.items()}}


@pytest.mark.parametrize("command", EVERY)
def test_every_command_explains_itself(command):
    assert re.search(rf"Usage: .*\b{command}\b", run(*command.split(), "--help"))
    assert EVERY[command].help


def test_the_room_names_every_command_with_its_module():
    """And no other, as module.py (its commands; whatever else)."""
    named = {
        (module, command)
        for module, told in re.findall(r"(\w+)\.py\s+\(([^;)]+)", cli.__doc__)
        for command in told.split(", ")
    }
    groups = {(group.typer_instance.registered_commands[0], group.name) for group in cli.app.registered_groups}
    entries = {(each, each.name or each.callback.__name__) for each in cli.app.registered_commands} | groups
    assert named == {(each.callback.__module__.rpartition(".")[2], name) for each, name in entries}


def test_what_a_person_can_mend_is_one_sentence_on_stderr(tmp_path):
    command = [sys.executable, "-m", "visionlab", "filter", str(tmp_path / "none.jpg"), "out.png", "canny"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "none.jpg" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["filter", "{}", "out.png", "blurr"], "blurr"),
        (["filter", "{}", "out.png", "canny:low"], "“low” in “canny:low”"),
        (["filter", "{}", "out.png"], "No filter was given"),
        (["filter", "{}", "out.png", "--chain", "/no/such/chain.json"], "chain.json cannot be read"),
        (["filter", "{}", "out.png", "--chain", "{}"], "at most 100,000 are read"),
        (["features", "{}", "-o", "maps.gif"], "maps.gif"),
        (["features", "{}", "-o", "maps.png"], "one layer"),
        (["features", "{}", "-o", "all.npz", "--side", "0"], "An input of 0 px is too small"),
        (["features", "{}", "-o", "all.npz", "--side", "200000"], "31 layers at 200,000 px is too much"),
        (["explain", "{}", "-o", "why.gif"], "why.gif"),
        (["explain", "{}", "-o", "o.png", "--target", "202"], "Class 202 is not among the 202"),
        (["explain", "{}", "-o", "o.png", "--target", "-1"], "Class -1 is not among the 202"),
        (["predict", "{}", "--model", "vgg99"], "vgg99"),
        (["explain", "{}", "-o", "o.png", "--method", "magic"], "magic"),
        (["explain", "{}", "-o", "o.png", "--method", "saliency", "--layer", "conv5_3"], "Saliency looks at"),
        (["predict", "{}", "--device", "abacus"], "abacus"),
        (["explain", "{}", "-o", "/no/such/folder/o.png"], "/no/such/folder/o.png cannot be written"),
        (["predict", __file__], "test_main.py: "),
        (["predict", "{}", "--csv", "/no/such/folder/o.csv"], "/no/such/folder/o.csv cannot be written"),
        (["predict", "{}", "--csv", "o.csv", "--json"], "o.csv"),
        (["predict", "{}", "--top", "0"], "top is 0"),
        (["export", "/no/such/head.safetensors", "-o", "o.zip"], "head.safetensors cannot be read"),
        (["export", "{}", "-o", "o.zip"], "cat.png is no head"),
        (["evaluate", "/no/such/folder", "--head", "{}"], "folder"),
        (["train", "{}", "-o", "h.safetensors"], "no zip file"),
    ],
)
def test_odd_requests_name_the_odd_value(picture, arguments, told):
    with pytest.raises(vl.VisionlabError, match=told):
        run(*(argument.format(picture) for argument in arguments))


def test_a_command_that_is_ended_by_a_signal_leaves_nothing_half_written(tmp_path):
    code = "import os, signal, sys, visionlab.cli.main as main; from visionlab.writing import whole\n"
    code += "def command():\n    with whole(sys.argv[1]) as part:\n        part.write_text('ha')\n"
    code += "        os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
    code += "main.app = command; main.run()"
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "mine.onnx")], timeout=60)
    assert ended.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
