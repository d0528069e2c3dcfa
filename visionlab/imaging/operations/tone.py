"""Light and colour: what happens to each pixel by itself, or by how bright the whole picture is."""

import cv2
import numpy as np

from visionlab.imaging.filter_record import Filter, Parameter


def equalise(image: np.ndarray) -> np.ndarray:
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    luma[..., 0] = cv2.equalizeHist(luma[..., 0])
    return cv2.cvtColor(luma, cv2.COLOR_YCrCb2RGB)


def clahe(image: np.ndarray, clip: float, tiles: int) -> np.ndarray:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip, (tiles, tiles)).apply(lab[..., 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def stretch(image: np.ndarray, cut: float) -> np.ndarray:
    low, high = np.percentile(image, [cut, 100 - cut])
    if high <= low:
        return image.copy()  # one level only: there is nothing to stretch
    return np.rint((image - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)


def brightness_contrast(image: np.ndarray, brightness: int, contrast: float) -> np.ndarray:
    return np.rint(contrast * (image - 127.5) + 127.5 + brightness).clip(0, 255).astype(np.uint8)


def gamma(image: np.ndarray, gamma: float) -> np.ndarray:
    curve = np.rint(255 * (np.arange(256) / 255) ** (1 / gamma)).astype(np.uint8)
    return curve[image]


def even_light(image: np.ndarray, sigma: float) -> np.ndarray:
    values = image.astype(np.float32)
    around = np.maximum(cv2.GaussianBlur(values, (0, 0), sigma), 1)
    return np.rint(255 * values / around).clip(0, 255).astype(np.uint8)


def white_balance(image: np.ndarray, strength: float) -> np.ndarray:
    means = image.reshape(-1, 3).mean(axis=0)
    gains = np.where(means > 0, means.mean() / np.maximum(means, 1e-9), 1)  # a channel that is empty stays so
    return np.rint(image * (1 + strength / 100 * (gains - 1))).clip(0, 255).astype(np.uint8)


def hue_saturation(image: np.ndarray, hue: int, saturation: float) -> np.ndarray:
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)  # hue 0..360, the others 0..1
    hsv[..., 0] = (hsv[..., 0] + hue) % 360
    hsv[..., 1] = np.minimum(saturation * hsv[..., 1], 1)
    return np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).clip(0, 255).astype(np.uint8)


def sepia(image: np.ndarray, strength: float) -> np.ndarray:
    brown = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    mixing = strength / 100 * brown + (1 - strength / 100) * np.eye(3)
    return np.rint(image @ mixing.T).clip(0, 255).astype(np.uint8)


def channel(image: np.ndarray, channel: str) -> np.ndarray:
    if channel in ("red", "green", "blue"):
        plane = image[..., ("red", "green", "blue").index(channel)]
    else:
        plane = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)[..., ("hue", "saturation", "value").index(channel)]
    return np.repeat(plane[..., None], 3, axis=2)


def invert(image: np.ndarray) -> np.ndarray:
    return 255 - image


def grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _percent(name: str, title: str, about: str, default: float = 100.0) -> Parameter:
    return Parameter(name, title, "float", 0.0, 100.0, 1.0, default, "%", about=about)


TONE: dict[str, Filter] = {
    "equalise": Filter(
        "equalise",
        "Equalise",
        "Light and colour",
        "Spreads brightness evenly from black to white, for the whole picture at once.",
        equalise,
    ),
    "clahe": Filter(
        "clahe",
        "Local contrast (CLAHE)",
        "Light and colour",
        "Equalises tile by tile, with a limit on how much noise may be blown up.",
        clahe,
        (
            Parameter("clip", "Clip limit", "float", 1.0, 10.0, 0.5, 2.0, about="How much contrast is let through."),
            Parameter("tiles", "Tiles", "int", 1, 16, 1, 8, about="How many tiles a side."),
        ),
    ),
    "stretch": Filter(
        "stretch",
        "Stretch",
        "Light and colour",
        "Makes the darkest black and the brightest white, and everything between in proportion.",
        stretch,
        (Parameter("cut", "Cut", "float", 0.0, 25.0, 0.5, 1.0, "%", about="So much at either end is given up."),),
    ),
    "brightness_contrast": Filter(
        "brightness_contrast",
        "Brightness and contrast",
        "Light and colour",
        "Adds to every value, and pulls values away from mid-grey or towards it.",
        brightness_contrast,
        (
            Parameter("brightness", "Brightness", "int", -255, 255, 1, 0, "grey levels", about="What is added."),
            Parameter("contrast", "Contrast", "float", 0.0, 5.0, 0.05, 1.2, about="1 changes nothing."),
        ),
    ),
    "gamma": Filter(
        "gamma",
        "Gamma",
        "Light and colour",
        "Bends the tone curve: above 1 lifts the shadows, below 1 deepens them; black and white stay.",
        gamma,
        (Parameter("gamma", "Gamma", "float", 0.1, 5.0, 0.05, 1.5, about="1 changes nothing."),),
    ),
    "even_light": Filter(
        "even_light",
        "Even light",
        "Light and colour",
        "Divides each pixel by the blur around it: shadows on paper go, and a grey photograph becomes a sketch.",
        even_light,
        (Parameter("sigma", "Sigma", "float", 0.5, 50.0, 0.5, 20.0, "px", about="How far around it looks."),),
    ),
    "white_balance": Filter(
        "white_balance",
        "White balance",
        "Light and colour",
        "Takes a colour cast away: the picture’s mean becomes grey (the grey-world rule).",
        white_balance,
        (_percent("strength", "Strength", "How much of the cast is taken."),),
    ),
    "hue_saturation": Filter(
        "hue_saturation",
        "Hue and saturation",
        "Light and colour",
        "Turns all colours around the wheel, and makes them paler or stronger.",
        hue_saturation,
        (
            Parameter("hue", "Hue", "int", -180, 180, 1, 0, "degrees", about="How far colours turn."),
            Parameter("saturation", "Saturation", "float", 0.0, 4.0, 0.05, 1.4, about="1 changes nothing, 0 is grey."),
        ),
    ),
    "sepia": Filter(
        "sepia",
        "Sepia",
        "Light and colour",
        "The browns of old photographs.",
        sepia,
        (_percent("strength", "Strength", "How brown it becomes."),),
    ),
    "channel": Filter(
        "channel",
        "One channel",
        "Light and colour",
        "Shows one of the numbers that make up a colour, as a grey picture.",
        channel,
        (
            Parameter(
                "channel",
                "Channel",
                "choice",
                default="red",
                choices=("red", "green", "blue", "hue", "saturation", "value"),
                about="Red, green and blue, or what makes the same colour up in HSV.",
            ),
        ),
    ),
    "invert": Filter("invert", "Invert", "Light and colour", "Turns every colour into its negative.", invert),
    "grey": Filter("grey", "Grey", "Light and colour", "Keeps brightness, drops colour (ITU-R BT.601 luma).", grey),
}
