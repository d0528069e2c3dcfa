"""VGG16 at its full size: how fast it loads and predicts, and what memory that takes, beside its peers.

    pip install -r requirements-bench.txt
    python benchmarks/vgg16.py [--seconds 20] [--folder somewhere]

The file is one of VGG16's size with random weights (528 MB): they take as long as trained ones. Ours begins with a
JPEG file's bytes and ends with probabilities; the peers get the prepared tensor, and only their forward pass is timed.
All engines take turns, call by call; ratios are of medians, over those of torchvision in float32: below 1 is faster.
Peak memory is that of a process which loads one engine and does nothing else, Python and its libraries included; it is
read where Linux tells it.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Annotated

import torch
import typer
from layers import in_turn
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import visionlab as vl
from visionlab.device import half_precision
from visionlab.imaging.image import encode_jpeg
from visionlab.imaging.samples import load_sample
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.running.precision import in_precision
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo import models
from visionlab.network.zoo.vgg import VGG, VGG16

BATCHES = (1, 8, 32)
LOADS = 7  # of each kind, in turn

console = Console(width=120, highlight=False)

Asked = Callable[[Sequence[bytes], Tensor], object]  # (encoded pictures, the same prepared (N, 3, 224, 224)) -> answers


@dataclass(frozen=True)
class Engine:
    """Something that runs VGG16: start(folder) loads it from the files there. goal is for one picture."""

    name: str
    start: Callable[[Path], Asked]
    half: bool = False
    goal: str = ""


def ours(folder: Path, precision: str = "float32") -> Asked:
    net = in_precision(load_ours(folder), precision)
    gc.collect()  # in half precision, the float32 weights are no longer needed

    return lambda files, _: probabilities(net, [vl.load_image(data) for data in files])


def load_ours(folder: Path):
    """VGG16 from the file in the folder, under the very checks that torchvision's own file gets."""
    os.environ["VISIONLAB_WEIGHTS"] = str(folder)
    file = WeightFile(weights_in(folder).name)
    models.MODELS["vgg16"] = replace(models.MODELS["vgg16"], file=file)
    return vl.load_classifier("vgg16", "cpu")


def load_torchvision(folder: Path) -> nn.Module:
    from torchvision.models import vgg16

    network = vgg16()
    network.load_state_dict(torch.load(weights_in(folder), weights_only=True))
    return network.eval()


def torchvisions(folder: Path, precision: torch.dtype = torch.float32) -> Asked:
    network = load_torchvision(folder).to(precision)

    @torch.inference_mode()
    def ask(_: Sequence[bytes], x: Tensor) -> Tensor:
        return network(x.to(precision)).float().softmax(1)

    return ask


def onnxruntimes(folder: Path) -> Asked:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(folder / "vgg16.onnx", options, providers=["CPUExecutionProvider"])
    return lambda _, x: session.run(None, {"x": x.numpy()})


def openvinos(folder: Path, precision: str) -> Asked:
    import openvino

    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.Core().compile_model(folder / "vgg16.onnx", "CPU", hints)
    return lambda _, x: compiled([x.numpy()])


ENGINES: dict[str, Engine] = {
    "torchvision": Engine("torchvision, eager, float32", torchvisions),
    "ours": Engine("visionlab, float32, decoding and preparing included", ours, goal="≤ 1.05"),
    "ours-half": Engine("visionlab, bfloat16, decoding and preparing included", partial(ours, precision="bfloat16"),
                        half=True, goal="≤ 0.6"),
    "torchvision-half": Engine("torchvision, eager, bfloat16", partial(torchvisions, precision=torch.bfloat16), True),
    "onnxruntime": Engine("onnxruntime, float32", onnxruntimes),
    "openvino": Engine("OpenVINO, float32", partial(openvinos, precision="f32")),
    "openvino-half": Engine("OpenVINO, bfloat16", partial(openvinos, precision="bf16"), half=True),
}  # fmt: skip


def weights_in(folder: Path) -> Path:
    return next(folder.glob("vgg16-*.pth"))


def write_files(folder: Path) -> None:
    """A weight file whose name holds the first digits of its SHA-256, as torchvision's does, and an ONNX file."""
    if not list(folder.glob("vgg16-*.pth")):
        torch.manual_seed(0)
        draft = folder / "draft.pth"
        torch.save(VGG(VGG16).state_dict(), draft)
        with draft.open("rb") as file:
            digits = file_digest(file, "sha256").hexdigest()[:8]
        draft.rename(folder / f"vgg16-{digits}.pth")
    if not (folder / "vgg16.onnx").exists():
        x = torch.zeros(2, 3, 224, 224)
        shapes = ({0: torch.export.Dim("batch")},)
        program = torch.onnx.export(load_torchvision(folder), (x,), input_names=["x"], dynamic_shapes=shapes,
                                    dynamo=True, verbose=False)  # fmt: skip
        program.save(folder / "vgg16.onnx")


def asked(pictures: int) -> tuple[list[bytes], Tensor]:
    """So many photographs as JPEG files, no two alike, and as the network takes them."""
    cat = load_sample("cat")
    files = [encode_jpeg(cat[:, 2 * i :].copy(), 92) for i in range(pictures)]
    return files, models.MODELS["vgg16"].transform([vl.load_image(data) for data in files], torch.device("cpu"))


def loading(folder: Path) -> tuple[float, float, float]:
    """Seconds of our first load, which hashes the file, and of later ones and torchvision's, the medians.

    A later load hashes the file beside what follows: that has ended before torchvision's begins.
    """
    (folder / "checksums.json").unlink(missing_ok=True)
    start = time.perf_counter()
    load_ours(folder)
    first = time.perf_counter() - start
    later: list[list[float]] = [[], []]
    for _ in range(LOADS):
        for load, times in zip((load_ours, load_torchvision), later, strict=True):
            gc.collect()
            start = time.perf_counter()
            loaded = load(folder)
            times.append(time.perf_counter() - start)
            if load is load_ours:
                loaded.check(wait=True)
            del loaded
    return first, *map(statistics.median, later)


def peak(folder: Path, key: str, batch: int) -> float:
    """The most memory in MB that a process of its own held while it loaded the engine and answered three times."""
    command = [sys.executable, __file__, "--folder", str(folder), "--alone", key, "--batch", str(batch)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(answer.stdout)


def alone(folder: Path, key: str, batch: int) -> None:
    ask = ENGINES[key].start(folder)
    given = asked(batch)
    for _ in range(3):
        ask(*given)
    # Not getrusage(): what that tells begins with the memory of the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 2**10)


def measure(folder: Path, seconds: float) -> None:
    write_files(folder)
    first, again, theirs = loading(folder)
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    console.print(
        f"Loading, every value checked: {again:.3f} s, torchvision’s constructor and load_state_dict {theirs:.3f} s: "
        f"[bold]{again / theirs:.2f}[/bold] (goal ≤ 0.1). The first time, with the file’s SHA-256: {first:.2f} s."
    )
    half = half_precision(torch.device("cpu")) is not None
    if not half:
        console.print("This processor does not compute in bfloat16 natively: its rows are left out.")
    chosen = {key: engine for key, engine in ENGINES.items() if half or not engine.half}
    running = {key: engine.start(folder) for key, engine in chosen.items()}
    times: dict[int, dict[str, float]] = {}
    for batch in BATCHES:
        given = asked(batch)
        taken = in_turn(*(partial(ask, *given) for ask in running.values()), seconds=seconds, least=5)
        times[batch] = dict(zip(running, map(statistics.median, taken), strict=True))
    running.clear()
    gc.collect()
    columns = [f"{batch}: ms a picture (ratio)" for batch in BATCHES]
    table = Table("VGG16 at 224 px", *columns, "goal at 1", "peak MB at 1", f"peak MB at {BATCHES[-1]}")
    for key, engine in chosen.items():
        cells = [
            f"{times[batch][key] / batch * 1e3:.1f} ({times[batch][key] / times[batch]['torchvision']:.2f})"
            for batch in BATCHES
        ]
        peaks = [f"{peak(folder, key, batch):.0f}" for batch in (BATCHES[0], BATCHES[-1])]
        table.add_row(engine.name, *cells, engine.goal, *peaks)
    console.print(table)


def main(
    seconds: Annotated[float, typer.Option(help="How long the engines take turns at each size of batch.")] = 20,
    folder: Annotated[Path | None, typer.Option(help="Where the files lie, or are to lie (1.1 GB).")] = None,
    alone_: Annotated[str | None, typer.Option("--alone", hidden=True)] = None,
    batch: Annotated[int, typer.Option(hidden=True)] = 1,
) -> None:
    """Print every figure beside its goal."""
    torch.set_num_threads(os.cpu_count() or 1)
    if alone_:
        assert folder is not None
        alone(folder, alone_, batch)
    elif folder:
        folder.mkdir(parents=True, exist_ok=True)
        measure(folder, seconds)
    else:
        with tempfile.TemporaryDirectory() as made:
            measure(Path(made), seconds)


if __name__ == "__main__":
    typer.run(main)
