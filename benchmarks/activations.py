"""All activations of a picture, and the reasons for its class.

All maps are beside a plain forward pass of the same network. Grad-CAM is what it takes beyond the forward pass, beside
captum's and pytorch-grad-cam's; integrated gradients are beside captum's, with as many steps.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial

import captum.attr
import torch
from hostile.sessions import resident

import visionlab as vl
from benchmarks.measuring import Goal, Row, Setting, asked, compared, in_turn
from benchmarks.networks import NETWORKS
from benchmarks.pictures import photographs
from visionlab.imaging.image import Image
from visionlab.imaging.samples import load_sample
from visionlab.network.explain import METHODS
from visionlab.network.explain.integrated_gradients import POINTS
from visionlab.network.explain.method import GRADIENT_BATCH, silent
from visionlab.network.inside.activations import network_steps
from visionlab.network.running.classifier import Classifier

TITLE = "Activations and explanations"
SIDE = 224
TARGET = 3  # whichever class


def all_maps(net: Classifier, image: Image, seconds: float) -> Row:
    net = replace(net, transform=net.transform.at(SIDE))
    transform = net.transform

    @torch.inference_mode()
    def forward() -> object:
        x = transform([image], net.device)
        for _, step in network_steps(net):
            x = step(x)
        return x

    times = in_turn({"ours": lambda: vl.feature_maps(net, image), "a forward pass": forward}, seconds)
    return compared(f"{net.name}, all maps at {SIDE} px", times, Goal(1.1))


def cams(net: Classifier, image: Image, seconds: float) -> Row:
    """Grad-CAM on the last convolution's ReLU, in seconds beyond a forward pass of the same round."""
    x = net.transform([image], net.device)
    last = net.module.features[-2]

    @torch.inference_mode()
    def forward() -> None:
        net.module(x)

    captums = captum.attr.LayerGradCam(net.module, last)
    runs: dict[str, Callable[[], object]] = {
        "ours": partial(METHODS["grad-cam"].attribute, net, x, TARGET, None, silent),
        "captum": lambda: captums.attribute(x, target=TARGET, relu_attributions=True),
    }
    try:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError:
        pass
    else:
        # It needs parameters that take a gradient, as torchvision's networks have them when they are made.
        copy = deepcopy(net.module).requires_grad_(True)
        theirs = GradCAM(copy, [copy.features[-2]])
        runs["pytorch-grad-cam"] = lambda: theirs(x, [ClassifierOutputTarget(TARGET)])
    times = in_turn({**runs, "forward": forward}, seconds)
    beyond = {
        name: statistics.median(taken - alone for taken, alone in zip(times[name], times["forward"], strict=False))
        for name in runs
    }
    mine = beyond.pop("ours")
    # Less than nothing is what a busy machine makes of a difference: it compares with nothing.
    ratios = {name: mine / theirs for name, theirs in beyond.items() if min(mine, theirs) > 0}
    return Row(f"{net.name}, Grad-CAM beyond the forward pass", 1e3 * mine, "ms", ratios, Goal(1.5))


def integrated(net: Classifier, image: Image, seconds: float) -> Row:
    """Integrated gradients with as many points, as many of them at once."""
    x = net.transform([image], net.device)
    captums = captum.attr.IntegratedGradients(net.module)
    given = {"target": TARGET, "n_steps": POINTS, "internal_batch_size": GRADIENT_BATCH}
    runs = {
        "ours": partial(METHODS["integrated-gradients"].attribute, net, x, TARGET, None, silent),
        "captum": lambda: captums.attribute(x, **given),
    }
    return compared(f"{net.name}, integrated gradients", in_turn(runs, seconds, least=3))


def memory(net: Classifier, pictures: list[Image]) -> Iterator[Row]:
    """By how much the process grows while all layers of the pictures are opened through the app's cache; and by how
    much it is larger once that has been emptied."""
    from visionlab.ui.maps import caches

    vl.feature_maps(net, pictures[0])  # what the first run brings along is no picture's
    gc.collect()
    before = most = resident(os.getpid())
    for number, picture in enumerate(pictures):
        caches.all_maps("memory", str(number), net.transform.crop, net, picture)
        most = max(most, resident(os.getpid()))
    caches.all_maps.clear()
    time.sleep(2)  # it is handed back a moment later
    after = resident(os.getpid())
    goal = Goal(300, of="value")
    yield Row(f"{len(pictures)} pictures opened: the process grows by", most - before, "MB", goal=goal)
    yield Row("… and is larger afterwards by", after - before, "MB")


def measure(setting: Setting) -> Iterator[Row]:
    torch.set_num_threads(os.cpu_count() or 1)
    image, seconds = load_sample("cat"), 2.0 if setting.short else 8.0
    for name in ["vgg16-tinyimagenet"] if setting.short else NETWORKS:
        net = NETWORKS[name].load()
        yield all_maps(net, image, seconds)
        if name in ("vgg16-tinyimagenet", "vgg16"):
            yield cams(net, image, seconds)
    if not setting.short:
        yield integrated(NETWORKS["vgg16-tinyimagenet"].load(), image, seconds)
        yield from memory(NETWORKS["vgg16-tinyimagenet"].load(), photographs(20))


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
