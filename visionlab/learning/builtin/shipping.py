"""From a trained network, or a head alone, to the file that is shipped: rounded, at its best input size, calibrated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.builtin.corpus import Pictures, resized
from visionlab.learning.judging.calibration import fit_temperature, reliability
from visionlab.network.files import packages
from visionlab.network.running.classifier import IMAGENET_MEAN, IMAGENET_STD, Transform
from visionlab.network.zoo.vgg import VGG
from visionlab.writing import whole

SIDES = (64, 72, 80, 96, 112, 128)  # input sizes in pixels among which the best one is looked for


@dataclass(frozen=True, eq=False)
class Finished:
    """A network as it is shipped: weights that float16 can hold, the side that suits it, its temperature.

    figures are those of validation: by side on the half that the side and the temperature were chosen on, and on the
    other half at that side; what rounding changed, on all of it. unrounded is the network before it was rounded.
    """

    network: nn.Module
    unrounded: nn.Module
    side: int
    temperature: float
    figures: dict


@torch.inference_mode()
def logits_of(network: VGG, pictures: Pictures, side: int, batch: int = 256) -> Tensor:
    """(N, classes) float32 on the CPU: the network's answers to whole pictures at `side` pixels."""
    network.eval()
    answers = [
        network(resized(pixels, side).contiguous(memory_format=torch.channels_last)).float().cpu()
        for pixels in pictures.pixels.split(batch)
    ]
    return torch.cat(answers)


def accuracies(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Top-1 and top-5 accuracy, 0..1, of logits (N, classes)."""
    found = logits.topk(min(5, logits.shape[1])).indices  # (N, 5)
    hit = found == labels.cpu()[:, None]
    return float(hit[:, 0].float().mean()), float(hit.any(1).float().mean())


def finish(network: VGG, validation: Pictures, sides: tuple[int, ...] = SIDES) -> Finished:
    """Round a plain network to float16's numbers, choose its side and its temperature on every other picture."""
    return finish_by(network, validation.labels.cpu(), sides, lambda net, side: logits_of(net, validation, side))


def finish_by(
    network: nn.Module, labels: Tensor, sides: Sequence[int], answers: Callable[[nn.Module, int], Tensor]
) -> Finished:
    """finish() for any module: answers(module, side) are its logits (N, classes) for the pictures of labels (N,)."""
    rounded = deepcopy(network).half().float()
    chosen, held = slice(0, None, 2), slice(1, None, 2)  # the pictures come class by class: both have all of them
    logits = {side: answers(rounded, side) for side in sides}
    top = {side: accuracies(values[chosen], labels[chosen]) for side, values in logits.items()}
    side = max(top, key=top.__getitem__)
    temperature = fit_temperature(logits[side][chosen].numpy(), labels[chosen].numpy())

    def error(at: float) -> float:
        return reliability((logits[side][held] / at).softmax(1).numpy(), labels[held].numpy()).expected_error

    exact = answers(network, side)
    change = ((exact / temperature).softmax(1) - (logits[side] / temperature).softmax(1)).abs()
    figures = {
        "chosen_on": {str(side): list(found) for side, found in top.items()},
        "held_out": {
            "top1": accuracies(logits[side][held], labels[held])[0],
            "top5": accuracies(logits[side][held], labels[held])[1],
            "calibration_error": error(temperature),
            "calibration_error_uncalibrated": error(1.0),
        },
        "rounding": {
            "pictures": len(labels),
            "top1_moved": int((exact.argmax(1) != logits[side].argmax(1)).sum()),
            "largest_change": float(change.max()),
            "mean_change_of_top": float(change.gather(1, exact.argmax(1, keepdim=True)).mean()),
        },
    }
    return Finished(rounded, network, side, temperature, figures)


def write(
    finished: Finished,
    classes: list[tuple[str, str]],
    facts: dict,
    out: Path,
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    prefix: str = "",
) -> None:
    """The file: the module in float16, and as JSON in its header all that is needed to use it and to make it again.

    labels, wnids (WordNet ids), mean and std of the transform, side in pixels, temperature, and training: the facts.
    prefix comes before the tensors' names. The same values make the same bytes.
    """
    tensors = {prefix + name: value.half().cpu().numpy() for name, value in finished.network.state_dict().items()}
    metadata = {
        "labels": [name for _, name in classes],
        "wnids": [wnid for wnid, _ in classes],
        "mean": mean,
        "std": std,
        "side": finished.side,
        "temperature": finished.temperature,
        "training": facts | {"figures": finished.figures},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole(out) as part, part.open("wb") as sink:
        packages.write(tensors, sink, {key: json.dumps(value) for key, value in metadata.items()})


@torch.inference_mode()
def write_unrounded(finished: Finished, images: Iterable[Image], out: Path) -> None:
    """What the network answered before it was rounded: a .npz with fingerprints (N,) of the pictures, and probabilities
    (N, classes) float32, with which a test of the shipped file shows what rounding changed.
    """
    transform, rows = Transform(finished.side, finished.side), {}
    network = finished.unrounded.eval().cpu()
    for image in images:
        logits = network(transform([image], torch.device("cpu")))
        rows[fingerprint(image)] = (logits / finished.temperature).softmax(1)[0].numpy()
    np.savez_compressed(out, fingerprints=np.array(list(rows)), probabilities=np.stack(list(rows.values())))
