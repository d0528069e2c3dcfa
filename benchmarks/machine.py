"""The machine that measures: its name, what it computes with, and how it is made to compute as an older one."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from visionlab.device import half_precision

RESTRICTED = "VISIONLAB_BENCH_AS"  # the environment's word for it, in the process of a question
PACKAGES = (
    *("torch", "torchvision", "numpy", "scipy", "opencv-python-headless", "scikit-learn", "streamlit"),
    *("kornia", "onnxruntime", "openvino", "captum", "grad-cam"),
)


@dataclass(frozen=True)
class Restriction:
    """What makes the libraries compute as on an older processor.

    environment is what each library reads; without names the peers that it does not reach, which are left out; untold
    says what cannot be restricted, or whether it is restricted cannot be seen.
    """

    instructions: str
    environment: Mapping[str, str]
    without: frozenset[str]
    untold: str


# Each was seen to act: oneDNN by ONEDNN_VERBOSE, OpenVINO by the primitiveType of its kernels and its capabilities,
# OpenBLAS (NumPy's, SciPy's, OpenCV's) by threadpoolctl, the others by what unrestricted() looks at.
RESTRICTIONS = {
    "avx2": Restriction(
        "AVX2",
        {
            "ONEDNN_MAX_CPU_ISA": "AVX2",  # of torch's oneDNN, and of the one in OpenVINO
            "OV_CPU_MAX_ISA": "avx2",  # what OpenVINO generates itself
            "ATEN_CPU_CAPABILITY": "avx2",
            "OPENCV_CPU_DISABLE": "AVX512-SKX",
            "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
            "OPENBLAS_CORETYPE": "Haswell",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        },
        frozenset({"onnxruntime"}),
        "onnxruntime chooses its kernels by the processor alone, and is left out. MKL, by which torch multiplies"
        " matrices, is told to, but does not tell whether it does. The C library and Chromium are as ever.",
    )
}


@dataclass(frozen=True)
class Machine:
    """instructions: the widest that are computed with; restricted: a key of RESTRICTIONS, or an empty text; cores: none
    told of a GPU.
    """

    processor: str
    instructions: str
    cores: int
    gigabytes: int
    restricted: str = ""

    @property
    def title(self) -> str:
        how = f"restricted to {self.instructions}" if self.restricted else self.instructions
        cores = f", {self.cores} core{'s' if self.cores != 1 else ''}" if self.cores else ""
        return f"{self.processor}, {how}{cores}"

    @property
    def name(self) -> str:
        """Of its file. Machines of the same name are of the same kind: their ratios may be compared."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def this_machine(restricted: str = "") -> Machine:
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    name = found[1].strip() if found else platform.processor() or platform.machine()
    flags = re.search(r"^flags\s*:\s*(.+)$", told, re.MULTILINE)
    widest = _widest(set(flags[1].split()) if flags else set())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    bytes_ = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if restricted:
        widest = RESTRICTIONS[restricted].instructions
    return Machine(re.sub(r" \d+-Core Processor$", "", name), widest, cores, round(bytes_ / 2**30), restricted)


def _widest(flags: set[str]) -> str:
    for flag, told in {
        "amx_bf16": "AMX", "avx512_bf16": "AVX-512 with bfloat16", "avx512f": "AVX-512", "avx2": "AVX2",
    }.items():  # fmt: skip
        if flag in flags:
            return told
    return platform.machine()


def unrestricted() -> list[str]:
    """The libraries that compute in this process with more than AVX2, whatever they were told."""
    import cv2
    import numpy as np
    import torch

    found = {
        "NumPy": np._core._multiarray_umath.__cpu_features__.get("X86_V4", False),
        "OpenCV": bool(re.search(r"AVX512\S*[^?\s](\s|$)", cv2.getCPUFeaturesLine())),
        "torch": "512" in torch.backends.cpu.get_cpu_capability(),
        "oneDNN": half_precision(torch.device("cpu")) is not None,
    }
    return [name for name, wide in found.items() if wide]


def left_out() -> frozenset[str]:
    """The peers that the restriction of this process does not reach."""
    name = os.environ.get(RESTRICTED, "")
    return RESTRICTIONS[name].without if name else frozenset()


def versions() -> dict[str, str]:
    """Of Python and the libraries that are measured, as far as they are installed."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def load() -> float:
    """How many processes wanted to compute in the last minute, in the mean."""
    return round(os.getloadavg()[0], 2)
