"""The CHAINS table: filters that are worth having one after the other, ready-made."""

from __future__ import annotations

from dataclasses import dataclass

from visionlab.imaging.filter_record import Value
from visionlab.imaging.pipeline import Pipeline

MADE_FOR = 1024  # pixels


@dataclass(frozen=True)
class Chain:
    """A ready-made chain: its steps as a Pipeline takes them, and what it is for.

    What is in pixels was chosen on pictures whose longest side has MADE_FOR of them.
    """

    name: str
    title: str
    about: str
    steps: tuple[tuple[str, dict[str, Value]], ...]

    def pipeline(self) -> Pipeline:
        """Its steps, checked, to be run on uint8 (H, W, 3): made for pictures MADE_FOR pixels long, at any size."""
        return Pipeline(self.steps)


CHAINS: dict[str, Chain] = {
    "edge_map": Chain(
        "edge_map",
        "Edge map",
        "A blur against noise, edges one pixel wide, and ink instead of light.",
        (("gaussian_blur", {"sigma": 1.5}), ("canny", {"low": 40, "high": 110}), ("invert", {})),
    ),
    "scan": Chain(
        "scan",
        "Scan clean-up",
        "A photographed page without its shadows and grain, black on white.",
        (
            ("grey", {}),
            ("even_light", {"sigma": 20.0}),
            ("non_local_means", {"strength": 12.0}),
            ("otsu", {}),
            ("median", {"size": 3}),
        ),
    ),
    "sketch": Chain(
        "sketch",
        "Pencil sketch",
        "Each pixel against the blur around it leaves lines as of a pencil.",
        (("grey", {}), ("median", {"size": 3}), ("even_light", {"sigma": 6.0}), ("gamma", {"gamma": 0.45})),
    ),
    "cartoon": Chain(
        "cartoon",
        "Cartoon",
        "Even surfaces, few and strong colours, and lines of ink around them.",
        (
            ("bilateral", {"diameter": 9, "sigma_color": 60.0, "sigma_space": 7.0}),
            ("bilateral", {"diameter": 9, "sigma_color": 60.0, "sigma_space": 7.0}),
            ("outline", {"block": 13, "offset": 5}),
            ("posterise", {"levels": 10}),
            ("hue_saturation", {"saturation": 1.4}),
        ),
    ),
    "noise_test": Chain(
        "noise_test",
        "Noise and cure",
        "Salt and pepper first, then the filter that mends it. Try another one in its place.",
        (("noise", {"kind": "salt and pepper", "amount": 10.0}), ("median", {"size": 3})),
    ),
    "frequencies": Chain(
        "frequencies",
        "Fourier",
        "Slow waves go first, then fast ones: what is left is detail of one size.",
        (("fourier_high_pass", {"cutoff": 3.0}), ("fourier_low_pass", {"cutoff": 25.0}), ("stretch", {})),
    ),
    "low_light": Chain(
        "low_light",
        "Low light",
        "Lifts the shadows of a dark picture, quietens their noise and brings contrast back.",
        (
            ("gamma", {"gamma": 1.8}),
            ("non_local_means", {"strength": 6.0}),
            ("clahe", {"clip": 1.5}),
            ("unsharp_mask", {"sigma": 1.5, "amount": 0.6}),
        ),
    ),
    "newspaper": Chain(
        "newspaper",
        "Newspaper",
        "Strong contrast in dots of black and white.",
        (("grey", {}), ("clahe", {"clip": 3.0}), ("unsharp_mask", {"sigma": 2.0}), ("dither", {"cell": 2})),
    ),
    "old_photograph": Chain(
        "old_photograph",
        "Old photograph",
        "Brown, soft, grainy, and dark in the corners.",
        (
            ("gaussian_blur", {"sigma": 0.8}),
            ("sepia", {"strength": 90.0}),
            ("noise", {"kind": "Gaussian", "amount": 4.0}),
            ("vignette", {"strength": 60.0}),
        ),
    ),
}
