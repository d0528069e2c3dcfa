"""First words: pictures graded by the words that a child would say, where the network may know kinds of the thing.

A network says “Egyptian cat”; that is right for “cat”. EVERYDAY holds what spelling cannot tell, such as that a
Chihuahua is a dog and a guinea pig no pig.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

from visionlab.imaging.image import Image
from visionlab.network import weights
from visionlab.network.classifier import Classifier, Prediction, predict
from visionlab.network.models import MODELS

_CARS = ("n02814533", "n03100240", "n03670208", "n04285008")
_CATS = ("n02123045", "n02123394", "n02124075")
_DOGS = ("n02085620", "n02094433", "n02099601", "n02099712", "n02106662", "n02113799")
_INSECTS = (
    "n02165456", "n02190166", "n02206856", "n02226429", "n02231487", "n02233338", "n02236044", "n02268443", "n02279972",
    "n02281406",
)  # fmt: skip
_SHOPS = ("n02791270", "n02927161", "n03089624")
_TRUCKS = ("n03796401", "n03977966")

# Everyday words in the singular → the WordNet 3.0 ids of what they cover among the built-in network's classes, itself
# or its hyponyms. A word that is here is not looked for in the labels.
EVERYDAY: dict[str, tuple[str, ...]] = {
    "ape": ("n02480495", "n02480855", "n02481823"),
    "atm": ("n02977058",),
    "automobile": _CARS,
    "bag": ("n02769748",),
    "ball": ("n02802426", "n04118538", "n04540053"),
    "big cat": ("n02125311", "n02129165"),
    "bird": ("n01855672", "n02002724", "n02056570", "n02058221"),
    "boat": ("n03447447", "n03662601"),
    "bridge": ("n04311004", "n04366367", "n04532670"),
    "buffalo": ("n02410509",),
    "bug": _INSECTS,
    "bus": ("n04146614", "n04487081"),
    "butterfly": ("n02279972", "n02281406"),
    "car": _CARS,
    "cat": _CATS,
    "chimp": ("n02481823",),
    "coffee": ("n07920052",),
    "cow": ("n02403003",),
    "dog": _DOGS,
    "doggy": _DOGS,
    "fish": ("n01443537",),
    "fridge": ("n04070727",),
    "fruit": ("n07747607", "n07749582", "n07753592", "n07768694"),
    "glasses": ("n04356056",),
    "hat": ("n04259630",),
    "insect": _INSECTS,
    "kitten": _CATS,
    "kitty": _CATS,
    "ladybird": ("n02165456",),
    "lighthouse": ("n02814860",),
    "lorry": _TRUCKS,
    "monkey": ("n02486410",),
    "mountain": ("n09193705",),
    "pail": ("n02909870",),
    "pan": ("n03400231", "n04596742"),
    "pie": ("n07875152",),
    "pig": ("n02395406",),
    "popsicle": ("n07615774",),
    "pot": ("n04398044",),
    "puppy": _DOGS,
    "rickshaw": ("n03599486",),
    "sheep": ("n02415577",),
    "shoe": ("n04133789",),
    "shop": _SHOPS,
    "skirt": ("n03770439",),
    "snake": ("n01742172",),
    "spider": ("n01774384", "n01774750"),
    "store": _SHOPS,
    "sweater": ("n02963159",),
    "swimsuit": ("n02837789", "n04371430"),
    "table": ("n03179701", "n03201208"),
    "teddy bear": ("n04399382",),
    "telephone": ("n03902125",),
    "tower": ("n02814860", "n04562935"),
    "truck": _TRUCKS,
    "tub": ("n02808440",),
    "vegetable": ("n07715103", "n07720875", "n07734744"),
}  # fmt: skip

IRREGULAR = {"geese": "goose", "mice": "mouse", "oxen": "ox", "wolves": "wolf"}
WORDNET_ID = re.compile(r"(?<![^\W_])n\d{8}(?!\d)")
CAMERAS = {"dsc", "dscf", "dscn", "image", "img", "photo", "pic", "picture", "pxl", "screenshot"}  # and no words


@dataclass(frozen=True)
class Graded:
    """A picture's word, what the network said (most probable first), which of its labels would have been right for that
    word (none where it has no such class), and whether one of them is among what it said.
    """

    word: str
    predictions: tuple[Prediction, ...]
    accepted: tuple[str, ...]
    right: bool


@dataclass(frozen=True)
class Sheet:
    """Graded pictures; score is how many of them are right."""

    graded: tuple[Graded, ...]

    @property
    def score(self) -> int:
        return sum(each.right for each in self.graded)


def grade(net: Classifier, pictures: Sequence[tuple[str, Image]], top: int = 1) -> Sheet:
    """Grade (word, picture) pairs: right is where one of the `top` most probable classes is a kind of the word.

    Raises ParameterError where top is below 1.
    """
    answers = predict(net, [image for _, image in pictures], top)
    return grade_predictions(net, [(word, found) for (word, _), found in zip(pictures, answers, strict=True)], top)


def grade_predictions(net: Classifier, answers: Sequence[tuple[str, Sequence[Prediction]]], top: int = 1) -> Sheet:
    """The same for (word, predictions) pairs that are there already, of which the first `top` count."""
    graded = []
    for word, predictions in answers:
        accepted, said = accepted_labels(net, word), tuple(predictions[:top])
        graded.append(Graded(word, said, accepted, any(found.label in accepted for found in said)))
    return Sheet(tuple(graded))


def accepted_labels(net: Classifier, word: str) -> tuple[str, ...]:
    """The labels of the network that are right for a word, in their order.

    Where the network's file knows its classes' WordNet ids and EVERYDAY the word, that decides. Otherwise it is the
    labels that are the word or end with it (“school bus” for “bus”, but not “spider web” for “spider”), whatever their
    case, singular or plural, underscores as spaces.
    """
    singular = _singular(word)
    ids = _wordnet_ids(net)
    if ids and singular in EVERYDAY:
        return tuple(label for label in net.labels if ids.get(label) in EVERYDAY[singular])
    return tuple(label for label in net.labels if f" {_singular(label)}".endswith(f" {singular}"))


def word_of(path: str | os.PathLike[str]) -> str:
    """The word that a picture's path gives, in the singular: “dog_3.jpg” → “dog”, “cats/1.png” → “cat”.

    It is the file's name without numbers and WordNet ids (n02123045); the folder's, where that leaves nothing or what a
    camera writes (IMG_1234); and empty where there is none.
    """
    path = PurePath(path)
    for name in (path.stem, path.parent.name):
        spelt = WORDNET_ID.sub(" ", name)
        words = [word for word in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", spelt) if word.casefold() not in CAMERAS]
        if words:
            return _singular(" ".join(words))
    return ""


def _singular(name: str) -> str:
    """Case-folded, underscores and hyphens as spaces, the last word in the singular as far as spelling tells."""
    *before, last = re.sub(r"[\s_-]+", " ", name.casefold()).strip().split(" ")
    regular = last
    if last.endswith("s") and len(last) > 3 and not last.endswith(("ss", "us", "is")):
        regular = re.sub(r"(?<=ch|sh|ss)es$|(?<=[ox])es$|s$", "", re.sub(r"(?<=..)ies$", "ys", last))
    forms = (last, last.removesuffix("s"), last.removesuffix("es"), IRREGULAR.get(last, regular))
    phrases = [" ".join([*before, form]) for form in forms]
    known = (phrase for form, phrase in zip(forms, phrases, strict=True) if {form, phrase} & EVERYDAY.keys())
    return next(known, phrases[-1])


def _wordnet_ids(net: Classifier) -> dict[str, str]:
    """{label: WordNet id} as the network's file has them; empty where it has none."""
    model = MODELS.get(net.name)
    path = weights.find(model.file) if model and model.labels is None else None
    return _ids_in(path) if path else {}


@lru_cache(maxsize=2)
def _ids_in(path: Path) -> dict[str, str]:
    _, metadata = weights.read(path)
    return dict(zip(json.loads(metadata["labels"]), json.loads(metadata.get("wnids", "[]")), strict=False))
