"""Morphology: the darkest and the brightest under a brush, and what the two make together (Serra 1982)."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def brush(size: int, shape: str) -> np.ndarray:
    """The brush, uint8 (size, size): 1 where it touches."""
    shapes = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    return cv2.getStructuringElement(shapes[shape], (size, size))


def opened(image: np.ndarray, brush: np.ndarray) -> np.ndarray:
    """Erosion, then dilation under the brush turned by 180°: of an even width, it would shift the picture otherwise."""
    anchor = (len(brush) - 1) // 2
    return cv2.dilate(cv2.erode(image, brush), cv2.flip(brush, -1), anchor=(anchor, anchor))


def closed(image: np.ndarray, brush: np.ndarray) -> np.ndarray:
    """Dilation, then erosion under the brush turned by 180°."""
    anchor = (len(brush) - 1) // 2
    return cv2.erode(cv2.dilate(image, brush), cv2.flip(brush, -1), anchor=(anchor, anchor))


def erode(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return cv2.erode(image, brush(size, shape))


def dilate(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return cv2.dilate(image, brush(size, shape))


def morphological_open(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return opened(image, brush(size, shape))


def morphological_close(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return closed(image, brush(size, shape))


def morphological_gradient(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return cv2.dilate(image, brush(size, shape)) - cv2.erode(image, brush(size, shape))


def top_hat(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return image - opened(image, brush(size, shape))


def black_hat(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    return closed(image, brush(size, shape)) - image


_SHAPE = Parameter(
    "shape",
    "Shape",
    "choice",
    default="square",
    choices=("square", "ellipse", "cross"),
    about="The shape of the brush.",
)
_BRUSH = (Parameter("size", "Size", "int", 1, 31, 1, 3, "px", about="How wide the brush is."), _SHAPE)
_WIDE_BRUSH = (Parameter("size", "Size", "int", 1, 31, 1, 15, "px", about="How wide the brush is."), _SHAPE)

MORPHOLOGY: dict[str, Filter] = {
    "erode": Filter(
        "erode",
        "Erode",
        "Morphology",
        "Each pixel becomes the darkest under the brush: bright parts shrink.",
        erode,
        _BRUSH,
    ),
    "dilate": Filter(
        "dilate",
        "Dilate",
        "Morphology",
        "Each pixel becomes the brightest under the brush: bright parts grow.",
        dilate,
        _BRUSH,
    ),
    "open": Filter(
        "open",
        "Open",
        "Morphology",
        "Erodes, then dilates: bright specks smaller than the brush go, the rest keeps its size.",
        morphological_open,
        _BRUSH,
    ),
    "close": Filter(
        "close",
        "Close",
        "Morphology",
        "Dilates, then erodes: dark specks and cracks smaller than the brush are filled.",
        morphological_close,
        _BRUSH,
    ),
    "morphological_gradient": Filter(
        "morphological_gradient",
        "Gradient",
        "Morphology",
        "Dilated minus eroded: the outlines of things, as wide as the brush.",
        morphological_gradient,
        _BRUSH,
    ),
    "top_hat": Filter(
        "top_hat",
        "Top-hat",
        "Morphology",
        "The picture minus its opening: only bright things smaller than the brush stay.",
        top_hat,
        _WIDE_BRUSH,
    ),
    "black_hat": Filter(
        "black_hat",
        "Black-hat",
        "Morphology",
        "The closing minus the picture: dark things smaller than the brush light up.",
        black_hat,
        _WIDE_BRUSH,
    ),
}
