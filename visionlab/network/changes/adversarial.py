"""A change that nobody sees, and that changes the answer: adversarial examples, made of whole grey levels.

One step along the sign of the gradient (Goodfellow, Shlens & Szegedy 2015, “Explaining and harnessing adversarial
examples”, arXiv:1412.6572, § 4), or projected gradient descent (Madry et al. 2018, “Towards deep learning models
resistant to adversarial attacks”, arXiv:1706.06083, § 2.1), which takes many small ones and never leaves the budget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, check_image, middle
from visionlab.network.explain.method import Progress, silent
from visionlab.network.running.classifier import SLIMMEST, Classifier

MOST = 32  # grey levels: more is seen by everybody
REACH = 2.5  # all steps together may go so many times as far as the budget, so that they can turn within it


@dataclass(frozen=True)
class Way:
    """A way to search for the change: in so many steps, from the picture itself or from a random place around it."""

    name: str
    title: str
    about: str
    paper: str
    steps: int
    scattered: bool


WAYS = {
    way.name: way
    for way in (
        Way(
            "pgd",
            "Many small steps",
            "Projected gradient descent: each step goes a little along the gradient’s sign, never beyond the budget.",
            "Madry et al. 2018",
            20,
            True,
        ),
        Way(
            "fgsm",
            "One step",
            "The fast gradient sign method: every value goes up or down by the whole budget, as its gradient says.",
            "Goodfellow et al. 2015",
            1,
            False,
        ),
    )
}


@dataclass(frozen=True, eq=False)
class Adversarial:
    """A changed picture, uint8 (H, W, 3), no value of which is further than `budget` levels from the original's.

    target: the index of the class that it was to become; None: any other than `answer`, what the network took the
    original for. probabilities: (steps + 1,) float32, that class's (of `answer`, where there is no target) in the
    original and after each step, of whole grey levels; taken: the step that the picture is of, 0 where none came closer
    than the original. reached: whether the network now takes it for what was wanted.
    """

    image: Image
    target: int | None
    answer: int
    budget: int
    probabilities: NDArray[np.float32]
    taken: int
    reached: bool


def adversarial(
    net: Classifier,
    image: Image,
    target: str | int | None = None,
    budget: int = 4,
    way: str = "pgd",
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Adversarial:
    """Change a picture uint8 (H, W, 3) by at most `budget` grey levels a value, so that the network takes it for the
    target (a label or an index; None: for anything but what it takes it for now).

    Every step is judged as the picture would be saved, rounded to bytes, and the best one is kept. What the network
    does not see of the picture stays as it is. The same seed gives the same picture, up to the last bits of the
    processor's gradients.

    Raises ParameterError for an unknown class or way, a budget that is no whole number from 1 to 32, what is no
    picture, and a target that the network takes the picture for already.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or not 1 <= budget <= MOST:
        raise ParameterError(f"A budget is a whole number of grey levels from 1 to {MOST}, not {budget!r}.")
    if way not in WAYS:
        raise ParameterError(f"There is no way “{way}”. Use one of {', '.join(WAYS)}.")
    wanted = None if target is None else net.target(target)
    steps = WAYS[way].steps
    whole = check_image(image).copy()
    part = middle(whole, SLIMMEST)  # a view: the ends of a slim strip are not seen
    original = torch.from_numpy(part.copy()).permute(2, 0, 1).to(net.device, torch.float32)  # (3, H, W)
    low, high = (original - budget).clamp_(min=0), (original + budget).clamp_(max=255)

    logits = _logits(net, original)
    answer = int(logits.argmax())
    if wanted == answer:
        raise ParameterError(f"The network takes the picture for “{net.labels[answer]}” already: choose another class.")
    goal = answer if wanted is None else wanted
    sign = 1 if wanted is None else -1  # up the loss of what it is, or down that of what it is to be

    x = original.clone()
    if WAYS[way].scattered:
        generator = torch.Generator().manual_seed(seed)
        x += ((2 * torch.rand(x.shape, generator=generator) - 1) * budget).to(x.device)
        x.clamp_(low, high)
    rate = budget if steps == 1 else REACH * budget / steps
    curve = [_probability(net, logits, goal)]
    best, taken = original, 0
    for step in range(1, steps + 1):
        # Rounded on the way in, the gradient taken as if it were not: what is judged is what would be saved.
        levels = x.round().requires_grad_()
        loss = F.cross_entropy(_logits(net, levels)[None], torch.tensor([goal], device=net.device))
        (gradient,) = torch.autograd.grad(loss, levels)
        x = (x + sign * rate * gradient.sign()).clamp_(low, high)
        # What the network sees nothing of has no gradient, and stays as it was.
        x = torch.where(gradient == 0, original, x)
        found = x.round()
        curve.append(_probability(net, _logits(net, found), goal))
        if sign * curve[-1] < sign * curve[taken]:
            best, taken = found, step
        progress(step / steps)
    part[...] = best.to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    end = int(_logits(net, best).argmax())
    reached = end != answer if wanted is None else end == wanted
    return Adversarial(whole, wanted, answer, int(budget), np.array(curve, np.float32), taken, reached)


def difference(before: Image, after: Image, budget: int) -> Image:
    """What was changed, enlarged to be seen: uint8 (H, W, 3), grey for nothing, black and white for all the budget."""
    apart = after.astype(np.float32) - before
    return np.rint(127.5 + 127.5 * apart / budget).clip(0, 255).astype(np.uint8)


def _logits(net: Classifier, levels: Tensor) -> Tensor:
    """(classes,) of a picture (3, H, W) float32, 0..255; differentiable."""
    with torch.set_grad_enabled(levels.requires_grad):
        return net.module(net.transform.normalised(net.transform.framed(levels)[None]))[0]


def _probability(net: Classifier, logits: Tensor, index: int) -> float:
    return float(net.softmax(logits[None])[0, index])
