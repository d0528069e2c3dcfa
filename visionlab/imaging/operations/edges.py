"""Edges: first and second derivatives of brightness, and what is made of them."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def grey_picture(values: np.ndarray) -> np.ndarray:
    """Grey levels (H, W), of whatever range, as a picture: rounded, and clipped to 0..255."""
    return cv2.cvtColor(np.rint(values).clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def response_picture(values: np.ndarray, gain: float, show: str) -> np.ndarray:
    """A signed response (H, W) as a picture: its size, or its sign too, with mid-grey for zero."""
    return grey_picture(gain * np.abs(values) if show == "size" else 128 + gain * values)


def canny(image: np.ndarray, low: int, high: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(cv2.Canny(grey, low, high), cv2.COLOR_GRAY2RGB)


def sobel_magnitude(image: np.ndarray, gain: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return grey_picture(gain * np.hypot(across, down))


def scharr_magnitude(image: np.ndarray, gain: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across = cv2.Scharr(grey, cv2.CV_32F, 1, 0)
    down = cv2.Scharr(grey, cv2.CV_32F, 0, 1)
    return grey_picture(gain / 4 * np.hypot(across, down))  # its weights are four times those of Sobel


def edge_direction(image: np.ndarray, gain: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    hue = np.degrees(np.arctan2(down, across)) % 360 / 2  # OpenCV keeps 0..360° as 0..180
    strength = np.rint(gain * np.hypot(across, down)).clip(0, 255)
    hsv = np.stack([hue % 180, np.full_like(hue, 255), strength], axis=2).astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def laplacian(image: np.ndarray, size: int, gain: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # OpenCV's weights grow 16-fold from size to size; (size - 1) / 4 is the variance of the blur in them. So each size
    # answers as strongly as 3 does (Lindeberg 1998), instead of white nearly everywhere.
    even = {1: 1, 3: 1, 5: 2 / 16, 7: 3 / 256}[size]
    return grey_picture(gain * even * np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=size)))


def second_derivative(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights, float64 (N,), of a Gaussian and of its second derivative, which sum to 1 and, at any sigma, to 0."""
    x = np.arange(-np.ceil(4 * sigma), np.ceil(4 * sigma) + 1)
    blur = np.exp(-(x**2) / (2 * sigma**2))
    blur /= blur.sum()
    curve = (x**2 - (x**2 * blur).sum()) * blur  # sampled as it is, it would answer to an even picture, too
    return blur, curve * (2 / (x**2 * curve).sum())  # and x² has the second derivative 2


def laplacian_of_gaussian(image: np.ndarray, sigma: float, gain: float, show: str) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    blur, curve = second_derivative(sigma)
    answer = cv2.sepFilter2D(grey, cv2.CV_32F, curve, blur) + cv2.sepFilter2D(grey, cv2.CV_32F, blur, curve)
    # Times sigma squared, or coarse scales would be too faint to see (Lindeberg 1998).
    return response_picture(sigma**2 * answer, gain, show)


def difference_of_gaussians(image: np.ndarray, sigma: float, ratio: float, gain: float, show: str) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = cv2.GaussianBlur(grey, (0, 0), sigma), cv2.GaussianBlur(grey, (0, 0), ratio * sigma)
    return response_picture(fine - coarse, gain, show)


def corners(image: np.ndarray, count: int, quality: float, distance: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    found = cv2.goodFeaturesToTrack(grey, count, quality, distance)
    picture = cv2.cvtColor(grey // 2, cv2.COLOR_GRAY2RGB)  # darkened, so that the rings stand out
    radius = max(2, min(grey.shape) // 100)
    for x, y in [] if found is None else found.reshape(-1, 2):
        cv2.circle(
            picture, (round(float(x)), round(float(y))), radius, (255, 190, 40), max(1, radius // 3), cv2.LINE_AA
        )
    return picture


_GAIN = Parameter("gain", "Gain", "float", 0.1, 4.0, 0.1, 1.0, about="What the answer is multiplied by.")
_HIGH_GAIN = Parameter("gain", "Gain", "float", 0.1, 10.0, 0.1, 4.0, about="What the answer is multiplied by.")
_SHOW = Parameter(
    "show",
    "Show",
    "choice",
    default="size",
    choices=("size", "sign"),
    about="How large the answer is, or its sign too: mid-grey is zero, darker is below, brighter above.",
)

EDGES: dict[str, Filter] = {
    "canny": Filter(
        "canny",
        "Canny edges",
        "Edges",
        "Thin, connected edges: strong ones, and weak ones that touch a strong one (Canny 1986).",
        canny,
        (
            Parameter("low", "Low threshold", "int", 0, 1000, 1, 50, about="Weaker edges are dropped."),
            Parameter("high", "High threshold", "int", 0, 1000, 1, 150, about="Stronger edges always stay."),
        ),
    ),
    "sobel_magnitude": Filter(
        "sobel_magnitude",
        "Sobel magnitude",
        "Edges",
        "How steeply brightness changes, in whichever direction.",
        sobel_magnitude,
        (_GAIN,),
    ),
    "scharr_magnitude": Filter(
        "scharr_magnitude",
        "Scharr magnitude",
        "Edges",
        "Sobel’s sibling, whose answer depends less on the direction of the edge (Scharr 2000).",
        scharr_magnitude,
        (_GAIN,),
    ),
    "edge_direction": Filter(
        "edge_direction",
        "Edge direction",
        "Edges",
        "Colours each edge by the way brightness rises across it: red to the right, green downwards.",
        edge_direction,
        (_GAIN,),
    ),
    "laplacian": Filter(
        "laplacian",
        "Laplacian",
        "Edges",
        "The size of the second derivative: lines, corners and noise light up.",
        laplacian,
        (Parameter("size", "Size", "int", 1, 7, 2, 3, "px", about="The kernel’s side, an odd number."), _GAIN),
    ),
    "laplacian_of_gaussian": Filter(
        "laplacian_of_gaussian",
        "Laplacian of Gaussian",
        "Edges",
        "Blurs, then takes the second derivative: blobs of one size light up (Marr & Hildreth 1980).",
        laplacian_of_gaussian,
        (
            Parameter("sigma", "Sigma", "float", 0.5, 20.0, 0.1, 2.0, "px", about="The size of the blobs."),
            _HIGH_GAIN,
            _SHOW,
        ),
    ),
    "difference_of_gaussians": Filter(
        "difference_of_gaussians",
        "Difference of Gaussians",
        "Edges",
        "One blur minus a wider one: detail of one size, much as the eye’s own cells see it.",
        difference_of_gaussians,
        (
            Parameter("sigma", "Sigma", "float", 0.3, 20.0, 0.1, 1.0, "px", about="The narrow blur."),
            Parameter("ratio", "Ratio", "float", 1.1, 5.0, 0.1, 1.6, about="How much wider the other blur is."),
            Parameter("gain", "Gain", "float", 0.1, 20.0, 0.1, 8.0, about="What the answer is multiplied by."),
            _SHOW,
        ),
    ),
    "corners": Filter(
        "corners",
        "Corners",
        "Edges",
        "Rings the best corners, places that can be found again in another picture (Shi & Tomasi 1994).",
        corners,
        (
            Parameter("count", "How many", "int", 1, 500, 1, 100, about="The most that are ringed."),
            Parameter(
                "quality", "Quality", "float", 0.01, 0.5, 0.01, 0.03, about="Of the best one, how good the others are."
            ),
            Parameter("distance", "Distance", "int", 1, 100, 1, 10, "px", about="How far apart they are at least."),
        ),
    ),
}
