"""Smoothing: averages of neighbours, from the plain mean to those that stop at edges."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def gaussian_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def box_blur(image: np.ndarray, size: int) -> np.ndarray:
    return cv2.blur(image, (size, size))


def median(image: np.ndarray, size: int) -> np.ndarray:
    return cv2.medianBlur(image, size)


def bilateral(image: np.ndarray, diameter: int, sigma_color: float, sigma_space: float) -> np.ndarray:
    return cv2.bilateralFilter(image, diameter, sigma_color, sigma_space)


def non_local_means(image: np.ndarray, strength: float, patch: int, search: int) -> np.ndarray:
    return cv2.fastNlMeansDenoising(image, None, strength, patch, search)


def guided_mean(values: np.ndarray, radius: int, softness: float) -> np.ndarray:
    """The guided filter of He, Sun & Tang 2013, each channel its own guide: float32 (H, W, 3) in and out."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.blur(values, size)
    variance = np.maximum(cv2.blur(values * values, size) - mean * mean, 0)
    gain = variance / (variance + softness**2)  # near 1 at edges, near 0 where all is even
    return cv2.blur(gain, size) * values + cv2.blur(mean - gain * mean, size)


def guided(image: np.ndarray, radius: int, softness: float) -> np.ndarray:
    return np.rint(guided_mean(image.astype(np.float32), radius, softness)).clip(0, 255).astype(np.uint8)


def anisotropic(image: np.ndarray, iterations: int, edge: float) -> np.ndarray:
    values = image.astype(np.float32)
    for _ in range(iterations):
        down, across = np.diff(values, axis=0), np.diff(values, axis=1)
        for step in (down, across):
            # One conductance for all three channels, or edges would grow coloured fringes. Stable up to 0.25.
            alike = np.exp(np.einsum("ijk,ijk->ij", step, step) / (-3 * edge**2))
            step *= np.float32(0.2) * alike[..., None]
        for after, before, step in ((values[1:], values[:-1], down), (values[:, 1:], values[:, :-1], across)):
            after -= step  # what one pixel gains, its neighbour loses
            before += step
    return np.rint(values).clip(0, 255).astype(np.uint8)


SMOOTHING: dict[str, Filter] = {
    "gaussian_blur": Filter(
        "gaussian_blur",
        "Gaussian blur",
        "Smoothing",
        "Averages neighbours, near ones more than far ones: noise and fine detail go.",
        gaussian_blur,
        (Parameter("sigma", "Sigma", "float", 0.1, 30.0, 0.1, 2.0, "px", about="How far the blur reaches."),),
    ),
    "box_blur": Filter(
        "box_blur",
        "Box blur",
        "Smoothing",
        "Replaces each pixel by the plain mean of a square around it.",
        box_blur,
        (Parameter("size", "Size", "int", 1, 63, 1, 5, "px", about="The side of the square."),),
    ),
    "median": Filter(
        "median",
        "Median",
        "Smoothing",
        "Takes the middle value of a square around each pixel: specks go, edges stay.",
        median,
        (Parameter("size", "Size", "int", 1, 63, 2, 5, "px", about="The side of the square, an odd number."),),
    ),
    "bilateral": Filter(
        "bilateral",
        "Bilateral",
        "Smoothing",
        "Averages only neighbours of a similar colour, so that surfaces smooth and edges stay.",
        bilateral,
        (
            Parameter(
                "diameter",
                "Diameter",
                "int",
                3,
                15,
                2,
                9,
                "px",
                about="The neighbourhood’s width, an odd number.",
                taken_from=1,
            ),
            Parameter(
                "sigma_color",
                "Colour sigma",
                "float",
                1.0,
                200.0,
                1.0,
                50.0,
                "grey levels",
                about="How alike is alike.",
            ),
            Parameter("sigma_space", "Space sigma", "float", 1.0, 50.0, 1.0, 10.0, "px", about="How near is near."),
        ),
    ),
    "non_local_means": Filter(
        "non_local_means",
        "Non-local means",
        "Smoothing",
        "Averages places that look alike, wherever they are nearby: strong against noise, but slow (Buades 2005).",
        non_local_means,
        (
            Parameter("strength", "Strength", "float", 1.0, 60.0, 1.0, 10.0, about="How unlike patches may be."),
            Parameter("patch", "Patch", "int", 3, 11, 2, 5, "px", about="The side of what is compared, an odd number."),
            Parameter(
                "search", "Search", "int", 5, 31, 2, 15, "px", about="How wide it looks around; wider is slower."
            ),
        ),
        reach=lambda strength, patch, search: search // 2 + patch // 2,
    ),
    "guided": Filter(
        "guided",
        "Guided filter",
        "Smoothing",
        "Smooths what varies little and keeps what varies much, fast at any radius (He 2013).",
        guided,
        (
            Parameter("radius", "Radius", "int", 1, 40, 1, 6, "px", about="How far it looks."),
            Parameter(
                "softness",
                "Softness",
                "float",
                1.0,
                120.0,
                1.0,
                25.0,
                "grey levels",
                about="Weaker detail is smoothed.",
            ),
        ),
    ),
    "anisotropic": Filter(
        "anisotropic",
        "Anisotropic diffusion",
        "Smoothing",
        "Lets colour flow between neighbours, but not across edges (Perona & Malik 1990).",
        anisotropic,
        (
            Parameter("iterations", "Iterations", "int", 1, 60, 1, 15, about="How long it flows."),
            Parameter(
                "edge", "Edge", "float", 1.0, 100.0, 1.0, 20.0, "grey levels", about="A larger difference is an edge."
            ),
        ),
        reach=lambda iterations, edge: iterations,
    ),
}
