"""On a GPU: convolution beside the copy there and back, VGG16 beside the rate of matrices, a head, training, a crowd.

Everything is asked of torch's first CUDA device. The tests that touch torch run there, too.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import torch

import visionlab as vl
from benchmarks import ROOT
from benchmarks.batching import batched
from benchmarks.limits import operations, share
from benchmarks.measuring import Answer, Goal, NotHereError, Row, Run, Setting, asked, compared, in_turn, timed
from benchmarks.networks import full_width
from benchmarks.pictures import files, photographs
from visionlab.device import half_precision, resolve
from visionlab.learning.heads.training import fit
from visionlab.learning.scratch import CONVOLUTIONAL, Training, load
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.chunks import through
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.precision import in_precision

TITLE = "On a GPU"
EPOCHS = 30
OF_EACH = 32


def ended(run: Run, device: torch.device) -> Run:
    """The call, and what it has begun on the GPU."""

    def call() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return call


def convolutions(device: torch.device, setting: Setting) -> Iterator[Row]:
    """From the picture in memory to the response in memory, beside the copies of both that this takes."""
    side = 256 if setting.short else 4096
    [picture] = photographs(1, side, side)
    response = torch.zeros(side, side, 3, device=device)

    def copies() -> None:
        torch.from_numpy(picture).to(device)
        response.cpu()

    for size in (3, 7, 15):
        weights = np.random.default_rng(0).normal(size=(size, size)) / size**2
        runs = {"ours": partial(vl.convolve, picture, weights, device=device), "the copies": copies}
        times = in_turn({name: ended(run, device) for name, run in runs.items()}, 1 if setting.short else 3)
        goal = Goal(0.6, of="value", least=True) if size == 3 else None
        yield Row(f"convolve, {side}², {size} × {size}", share(times, 1, 1), "of the copies’ rate", goal=goal)


def on(net: Classifier, device: torch.device) -> Classifier:
    return replace(net, module=net.module.to(device), device=device)


def vgg16(device: torch.device, setting: Setting) -> Iterator[Row]:
    """A batch through VGG16 in half precision, beside eager float32 and torch.compile in the same precision."""
    batch, side = (2, 512) if setting.short else (256, 8192)
    plain, half = on(full_width(), device), half_precision(device) or torch.float32
    halved = in_precision(plain, str(half).removeprefix("torch."))
    steps = halved.module.steps()
    x = torch.randn(batch, 3, 224, 224, device=device)
    theirs = deepcopy(plain.module).to(half, memory_format=torch.channels_last)
    matrix = torch.randn(side, side, device=device, dtype=half)
    done = batch * operations(torch.inference_mode()(lambda: plain.module(x[:1])))
    inference: Callable[[Run], Run] = torch.inference_mode()
    runs = {
        "ours": inference(lambda: through(halved, steps, x)),
        "torch eager, float32": inference(lambda: plain.module(x)),
    }
    if not setting.short:
        compiled = torch.compile(theirs)
        runs["torch.compile"] = inference(lambda: compiled(x.to(half, memory_format=torch.channels_last)))
    times = in_turn({name: ended(run, device) for name, run in runs.items()}, 1 if setting.short else 8, least=3)
    each = {name: [taken / batch for taken in rounds] for name, rounds in times.items()}
    what = f"VGG16, {batch} at a time, {str(half).removeprefix('torch.')}"
    yield compared(f"{what}: a picture", each)
    pair = {"ours": runs["ours"], "matrices": lambda: matrix @ matrix}
    times = in_turn({name: ended(run, device) for name, run in pair.items()}, 1 if setting.short else 4, least=3)
    goal = Goal(0.5, of="value", least=True)
    yield Row(what, share(times, done, 2 * side**3), "of the matrix rate", goal=goal)


def to_a_head(device: torch.device, setting: Setting) -> Iterator[Row]:
    of_each = 4 if setting.short else OF_EACH
    net = on(full_width(), device)
    encoded = files(2 * of_each, 320, 320)
    kinds = {"bright": encoded[:of_each], "dark": [darker(file) for file in encoded[of_each:]]}
    given = {name: [(f"{name}-{i}.jpg", file) for i, file in enumerate(found)] for name, found in kinds.items()}
    # Rolled copies of one photograph would be near-copies, and kept together: each is told to belong to itself.
    own = [f"{name} {i}" for name, found in given.items() for i in range(len(found))]

    def head() -> None:
        run = fit(LabelledImages.from_uploads(given, belonging=own), net, precision=half_precision(device))
        for _ in run:
            pass
        run.report(), run.head

    times = in_turn({"ours": ended(head, device)}, 0, least=1 if setting.short else 7)
    what = f"{2 * of_each} pictures → a head, VGG16"
    yield compared(what, times, Goal(0.5, of="value"), unit="s", scale=1)


def darker(file: bytes) -> bytes:
    return vl.encode_jpeg(vl.load_image(file) // 3, 90)


def training(device: torch.device, setting: Setting) -> Iterator[Row]:
    """The convolutional network on CIFAR-10, thirty epochs."""
    data = load(setting.data / "cifar10.zip")
    taken = timed(lambda: [*Training(CONVOLUTIONAL, data, EPOCHS, device=device)])
    yield Row(f"CIFAR-10, {EPOCHS} epochs", taken, "s", goal=Goal(60, of="value"))


def tests() -> Row:
    """How many of the tests that touch torch fail on this machine's devices."""
    folders = ["tests/imaging", "tests/network", "tests/learning"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", *folders]
    failed = subprocess.run(command, cwd=ROOT, check=False).returncode
    return Row("tests marked gpu: pytest ends with", failed, "", goal=Goal(0, of="value"))


def measure(setting: Setting) -> Answer:
    warnings.filterwarnings("ignore", module="sklearn")
    device = resolve()
    if device.type != "cuda" and not setting.short:
        raise NotHereError("This machine has no CUDA GPU.")
    rows = [*convolutions(device, setting), *vgg16(device, setting), *to_a_head(device, setting)]
    net = vl.load_classifier("vgg16-tinyimagenet", device)
    rows += batched(net, 16 if setting.short else 2000, 2 if setting.short else 5, Goal(0.67))
    if setting.data is not None and not setting.short:
        rows += training(device, setting)
    if not setting.short:
        rows.append(tests())
    return Answer(rows, notes=[] if setting.data else ["Thirty epochs on CIFAR-10 need --data."])


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
