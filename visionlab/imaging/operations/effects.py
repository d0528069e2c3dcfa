"""Effects: noise to practise on, and what makes a photograph look drawn, printed or old."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def noise(image: np.ndarray, kind: str, amount: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "salt and pepper":
        hit, white = rng.random(image.shape[:2]) < amount / 100, rng.random(image.shape[:2]) < 0.5
        return np.where(hit[..., None], np.where(white, 255, 0)[..., None], image).astype(np.uint8)
    grain = rng.normal(0, amount / 100, image.shape)
    return np.rint(image + grain * (255 if kind == "Gaussian" else image)).clip(0, 255).astype(np.uint8)


def pixelate(image: np.ndarray, block: int) -> np.ndarray:
    height, width = image.shape[:2]
    small = (max(1, round(width / block)), max(1, round(height / block)))
    coarse = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def posterise(image: np.ndarray, levels: int) -> np.ndarray:
    bands = np.minimum(np.arange(256) * levels // 256, levels - 1)
    return np.rint(255 * bands / (levels - 1)).astype(np.uint8)[image]


def emboss(image: np.ndarray, angle: float, strength: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    turn = np.radians(angle)
    # Brightness is read as height: what rises towards the light is bright.
    slope = np.cos(turn) * cv2.Sobel(grey, cv2.CV_32F, 1, 0) - np.sin(turn) * cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return cv2.cvtColor(np.rint(128 - strength / 4 * slope).clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def outline(image: np.ndarray, block: int, offset: int) -> np.ndarray:
    grey = cv2.medianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 5)  # or every speck would be drawn
    lines = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, offset)
    return cv2.bitwise_and(image, cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB))


def vignette(image: np.ndarray, strength: float) -> np.ndarray:
    height, width = image.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    light = 1 - strength / 100 * np.minimum((x**2 + y**2) / 2, 1)
    return np.rint(image * light[..., None]).astype(np.uint8)


EFFECTS: dict[str, Filter] = {
    "noise": Filter(
        "noise",
        "Noise",
        "Effects",
        "Spoils the picture on purpose, to see which filter mends it best.",
        noise,
        (
            Parameter(
                "kind",
                "Kind",
                "choice",
                default="Gaussian",
                choices=("Gaussian", "speckle", "salt and pepper"),
                about="Added to every value, in proportion to it, or single pixels turned black and white.",
            ),
            Parameter("amount", "Amount", "float", 0.0, 50.0, 0.5, 8.0, "%", about="Of the range, or of the pixels."),
            Parameter("seed", "Seed", "int", 0, 99, 1, 0, about="Another number, other noise of the same kind."),
        ),
    ),
    "pixelate": Filter(
        "pixelate",
        "Pixelate",
        "Effects",
        "Replaces blocks by their mean, for faces and number plates.",
        pixelate,
        (Parameter("block", "Block", "int", 1, 100, 1, 12, "px", about="The side of a block."),),
    ),
    "posterise": Filter(
        "posterise",
        "Posterise",
        "Effects",
        "Leaves only a few levels of each colour.",
        posterise,
        (Parameter("levels", "Levels", "int", 2, 32, 1, 6, about="How many are left."),),
    ),
    "emboss": Filter(
        "emboss",
        "Emboss",
        "Effects",
        "Lights the picture from the side, as if brightness were height.",
        emboss,
        (
            Parameter(
                "angle", "Angle", "float", -180.0, 180.0, 5.0, 135.0, "degrees", about="Where the light comes from."
            ),
            Parameter("strength", "Strength", "float", 0.1, 5.0, 0.1, 1.0, about="How high the relief is."),
        ),
    ),
    "outline": Filter(
        "outline",
        "Outline",
        "Effects",
        "Draws black lines where it is darker than around, as with ink.",
        outline,
        (
            Parameter("block", "Block", "int", 3, 99, 2, 13, "px", about="The surroundings’ width, an odd number."),
            Parameter("offset", "Offset", "int", 0, 50, 1, 7, "grey levels", about="How much darker gets a line."),
        ),
    ),
    "vignette": Filter(
        "vignette",
        "Vignette",
        "Effects",
        "Darkens the corners, as old lenses do.",
        vignette,
        (Parameter("strength", "Strength", "float", 0.0, 100.0, 1.0, 50.0, "%", about="How dark the corners get."),),
    ),
}
