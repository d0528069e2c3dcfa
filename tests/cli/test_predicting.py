"""The shell's predict."""

import os
import pty
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from cli.shell import BUILT_IN, as_json, checked, outcome, rows_of, run

import visionlab as vl
from visionlab import cli
from visionlab.imaging.image import encode_png
from visionlab.learning.answers import many
from visionlab.learning.features.embedding import embed
from visionlab.network.running.certainty import in_words
from visionlab.network.zoo.models import TO_NAME


def test_predict_answers_like_the_library(picture):
    rows = as_json("predict", picture, "--top", 3, "--device", "cpu")
    expected = vl.predict(vl.load_classifier("vgg16-tinyimagenet", "cpu"), [vl.load_image(picture)], 3)[0]
    assert [row["label"] for row in rows[str(picture)]] == [answer.label for answer in expected]
    np.testing.assert_allclose([row["probability"] for row in rows[str(picture)]], [a.probability for a in expected])
    told = run("predict", picture)
    assert expected[0].label in told
    assert ("unsure" in told) == (in_words([each.probability for each in expected]) == "unsure")


@pytest.fixture
def pictures(tmp_path):
    """A folder: three pictures in folders named after what is on them, one that is none, and a note."""
    for name, sample in (("cats/1.png", "cat"), ("cats/2.png", "cat"), ("espressos/1.png", "coffee")):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(vl.load_sample(sample)))
    (tmp_path / "pictures" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "pictures" / "notes.txt").write_text("no picture, and not meant to be one")
    return tmp_path / "pictures"


def test_predict_computes_in_the_precision_asked_for(picture, monkeypatch):
    monkeypatch.setattr("visionlab.network.running.precision.half_precision", lambda device: torch.bfloat16)
    full, half = (
        next(iter(as_json("predict", picture, "--precision", precision, "--device", "cpu").values()))
        for precision in ("float32", "bfloat16")
    )
    assert half != full
    expected = {answer["label"]: answer["probability"] for answer in full}
    assert {answer["label"]: answer["probability"] for answer in half} == pytest.approx(expected, abs=0.02)
    with pytest.raises(vl.ParameterError, match="“float8” is no precision"):
        run("predict", picture, "--precision", "float8")


def test_predict_writes_a_folders_answers_as_csv_and_tells_what_it_could_not_read(pictures, picture, tmp_path):
    out = tmp_path / "out.csv"
    result = outcome("predict", pictures, picture, "--csv", out, "--top", 2, *BUILT_IN)
    printed = outcome("predict", pictures, picture, "--csv", "-", "--top", 2, *BUILT_IN)
    assert printed.stdout.splitlines() == out.read_text("utf-8").splitlines()
    assert (printed.exit_code, printed.stderr) == (result.exit_code, result.stderr)
    assert not Path("-").exists()
    assert (result.exit_code, result.stdout) == (1, "")
    told = (
        re.escape(f"{pictures / 'broken.jpg'}: ")
        + rf"(The file is not a picture.*)\n{re.escape(str(pictures / 'notes.txt'))}: \1\n"
        + r"2 of 6 files could not be read\.\n"
    )
    why = re.fullmatch(told, result.stderr)[1]
    broken, note = (row for row in rows_of(out) if row["problem"])
    assert (note["file"], note["problem"]) == (str(pictures / "notes.txt"), why), "one function, one reason"
    assert broken == dict.fromkeys(broken, "") | {"file": str(pictures / "broken.jpg"), "problem": why}
    rows = [row for row in rows_of(out) if not row["problem"]]
    read = [pictures / "cats/1.png", pictures / "cats/2.png", pictures / "espressos/1.png", picture]
    assert [row["file"] for row in rows] == [str(path) for path in read]
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    for row, expected in zip(rows, vl.predict(net, [vl.load_image(path) for path in read], 2), strict=True):
        assert [row["answer_1"], row["answer_2"]] == [answer.label for answer in expected]
        assert float(row["probability_1"]) == pytest.approx(expected[0].probability, abs=1e-5)
    assert not out.with_name("out.csv.part").exists()


def test_of_several_paths_a_folder_without_pictures_is_listed_like_what_cannot_be_read(picture, tmp_path):
    (tmp_path / "birds").mkdir()
    told = f"{tmp_path / 'birds'}: “{tmp_path / 'birds'}” holds no picture; put "
    for command in (("predict",), ("embed", "-o", tmp_path / "out.npz")):
        result = outcome(*command, picture, tmp_path / "birds", *BUILT_IN)
        assert result.exit_code == 1
        assert result.stderr.startswith(told)
        assert result.stderr.endswith("1 of 2 files could not be read.\n")
        assert (picture.name if command == ("predict",) else "1 pictures") in result.stdout
    with pytest.raises(vl.DatasetError, match="holds no picture; put"):
        run("predict", tmp_path / "birds")


def test_an_interrupted_csv_leaves_what_was_there(pictures, tmp_path, monkeypatch):
    out = tmp_path / "out.csv"
    out.write_text("yesterday's")

    def interrupted(net, inputs):
        raise KeyboardInterrupt

    monkeypatch.setattr(many, "answers", interrupted)
    assert outcome("predict", pictures, "--csv", out, "--device", "cpu").exit_code != 0
    assert out.read_text() == "yesterday's"


def test_predict_prints_a_folder_like_its_pictures_one_by_one(pictures):
    (pictures / "broken.jpg").unlink()
    files = sorted(pictures.rglob("*.png"))
    assert run("predict", pictures) == run("predict", *files)
    assert as_json("predict", pictures) == as_json("predict", *files)


def test_predict_lists_and_counts_what_could_not_be_read(pictures):
    for number in range(3):
        (pictures / f"{number}.gif").write_bytes(b"")
    result = outcome("predict", pictures, "--json", *BUILT_IN)
    assert result.exit_code == 1
    assert len(checked(result.stdout, "predict")) == 3
    *lines, count = result.stderr.splitlines()
    assert count == "5 of 8 files could not be read.", "all that were asked for, as the CSV has them"
    names = ("0.gif", "1.gif", "2.gif", "broken.jpg", "notes.txt")
    assert [line.split(": ")[0] for line in lines] == [str(pictures / name) for name in names]


def test_predict_without_a_readable_picture_prints_an_empty_object(pictures):
    result = outcome("predict", pictures / "broken.jpg", pictures / "none.png", "--json")
    assert (result.exit_code, checked(result.stdout, "predict")) == (1, {})


def test_predict_grades_first_words(pictures):
    result = outcome("predict", pictures, "--words", "--top", 5, "--json", "--device", "cpu")
    assert result.exit_code == 1, "one could not be read"
    sheet = checked(result.stdout, "predict", "--words")
    assert (sheet["score"], sheet["of"]) == (3, 3)
    assert [graded["word"] for graded in sheet["graded"]] == ["cat", "cat", "espresso"]
    assert sheet["graded"][0]["accepted"] == ["tabby", "Persian cat", "Egyptian cat"]
    (pictures / "apple.png").write_bytes(encode_png(vl.load_sample("coffee")))
    told = outcome("predict", pictures, "--words", "--top", 5, "--device", "cpu").stdout
    assert "3 of 3 right" in told, "as the page counts"
    assert "The names of 1 picture give no word for the network: they are not counted." in told
    assert (told.count("✓"), told.count("✗")) == (3, 0)
    assert "none of its" in told
    (pictures / "apple.png").rename(pictures / "dog.png")
    told = outcome("predict", pictures, "--words", "--top", 5, "--device", "cpu").stdout
    assert "3 of 4 right" in told
    assert (told.count("✓"), told.count("✗")) == (3, 1)
    assert "not counted" not in told


def test_names_are_printed_as_they_are_and_rule_no_terminal(tmp_path):
    path = tmp_path / "[red]\x1b[31m é.png"
    path.write_bytes(encode_png(vl.load_sample("cat")))
    told = run("predict", path)
    assert "[red]\\x1b[31m é.png" in told
    assert "\x1b" not in told
    path.write_bytes(b"")
    result = outcome("predict", tmp_path, path)
    assert result.stderr.count("[red]\\x1b[31m é.png: The file is empty") == 2


def test_whoever_waits_at_a_terminal_sees_a_progress_bar(pictures, tmp_path, monkeypatch, capsys):
    shown, terminal = pty.openpty()
    seen = []

    def watch() -> None:
        with suppress(OSError):  # Linux's way to say that the other side has gone
            while part := os.read(shown, 4096):
                seen.append(part)

    watching = threading.Thread(target=watch)
    watching.start()
    with os.fdopen(terminal, "w") as stderr, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        with pytest.raises(SystemExit):
            cli.app(["predict", str(pictures), "--csv", str(tmp_path / "out.csv"), *BUILT_IN])
    watching.join(60)
    os.close(shown)
    told = b"".join(seen)
    assert capsys.readouterr().out == ""
    assert b"Looking at the pictures" in told
    assert b"broken.jpg: The file is not a picture" in told
    assert len(rows_of(tmp_path / "out.csv")) == 5


def test_whoever_asks_for_quiet_gets_the_answers_and_what_is_wrong(pictures, picture, monkeypatch):
    monkeypatch.setattr("visionlab.cli.shared.Console.is_terminal", True)
    loud, quiet = (outcome("predict", picture, "--device", "cpu", *option) for option in ([], ["-q"]))
    assert "would do better" in loud.stderr
    assert "Looking at the pictures" in loud.stderr
    assert (quiet.stdout, quiet.stderr) == (loud.stdout, "")
    loud, quiet = (outcome("predict", pictures, *option, "--model", BUILT_IN[1]) for option in ([], ["--quiet"]))
    *reasons, count = quiet.stderr.splitlines()
    assert (len(reasons), count) == (2, "2 of 5 files could not be read.")
    assert all(each in loud.stderr for each in (*reasons, count))


def test_a_head_brings_its_own_network_and_another_one_is_refused(picture, tmp_path):
    width = 512
    weights = np.zeros((2, width), np.float32)
    vl.Head(weights, np.zeros(2, np.float32), ("a", "b"), TO_NAME[-1], "avgpool", "").save(tmp_path / "h.safetensors")
    with pytest.raises(vl.ParameterError, match=f"h.safetensors is a head on {TO_NAME[-1]}, not on vgg16"):
        run("predict", picture, "--head", tmp_path / "h.safetensors", "--model", "vgg16")


# --- features, and many machines --------------------------------------------------------------------------------------


def test_embed_writes_what_heads_are_trained_on(picture, tmp_path):
    (tmp_path / "none.png").write_bytes(b"no picture")
    told = outcome("embed", picture, tmp_path / "none.png", "-o", tmp_path / "out.npz", "--model", BUILT_IN[1])
    assert told.exit_code == 1
    assert "1 of 2 files could not be read." in told.stderr
    found = np.load(tmp_path / "out.npz")
    assert found["files"].tolist() == [str(picture)]
    net = vl.load_classifier(BUILT_IN[1], "cpu")
    np.testing.assert_allclose(found["features"], embed(net, [vl.load_image(picture)]), atol=1e-6)
    (tmp_path / "notes.txt").write_text("of mine")
    for quiet in ([], ["-q"]):
        told = outcome("embed", tmp_path, "-o", tmp_path / "out.npz", "--model", BUILT_IN[1], *quiet)
        assert told.exit_code == 1
        assert "notes.txt: The file is not a picture" in told.stderr
        assert told.stderr.endswith("3 of 4 files could not be read.\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["predict", "{}", "--out", "shards"], "--out shards is for --cluster"),
        (["predict", "{}", "--cluster", "auto", "--json"], "--cluster writes shards"),
        (["predict", "{}", "--cluster", "auto"], "name one with --out"),
        (["predict", "{}", "--cluster", "auto", "--out", "o", "--format", "xls"], "--format xls is not known"),
        (["predict", "{}", "--cluster", "http://lab", "--out", "o"], "“http://lab” is no address of a cluster"),
        (["predict", "{}", "--format", "csv"], "--format csv is for a cluster: name one with --cluster."),
        (["predict", "{}", "--gpus", "1"], r"--gpus 1\.0 is for a cluster"),
        (["embed", "{}", "-o", "f.npz", "--cpus", "2"], r"--cpus 2\.0 is for a cluster"),
        (["train", "{}", "-o", "h.safetensors", "--shards", "features"], "--shards features is for a cluster"),
        (["train", "{}", "-o", "h.safetensors", "--streamed"], "--streamed is for a cluster"),
        (["train", "{}", "-o", "h.safetensors", "--in-memory"], "--in-memory is for a cluster"),
        (
            ["predict", "{}", "--format", "csv", "--device", "cpu", "--cluster", "auto", "-o", "o"],
            "--device cpu is for",
        ),
        (["embed", "{}", "-o", "o", "--device", "cuda", "--cluster", "auto"], "--gpus says what a cluster"),
        (
            ["train", "{}", "-o", "h.safetensors", "--device", "cpu", "--cluster", "auto"],
            "--device cpu is for one machine",
        ),
        (["embed", "{}", "-o", "features.csv"], "“features.csv” should end in .npz"),
        (["cluster", "serve", "--address", "lab"], "“lab” is no address of a cluster"),
        (["train", "{}", "-o", "h.safetensors", "--cluster", "auto", "--kind", "fine-tune"], "--cluster trains linear"),
    ],
)
def test_what_a_cluster_cannot_be_asked_is_told_before_it_is_joined(picture, arguments, told):
    with pytest.raises(vl.VisionlabError, match=told):
        run(*(argument.format(picture) for argument in arguments))
