"""Sums of waves: what is kept of them, against SciPy and on pictures made of waves."""

import numpy as np
import pytest
from imaging.operations.pictures import NOISE, SOFT, as_picture, run
from scipy import fft, ndimage

from visionlab.imaging.operations.frequencies import FOURIER, kept_frequencies, spectrum


def waves(period, angle=0.0, height=60.0, side=64):
    """A picture of stripes: `period` pixels apart, lying flat at 0°, turned anticlockwise by `angle`."""
    y, x = np.mgrid[:side, :side]
    turn = np.radians(angle)
    return as_picture(128 + height * np.cos(2 * np.pi / period * (x * np.sin(turn) + y * np.cos(turn))))


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_gabor_answers_to_its_own_stripes(angle):
    for show in ("energy", "size"):
        own = run("gabor", waves(8, angle), wavelength=8.0, angle=angle, width=6.0, gain=1.0, show=show)[20:44, 20:44]
        assert own.max() == pytest.approx(60, abs=4)
    energy = run("gabor", waves(8, angle), wavelength=8.0, angle=angle, width=6.0, gain=1.0)[20:44, 20:44]
    assert np.ptp(energy) < 8, "the energy is the same wherever in the stripe"
    for other in (waves(8, angle + 90), waves(20, angle)):
        assert run("gabor", other, wavelength=8.0, angle=angle, width=6.0, gain=1.0)[20:44, 20:44].max() < 5


def test_ideal_filters_part_two_waves():
    y, x = np.mgrid[:60, :60]
    slow, fast = 40 * np.cos(2 * np.pi * x / 30), 30 * np.cos(2 * np.pi * y / 4)  # 6.7 % and 50 % of the fastest
    both = as_picture(120 + slow + fast)
    low = run("fourier_low_pass", both, cutoff=20.0, profile="ideal")[..., 0]
    assert np.abs(low - (120 + slow)).max() <= 1
    high = run("fourier_high_pass", both, cutoff=20.0, profile="ideal")[..., 0]
    assert np.abs(high - (128 + fast)).max() <= 1
    band = run("fourier_band_pass", both, low=2.0, high=20.0, profile="ideal")[..., 0]
    assert np.abs(band - (128 + slow)).max() <= 1


def test_the_gaussian_low_pass_is_scipys():
    sigma = np.sqrt(np.log(2) * 20_000) / (np.pi * 20)  # of the Gaussian that halves what lies at the cutoff
    values = fft.fft2(NOISE.astype(float), axes=(0, 1))
    expected = [fft.ifft2(ndimage.fourier_gaussian(values[..., c], sigma)).real for c in range(3)]
    assert np.abs(run("fourier_low_pass", NOISE, cutoff=20.0) - np.stack(expected, axis=2)).max() <= 1


@pytest.mark.parametrize("profile", ["Gaussian", "Butterworth", "ideal"])
@pytest.mark.parametrize("shape", [(40, 50), (7, 5), (1, 9), (1, 1)])
def test_what_low_and_high_pass_keep_is_all(profile, shape):
    values = {"cutoff": 12.0, "profile": profile}
    low, high = (kept_frequencies(name, *shape, **values) for name in FOURIER[:2])
    assert low.shape == shape
    assert low[0, 0] == 1
    np.testing.assert_allclose(low + high, 1)
    image = SOFT[: shape[0], : shape[1]]
    parts = run("fourier_low_pass", image, **values) + run("fourier_high_pass", image, **values) - 128
    assert np.abs(parts - image).max() <= 1


def test_half_is_kept_at_the_cutoff():
    for profile in ("Gaussian", "Butterworth"):
        kept = kept_frequencies("fourier_low_pass", 1, 200, cutoff=25.0, profile=profile)[0]
        assert kept[25] == pytest.approx(0.5)  # 25 waves in 200 pixels: a quarter of the fastest, 100
        assert (np.diff(kept[:101]) < 0).all()


def test_the_spectrum_shows_the_wave_and_what_goes():
    kept = kept_frequencies("fourier_low_pass", 64, 64, cutoff=50.0, profile="ideal")
    shown = spectrum(waves(8), kept).astype(int)
    assert shown.shape == (64, 64, 3)
    bright = {tuple(place) for place in np.argwhere(shown.sum(axis=2) >= 0.9 * shown.sum(axis=2).max())}
    assert {(24, 32), (32, 32), (40, 32)} <= bright, "the mean, and the wave of 8 pixels above and below it"
    assert (shown[32, 32:48, 0] == shown[32, 32:48, 2]).all(), "what stays is grey"
    assert (shown[0, :, 2] > shown[0, :, 0] + 20).all(), "what goes is blue"
