"""The shell's “scratch”, as a person types it."""

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from cli import shell

from visionlab.errors import ModelError, ParameterError
from visionlab.imaging.image import encode_png
from visionlab.learning.judging.metrics import wilson
from visionlab.learning.scratch import (
    CONVOLUTIONAL,
    SmallSet,
    closing,
    data,
    load,
    moving_eight,
    shapes,
    training,
    with_classes,
)

run, as_json = partial(shell.run, "scratch"), partial(shell.as_json, "scratch")


def test_the_help_names_every_set_that_can_be_named(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert ", ".join(data.known_by_name()) in run("softmax", "--help")
    assert set(data.SOURCES) - set(data.known_by_name()) == {"pictures"}
    assert ", ".join(data.to_download()) in run("download", "--help")


def test_softmax_in_a_table_and_in_json():
    found = as_json("softmax", "--data", "digits", "--steps", 150)
    assert found["parameters"] == 650
    assert [look["step"] for look in found["looks"]] == [100, 150]
    assert found["looks"][-1]["test_accuracy"] > 0.7
    rests_on(found, found["looks"][-1]["test_accuracy"], load("digits"))
    told = run("softmax", "--steps", 150, "--settings", "article")
    assert "150" in told
    assert "of 299 test pictures (95% interval" in told
    assert "always the most frequent class: 1" in told


def rests_on(found: dict, accuracy: float, data: SmallSet) -> None:
    count = len(data.test_labels)
    assert found["tested"] == count
    assert found["interval"] == list(wilson(round(accuracy * count), count))
    assert found["majority"] == np.bincount(data.test_labels).max() / count


def test_everything_is_a_number():
    picture = load("digits").picture("8", 2)
    assert as_json("numbers", "--label", 8, "--number", 2) == picture.tolist()
    lines = run("numbers", "--label", 8, "--number", 2).splitlines()
    assert [list(map(int, line.split())) for line in lines[1:]] == picture[..., 0].tolist()


def test_what_layers_cost():
    found = as_json("cost", "--width", 320, "--height", 200, "--units", 10)
    assert found["fully connected"]["parameters"] == 320 * 200 * 3 * 10 + 10
    assert found["convolutional"]["multiplications"] == 320 * 200 * 3 * 3 * 3 * 32
    table = run("cost")
    assert all(figure in table for figure in ("196,608,000", "1,572,864,000", "56,623,104"))


def test_convnet_takes_a_stack_from_a_file(tmp_path):
    file = tmp_path / "stack.json"
    file.write_text(json.dumps([{"kind": "conv", "out": 4, "size": 3}, {"kind": "dense", "out": 99}]))
    impossible = tmp_path / "impossible.json"
    impossible.write_text(json.dumps([{"kind": "pool", "size": 16}] * 2 + [{"kind": "dense", "out": 99}]))
    with pytest.raises(ParameterError, match=r"2×2 before “pool 2”, which needs 16×16 .*: take out a pool before it"):
        run("convnet", "--data", "textures", "--stack", impossible)
    arguments = ("convnet", "--data", "textures", "--pictures", 60, "--epochs", 1, "--stack", file)
    found = as_json(*arguments)
    assert found["parameters"] == (9 * 4 + 4) + (32 * 32 * 4 * 3 + 3)
    assert [epoch["index"] for epoch in found["epochs"]] == [1]
    rests_on(found, found["epochs"][-1]["test_accuracy"], load("textures").less(60))
    table = run(*arguments)
    assert "test pictures (95% interval" in table
    assert "always the most frequent class: 33.3%" in table
    assert "conv 1" in table
    assert "32×32×4" in table


def test_birds_says_what_always_no_would_be_worth():
    arguments = ("birds", "--data", "textures", "--target", "grass", "--pictures", 60, "--epochs", 1)
    found = as_json(*arguments)
    assert found["majority"] == found["always_no"] == pytest.approx(2 / 3)
    assert "66.7%" in run(*arguments)
    nothing = (*arguments, "--threshold", 1)
    assert as_json(*nothing)["precision"] is None
    assert "no test picture reaches the threshold of 1" in run(*nothing)


def test_there_is_no_recall_where_no_test_picture_is_one(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("train/bird", "train/cat", "test/cat"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(4):
            picture = encode_png(rng.integers(0, 256, (8, 8, 3), np.uint8))
            (tmp_path / folder / f"{number}.png").write_bytes(picture)
    arguments = ("birds", "--data", tmp_path, "--epochs", 1, "--threshold", 0)
    assert as_json(*arguments)["recall"] is None
    assert "precision 0.0%, recall not to be had" in run(*arguments)


def test_the_8_that_moves_in_a_table_and_in_json(monkeypatch):
    short = {name: replace(kind, epochs=1) for name, kind in moving_eight.LEARNERS.items()}
    monkeypatch.setattr(moving_eight, "LEARNERS", short)
    monkeypatch.setattr(moving_eight, "OF_EACH", 100)
    found = as_json("moving-eight")
    assert list(found) == list(short)
    assert all(curve["shift"] == [0, 1, 3, 4] and len(curve["accuracy"]) == 4 for curve in found.values())
    for curve in found.values():
        for share, interval in zip(curve["accuracy"], curve["interval"], strict=True):
            assert tuple(interval) == wilson(share * curve["tested"], curve["tested"])
    told = run("moving-eight", "--target", "3")
    assert "4 px" in told
    assert re.search(r"Each figure rests on the same \d+ test pictures\.", told)


def test_of_pictures_in_colours_the_8_tells_what_it_takes(tmp_path, monkeypatch):
    short = {name: replace(kind, epochs=1) for name, kind in moving_eight.LEARNERS.items()}
    monkeypatch.setattr(moving_eight, "LEARNERS", short)
    monkeypatch.setattr(moving_eight, "OF_EACH", 20)
    rng = np.random.default_rng(0)
    for folder in ("7", "8"):
        (tmp_path / folder).mkdir()
        for number in range(8):
            (tmp_path / folder / f"{number}.png").write_bytes(encode_png(rng.integers(0, 256, (8, 12, 3), np.uint8)))
    told = "Of each picture the square in the middle is taken, without colours."
    assert told in run("moving-eight", "--data", tmp_path)
    assert told not in run("moving-eight", "--data", tmp_path, "-q")
    assert as_json("moving-eight", "--data", tmp_path)["centred"]["tested"] == 2


def test_the_closing_table_with_the_built_in_network():
    arguments = ("--data", "textures", "--pictures", 60, "--epochs", 1, "--of-each", 4, "--tested", 20)
    found = as_json("closing", *arguments)
    rows = found["ways"]
    assert [row["name"] for row in rows] == list(found["seconds"]) == list(closing.WAYS)
    assert [row["pictures"] for row in rows] == [60, 60, 60, 12]
    assert all(row["interval"][0] <= row["accuracy"] <= row["interval"][1] for row in rows)
    assert len(found["truth"]) == 8
    assert all(len(row["answers"]) == 8 and {*row["answers"]} <= {"brick", "grass", "gravel"} for row in rows)
    table = run("closing", *arguments)
    assert table.index("Always") < table.index("Softmax")
    assert "Transfer" in table
    assert "the same test pictures" in table


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("softmax", "--settings", "best"), "no settings “best”. There are article, better"),
        (("softmax", "--rate", 1e35), r"Try a rate of 0\.001\."),
        (("convnet", "--data", "digits", "--stack", "S3"), "“S3” is no stack"),
        (("numbers", "--number", 9999), "There is no training picture 9999 of “0”"),
        (("numbers", "--label", "q"), "There is no class “q”. There are 0, 1"),
        (("moving-eight", "--target", "x"), "There is no class “x”"),
        (("moving-eight", "--names-in", "cp852"), "“digits” is no zip, whose names could be in cp852"),
        (("closing", "--data", "digits", "--names-in", "cp852"), "“digits” is no zip, whose names could be in cp852"),
        (("birds", "--data", "digits", "--target", "x"), "There is no class “x”"),
        (("numbers", "--side", 0), "--side is 0; it must be 1 to 512"),
        (("convnet", "--data", "faces", "--stack", "linear", "--rate", 1e6), "over 1,000 times that of guessing"),
        (("softmax", "--seed", -1), "--seed is -1; it must be 0 or more"),
        (("moving-eight", "--seed", -1), "--seed is -1"),
        (("cost", "--height", 0), "--height is 0; it must be 1 or more"),
        (("cost", "--kernel", 300), "300 × 300 is larger than a picture of 256 × 256 px; use one of 1 to 256"),
        (("birds", "--threshold", 2), "--threshold is 2.0; it must be 0 to 1"),
        (("softmax", "--rate", "nan"), "--rate is nan; it must be above 0"),
        (("convnet", "--data", "faces", "--stack", "linear", "--rate", 1e38, "--epochs", 3), "loss became infinite"),
        (("download", "digits"), "There are mnist, cifar10"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(arguments, says):
    with pytest.raises(ParameterError, match=says):
        run(*arguments)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_was_learned_before_the_loss_ran_away_is_told(monkeypatch, form):
    monkeypatch.setattr(training.Training, "_ran_away", lambda self, _: len(self.history) == 1)
    settings = ("--data", "textures", "--pictures", 60, "--stack", "linear", *form)
    result = shell.outcome("scratch", "convnet", *settings)
    assert "in epoch 2" in str(result.exception)
    if form:
        assert not result.stdout, "half a result would pass for a whole one"
    else:
        assert re.search(r"│ 1 .*%", result.stdout)


def test_a_rate_that_is_too_high_leaves_nothing_on_stdout_that_reads_as_json():
    result = shell.outcome("scratch", "softmax", "--rate", 1e35, "--json")
    assert isinstance(result.exception, ParameterError)
    assert not result.stdout


def test_ready_made_pictures_come_at_the_side_that_is_asked_for():
    assert np.shape(as_json("numbers", "--side", 12)) == (12, 12, 1)
    assert np.shape(as_json("numbers", "--data", "faces", "--side", 10)) == (10, 10, 1)
    assert as_json("softmax", "--side", 4, "--steps", 1)["parameters"] == 10 * (16 + 1)


def test_small_pictures_are_drawn_larger_for_the_article_s_network():
    arguments = ("convnet", "--data", "digits", "--pictures", 40, "--epochs", 1)
    found = as_json(*arguments)
    assert found["parameters"] == sum(
        layer.parameters for layer in shapes(with_classes(CONVOLUTIONAL, 10), (16, 16, 1))
    )
    assert "each is drawn at 16 × 16 px" in run(*arguments)
    linear = as_json(*arguments, "--stack", "linear")
    assert linear["parameters"] == 10 * (16 * 16 + 1), "other stacks get the same pictures, as on the page"


def test_download_tells_where_it_is_found(monkeypatch):
    monkeypatch.setattr(data, "download", lambda name: iter([(1, 2), (2, 2)]))
    assert "--data mnist" in run("download", "mnist")


def test_pictures_that_are_left_out_are_counted_and_listed_and_the_status_says_so(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(4):
            picture = encode_png(rng.integers(0, 256, (8, 8, 3), np.uint8))
            (tmp_path / name / f"{number}.png").write_bytes(picture)
    arguments = ("softmax", "--data", tmp_path, "--steps", 1, "--json")
    assert shell.outcome("scratch", *arguments).exit_code == 0
    (tmp_path / "cat" / "cut.png").write_bytes(picture[:60])
    (tmp_path / "notes.txt").write_text("")
    came = shell.outcome("scratch", *arguments)
    shell.checked(came.stdout, "scratch", *arguments)
    assert came.exit_code == 1
    assert "1 file could not be read:\n“cat/cut.png” cannot be read: " in came.stderr
    assert "notes.txt" in came.stderr
    quiet = shell.outcome("scratch", *arguments, "--quiet")
    assert (quiet.exit_code, "notes.txt" in quiet.stderr, "cut.png" in quiet.stderr) == (1, False, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("softmax", "--settings", "best"),
        ("softmax", "--steps", 0),
        ("convnet", "--stack", "S3"),
        ("convnet", "--epochs", 0),
        ("convnet", "--rate", 0),
        ("birds", "--pictures", 0),
        ("moving-eight", "--device", "abacus"),
        ("closing", "--model", "vgg99"),
        ("closing", "--of-each", 0),
    ],
)
def test_what_cannot_be_is_refused_before_the_pictures_are_read(monkeypatch, arguments):
    def read(*_, **__):
        raise AssertionError("the pictures were read")

    monkeypatch.setattr(data, "load", read)
    with pytest.raises((ParameterError, ModelError)):
        run(*arguments)
