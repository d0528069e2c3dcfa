"""Frequencies: pictures as sums of waves. Gabor looks for one wave nearby, Fourier for all of them everywhere."""

import cv2
import numpy as np
from scipy import fft

from visionlab.imaging.filter_record import Filter, Parameter
from visionlab.imaging.operations.edges import response_picture


def gabor(image: np.ndarray, wavelength: float, angle: float, width: float, gain: float, show: str) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    reach = int(np.ceil(3 * width))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    turn = np.radians(angle)
    # The wave runs across its stripes; stripes at 0° lie flat, and turn anticlockwise.
    phase = 2 * np.pi / wavelength * (x * np.sin(turn) + y * np.cos(turn))
    window = np.exp(-(x**2 + y**2) / (2 * width**2))
    window /= window.sum()
    even = window * (np.cos(phase) - (window * np.cos(phase)).sum())  # an even picture gets no answer
    answer = 2 * cv2.filter2D(grey, cv2.CV_32F, even)  # a wave that fits is answered with about its own height
    if show == "energy":  # of the wave and of its twin, a quarter later: wherever in the stripe the pixel is
        answer = np.hypot(answer, 2 * cv2.filter2D(grey, cv2.CV_32F, window * np.sin(phase)))
    return response_picture(answer, gain, "sign" if show == "sign" else "size")


def radial_frequency(height: int, width: int) -> np.ndarray:
    """How fast each term of the Fourier transform varies, (H, W): 0 is the mean, 100 the fastest that fits a row."""
    return 200 * np.hypot(fft.fftfreq(height)[:, None], fft.fftfreq(width)[None, :])


def low_pass(frequency: np.ndarray, cutoff: float, profile: str) -> np.ndarray:
    """Which share of each frequency a low-pass keeps, 0..1: half of what lies at the cutoff (ideal: all of it)."""
    ratio = frequency / cutoff
    if profile == "ideal":
        return (ratio <= 1).astype(float)
    return 0.5 ** (ratio**2) if profile == "Gaussian" else 1 / (1 + ratio**4)


def band_pass(frequency: np.ndarray, low: float, high: float, profile: str) -> np.ndarray:
    """What lies between two frequencies, 0..1."""
    return low_pass(frequency, high, profile) * (1 - low_pass(frequency, low, profile))


def keep_frequencies(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The picture with a share `kept` (H, W) of each of its frequencies: float32 (H, W, 3), signed."""
    spectra = fft.fft2(image.astype(np.float32), axes=(0, 1))
    return fft.ifft2(spectra * kept[..., None].astype(np.float32), axes=(0, 1)).real


def fourier_low_pass(image: np.ndarray, cutoff: float, profile: str) -> np.ndarray:
    kept = low_pass(radial_frequency(*image.shape[:2]), cutoff, profile)
    return np.rint(keep_frequencies(image, kept)).clip(0, 255).astype(np.uint8)


def fourier_high_pass(image: np.ndarray, cutoff: float, profile: str) -> np.ndarray:
    kept = 1 - low_pass(radial_frequency(*image.shape[:2]), cutoff, profile)
    return np.rint(128 + keep_frequencies(image, kept)).clip(0, 255).astype(np.uint8)


def fourier_band_pass(image: np.ndarray, low: float, high: float, profile: str) -> np.ndarray:
    kept = band_pass(radial_frequency(*image.shape[:2]), low, high, profile)
    return np.rint(128 + keep_frequencies(image, kept)).clip(0, 255).astype(np.uint8)


FOURIER = ("fourier_low_pass", "fourier_high_pass", "fourier_band_pass")  # filters that have a spectrum to show


def kept_frequencies(name: str, height: int, width: int, **values: float | str) -> np.ndarray:
    """Which share of each frequency the filter of that name, one of FOURIER, keeps: (H, W), 0..1."""
    frequency = radial_frequency(height, width)
    if name == "fourier_band_pass":
        return band_pass(frequency, **values)
    kept = low_pass(frequency, **values)
    return kept if name == "fourier_low_pass" else 1 - kept


def spectrum(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The picture's spectrum, uint8 (H, W, 3): log(1 + |F|) of its luma, the mean in the middle; blue is taken out.

    `kept` (H, W) is the share of each frequency that stays, 0..1, in the order of radial_frequency().
    """
    size = np.log1p(np.abs(fft.fft2(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float))))
    # The mean outshines all else, so that the scale ends at what nearly all frequencies stay below.
    bright = (size / max(np.percentile(size, 99.9), 1e-9)).clip(0, 1)[..., None]
    share = kept[..., None]
    coloured = 255 * bright * share + (1 - share) * (40 + 110 * bright) * np.array([0.25, 0.5, 1.0])
    return np.rint(fft.fftshift(coloured, axes=(0, 1))).clip(0, 255).astype(np.uint8)


_PROFILE = Parameter(
    "profile",
    "Profile",
    "choice",
    default="Gaussian",
    choices=("Gaussian", "Butterworth", "ideal"),
    about="How the border is drawn: softly, steeply, or as a step, which rings.",
)


def _cutoff(name: str, title: str, default: float, about: str) -> Parameter:
    return Parameter(name, title, "float", 0.5, 100.0, 0.5, default, "%", about=f"Of the fastest wave. {about}")


FREQUENCIES: dict[str, Filter] = {
    "gabor": Filter(
        "gabor",
        "Gabor",
        "Frequencies",
        "Answers to stripes of one width and one direction, as cells in the visual cortex do (Daugman 1985).",
        gabor,
        (
            Parameter("wavelength", "Wavelength", "float", 2.0, 40.0, 0.5, 8.0, "px", about="From stripe to stripe."),
            Parameter("angle", "Angle", "float", 0.0, 180.0, 1.0, 90.0, "degrees", about="0 lies flat, 90 stands."),
            Parameter(
                "width", "Width", "float", 1.0, 20.0, 0.5, 4.0, "px", about="The sigma of the window it looks through."
            ),
            Parameter("gain", "Gain", "float", 0.1, 10.0, 0.1, 3.0, about="What the answer is multiplied by."),
            Parameter(
                "show",
                "Show",
                "choice",
                default="energy",
                choices=("energy", "size", "sign"),
                about="The strength of the stripes, or the wave’s own answer: its size, or its sign about mid-grey.",
            ),
        ),
    ),
    "fourier_low_pass": Filter(
        "fourier_low_pass",
        "Fourier low-pass",
        "Frequencies",
        "Keeps slow waves: broad shapes stay, fine detail goes. What leaves on one side enters on the other.",
        fourier_low_pass,
        (_cutoff("cutoff", "Cutoff", 15.0, "Faster waves go."), _PROFILE),
    ),
    "fourier_high_pass": Filter(
        "fourier_high_pass",
        "Fourier high-pass",
        "Frequencies",
        "Keeps fast waves: edges and texture, around mid-grey.",
        fourier_high_pass,
        (_cutoff("cutoff", "Cutoff", 5.0, "Slower waves go."), _PROFILE),
    ),
    "fourier_band_pass": Filter(
        "fourier_band_pass",
        "Fourier band-pass",
        "Frequencies",
        "Keeps waves between two frequencies: detail of one size, around mid-grey.",
        fourier_band_pass,
        (
            _cutoff("low", "From", 5.0, "Slower waves go."),
            _cutoff("high", "To", 25.0, "Faster waves go."),
            _PROFILE,
        ),
    ),
}
