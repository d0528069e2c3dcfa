"""The shell's filter."""

import numpy as np
import pytest
from cli.shell import run
from PIL import Image as PillowImage

import visionlab as vl
from visionlab.imaging.image import fit


def test_filter_writes_the_chains_picture_and_its_code(picture, tmp_path):
    out = tmp_path / "out.png"
    code = run("filter", picture, out, "gaussian_blur:sigma=2", "canny:low=40,high=120", "--code")
    image = vl.load_image(picture)
    chain = vl.Pipeline([("gaussian_blur", {"sigma": 2}), ("canny", {"low": 40, "high": 120})])
    np.testing.assert_array_equal(vl.load_image(out), chain.run(image))
    assert "def pipeline" in code


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.WebP", "WEBP"), ("a.tif", "TIFF"), ("a.png", "PNG")])
def test_filter_writes_what_the_name_says(picture, tmp_path, name, kind):
    run("filter", picture, tmp_path / name, "invert")
    with PillowImage.open(tmp_path / name) as written:
        assert written.format == kind
    off = np.abs(vl.load_image(tmp_path / name).astype(int) - (255 - vl.load_image(picture).astype(int)))
    assert off.mean() < 4 if kind in ("JPEG", "WEBP") else off.max() == 0


def test_filter_shrinks_first_where_it_is_asked_to(picture, tmp_path):
    out, chain = tmp_path / "out.png", vl.Pipeline([("gaussian_blur", {"sigma": 2.0}), ("invert", {})])
    code = run("filter", picture, out, "gaussian_blur:sigma=2", "invert", "--fit", 100, "--code")
    np.testing.assert_array_equal(vl.load_image(out), chain.run(fit(vl.load_image(picture), 100)))
    assert code == chain.to_python(100) + "\n"
    with pytest.raises(vl.ParameterError, match="--fit is 0; it must be 1 or more"):
        run("filter", picture, out, "invert", "--fit", 0)


def test_filter_takes_a_chain_that_the_app_saved(picture, tmp_path):
    out, chain = tmp_path / "out.png", tmp_path / "chain.json"
    saved = vl.Pipeline([("gaussian_blur", {"sigma": 2}), ("canny", {}), ("invert", {})], off={1})
    chain.write_text(saved.to_json())
    run("filter", picture, out, "--chain", chain, "grey")
    image = vl.load_image(picture)
    expected = vl.Pipeline([("gaussian_blur", {"sigma": 2}), ("invert", {}), ("grey", {})]).run(image)
    np.testing.assert_array_equal(vl.load_image(out), expected)
