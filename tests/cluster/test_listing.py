"""Pictures by their addresses: here, in an object store that speaks S3's and Google's protocols, and in fsspec's."""

import fsspec
import pytest

import visionlab as vl
from visionlab.cluster import listing
from visionlab.cluster.listing import Named
from visionlab.errors import DatasetError, ImageError

FILES = ("a/1.png", "a/2.JPG", "a/deep/3.png", "b/4.png", "b/.hidden.png", "b/notes.txt")


@pytest.fixture(params=["here", "file://", "memory://", "s3://", "gs://anonymous@"])
def root(request, tmp_path, noise):
    """A folder of pictures, by a path or an address."""
    if request.param == "memory://":
        system = fsspec.filesystem("memory")
        for name in FILES:
            system.pipe(f"/{tmp_path.name}/{name}", vl.encode_png(noise))
        yield f"memory:///{tmp_path.name}"
        system.rm(f"/{tmp_path.name}", recursive=True)
        return
    inside = request.param in ("s3://", "gs://anonymous@")
    folder = request.getfixturevalue("buckets") / "museum" / tmp_path.name if inside else tmp_path
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(vl.encode_png(noise))
    yield f"{request.param}museum/{tmp_path.name}" if inside else f"{request.param.removeprefix('here')}{tmp_path}"


def names(root, *patterns):
    found = list(listing.listed(f"{root}/{pattern}" if pattern else root for pattern in patterns))
    assert all(each.address.startswith(f"{root}/") for each in found)
    return [each.address.removeprefix(f"{root}/") for each in found if each.picture]


def test_a_folder_gives_its_pictures_by_their_endings(root):
    assert sorted(names(root, "")) == ["a/1.png", "a/2.JPG", "a/deep/3.png", "b/4.png"]
    assert names(root, "") == names(root, "")


def test_a_file_that_is_no_picture_by_its_ending_is_listed_and_says_why(root):
    [other] = (each for each in listing.listed([root]) if not each.picture)
    assert other.address == f"{root}/b/notes.txt"
    with pytest.raises(ImageError, match=r"^By its ending it is no picture\.$"):
        listing.load(other)
    with pytest.raises(DatasetError, match="holds no picture"):
        list(listing.listed([f"{root}/b/*.txt"]))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*/*.png", ["a/1.png", "b/4.png"]),
        ("**/*.png", ["a/1.png", "a/deep/3.png", "b/4.png"]),
        ("a/[12].*", ["a/1.png", "a/2.JPG"]),
        ("?/4.png", ["b/4.png"]),
    ],
)
def test_a_glob_gives_what_is_as_it_has_it(root, pattern, expected):
    assert sorted(names(root, pattern)) == expected


def test_what_is_named_itself_is_one_and_can_be_read(root, noise):
    assert names(root, "a/1.png", "b/4.png") == ["a/1.png", "b/4.png"]
    assert (listing.load(Named(f"{root}/a/1.png")) == noise).all()


def test_where_nothing_is_that_is_told(root):
    with pytest.raises(DatasetError, match=r"holds no picture|There is nothing at"):
        list(listing.listed([f"{root}/a/*.gif"]))
    with pytest.raises(ImageError):
        listing.load(Named(f"{root}/none.png"))


def test_an_unknown_kind_of_address_is_told():
    with pytest.raises(DatasetError, match=r"^magic://place cannot be opened"):
        list(listing.listed(["magic://place/photos"]))


def test_what_a_store_refuses_is_told_in_its_words_and_one_line(buckets, tmp_path):
    folder = buckets / "museum" / tmp_path.name
    folder.mkdir(parents=True)
    (folder / "refused.png").touch()
    [named] = listing.listed([f"s3://museum/{tmp_path.name}"])
    with pytest.raises(ImageError, match=r"^The file cannot be read \(.*ACCESS_DENIED") as refused:
        listing.load(named)
    assert len(str(refused.value)) <= listing.LONGEST_REASON + 30
    with pytest.raises(DatasetError, match=r"^“s3://refused” cannot be looked into \(.*ACCESS_DENIED"):
        list(listing.listed(["s3://refused"]))
