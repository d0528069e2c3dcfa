"""The machine's limits, and the share of them that is reached.

The matrix rate is the best of torch's and NumPy's products of square matrices, the bandwidth that of a copy from memory
to memory, both directions counted. A network's share counts the multiplications and additions of its layers, as they
are in its formula, and takes the rate in turn with the network, so that a drifting machine does not decide. A
convolution's is of the bandwidth, by the bytes of picture and response alone, or of the matrix rate, whichever binds.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

import visionlab as vl
from benchmarks.measuring import Answer, Goal, Row, Run, Setting, asked, in_turn
from benchmarks.networks import NETWORKS, full_width
from benchmarks.pictures import photographs
from benchmarks.transfer import OF_EACH, head, photographs_of
from visionlab.device import half_precision
from visionlab.learning.features.source import embedder
from visionlab.network.running.chunks import through
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.precision import in_precision

TITLE = "Limits"
SIDE = 2048  # of the matrices
COPIED = 2**28  # bytes that are read, and as many that are written
BATCH = 8


def products(side: int, precision: torch.dtype) -> dict[str, Run]:
    """What multiplies two square matrices, 2 side³ operations."""
    x = torch.randn(side, side).to(precision)
    found: dict[str, Run] = {"torch": lambda: x @ x}
    if precision == torch.float32:
        array = x.numpy()
        found["NumPy"] = lambda: array @ array
    return found


def operations(run: Run) -> int:
    """Multiplications and additions of the layers that it calls."""
    # By torch's own convolution, which the counter knows.
    with FlopCounterMode(display=False) as counter, torch.backends.mkldnn.flags(enabled=False):
        run()
    found = counter.get_total_flops()
    assert found, "nothing was counted"
    return found


def share(times: dict[str, list[float]], done: float, limit: float) -> float:
    """At which share of a limit `done` things are, where what else was called in turn does `limit` of them: the median
    over the rounds, of the best of the others in each.
    """
    mine, *others = times.values()
    best = [min(each) for each in zip(*others, strict=False)]
    return statistics.median(done / taken * least / limit for taken, least in zip(mine, best, strict=False))


def rate(precision: torch.dtype, side: int, seconds: float) -> Row:
    times = in_turn(products(side, precision), seconds)
    best = min(statistics.median(taken) for taken in times.values())
    return Row(f"matrices of {side}², {word(precision)}", 2 * side**3 / best / 1e9, "GFLOP/s")


def copying(size: int) -> Run:
    source = torch.zeros(size // 4)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def bandwidth(size: int, seconds: float) -> Row:
    taken = statistics.median(in_turn({"copy": copying(size)}, seconds)["copy"])
    return Row(f"a copy of {size >> 20} MB", 2 * size / taken / 1e9, "GB/s")


def convolutions(net: Classifier, batch: int) -> Run:
    """What lets so many pictures through the network's convolutions, at the size at which it predicts."""
    x = net.transform(photographs(batch, 256, 320), net.device)
    steps = net.module.steps()
    steps = steps[: [path for path, _ in steps].index("avgpool")]
    return torch.inference_mode()(lambda: through(net, steps, x))


def of_the_rate(what: str, run: Run, done: int, precision: torch.dtype, setting: Setting, goal: Goal | None) -> Row:
    side = SIDE // (4 if setting.short else 1)
    times = in_turn({"ours": run, **products(side, precision)}, 1 if setting.short else 5, least=3)
    return Row(f"{what}, {word(precision)}", share(times, done, 2 * side**3), "of the matrix rate", goal=goal)


def networks(setting: Setting) -> Iterator[Row]:
    for name in ["vgg16-tinyimagenet"] if setting.short else NETWORKS:
        net = NETWORKS[name].load()
        done = BATCH * operations(convolutions(net, 1))
        for precision in precisions(net):
            run = convolutions(in_precision(net, word(precision)), BATCH)
            yield of_the_rate(f"{name}, convolutions, {BATCH} at a time", run, done, precision, setting, None)


def heads(setting: Setting) -> Iterator[Row]:
    """Whether decoding and the head hide behind the convolutions."""
    paths = photographs_of(setting.data, 4 if setting.short else OF_EACH)
    loads = {"vgg16": full_width, "efficientnet_lite0": NETWORKS["efficientnet_lite0"].load}
    for name, load in loads.items():
        net = load()
        done = sum(map(len, paths.values())) * operations(convolutions(embedder(net), 1))
        for precision in precisions(net):
            given = None if precision == torch.float32 else precision
            run = partial(head, paths, net, given)
            goal = Goal(0.9, of="value", least=True) if name == "vgg16" else None
            what = f"{name}, {sum(map(len, paths.values()))} files → a head"
            yield of_the_rate(what, run, done, precision, setting, goal)


def slid(setting: Setting) -> Iterator[Row]:
    side = 512 if setting.short else 2048
    [picture] = photographs(1, side, side)
    rng, seconds = np.random.default_rng(0), 1 if setting.short else 3
    weights = {size: (rng.normal(size=(size, size)) / size**2).astype(np.float32) for size in (3, 7)}
    moved = 15 * side**2  # three bytes are read and three floats written of each pixel
    times = in_turn({"ours": lambda: vl.convolve(picture, weights[3], device="cpu"), "copy": copying(COPIED)}, seconds)
    yield Row(f"convolve, {side}² bytes, 3 × 3", share(times, moved, 2 * COPIED), "of the bandwidth")
    floats = picture.astype(np.float32)
    run = partial(vl.convolve, floats, weights[7], device="cpu")
    yield of_the_rate(f"convolve, {side}² floats, 7 × 7", run, 2 * 49 * floats.size, torch.float32, setting, None)


def precisions(net: Classifier) -> list[torch.dtype]:
    return [each for each in (torch.float32, half_precision(net.device)) if each is not None]


def word(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")


def measure(setting: Setting) -> Answer:
    torch.set_num_threads(os.cpu_count() or 1)
    seconds, side = (0.5, SIDE // 4) if setting.short else (3, SIDE)
    rows = [rate(each, side, seconds) for each in filter(None, (torch.float32, half_precision(torch.device("cpu"))))]
    rows += [bandwidth(COPIED, seconds), *slid(setting), *networks(setting)]
    if setting.data is None:
        return Answer(rows, notes=["From files to a head: not measured, since no photographs were given (--data)."])
    return Answer([*rows, *heads(setting)])


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
