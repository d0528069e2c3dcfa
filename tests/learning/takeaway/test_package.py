"""What is taken away works elsewhere: predict.py in a process of its own, and the zip opened again."""

import ast
import io
import json
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from cli.shell import outcome, run
from kinds import every_kind
from PIL import Image
from tiny import tiny_classifier

import visionlab as vl
from visionlab.errors import DatasetError, HeadError, ImageError, ModelError, ParameterError
from visionlab.imaging.image import GOOD_FORMATS, encode_png
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.training import fit
from visionlab.learning.judging.metrics import evaluate
from visionlab.learning.judging.refusal import Refusal
from visionlab.learning.sets.ready_made import textures
from visionlab.learning.takeaway import package
from visionlab.learning.takeaway.export import Parity
from visionlab.learning.takeaway.model_card import model_card
from visionlab.learning.takeaway.package import incoming_zip, open_head, open_package, pack
from visionlab.wording import MISTAKES, percent

CLASSES = ("cats", "dogs/wolves", "é|*")


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(sum(size)).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pictures of the kinds that people have, each with what decoding makes of it."""
    folder = tmp_path_factory.mktemp("photos")
    rgb = Image.fromarray(noise(60, 90))
    turned = Image.Exif()
    turned[0x0112] = 6  # a telephone held upright
    alpha = Image.fromarray(np.dstack([noise(50, 50), noise(50, 50)[..., :1]]), "RGBA")
    deep = Image.fromarray(np.random.default_rng(2).integers(0, 65536, (40, 60), dtype=np.uint16))
    rgb.save(folder / "turned.jpg", exif=turned)
    rgb.convert("L").save(folder / "grey.png")
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    alpha.save(folder / "alpha.png")
    alpha.convert("LA").save(folder / "grey alpha.webp")
    deep.save(folder / "sixteen.png")
    rgb.convert("P").save(folder / "palette.gif", transparency=3)
    Image.fromarray(noise(1, 1)).save(folder / "one pixel.png")
    Image.fromarray(noise(3, 700)).save(folder / "strip.bmp")
    for name, data in every_kind().items():
        (folder / f"kind {name}").write_bytes(data)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def head(photos) -> Head:
    """On the tiny network; its threshold lies amid the distances of the photos, so that some are refused."""
    rng = np.random.default_rng(4)
    net = tiny_classifier()
    plain = Head(
        rng.normal(size=(3, 14)).astype(np.float32),
        np.zeros(3, np.float32),
        CLASSES,
        "tiny",
        "relu7",
        network_fingerprint(net),
        facts={"seed": 3, "pictures": {"cats": 5, "dogs/wolves": 4, "é|*": 6}, "validation_accuracy": 0.75},
        temperature=3.0,
    )
    features = embed(net, [vl.load_image(path) for path in photos])
    refusal = Refusal(np.eye(2, 5), np.eye(5, 14), np.zeros(14), 0.0)
    distances = np.sort(refusal.distances(features))
    held_out = distances[::7][:10]  # as if they had been held out
    return replace(plain, refusal=replace(refusal, threshold=float(held_out[-2:].mean()), held_out=held_out))


@pytest.fixture(scope="module")
def labelled() -> bytes:
    """A zip of labelled pictures."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for width, name in enumerate(("cats/1.png", "dogs/1.png", "dogs/2.png"), 9):
            zipped.writestr(name, encode_png(noise(8, width)))
    return out.getvalue()


@pytest.fixture(scope="module")
def packed(head, photos, labelled, tmp_path_factory):
    """(the zip, what packing said on the way)."""
    out = tmp_path_factory.mktemp("packed") / "mine.zip"
    report = evaluate([0, 0, 1, 1, 2], [0, 1, 1, 1, 2], CLASSES)
    images = [vl.load_image(path) for path in photos]
    return out, list(pack(head, tiny_classifier(), out, images, report=report, pictures=io.BytesIO(labelled)))


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(packed[0]) as zipped:
        zipped.extractall(folder)
    return folder


def test_predict_py_answers_like_the_library(unpacked, photos, head):
    command = [sys.executable, "-I", unpacked / "predict.py", *photos]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout.splitlines()
    net = head.as_classifier(tiny_classifier())
    distances = head.refusal.distances(embed(tiny_classifier(), [vl.load_image(path) for path in photos]))
    refused = 0
    for line, path, distance in zip(told, photos, distances, strict=True):
        name, _, rest = line.partition(": ")
        assert name == str(path)
        if distance > head.refusal.threshold:
            refused += 1
            said, _, rest = rest.partition("; otherwise ")
            measured, limit = re.search(r"none of these \(distance (.*), the limit is ([^;)]*)", said).groups()
            assert float(measured) == pytest.approx(distance, rel=1e-3)
            assert float(limit) == pytest.approx(head.refusal.threshold, rel=1e-3)
            assert said.endswith("; it refuses about 18% of good pictures by mistake)")
        found = dict(re.fullmatch(r"(.*) ([\d.]+)", part).groups() for part in rest.split(", "))
        (expected,) = vl.predict(net, [vl.load_image(path)])
        assert {*found} == {answer.label for answer in expected}, path.name
        for answer in expected:
            assert float(found[answer.label]) == pytest.approx(answer.probability, abs=1e-4), path.name
    assert 0 < refused < len(photos)


@pytest.mark.parametrize("share", ["0.5", "0.3", "0.01"])
def test_predict_py_refuses_the_share_that_is_asked_for_as_the_shell_does(unpacked, photos, head, share):
    told = asked(unpacked, "--refuse", share, *photos)
    by = head.refusing(float(share)).refusal
    short = by.short_of(float(share))
    assert told.stderr == (f"--refuse is {float(share):g}; {short}.\n" if short else "")
    distances = by.distances(embed(tiny_classifier(), [vl.load_image(path) for path in photos]))
    expected = [f"refuses about {percent(by.share)} of good" if far > by.threshold else "" for far in distances]
    for line, refused in zip(told.stdout.splitlines(), expected, strict=True):
        assert ("none of these" in line) == bool(refused)
        assert refused in line
    assert share == "0.01" or 0 < sum(map(bool, expected)) < len(photos)


def test_predict_py_groups_what_a_refusal_was_set_by_as_the_library_does(head, photos, tmp_path):
    groups = np.arange(len(head.refusal.held_out)) // 3
    head = replace(head, refusal=replace(head.refusal, groups=groups))
    for _ in pack(head, tiny_classifier(), tmp_path / "few.zip", [vl.load_image(photos[0])]):
        pass
    with zipfile.ZipFile(tmp_path / "few.zip") as zipped:
        zipped.extractall(tmp_path)
    told, by = asked(tmp_path, "--refuse", "0.4", *photos).stdout, head.refusing(0.4).refusal
    assert f"the limit is {by.threshold:.4g}; it refuses about {percent(by.share)} of good pictures" in told


@pytest.mark.parametrize("refusing", ["no", "of unknown share"])
def test_predict_py_answers_for_a_head_that_does_not_refuse_or_not_by_a_known_share(head, photos, tmp_path, refusing):
    """As those of few pictures, of which none or too few were held out."""
    refusal = None if refusing == "no" else replace(head.refusal, held_out=np.zeros(0, np.float32))
    head = replace(head, refusal=refusal)
    for _ in pack(head, tiny_classifier(), tmp_path / "few.zip", [vl.load_image(photos[0])]):
        pass
    with zipfile.ZipFile(tmp_path / "few.zip") as zipped:
        zipped.extractall(tmp_path / "few")
    told = asked(tmp_path / "few", "--refuse", "0.1", photos[0])
    why = "refuses nothing, so that --refuse 0.1 changes" if refusing == "no" else "does not say by which pictures its"
    assert (told.returncode, told.stdout, why in " ".join(told.stderr.split())) == (2, "", True)
    command = [sys.executable, "-I", tmp_path / "few" / "predict.py", *photos]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    net = head.as_classifier(tiny_classifier())
    for line, path in zip(told, photos, strict=True):
        best = vl.predict(net, [vl.load_image(path)])[0][0]
        [probability] = re.findall(rf"{re.escape(best.label)} ([\d.]+)", line)
        assert float(probability) == pytest.approx(best.probability, abs=1e-4)
        assert refusing != "no" or "none of these" not in line


def test_predict_py_is_short_and_needs_five_packages(unpacked):
    source = (unpacked / "predict.py").read_text()
    required = {line.split(">")[0] for line in (unpacked / "requirements.txt").read_text().splitlines()}
    imported = set()
    for path in unpacked.glob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert required == {"onnxruntime", "numpy", "pillow", "opencv-python-headless", "pi-heif"}
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {
        "onnxruntime",
        "numpy",
        "PIL",
        "cv2",
        "pi_heif",
    }
    assert len(source.splitlines()) <= 105


def asked(unpacked, *arguments):
    return subprocess.run([sys.executable, "-I", unpacked / "predict.py", *arguments], capture_output=True, text=True)


def test_predict_py_explains_itself(unpacked, photos):
    told = asked(unpacked, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    words = " ".join(told.stdout.split())
    for part in (
        "PICTURE [PICTURE ...]",
        f"{GOOD_FORMATS}, of at most 20 MB and 40 megapixels; or a folder: the pictures in it and in the folders in it",
        f"--refuse SHARE {MISTAKES}: a share, of which 0.05 is 5 in 100. Without, as the head was set.",
        "--top N how many classes, 1 or more; 5 unless told",
        "0 to 1 (those of all classes add up to 1)",
        "a number without a unit",
        "exit status: 0 where each picture was answered; 1 where one could not be read",
        "a folder's other files, which it tells of, too, leave it at 0",
        "2 where it was asked for in a way that cannot be",
        "python -m pip install -r requirements.txt",
    ):
        assert part in words, part
    assert asked(unpacked, "--top", "1", photos[0]).stdout.count(", ") == photos[0].name.count(", ")
    for wrong, why in (
        ((), "required: PICTURE"),
        (("--top", "0", photos[0]), "--top is 0; it must be 1 or more"),
        (("--refuse", "5", photos[0]), "--refuse is 5.0; it must be above 0 and below 1."),
        (("--refuse", "nan", photos[0]), "--refuse is nan; it must be above 0 and below 1."),
    ):
        told = asked(unpacked, *wrong)
        assert (told.returncode, told.stdout, why in told.stderr) == (2, "", True)


STRANGERS = {
    "none.jpg": None,
    "folder": "",
    "notes.txt": b"no picture",
    "page.png": b"<!doctype html>",
    "empty.png": b"",
    "scan.jp2": b"\x00\x00\x00\x0cjP  \r\n",
    "raw.cr3": b"\x00\x00\x00\x18ftypcrx ",
    "set.zip": b"PK\x03\x04",
    "cut.png": encode_png(noise(30, 40))[:200],
    "cut.jpg": b"\xff\xd8\xff cut off",
    "broken.tif": b"II*\0\xff\xff\xff\x7f",
    "large.png": bytes(21 * 2**20),
    "telephone.heic": b"\0\0\0\x18ftypheic",
}


def test_predict_py_says_of_what_it_does_not_read_what_the_library_says(unpacked, tmp_path, photos):
    files = [tmp_path / name for name in STRANGERS]
    for file, data in zip(files, STRANGERS.values(), strict=True):
        if data == "":
            file.mkdir()
        elif data is not None:
            file.write_bytes(data)
    told = asked(unpacked, *files, photos[0])
    expected = []
    for file in files:
        with pytest.raises(ImageError) as caught:
            vl.load_image(file)
        empty = f"“{file}” holds no picture; put {GOOD_FORMATS} files into it."
        expected.append(f"{file}: {empty if file.is_dir() else caught.value}")
    assert told.stderr.splitlines() == [*expected, f"{len(files)} of {len(files) + 1} files could not be read."]
    assert (told.returncode, told.stdout.startswith(f"{photos[0]}: ")) == (1, True)


@pytest.fixture
def folder(tmp_path, photos):
    """Pictures, and all else that lies in folders."""
    files = {"b.png": encode_png(noise(9, 8)), "a/2.JPG": photos[-1].read_bytes(), "a/10": encode_png(noise(7, 8))}
    files |= {"a/deep/x.webp": b"", "a/notes.txt": b"no picture", "z/scan.jp2": STRANGERS["scan.jp2"]}
    files |= {".hidden/1.png": b"", "Thumbs.db": b"", "misnamed.doc": encode_png(noise(6, 5))}
    for name, data in files.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "folder" / "again").symlink_to(tmp_path / "folder")
    (tmp_path / "empty").mkdir()
    return tmp_path / "folder"


@pytest.mark.parametrize("beside", [[], ["empty"], ["empty", "none.jpg"]])
def test_predict_py_takes_folders_as_the_shell_does(unpacked, folder, beside, monkeypatch):
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr("visionlab.cli.predicting.network", lambda *_, **__: tiny_classifier())
    shell, told = outcome("predict", "folder", *beside, "--json"), asked(unpacked, "folder", *beside)
    assert told.stderr == shell.stderr
    assert told.stderr.count("\n") == len(beside) + 5
    answered = [line.partition(": ")[0] for line in told.stdout.splitlines()]
    assert answered == ["folder/a/10", "folder/a/2.JPG", "folder/b.png"] == [*json.loads(shell.stdout)]
    assert told.returncode == shell.exit_code == 1


@pytest.mark.parametrize("door", ["shell", "predict.py"])
def test_a_folder_without_pictures_is_told_in_a_sentence(unpacked, tmp_path, door):
    (tmp_path / "notes.txt").write_text("no picture")
    expected = f"“{tmp_path}” holds no picture; put {GOOD_FORMATS} files into it."
    if door == "shell":
        with pytest.raises(DatasetError, match=f"^{re.escape(expected)}$"):
            run("predict", tmp_path)
    else:
        told = asked(unpacked, tmp_path)
        assert (told.returncode, told.stdout, told.stderr) == (1, "", f"{expected}\n")


def test_predict_py_passes_over_what_it_cannot_read_and_says_so(unpacked, photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff cut off")
    command = [sys.executable, unpacked / "predict.py", broken, photos[0]]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "broken.jpg: The file begins like a picture but is damaged or cut off." in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout.startswith(f"{photos[0]}: ")


def test_predict_py_refuses_what_is_too_large_in_the_words_of_the_app(unpacked, tmp_path):
    huge = tmp_path / "huge.png"
    Image.new("1", (12_000, 9_000)).save(huge)
    result = subprocess.run([sys.executable, unpacked / "predict.py", huge], capture_output=True, text=True)
    with pytest.raises(ImageError) as caught:
        vl.load_image(huge)
    assert (result.returncode, result.stderr) == (1, f"{huge}: {caught.value}\n")
    assert "12,000 × 9,000 pixels; at most 40 megapixels are read" in result.stderr


def test_packing_tells_how_far_it_is_and_how_the_comparison_went(packed, photos):
    out, steps = packed
    doing = list(dict.fromkeys(step.doing for step in steps))
    assert doing == ["Exporting the network", "Comparing it with the original", "Packing"]
    compared = [step for step in steps if step.doing == doing[1]]
    assert [(step.done, step.of) for step in compared] == [(i, len(photos)) for i in range(1, len(photos) + 1)]
    assert steps[-1].parity.holds
    assert [path.name for path in out.parent.iterdir()] == ["mine.zip"]


def test_the_zip_holds_labels_and_a_card(unpacked, packed):
    assert (unpacked / "labels.txt").read_text("utf-8").splitlines() == list(CLASSES)
    about = onnxruntime.InferenceSession(unpacked / "model.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == list(CLASSES)
    assert about["network"] == "a head on tiny"
    card = (unpacked / "model-card.md").read_text("utf-8")
    assert "| cats | 5 |" in card
    assert "| é\\|\\* | 6 |" in card
    assert "Right on 80.0% of 5 held-out pictures (95% interval 37.6% to 96.4%)" in card
    assert "| cats | 1.000 | 0.500 | 0.667 | 2 |" in card
    assert str(packed[1][-1].parity) in card
    assert "none of these" in card
    assert "“tiny”" in card


def test_a_card_without_a_report_tells_what_training_wrote_down(head):
    facts = {**head.facts, "validated_on": 20}
    card = model_card(Head(**(vars(head) | {"facts": facts})), Parity(1, 1e-7, 1))
    assert "Right on 75.0% of 20 held-out pictures (95% interval 53.1% to 88.8%)" in card


def test_a_card_says_when_held_out_pictures_were_learned_from_in_the_end(head):
    for trained, told in ((8, False), (10, True)):
        facts = {
            "pictures": {"cats": 5, "dogs": 5},
            "trained_on": trained,
            "validated_on": 2,
            "validation_accuracy": 1.0,
        }
        card = model_card(Head(**(vars(head) | {"facts": facts})), Parity(1, 1e-7, 1))
        assert ("before it learned from them" in card) == told


def test_a_card_tells_the_figures_that_the_head_itself_knows():
    data = textures(patches=4)
    run = fit(data, tiny_classifier())
    for _ in run:
        pass
    head = load_head(run.head.to_bytes())
    assert model_card(head, Parity(1, 1e-7, 1)) == model_card(head, Parity(1, 1e-7, 1), run.report())
    assert f"Right on {run.report().accuracy:.1%} of {len(run.held_out)} held-out pictures" in model_card(
        head, Parity(1, 1e-7, 1)
    )


def test_a_card_says_where_fine_tuning_found_nothing_better(head):
    for kind, told in (("fine-tune", True), ("linear", False)):
        card = model_card(Head(**(vars(head) | {"facts": {**head.facts, "kind": kind}})), Parity(1, 1e-7, 1))
        assert ("nothing better than the linear head" in card) == told


def test_a_card_without_figures_says_so(head):
    card = model_card(Head(**(vars(head) | {"facts": {}, "refusal": None})), Parity(1, 1e-7, 1))
    assert "Nobody measured it" in card
    assert "Nobody wrote it down" in card
    assert "always names one of its classes" in card


def test_a_package_opens_again(packed, head, labelled):
    for source in (packed[0], packed[0].read_bytes(), io.BytesIO(packed[0].read_bytes())):
        found = open_package(source)
        np.testing.assert_array_equal(found.head.weights, head.weights)
        assert found.head.refusal.threshold == head.refusal.threshold
        with found.pictures as pictures:
            assert pictures.read() == labelled
            assert vl.LabelledImages.from_zip(pictures).counts() == {"cats": 1, "dogs": 2}


def test_the_pictures_of_a_package_come_like_those_of_any_zip(packed, labelled):
    for source in (packed[0], packed[0].read_bytes(), labelled):
        found = [(each.class_name, each.file_name, each.load()) for each in incoming_zip(source)]
        with zipfile.ZipFile(io.BytesIO(labelled)) as zipped:
            assert found == [(*name.split("/"), zipped.read(name)) for name in sorted(zipped.namelist())]
    again = pickle.loads(pickle.dumps(list(incoming_zip(packed[0]))))
    assert [(each.class_name, each.file_name, each.load()) for each in again] == found


def repacked(source: Path, change, around: str = "") -> bytes:
    """The zip, each entry (name, bytes) as `change` wants it: a list of them instead of one."""
    out = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            for changed, data in change(name, old.read(name)):
                new.writestr(around + changed, data)
    return out.getvalue()


def test_a_package_that_a_person_packed_anew_opens_too(packed, labelled):
    found = open_package(repacked(packed[0], lambda name, data: [(name, data)], around="mine/"))
    assert found.head.classes == CLASSES
    assert found.pictures.read() == labelled
    bare = open_package(repacked(packed[0], lambda name, data: [(name, data)] * (name != "pictures.zip")))
    assert (bare.head.classes, bare.pictures) == (CLASSES, None)


@pytest.fixture
def inflating(packed) -> bytes:
    """A package whose pictures take a thousand times the room that they take in it."""
    change = {"pictures.zip": [("pictures.zip", bytes(64 * 2**20))], "model.onnx": []}
    data = repacked(packed[0], lambda name, data: change.get(name, [(name, data)]))
    assert len(data) < 2**20
    return data


def test_the_head_is_read_before_anything_is_unpacked_and_says_what_that_would_take(inflating, head, monkeypatch):
    unpacked = []
    plain = package._unpacked
    monkeypatch.setattr(package, "_unpacked", lambda *given: unpacked.append(given[1].filename) or plain(*given))
    found, size = open_head(inflating)
    assert (found.classes, size, unpacked) == (head.classes, 64 * 2**20, ["head.safetensors"])


def test_pictures_that_lie_in_a_package_as_they_are_take_no_room_beside_it(packed, monkeypatch):
    made = []
    plain = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: made.append(1) or plain())
    for source in (packed[0], packed[0].read_bytes(), packed[0].open("rb")):
        made.clear()
        found = open_package(source)
        assert len(made) == 1, "the head"
        assert zipfile.ZipFile(found.pictures).testzip() is None
        found.pictures.seek(-4, io.SEEK_END)
        assert len(found.pictures.read()) == 4


def test_unpacking_pictures_is_told_can_be_stopped_and_is_not_begun_without_room(inflating, monkeypatch):
    shares, files = [], []
    plain = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: files.append(plain()) or files[-1])
    open_package(inflating, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with pytest.raises(ZeroDivisionError):
        open_package(inflating, lambda share: 1 / 0)
    assert files[-1].closed
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    with pytest.raises(DatasetError, match=r"unpacks to 67\.1 MB, and the disk has room for 1\.05 MB"):
        open_package(inflating)
    with pytest.raises(DatasetError, match=r"unpacks to 67\.1 MB"):
        incoming_zip(inflating)


def test_a_part_that_leads_beyond_the_end_of_the_zip_is_refused(packed):
    data = bytearray(packed[0].read_bytes())
    with zipfile.ZipFile(packed[0]) as opened:
        place = opened.getinfo("pictures.zip").header_offset
    data[place + 26 : place + 30] = b"\xff" * 4  # the lengths of its name and of extras
    with pytest.raises(DatasetError):
        incoming_zip(bytes(data))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda name, data: [(name, data)] * (name != "head.safetensors"), DatasetError, "no head.safetensors"),
        (lambda name, data: [("../" + name, data)], DatasetError, "no plain path"),
        (lambda name, data: [("/etc/" + name, data)], DatasetError, "no plain path"),
        (lambda name, data: [(name, data)] * (1 + (name == "labels.txt")), DatasetError, "twice"),
        (
            lambda name, data: [(name, data[:100])],
            HeadError,
            "^“head.safetensors” in this zip is no head of this app: choose a zip that this app, or “export”, packed.$",
        ),
    ],
)
def test_a_zip_that_is_no_package_is_refused_in_a_sentence(packed, change, error, told):
    def quickly(name, data):
        return [] if name == "model.onnx" else change(name, data)

    with pytest.raises(error, match=told):
        open_package(repacked(packed[0], quickly))


def test_what_is_no_zip_is_refused_in_a_sentence(packed, tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="no zip file"):
        open_package(b"PK, or so it says")
    with pytest.raises(DatasetError, match="cannot be opened"):
        open_package(tmp_path / "none.zip")
    damaged = bytearray(packed[0].read_bytes())
    damaged[60:160] = bytes(100)  # in the first entry, the head
    with pytest.raises(DatasetError, match=r"“head\.safetensors” is damaged"):
        open_package(bytes(damaged))
    monkeypatch.setattr(package, "MAX_HEAD_BYTES", 1000)
    with pytest.raises(DatasetError, match=r"“head\.safetensors” unpacks to over"):
        open_package(packed[0])
    monkeypatch.setattr(package, "MAX_BYTES", 1000)
    with pytest.raises(DatasetError, match="at most 0 MB is taken"):
        open_package(packed[0])


@pytest.mark.parametrize("data", [b"{", b"[1]", b'{"seconds": -1}', b'{"seconds": 1e999}', b"[" * 99_999])
def test_what_a_package_tells_of_its_training_is_looked_at(packed, data):
    kept = repacked(packed[0], lambda name, held: [(name, held)] * (name == "head.safetensors") or [])
    out = io.BytesIO(kept)
    with zipfile.ZipFile(out, "a") as zipped:
        zipped.writestr("training.json", data)
    with pytest.raises(HeadError, match=r"^“training\.json” in this zip is damaged: .*anew\.$"):
        open_package(out.getvalue())


@pytest.fixture
def exported(monkeypatch, unpacked):
    """Packing with an export that was made before."""

    def quickly(net, path, images, refusal):
        path.write_bytes((unpacked / "model.onnx").read_bytes())
        yield Parity(1, 1e-7, 1)

    monkeypatch.setattr(package, "export_checked", quickly)


def test_a_package_that_is_cancelled_leaves_what_was_there(exported, head, tmp_path):
    out = tmp_path / "mine.zip"
    out.write_bytes(b"yesterday's")
    cancelled = pack(head, tiny_classifier(), out, [noise(9, 9)])
    while next(cancelled).doing != "Packing":
        pass
    cancelled.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.zip": b"yesterday's"}
    with pytest.raises(ParameterError, match=r"no/mine\.zip cannot be written"):
        list(pack(head, tiny_classifier(), tmp_path / "no" / "mine.zip", [noise(9, 9)]))


def test_a_package_goes_into_an_open_file_too(exported, head):
    out = io.BytesIO()
    list(pack(head, tiny_classifier(), out, [noise(9, 9)], training={"seconds": 3.5}))
    found = open_package(out)
    assert (found.head.classes, found.training) == (CLASSES, {"seconds": 3.5})
    with zipfile.ZipFile(out) as zipped:
        assert zipped.read("head.safetensors") == head.to_bytes()
        assert "- seconds: 3.5" in zipped.read("model-card.md").decode()


def test_an_export_that_answers_differently_is_not_packed(head, tmp_path, monkeypatch):
    def differently(net, path, images, refusal):
        yield Parity(1, 0.5, 0)
        Parity(1, 0.5, 0).check()

    monkeypatch.setattr(package, "export_checked", differently)
    with pytest.raises(ModelError, match="answers differently"):
        list(pack(head, tiny_classifier(), tmp_path / "mine.zip", [noise(9, 9)]))
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_could_not_be_opened_again_is_not_written(exported, head, labelled, tmp_path, unpacked):
    out = tmp_path / "mine.zip"
    out.write_bytes(b"yesterday's")
    sizes = [(unpacked / name).stat().st_size for name in ("head.safetensors", "model.onnx")]
    most = sum(sizes) + len(labelled) + package.SMALL_FILES
    net = tiny_classifier()
    with pytest.raises(DatasetError, match=r"at least [\d.]+ MB.*cannot be opened again; pack it without them"):
        list(pack(head, net, out, [noise(9, 9)], pictures=io.BytesIO(labelled), most=most - 1))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.zip": b"yesterday's"}
    list(pack(head, net, out, [noise(9, 9)], pictures=io.BytesIO(labelled), most=most))
    assert out.stat().st_size < most
    with zipfile.ZipFile(out) as zipped:
        small = [each for each in zipped.infolist() if each.filename.endswith((".txt", ".md", ".py"))]
    assert len(small) == 7
    assert sum(each.file_size for each in small) < package.SMALL_FILES / 20
    list(pack(head, net, out, [noise(9, 9)], most=1))  # without pictures it is for elsewhere, not to come back
