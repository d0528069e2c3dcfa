"""What the tests of the shell share: weights as a fresh clone has them, and a picture in a file."""

import pytest

import visionlab as vl
from visionlab.imaging.image import encode_png


@pytest.fixture(autouse=True, scope="module")  # also for what is trained once for all tests
def fresh_clone(built_in_alone):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
        yield


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(encode_png(vl.load_sample("cat")))
    return path
