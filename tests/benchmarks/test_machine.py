"""What a machine is called, and what a restriction leaves out."""

import pytest

from benchmarks import machine
from benchmarks.machine import RESTRICTIONS, Machine, left_out, this_machine


@pytest.mark.parametrize(
    ("found", "title", "name"),
    [
        (Machine("AMD EPYC", "AVX-512", 2, 24), "AMD EPYC, AVX-512, 2 cores", "amd-epyc-avx-512-2-cores"),
        (Machine("Some CPU", "AVX2", 1, 8, "avx2"), "Some CPU, restricted to AVX2, 1 core", None),
        (Machine("NVIDIA H200", "CUDA", 0, 140), "NVIDIA H200, CUDA", "nvidia-h200-cuda"),
    ],
)
def test_a_machine_has_a_name_for_its_kind(found, title, name):
    assert found.title == title
    assert name is None or found.name == name


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"avx2", "avx512f", "avx512_bf16", "amx_bf16"}, "AMX"),
        ({"avx2", "avx512f", "avx512_bf16"}, "AVX-512 with bfloat16"),
        ({"avx2", "avx512f"}, "AVX-512"),
        ({"sse2", "avx2"}, "AVX2"),
    ],
)
def test_the_widest_instructions_name_it(flags, told):
    assert machine._widest(flags) == told


def test_a_restricted_machine_is_one_of_another_kind(monkeypatch):
    assert this_machine("avx2").name != this_machine().name
    assert this_machine("avx2").instructions == "AVX2"
    monkeypatch.delenv(machine.RESTRICTED, raising=False)
    assert left_out() == frozenset()
    monkeypatch.setenv(machine.RESTRICTED, "avx2")
    assert left_out() == RESTRICTIONS["avx2"].without
