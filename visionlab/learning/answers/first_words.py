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

from visionlab.network.files import reading, weights
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Prediction
from visionlab.network.zoo.imagenet import WORDNET_IDS
from visionlab.network.zoo.models import MODELS


def _kinds(*ids: str) -> tuple[str, ...]:
    """The ids; “n1–n2” stands for all of ImageNet's classes from n1 to n2, which WordNet numbers kind by kind."""
    found: list[str] = []
    for each in ids:
        first, _, last = each.partition("–")
        start = WORDNET_IDS.index(first)
        found += WORDNET_IDS[start : WORDNET_IDS.index(last or first) + 1]
    return tuple(found)


_CARS = _kinds(
    "n02701002", "n02814533", "n02930766", "n03100240", "n03594945", "n03670208", "n03770679", "n03777568", "n04037443",
    "n04285008",
)  # fmt: skip
_CATS = _kinds("n02123045–n02124075")
_COMPUTERS = _kinds("n03180011", "n03485407", "n03642806", "n03832673")
_DOGS = _kinds("n02085620–n02113978")
_INSECTS = _kinds("n02165105–n02281787")
_PHONES = _kinds("n02992529", "n03187595", "n03902125")
_PLANES = _kinds("n02690373", "n04552348")
_SHOPS = _kinds(
    "n02776631", "n02791270", "n02871525", "n02927161", "n03089624", "n03461385", "n04200800", "n04443257", "n04462240"
)
_TRUCKS = _kinds("n03345487", "n03417042", "n03796401", "n03930630", "n03977966", "n04461696", "n04467665")
_TURTLES = _kinds("n01664065–n01669191")

# Everyday words in the singular → the WordNet 3.0 ids of what they cover among ImageNet's thousand classes, itself or
# its hyponyms; the built-in network's are among them. A word that is here is not looked for in the labels.
EVERYDAY: dict[str, tuple[str, ...]] = {
    "aeroplane": _PLANES,
    "airplane": _PLANES,
    "ape": _kinds("n02480495–n02483708"),
    "atm": _kinds("n02977058"),
    "automobile": _CARS,
    "bag": _kinds("n02769748", "n03709823", "n03958227", "n04026417"),
    "ball": _kinds(
        "n02799071–n02802426", "n03134739", "n03445777", "n03942813", "n04118538", "n04254680", "n04409515", "n04540053"
    ),
    "bicycle": _kinds("n02835271", "n03792782"),
    "big cat": _kinds("n02125311", "n02128385–n02130308"),
    "bike": _kinds("n02835271", "n03785016", "n03791053–n03792782"),
    "bird": _kinds("n01514668–n01622779", "n01795545–n01860187", "n02002556–n02058221"),
    "boat": _kinds(
        "n02951358", "n02981792", "n03344393", "n03447447", "n03662601", "n04147183", "n04273569", "n04483307",
        "n04612504",
    ),
    "bridge": _kinds("n04311004", "n04366367", "n04532670"),
    "buffalo": _kinds("n02408429–n02410509"),
    "bug": _INSECTS,
    "bus": _kinds("n03769881", "n04146614", "n04487081"),
    "butterfly": _kinds("n02276258–n02281787"),
    "car": _CARS,
    "cat": _CATS,
    "chimp": _kinds("n02481823"),
    "coffee": _kinds("n07920052"),
    "computer": _COMPUTERS,
    "cow": _kinds("n02403003"),
    "dog": _DOGS,
    "doggy": _DOGS,
    "duck": _kinds("n01847000–n01855032"),
    "fish": _kinds("n01440764–n01498041", "n02514041–n02655020"),
    "fridge": _kinds("n04070727"),
    "frog": _kinds("n01641577–n01644900"),
    "fruit": _kinds("n07742313–n07768694"),
    "glasses": _kinds("n04355933–n04356056"),
    "hat": _kinds("n02869837", "n03124170", "n04259630"),
    "horse": _kinds("n02389026"),
    "insect": _INSECTS,
    "kitten": _CATS,
    "kitty": _CATS,
    "ladybird": _kinds("n02165456"),
    "lighthouse": _kinds("n02814860"),
    "lizard": _kinds("n01675722–n01695060"),
    "lorry": _TRUCKS,
    "monkey": _kinds("n02484975–n02494079"),
    "motorbike": _kinds("n03785016", "n03791053"),
    "motorcycle": _kinds("n03785016", "n03791053"),
    "mountain": _kinds("n09193705", "n09472597"),
    "pail": _kinds("n02909870"),
    "pan": _kinds("n03400231", "n04596742"),
    "phone": _PHONES,
    "piano": _kinds("n03452741", "n04515003"),
    "pie": _kinds("n07875152"),
    "pig": _kinds("n02395406–n02397096"),
    "plane": _kinds("n02690373", "n03954731", "n04552348"),
    "popsicle": _kinds("n07615774"),
    "pot": _kinds("n02939185", "n03063689", "n03133878", "n03991062", "n04398044"),
    "puppy": _DOGS,
    "rabbit": _kinds("n02325366–n02328150"),
    "rickshaw": _kinds("n03599486"),
    "shark": _kinds("n01484850–n01494475"),
    "sheep": _kinds("n02412080–n02415577"),
    "ship": _kinds("n02687172", "n03095699", "n03673027", "n03947888", "n04147183"),
    "shoe": _kinds("n03047690", "n03124043", "n03680355", "n04120489", "n04133789"),
    "shop": _SHOPS,
    "skirt": _kinds("n03534580", "n03770439", "n03866082", "n04136333"),
    "snake": _kinds("n01728572–n01756291"),
    "spider": _kinds("n01773157–n01775062"),
    "store": _SHOPS,
    "sweater": _kinds("n02963159", "n04370456"),
    "swimsuit": _kinds("n02837789", "n03710637–n03710721", "n04371430"),
    "table": _kinds("n03179701", "n03201208", "n03982430"),
    "teddy bear": _kinds("n04399382"),
    "telephone": _PHONES,
    "tortoise": _TURTLES,
    "tower": _kinds("n02814860", "n04562935"),
    "train": _kinds("n02917067", "n03272562", "n03393912", "n03895866", "n04310018"),
    "truck": _TRUCKS,
    "tub": _kinds("n02808440", "n04493381"),
    "turtle": _TURTLES,
    "vegetable": _kinds("n07714571–n07734744"),
    "watch": _kinds("n03197337", "n04328186"),
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
    """Graded pictures; `score` of them are right, of the `of` whose word is one for the network."""

    graded: tuple[Graded, ...]

    @property
    def score(self) -> int:
        return sum(each.right for each in self.graded)

    @property
    def of(self) -> int:
        return sum(bool(each.accepted) for each in self.graded)


def grade_predictions(net: Classifier, answers: Sequence[tuple[str, Sequence[Prediction]]], top: int = 1) -> Sheet:
    """Grade (word, predictions) pairs: right is where one of the first `top`, the most probable, is a kind of it."""
    graded = []
    for word, predictions in answers:
        accepted, said = accepted_labels(net, word), tuple(predictions[:top])
        graded.append(Graded(word, said, accepted, any(found.label in accepted for found in said)))
    return Sheet(tuple(graded))


def accepted_labels(net: Classifier, word: str) -> tuple[str, ...]:
    """The labels of the network that are right for a word, in their order.

    Where its classes' WordNet ids are known and EVERYDAY has the word, that decides. Otherwise it is the
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
    """{label: WordNet id} as the network's entry or its file has them; empty where neither has."""
    model = MODELS.get(net.name)
    if model and model.wordnet_ids:
        return dict(zip(net.labels, model.wordnet_ids, strict=True))
    path = weights.find(model.files[-1]) if model and model.labels is None else None
    return _ids_in(path) if path else {}


@lru_cache(maxsize=2)
def _ids_in(path: Path) -> dict[str, str]:
    _, metadata = reading.read(path)
    return dict(zip(json.loads(metadata["labels"]), json.loads(metadata.get("wnids", "[]")), strict=False))
