"""A VGG's layers by the paper's names: shapes, strides, receptive fields, parameters; computed, not run."""

from __future__ import annotations

from collections.abc import Iterator

from visionlab.network.running.classifier import Layer
from visionlab.network.zoo.vgg import Plan


def vgg_layers(plan: Plan, side: int) -> tuple[Layer, ...]:
    """Every layer of the plan's network for an input of side × side pixels, in order.

    Receptive fields follow r ← r + (k − 1)·j and j ← j·s (kernel k, stride s, distance j of neighbouring units).
    """
    return (*_convolutional(plan, side), *_dense(plan))


def _convolutional(plan: Plan, side: int) -> Iterator[Layer]:
    place, channels, field, jump = 0, 3, 1, 1
    for number, block in enumerate(plan.blocks, 1):
        drawn = f"Block {number}"
        for depth, width in enumerate(block, 1):
            field += 2 * jump
            shape = (width, side, side)
            count = (channels * 9 + 1) * width
            yield Layer(f"conv{number}_{depth}", f"features.{place}", "conv", shape, jump, field, count, drawn)
            yield Layer(f"relu{number}_{depth}", f"features.{place + 1}", "relu", shape, jump, field, 0, drawn)
            place, channels = place + 2, width
        field, jump, side = field + jump, jump * 2, side // 2
        yield Layer(f"pool{number}", f"features.{place}", "pool", (channels, side, side), jump, field, 0, drawn)
        place += 1
    yield Layer("avgpool", "avgpool", "average", (channels, plan.pool, plan.pool), None, None, 0)


def _dense(plan: Plan) -> Iterator[Layer]:
    fc6, fc7 = plan.hidden
    inputs = plan.blocks[-1][-1] * plan.pool**2
    yield Layer("fc6", "classifier.0", "linear", (fc6, 1, 1), None, None, (inputs + 1) * fc6)
    yield Layer("relu6", "classifier.1", "relu", (fc6, 1, 1), None, None, 0)
    yield Layer("fc7", "classifier.3", "linear", (fc7, 1, 1), None, None, (fc6 + 1) * fc7)
    yield Layer("relu7", "classifier.4", "relu", (fc7, 1, 1), None, None, 0)
    yield Layer("fc8", "classifier.6", "linear", (plan.classes, 1, 1), None, None, (fc7 + 1) * plan.classes)
    yield Layer("prob", "softmax", "softmax", (plan.classes, 1, 1), None, None, 0)
