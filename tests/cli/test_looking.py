"""The shell's features and explain."""

import re
from dataclasses import replace

import numpy as np
from cli.shell import run
from PIL import Image as PillowImage
from tiny import tiny_classifier

import visionlab as vl


def test_features_as_a_mosaic_and_as_numbers(picture, tmp_path):
    assert "conv2_1" in run("features", picture, "--layer", "conv2_1", "-o", tmp_path / "maps.png", "--side", 64)
    assert vl.load_image(tmp_path / "maps.png").std() > 0
    assert run("features", picture, "--layer", "conv2_1", "-o", tmp_path / "maps.JPG", "--side", 64, "-q") == ""
    with PillowImage.open(tmp_path / "maps.JPG") as written:
        assert (written.format, written.size[::-1]) == ("JPEG", vl.load_image(tmp_path / "maps.png").shape[:2])
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
    for name, kind in (("why.jpg", "JPEG"), ("WHY.webp", "WEBP"), ("why.png", "PNG")):
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
    from visionlab.network.explain.faithfulness import IN_WORDS, against_chance, faithfulness, random_baseline

    net, image = tiny_classifier(), vl.load_image(picture)
    monkeypatch.setattr(vl, "load_classifier", lambda *_: net)
    out = tmp_path / "why.png"
    told = run("explain", picture, "-o", out, "--method", "layer-cam", "--layer", "relu4_3", "--faithfulness")
    heat = vl.explain(net, image, "layer-cam", layer="relu4_3")
    found, chance = faithfulness(net, image, heat), random_baseline(net, image, heat.target, like=heat)
    for name, verdict in zip(("deletion", "insertion"), against_chance(found, chance), strict=True):
        assert re.search(rf"{name} .*: {IN_WORDS[verdict]}", told)
        areas = re.search(rf"{name} +([\d.]+), by chance ([\d.]+) to ([\d.]+)", told).groups()
        assert areas == tuple(f"{value:.3f}" for value in (getattr(found, name), *getattr(chance, f"likely_{name}")))


def test_the_help_of_explain_lists_the_methods(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert ", ".join(vl.METHODS) in run("explain", "--help")
