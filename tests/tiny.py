"""Tiny random networks: everything that a real one does, without weights and without waiting."""

from dataclasses import dataclass, field

import pytest
import torch

from visionlab.network.running import chunks
from visionlab.network.running.classifier import Classifier, Transform
from visionlab.network.zoo.vgg import VGG, Plan
from visionlab.network.zoo.vgg_layers import vgg_layers

TINY = Plan(((4, 4), (6, 6), (8, 8, 8), (10, 10, 10), (12, 12, 12)), pool=1, hidden=(16, 14), classes=7)


def tiny_classifier(device: torch.device | str = "cpu", seed: int = 0, plan: Plan = TINY) -> Classifier:
    """A random VGG of a few channels that does everything that a real one does."""
    torch.manual_seed(seed)
    network = VGG(plan).eval().requires_grad_(False)
    for module in network.modules():  # lively activations in every layer, dead and negative ones among them
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight)
            torch.nn.init.normal_(module.bias, std=0.1)
    where = torch.device(device)
    labels = tuple(f"class {i}" for i in range(plan.classes))
    layers = vgg_layers(plan, 64)
    return Classifier("tiny", network.to(where), Transform(72, 64), labels, layers, where, "relu7")


@dataclass
class Room:
    """A GPU's memory, for so many pictures at a time until the network is on the CPU: the sizes that had room."""

    most: float
    sizes: list[int] = field(default_factory=list)


def with_room(net: Classifier, most: float, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The network's convolutions fail from now on as on a full GPU where they are given more pictures than `most`."""
    room = Room(most)

    def look(_module, inputs):
        if len(inputs[0]) > room.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        room.sizes.append(len(inputs[0]))

    def moved(tensor, take=chunks._on_cpu):
        room.most = float("inf")
        return take(tensor)

    for module in net.module.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_pre_hook(look)
    monkeypatch.setattr(chunks, "_on_cpu", moved)
    return room
