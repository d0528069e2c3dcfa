"""Pillow's picture as uint8 (H, W, 3) RGB, and shrunk: plain functions, whose lines Pipeline.to_python() hands out.

As in operations/, they know Pillow, cv2 and NumPy only, and no two of them may share a name.
"""

import cv2
import numpy as np
from PIL import Image


def to_eight_bits(values: np.ndarray, sixteen: bool) -> np.ndarray:
    """Grey levels of unknown range, (H, W), as uint8.

    The range is the first that holds all values: 0..65535 for integers; 0..1, then 0..255 for floats. Values beyond
    are stretched from their least to their greatest, since such files (heights, counts) carry no range.
    """
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    ceiling = next((top for top in ((65535,) if sixteen else (1, 255)) if low >= 0 and high <= top), None)
    if ceiling is None:
        values, ceiling = values - low, (high - low) or 1
    return np.rint(values * (255 / ceiling)).astype(np.uint8)


def to_rgb(picture: Image.Image) -> np.ndarray:
    """Any of Pillow's modes as uint8 (H, W, 3), transparency over white."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        grey = to_eight_bits(np.asarray(picture), sixteen=picture.mode != "F")
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert({"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode)).convert("RGBA")
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture)
        picture = white
    return np.array(picture.convert("RGB"))  # a copy, since NumPy's view of Pillow's pixels is read-only


def shrunk(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture by area averaging, its longest side at most so many pixels; never enlarged, each side 1 or more."""
    height, width = image.shape[:2]
    scale = min(1, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
