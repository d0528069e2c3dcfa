"""The table of explanations, METHODS, and what asks one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from visionlab.errors import ModelError
from visionlab.imaging.image import Image
from visionlab.network.explain.cam import (
    all_in_place,
    cam,
    cams,
    grad_cam,
    grad_cam_plus_plus,
    last_in_place,
    layer_cam,
)
from visionlab.network.explain.gradients import guided_backpropagation, saliency, smoothgrad
from visionlab.network.explain.heatmap import Heatmap
from visionlab.network.explain.integrated_gradients import integrated_gradients
from visionlab.network.explain.method import Method, Progress, silent
from visionlab.network.explain.occlusion import occlusion
from visionlab.network.running.classifier import Classifier

METHODS: dict[str, Method] = {
    "grad-cam": Method(
        "grad-cam",
        "Grad-CAM",
        "Weighs a layer’s maps by how much each of them raises the class, and adds them up.",
        "Selvaraju et al. 2017",
        partial(cam, grad_cam),
        combine=grad_cam,
    ),
    "grad-cam++": Method(
        "grad-cam++",
        "Grad-CAM++",
        "Like Grad-CAM, but lets small parts of a map count as much as large ones: good for several things of a class.",
        "Chattopadhay et al. 2018",
        partial(cam, grad_cam_plus_plus),
        combine=grad_cam_plus_plus,
    ),
    "layer-cam": Method(
        "layer-cam",
        "LayerCAM",
        "Weighs every place of a layer’s maps by itself, so that early layers show fine detail.",
        "Jiang et al. 2021",
        partial(cam, layer_cam),
        combine=layer_cam,
    ),
    "saliency": Method(
        "saliency",
        "Saliency",
        "Shows the pixels where the smallest change would move the answer most.",
        "Simonyan et al. 2013",
        saliency,
        percentile=99.0,
    ),
    "smoothgrad": Method(
        "smoothgrad",
        "SmoothGrad",
        "Averages the gradient over noisy copies of the picture, so that what depends on chance goes away.",
        "Smilkov et al. 2017",
        smoothgrad,
        percentile=99.0,
    ),
    "integrated-gradients": Method(
        "integrated-gradients",
        "Integrated gradients",
        "Fades the picture in from plain grey and shares out what each pixel added to the answer on the way.",
        "Sundararajan et al. 2017",
        integrated_gradients,
        percentile=99.0,
    ),
    "guided-backpropagation": Method(
        "guided-backpropagation",
        "Guided backpropagation",
        "Follows only what raises the answer back to the pixels: sharp, but it shows edges whatever the class.",
        "Springenberg et al. 2014",
        guided_backpropagation,
        percentile=99.0,
    ),
    "occlusion": Method(
        "occlusion",
        "Occlusion",
        "Covers one place after the other with grey and shows where that hurts the answer.",
        "Zeiler & Fergus 2014",
        occlusion,
    ),
}


def find_method(name: str, layer: str | None = None) -> Method:
    """The method of that name. Raises ModelError where there is none, or where it is given a layer but takes none."""
    if name not in METHODS:
        raise ModelError(f"There is no method “{name}”. There are {', '.join(METHODS)}.")
    if layer is not None and not METHODS[name].layered:
        raise _takes_no_layer(METHODS[name])
    return METHODS[name]


def explain(
    net: Classifier,
    image: Image,
    method: str = "grad-cam",
    target: str | int | None = None,
    layer: str | None = None,
    progress: Progress | None = None,
    shape: tuple[int, int] | None = None,
) -> Heatmap:
    """Where in the picture the network finds its reasons for a class: the most probable one, or target (index, label).

    layer is for the methods that look at one (None: the last convolution's ReLU). progress is told 0..1 between the
    batches of a method that takes several, and nothing by those of a single pass, as all are that look at a layer;
    whatever it raises ends the computation. shape is the height and width of the map, where it is to lie over a copy of
    the picture in another size. Raises ModelError for an unknown
    method, an unknown layer or one that the method does not take, ParameterError for an unknown class.
    """
    chosen = find_method(method, layer)
    if chosen.layered:
        name = last_in_place(net) if layer is None else layer
        return explain_layers(net, image, method=method, target=target, layers=[name], shape=shape)[name]
    with torch.inference_mode(False):  # gradients also where the caller needs none
        x = net.transform([image], net.device)
        index = most_probable(net, x) if target is None else net.target(target)
        values = chosen.attribute(net, x, index, None, progress or silent)
    return Heatmap.laid(net.transform, shape or image.shape[:2], values, index, method, chosen.percentile)


def explain_layers(
    net: Classifier,
    image: Image,
    *,
    method: str = "grad-cam",
    target: str | int | None = None,
    layers: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
) -> dict[str, Heatmap]:
    """{layer name: Heatmap} of a method that looks at a layer, in one forward and one backward pass for all of them.

    Without layers, every one that all_in_place() lists. Raises like explain.
    """
    chosen = find_method(method)
    if chosen.combine is None:
        raise _takes_no_layer(chosen)
    if layers is None:
        layers = all_in_place(net)
    with torch.inference_mode(False):
        index = None if target is None else net.target(target)
        found = cams(chosen.combine, net, net.transform([image], net.device), index, layers)
    shape = shape or image.shape[:2]
    return {
        name: Heatmap.laid(net.transform, shape, values, found.target, method, chosen.percentile)
        for name, values in found.maps.items()
    }


@torch.inference_mode()
def most_probable(net: Classifier, x: torch.Tensor) -> int:
    """The index of the class that the network holds most probable for one normalised picture (1, 3, H, W)."""
    return int(net.module(x).argmax())


def _takes_no_layer(method: Method) -> ModelError:
    layered = ", ".join(name for name, known in METHODS.items() if known.layered)
    return ModelError(f"{method.title} looks at the pixels, not at a layer. Leave the layer out, or use {layered}.")
