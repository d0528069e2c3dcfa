"""What a file is by its name: a picture, one of a kind that is not read, something else, or a system's litter; and what
a folder is: a camera's, or a part of a set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from visionlab.imaging.guards import is_picture_file
from visionlab.learning.sets.names import PathParts
from visionlab.wording import as_name

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
PART_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validate": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}

# Also of formats that load_image refuses: better told about than passed over in silence.
PICTURE_SUFFIXES = (
    ".apng",
    ".avif",
    ".bmp",
    ".dib",
    ".gif",
    ".heic",
    ".heif",
    ".hif",
    ".jfi",
    ".jfif",
    ".jif",
    ".jpe",
    ".jpeg",
    ".jpg",
    ".mpo",
    ".png",
    ".tif",
    ".tiff",
    ".webp",
)
UNREAD = re.compile(r"\.(jp2|j2k|jpx|jxl|tga|p[bgnp]m|ico|psd|svg|exr|dng|cr2|cr3|nef|arw|orf|raf)", re.IGNORECASE)
ENDING = re.compile(r"\.[a-z][a-z0-9]{0,4}", re.IGNORECASE)  # “.txt” is one, “.07 at noon” is none
LITTER = (  # what systems leave behind, storage boxes among them
    "__macosx",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "@eadir",
    "#recycle",
    "#snapshot",
    "@recycle",
    "lost+found",
)
# What cameras call their folders: a number, and five characters (JEITA CP-3461, “Design rule for Camera File system”).
CAMERA = re.compile(r"[1-9]\d\d[A-Z0-9_]{5}", re.IGNORECASE)
NAMED = 5  # names that a sentence lists


def is_litter(path: PathParts) -> bool:
    """Whether a system left that there, or hides it."""
    return any(part.startswith(".") or part.casefold() in LITTER for part in path)


def is_picture(path: PathParts, start: Callable[[], bytes]) -> bool:
    """Whether the file of that path is a picture by its ending or, without one, by its first bytes, which start gives;
    and not something that a system left there."""
    if is_litter(path):
        return False
    ending = Path(path[-1]).suffix
    return ending.lower() in PICTURE_SUFFIXES or (not ENDING.fullmatch(ending) and is_picture_file(start()))


def is_unread(name: str) -> bool:
    """Whether a file of that name is a picture of a kind that load_image does not read."""
    return UNREAD.fullmatch(Path(name).suffix) is not None


def no_pictures(names: Sequence[str]) -> list[str]:
    """The sentences on files that are left out since they are no pictures, or of a kind that is not read."""
    unread = [name for name in names if is_unread(name)]
    kind = "of a kind that is not read"
    return [
        listed([name for name in names if not is_unread(name)], "file is no picture", "files are no pictures"),
        listed(unread, f"picture is {kind}", f"pictures are {kind}"),
    ]


def listed(names: Sequence[str], one: str, many: str) -> str:
    """“2 files are no pictures and are left out: a.txt, b.txt.”; nothing where there are none."""
    if not names:
        return ""
    told = ", ".join(sorted(names)[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
    left = "is left out" if len(names) == 1 else "are left out"
    return f"{len(names):,} {one if len(names) == 1 else many}, and {left}: {told}."


def of_a_camera(classes: Iterable[str]) -> str:
    """The sentence on classes that are all called as a camera calls its folders; "" where they are not."""
    named = list(classes)
    if not named or not all(CAMERA.fullmatch(name) for name in named):
        return ""
    shown = ", ".join(f"“{name}”" for name in named[:NAMED]) + (" …" if len(named) > NAMED else "")
    which = "The class is called" if len(named) == 1 else "The classes are called"
    return f"{which} as a camera calls its folders: {shown}. Sort the pictures into folders by what they show."


def part_of(folder: str) -> str:
    """Which of PARTS a folder is by a word in its name, such as Val, training_set, test2017 or seg_train; "" for none,
    or where several are named."""
    words = [word.removesuffix("set") for word in re.findall(r"[^\W\d_]+", as_name(folder).casefold())]
    found = {PART_NAMES[word] for word in words if word in PART_NAMES}
    return found.pop() if len(found) == 1 else ""


def parts_told(parts: Iterable[str]) -> tuple[str, ...]:
    """The sentence on how many of the pictures that are used are of which of PARTS, or, as "", of none; each is told of
    by its part. () where all are of none."""
    counts = Counter(parts)
    if not {*counts} - {""}:
        return ()
    told = ", ".join(f"{counts[part]:,} {part}" for part in PARTS if counts[part])
    unparted = f"; {counts['']:,} in none, to learn from" if counts[""] else ""
    return (f"The set comes in parts: {told}{unparted}.",)


def of_one_part(around: Iterable[str]) -> str:
    """The sentence on a set of which all lies in one folder that is called like a part, whatever is done with it; ""
    where none of the folders around it is, or they are called like the part that is learned from."""
    named = [folder for folder in around if part_of(folder) not in ("", TRAIN)]
    return f"All of the set lies in “{named[0]}”, which makes no part of it: it is taken as a whole." if named else ""
