"""All commands: their help, what they say of what is odd, and how they end."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli.shell import BUILT_IN, SCHEMAS, outcome, run
from jsonschema import Draft202012Validator

import visionlab as vl
from visionlab import cli
from visionlab.cli.cluster import sharded
from visionlab.cli.shared import EXIT_STATUS
from visionlab.shortage import NO_MEMORY

COMMANDS = typer.main.get_command(cli.app).commands
GROUPS = ("scratch", "cluster")
EVERY = COMMANDS | {f"{group} {name}": each for group in GROUPS for name, each in COMMANDS[group].commands.items()}


@pytest.mark.parametrize("command", EVERY)
def test_every_command_explains_itself(command):
    told = " ".join(run(*command.split(), "--help").split())
    assert re.search(rf"Usage: .*\b{command}\b", told)
    assert EVERY[command].help
    assert told.endswith(EXIT_STATUS)
    assert command in GROUPS or "--quiet" in told


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


def test_the_shell_as_a_whole_explains_itself():
    assert " ".join(run("--help").split()).endswith(EXIT_STATUS)
    assert run("--version") == f"visionlab {vl.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["predict", "{}/none.jpg", *BUILT_IN], 1, "none.jpg"),
        (["predict", "{}/none.jpg", *BUILT_IN, "--top", "0"], 2, "top is 0"),
        (["filter", "{}/none.jpg", "{}/out.png", "blurr"], 2, "blurr"),
        (["filter", "{}/none.jpg", "{}/out.png", "invert"], 1, "none.jpg"),
        (["predict", "{}/none.jpg", "--model", "vgg99"], 2, "vgg99"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence_on_stderr(tmp_path, arguments, status, told):
    command = [sys.executable, "-m", "visionlab", *(argument.format(tmp_path) for argument in arguments)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (status, "", 1)
    assert told in result.stderr


def test_what_is_no_option_is_told_with_the_usage():
    assert outcome("predict", "--magic").exit_code == 2


def test_a_shell_completes_commands():
    asked = {"_VISIONLAB_COMPLETE": "complete_bash", "COMP_WORDS": "visionlab pre", "COMP_CWORD": "1"}
    code = "import sys; sys.argv[0] = 'visionlab'; from visionlab.cli import run; run()"
    told = subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True)
    assert told.stdout == "predict\n"


def test_each_json_has_a_schema():
    with_json = {name for name, command in EVERY.items() if "as_json" in {each.name for each in command.params}}
    told = {name.replace(" ", "-") for name in with_json}
    assert told | {"predict-words"} == set(SCHEMAS)
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
        assert schema["description"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["filter", "{}", "out.png", "blurr"], "blurr"),
        (["filter", "{}", "out.png", "canny:low"], "“low” in “canny:low”"),
        (["filter", "{}", "out.png"], "No filter was given"),
        (["filter", "{}", "out.png", "--chain", "/no/such/chain.json"], "chain.json cannot be read"),
        (["filter", "{}", "out.png", "--chain", "{}"], "at most 100,000 are read"),
        (["features", "{}", "-o", "maps.gif"], "maps.gif"),
        (["filter", "{}", "out.gif", "invert"], "“out.gif” should end in .jpg, .jpeg, .png, .webp, .tif, .tiff"),
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
        (["predict", "{}", "--csv", "p.txt"], "“p.txt” should end in .csv"),
        (["evaluate", "{}", "--csv", "-"], "“-” should end in .csv"),
        (["evaluate", "{}", "--csv", "p.txt"], "“p.txt” should end in .csv"),
        (["features", "{}", "-o", "-"], "“-” should end in .jpg"),
        (["explain", "{}", "-o", "-"], "“-” should end in .jpg"),
        (["embed", "{}", "-o", "-"], "“-” should end in .npz"),
        (["train", "{}", "-o", "-"], "“-” should end in .safetensors"),
        (["export", "{}", "-o", "-"], "“-” should end in .zip"),
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


@pytest.mark.parametrize(
    ("printing", "status"),
    [
        ("print('a line of json', flush=True)", 0),
        ("sys.stdout.write('a' * 100_000)", 0),
        ("typer.echo('a row')", 0),
        ("console.print('a table')", 0),
        ("Path('/dev/stdout').open('a').write('a line')", 0),
        ("print('a line', flush=True); raise typer.Exit(1)", 0),
        ("print('one line')", 0),  # it is printed at the end, after the reader has gone
        ("print('one line'); raise typer.Exit(1)", 1),
        ("print('one line'); raise ParameterError('No.')", 2),
        ("write(Path('/dev/stdout'), b'a' * 100_000)", 0),
        ("raise BrokenPipeError(errno.EPIPE, 'of a network')", 1),
    ],
)
def test_a_reader_that_has_gone_is_no_failure(printing, status):
    """Rich and Typer made it a 1, whatever was printed."""
    code = "import errno, sys, typer, visionlab.cli.main as main; from pathlib import Path\n"
    code += "from visionlab.cli.shared import add, console, write; from visionlab.errors import ParameterError\n"
    code += f"def command():\n    sys.stdin.read()\n    {printing.replace('; ', chr(10) + '    ')}\n"
    code += "main.app = typer.Typer()\nadd(main.app, command)\nmain.run()"
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ended = subprocess.Popen([sys.executable, "-c", code], **pipes, env=env, text=True)
    if "of a network" not in printing:
        ended.stdout.close()
    ended.stdin.close()
    told = ended.stderr.read()
    assert ended.wait(60) == status
    assert told == ("No.\n" if "No." in printing else "")


def test_what_the_machine_lacks_is_a_sentence(monkeypatch, capsys):
    def large():
        raise MemoryError("640 GiB")

    monkeypatch.setattr("visionlab.cli.main.app", large)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        sys.modules["visionlab.cli.main"].run()
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"{NO_MEMORY}\n"


def test_shards_are_not_printed():
    with pytest.raises(vl.ParameterError, match="which “-” does not name"):
        sharded("auto", None, [], {}, Path("-"), ".csv", (1.0, 0.0))
