"""Very many pictures over Ray Data: what one process says of each, whatever is killed meanwhile, and nothing twice."""

import json
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from cli.shell import outcome
from cluster_heads import head_on

import visionlab as vl
from visionlab.cli.cluster import sharded
from visionlab.errors import ParameterError
from visionlab.learning.answers.many import Found, Source, predict_many
from visionlab.learning.features.embedding import embed

many = pytest.importorskip("visionlab.cluster.many", reason="Ray is not installed: make test-cluster brings it")

import ray  # noqa: E402 - without Ray it is skipped by now

from visionlab.cluster import joining, listing  # noqa: E402 - without Ray it is skipped by now
from visionlab.cluster.shards import Shards  # noqa: E402
from visionlab.cluster.sizing import Size  # noqa: E402

COUNT = 40
SIZE = Size(1, 2, processors=0.4)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of pictures in two folders, and one file that is none."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(COUNT):
        image = np.random.default_rng(number).integers(0, 256, (40 + number, 60, 3), dtype=np.uint8)
        place = root / "ab"[number % 2] / f"{number:03}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(vl.encode_png(image))
    (root / "b" / "none.png").write_bytes(b"no picture")
    return root


def done(name, names, folder, size=SIZE, ending=".parquet", **settings):
    """The steps of a job, as they come."""
    work = many.Work(name, **settings)
    shards = many.begun(work, listing.listed(map(str, names)), {"addresses": [*map(str, names)]}, folder, ending, 16)
    return many.run(work, shards, size)


def test_every_row_is_what_one_process_says(cluster, net, pictures, tmp_path):
    steps = list(done(net.name, [pictures], tmp_path / "out", kind="predict", top=3))
    assert steps[0] == many.Step(0, COUNT + 1)
    assert steps[-1] == many.Step(COUNT + 1, COUNT + 1)
    rows = [row for table in Shards(tmp_path / "out", ".parquet", COUNT + 1, 16).tables() for row in table.to_pylist()]
    names = [str(path) for folder in "ab" for path in sorted((pictures / folder).iterdir())]
    assert [row["file"] for row in rows] == names
    expected = predict_many(net, [Source(name, lambda name=name: vl.load_image(name)) for name in names], 3)
    for row, each in zip(rows, expected, strict=True):
        if isinstance(each, Found):
            assert [row[f"answer_{place}"] for place in (1, 2, 3)] == [said.label for said in each.predictions]
            ours = [row[f"probability_{place}"] for place in (1, 2, 3)]
            assert ours == pytest.approx([said.probability for said in each.predictions], abs=1e-6)
            assert row["problem"] is None
        else:
            assert row["problem"] == each.why


def test_csv_shards_are_those_of_predict(cluster, net, pictures, tmp_path):
    head = head_on(net)
    asked = {"kind": "predict", "head": head.to_bytes(), "top": 2}
    list(done(net.name, [f"file://{pictures}/a/*0.png"], tmp_path / "out", ending=".csv", **asked))
    lines = (tmp_path / "out" / "part-000000.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,refused,distance,limit,answer_1,probability_1,answer_2,probability_2,problem"
    assert lines[1].startswith(f"file://{pictures}/a/000.png,")
    assert len(lines) == 1 + COUNT // 10


def test_pictures_come_from_object_stores_to_every_node(cluster, net, pictures, buckets, tmp_path):
    shutil.copytree(pictures / "a", buckets / "museum" / tmp_path.name)
    places = [f"{bucket}/{tmp_path.name}" for bucket in ("s3://museum", "gs://anonymous@museum")]
    list(done(net.name, places, tmp_path / "out", kind="predict", top=1))
    rows = [row for table in Shards(tmp_path / "out", ".parquet", COUNT, 16).tables() for row in table.to_pylist()]
    here = sorted((pictures / "a").iterdir())
    assert [row["file"] for row in rows] == [f"{place}/{each.name}" for place in places for each in here]
    expected = [said[0].probability for said in vl.predict(net, [vl.load_image(path) for path in here], top=1)]
    assert [row["probability_1"] for row in rows] == pytest.approx(expected * 2, abs=1e-6)


def test_features_are_those_of_one_process(cluster, net, pictures, tmp_path):
    shards = tmp_path / "out"
    list(done(net.name, [pictures / "a"], shards, kind="embed"))
    rows = [row for table in Shards(shards, ".parquet", COUNT // 2, 16).tables() for row in table.to_pylist()]
    expected = embed(net, [vl.load_image(row["file"]) for row in rows])
    np.testing.assert_allclose([row["features"] for row in rows], expected, atol=1e-6, rtol=1e-5)


def test_what_was_stopped_goes_on_where_it_was(cluster, net, pictures, tmp_path):
    out = tmp_path / "out"
    running = done(net.name, [pictures], out, kind="embed")
    while next(running).done < 32:
        pass
    running.close()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert len(kept) == 2
    min(kept).unlink()  # a hole is filled as well
    del kept[min(kept)]
    steps = [step.done for step in done(net.name, [pictures], out, kind="embed")]
    assert steps[0] == 16
    assert steps[-1] == COUNT + 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    found = Shards(out, ".parquet", COUNT + 1, 16)
    files = [row for table in found.tables(["file"]) for row in table["file"].to_pylist()]
    assert files == [json.loads(line) for line in (out / "names.txt").read_text().splitlines()]
    assert list(found.unreadable()) == [(str(pictures / "b" / "none.png"), unreadable(pictures))]
    with pytest.raises(ParameterError, match="holds a job that differs in kind"):
        done(net.name, [pictures], out, kind="predict")


def unreadable(pictures):
    with pytest.raises(vl.ImageError) as refused:
        vl.load_image(pictures / "b" / "none.png")
    return str(refused.value)


def test_a_shell_that_waits_for_processors_says_so_before(cluster, net, pictures, tmp_path, monkeypatch, capsys):
    def told(out, cpus):
        names = listing.listed([str(pictures)])
        work = many.Work(net.name, "embed")
        sharded(cluster.address, work, names, {}, tmp_path / out, ".parquet", (cpus, 0.0))
        return capsys.readouterr().err

    assert "worker" not in told("done", 0.1)
    monkeypatch.setattr(many, "run", lambda *args: iter(()))  # which would wait
    assert "1 worker × --cpus 64 = 64 processors; the cluster has 2, of which" in told("waits", 64.0)
    assert "worker" not in told("done", 64.0)  # nothing is left to do
    with pytest.raises(ParameterError, match="0 processors and 0 GPUs for each cannot be"):
        told("none", 0.0)
    assert not (tmp_path / "none").exists()


def test_a_shell_says_what_one_process_says_and_nothing_of_ray(cluster, net, pictures, tmp_path):
    """Of files that are no pictures by their endings, too: with reasons, in the count and the CSV, and no fault."""
    folder = tmp_path / "few"
    folder.mkdir()
    (folder / "1.png").write_bytes((pictures / "a" / "000.png").read_bytes())
    (folder / "notes.txt").write_text("no picture")
    command = [sys.executable, "-m", "visionlab", "predict", str(folder), "--model", net.name]
    there = ["--cluster", cluster.address, "--cpus", "0.2", "-o", str(tmp_path / "out")]
    ended = subprocess.run(command + there, capture_output=True, text=True, timeout=100)
    expected = outcome(*command[3:], "--csv", tmp_path / "one.csv")
    assert (ended.returncode, ended.stdout) == (0, f"{tmp_path / 'out'}: 1 picture in 1 shard\n"), ended.stderr
    assert expected.stderr.splitlines()[-1] == "1 of 2 files could not be read."
    assert ended.stderr == expected.stderr
    ours, theirs = (
        path.read_text().splitlines() for path in (tmp_path / "out" / "part-000000.csv", tmp_path / "one.csv")
    )
    assert (len(ours), ours[0], ours[2]) == (3, theirs[0], theirs[2])


@pytest.mark.parametrize(
    ("ends", "told"),
    [(KeyboardInterrupt(), f"Stopped; {many.GOES_ON}.\n"), (joining.GoneError("It is gone."), "")],
)
def test_a_shell_that_is_stopped_says_what_goes_on(cluster, net, pictures, tmp_path, monkeypatch, capsys, ends, told):
    def run(*_):
        yield many.Step(0, 1)
        raise ends

    left = []
    monkeypatch.setattr(many, "run", run)
    monkeypatch.setattr("atexit.register", lambda _, status: left.append(status))  # Ray would wait, or begin anew
    with pytest.raises(type(ends)):
        sharded(
            cluster.address,
            many.Work(net.name, "embed"),
            listing.listed([str(pictures)]),
            {},
            tmp_path / "out",
            ".parquet",
            (0.1, 0.0),
        )
    assert capsys.readouterr().err.endswith(told)
    assert left == [1 if isinstance(ends, joining.GoneError) else 130]


def test_who_is_outside_of_the_cluster_is_told_to_come_in(monkeypatch, net, tmp_path):
    monkeypatch.setattr("ray.util.client.ray.is_connected", lambda: True)
    with pytest.raises(ParameterError, match="from a node of the cluster"):
        many.begun(many.Work(net.name, "embed"), [], {}, tmp_path / "out", ".parquet")


def test_it_goes_on_when_a_node_dies_in_the_midst(cluster, net, pictures, tmp_path):
    node = cluster.add_node(num_cpus=1)
    out = tmp_path / "out"
    size = Size(3, 3, processors=0.6)  # one on every node
    killed = threading.Event()
    steps = []
    for step in done(net.name, [pictures] * 4, out, size, kind="embed"):
        steps.append(step.done)
        if step.done and not killed.is_set():
            killed.set()
            cluster.remove_node(node, allow_graceful=False)
    assert steps[-1] == 4 * (COUNT + 1)
    rows = [row for table in Shards(out, ".parquet", steps[-1], 16).tables() for row in table.to_pylist()]
    assert len(rows) == steps[-1]
    first = embed(net, [vl.load_image(row["file"]) for row in rows[:20]])
    np.testing.assert_allclose([row["features"] for row in rows[:20]], first, atol=1e-6, rtol=1e-5)
    assert len({row["file"] for row in rows}) == COUNT + 1
    until = time.monotonic() + 60
    while sum(each["Alive"] for each in ray.nodes()) > 2:  # it is not missed yet: who joins would ask it, too
        assert time.monotonic() < until
        time.sleep(0.2)
