"""A Classifier as one ONNX file that takes a picture as it is, and the proof that it answers like the Classifier."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from importlib.util import find_spec

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visionlab.errors import ModelError, ParameterError
from visionlab.imaging.image import Image
from visionlab.learning.features.source import FEATURES
from visionlab.learning.heads.head import with_values
from visionlab.network.running.classifier import SLIMMEST, Classifier, Refuses, Transform
from visionlab.wording import sized
from visionlab.writing import replacing

OPSET = 18
MAX_BYTES = 2**31 - 2**24  # of weights: protobuf's limit on one file, less what the graph around them takes
TOLERANCE = 1e-4  # of a probability, and of a distance as a share of itself
LEAST = 1e-12  # a distance below it counts as this where others are shares of it
CUBIC = -0.5  # the a of Keys' kernel in antialiased resizing
EXAMPLE = (48, 40)  # rows and columns of the picture that the graph is drawn with; it holds for any


def export_onnx(net: Classifier, path: str | os.PathLike[str], refusal: Refuses | None = None) -> None:
    """Write the whole network, from the decoded picture to the probabilities, as one ONNX file (opset 18).

    Its input is “image”, uint8 (height, width, 3) RGB of any size; its outputs are “probabilities” (K,) float32, at
    the network's temperature, and, where it refuses pictures, “distance” () float32, to be compared with the threshold
    (by its own refusal, unless another is given). The metadata say network, date, labels (JSON) and threshold, and, as
    JSON, by the distances of which held-out pictures, and the groups of these, it was set. An interrupted write leaves
    what was there.

    Raises ParameterError for a network of 2 GB or more, or not in float32,
    and where the file cannot be written; ModelError where the packages onnx and onnxscript are missing.
    """
    program = _program(_refusing(net, refusal))
    with replacing(path) as partial:
        program.save(partial, external_data=False)


def _refusing(net: Classifier, refusal: Refuses | None) -> Classifier:
    return net if refusal is None else replace(net, refusal=refusal)


def _require(*packages: str) -> None:
    if missing := [name for name in packages if find_spec(name) is None]:
        raise ModelError(f"ONNX files need what is not installed here: pip install {' '.join(missing)}.")


def _program(net: Classifier) -> torch.onnx.ONNXProgram:
    _require("onnx", "onnxscript")
    refusal = net.refusal
    weights = [*net.module.parameters(), *net.module.buffers()]
    size = sum(values.nbytes for values in weights)
    if size > MAX_BYTES:
        raise ParameterError(f"{net.name} takes {sized(size)}, and an ONNX file holds less than 2 GB.")
    if any(values.is_floating_point() and values.dtype != torch.float32 for values in weights):
        raise ParameterError(f"{net.name} does not compute in float32; export the network that it was made from.")
    dynamic = {"image": {0: torch.export.Dim("height", min=1), 1: torch.export.Dim("width", min=1)}}
    program = torch.onnx.export(
        _WholeNetwork(net).eval(),
        (torch.zeros(*EXAMPLE, 3, dtype=torch.uint8, device=net.device),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["probabilities", *([] if refusal is None else ["distance"])],
        dynamic_shapes=dynamic,
        verbose=False,
    )
    labels = json.dumps(net.labels, ensure_ascii=False)
    program.model.metadata_props.update(network=net.name, date=date.today().isoformat(), labels=labels)
    if refusal is not None:
        program.model.metadata_props["threshold"] = repr(refusal.threshold)
        if refusal.share is not None:
            set_by = {"distances": refusal.held_out.tolist(), "groups": refusal.groups.tolist()}
            told = {"refuses": repr(refusal.share)} | {name: json.dumps(values) for name, values in set_by.items()}
            program.model.metadata_props.update(told)
    return program


class _WholeNetwork(nn.Module):
    """uint8 (H, W, 3) → probabilities (K,), with a refusal also the distance (): a Classifier as one module."""

    def __init__(self, net: Classifier):
        super().__init__()
        # A copy, whose tensors are the network's: an export puts others into their places while it draws the graph, and
        # whoever predicts with the network meanwhile would compute with those.
        self.module = with_values(net.module, {})
        self.transform, self.softmax = net.transform, net.softmax
        refusal = net.refusal
        self.measured = refusal is not None
        if refusal is not None:
            if FEATURES not in [path for path, _ in net.module.steps()]:
                raise ParameterError(f"{net.name} has no head, whose features a refusal measures; export a head.")
            for name in ("points", "projection", "centre"):
                self.register_buffer(name, torch.tensor(getattr(refusal, name), device=net.device))

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = framed(image, self.transform)[None]
        for path, step in self.module.steps():
            x = step(x)
            if self.measured and path == FEATURES:
                placed = self.projection @ (F.normalize(x)[0] - self.centre)  # (D,)
                distance = (self.points - placed).square().sum(1).min().sqrt()
        answer = self.softmax(x)[0]
        return (answer, distance) if self.measured else answer


def framed(image: Tensor, transform: Transform) -> Tensor:
    """What the Transform makes of a picture, uint8 (H, W, 3) → (3, crop, crop) float32, as a graph can hold it.

    Resizing is linear, so only the rows and columns within the crop are computed, as weighted sums of the picture's.
    All shapes follow from the picture's size, where those of a resized picture would depend on arithmetic with it.
    """
    shorter = torch.sym_min(image.shape[0], image.shape[1])
    rows, columns = (torch.sym_max(length - SLIMMEST * shorter, 0) // 2 for length in image.shape[:2])  # to cut off
    image = image[rows : image.shape[0] - rows, columns : image.shape[1] - columns]
    height, width = image.shape[:2]
    x = resizing(height, shorter, transform, image.device) @ image.float().flatten(1)  # (crop, W · 3)
    x = x.unflatten(1, (-1, 3)).permute(2, 0, 1) @ resizing(width, shorter, transform, image.device).T
    mean, std = (torch.tensor(values, device=x.device).view(3, 1, 1) for values in (transform.mean, transform.std))
    return (x.clamp(0, 255) / 255 - mean) / std


def resizing(length: int, shorter: int, transform: Transform, device: torch.device) -> Tensor:
    """(crop, length) float32: the weight of each of a side's pixels in each pixel of the crop; rows add up to 1.

    `shorter` is the picture's shorter side. A triangle, or the cubic of R. Keys, “Cubic convolution interpolation for
    digital image processing”, 1981, eq. 4 with a = −0.5, as wide as a pixel of the result where that is the wider one.
    """
    exact = torch.scalar_tensor(length, dtype=torch.float64, device=device)  # as Python's division has it
    whole = torch.round if transform.rounds else torch.floor
    size = whole(transform.resize * exact / shorter)
    first = torch.round((size - transform.crop) / 2).float()
    scale = exact.float() / size.float()  # pixels of the picture in one of the result
    pixels = torch.arange(transform.crop, device=device)
    centres = (first + pixels + 0.5) * scale
    x = (torch.arange(length, device=device) + 0.5 - centres[:, None]).abs() / scale.clamp(min=1)
    if transform.interpolation == "bilinear":
        weights = (1 - x).clamp(min=0)
    else:
        near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
        far = CUBIC * (((x - 5) * x + 8) * x - 4)
        weights = torch.where(x < 1, near, torch.where(x < 2, far, 0.0))
    return weights / weights.sum(1, keepdim=True)


@dataclass(frozen=True)
class Parity:
    """How an ONNX file answers beside the network that it was made from, over a number of pictures.

    difference is the largest of a probability; agreeing counts the pictures with the same most probable class;
    distance is the largest difference of a refusal's distance, as a share of it or of the threshold, whichever is the
    larger; None where there is no refusal.
    """

    pictures: int
    difference: float
    agreeing: int
    distance: float | None = None
    tolerance: float = TOLERANCE

    @property
    def holds(self) -> bool:
        """Whether nothing differs by as much as the tolerance."""
        return self.difference < self.tolerance and (self.distance is None or self.distance < self.tolerance)

    def __str__(self) -> str:
        told = f"on {self.pictures} pictures no probability differs by more than {self.difference:.1e}"
        told += f" and {self.agreeing} have the same most probable class"
        return (
            told if self.distance is None else f"{told}; distances differ by {self.distance:.1e} of themselves at most"
        )

    def check(self) -> None:
        """Raises ModelError where the file does not answer like the network."""
        if not self.holds:
            raise ModelError(
                f"The exported network answers differently: {self}, where {self.tolerance:.0e} is allowed, "
                "so it is not handed out."
            )


def export_checked(
    net: Classifier, path: str | os.PathLike[str], images: Iterable[Image], refusal: Refuses | None = None
) -> Iterator[Parity]:
    """As export_onnx, but the file is there only once it has answered like the network on these pictures: yields how
    that stands, picture after picture.

    Raises ModelError where it does not, and what export_onnx and parity raise.
    """
    program = _program(_refusing(net, refusal))
    with replacing(path) as unchecked:
        program.save(unchecked, external_data=False)
        del program  # as large as the network
        for so_far in parities(net, unchecked, images, refusal):
            yield so_far
        so_far.check()


def parity(
    net: Classifier, path: str | os.PathLike[str], images: Iterable[Image], refusal: Refuses | None = None
) -> Parity:
    """Compare the file that export_onnx wrote with the network, on these pictures: onnxruntime beside torch.

    Raises ParameterError without a picture, ModelError where onnxruntime is missing.
    """
    *_, last = parities(net, path, images, refusal)
    return last


@torch.inference_mode()
def parities(
    net: Classifier, path: str | os.PathLike[str], images: Iterable[Image], refusal: Refuses | None = None
) -> Iterator[Parity]:
    """As parity, but tells after each picture how it stands with those so far."""
    _require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Threads that wait by spinning would take the processor from torch, whose turn it is: half of all the time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    refusal = net.refusal if refusal is None else refusal
    so_far = Parity(0, 0.0, 0, None if refusal is None else 0.0)
    for image in images:
        found, *measured = session.run(None, {"image": image})
        x, distance = net.transform([image], net.device), so_far.distance
        for name, step in net.module.steps():
            x = step(x)
            if refusal is not None and name == FEATURES:
                expected = refusal.distances(x.float().cpu().numpy()).item()
                apart = abs(measured[0].item() - expected) / max(expected, refusal.threshold, LEAST)
                distance = np.maximum(distance, apart).item()
        wanted = net.softmax(x)[0].cpu().numpy()
        so_far = Parity(
            so_far.pictures + 1,
            np.maximum(so_far.difference, np.abs(found - wanted).max()).item(),  # what is no number stays none
            so_far.agreeing + int(found.argmax() == wanted.argmax()),
            distance,
        )
        yield so_far
    if not so_far.pictures:
        raise ParameterError("There is no picture to compare the exported network on; give one or more.")
