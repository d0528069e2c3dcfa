"""Tensors out of weight files of every kind, whole and damaged, and by all cores where torch tells where they lie."""

from __future__ import annotations

import contextlib
import pickle
import random
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch
from malicious import Malicious
from safetensors.torch import save_file

from visionlab.errors import WeightsError
from visionlab.network.files import reading
from visionlab.network.files.reading import read

TENSORS = {"features.0.weight": torch.arange(24.0).reshape(2, 3, 4), "features.0.bias": torch.tensor([1.0, -2.0])}


def save(path: Path, content: object = TENSORS, **options) -> Path:
    if path.suffix == ".safetensors":
        save_file(content, path, **options)
    else:
        torch.save(content, path, **options)
    return path


@pytest.fixture(
    params=[
        ("a.safetensors", {"metadata": {"classes": "[1, 2]"}}),
        ("a.pth", {}),
        ("a.pt", {"_use_new_zipfile_serialization": False}),  # torch before 1.6, and some files of torchvision
    ],
    ids=["safetensors", "zip", "legacy"],
)
def saved(request, tmp_path):
    name, options = request.param
    return save(tmp_path / name, **options)


def test_tensors_and_metadata_are_read(saved):
    tensors, metadata = read(saved)
    assert metadata == ({"classes": "[1, 2]"} if saved.suffix == ".safetensors" else {})
    assert tensors.keys() == TENSORS.keys()
    for key, tensor in tensors.items():
        assert torch.equal(tensor, TENSORS[key])


def repacked(path: Path) -> Path:
    """The same zip, compressed."""
    with ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name, content in entries.items():
            new.writestr(name, content)
    return path


def many_kinds() -> dict[str, torch.Tensor]:
    """Types, shapes, strides and shared storages as there may be in a file, and one of more than a piece."""
    base = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    kinds = {str(kind): (100 * base).to(kind) for kind in (torch.float64, torch.bfloat16, torch.uint8, torch.bool)}
    views = {"whole": base, "turned": base.T, "part": base[2:5, 1::3], "number": base[3, 3], "empty": base[:0]}
    return {**kinds, **views, "large": torch.arange(2_500_000.0), "complex": base.to(torch.complex64)}


def test_what_torch_saved_is_read_by_all_cores(tmp_path):
    """A torch that no longer says where the values of its “meta” tensors lie is read by torch.load: right, but slowly.

    Then `_checkpoint_offset` of their storages in torch.load is to be looked for under another name.
    """
    saved = many_kinds()
    found = reading._by_all_cores(save(tmp_path / "a.pth", saved))
    assert found is not None, "this torch does not tell where the values of a file lie"
    assert list(found) == list(saved)
    for key, tensor in found.items():
        assert torch.equal(tensor, saved[key])
        assert tensor.stride() == saved[key].stride()
        assert not tensor.requires_grad
    assert found["turned"].data_ptr() == found["whole"].data_ptr(), "what shared its values does so"


@pytest.mark.parametrize(
    "content",
    [
        {"a": torch.randn(3).to_sparse()},
        {"a": torch.randn(3, dtype=torch.complex64).conj()},
        {"a": torch.nn.Linear(1, 1)},
    ],
    ids=["sparse", "conjugate", "no tensor"],
)
def test_what_values_in_a_row_do_not_tell_is_left_to_torch(tmp_path, content):
    assert reading._by_all_cores(save(tmp_path / "a.pth", content)) is None


def test_a_file_that_was_packed_anew_is_left_to_torch(tmp_path):
    path = repacked(save(tmp_path / "a.pth", TENSORS))
    assert reading._by_all_cores(path) is None
    with contextlib.suppress(WeightsError):  # it may well not take it
        assert all(torch.equal(tensor, TENSORS[key]) for key, tensor in read(path)[0].items())


def test_a_file_that_says_that_it_holds_more_than_it_can_is_left_to_torch(tmp_path):
    """Or its numbers would decide how much memory is asked for."""
    path = save(tmp_path / "a.pth", {"a": torch.arange(64.0)})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"K@t", b"M\xff\xfft").replace(b"K@", b"M\xff\xff"))
    assert path.read_bytes() != content
    assert reading._by_all_cores(path) is None


def test_a_file_that_is_cut_short_while_it_is_in_use_ends_no_process(tmp_path):
    """What is mapped ends it with SIGBUS, at the first look behind the end."""
    large = {"a": torch.ones(2**20)}  # beyond the pages that the system reads ahead
    paths = [save(tmp_path / "a.safetensors", large), save(tmp_path / "new.pth", large)]
    paths.append(save(tmp_path / "old.pth", large, _use_new_zipfile_serialization=False))
    code = "import os, sys; from pathlib import Path; from visionlab.network.files.reading import read\n"
    code += "for path in map(Path, sys.argv[1:]):\n"
    code += "    values = read(path)[0]['a']; os.truncate(path, 100); print(int(values.sum()))"
    using = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True)
    assert (using.returncode, using.stdout.split()) == (0, [str(2**20)] * 3), using.stderr


def test_parameters_are_read_as_plain_tensors(tmp_path):
    tensors, _ = read(save(tmp_path / "a.pth", dict(torch.nn.Linear(2, 2).named_parameters())))
    assert not any(tensor.requires_grad for tensor in tensors.values())


@pytest.mark.parametrize("kept", [0, 1, 4, 20, 0.5, -1])
def test_a_truncated_file_is_said_to_be_damaged(saved, kept):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(WeightsError, match="damaged"):
        read(saved)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_damaged_bytes_never_surface_as_a_bug(saved):
    """300 files with a few bytes of the first and last kilobyte overwritten: read, or refused in a sentence."""
    content, rng = saved.read_bytes(), random.Random(1)
    refused = []
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(4):
            damaged[rng.choice([rng.randrange(1000), -rng.randrange(1, 1000)]) % len(content)] = rng.randrange(256)
        saved.write_bytes(damaged)
        try:
            read(saved)
        except WeightsError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in told for told in refused)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_a_malicious_pickle_is_not_executed(tmp_path, how):
    trace, path = tmp_path / "executed", tmp_path / "a.pth"
    content = {"features.0.weight": torch.zeros(1), "x": Malicious(trace)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(Malicious(trace)))
        pickle.loads(path.read_bytes())
    else:
        save(path, content, _use_new_zipfile_serialization=how == "zip")
        torch.load(path, weights_only=False)
    assert trace.exists()  # it would have been executed
    trace.unlink()
    with pytest.raises(WeightsError, match="run code"):
        read(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "content", [[torch.zeros(1)], {"a": 1}, {1: torch.zeros(1)}, {"state_dict": {"a": torch.zeros(1)}}, torch.zeros(1)]
)
def test_anything_but_tensors_by_name_is_refused(tmp_path, content):
    with pytest.raises(WeightsError, match="tensors by name"):
        read(save(tmp_path / "a.pth", content))


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.safetensors", "a.zip", "a"])
def test_a_missing_file_or_another_kind_is_refused(tmp_path, name):
    with pytest.raises(WeightsError, match=name):
        read(tmp_path / name)
