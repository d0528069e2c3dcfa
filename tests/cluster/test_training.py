"""A head on features that a cluster computed is that of one process: in memory to the last digit, and streamed."""

import numpy as np
import pytest
from cli.shell import run

import visionlab as vl

pytest.importorskip("ray", reason="Ray is not installed: make test-cluster brings it")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of thirty, with a copy, a picture that is in both, and a file that is no picture."""
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for name, tint in {"red": (60, 0, 0), "grey": (0, 0, 0)}.items():
        (root / name).mkdir()
        for number in range(30):
            image = (rng.integers(0, 190, (60, 64, 3)) + tint).astype(np.uint8)
            (root / name / f"{number:02}.png").write_bytes(vl.encode_png(image))
    (root / "red" / "copy.png").write_bytes((root / "red" / "03.png").read_bytes())
    (root / "red" / "both.png").write_bytes((root / "grey" / "07.png").read_bytes())
    (root / "red" / "none.png").write_bytes(b"no picture")
    return root


def head_of(folder, out, net, *options):
    with pytest.raises(SystemExit) as ended:  # one picture cannot be read
        run("train", folder, "-o", out, "--model", net.name, "--seed", "5", *options)
    assert ended.value.code == 1
    return vl.load_head(out)


def test_the_head_is_that_of_one_process(cluster, net, folder, tmp_path):
    expected = head_of(folder, tmp_path / "one.safetensors", net)
    features = vl.training.fit(vl.LabelledImages.from_folder(folder), net, seed=5)
    list(features)
    there = ("--cluster", cluster.address, "--cpus", "0.4", "--shards", tmp_path / "shards")
    whole = head_of(folder, tmp_path / "two.safetensors", net, *there)
    streamed = head_of(f"file://{folder}", tmp_path / "three.safetensors", net, *there[:4], "--streamed")
    assert whole.facts == expected.facts
    assert expected.facts["pictures"] == {"grey": 29, "red": 30}, "the copy counts once"
    np.testing.assert_array_equal(whole.learned.keys, expected.learned.keys)
    for ours in (whole, streamed):
        assert ours.classes == expected.classes
        assert ours.facts["pictures"] == expected.facts["pictures"]
        np.testing.assert_allclose(ours.logits(features.features), expected.logits(features.features), atol=1e-4)
    assert (tmp_path / "three.features" / "job.json").is_file()
