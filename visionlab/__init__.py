"""visionlab: see how a computer sees. Convolution, every layer of VGG16, predictions and reasons, heads of one's own.

    import visionlab as vl
    vl.predict(vl.load_classifier("vgg16-tinyimagenet"), [vl.load_image("photo.jpg")])

Names are imported when they are first used, so that filtering a picture does not wait for torch.
"""

from importlib import import_module

__version__ = "0.2.0"

_HOMES = {
    "imaging.image": ("Image", "Response", "load_image"),
    "imaging.kernels": ("KERNELS", "Kernel"),
    "imaging.convolution": ("convolve",),
    "imaging.filters": ("FILTERS", "Filter"),
    "imaging.pipeline": ("Pipeline",),
    "imaging.chains": ("CHAINS",),
    "imaging.samples": ("load_sample",),
    "imaging.render": ("mosaic", "overlay", "render"),
    "network.running.classifier": ("Classifier", "Layer", "Transform"),
    "network.running.prediction": ("Prediction", "predict"),
    "network.zoo.loading": ("load_classifier",),
    "network.zoo.models": ("MODELS",),
    "network.inside.activations": ("FeatureMap", "feature_maps"),
    "network.inside.trace": ("Trace", "trace_unit"),
    "network.inside.visualisation": ("visualise_channel",),
    "network.explain": ("METHODS", "Heatmap", "explain", "explain_layers"),
    "network.explain.faithfulness": ("Faithfulness", "faithfulness"),
    "network.explain.sanity": ("sanity_check",),
    "learning.sets.dataset": ("LabelledImages",),
    "learning.heads.head": ("Head", "load_head"),
    "learning.takeaway.export": ("export_onnx",),
    "learning.takeaway.package": ("open_package",),
    "learning.heads.training": ("Epoch", "train_head"),
    "errors": (
        "BusyError",
        "DatasetError",
        "HeadError",
        "ImageError",
        "ModelError",
        "ParameterError",
        "VisionlabError",
        "WeightsError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CHAINS",
    "FILTERS",
    "KERNELS",
    "METHODS",
    "MODELS",
    "BusyError",
    "Classifier",
    "DatasetError",
    "Epoch",
    "Faithfulness",
    "FeatureMap",
    "Filter",
    "Head",
    "HeadError",
    "Heatmap",
    "Image",
    "ImageError",
    "Kernel",
    "LabelledImages",
    "Layer",
    "ModelError",
    "ParameterError",
    "Pipeline",
    "Prediction",
    "Response",
    "Trace",
    "Transform",
    "VisionlabError",
    "WeightsError",
    "convolve",
    "explain",
    "explain_layers",
    "export_onnx",
    "faithfulness",
    "feature_maps",
    "load_classifier",
    "load_head",
    "load_image",
    "load_sample",
    "mosaic",
    "open_package",
    "overlay",
    "predict",
    "render",
    "sanity_check",
    "trace_unit",
    "train_head",
    "training",
    "visualise_channel",
]


def __getattr__(name: str):
    if name == "training":
        found = import_module("visionlab.learning.heads.training")
    elif name in _HOME_OF:
        found = getattr(import_module(f"visionlab.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module 'visionlab' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
