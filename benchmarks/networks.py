"""The networks that come as packages, beside torchvision's: from file to answer, all maps, loading, memory.

    python benchmarks/networks.py [--seconds 10] [--picture photo.jpg]

Ours and the peer take turns, call by call, in one process and with as many threads; each figure is the median of the
rounds' ratios, ours over the peer's, so that below 1, we are faster. The peers are torchvision's networks as one writes
them, in eval and inference mode, with random weights: they take as long as trained ones. Weights must be here:
python -m visionlab models --get efficientnet_lite0, and vgg16-oxford. For the live camera: live.py --network NAME.
"""

from __future__ import annotations

import gc
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image as PILImage
from rich.console import Console
from rich.table import Table
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl
from visionlab.imaging.image import encode_jpeg
from visionlab.imaging.samples import load_sample
from visionlab.network.inside.activations import network_steps
from visionlab.network.running.chunks import through
from visionlab.network.running.classifier import Classifier

LITE, OXFORD = "efficientnet_lite0", "vgg16-oxford"
LOADS = 15  # of each kind, in turn

console = Console(width=130, highlight=False)


def processor() -> str:
    """Its name where Linux tells it, and whether it computes sixteen numbers at a time."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    told = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    wide = "with" if "avx512f" in told.get("flags", "").split() else "without"
    return f"{told.get('model name', 'an unnamed processor')} {wide} AVX-512, {os.cpu_count()} cores"


def in_rounds(ours: Callable[[], object], theirs: Callable[[], object], seconds: float) -> tuple[float, float, float]:
    """(the median ratio, the seconds of either) of two functions that are called in turn."""
    runs, times = (ours, theirs), ([], [])
    for run in runs * 2:
        run()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times[0]) < 9:
        for run, kept in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    ratios = [mine / other for mine, other in zip(*times, strict=True)]
    return statistics.median(ratios), *map(statistics.median, times)


def answers(net: Classifier, file: bytes, seconds: float) -> tuple[float, float, float]:
    """One picture from its file to its five most probable classes, beside mobilenet_v3_large."""
    from torchvision.models import MobileNet_V3_Large_Weights, mobilenet_v3_large

    network, transform = mobilenet_v3_large().eval(), MobileNet_V3_Large_Weights.IMAGENET1K_V2.transforms()

    @torch.inference_mode()
    def theirs() -> object:
        picture = PILImage.open(io.BytesIO(file)).convert("RGB")
        return network(transform(picture)[None]).softmax(1).topk(5)

    return in_rounds(lambda: vl.predict(net, [vl.load_image(file)]), theirs, seconds)


def convolutions(net: Classifier, seconds: float) -> tuple[float, float, float]:
    """VGG16 up to pool5 for a prepared picture of 224 px."""
    from torchvision.models.vgg import cfgs, make_layers

    network = make_layers(cfgs["D"]).eval()
    x = net.transform.at(224)([load_sample("cat")], net.device)
    steps = [step for step in net.module.steps() if step[0].startswith("features.")]
    mine = torch.inference_mode()(lambda: through(net, steps, x))
    return in_rounds(mine, torch.inference_mode()(lambda: network(x)), seconds)


def maps(net: Classifier, seconds: float) -> tuple[float, float, float]:
    """All maps of a picture at 224 px, beside a plain forward pass of the same network."""
    image, transform = load_sample("cat"), net.transform.at(224)

    @torch.inference_mode()
    def forward() -> object:
        x = transform([image], net.device)
        for _, step in network_steps(net):
            x = step(x)
        return x

    return in_rounds(lambda: vl.feature_maps(net, image, side=224), forward, seconds)


def load_theirs(make: Callable[[], nn.Module], file: Path) -> nn.Module:
    network = make()
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def loading(name: str, make: Callable[[], nn.Module]) -> tuple[float, float, float]:
    """Loading a network whose file was hashed before, beside torchvision's constructor and load_state_dict.

    Ours goes on hashing beside what follows: that has ended before the peer begins.
    """
    times: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.pth")
        torch.save(make().state_dict(), file)
        for _ in range(LOADS + 1):
            for load, kept in zip((partial(vl.load_classifier, name, "cpu"), partial(load_theirs, make, file)), times,
                                  strict=True):  # fmt: skip
                gc.collect()
                start = time.perf_counter()
                loaded = load()
                kept.append(time.perf_counter() - start)
                if isinstance(loaded, Classifier):
                    loaded.check(wait=True)
                del loaded
    ratios = [mine / other for mine, other in zip(*(kept[1:] for kept in times), strict=True)]
    return statistics.median(ratios), *(statistics.median(kept[1:]) for kept in times)


def memory() -> list[str]:
    """Of a process with the app's libraries, in MB, as Linux tells it: without a network, with the two, and with each
    having answered and been opened.
    """
    code = """
import visionlab as vl, streamlit, plotly, torchvision
from visionlab.ui.shared import cached
def tell():
    lines = open("/proc/self/status").read().splitlines()
    print(next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS")))
tell()
nets = [vl.load_classifier(name, "cpu") for name in ("efficientnet_lite0", "vgg16-oxford")]
for net in nets: net.check(wait=True)
tell()
image = vl.load_sample("cat")
for net in nets: vl.predict(net, [image]); vl.feature_maps(net, image)
tell()
"""
    root = Path(__file__).resolve().parents[1]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return run.stdout.split()


def main(
    seconds: Annotated[float, typer.Option(help="How long each pair of functions takes turns.")] = 10,
    picture: Annotated[Path | None, typer.Option(help="A photograph; else the sample astronaut as a JPEG.")] = None,
) -> None:
    """Print every figure beside its goal."""
    from torchvision.models import efficientnet_b0, vgg16
    from torchvision.models.vgg import cfgs, make_layers

    torch.set_num_threads(os.cpu_count() or 1)
    console.print(f"{processor()}, torch {torch.__version__}; load {os.getloadavg()[0]:.1f}")
    file = picture.read_bytes() if picture else encode_jpeg(load_sample("astronaut"), 90)
    nets = {name: vl.load_classifier(name, "cpu") for name in (LITE, OXFORD)}
    for net in nets.values():
        net.check(wait=True)
    features = partial(make_layers, cfgs["D"])
    rows = [
        (f"{LITE}, file to top 5 / mobilenet_v3_large, eager", answers(nets[LITE], file, seconds), "≤ 1.1"),
        ("VGG16’s convolutions at 224 px / torchvision’s, eager", convolutions(nets[OXFORD], seconds), "≤ 1.05"),
        *((f"{name}, all maps at 224 px / a forward pass", maps(net, seconds), "≤ 1.1") for name, net in nets.items()),
        (f"{LITE}, loading / efficientnet_b0", loading(LITE, efficientnet_b0), "≤ 0.1"),
        (f"{OXFORD}, loading / vgg16", loading(OXFORD, vgg16), "≤ 0.1"),
        (f"{OXFORD}, loading / the same convolutions alone, 59 MB", loading(OXFORD, features), ""),
    ]
    table = Table("what", "ours, ms", "peer’s, ms", "ratio", "goal")
    for what, (ratio, mine, theirs), goal in rows:
        table.add_row(what, f"{mine * 1e3:.1f}", f"{theirs * 1e3:.1f}", f"{ratio:.3f}", goal)
    console.print(table)
    without, loaded, used = memory()
    console.print(
        f"Memory of the app’s process: {without} MB with its libraries alone, {loaded} MB with both networks loaded,"
        f" {used} MB once each has named a picture and opened all its layers. Load {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    typer.run(main)
