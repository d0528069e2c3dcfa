"""One set through every door: what its folders are, and what was left out, is the same wherever it comes from."""

import io
import re
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from kinds import every_kind
from learning.sets.test_dataset import packed, planted, png
from skimage import data as photographs

from visionlab.errors import DatasetError, ParameterError, UnclearSetError
from visionlab.imaging.image import encode_jpeg, encode_png, fingerprint, load_image
from visionlab.imaging.samples import load_sample
from visionlab.learning.projects import intake
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.scratch import load
from visionlab.learning.sets import names as names_of_zips
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.kinds import parts_told
from visionlab.learning.sets.layout import arrange
from visionlab.learning.sets.sides import sides
from visionlab.learning.takeaway.package import labelled_zip

SIDES = ("train", "held_out")


@dataclass
class Came:
    counts: dict
    parts: dict
    told: str


def came(classes, parts, told):
    pairs = list(zip(classes, parts, strict=True))
    return Came({c: classes.count(c) for c in classes}, {pair: pairs.count(pair) for pair in pairs}, " ".join(told))


def of_data(data):
    return came([data.classes[label] for label in data.labels], data.parts or [""] * len(data), data.told)


def of_incoming(arriving):
    told = (*parts_told(each.part for each in arriving), *arriving.told)  # as intake.take has it, where all can be read
    return came([each.class_name for each in arriving], [each.part for each in arriving], told)


def by_browser(files, folder, parts):
    root = planted(folder / "sent", files)
    return intake.from_browser([(f"pictures/{name}", root / name) for name in files], parts)


DOORS = {
    "library, zip": lambda files, folder, parts: of_data(LabelledImages.from_zip(packed(files), parts)),
    "library, folder": lambda files, folder, parts: of_data(
        LabelledImages.from_folder(planted(folder / "set", files), parts)
    ),
    "shell, zip": lambda files, folder, parts: of_data(labelled_zip(packed(files), parts)),
    "shell, package": lambda files, folder, parts: of_data(
        labelled_zip(packed({"head.safetensors": b"", "pictures.zip": packed(files)}), parts)
    ),
    "app, zip": lambda files, folder, parts: of_incoming(intake.from_zip(packed(files), parts)),
    "app, path": lambda files, folder, parts: of_incoming(intake.from_folder(planted(folder / "set", files), parts)),
    "app, browser": lambda files, folder, parts: of_incoming(by_browser(files, folder, parts)),
}


@pytest.fixture(params=DOORS)
def door(request, tmp_path):
    return lambda files, parts=None: DOORS[request.param](files, tmp_path, parts)


def pictures(*paths):
    return {path: png(number) for number, path in enumerate(paths)}


ANIMALS = pictures("cats/0.png", "cats/1.png", "dogs/0.png")


# Parts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("train", "val"), ("train", "validation")),
        (("Training", "VALID"), ("train", "validation")),
        (("train", "validation", "test"), ("train", "validation", "test")),
        (("train", "Testing"), ("train", "test")),
        (("val", "test"), ("validation", "test")),
        (("training_set", "test_set"), ("train", "test")),
        (("TrainSet", "Validate"), ("train", "validation")),
        (("train2017", "val2017"), ("train", "validation")),
        (("01_train", "02_val", "03 test"), ("train", "validation", "test")),
        (("seg_train", "seg_test"), ("train", "test")),
        (("seg_train/seg_train", "seg_test/seg_test"), ("train", "test")),
        (("pets-train-2", "my valid pets"), ("train", "validation")),
    ],
)
@pytest.mark.parametrize("around", ["", "pets/", "a/b/"])
def test_parts_that_hold_the_same_class_folders_are_joined_and_kept(door, names, kept, around):
    files = pictures(*(f"{around}{part}/{name}/0.png" for part in names for name in ("ants", "bees")))
    found = door(files)
    assert found.counts == {"ants": len(names), "bees": len(names)}
    assert found.parts == {(name, part): 1 for name in ("ants", "bees") for part in kept}
    assert f"The set comes in parts: {', '.join(f'2 {part}' for part in kept)}." in found.told


@pytest.mark.parametrize(("around", "named"), [("test", "test"), ("pets/val2017", "val2017")])
def test_a_set_that_is_a_part_alone_is_taken_as_a_whole_and_that_is_told(door, around, named):
    found = door(pictures(*(f"{around}/{name}/0.png" for name in ("ants", "bees"))))
    assert found.parts == {("ants", ""): 1, ("bees", ""): 1}
    assert f"All of the set lies in “{named}”, which makes no part of it: it is taken as a whole." in found.told


@pytest.mark.parametrize("around", ["train/", "pets/", ""])
def test_of_a_set_that_is_what_is_learned_from_nothing_is_told(door, around):
    assert not door(pictures(*(f"{around}{name}/0.png" for name in ("ants", "bees")))).told


def test_a_part_may_lack_a_class_have_a_wrapper_or_hold_what_has_no_class(door):
    files = pictures("train/x/ants/0.png", "train/x/bees/0.png", "val/ants/0.png", "test/1.png", "test/2.png")
    found = door(files)
    assert found.parts == {("ants", "train"): 1, ("bees", "train"): 1, ("ants", "validation"): 1}
    assert "2 pictures lie beside the class folders, and are left out: test/1.png, test/2.png." in found.told


def test_parts_within_the_classes_are_kept_too(door):
    files = pictures("cats/train/0.png", "cats/test/1.png", "dogs/train/2.png", "dogs/test/3.png")
    found = door(files)
    assert found.parts == {(name, part): 1 for name in ("cats", "dogs") for part in ("train", "test")}


def test_what_of_the_classes_lies_in_no_part_is_told(door):
    found = door(pictures("Cats/TRAIN/0.png", "Cats/VAL/1.png", "dogs/Train/2.png", "birds/3.png", "birds/4.png"))
    assert found.parts == {
        ("Cats", "train"): 1,
        ("Cats", "validation"): 1,
        ("dogs", "train"): 1,
        ("birds", ""): 2,
    }
    assert "The set comes in parts: 2 train, 1 validation; 2 in none, to learn from." in found.told


LOST = ("train/ants/cut.png", "val/bees/none.png")


@pytest.mark.parametrize("around", ["", "pets/"])
def test_what_cannot_be_read_is_called_by_its_path_and_counts_in_no_part(around, tmp_path):
    files = pictures(*(f"{around}{part}/{name}/0.png" for part in ("train", "val") for name in ("ants", "bees")))
    files |= {f"{around}{name}": b"no picture" for name in LOST}
    planted(tmp_path / "set", files)
    sets = [
        LabelledImages.from_zip(packed(files)),
        LabelledImages.from_folder(tmp_path / "set"),
        labelled_zip(packed(files)),
        intake.labelled(intake.from_zip(packed(files))),
        intake.labelled(intake.from_folder(tmp_path / "set")),
        intake.labelled(by_browser(files, tmp_path, None)),
        load(tmp_path / "set"),
    ]
    for found in sets:
        assert "The set comes in parts: 2 train, 2 validation." in found.told
        assert {*found.unread} == {around + name for name in LOST}
        assert {each.partition("”")[0] for each in found.problems} == {f"“{around}{name}" for name in LOST}
    for found in sets[:-1]:
        assert {*found.paths} == {*files} - {around + name for name in LOST}
        assert found.subset([1]).paths == found.paths[1:2]
    project = Workspace(tmp_path / "projects").create("pets", "somebody or other")
    *_, last = intake.take(project, intake.from_zip(packed(files)))
    assert last.told == ("The set comes in parts: 2 train, 2 validation.",)
    assert {each.partition("”")[0] for each in last.problems} == {f"“{around}{name}" for name in LOST}


def test_parts_below_folders_of_other_names(door):
    found = door(pictures("x/TRAIN/cats/0.png", "x/TRAIN/dogs/1.png", "y/z/TEST/cats/2.png", "y/z/TEST/dogs/3.png"))
    assert found.parts == {(name, part): 1 for name in ("cats", "dogs") for part in ("train", "test")}


@pytest.mark.parametrize("around", ["", "mine/"])
def test_of_folders_that_hold_folders_of_the_same_names_the_outer_ones_are_the_classes(door, around):
    """As cats/indoor, cats/outdoor, dogs/indoor …; whose they are not may choose."""
    files = pictures(*(f"{around}{by}/{name}/0.png" for by in ("phone", "scanner") for name in ("cats", "dogs")))
    assert door(files).counts == door(files, False).counts == {"phone": 2, "scanner": 2}
    with pytest.raises(DatasetError, match="“phone” may be any part of the set: call it train, val or test"):
        door(files, True)


def test_that_the_outer_folders_are_the_classes_is_told():
    paths = [(outer, inner, "0.png") for outer in ("phone", "scanner") for inner in ("cats", "dogs")]
    told = "The folders “phone” and “scanner” hold folders of the same names, “cats” and “dogs”: the outer ones are"
    found = arrange(dict.fromkeys(paths))
    parts = [each.part for items in found.classes.values() for each in items]
    assert any(each.startswith(told) for each in (*parts_told(parts), *found.told))


@pytest.mark.parametrize(
    "paths",
    [
        ("n01/images/0.png", "n02/images/1.png"),
        ("test 1/0.png", "test 2/1.png"),
        ("test tubes/0.png", "shoes/b/1.png"),
        ("cats/train/x/0.png", "dogs/val/y/1.png"),
    ],
)
def test_a_name_alone_makes_no_part(door, paths):
    assert door(pictures(*paths)).counts == {path.partition("/")[0]: 1 for path in paths}


@pytest.mark.parametrize(
    "paths",
    [
        ("train/0.png", "val/1.png"),  # no class folders in them
        ("train/ants/0.png", "train/bees/1.png", "val/ants/2.png", "val/wasps/3.png"),  # a class is never taught
        ("train/ants/0.png", "train/bees/1.png", "other/ants/2.png", "other/bees/3.png"),
    ],
)
def test_where_it_is_not_clear_what_they_are_a_sentence_says_so(door, paths):
    with pytest.raises(UnclearSetError, match=r"“train”.* may be classes, or parts of the set"):
        door(pictures(*paths))
    assert door(pictures(*paths), False).counts.keys() == {path.partition("/")[0] for path in paths}


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (
            ("Training/ants/0.png", "Training/bees/1.png", "Validierung/ants/2.png", "Validierung/bees/3.png"),
            "“Validierung” lies beside: where it is a part, too, call it train, val or test",
        ),
        (
            ("train/ants/0.png", "train/bees/1.png", "dev/ants/2.png", "dev/bees/3.png"),
            "“dev” lies beside: where it is a part, too, call it train, val or test",
        ),
        (
            ("train/ants/0.png", "train/bees/1.png", "test/ants/2.png", "test/wasps/3.png"),
            "“test” holds “wasps”, of which there is nothing to learn from: add that, or take it out",
        ),
    ],
)
def test_which_folder_keeps_others_from_being_parts_is_said_at_once(door, paths, told):
    with pytest.raises(UnclearSetError) as refused:
        door(pictures(*paths))
    assert told in refused.value.unclear


def test_who_says_that_they_are_parts_is_believed(door):
    found = door(pictures("train/ants/0.png", "train/bees/1.png", "val/ants/2.png", "val/wasps/3.png"), True)
    assert found.parts == {(name, "train"): 1 for name in ("ants", "bees")} | {
        (name, "validation"): 1 for name in ("ants", "wasps")
    }


@pytest.mark.parametrize("unknown", ["entrenamiento", "dev", "train_test"])
def test_a_part_that_no_word_tells_is_never_learned_from_unasked(door, unknown):
    files = pictures(f"{unknown}/ants/0.png", f"{unknown}/bees/1.png", "test/ants/2.png", "test/bees/3.png")
    with pytest.raises(UnclearSetError, match="may be classes, or parts of the set"):
        door(files)
    with pytest.raises(DatasetError, match=f"“{unknown}” may be any part of the set: call it train, val or test"):
        door(files, True)


def test_pictures_without_a_class_are_in_no_part(door):
    files = pictures(
        *(f"seg_{part}/{name}/0.png" for part in ("train", "test") for name in ("ants", "bees")), "seg_pred/4.png"
    )
    with pytest.raises(UnclearSetError, match="“seg_test” and “seg_train” may be classes, or parts"):
        door(files)
    found = door(files, True)
    assert found.parts == {(name, part): 1 for name in ("ants", "bees") for part in ("train", "test")}
    assert "1 picture lies beside the class folders, and is left out: seg_pred/4.png." in found.told


@pytest.mark.parametrize("paths", [("train/0.png", "bus/1.png"), ("train/red/0.png", "bus/1.png")][:1])
def test_a_class_may_be_called_train(door, paths):
    assert door(pictures(*paths)).counts == {"bus": 1, "train": 1}


# What lies around and beside -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "pets/", "a/b/c/"])
@pytest.mark.parametrize(
    ("stray", "told"),
    [
        ({"LICENSE": b"MIT"}, "1 file is no picture, and is left out: LICENSE."),
        ({"Thumbs.db": b"x"}, ""),
        (
            {"cats/2.tga": b"x", "a.JP2": b"x", "dogs/1.ppm": b"x", "x.ico": b"x"},
            "4 pictures are of a kind that is not read, ",
        ),
        ({"@eaDir/cats/0.png": png(8), "dogs/@eaDir/0.png": png(9), "System Volume Information/a/1.png": png(10)}, ""),
        ({"cats/desktop.ini": b"x", ".DS_Store": b"x", "__MACOSX/cats/._0.png": b"x"}, ""),
        ({"loose.png": png(7)}, "1 picture lies beside the class folders, and is left out: {around}loose.png."),
        ({"dogs/notes.txt": b"x", "list.csv": b"x"}, "2 files are no pictures, and are left out: "),
        ({"birds/notes.txt": b"x"}, "1 folder has no picture, and is left out: {around}birds."),
    ],
)
def test_only_pictures_in_class_folders_count(door, around, stray, told):
    inside = ANIMALS | ({} if "LICENSE" in stray else stray)
    outside = stray if "LICENSE" in stray else {}
    found = door({around + name: data for name, data in inside.items()} | outside)
    assert found.counts == {"cats": 2, "dogs": 1}
    assert told.format(around=around) in found.told
    assert bool(found.told) == bool(told)


@pytest.mark.parametrize("wrapper", ["set", "a/b/set"])
def test_a_picture_beside_a_wrapper_hides_no_classes(door, wrapper):
    found = door({f"{wrapper}/{name}": data for name, data in ANIMALS.items()} | {"preview.png": png(9)})
    assert found.counts == {"cats": 2, "dogs": 1}
    assert "1 picture lies beside the class folders, and is left out: preview.png." in found.told


@pytest.mark.parametrize("wrapper", ["set", "a/b/set"])
def test_a_picture_beside_a_wrapper_in_a_part_hides_no_classes(door, wrapper):
    found = door(
        pictures(
            f"{wrapper}/train/preview.png",
            *(f"{wrapper}/{part}/x/{name}" for part in ("train", "val") for name in ANIMALS),
        )
    )
    assert {part for _, part in found.parts} == {"train", "validation"}
    assert f"left out: {wrapper}/train/preview.png." in found.told


def test_classes_that_differ_in_case_alone_are_one(door):
    found = door(pictures("Cats/0.png", "cats/1.png", "dogs/2.png"))
    assert found.counts == {"Cats": 2, "dogs": 1}
    assert "“Cats” and “cats” are taken as one class." in found.told


def test_an_empty_class_folder_is_told(tmp_path):
    for name in ("cats", "dogs", "birds"):
        (tmp_path / name).mkdir()
    planted(tmp_path, ANIMALS)
    said = ("1 folder has no picture, and is left out: birds.",)
    assert LabelledImages.from_folder(tmp_path).told == intake.from_folder(tmp_path).told == said
    assert LabelledImages.from_zip(packed(ANIMALS | {"birds/": b""})).told == said


def test_no_picture_in_a_folder_is_a_sentence(door, request):
    with pytest.raises(DatasetError, match="no class folders; put the pictures into one folder a class"):
        door({"notes.txt": b"x"})
    with pytest.raises(DatasetError, match="no pictures in these folders; put some of each class into its folder"):
        door({"cats/notes.txt": b"x"})


def test_a_set_of_zips_alone_says_so(door):
    with pytest.raises(DatasetError, match=r"only zips in it, such as “cats\.zip”; unpack them, or bring one of them"):
        door({"cats.zip": packed(ANIMALS), "dogs.zip": packed(ANIMALS)})


def test_the_library_says_how_it_is_told_what_unclear_folders_are(tmp_path):
    root = planted(tmp_path, pictures("train/0.png", "val/1.png"))
    with pytest.raises(UnclearSetError, match="parts=True or parts=False"):
        LabelledImages.from_folder(root)
    with pytest.raises(UnclearSetError) as caught:
        intake.from_folder(root)
    assert "parts=" not in str(caught.value), "the app asks by its own buttons"


def test_parts_without_class_folders_say_what_was_found_and_what_would_be_good(tmp_path):
    files = pictures("train/0.png", "train/1.png", "test/2.png")
    root = planted(tmp_path, files)
    told = (
        "^The pictures lie directly in “test” and “train”, where parts of a set hold folders: put the pictures into "
        "one folder a class in each, like test/cats and test/dogs.$"
    )
    for read in (
        lambda: LabelledImages.from_folder(root, parts=True),
        lambda: LabelledImages.from_zip(packed(files), parts=True),
        lambda: intake.from_folder(root, parts=True),
    ):
        with pytest.raises(DatasetError, match=told):
            read()


def test_a_folder_of_pictures_alone_is_one_class_for_the_app(tmp_path):
    files = pictures("0.png", "1.png")
    assert of_incoming(by_browser(files, tmp_path, None)).counts == {"pictures": 2}
    assert of_incoming(intake.from_folder(planted(tmp_path / "cats", files))).counts == {"cats": 2}


def test_a_folder_around_the_classes_of_a_part_is_not_told_as_empty(tmp_path):
    files = pictures(*(f"{part}/images/{name}/0.png" for part in ("train", "val") for name in ("ants", "bees")))
    found = LabelledImages.from_folder(planted(tmp_path, files))
    assert found.told == ("The set comes in parts: 2 train, 2 validation.",)
    assert intake.from_folder(tmp_path).told == ()


def test_what_is_unclear_is_said_alike_in_whichever_order_folders_are_listed():
    for names in (("train", "test"), ("test", "train")):
        with pytest.raises(UnclearSetError, match="The folders “test” and “train” may be"):
            arrange({(name, "1.png"): 0 for name in names})


def test_a_link_to_what_it_lies_in_is_not_followed(tmp_path):
    root = planted(tmp_path, ANIMALS)
    (root / "cats" / "again").symlink_to(root, target_is_directory=True)
    assert LabelledImages.from_folder(root).counts() == {"cats": 2, "dogs": 1}


@pytest.mark.parametrize("target", ["/proc/self", "/proc/self/mem", "/dev/zero", "/sys"])
def test_a_link_to_what_is_on_no_disk_is_told(tmp_path, target):
    root = planted(tmp_path, ANIMALS)
    (root / "cats" / "link").symlink_to(target)
    for read in (LabelledImages.from_folder, intake.from_folder):
        with pytest.raises(DatasetError, match=f"cats/link” cannot be read: it is a link to “{target[:4]}"):
            read(root)


@pytest.mark.parametrize("name", ["closed.png", "closed"])
def test_a_file_that_nobody_may_ask_about_is_told(tmp_path, monkeypatch, name):
    root, ask, opened = planted(tmp_path, ANIMALS), Path.is_file, Path.open
    (root / "cats" / name).write_bytes(b"x")

    def refused(call, path, *arguments, **options):
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return call(path, *arguments, **options)

    monkeypatch.setattr(Path, "is_file", lambda path: refused(ask, path))
    monkeypatch.setattr(Path, "open", lambda path, *some, **more: refused(opened, path, *some, **more))
    found = intake.labelled(intake.from_folder(root))
    assert found.counts() == {"cats": 2, "dogs": 1}
    told = [*found.told, *found.problems]
    assert any(f"cats/{name}" in text for text in told)


def test_a_link_to_nothing_is_told(tmp_path):
    root = planted(tmp_path, ANIMALS)
    (root / "cats" / "dead.png").symlink_to(tmp_path / "nowhere.png")
    (told,) = LabelledImages.from_folder(root).problems
    assert told.startswith("“cats/dead.png” cannot be read: There is no file")
    assert len(intake.labelled(intake.from_folder(root)).problems) == 1


def test_many_names_are_counted_and_the_first_ones_named():
    others = [(f"{number}.txt",) for number in range(1200)]
    told = arrange({("a", "1.png"): 0}, others).told
    assert told == (
        "1,200 files are no pictures, and are left out: 0.txt, 1.txt, 10.txt, 100.txt, 1000.txt and 1,195 more.",
    )


# Kinds of files ------------------------------------------------------------------------------------------------------


def test_every_kind_of_picture_comes_in(door):
    kinds = {name: data for name, data in every_kind().items() if "." in name}
    found = door({f"a/{name}": data for name, data in kinds.items()} | {"b/0.png": png()})
    copies = re.findall(r"(\d+) exact copies left out", found.told)  # some kinds lose nothing
    assert found.counts == {"a": len(kinds) - sum(map(int, copies)), "b": 1}


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".JPE", ".mpo", ".jpg"])
def test_a_jpeg_under_any_of_its_names(door, ending):
    one, two, three = (
        encode_jpeg(image()) for image in (photographs.chelsea, photographs.astronaut, photographs.coffee)
    )
    assert door({f"a/1{ending}": one, "b/2": two, "c/3 at 10.07 o'clock": three}).counts == {
        "a": 1,
        "b": 1,
        "c": 1,
    }


def test_a_file_without_an_ending_that_is_no_picture_is_left_out(door):
    found = door(ANIMALS | {"cats/README": b"Here be cats.", "cats/empty": b""})
    assert found.counts == {"cats": 2, "dogs": 1}
    assert "2 files are no pictures" in found.told


# Names in zips -------------------------------------------------------------------------------------------------------


def zipped(names, encoding=None, unicode_path=False, wrong=False):
    """A zip as an older packer writes it: names in that encoding, without a word on it."""
    stand_ins = {f"{number:04d}".ljust(len(name.encode(encoding)), "x"): name for number, name in enumerate(names)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, (stand_in, name) in enumerate(stand_ins.items()):
            info = zipfile.ZipInfo(stand_in)
            if unicode_path:
                raw = name.encode(encoding)
                field = struct.pack("<BI", 1, zlib.crc32(raw) ^ wrong) + name.encode()
                info.extra = struct.pack("<HH", 0x7075, len(field)) + field
            archive.writestr(info, png(number))
    data = file.getvalue()
    for stand_in, name in stand_ins.items():
        data = data.replace(stand_in.encode(), name.encode(encoding))
    return data


BY_ZIP = {
    "library": lambda data: of_data(LabelledImages.from_zip(data)),
    "shell": lambda data: of_data(labelled_zip(data)),
    "app": lambda data: of_incoming(intake.from_zip(data)),
}


@pytest.fixture(params=BY_ZIP)
def zip_door(request):
    return BY_ZIP[request.param]


def test_backslashes_are_separators(zip_door):
    files = {name.replace("/", "\\"): data for name, data in ANIMALS.items()}
    assert zip_door(packed({"pets\\" + name: data for name, data in files.items()})).counts == {"cats": 2, "dogs": 1}
    assert zip_door(packed(files | {"pets\\": b"", "birds\\": b""})).counts == {"cats": 2, "dogs": 1}


@pytest.mark.parametrize(
    ("encoding", "classes"),
    [
        ("cp932", ["表", "能"]),
        ("cp932", ["アイス", "ソフト"]),
        ("cp932", ["猫", "犬"]),
        ("cp932", ["cat猫", "dog犬"]),
        ("cp949", ["cat고양이", "dog강아지"]),
        ("gb18030", ["猫", "狗", "图片", "花朵"]),
        ("gb18030", ["苹果", "汽车", "照片"]),
        ("big5", ["貓", "蘋果"]),
        ("cp949", ["고양이", "강아지"]),
        ("cp866", ["кошки", "собаки"]),
        ("cp1251", ["кошки", "собаки"]),
        ("cp850", ["São João", "cães"]),
        ("cp437", ["Bäume", "Vögel"]),
        ("cp437", ["café", "niño"]),
        ("gb18030", ["猫", "狗", "鸟"]),
        ("gb18030", ["是", "否"]),
        ("gb18030", ["山", "水"]),
        ("cp949", ["개", "고양이"]),
        ("cp949", ["소", "말"]),
        ("cp1251", ["да", "нет"]),
        ("cp1251", ["лес", "поле"]),
        ("cp1251", ["дом", "сад"]),
        ("cp866", ["да", "нет"]),
        ("cp866", ["дом", "сад"]),
        ("cp850", ["à garder", "à jeter"]),
        ("cp850", ["mûre", "pêche"]),
        ("cp852", ["łoś", "żaba"]),
        ("cp852", ["kot", "żółw"]),
        ("cp852", ["kočka", "pes"]),
        ("cp852", ["dům", "kůň"]),
        ("cp852", ["kutya", "őz"]),
        ("utf-8", ["猫", "Bäume"]),
        ("utf-8", ["chat", "chien élégant"]),
    ],
)
def test_names_of_an_unstated_encoding_make_sense(zip_door, encoding, classes):
    names = [f"{name}/{number}.png" for name in classes for number in range(2)]
    assert zip_door(zipped(names, encoding)).counts == dict.fromkeys(sorted(classes), 2)


@pytest.mark.parametrize(
    ("encoding", "classes", "told"),
    [
        ("gb18030", ["猫", "狗"], "Chinese (GBK)"),
        ("cp852", ["łoś", "żaba"], "Central European (CP852)"),
        ("cp437", ["café", "niño"], "Western (CP437)"),
    ],
)
def test_that_names_were_guessed_is_told(zip_door, encoding, classes, told):
    names = [f"{name}/0.png" for name in classes]
    such = [f"The names in it are not marked; names such as “{name}” were read as {told}." for name in classes]
    found = zip_door(zipped(names, encoding)).told
    assert any(each in found for each in such)
    for sure in (zipped(names, encoding, unicode_path=True), zipped(names, "utf-8"), packed(pictures(*names))):
        assert "not marked" not in zip_door(sure).told


def test_another_encoding_can_be_chosen_for_a_zips_names():
    data = zipped(["koło/0.png", "dąb/1.png"], "cp852")
    for door in (LabelledImages.from_zip, labelled_zip):
        found = of_data(door(data, names_in="cp852"))
        assert found.counts == {"dąb": 1, "koło": 1}
        assert "not marked" not in found.told
    assert of_data(labelled_zip(zipped(["表/0.png", "b/1.png"], "cp932"), names_in="cp932")).counts == {"b": 1, "表": 1}
    marked = zipped(["表/0.png", "能/1.png"], "gb18030", unicode_path=True)
    assert of_data(LabelledImages.from_zip(marked, names_in="gb18030")).counts == {"能": 1, "表": 1}
    for unknown in ("klingon", "utf-16", "base64"):
        with pytest.raises(ParameterError, match=f"“{unknown}” is no encoding of names; name one like cp852"):
            LabelledImages.from_zip(data, names_in=unknown)
    with pytest.raises(ParameterError, match="names in the zip are not in ascii"):
        LabelledImages.from_zip(data, names_in="ascii")


def test_of_classes_that_are_known_names_are_read_as_these():
    names = ["кошки/0.png", "кошки/1.png", "собаки/2.png"]
    data = zipped(names, "koi8_r")  # which is never guessed
    assert "кошки" not in LabelledImages.from_zip(data).classes
    found = labelled_zip(data, classes=lambda: ["Кошки", "птицы"])
    assert found.counts() == {"кошки": 2, "собаки": 1}
    such = "names such as “кошки” were read as Cyrillic (KOI8-R)."
    assert found.told[0] == f"The names in it are not marked; {such}"
    guessed = LabelledImages.from_zip(data)
    for classes in ((), ["cats", "dogs"]):  # of none of them
        assert labelled_zip(data, classes=lambda classes=classes: classes).counts() == guessed.counts()
    assert (
        labelled_zip(data, names_in="cp866", classes=lambda: ["кошки"]).counts()
        == of_data(LabelledImages.from_zip(data, names_in="cp866")).counts
    )


def test_names_of_a_small_set_are_read_another_way_like_those_of_any_zip(tmp_path):
    names = [f"{name}/{number}.png" for name in ("кошки", "собаки") for number in range(3)]
    data = zipped(names, "koi8_r")
    where = tmp_path / "mine.zip"
    where.write_bytes(data.replace(png(5), b"x" * len(png(5))))
    found, right = load(where), load(where, names_in="koi8-r")
    assert right.classes == ("кошки", "собаки")
    assert right.unread == ("собаки/2.png",)
    assert right.names is None
    assert found.names.told in found.told
    again = found.read_as("koi8_r")
    assert {*again.classes} == {*right.classes}
    assert again.unread == right.unread
    assert [each.partition("”")[0] for each in again.problems] == ["“собаки/2.png"]
    assert "were read as Cyrillic (KOI8-R)." in again.told[0]
    assert again.read_as(found.names.encoding).classes == found.classes
    with pytest.raises(ParameterError, match="“digits” is no zip, whose names could be in cp852"):
        load("digits", names_in="cp852")


def test_the_unicode_path_field_is_believed_where_it_is_of_this_name(zip_door):
    names = ["表/0.png", "能/1.png", "Ärger/2.png"]
    for encoding in ("cp932", "gb18030"):
        data = zipped(names[:2], encoding, unicode_path=True)
        assert zip_door(data).counts == {"能": 1, "表": 1}
    stale = zipped(["Ärger/0.png", "b/1.png"], "cp437", unicode_path=True, wrong=True)
    assert zip_door(stale).counts == {"b": 1, "Ärger": 1}


@pytest.mark.parametrize("name", ["..\\evil.png", "cats\\..\\..\\evil.png", "\\evil.png", "c:\\evil.png"])
def test_backslashes_are_checked_like_all_paths(zip_door, name):
    with pytest.raises(DatasetError, match="has no plain path"):
        zip_door(packed(ANIMALS | {name: png(9)}))


# Copies --------------------------------------------------------------------------------------------------------------


def test_near_duplicates_never_part_by_whichever_door_a_set_comes(tmp_path):
    rng, files = np.random.default_rng(0), {}
    image = photographs.astronaut()
    for number in range(12):
        row, column = rng.integers(0, 300, 2)
        scene = np.ascontiguousarray(image[row : row + 200, column : column + 200])
        for quality in (95, 60, 30):
            files[f"{'ab'[rng.integers(2)]}/{number}-{quality}.jpg"] = encode_jpeg(scene, quality)
    sets = [
        LabelledImages.from_zip(packed(files)),
        LabelledImages.from_folder(planted(tmp_path, files)),
        labelled_zip(packed(files)),
        intake.labelled(intake.from_zip(packed(files))),
        LabelledImages.from_uploads({c: [(n, d) for n, d in files.items() if n[0] == c] for c in "ab"}),
    ]
    for data in sets:
        scenes = [name.rpartition("/")[2].partition("-")[0] for name in data.names]
        by_scene = [{g for g, s in zip(data.groups.tolist(), scenes, strict=True) if s == one} for one in set(scenes)]
        assert all(len(groups) == 1 for groups in by_scene)


def test_names_that_look_alike_are_said_to_be_written_in_several_ways():
    names = ["Ka\u0308tzchen/0.png", "K\u00e4tzchen/1.png", "dogs/2.png", "dogs /3.png", "Dogs/4.png"]
    told = LabelledImages.from_zip(packed(pictures(*names))).told
    assert "“Kätzchen”, written in two ways, is taken as one class." in told
    assert "“Dogs” and “dogs”, written in three ways, are taken as one class." in told


def test_folders_are_called_in_sentences_as_they_are_spelled(zip_door):
    deep = [f"{name}/DCIM/{folder}/{number}.png" for name in ("cats", "dogs") for folder in "AB" for number in range(2)]
    told = zip_door(packed(pictures(*deep))).told
    assert "hold folders of the same names, “A” and “B”: the outer ones are the classes." in told
    parts = pictures("train/Cats/0.png", "train/Dogs/1.png", "val/Cats/2.png", "val/Wolves/3.png")
    with pytest.raises(UnclearSetError, match="“val” holds “Wolves”, of which there is nothing to learn from"):
        zip_door(packed(parts))


def test_classes_that_are_a_cameras_folders_are_told(zip_door):
    told = "The classes are called as a camera calls its folders: “100CANON”, “101ND750”. Sort the pictures"
    found = zip_door(packed(pictures("DCIM/100CANON/0.png", "DCIM/101ND750/1.png")))
    assert told in found.told
    assert found.counts == {"100CANON": 1, "101ND750": 1}
    for others in (("100CANON", "cats"), ("001BIRDS", "002BIRDS"), ("100 things", "101 things")):
        assert "a camera" not in zip_door(packed(pictures(*(f"{name}/{name}.png" for name in others)))).told


def test_near_copies_in_several_classes_are_told_and_stay(tmp_path):
    images = {"cats/a.png": "cat", "cats/b.png": "coffee", "dogs/a.png": "rocket", "dogs/b.png": "astronaut"}
    files = {name: encode_png(load_sample(sample)) for name, sample in images.items()}
    files["dogs/saved anew.jpg"] = encode_jpeg(load_sample("cat"), 60)
    near = "1 picture is in several classes, nearly the same in each: cats/a.png ≈ dogs/saved anew.jpg. All stay, since"
    for data in (
        LabelledImages.from_zip(packed(files)),
        LabelledImages.from_folder(planted(tmp_path / "set", files)),
        labelled_zip(packed(files)),
        intake.labelled(intake.from_zip(packed(files))),
    ):
        assert near in " ".join(data.told)
        assert data.counts() == {"cats": 2, "dogs": 3}
    project = Workspace(tmp_path / "projects").create("Pets", "x" * 16)
    last = [*intake.take(project, intake.from_zip(packed(files)))][-1]
    assert near in " ".join(last.told)
    assert last.added == 5
    again = encode_jpeg(load_sample("rocket"), 50)
    last = [*intake.take(project, intake.from_files("cats", [("late.jpg", again)]))][-1]
    assert "nearly the same in each: dogs/a.png ≈ cats/late.jpg. All stay" in " ".join(last.told)
    last = [*intake.take(project, intake.from_files("cats", [("other.jpg", encode_jpeg(load_sample("cat"), 40))]))][-1]
    assert "nearly the same in each: cats/a.png ≈ dogs/saved anew.jpg." in " ".join(last.told)
    images = {"a": [load_sample("cat")], "b": [load_image(files["dogs/saved anew.jpg"])]}
    assert "nearly the same in each: a 1 ≈ b 1." in " ".join(LabelledImages.from_arrays(images).told)


@pytest.mark.parametrize("first", ["train", "val"])
def test_of_copies_across_parts_the_held_out_one_counts_in_a_project_as_in_a_set(first, tmp_path):
    second = {"train": "val", "val": "train"}[first]
    files = pictures(*(f"{part}/{c}/{n}.png" for part in (first, second) for c in ("cats", "dogs") for n in range(3)))
    files |= {"val/dogs/known.png": files["train/dogs/0.png"], "val/cats/2.png": files["train/cats/2.png"]}
    files |= {"test/dogs/known.png": files["val/dogs/1.png"], "test/cats/new.png": png(40)}
    project = Workspace(tmp_path / "projects").create("Pets", "x" * 16)
    last = [*intake.take(project, intake.from_zip(packed(files)))][-1]
    mine, (theirs, _) = LabelledImages.from_zip(packed(files)), project.labelled()
    assert last.copies == 3
    for field in ("names", "keys", "parts", "classes"):
        assert getattr(mine, field) == getattr(theirs, field)
    assert mine.told == (last.told[0], "3 exact copies left out.", last.told[1])
    sides_of = [
        {side: sorted({data.keys[place] for place in getattr(sides(data, None, 0), side)}) for side in SIDES}
        for data in (mine, theirs)
    ]
    assert sides_of[0] == sides_of[1]
    assert [len(sides_of[0][side]) for side in SIDES] == [4, 6]


def test_a_picture_in_two_classes_is_told(tmp_path):
    files = pictures(*(f"{name}/{number}.png" for name in ("cats", "dogs") for number in range(2)))
    files |= {"cats/same.png": files["dogs/1.png"], "birds/same.png": files["dogs/1.png"]}
    told = (
        "1 picture is in several classes, the same in each, and is left out of all: birds/same.png = cats/same.png = "
        "dogs/1.png. Leave each in one class.",
        "1 class has no picture of its own, and is left out: birds.",
    )
    project = Workspace(tmp_path / "projects").create("Pets", "x" * 16)
    for _ in range(2):  # what was left out is not there to be a copy of
        assert [*intake.take(project, intake.from_zip(packed(files)))][-1].told[-2:] == told
    mine, _ = project.labelled()
    for data in (
        LabelledImages.from_zip(packed(files)),
        LabelledImages.from_folder(planted(tmp_path / "set", files)),
        labelled_zip(packed(files)),
        intake.labelled(intake.from_zip(packed(files))),
    ):
        assert data.told == told
        assert data.counts() == mine.counts() == {"cats": 2, "dogs": 1}
        assert data.keys == mine.keys
    image, other = photographs.astronaut(), photographs.coffee()
    data = LabelledImages.from_arrays({"a": [image, image, other], "b": [image]})
    assert (data.names, data.classes, len(data.images)) == (("a 3",), ("a",), 1)
    assert data.told[0].endswith("and is left out of all: a 1 = b 1. Leave each in one class.")
    with pytest.raises(DatasetError, match=r"1 picture is in several classes, .* a 1 = b 1. Leave each in one class."):
        LabelledImages.from_arrays({"a": [image], "b": [image]})


@pytest.mark.parametrize("parts", [("",), ("train/", "val/", "test/")])
def test_of_a_set_with_contradictions_a_project_and_a_set_hold_out_the_same(parts, tmp_path):
    files = pictures(*(f"{part}{name}/{n}.png" for part in parts for name in ("cats", "dogs") for n in range(6)))
    first, last = parts[0], parts[-1]
    files |= {f"{last}dogs/wrong {number}.png": files[f"{first}cats/{number}.png"] for number in range(3)}
    files[f"{last}cats/again.png"] = files[f"{first}cats/0.png"]  # a copy of what is no picture of cats for sure
    project = Workspace(tmp_path / "projects").create("Pets", "x" * 16)
    came = [*intake.take(project, intake.from_zip(packed(files)))][-1]
    mine, theirs = project.labelled()[0], LabelledImages.from_zip(packed(files))
    told = [text for text in theirs.told if "several classes" in text]
    assert told[0].startswith("3 pictures are in several classes, the same in each, and are left out of all: ")
    assert [text for text in came.told if "several classes" in text] == told
    assert (came.added, came.copies) == (len(mine), 0)
    assert mine.counts() == theirs.counts()
    assert not {*theirs.keys} & {fingerprint(load_image(files[f"{first}cats/{number}.png"])) for number in range(3)}
    share = 0.25 if first == last else None
    sides_of = [
        {side: sorted(data.keys[place] for place in getattr(sides(data, share, 0), side)) for side in SIDES}
        for data in (mine, theirs)
    ]
    assert sides_of[0] == sides_of[1]
    assert sorted(mine.part("test").keys) == sorted(theirs.part("test").keys)


@pytest.mark.parametrize(
    ("names", "encoding"),
    [(("Кошка №1", "Собака №2"), "cp1251"), (("Кот «А»",), "cp1251"), (("ШУМ — 1", "ЛЕС — 2"), "cp1251")],
)
def test_names_are_never_read_as_lines_and_blocks_where_something_else_is_possible(names, encoding):
    raw = [name.encode(encoding) for name in names]
    found = [name.decode(names_of_zips._encoding(raw)) for name in raw]
    assert not any("\u2500" <= c <= "\u259f" or unicodedata.category(c) == "Cc" for name in found for c in name)
