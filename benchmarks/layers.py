"""How fast the layers open: all activations, Grad-CAM beside its peers, memory, and what a person waits for.

    pip install -r requirements-bench.txt && pip install --no-deps grad-cam==1.5.7 ttach==0.0.3
    python benchmarks/layers.py [--times 20] [--no-browser]

(grad-cam by itself: it would bring a second OpenCV along, which needs a screen.) Every ratio is of times taken in turn,
call by call, in one run: ours over the other's, so that below 1, we are faster.
"""

from __future__ import annotations

import base64
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from typing import Annotated

import numpy as np
import psutil
import torch
import typer
from browsing import TOOLS, attached, chromium, measured_by_itself, settle, start_server
from rich.console import Console
from rich.table import Table
from tiny import tiny_classifier

import visionlab as vl
from visionlab.imaging.image import Image, encode_jpeg
from visionlab.imaging.samples import load_sample
from visionlab.network.explain import METHODS
from visionlab.network.explain.method import silent
from visionlab.network.running.classifier import Classifier, Transform
from visionlab.network.zoo.vgg import VGG16
from visionlab.network.zoo.vgg_layers import vgg_layers

console = Console(width=130, highlight=False)

# Runs in the page, by itself. Uploads pictures, one after the other, and then opens layers; each time it waits until
# the layer's mosaic has been painted. What it took, in ms, is left in window.waits.
WAITS = (
    """async ({pictures, layers}) => {"""
    + TOOLS
    + """
    const mosaic = () => find(document, '.stage[aria-label^="The feature maps"]');
    const painted = async (act) => {
        const stage = mosaic();
        const old = stage.querySelector('img');
        const start = performance.now();
        const changed = new Promise((told) => {
            const look = () => {
                const image = mosaic()?.querySelector('img');
                image && image !== old ? told() : requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        });
        act();
        await changed;
        await drawn();
        const waited = performance.now() - start;
        await rest();
        return waited;
    };
    const upload = (bytes, name) => {
        const input = document.querySelector('[data-testid=stFileUploaderDropzoneInput]');
        const files = new DataTransfer();
        files.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, {type: 'image/jpeg'}));
        input.files = files.files;
        input.dispatchEvent(new Event('change', {bubbles: true}));
    };
    const choose = (index) =>
        find(document, `.slab[data-index="${index}"]`).dispatchEvent(new MouseEvent('click', {bubbles: true}));
    window.waits = {upload: [], layer: []};
    await pause(3000);  // whoever watched the page has gone
    for (const [i, bytes] of pictures.entries())
        window.waits.upload.push(await painted(() => upload(bytes, `${i}.jpg`)));
    for (const index of layers) window.waits.layer.push(await painted(() => choose(index)));
    document.title = 'measured';
}"""
)


def in_turn(*runs: Callable[[], object], seconds: float, least: int = 9) -> list[list[float]]:
    """The times in seconds of functions that are called in turn, round by round, `least` rounds or more; the first
    round is not counted.
    """
    times: list[list[float]] = [[] for _ in runs]
    for run in runs:
        run()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times[0]) < least:
        for run, kept in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return times


def full_width() -> Classifier:
    """VGG16 as in the paper, with random weights: they take as long as trained ones."""
    net = tiny_classifier(plan=VGG16)
    layers = vgg_layers(VGG16, 224)
    return Classifier("VGG16", net.module, Transform(256, 224), net.labels, layers, net.device, "relu7")


def activations(net: Classifier, image: Image, side: int, seconds: float) -> tuple[float, float]:
    transform = net.transform.at(side)

    @torch.inference_mode()
    def plain() -> None:
        net.module(transform([image], net.device))

    ours, theirs = in_turn(lambda: vl.feature_maps(net, image, side=side), plain, seconds=seconds)
    return statistics.median(ours), statistics.median(theirs)


def cams(net: Classifier, image: Image, seconds: float) -> dict[str, tuple[float, float]]:
    """Grad-CAM in seconds beyond a forward pass, the median over rounds: {peer: (ours, theirs)}."""
    import captum.attr

    x = net.transform([image], net.device)
    last = net.module.features[-2]  # the last ReLU: what ours takes by itself

    @torch.inference_mode()
    def forward() -> None:
        net.module(x)

    captums = captum.attr.LayerGradCam(net.module, last)
    peers: dict[str, Callable[[], object]] = {
        "captum": lambda: captums.attribute(x, target=3, relu_attributions=True),
    }
    if find_spec("pytorch_grad_cam"):
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        # It needs parameters that take a gradient, as torchvision's networks have them when they are made.
        copy = deepcopy(net.module).requires_grad_(True)
        their_cam = GradCAM(copy, [copy.features[-2]])
        peers["pytorch-grad-cam"] = lambda: their_cam(x, [ClassifierOutputTarget(3)])
    else:
        console.print("pytorch-grad-cam is not installed: see the top of this file.")
    found = {}
    for name, run in peers.items():
        mine = partial(METHODS["grad-cam"].attribute, net, x, 3, None, silent)
        ours, theirs, plain = in_turn(mine, run, forward, seconds=2 * seconds)
        found[name] = tuple(
            statistics.median(taken - alone for taken, alone in zip(times, plain, strict=True))
            for times in (ours, theirs)
        )
    return found


def memory(net: Classifier, pictures: list[Image]) -> tuple[float, float]:
    """By how many MB the process grows, at most, while all layers of the pictures are opened through the app's cache;
    and by how many it is larger afterwards, when the cache has been emptied.
    """
    from visionlab.ui.maps import caches

    process = psutil.Process()
    vl.feature_maps(net, pictures[0])  # what the first run brings along is no picture's
    gc.collect()
    before = most = process.memory_info().rss
    for number, picture in enumerate(pictures):
        caches.all_maps("memory", str(number), net.transform.crop, net, picture)
        most = max(most, process.memory_info().rss)
    caches.all_maps.clear()
    time.sleep(2)  # it is handed back a moment later
    return (most - before) / 2**20, (process.memory_info().rss - before) / 2**20


def photographs(count: int) -> list[Image]:
    """So many pictures of 1024 × 1024 pixels, no two alike: the samples, enlarged, rolled by some pixels."""
    quarter = load_sample("astronaut")
    whole = np.vstack([np.hstack([quarter, quarter[:, ::-1]])] * 2)
    return [np.ascontiguousarray(np.roll(whole, 37 * i, axis=1)) for i in range(count)]


def waits(times: int) -> dict[str, list[float]]:
    """What a person waits for in Chromium, in ms: from an upload, or a click on a layer, to the painted mosaic."""
    server, url = start_server()
    try:
        with chromium() as port:
            with attached(port) as page:
                page.goto(f"{url}/Feature_maps")
                settle(page)
                pictures = [base64.b64encode(encode_jpeg(p, 92)).decode() for p in photographs(times + 2)]
                count = page.locator(".slab").count()
                layers = [(7 * i + 3) % count for i in range(times + 2)]
                page.evaluate(f"(given) => {{ ({WAITS})(given); }}", {"pictures": pictures, "layers": layers})
            measured_by_itself(port, 30 + 6 * times)
            with attached(port) as page:
                found = page.evaluate("window.waits")
    finally:
        server.terminate()
    return {name: values[2:] for name, values in found.items()}


def main(
    times: Annotated[int, typer.Option(help="Pictures and layers that are opened in Chromium.")] = 20,
    browser: Annotated[bool, typer.Option(help="Measure in Chromium, too.")] = True,
    seconds: Annotated[float, typer.Option(help="How long each pair of functions is called.")] = 6,
) -> None:
    """Print every figure beside its goal."""
    torch.set_num_threads(os.cpu_count() or 1)
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    table = Table("what", "measured", "goal")
    image = load_sample("cat")
    built_in = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    grown, kept = memory(built_in, photographs(20))
    for net in (built_in, full_width()):
        ours, plain = activations(net, image, 224, seconds)
        table.add_row(
            f"{net.name} at 224 px: all activations / a forward pass ({plain * 1e3:.0f} ms)",
            f"{ours / plain:.2f}",
            "≤ 1.1",
        )
        for peer, (mine, theirs) in cams(net, image, seconds).items():
            table.add_row(
                f"{net.name}: Grad-CAM beyond the forward pass, {mine * 1e3:.1f} ms / {peer}’s {theirs * 1e3:.1f} ms",
                f"{mine / theirs:.2f}",
                "≤ 1.5",
            )
    table.add_row("Twenty pictures opened: the process grows by, at most", f"{grown:.0f} MB", "< 300 MB")
    table.add_row("… and is larger afterwards by", f"{kept:.0f} MB", "about 0")
    if browser:
        for name, values in waits(times).items():
            what, goal = {"upload": ("Upload", 500), "layer": ("Another layer", 150)}[name]
            p95 = statistics.quantiles(values, n=20)[-1]
            table.add_row(
                f"{what} to the painted mosaic: median of {len(values)} (p95)",
                f"{statistics.median(values):.0f} ms ({p95:.0f} ms)",
                f"< {goal} ms",
            )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
