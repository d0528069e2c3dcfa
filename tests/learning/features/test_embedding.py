import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import fingerprint
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.embedding import embed, embed_cached
from visionlab.network.inside.activations import feature_maps
from visionlab.network.zoo.loading import load_classifier


@pytest.mark.gpu
def test_features_are_the_embedding_layers_values(tiny, noise):
    images = [np.roll(noise, i, 0) for i in range(3)]
    found = embed(tiny, images)
    expected = [feature_maps(tiny, image, ["relu7"])["relu7"].values.ravel() for image in images]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.stack(expected), rtol=1e-4, atol=1e-5)


def test_progress_ends_at_the_number_of_pictures(noise):
    told = []
    assert len(embed(tiny_classifier(), [noise] * 70, lambda done, total: told.append((done, total)))) == 70
    assert told == [(32, 70), (64, 70), (70, 70)]


def test_a_picture_has_the_same_features_to_the_last_bit_in_whatever_company():
    net = load_classifier("vgg16-tinyimagenet", "cpu")
    images = pictures(33)  # the last one is a batch by itself
    whole = embed(net, images)
    for start, stop in ((0, 1), (3, 5), (32, 33), (20, 33)):
        np.testing.assert_array_equal(embed(net, images[start:stop]), whole[start:stop])


def test_no_pictures_have_no_features():
    assert embed(tiny_classifier(), []).shape[0] == 0


def pictures(count: int) -> list[np.ndarray]:
    return [np.random.default_rng(i).integers(0, 256, (64, 64, 3), dtype=np.uint8) for i in range(count)]


class Counted(list):
    """Pictures, and how often one was looked at."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)


def test_ten_more_pictures_embed_ten(tmp_path):
    net, cache = tiny_classifier(), FeatureCache(tmp_path)
    images = Counted(pictures(45))
    keys = [fingerprint(image) for image in images]
    first = embed_cached(net, images[:35], keys[:35], cache)
    assert list(first) == [(32, 35), (35, 35)]
    images.looks = 0
    second = embed_cached(net, images, keys, FeatureCache(tmp_path))
    assert list(second) == [(35, 45), (45, 45)]
    assert images.looks == 10
    np.testing.assert_allclose(second.features, embed(net, images), rtol=1e-4, atol=1e-5)
    third = embed_cached(net, images, (), cache)  # without keys, they are worked out
    assert list(third) == [(45, 45)]
    np.testing.assert_array_equal(third.features, second.features)


def test_views_networks_and_sizes_are_told_apart(tmp_path):
    net, cache, images = tiny_classifier(), FeatureCache(tmp_path), pictures(3)
    others = (
        (net, {"view": "crop"}),
        (net, {"view": "crop", "seed": 1}),
        (tiny_classifier(seed=1), {}),
        (replace(net, embedding="avgpool"), {}),
        (replace(net, transform=net.transform.at(96)), {}),
        (replace(net, embedding_side=128), {}),
        (replace(net, unit_length=True), {}),
    )
    found = []
    for here, setting in ((net, {}), *others):
        run = embed_cached(here, images, (), cache, **setting)
        assert list(run) == [(3, 3)]
        found.append(run.features.tobytes())
    assert len(set(found)) == len(found)
    flipped = embed_cached(net, images, (), cache, view="flip")
    list(flipped)
    np.testing.assert_allclose(flipped.features, embed(net, [image[:, ::-1] for image in images]), atol=1e-5)


def test_what_is_asked_wrongly_is_refused(noise):
    net = tiny_classifier()
    with pytest.raises(ParameterError, match="no view “mirror”"):
        embed_cached(net, [noise], view="mirror")
    with pytest.raises(ParameterError, match="keys of 2 pictures for 1"):
        embed_cached(net, [noise], ["a", "b"])


def test_a_picture_that_is_gone_ends_the_embedding_with_its_own_error(noise):
    class Gone(list):
        def __getitem__(self, index):
            if index == 40:
                raise DatasetError("“x.png” cannot be read.")
            return noise

        def __len__(self):
            return 64

    with pytest.raises(DatasetError, match=r"x\.png"):
        embed(tiny_classifier(), Gone())


@pytest.mark.gpu
def test_half_precision_is_near(tiny):
    images = pictures(4)
    exact, half = embed(tiny, images), embed(tiny, images, precision=torch.bfloat16)
    assert half.dtype == np.float32
    assert not np.array_equal(half, exact)
    np.testing.assert_allclose(half, exact, atol=0.05 * np.abs(exact).max())
    assert all(value.dtype == torch.float32 for value in tiny.module.parameters())


def rows(count: int, size: int = 4) -> dict[str, np.ndarray]:
    return {str(i): np.full(size, i, np.float32) for i in range(count)}


def test_the_cache_gives_back_what_it_was_given(tmp_path):
    cache = FeatureCache(tmp_path)
    cache.keep("net", rows(1203))
    found = cache.find("net", [*rows(1203), "unknown"])
    assert found.keys() == rows(1203).keys()
    assert all((value == int(name)).all() and value.dtype == np.float32 for name, value in found.items())
    assert cache.find("other", ["1"]) == {}


def test_the_cache_is_bounded_and_drops_what_was_longest_not_asked_for(tmp_path):
    cache = FeatureCache(tmp_path, limit=400_000)
    for name in ("first", "second"):
        cache.keep(name, rows(30, 1000))  # 120 kB each
    assert cache.find("first", ["0"])
    cache.keep("third", rows(30, 1000))
    assert {name for name in ("first", "second", "third") if cache.find(name, ["0"])} == {"first", "third"}
    cache.keep("huge", rows(200, 1000))
    assert not cache.find("huge", ["0"])


def test_a_damaged_or_forbidden_cache_is_no_cache(tmp_path):
    cache = FeatureCache(tmp_path)
    cache.keep("net", rows(500, 100))
    cache.path.with_name("features.sqlite-wal").unlink(missing_ok=True)
    data = bytearray(cache.path.read_bytes())
    data[: len(data) // 2] = b"x" * (len(data) // 2)
    cache.path.write_bytes(data)
    assert cache.find("net", ["1"]) == {}
    cache.keep("net", rows(3))
    assert cache.find("net", ["1"]).keys() == {"1"}, "and is a new one"
    (tmp_path / "file").write_text("no folder")
    barred = FeatureCache(tmp_path / "file")
    barred.keep("net", rows(3))
    assert barred.find("net", ["1"]) == {}


def test_who_is_turned_away_while_another_makes_the_file_tries_again(tmp_path, monkeypatch):
    """SQLite says at once that a file is locked whose journal somebody else is about to change."""
    tried, original = [], FeatureCache._attempt

    def attempt(cache, work):
        tried.append(work)
        if len(tried) < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return original(cache, work)

    monkeypatch.setattr(FeatureCache, "_attempt", attempt)
    FeatureCache(tmp_path).keep("net", rows(3))
    assert len(tried) == 3
    assert FeatureCache(tmp_path).find("net", ["1"]).keys() == {"1"}


def test_many_write_at_once(tmp_path):
    def write(number: int) -> None:
        FeatureCache(tmp_path).keep("net", {f"{number} {name}": value for name, value in rows(50).items()})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    names = [f"{number} {i}" for number in range(24) for i in range(50)]
    assert len(FeatureCache(tmp_path).find("net", names)) == len(names)
