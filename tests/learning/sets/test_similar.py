import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PILImage
from skimage import data as photographs

from visionlab.imaging.image import load_image
from visionlab.learning.sets import similar
from visionlab.learning.sets.similar import (
    CROPPED_FROM,
    CROPS,
    FAR,
    NEAR,
    SMALL,
    grouped,
    hashes,
    in_small,
    joined,
    near_pairs,
)

PHOTOGRAPHS = {
    name: load_image(np.ascontiguousarray(getattr(photographs, name)())) for name in ("astronaut", "chelsea", "coffee")
}


def distance(one, other):
    return (int(one) ^ int(other)).bit_count()


def jpeg(image, quality):
    file = io.BytesIO()
    PILImage.fromarray(image).save(file, "JPEG", quality=quality)
    return load_image(file.getvalue())


CHANGES = {
    "jpeg": lambda image: jpeg(image, 30),
    "half": lambda image: np.asarray(PILImage.fromarray(image).reduce(2)),
    "dark": lambda image: (image * 0.7).astype(np.uint8),
    "shift": lambda image: image[4:, 4:],
    "noise": lambda image: np.clip(image + np.random.default_rng(0).normal(0, 10, image.shape), 0, 255).astype(
        np.uint8
    ),
    "tilt": lambda image: np.asarray(PILImage.fromarray(image).rotate(1)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_that_was_changed_a_little_stays_near(name, change):
    image = PHOTOGRAPHS[name]
    changed = np.ascontiguousarray(CHANGES[change](image))
    assert distance(hashes(image)[0], hashes(changed)[0]) <= NEAR


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_second_hash_is_that_of_the_mirror_image(name):
    image = PHOTOGRAPHS[name]
    there, mirrored = hashes(image), hashes(image[:, ::-1].copy())
    assert distance(there[1], mirrored[0]) == distance(there[0], mirrored[1]) == 0
    assert distance(there[0], there[1]) > NEAR


def test_other_photographs_are_far():
    found = [hashes(image)[0] for image in PHOTOGRAPHS.values()]
    assert min(distance(found[i], found[j]) for i in range(3) for j in range(i)) > NEAR


def test_hashes_are_those_of_imagehash():
    import imagehash

    image = PHOTOGRAPHS["chelsea"][:200, :200]  # small enough not to be shrunk first
    expected = str(imagehash.phash(PILImage.fromarray(image)))
    assert f"{hashes(image)[0]:016x}" == expected
    assert hashes(image).dtype == np.uint64
    assert hashes(image).shape == (1 + len(CROPS),)


def alike(count):
    """So many pictures in small that all look the same, so that hashes alone decide."""
    return np.broadcast_to(np.arange(SMALL, dtype=np.uint8)[:, None], (count, SMALL, SMALL))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12), st.lists(st.integers(0, 63), max_size=12))
def test_groups_are_the_components_of_what_is_near(values, flips):
    values += [value ^ (1 << bit) for value, bit in zip(values, flips, strict=False)]
    both = np.array([values, values], np.uint64).T.reshape(-1, 2)
    names = [str(place) for place in range(len(values))]
    found = grouped(names, both, alike(len(values)), np.ones(len(values), bool))
    expected = list(range(len(values)))
    for _ in values:  # the least index spreads along every near pair
        expected = [
            min(expected[j] for j in range(len(values)) if distance(values[i], values[j]) <= NEAR)
            for i in range(len(values))
        ]
    assert found.tolist() == expected
    assert found.dtype == np.int64


def test_what_is_near_by_its_hash_alone_is_no_copy():
    both, small = np.zeros((3, 2), np.uint64), alike(3).copy()
    small[1] = small[1].T
    assert grouped("abc", both, small, np.ones(3, bool)).tolist() == [0, 1, 0]
    assert grouped("aac", both, small, np.zeros(3, bool)).tolist() == [0, 0, 1]  # looked for in none, but copies


@pytest.mark.parametrize("change", [*CHANGES, "mirror"])
def test_a_photograph_that_was_changed_a_little_shares_a_group(change):
    first = list(PHOTOGRAPHS.values())
    changes = CHANGES | {"mirror": lambda image: image[:, ::-1]}
    images = [*first, *(np.ascontiguousarray(changes[change](image)) for image in first)]
    both, small = (np.stack([look(image) for image in images]) for look in (hashes, in_small))
    assert grouped("abcdef", both, small, np.ones(6, bool)).tolist() == [0, 1, 2, 0, 1, 2]


CUT = {  # from the left, the right, the top, the bottom
    "5 % at a corner": (0.05, 0, 0, 0.05),
    "5 % around": (0.05, 0.05, 0.05, 0.05),
    "5 % anywhere": (0.013, 0.037, 0.031, 0.019),
    "10 % at a side": (0, 0.1, 0, 0),
    "10 % anywhere": (0.04, 0.06, 0.06, 0.04),
}


def cut(image, left, right, top, bottom):
    height, width = image.shape[:2]
    rows = slice(round(top * height), height - round(bottom * height))
    return jpeg(np.ascontiguousarray(image[rows, round(left * width) : width - round(right * width)]), 85)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("shares", CUT)
def test_a_crop_shares_the_group_of_its_picture_whichever_came_first(shares, first, mirrored):
    crops = [cut(image, *CUT[shares])[:, :: -1 if mirrored else 1].copy() for image in PHOTOGRAPHS.values()]
    images = [*crops, *PHOTOGRAPHS.values()] if first else [*PHOTOGRAPHS.values(), *crops]
    found, small = (np.stack([look(image) for image in images]) for look in (hashes, in_small))
    assert grouped("abcdef", found, small, np.arange(6) >= 3).tolist() == [0, 1, 2, 0, 1, 2]


def test_of_drawings_which_are_all_near_a_bounded_number_is_looked_at(monkeypatch):
    asked = []
    monkeypatch.setattr(similar, "is_crop", lambda *_: bool(asked.append(None)))
    monkeypatch.setattr(similar, "MOST", 20)
    found = np.zeros((30, 1 + len(CROPS)), np.uint64)
    found[:, :2] = 2**20 - 1  # too far as wholes, and near as crops
    found[::2, :2] = 0
    grouped([str(number) for number in range(30)], found, alike(30) * 0, np.ones(30, bool))
    assert len(asked) == 20


def test_parts_of_one_scene_that_are_not_the_same_are_no_copies():
    image = PHOTOGRAPHS["coffee"]
    images = [image, *(image[100 * n : 100 * n + 200, 120 * n : 120 * n + 240].copy() for n in range(3))]
    found, small = (np.stack([look(each) for each in images]) for look in (hashes, in_small))
    assert grouped("abcd", found, small, np.ones(4, bool)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (47, 60), (48, 60)])
def test_crops_of_pictures_of_any_shape(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    images = [np.full((*shape, 3), 90, np.uint8), noise, 255 - noise]
    found, small = (np.stack([look(each) for each in images]) for look in (hashes, in_small))
    assert grouped("abc", found, small, np.ones(3, bool)).tolist() == [0, 1, 2]
    near = np.bitwise_count(found[:, 2:] ^ found[:, :1])
    assert (near.min() > FAR) == (min(shape) < CROPPED_FROM), "of small ones crops are not looked for"


def test_digits_and_flat_pictures_are_no_copies_of_one_another():
    from sklearn.datasets import load_digits

    found = load_digits()
    images = [np.repeat(image.astype(np.uint8)[..., None] * 15, 3, 2) for image in found.images[:400]]
    images += [np.full((9, 9, 3), level, np.uint8) for level in range(0, 250, 50)]
    both, small = (np.stack([look(image) for image in images]) for look in (hashes, in_small))
    groups = grouped([str(n) for n in range(405)], both, small, np.ones(405, bool))
    for group in set(groups[:400].tolist()):
        assert len(set(found.target[:400][groups[:400] == group].tolist())) == 1
    assert len(set(groups[400:].tolist())) == 5


def test_pairs_are_the_same_however_small_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2**64, (2, 40), dtype=np.uint64)
    [whole] = near_pairs(first, second, 28)
    monkeypatch.setattr(similar, "BLOCK", 100)
    blocks = list(near_pairs(first, second, 28))
    assert len(blocks) == 20
    assert np.concatenate(blocks).tolist() == whole.tolist()
    expected = [[i, j] for i in range(40) for j in range(40) if distance(first[i], second[j]) <= 28]
    assert whole.tolist() == expected
    assert expected


def test_thousands_of_frames_of_one_scene_are_one_group_in_bounded_memory():
    frames, small, all_of_them = np.full((3000, 2), 2**63 + 5, np.uint64), alike(3000), np.ones(3000, bool)
    names = [str(number) for number in range(3000)]
    grouped(names[:2], frames[:2], small[:2], all_of_them[:2])  # what is slow to import is then there
    tracemalloc.start()
    assert not grouped(names, frames, small, all_of_them).any()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6  # all pairs at once: over 140 MB, and as much again for the graph


def test_groups_that_were_there_are_joined_whole():
    groups = np.array([7, 7, 3, 9, 9, 5])
    assert joined(groups, np.array([[1, 2]])).tolist() == [3, 3, 3, 9, 9, 5]
    assert joined(groups, np.array([[0, 3], [5, 4]])).tolist() == [5, 5, 3, 5, 5, 5]
    assert joined(groups, np.zeros((0, 2), np.int64)).tolist() == groups.tolist()
