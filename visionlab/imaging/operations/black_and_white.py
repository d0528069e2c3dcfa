"""Black and white: which pixels are bright, by one level or by many."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def threshold(image: np.ndarray, level: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(cv2.threshold(grey, level, 255, cv2.THRESH_BINARY)[1], cv2.COLOR_GRAY2RGB)


def otsu(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    black_and_white = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    return cv2.cvtColor(black_and_white, cv2.COLOR_GRAY2RGB)


def adaptive_threshold(image: np.ndarray, block: int, offset: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    black_and_white = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, block, offset)
    return cv2.cvtColor(black_and_white, cv2.COLOR_GRAY2RGB)


def dither(image: np.ndarray, cell: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    order = np.zeros((1, 1))
    for _ in range(cell):  # Bayer's matrix, doubled: every level is spread as evenly as can be
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    level = 255 * (order + 0.5) / order.size
    height, width = grey.shape
    level = np.tile(level, (height // len(level) + 1, width // len(level) + 1))[:height, :width]
    return cv2.cvtColor(np.where(grey > level, 255, 0).astype(np.uint8), cv2.COLOR_GRAY2RGB)


BLACK_AND_WHITE: dict[str, Filter] = {
    "threshold": Filter(
        "threshold",
        "Threshold",
        "Black and white",
        "White where the picture is brighter than a level, black elsewhere.",
        threshold,
        (Parameter("level", "Level", "int", 0, 255, 1, 128, "grey levels", about="The last level that is black."),),
    ),
    "otsu": Filter(
        "otsu",
        "Otsu threshold",
        "Black and white",
        "A threshold that finds its own level, the one that parts dark from bright best (Otsu 1979).",
        otsu,
    ),
    "adaptive_threshold": Filter(
        "adaptive_threshold",
        "Adaptive threshold",
        "Black and white",
        "Compares each pixel with its surroundings, so that uneven light does no harm: good for text.",
        adaptive_threshold,
        (
            Parameter("block", "Block", "int", 3, 99, 2, 21, "px", about="The surroundings’ width, an odd number."),
            Parameter(
                "offset",
                "Offset",
                "int",
                -50,
                50,
                1,
                5,
                "grey levels",
                about="How much darker than its surroundings is black.",
            ),
        ),
    ),
    "dither": Filter(
        "dither",
        "Dither",
        "Black and white",
        "Turns greys into patterns of black and white dots, as old newspapers and screens did (Bayer 1973).",
        dither,
        (Parameter("cell", "Cell", "int", 1, 4, 1, 3, about="The pattern repeats every 2, 4, 8 or 16 pixels."),),
    ),
}
