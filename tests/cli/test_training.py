"""The shell's train, evaluate and export."""

import csv
import io
import re
import shutil

import numpy as np
import onnxruntime
import pytest
from cli.shell import as_json, checked, outcome, rows_of, run

import visionlab as vl
from visionlab.cli import exporting, shared
from visionlab.errors import DatasetError, ParameterError, UnclearSetError
from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.learning.features.augmentation import VIEWS
from visionlab.learning.judging.metrics import wilson
from visionlab.learning.sets.ready_made import textures
from visionlab.network.zoo.models import MODELS, TO_NAME


def test_the_help_of_train_lists_kinds_and_views(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    for _ in range(2):
        told = run("train", "--help")
        assert told.count(", ".join(vl.training.KINDS)) == 1
        assert told.count(", ".join(VIEWS)) == 1
        assert told.count("validation part, or else: 0.25.") == 1


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


@pytest.fixture(scope="module")
def fresh(textured, tmp_path_factory):
    """As textured, of other patches."""
    data, folder = textures(patches=25), tmp_path_factory.mktemp("fresh")
    known = {path.stem for path in textured.rglob("*.png")}
    for image, label, name in zip(data.images, data.labels, data.names, strict=True):
        path = folder / data.classes[label] / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        if name not in known and len([*path.parent.iterdir()]) < 8:
            path.write_bytes(encode_png(image))
    return folder


def test_train_then_predict_with_ones_own_head(textured, tmp_path):
    head = tmp_path / "head.safetensors"
    facts = as_json("train", textured, "-o", head, "--seed", 1)
    assert (facts["trained_on"], facts["validated_on"]) == (24, 6)  # in the end it learns from all of them
    assert facts["validation_accuracy"] > 0.6
    assert np.trace(facts["confusion"]) == round(facts["validation_accuracy"] * facts["validated_on"])
    some = next((textured / "grass").iterdir())
    rows = as_json("predict", some, "--head", head)[str(some)]
    assert {row["label"] for row in rows} == {"brick", "grass", "gravel"}


def test_train_takes_kinds_views_and_epochs(textured, tmp_path):
    settings = ["--kind", "mlp", "--augment", "flip", "--augment", "colour", "--epochs", 3]
    facts = as_json("train", textured, "-o", tmp_path / "mlp.safetensors", *settings)
    assert (facts["kind"], facts["views"]) == ("mlp", ["flip", "colour"])
    assert facts["epoch"] <= 3
    assert vl.load_head(tmp_path / "mlp.safetensors").hidden is not None
    nothing_held_out = ("train", textured, "-o", tmp_path / "p.safetensors", "--kind", "prototype", "--validation", 0)
    assert "no picture was held out" in run(*nothing_held_out)
    assert as_json(*nothing_held_out)["confusion"] is None
    assert run(*nothing_held_out, "-q") == ""


def test_train_refuses_a_share_that_is_none(textured, tmp_path):
    with pytest.raises(ParameterError, match=r"--validation is 25\.0; it must be 0 to 1"):  # for per cent
        run("train", textured, "-o", tmp_path / "h.safetensors", "--device", "cpu", "--validation", 25)
    assert not any(tmp_path.iterdir())


def test_train_refuses_a_name_that_is_no_head_s_before_it_looks_at_anything(tmp_path):
    with pytest.raises(ParameterError, match=r"“x\.txt” should end in \.safetensors \(a head\)"):
        run("train", tmp_path / "nowhere", "-o", tmp_path / "x.txt")


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
    assert "always the most frequent class: right on 71.4%" in told
    assert re.search(r"with each class counting the same: \d+\.\d% \(95% interval \d+\.\d% to \d+\.\d%\)", told)
    assert "none of these: About" in told
    assert "learned by “Nearest prototype”" in told
    settings = ("--device", "cpu", "--validation", 0.4, "--kind", "linear")
    told = run("train", tmp_path / "set", "-o", tmp_path / "h.safetensors", *settings)
    assert "learned by “Linear”" in told
    assert "is usually better" not in told


def test_train_takes_the_parts_that_a_set_comes_in(tmp_path):
    data = textures(patches=8)
    for place, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        part = ("train", "train", "train", "val", "test")[place % 8 % 5]
        path = tmp_path / "set" / part / data.classes[label] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(image))
    out = tmp_path / "h.safetensors"
    facts = as_json("train", tmp_path / "set", "-o", out, "--device", "cpu")
    assert facts["pictures"] == {"brick": 7, "grass": 7, "gravel": 7}, "the test part is none of what it was made from"
    assert (facts["trained_on"], facts["validated_on"], facts["test"]["pictures"]) == (21, 3, 3)
    told = run("train", tmp_path / "set", "-o", out, "--device", "cpu")
    assert "the head that was saved has learned this part, too" in told
    assert "on the test part of the set:" in told
    assert "right on" in told.partition("on the test part")[2]
    for name in ("brick", "grass"):
        shutil.rmtree(tmp_path / "set" / "test" / name)
    (tmp_path / "set" / "test" / "gravel").rename(tmp_path / "set" / "test" / "sand")
    with pytest.raises(UnclearSetError, match="may be classes, or parts of the set"):
        run("train", tmp_path / "set", "-o", out, "--device", "cpu")


def test_copies_count_once_in_what_train_and_the_card_say(tmp_path):
    data = textures(patches=10)
    for image, label, name in zip(data.images, data.labels, data.names, strict=True):
        for quality in (30, 90):
            path = tmp_path / "set" / data.classes[label] / f"{name}-{quality}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_jpeg(image, quality))
    out = tmp_path / "h.safetensors"
    told = run("train", tmp_path / "set", "-o", out, "--device", "cpu", "--validation", 0.5)
    assert "60 near-duplicates kept together in groups.\n" in told
    total, different = map(int, re.search(r"of (\d+) pictures, (\d+) different \(95% interval", told).groups())
    assert total >= 2 * different > 20
    assert f"It rests on {total} held-out pictures, {different} different" in told
    report = vl.load_head(out).report
    assert report.spread.different == different
    assert report.interval == wilson(report.confusion.trace(), total, worth=report.worth)
    assert "the head that was saved has learned this part, too" in told
    with pytest.raises(DatasetError, match="has learned all of these 60 pictures"):
        run("evaluate", tmp_path / "set", "--head", out, "--device", "cpu")


def test_pictures_that_cannot_be_read_are_left_out_counted_and_named(fresh, head, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(fresh, mixed)
    (mixed / "brick" / "cut.png").write_bytes(next((fresh / "brick").iterdir()).read_bytes()[:60])
    (mixed / "grass" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    for number in range(30):
        (mixed / "gravel" / f"{number:02}.jpg").write_bytes(b"")
    out = tmp_path / "h.safetensors"
    sheet = tmp_path / "mistakes.csv"
    evaluate = ["evaluate", mixed, "--head", head, "--csv", sheet, "--json"]
    for command in (["train", mixed, "-o", out, "--json"], evaluate):
        came = outcome(*command, "--device", "cpu")
        found, told = checked(came.stdout, *command), came.stderr
        pictures = found["pictures"]
        assert (pictures if command[0] == "evaluate" else sum(pictures.values())) == 24
        assert "32 files could not be read:\n“brick/cut.png” cannot be read: " in told
        assert "“grass/phone.heic” cannot be read: " in told
        assert told.count("cannot be read") == 20
        assert "and 12 more" in told
        assert came.exit_code == 1
    problems = {row["file"]: row["problem"] for row in rows_of(sheet) if row["problem"]}
    assert len(problems) == 32
    assert problems["grass/phone.heic"].startswith("“grass/phone.heic” cannot be read: ")


def test_pictures_of_a_set_with_parts_are_called_by_their_paths(fresh, head, tmp_path):
    mixed, sheet = tmp_path / "mixed", tmp_path / "mistakes.csv"
    for part, start in (("train", 0), ("val", 4)):
        for folder in fresh.iterdir():
            (mixed / part / folder.name).mkdir(parents=True)
            for file in sorted(folder.iterdir())[start : start + 4]:
                shutil.copy(file, mixed / part / folder.name)
    (mixed / "val" / "brick" / "cut.png").write_bytes(b"no picture")
    wrong = mixed / "val" / "gravel"
    (wrong / "mistaken.jpg").write_bytes(encode_jpeg(vl.load_image(next((fresh / "grass").iterdir()))))
    came = outcome("evaluate", mixed, "--head", head, "--csv", sheet, "--device", "cpu")
    assert "“val/brick/cut.png” cannot be read: " in came.stderr
    assert "The set comes in parts: 12 train, 13 validation." in came.stdout
    files = {row["file"] for row in rows_of(sheet)}
    assert {"val/brick/cut.png", "val/gravel/mistaken.jpg"} <= files
    assert all((mixed / file).is_file() for file in files)


def test_a_picture_in_several_classes_is_left_out_of_learning_and_of_every_figure(textured, fresh, head, tmp_path):
    for number, (good, command) in enumerate({textured: "train", fresh: "evaluate"}.items()):
        mixed, out = tmp_path / str(number), tmp_path / "h.safetensors"
        shutil.copytree(good, mixed)
        one, two = sorted((mixed / "brick").iterdir())[:2]
        shutil.copy(one, mixed / "grass" / "a.png")
        shutil.copy(two, mixed / "gravel" / "b.png")
        came = outcome(command, mixed, *(["-o", out] if command == "train" else ["--head", head]), "--json")
        pictures = checked(came.stdout, command)["pictures"]
        if command == "train":
            assert pictures == vl.LabelledImages.from_folder(mixed).counts() == {"brick": 6, "grass": 8, "gravel": 8}
        else:
            assert pictures == 22
        told = " ".join(came.stderr.split())
        assert "2 pictures are in several classes, the same in each, and are left out of all: brick/" in told
        assert told.count(" = ") == 2
        assert "Leave each in one class." in told


def test_refusal_is_told_wherever_a_head_answers_and_can_be_set(fresh, head, tmp_path):
    stranger = tmp_path / "stranger.png"
    stranger.write_bytes(encode_png(np.full((60, 60, 3), (0, 0, 255), np.uint8)))
    told = run("predict", stranger, "--head", head, "--device", "cpu")
    assert "None of these: its distance is" in told
    assert re.search(r"That limit refuses about \d+% of good pictures by mistake\.", " ".join(told.split()))
    assert "gravel" in told  # also the classes, with their probabilities
    found = as_json("predict", stranger, "--head", head, "--device", "cpu")
    assert all(each["refused"] for each in found[str(stranger)])
    sheet = tmp_path / "answers.csv"
    run("predict", fresh, stranger, "--head", head, "--device", "cpu", "--csv", sheet)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    assert next(row for row in rows if row["file"] == str(stranger))["refused"] == "yes"
    assert all(float(row["distance"]) > float(row["limit"]) for row in rows if row["refused"] == "yes")
    refused = [sum(row["refused"] == "yes" for row in rows)]
    run("predict", fresh, stranger, "--head", head, "--device", "cpu", "--csv", sheet, "--refuse", 0.5)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    refused.append(sum(row["refused"] == "yes" for row in rows))
    assert refused[0] < refused[1]
    assert f"Of {len(rows) - 1} pictures, {refused[1] - 1} would be refused" in run(
        "evaluate", fresh, "--head", head, "--device", "cpu", "--refuse", 0.5
    )
    with pytest.raises(ParameterError, match=r"--refuse 0\.1 is for a head"):
        run("predict", stranger, "--refuse", 0.1)


def test_evaluate_tells_what_a_head_is_worth_and_where_it_errs(textured, fresh, head, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(fresh, mixed)
    known = next((textured / "grass").iterdir())
    shutil.copy(known, mixed / "grass" / "known.png")
    wrong = next((mixed / "brick").iterdir()).rename(mixed / "gravel" / "wrong.png")
    (mixed / "flowers").mkdir()
    (mixed / "flowers" / "1.png").write_bytes(encode_png(vl.load_sample("coffee")))
    found = as_json("evaluate", mixed, "--head", head, "--csv", tmp_path / "mistakes.csv")
    net = vl.load_head(head).as_classifier(device="cpu")
    data = vl.LabelledImages.from_folder(fresh)
    right = np.mean([a[0].index == label for a, label in zip(vl.predict(net, data.images), data.labels, strict=True)])
    assert right > 0.9
    assert found["accuracy"] == pytest.approx(right - 1 / 24)
    assert "“flowers”" in found["left_out"]
    assert "has learned 1 of these pictures" in found["left_out"]
    assert (found["pictures"], found["learned"]) == (24, 1)
    rows = rows_of(tmp_path / "mistakes.csv")
    assert len(rows) == round((1 - found["accuracy"]) * 24)
    (row,) = (row for row in rows if row["file"] == f"gravel/{wrong.name}")
    assert row["answer_1"] == "brick"
    assert float(row["probability_1"]) == pytest.approx(
        vl.predict(net, [vl.load_image(wrong)])[0][0].probability, abs=1e-4
    )
    nothing = outcome("evaluate", fresh, "--head", head, "--csv", tmp_path / "none.csv", "--device", "cpu")
    assert nothing.exit_code == 0
    header = (tmp_path / "mistakes.csv").read_text("utf-8").splitlines()[0]
    assert (tmp_path / "none.csv").read_text("utf-8").splitlines()[0] == header
    assert header.startswith("file,refused,distance,limit,answer_1,probability_1,")
    assert header.endswith(",problem")
    told = run("evaluate", mixed, "--head", head)
    assert f"right on {found['accuracy']:.1%} of 24 pictures (95% interval " in told
    assert re.search(r"gravel .* 9 .* brick 1 ", told)
    assert "would be refused as “none of these”" in told


def test_a_share_to_refuse_that_so_few_pictures_do_not_allow_is_told(textured, fresh, head, tmp_path):
    some = next((textured / "grass").iterdir())
    commands = (
        ("predict", some, "--head", head),
        ("evaluate", fresh, "--head", head),
        ("export", head, "-o", tmp_path / "head.onnx"),
    )
    for command in commands:
        result = outcome(*command, "--refuse", 0.001, "--device", "cpu")
        assert result.exit_code == 0
        assert re.search(r"^--refuse is 0\.001; on 12 held-out pictures, 8% is the least\.$", result.stderr, re.M)
        assert "is the least" not in outcome(*command, "--refuse", 0.1, "--device", "cpu").stderr


def test_evaluate_writes_what_cannot_be_read_where_all_else_was_learned(textured, head, tmp_path):
    mixed = shutil.copytree(textured, tmp_path / "mixed")
    again = vl.load_image(next((mixed / "grass").iterdir()))
    (mixed / "grass" / "again.jpg").write_bytes(encode_jpeg(again, 80))
    (mixed / "grass" / "broken.jpg").write_bytes(b"no picture")
    sheet = tmp_path / "sheet.csv"
    with pytest.raises(DatasetError, match="has learned all of these 25 pictures, 24 different, so they cannot tell"):
        run("evaluate", mixed, "--head", head, "--csv", sheet, "--device", "cpu")
    [row] = rows_of(sheet)
    assert row["file"] == "grass/broken.jpg"
    assert "is not a picture" in row["problem"]


def test_what_to_do_with_one_picture_a_class_is_told(tmp_path):
    for number, name in enumerate(("a", "b", "c")):
        (tmp_path / "set" / name).mkdir(parents=True)
        noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        (tmp_path / "set" / name / "1.png").write_bytes(encode_png(noise))
    few = "“a”, “b” and “c” have 1 picture each; a split needs two of each that are no copies of one another. Or take "
    asked = ("train", tmp_path / "set", "-o", tmp_path / "h.safetensors", "--device", "cpu")
    with pytest.raises(ParameterError, match=f"^{few}--kind prototype: for it, one is enough."):  # which ends with 2
        run(*asked, "--kind", "linear")
    run(*asked, "--kind", "prototype")
    told = run(*asked)
    assert f"3 classes, 3 pictures, learned by “Nearest prototype” on {MODELS[TO_NAME[-1]].title}\n" in told
    assert "“a” has 1 picture, “b” has 1 picture, “c” has 1 picture: what is learned and told of so few" in told
    assert "With fewer than 6 pictures in a class, “Nearest prototype” is usually better" in told
    facts = as_json(*asked)
    assert facts["kind"] == "prototype"
    data, net = vl.LabelledImages.from_folder(tmp_path / "set"), vl.load_classifier("vgg16-tinyimagenet")
    with pytest.raises(DatasetError, match=f'^{few}kind="prototype": for it, one is enough.'):
        vl.training.fit(data, net, kind="linear")
    assert vl.train_head(data, net).facts["kind"] == "prototype"


def test_export_writes_a_package_that_opens_again(textured, head, tmp_path):
    out = tmp_path / "mine.zip"
    told = run("export", head, "-o", out, "--pictures", textured / "grass", "--data", textured, "--device", "cpu")
    assert "the same answers as the original: on 8 pictures no probability differs by more than" in told
    found = vl.open_package(out)
    assert found.head.classes == ("brick", "grass", "gravel")
    assert vl.LabelledImages.from_zip(found.pictures).counts() == {"brick": 8, "grass": 8, "gravel": 8}
    facts = as_json("train", out, "-o", tmp_path / "again.safetensors", "--device", "cpu")
    assert facts["trained_on"] == 24
    assert vl.load_head(tmp_path / "again.safetensors").classes == ("brick", "grass", "gravel")


@pytest.mark.parametrize("quiet", [False, True])
def test_whoever_asks_for_quiet_hears_nothing_of_files_that_an_export_leaves_out(textured, tmp_path, capsys, quiet):
    shutil.copytree(textured, tmp_path / "mine")
    (tmp_path / "mine" / "grass" / "notes.txt").write_text("of mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "is_quiet", lambda: quiet)
        exporting._zip_folder(tmp_path / "mine", io.BytesIO())
    told = capsys.readouterr()
    assert told.out == ""
    assert ("notes.txt" in told.err) != quiet


def test_export_writes_an_onnx_file(head, tmp_path):
    out = tmp_path / "mine.ONNX"
    assert "on 4 pictures" in run("export", head, "-o", out, "--device", "cpu"), "the samples"
    assert out.read_bytes()[:2] != b"PK", "it is ONNX, however its name's ending is written"
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
    assert [path.name for path in tmp_path.iterdir()] == ["mine.ONNX"]


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_an_encoding_that_is_none_was_asked_for_wrongly(textured, tmp_path, command):
    shutil.make_archive(str(tmp_path / "mine"), "zip", textured)
    to = ["-o", tmp_path / "head.safetensors"] if command == "train" else []
    with pytest.raises(ParameterError, match="“foo” is no encoding of names"):  # main.run ends with 2 for it
        run(command, tmp_path / "mine.zip", "--names-in", "foo", *to)


def test_of_names_that_were_guessed_an_option_is_told():
    told = "The names in it are not marked; names such as “łoś” were read as Central European (CP852)."
    assert shared.of_names(told) == f"{told[:-1]}; if that is wrong, --names-in says another encoding."
    assert shared.of_names("The names are others.") == "The names are others."


def test_one_says_what_folders_are_that_may_be_parts_or_classes(textured, tmp_path):
    shutil.copytree(textured / "grass", tmp_path / "train" / "grass")
    shutil.copytree(textured / "brick", tmp_path / "train" / "brick")
    shutil.copytree(textured / "gravel", tmp_path / "seg_pred")
    out = tmp_path / "head.safetensors"
    with pytest.raises(UnclearSetError, match=r"“train” may be classes, or parts.*: --parts or --classes\.$"):
        run("train", tmp_path, "-o", out)
    with pytest.raises(ParameterError, match="--names-in cp852 is for a zip"):
        run("train", tmp_path, "-o", out, "--names-in", "cp852")
    assert not out.exists()
    assert "2 classes" in run("train", tmp_path, "-o", out, "--parts", "--kind", "prototype")
    assert vl.load_head(out).classes == ("brick", "grass")
    run("train", tmp_path, "-o", out, "--classes", "--kind", "prototype", "--validation", 0)
    assert vl.load_head(out).classes == ("seg_pred", "train")
    shutil.copytree(tmp_path / "train", tmp_path / "holdout")
    with pytest.raises(DatasetError, match="“holdout” may be any part of the set: call it train, val or test"):
        run("train", tmp_path, "-o", out, "--parts")
