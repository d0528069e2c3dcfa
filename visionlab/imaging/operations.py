"""What each classic filter does: plain functions of cv2 and NumPy names only, uint8 RGB (H, W, 3) in and out.

Pipeline.to_python() hands these very lines to the user, so each function stands alone: no helper, no import of ours.
"""

import cv2
import numpy as np


def gaussian_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def box_blur(image: np.ndarray, size: int) -> np.ndarray:
    return cv2.blur(image, (size, size))


def median(image: np.ndarray, size: int) -> np.ndarray:
    return cv2.medianBlur(image, size)


def bilateral(image: np.ndarray, diameter: int, sigma_color: float, sigma_space: float) -> np.ndarray:
    return cv2.bilateralFilter(image, diameter, sigma_color, sigma_space)


def canny(image: np.ndarray, low: int, high: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(cv2.Canny(grey, low, high), cv2.COLOR_GRAY2RGB)


def sobel_magnitude(image: np.ndarray, gain: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = np.rint(gain * np.hypot(across, down)).clip(0, 255).astype(np.uint8)
    return cv2.cvtColor(strength, cv2.COLOR_GRAY2RGB)


def laplacian(image: np.ndarray, size: int, gain: float) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    answer = cv2.Laplacian(grey, cv2.CV_32F, ksize=size)
    strength = np.rint(gain * np.abs(answer)).clip(0, 255).astype(np.uint8)
    return cv2.cvtColor(strength, cv2.COLOR_GRAY2RGB)


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


def erode(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    shapes = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    return cv2.erode(image, cv2.getStructuringElement(shapes[shape], (size, size)))


def dilate(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    shapes = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    return cv2.dilate(image, cv2.getStructuringElement(shapes[shape], (size, size)))


def morphological_open(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    shapes = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    return cv2.morphologyEx(image, cv2.MORPH_OPEN, cv2.getStructuringElement(shapes[shape], (size, size)))


def morphological_close(image: np.ndarray, size: int, shape: str) -> np.ndarray:
    shapes = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    return cv2.morphologyEx(image, cv2.MORPH_CLOSE, cv2.getStructuringElement(shapes[shape], (size, size)))


def equalise(image: np.ndarray) -> np.ndarray:
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    luma[..., 0] = cv2.equalizeHist(luma[..., 0])
    return cv2.cvtColor(luma, cv2.COLOR_YCrCb2RGB)


def clahe(image: np.ndarray, clip: float, tiles: int) -> np.ndarray:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip, (tiles, tiles)).apply(lab[..., 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def unsharp_mask(image: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    return cv2.addWeighted(image, 1 + amount, cv2.GaussianBlur(image, (0, 0), sigma), -amount, 0)


def gamma(image: np.ndarray, gamma: float) -> np.ndarray:
    curve = np.rint(255 * (np.arange(256) / 255) ** (1 / gamma)).astype(np.uint8)
    return curve[image]


def invert(image: np.ndarray) -> np.ndarray:
    return 255 - image


def grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
