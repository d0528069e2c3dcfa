"""Fine-tuning the last block of a network, from the linear head on: Yosinski et al. 2014, Kornblith et al. 2019.

What enters the block is computed once for each view of each picture and kept in a file, so that an epoch runs the
block alone. The network itself is shared, and never changed: a private copy of the block learns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from visionlab.device import half_precision
from visionlab.learning.features.embedding import read_features
from visionlab.learning.features.scaling import Scale
from visionlab.learning.heads.block import last_block, through_block
from visionlab.learning.heads.descent import Descent, class_losses
from visionlab.learning.heads.head import with_values
from visionlab.learning.heads.linear import logistic
from visionlab.learning.heads.problem import Parts, Problem, Trial

BLOCK_RATE, HEAD_RATE, DECAY = 1e-4, 1e-3, 0.01


def fine_tune(
    problem: Problem, epochs: int, done: int = 0, state: Mapping[str, NDArray] | None = None
) -> Iterator[Trial]:
    """The last block and the head learn together, by AdamW at small rates; the first epoch is the linear head itself.

    An epoch takes each training picture, or one of its views, by chance. Computes in bfloat16 where the device does so
    natively; what it answers for the held-out pictures is computed in float32. done epochs are behind it where it goes
    on from a state.
    """
    block, net = problem.block, problem.block.net
    maps, variants = block.maps, block.variants
    (start,) = logistic(problem)
    if done == 0:
        yield start
        done = 1
    linear, scale = start.parts(), Scale.of(torch.from_numpy(problem.features).to(net.device))
    weight = torch.from_numpy(linear.weights).to(net.device) * scale.spread.masked_fill(scale.spread.isinf(), 0)
    bias = torch.from_numpy(linear.bias).to(net.device) + torch.from_numpy(linear.weights).to(net.device) @ scale.mean
    keys = last_block(net)[1]
    known = net.module.state_dict()
    private = with_values(net.module, {key: known[key].clone() for key in keys})
    inside = dict(private.named_parameters())
    tuned = {key: inside[key] for key in keys}
    rates = dict.fromkeys(tuned, BLOCK_RATE) | dict.fromkeys(("head.weight", "head.bias"), HEAD_RATE)
    parameters = tuned | {"head.weight": weight, "head.bias": bias}
    descent = Descent(parameters, rates, DECAY, epochs, problem.seed, state)
    learner = replace(net, module=private)
    class_loss = class_losses(problem, net.device)
    half = half_precision(net.device)

    def logits(features: Tensor) -> Tensor:
        return F.linear(scale(features), weight, bias)

    def loss_of(indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        rows = variants[indices, rng.integers(variants.shape[1], size=len(indices))]
        with torch.autocast(net.device.type, half, enabled=half is not None, cache_enabled=False):
            values = through_block(learner, maps.rows(rows).to(net.device))
        return class_loss(logits(read_features(learner, values)), indices)

    def parts() -> Parts:
        folded = scale.folded(weight, bias)
        return Parts(*folded, tuned={key: value.detach().cpu().numpy().copy() for key, value in tuned.items()})

    for number in range(done + 1, epochs + 1):
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=True):
            loss = descent.epoch(number, len(variants), loss_of)
        with torch.no_grad():
            answers = logits(torch.from_numpy(block.features(learner, block.held_out)).to(net.device)).cpu().numpy()
        yield Trial(loss, answers, parts, descent.state)
