"""Tiny random networks: everything that a real one does, without weights and without waiting."""

import torch

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
