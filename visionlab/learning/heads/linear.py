"""Heads that are linear in the features: multinomial logistic regression, its penalty, and the nearest prototype."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from visionlab.learning.features.scaling import STRENGTH, Scale
from visionlab.learning.heads.problem import Parts, Problem, Trial

STRENGTHS = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)  # that are tried, each from the solution of the one before
FOLDS = 5
STEPS = 30  # of L-BFGS for a candidate
ENOUGH = 1_000  # rows that the penalty is chosen on, at most: more take long, and choose hardly better
NARROW = 4  # times as many features as rows: then the rows' own span is searched, which holds the minimum


def logistic(problem: Problem, epochs: int) -> Iterator[Trial]:
    """Multinomial logistic regression on scaled features by L-BFGS (Liu & Nocedal 1989), two steps an epoch.

    Minimises mean cross-entropy + strength/2 · ‖W‖². The problem is convex: the seed decides the folds alone.
    """
    strength = choose_strength(problem) if problem.strength is None else problem.strength
    x, y = torch.from_numpy(problem.features).double(), torch.from_numpy(problem.labels)
    scale = Scale.of(x)
    held_out = scale(torch.from_numpy(problem.held_out).double())
    z, back = _within_span(scale(x))
    descent = LogisticDescent(z, y, problem.classes, steps=2, tolerance=1e-7)
    for _ in range(epochs):
        descent.step(strength)
        weight, bias = back(descent.weight.detach()), descent.bias.detach().clone()
        parts = Parts(*scale.folded(weight, bias), facts={"strength": strength})
        with torch.no_grad():
            loss = descent.loss().item()
        yield Trial(loss, (held_out @ weight.T + bias).float().numpy(), lambda parts=parts: parts)


class LogisticDescent:
    """L-BFGS on mean cross-entropy + strength/2 · ‖weight‖², from zero: z (n, F) float64, y (n,); so many steps at a
    time, or until no derivative is above the tolerance."""

    def __init__(self, z: Tensor, y: Tensor, classes: int, steps: int, tolerance: float):
        self.z, self.y, self.steps, self.tolerance = z, y, steps, tolerance
        self.weight = torch.zeros(classes, z.shape[1], dtype=z.dtype, requires_grad=True)
        self.bias = torch.zeros(classes, dtype=z.dtype, requires_grad=True)
        self.restart()

    def restart(self) -> None:
        """Forget the curvature, not the place: another strength is another function."""
        self.optimiser = torch.optim.LBFGS(
            [self.weight, self.bias],
            max_iter=self.steps,
            tolerance_grad=self.tolerance,
            history_size=20,
            line_search_fn="strong_wolfe",
        )

    def loss(self) -> Tensor:
        """Mean cross-entropy in nats, without the penalty."""
        return F.cross_entropy(self.z @ self.weight.T + self.bias, self.y)

    def step(self, strength: float) -> None:
        def closure() -> Tensor:
            self.optimiser.zero_grad()
            loss = self.loss() + strength / 2 * self.weight.square().sum()
            loss.backward()
            return loss

        with torch.enable_grad():
            self.optimiser.step(closure)


def _within_span(z: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """z (n, F) → its coordinates (n, r) in an orthonormal basis, and what turns weights for those into weights (K, F).

    Where rows are few, r = n: the penalised minimum lies in their span (the representer theorem).
    """
    if NARROW * len(z) > z.shape[1]:
        return z, Tensor.clone
    basis, coordinates = torch.linalg.qr(z.T)  # (F, n), (n, n)
    return coordinates.T.contiguous(), lambda weight: weight @ basis.T


def choose_strength(problem: Problem) -> float:
    """The one of STRENGTHS with the least cross-entropy in stratified cross-validation that keeps groups whole.

    Of more than 1,000 rows, a sample of whole groups is used. STRENGTH where a class has a single group.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # late: slow to import

    rng = np.random.default_rng(problem.seed)
    units, of, sizes = np.unique(problem.groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(units))
    kept = order[: max(1, np.searchsorted(sizes[order].cumsum(), ENOUGH, side="right"))]
    chosen = np.flatnonzero(np.isin(of, kept))
    labels, groups = problem.labels[chosen], problem.groups[chosen]
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    folds = min(FOLDS, int(np.bincount(pairs[0], minlength=problem.classes).min()))
    if folds < 2:
        return STRENGTH
    x, y = torch.from_numpy(problem.features[chosen]).double(), torch.from_numpy(labels)
    losses = np.zeros(len(STRENGTHS))
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=problem.seed).split(labels, labels, groups)
    for train, test in splits:
        scale = Scale.of(x[train])
        z, back = _within_span(scale(x[train]))
        fresh = scale(x[test])
        descent = LogisticDescent(z, y[train], problem.classes, STEPS, tolerance=1e-4)
        for place, strength in enumerate(STRENGTHS):
            descent.restart()
            descent.step(strength)
            with torch.no_grad():
                logits = fresh @ back(descent.weight).T + descent.bias
                losses[place] += F.cross_entropy(logits, y[test], reduction="sum").item()
    return STRENGTHS[int(losses.argmin())]


def prototype(problem: Problem, epochs: int) -> Iterator[Trial]:
    """The nearest class mean c on scaled features z (Snell et al. 2017, equation 2): logits −‖z − c‖²/τ.

    That is linear in z: weights 2c/τ, bias −‖c‖²/τ. Each picture's distance to its own class is that to the mean of
    the others (leave one out), and τ is what explains the labels best so; where a class has one picture, τ is a quarter
    of the mean squared distance between the class means.
    """
    from visionlab.learning.judging.calibration import fit_temperature

    x, y = torch.from_numpy(problem.features).double(), problem.labels
    scale = Scale.of(x)
    z = scale(x)
    belongs = F.one_hot(torch.from_numpy(y), problem.classes).double()  # (n, K)
    counts = belongs.sum(0)
    means = belongs.T @ z / counts[:, None]  # (K, F)
    squares = torch.cdist(z, means).square()  # (n, K)
    between = torch.cdist(means, means).square().sum() / (problem.classes * (problem.classes - 1))
    warmth = float(between.clamp(min=1e-12)) / 4
    if counts.min() > 1:
        own = counts[y] / (counts[y] - 1)
        without = torch.where(belongs > 0, squares * own[:, None] ** 2, squares)
        # In units of the distance between means, the right temperature is within the range that is searched.
        warmth *= fit_temperature((-without / warmth).numpy(), y)
    weight, bias = 2 * means / warmth, -means.square().sum(1) / warmth
    held_out = scale(torch.from_numpy(problem.held_out).double())
    logits = (held_out @ weight.T + bias).float().numpy()
    loss = F.cross_entropy(z @ weight.T + bias, torch.from_numpy(y)).item()
    parts = Parts(*scale.folded(weight, bias))
    yield Trial(loss, logits, lambda: parts)
