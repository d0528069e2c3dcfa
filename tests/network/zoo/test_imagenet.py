"""ImageNet's classes: torchvision's names for them, which are had without importing it."""

import subprocess
import sys

from torchvision.models import VGG16_Weights

from visionlab.network.zoo import imagenet

QUICKLY = """
import sys
from visionlab.network.zoo import imagenet
assert len(imagenet.labels()) == 1000
sys.exit("torchvision" in sys.modules)
"""


def test_the_names_are_torchvisions():
    assert list(imagenet.labels()) == VGG16_Weights.IMAGENET1K_V1.meta["categories"]


def test_torchvision_is_not_imported_for_them():
    """It takes a second or two. Where it does, this torchvision has them in another file: see imagenet.py."""
    assert subprocess.run([sys.executable, "-c", QUICKLY], check=False).returncode == 0


def test_a_torchvision_that_has_them_elsewhere_is_asked(monkeypatch):
    monkeypatch.setattr(imagenet, "find_spec", lambda name: None)
    assert list(imagenet.labels.__wrapped__()) == VGG16_Weights.IMAGENET1K_V1.meta["categories"]
