"""The weight files that come with the project: what their headers say, and what float16 on disk costs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from visionlab.imaging.image import fingerprint, load_image
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.network.files import reading, weights
from visionlab.network.inside.activations import feature_maps
from visionlab.network.running.prediction import predict, probabilities
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS, Model, available
from visionlab.network.zoo.vgg import VGG16_BLOCKS

BUILT_IN, OXFORD = MODELS["vgg16-tinyimagenet"], MODELS["vgg16-oxford"]
PICTURES = 10_000  # on which it was validated, at least
NAMED = ("n01641577_bullfrog", "n01784675_centipede", "n02321529_sea_cucumber", "n02480495_orangutan")
NAMED += ("n02808440_bathtub", "n02917067_bullet_train", "n03706229_magnetic_compass", "n03796401_moving_van")
PHOTOGRAPHS = Path(__file__).parents[4] / "shared" / "data" / "photos"  # beside the project, where there are any


@pytest.fixture(scope="module", params=[BUILT_IN, OXFORD], ids=lambda model: model.name)
def shipped(request):
    """(an entry, the header of the file that the project made for it)."""
    return request.param, header_of(request.param)


def header_of(model: Model) -> dict:
    with safe_open(weights.find(model.files[-1]), "pt") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


@pytest.fixture(scope="module")
def oxford():
    if not weights.is_here(OXFORD.file):
        pytest.skip(f"Oxford's convolutions are not here: python -m visionlab models --get {OXFORD.name} brings them")
    return load_classifier(OXFORD.name, "cpu")


@pytest.mark.parametrize("side", [None, 128, 224])
@pytest.mark.parametrize("name", MODELS)
def test_the_last_layer_is_the_prediction_whatever_the_size_of_the_maps(name, side):
    if name not in available():
        pytest.skip(f"The weights of {name} are not here")
    net = load_classifier(name, "cpu")
    for sample in SAMPLES:
        image = load_sample(sample)
        found = feature_maps(net, image, ["prob"], side)["prob"].values.ravel()
        np.testing.assert_allclose(found, probabilities(net, [image])[0], atol=1e-5)


def test_the_header_and_the_table_agree(shipped):
    model, header = shipped
    assert header["side"] == model.transform.crop, "the input size that was measured to be the best is the one used"
    assert tuple(header["mean"]) == model.transform.mean
    assert tuple(header["std"]) == model.transform.std


@pytest.mark.parametrize("model", [BUILT_IN, OXFORD], ids=lambda model: model.name)
def test_what_the_header_says_is_used(model, request):
    net = request.getfixturevalue("oxford") if model is OXFORD else load_classifier(model.name, "cpu")
    assert list(net.labels) == header_of(model)["labels"]
    assert net.temperature == header_of(model)["temperature"]


def test_classes_have_names_for_people_and_wordnet_ids(shipped):
    _, header = shipped
    assert len(set(header["wnids"])) == len(header["labels"]) == 202
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in header["wnids"])
    assert not any(re.search(r"n\d{8}|_", label) for label in header["labels"])
    assert header["labels"][header["wnids"].index("n02504458")] == "African elephant"


def test_it_was_calibrated_on_pictures_that_it_was_not_measured_on(shipped):
    _, header = shipped
    held_out = header["training"]["figures"]["held_out"]
    assert 0 < held_out["calibration_error"] < 0.03
    assert held_out["top1"] > 0.47


def test_float16_on_disk_moves_no_answer():
    """Against the answers that the network gave before it was rounded, which its training wrote beside the file."""
    with np.load(weights.find(BUILT_IN.file).with_suffix(".unrounded.npz")) as file:
        unrounded = dict(zip(file["fingerprints"], file["probabilities"], strict=True))
    images = [load_sample(name) for name in SAMPLES]
    if PHOTOGRAPHS.is_dir():
        images += [load_image(file) for file in sorted(PHOTOGRAPHS.iterdir())]
        assert len(images) == len(unrounded)
    # Pictures with a colour profile have other pixels since profiles are honoured.
    images = [image for image in images if fingerprint(image) in unrounded]
    assert len(images) >= 3
    ours = probabilities(load_classifier(BUILT_IN.name, "cpu"), images)
    before = np.stack([unrounded[fingerprint(image)] for image in images])
    np.testing.assert_array_equal(ours.argmax(1), before.argmax(1))
    changes = np.abs(ours - before)
    assert 0 < changes.max() < 0.005, "they were rounded, and by no more than float16 does"
    assert changes.max(1).mean() < 0.001


def test_what_float16_changed_on_the_validation_pictures(shipped):
    _, header = shipped
    rounding = header["training"]["figures"]["rounding"]
    assert rounding["pictures"] >= PICTURES
    assert rounding["largest_change"] < 0.005
    assert rounding["top1_moved"] / rounding["pictures"] < 0.002


def test_oxfords_head_is_small_and_in_half_precision():
    path = weights.find(OXFORD.head)
    assert path.stat().st_size <= 3 * 2**20
    with safe_open(path, "pt") as file:
        names = file.keys()
        assert all(name.startswith("classifier.") for name in names), "the convolutions are not ours"
        assert {file.get_tensor(name).dtype for name in names} == {torch.float16}


def test_oxfords_network_is_the_papers_with_a_head_of_ours(oxford):
    names = [layer.name for layer in oxford.layers]
    assert names[:3] == ["conv1_1", "relu1_1", "conv1_2"]
    assert names[-9:] == ["relu5_3", "pool5", "avgpool", "fc6", "relu6", "fc7", "relu7", "fc8", "prob"]
    assert [layer.shape[0] for layer in oxford.layers if layer.kind == "conv"] == [w for b in VGG16_BLOCKS for w in b]
    assert oxford.layer("avgpool").shape == (512, 1, 1)
    published, _ = reading.read(weights.find(OXFORD.file))
    mine = oxford.module.state_dict()
    assert all(torch.equal(mine[name], published[name]) for name in published), "as published, to the last bit"
    assert len(oxford.comparisons) == 2
    oxford.check(wait=True)


@pytest.mark.parametrize("photo", NAMED)
def test_oxfords_network_names_photographs(oxford, photo):
    if not (PHOTOGRAPHS / f"{photo}.jpg").is_file():
        pytest.skip(f"there are no photographs at {PHOTOGRAPHS}")
    answer = predict(oxford, [load_image(PHOTOGRAPHS / f"{photo}.jpg")])[0][0]
    assert answer.label == photo.partition("_")[2].replace("_", " ")
    assert answer.probability > 0.8
