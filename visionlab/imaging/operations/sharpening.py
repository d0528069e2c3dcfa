"""Sharpening: more of what a blur would take away."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter
from visionlab.imaging.operations.smoothing import guided_mean


def unsharp_mask(image: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    return cv2.addWeighted(image, 1 + amount, cv2.GaussianBlur(image, (0, 0), sigma), -amount, 0)


def sharpen(image: np.ndarray, amount: float) -> np.ndarray:
    return np.rint(image - amount * cv2.Laplacian(image, cv2.CV_32F)).clip(0, 255).astype(np.uint8)


def detail(image: np.ndarray, radius: int, softness: float, amount: float) -> np.ndarray:
    values = image.astype(np.float32)
    base = guided_mean(values, radius, softness)
    return np.rint(base + (1 + amount) * (values - base)).clip(0, 255).astype(np.uint8)


SHARPENING: dict[str, Filter] = {
    "unsharp_mask": Filter(
        "unsharp_mask",
        "Unsharp mask",
        "Sharpening",
        "Adds back what a blur takes away, which sharpens.",
        unsharp_mask,
        (
            Parameter(
                "sigma", "Sigma", "float", 0.1, 30.0, 0.1, 2.0, "px", about="How coarse the detail is that gains."
            ),
            Parameter("amount", "Amount", "float", 0.0, 5.0, 0.1, 1.0, about="How much of it is added."),
        ),
    ),
    "sharpen": Filter(
        "sharpen",
        "Sharpen",
        "Sharpening",
        "Takes the Laplacian away from the picture: the finest detail gains, and so does noise.",
        sharpen,
        (Parameter("amount", "Amount", "float", 0.0, 3.0, 0.05, 0.5, about="How much of it is taken away."),),
    ),
    "detail": Filter(
        "detail",
        "Detail boost",
        "Sharpening",
        "Strengthens texture but not strong edges, so that no bright rims appear around things.",
        detail,
        (
            Parameter("radius", "Radius", "int", 1, 40, 1, 8, "px", about="How coarse the detail is that gains."),
            Parameter(
                "softness", "Softness", "float", 1.0, 120.0, 1.0, 30.0, "grey levels", about="Stronger edges are left."
            ),
            Parameter("amount", "Amount", "float", 0.0, 5.0, 0.1, 1.5, about="How much is added."),
        ),
    ),
}
