"""Loading networks, and the first answer: beside torchvision's constructor and `load_state_dict`.

A file was hashed before, as it is from the second start on; ours goes on hashing beside what follows, which has ended
before the peer begins. From a file to five classes is beside mobilenet_v3_large, a network of as much computing. Peak
memory is that of a process which loads VGG16 and predicts three times, Python and its libraries included.
"""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

import torch
from hostile.kills import environment
from PIL import Image as PILImage
from torch import nn

import visionlab as vl
from benchmarks import ROOT
from benchmarks.measuring import Goal, Row, Setting, asked, compared, in_turn
from benchmarks.pictures import files
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo import models
from visionlab.network.zoo.vgg import VGG, VGG16

TITLE = "Loading, and the first answer"
LOADS = 9


def made(make: Callable[[], nn.Module], file: Path) -> nn.Module:
    """As one loads a network of torchvision."""
    network = make()
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def loading(name: str, make: Callable[[], nn.Module], file: Path, loads: int) -> Row:
    loaded: list[Classifier | nn.Module] = []

    def before() -> None:
        """Whatever was loaded has ended its hashing, and gone."""
        if loaded and isinstance(loaded[-1], Classifier):
            loaded[-1].check(wait=True)
        loaded.clear()
        gc.collect()

    runs = {
        "ours": lambda: loaded.append(vl.load_classifier(name, "cpu")),
        "torchvision": lambda: loaded.append(made(make, file)),
    }
    times = in_turn(runs, 0, least=loads, before=before)
    before()
    return compared(f"{name}, loading", times, Goal(0.1))


@contextmanager
def random_vgg16() -> Iterator[Path]:
    """VGG16's entry in MODELS is of a file of random weights meanwhile, in its folder, under the checks that
    torchvision's own file gets: its name holds the first digits of its SHA-256.
    """
    entry = models.MODELS["vgg16"]
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        draft = Path(folder, "draft.pth")
        torch.save(VGG(VGG16).state_dict(), draft)
        with draft.open("rb") as opened:
            digits = file_digest(opened, "sha256").hexdigest()[:8]
        file = draft.rename(draft.with_name(f"vgg16-{digits}.pth"))
        models.MODELS["vgg16"] = replace(entry, file=WeightFile(file.name))
        try:
            with environment(VISIONLAB_WEIGHTS=folder):
                yield file
        finally:
            models.MODELS["vgg16"] = entry


def first_answer(name: str, seconds: float) -> Row:
    """One picture from its file to its five most probable classes."""
    from torchvision.models import MobileNet_V3_Large_Weights, mobilenet_v3_large

    net, [file] = vl.load_classifier(name, "cpu"), files(1, 512, 512)
    network, transform = mobilenet_v3_large().eval(), MobileNet_V3_Large_Weights.IMAGENET1K_V2.transforms()

    @torch.inference_mode()
    def theirs() -> object:
        picture = PILImage.open(io.BytesIO(file)).convert("RGB")
        return network(transform(picture)[None]).softmax(1).topk(5)

    times = in_turn({"ours": lambda: vl.predict(net, [vl.load_image(file)]), "mobilenet_v3_large": theirs}, seconds)
    return compared(f"{name}, a file → its five classes", times, Goal(1.1))


OURS = """
import visionlab as vl
from dataclasses import replace
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo import models
models.MODELS["vgg16"] = replace(models.MODELS["vgg16"], file=WeightFile("{name}"))
net = vl.load_classifier("vgg16", "cpu")
for _ in range(3): vl.predict(net, [vl.load_sample("cat")])
"""
THEIRS = """
import torch
from torchvision.models import vgg16
network = vgg16()
network.load_state_dict(torch.load("{file}", weights_only=True))
network.eval()
with torch.inference_mode():
    for _ in range(3): network(torch.zeros(1, 3, 224, 224)).softmax(1)
"""
APP = """
import visionlab as vl, streamlit, plotly, torchvision
from visionlab.ui.shared import cached
for name in ("efficientnet_lite0", "vgg16-oxford"):
    net = vl.load_classifier(name, "cpu")
    net.check(wait=True)
    vl.predict(net, [vl.load_sample("cat")]); vl.feature_maps(net, vl.load_sample("cat"))
"""
# Not getrusage(): what that tells begins with the memory of the process that started this one.
PEAK = 'print(next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))'


def peak(code: str) -> float:
    """The most memory in MB that a process of its own held."""
    command = [sys.executable, "-c", code + PEAK]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def measure(setting: Setting) -> Iterator[Row]:
    from torchvision.models import efficientnet_b0, vgg16

    torch.set_num_threads(os.cpu_count() or 1)
    loads = 2 if setting.short else LOADS
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.pth")
        for name, make in {"efficientnet_lite0": efficientnet_b0, "vgg16-oxford": vgg16}.items():
            torch.save(make().state_dict(), file)
            yield loading(name, make, file, loads)
    with random_vgg16() as file:
        yield loading("vgg16", vgg16, file, loads)
        theirs = peak(THEIRS.format(file=file))
        mine = peak(OURS.format(name=file.name))
        yield Row("vgg16, peak memory", mine, "MB", {"torchvision": mine / theirs})
    yield first_answer("efficientnet_lite0", 2 if setting.short else 8)
    yield Row("the app’s libraries and two networks that have answered, peak memory", peak(APP), "MB")


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
