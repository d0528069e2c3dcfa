"""What a type checker is to see of visionlab where it is installed: every public name, and calls that are wrong.

Nothing here is run: tests/test_installed.py has mypy read it. Each `type: ignore` stands by a call that is wrong, and
mypy tells one that it finds nothing wrong with.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import visionlab as vl

# Pictures and filters
image = vl.load_image("photo.jpg")
assert_type(image, vl.Image)
assert_type(image, NDArray[np.uint8])
for source in (Path("photo.jpg"), BytesIO(b"..."), b"...", image):
    assert_type(vl.load_image(source), vl.Image)
assert_type(vl.load_sample("cat"), vl.Image)
assert_type(vl.SAMPLES, dict[str, vl.Sample])
assert_type(vl.encode_png(image), bytes)
assert_type(vl.encode_jpeg(image, quality=80), bytes)
assert_type(vl.fit(image, 512), vl.Image)
assert_type(vl.KERNELS, dict[str, vl.Kernel])
assert_type(vl.KERNELS["sobel_x"].size, tuple[int, int])
response = vl.convolve(image, vl.KERNELS["sobel_x"], stride=2, border="zero")
assert_type(response, vl.Response)
assert_type(response, NDArray[np.float32])
assert_type(vl.convolve(image, [[1, 0, -1]]), vl.Response)
assert_type(vl.custom_kernel([[1, 0, -1]], "across"), vl.Kernel)
assert_type(vl.render(response, "absolute"), vl.Image)
assert_type(vl.mosaic(response.transpose(2, 0, 1), scale=(0.0, 1.0)), vl.Image)
assert_type(vl.FILTERS, dict[str, vl.Filter])
assert_type(vl.FILTERS["bilateral"].apply(image, diameter=9), vl.Image)
assert_type(vl.FILTERS["bilateral"].parameters, tuple[vl.Parameter, ...])
chain = vl.Pipeline((("gaussian_blur", {"sigma": 2.0}), ("canny", {"low": 40})))
assert_type(chain.run(image), vl.Image)
assert_type(vl.Pipeline.from_json(chain.to_json()), vl.Pipeline)
assert_type(next(chain.stages(image)), vl.Stage)
assert_type(vl.CHAINS, dict[str, vl.Chain])
assert_type(next(iter(vl.CHAINS.values())).pipeline(), vl.Pipeline)

vl.load_sample(3)  # type: ignore[arg-type]
vl.load_image(3)  # type: ignore[arg-type]
vl.load_image("photo.jpg", size=224)  # type: ignore[call-arg]
vl.convolve(image)  # type: ignore[call-arg]
vl.render(response, 3)  # type: ignore[arg-type]
vl.encode_png("photo.jpg")  # type: ignore[arg-type]
vl.encode_jpeg(image, "good")  # type: ignore[arg-type]
vl.fit(image, "small")  # type: ignore[arg-type]
vl.mosaic("photo.jpg")  # type: ignore[arg-type]
vl.custom_kernel([[1]], 3)  # type: ignore[arg-type]
print(vl.KERNELS["sobel_x"].weight)  # type: ignore[attr-defined]
vl.Pipeline([("canny", 3)])  # type: ignore[list-item]
vl.FILTERS["canny"].apply("photo.jpg")  # type: ignore[arg-type]

# Networks
assert_type(vl.load_classifier(), vl.Classifier)
net = vl.load_classifier("vgg16-tinyimagenet", device="cpu")
assert_type(net, vl.Classifier)
assert_type(vl.available(), list[str])
assert_type(vl.MODELS, dict[str, vl.Model])
assert_type(vl.MODELS["vgg16-tinyimagenet"].transform, vl.Transform)
assert_type(net.layers, tuple[vl.Layer, ...])
assert_type(net.layer("conv3_1").shape, tuple[int, int, int])
assert_type(vl.predict(net, [image], top=5), list[list[vl.Prediction]])
assert_type(vl.predict(net, [image])[0][0].probability, float)
assert_type(vl.answer(net, [image]), list[vl.Answer])
assert_type(vl.answer(net, [image])[0].refused, bool)
assert_type(vl.feature_maps(net, image, layers=["conv3_1"]), dict[str, vl.FeatureMap])
unit = vl.trace_unit(net, image, "conv3_1", channel=17, row=12, column=9)
assert_type(unit, vl.Trace)
assert_type(unit.products, NDArray[np.float64])
assert_type(unit.box, vl.Box)
assert_type(next(vl.visualise_channel(net, "conv3_1", 17)), vl.Visualisation)
sensitivity = vl.unit_gradient(net, image, "conv3_1", channel=17, row=12, column=9)
assert_type(sensitivity, vl.Sensitivity)
assert_type(sensitivity.brightness, NDArray[np.float32])
assert_type(vl.contributions(net, image, "banana"), vl.Contributions)
assert_type(next(vl.visualise_channel(net, "conv3_1", 17)).image, vl.Image)

vl.available("vgg16")  # type: ignore[call-arg]
vl.load_classifier(16)  # type: ignore[arg-type]
vl.predict(image, [image])  # type: ignore[arg-type]
vl.answer(net, [image], top=3)  # type: ignore[call-arg]
vl.predict(net, [image], top="five")  # type: ignore[arg-type]
vl.feature_maps(net, image, layer="conv3_1")  # type: ignore[call-arg]
vl.trace_unit(net, image, channel=17)  # type: ignore[call-arg]
vl.unit_gradient(net, image, channel=17)  # type: ignore[call-arg]
vl.visualise_channel(net, "conv3_1")  # type: ignore[call-arg]
print(vl.contributions(net, image, 3).side)  # type: ignore[attr-defined]
net.name = "mine"  # type: ignore[misc]

# Reasons
heat = vl.explain(net, image, method="grad-cam", target="banana")
fooled = vl.adversarial(net, image, "banana", budget=2, way="pgd", seed=0)
assert_type(fooled, vl.Adversarial)
assert_type(fooled.image, vl.Image)
assert_type(fooled.reached, bool)
assert_type(vl.erase(image, heat.values, "grey", strength=0.5), vl.Image)
assert_type(heat, vl.Heatmap)
assert_type(vl.METHODS[heat.method], vl.Method)
assert_type(vl.METHODS[heat.method].title, str)
assert_type(vl.explain_layers(net, image), dict[str, vl.Heatmap])
assert_type(vl.overlay(image, heat.values), vl.Image)
assert_type(vl.faithfulness(net, image, heat), vl.Faithfulness)
assert_type(next(vl.sanity_check(net, image)), vl.Randomised)
assert_type([step.similarity for step in vl.sanity_check(net, image)], list[float])

vl.adversarial(net, image, budget="2")  # type: ignore[arg-type]
vl.erase(image, "all")  # type: ignore[arg-type]
vl.explain(net, image, target=1.5)  # type: ignore[arg-type]
vl.overlay(image, heat)  # type: ignore[arg-type]
vl.faithfulness(net, image)  # type: ignore[call-arg]
vl.explain_layers(net, image, layers=3)  # type: ignore[arg-type]
vl.sanity_check(net, image, seed="0")  # type: ignore[arg-type]

# Heads
data = vl.LabelledImages.from_folder("my-pictures")
assert_type(data, vl.LabelledImages)
assert_type(data.images[0], vl.Image)
training, validation = data.split(0.25)
assert_type(training.counts(), dict[str, int])
head = vl.train_head(data, net, seed=0, kind="prototype")
assert_type(head, vl.Head)
assert_type(vl.load_head("mine.safetensors").as_classifier(), vl.Classifier)
run = vl.training.fit(data, net, epochs=3)
assert_type(run, vl.Fit)
assert_type(iter(run), Iterator[vl.Epoch])
assert_type(run.report(), vl.Report)
assert_type(run.report().spread, vl.Spread)
assert_type(run.report().accuracy, float)
assert_type(vl.training.KINDS["linear"], vl.training.Kind)
assert_type(head.refusal, vl.Refusal | None)
scored = vl.score(head.as_classifier(net), validation, refusal=head.refusal)
assert_type(scored, vl.Evaluation)
assert_type(scored.report, vl.Report)
assert_type(scored.reliability, vl.Reliability)
assert_type(scored.roc(0), vl.Curve)
assert_type(scored.quadrants(0, threshold=0.8), vl.Quadrants)
vl.export_onnx(head.as_classifier(net), "mine.onnx")
for step in vl.pack(head, net, "mine.zip", data.images, report=scored.report):
    assert_type(step, vl.Packing)
    assert_type(step.parity, vl.Parity | None)
assert_type(vl.open_package("mine.zip"), vl.Package)
assert_type(vl.open_package("mine.zip").head, vl.Head)

vl.LabelledImages.from_folder(["cats", "dogs"])  # type: ignore[arg-type]
vl.train_head(net, data)  # type: ignore[arg-type]
vl.training.fit(data, net, epoch=3)  # type: ignore[call-arg]
vl.score(head, data)  # type: ignore[arg-type]
vl.pack(net, head, "mine.zip", [image])  # type: ignore[arg-type]
vl.open_package(head)  # type: ignore[arg-type]
vl.load_head("mine.safetensors").classes.append("cat")  # type: ignore[attr-defined]
vl.export_onnx(head, "mine.onnx")  # type: ignore[arg-type]

# What goes wrong
try:
    vl.predict(net, [image], top=0)
except vl.UnclearSetError as unclear:
    asked: vl.DatasetError = unclear
except (vl.ImageError, vl.ParameterError, vl.DatasetError, vl.HeadError, vl.BusyError, vl.ClusterError) as mendable:
    assert_type(str(mendable), str)
except vl.WeightsError as missing:
    found: vl.ModelError = missing
except vl.VisionlabError as other:
    raise SystemExit(other) from other
assert_type(vl.__version__, str)
print(vl.nothing)  # type: ignore[attr-defined]
