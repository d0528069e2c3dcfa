"""Networks: a batch of prepared pictures, from tensor to logits, beside what else runs the same network.

torch eager is torchvision's network where there is one, and else the same module called as it is; onnxruntime and
OpenVINO run it from an ONNX file; torch.compile needs a C++ compiler and is asked for small batches alone, since it
compiles for each size. All weights are as they come, but VGG16's, which are random: they take as long as trained ones.
bfloat16 is measured where the processor has it, beside others in bfloat16.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from tiny import tiny_classifier
from torch import Tensor, nn

import visionlab as vl
from benchmarks.machine import left_out
from benchmarks.measuring import Goal, Row, Setting, asked, compared, in_turn
from benchmarks.pictures import photographs
from visionlab.device import half_precision
from visionlab.network.running.chunks import through
from visionlab.network.running.classifier import Classifier, Transform
from visionlab.network.running.precision import in_precision
from visionlab.network.zoo.vgg import VGG16
from visionlab.network.zoo.vgg_layers import vgg_layers

TITLE = "Networks"
BATCHES = (1, 8, 32)
COMPILED = (1, 8)  # batches
SECONDS = 4.0  # a row

Asked = Callable[[Tensor], object]


def full_width() -> Classifier:
    """VGG16 as in the paper, with random weights."""
    net = tiny_classifier(plan=VGG16)
    layers = vgg_layers(VGG16, 224)
    return Classifier("VGG16", net.module, Transform(256, 224), net.labels, layers, net.device, "relu7")


def torchvisions_vgg16() -> nn.Module:
    from torchvision.models import vgg16

    return vgg16().eval()


@dataclass(frozen=True)
class Network:
    """A network and, where its own module is not it, the one that people would use instead."""

    load: Callable[[], Classifier]
    eager: Callable[[], nn.Module] | None = None


NETWORKS = {
    "vgg16-tinyimagenet": Network(partial(vl.load_classifier, "vgg16-tinyimagenet", "cpu")),
    "efficientnet_lite0": Network(partial(vl.load_classifier, "efficientnet_lite0", "cpu")),
    "vgg16-oxford": Network(partial(vl.load_classifier, "vgg16-oxford", "cpu")),
    "vgg16": Network(full_width, torchvisions_vgg16),
}


def ours(net: Classifier) -> Asked:
    steps = net.module.steps()
    return torch.inference_mode()(lambda x: through(net, steps, x))


def eager(module: nn.Module, precision: torch.dtype) -> Asked:
    module = module.to(precision)
    return torch.inference_mode()(lambda x: module(x.to(precision)).float())


def onnxruntimes(file: Path) -> Asked:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x.numpy()})


def openvinos(file: Path, precision: str) -> Asked:
    import openvino

    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.Core().compile_model(file, "CPU", hints)
    return lambda x: compiled([x.numpy()])


def exported(module: nn.Module, side: int, file: Path) -> Path:
    x, shapes = torch.zeros(2, 3, side, side), ({0: torch.export.Dim("batch")},)
    program = torch.onnx.export(module, (x,), input_names=["x"], dynamic_shapes=shapes, dynamo=True, verbose=False)
    program.save(file)
    return file


def engines(net: Classifier, eager_: nn.Module, file: Path) -> dict[str, dict[str, Asked]]:
    """{precision: {engine: what runs it}}, ours the first."""
    found = {"float32": {"ours": ours(net), "torch eager": eager(eager_, torch.float32)}}
    if shutil.which("c++") or shutil.which("g++"):
        compiled = torch.compile(eager_)
        found["float32"]["torch.compile"] = torch.inference_mode()(lambda x: compiled(x))
    half = half_precision(torch.device("cpu"))
    if half is not None:
        halved = in_precision(net, "bfloat16")
        found["bfloat16"] = {"ours": ours(halved), "torch eager": eager(deepcopy(eager_), half)}
    try:
        found["float32"]["onnxruntime"] = onnxruntimes(file)
        found["float32"]["OpenVINO"] = openvinos(file, "f32")
        if half is not None:
            found["bfloat16"]["OpenVINO"] = openvinos(file, "bf16")
    except ImportError:
        pass
    return {precision: {n: r for n, r in each.items() if n not in left_out()} for precision, each in found.items()}


def convolutions(net: Classifier) -> Row:
    """VGG16 up to pool5, one picture of 224 px, beside torchvision's same layers."""
    from torchvision.models.vgg import cfgs, make_layers

    x = net.transform.at(224)(photographs(1, 256, 320), net.device)
    steps = [step for step in net.module.steps() if step[0].startswith("features.")]
    runs = {
        "ours": torch.inference_mode()(lambda: through(net, steps, x)),
        "torch eager": partial(eager(make_layers(cfgs["D"]).eval(), torch.float32), x),
    }
    times = in_turn(runs, SECONDS)
    return compared("VGG16’s convolutions at 224 px, 1 at a time, float32", times, Goal(1.05))


def measure(setting: Setting) -> Iterator[Row]:
    torch.set_num_threads(os.cpu_count() or 1)
    for name in ["vgg16-tinyimagenet"] if setting.short else NETWORKS:
        net = NETWORKS[name].load()
        module = (NETWORKS[name].eager or (lambda net=net: net.module))()
        with tempfile.TemporaryDirectory() as folder:
            found = engines(net, module, exported(module, net.transform.crop, Path(folder, "network.onnx")))
            for batch in BATCHES[:1] if setting.short else BATCHES:
                x = net.transform(photographs(batch, 256, 320), net.device)
                for precision, runs in found.items():
                    here = {
                        engine: partial(run, x)
                        for engine, run in runs.items()
                        if engine != "torch.compile" or (batch in COMPILED and not setting.short)
                    }
                    times = in_turn(here, SECONDS / (4 if setting.short else 1), least=3)
                    each = {engine: [taken / batch for taken in rounds] for engine, rounds in times.items()}
                    yield compared(f"{name}, {batch} at a time, {precision}: a picture", each)
        del net, module, found
        gc.collect()
        torch.compiler.reset()
    if not setting.short:
        yield convolutions(NETWORKS["vgg16-oxford"].load())


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
