"""Geometry: where pixels are. These alone change how large a picture is, up to 40 megapixels."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def within_reach(width: float, height: float) -> tuple[int, int]:
    """(width, height) in whole pixels, at least 1 and, both shrunk alike, at most 40 megapixels together."""
    shrink = min(1, (40e6 / (width * height)) ** 0.5)
    return max(1, round(shrink * width)), max(1, round(shrink * height))


def rotate(image: np.ndarray, angle: float, canvas: str) -> np.ndarray:
    height, width = image.shape[:2]
    if angle % 360 == 0:
        return image.copy()
    if angle % 90 == 0 and (canvas == "grown" or angle % 180 == 0):
        return np.rot90(image, round(angle / 90)).copy()  # no pixel is mixed with another
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    size = (width, height)
    if canvas == "grown":
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        size = within_reach(np.ceil(width * cosine + height * sine), np.ceil(width * sine + height * cosine))
        matrix[:, 2] += [(size[0] - width) / 2, (size[1] - height) / 2]
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def mirror(image: np.ndarray, way: str) -> np.ndarray:
    return cv2.flip(image, {"left to right": 1, "top to bottom": 0, "both": -1}[way])


def resize(image: np.ndarray, scale: int, method: str) -> np.ndarray:
    height, width = image.shape[:2]
    methods = {
        "nearest": cv2.INTER_NEAREST,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
    }
    size = within_reach(width * scale / 100, height * scale / 100)
    return cv2.resize(image, size, interpolation=methods[method])


def crop(image: np.ndarray, width: int, height: int, across: int, down: int) -> np.ndarray:
    rows, columns = max(1, round(image.shape[0] * height / 100)), max(1, round(image.shape[1] * width / 100))
    top, left = round((image.shape[0] - rows) * down / 100), round((image.shape[1] - columns) * across / 100)
    return image[top : top + rows, left : left + columns].copy()


def shear(image: np.ndarray, across: float, down: float) -> np.ndarray:
    height, width = image.shape[:2]
    x, y = (width - 1) / 2, (height - 1) / 2  # the middle stays where it is
    matrix = np.array([[1, across, -across * y], [down, 1, -down * x]])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _percent(name: str, title: str, low: int, default: int, about: str) -> Parameter:
    return Parameter(name, title, "int", low, 100, 1, default, "%", about=about)


GEOMETRY: dict[str, Filter] = {
    "rotate": Filter(
        "rotate",
        "Rotate",
        "Geometry",
        "Turns the picture about its middle, anticlockwise.",
        rotate,
        (
            Parameter("angle", "Angle", "float", -180.0, 180.0, 0.5, 15.0, "degrees", about="Anticlockwise."),
            Parameter(
                "canvas",
                "Canvas",
                "choice",
                default="as it is",
                choices=("as it is", "grown"),
                about="As it is, so that corners are cut off, or grown, so that all of the picture stays.",
            ),
        ),
    ),
    "mirror": Filter(
        "mirror",
        "Mirror",
        "Geometry",
        "Swaps left and right, top and bottom, or both.",
        mirror,
        (
            Parameter(
                "way",
                "Way",
                "choice",
                default="left to right",
                choices=("left to right", "top to bottom", "both"),
                about="What is swapped.",
            ),
        ),
    ),
    "resize": Filter(
        "resize",
        "Resize",
        "Geometry",
        "Makes the picture smaller or larger.",
        resize,
        (
            Parameter("scale", "Scale", "int", 5, 200, 5, 50, "%", about="Of both sides; 100 changes nothing."),
            Parameter(
                "method",
                "Method",
                "choice",
                default="area",
                choices=("area", "linear", "cubic", "nearest"),
                about="Area is best for shrinking, cubic for enlarging; nearest shows the pixels.",
            ),
        ),
    ),
    "crop": Filter(
        "crop",
        "Crop",
        "Geometry",
        "Keeps a window of the picture.",
        crop,
        (
            _percent("width", "Width", 1, 80, "Of the picture’s width."),
            _percent("height", "Height", 1, 80, "Of the picture’s height."),
            _percent("across", "Across", 0, 50, "0 is at the left, 100 at the right."),
            _percent("down", "Down", 0, 50, "0 is at the top, 100 at the bottom."),
        ),
    ),
    "shear": Filter(
        "shear",
        "Shear",
        "Geometry",
        "Slants the picture, as a pushed pile of paper.",
        shear,
        (
            Parameter("across", "Across", "float", -1.0, 1.0, 0.05, 0.2, about="How far rows slide."),
            Parameter("down", "Down", "float", -1.0, 1.0, 0.05, 0.0, about="How far columns slide."),
        ),
    ),
}
