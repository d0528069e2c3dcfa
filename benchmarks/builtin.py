"""What a network that this project trained is worth, as it is shipped: the figures of weights/README.md.

    python benchmarks/builtin.py --data FOLDER --photos FOLDER --pets FOLDER [--curves weights/curves.png]
    python benchmarks/builtin.py --network vgg16-oxford --sides 112,128,160 --photos FOLDER  # weights/vgg16-oxford.md

FOLDER of --data holds val.zip and classes.txt as the trainer takes them; of --photos, pictures whose names begin with
a WordNet id ("n02504458_African_elephant.jpg"); of --pets, train/<class>/* and val/<class>/*. What is not given is not
measured, and the output says so. --curves draws the training's figures, which the file's header holds.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from safetensors import safe_open
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl
from visionlab.device import describe
from visionlab.learning.builtin.corpus import read_pictures
from visionlab.learning.builtin.oxford_head import parse_sides
from visionlab.learning.builtin.shipping import SIDES
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.scaling import STRENGTH, Scale
from visionlab.learning.judging.calibration import reliability
from visionlab.network.files import weights
from visionlab.network.running.classifier import UNSURE, Classifier
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.models import TO_NAME

console = Console(width=110, highlight=False)


def at(net: Classifier, side: int) -> Classifier:
    return replace(net, transform=net.transform.at(side), embedding_side=None)


def top_k(table: np.ndarray, truth: np.ndarray, k: int) -> float:
    return float((np.argsort(-table, axis=1)[:, :k] == truth[:, None]).any(1).mean())


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def table_of(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column != columns[0] else "left")
    return table


def measure_validation(net: Classifier, data: Path, sides: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as work:
        pictures = read_pictures(data, "val", Path(work))
    images, truth = list(pictures.pixels.numpy()), pictures.labels.numpy()
    side = net.transform.crop
    table = table_of(f"{len(images):,} validation pictures", "input", "pictures", "top-1", "top-5")
    for other in sides:
        if other != side:
            found = probabilities(at(net, other), images[::2])
            table.add_row(
                f"{other} px",
                f"{len(found):,}",
                percent(top_k(found, truth[::2], 1)),
                percent(top_k(found, truth[::2], 5)),
            )
    found = probabilities(net, images)
    for name, part in (("all", slice(None)), ("chosen on", slice(0, None, 2)), ("held out", slice(1, None, 2))):
        top = [percent(top_k(found[part], truth[part], k)) for k in (1, 5)]
        table.add_row(f"{side} px, {name}", f"{len(found[part]):,}", *top)
    console.print(table)

    held, answers = truth[1::2], found[1::2]
    plain = answers.astype(np.float64) ** net.temperature  # undoes the temperature: softmax(z / T)^T ∝ softmax(z)
    plain /= plain.sum(1, keepdims=True)
    errors = [percent(reliability(table, held).expected_error) for table in (answers, plain)]
    console.print(
        f"Expected calibration error on the held-out half, 15 bins: {errors[0]} at temperature {net.temperature:.3f}, "
        f"{errors[1]} at 1."
    )
    sure, hit = answers.max(1) >= UNSURE, answers.argmax(1) == held
    console.print(
        f"{percent(sure.mean())} of that half have a top probability of {UNSURE} or more; {percent(hit[sure].mean())} "
        f"of those are right, and {percent(hit[~sure].mean())} of the others."
    )
    right = np.bincount(truth, found.argmax(1) == truth, len(net.labels)) / np.bincount(
        truth, minlength=len(net.labels)
    )
    order = np.argsort(-right, kind="stable")
    for word, chosen in (("Best", order[:10]), ("Worst", order[::-1][:10])):
        console.print(f"{word} classes: " + ", ".join(f"{net.labels[i]} {right[i]:.0%}" for i in chosen))


def measure_photos(net: Classifier, folder: Path, wnids: list[str], sides: Sequence[int]) -> np.ndarray:
    """Prints the accuracy by input size; returns the top probabilities at the network's own size."""
    files = sorted(file for file in folder.iterdir() if file.name.split("_")[0] in wnids)
    images = [vl.load_image(file) for file in files]
    truth = np.array([wnids.index(file.name.split("_")[0]) for file in files])
    table = table_of(f"{len(files)} photographs", "input", "top-1", "top-5")
    sure = np.zeros(0)
    for side in sides:
        found = probabilities(at(net, side), images)
        table.add_row(f"{side} px", percent(top_k(found, truth, 1)), percent(top_k(found, truth, 5)))
        if side == net.transform.crop:
            sure = found.max(1)
    console.print(table)
    return sure


def strangers() -> dict[str, list[np.ndarray]]:
    """Pictures of none of the classes, 100 of each kind, the same at every call."""
    from skimage import data, draw, filters
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(0)
    surfaces = [data.brick(), data.grass(), data.gravel()]
    smooth = [filters.gaussian(rng.normal(size=(128, 128, 3)), 6, channel_axis=2) for _ in range(100)]
    digits = load_digits().images[rng.choice(1797, 100, replace=False)]  # 8 × 8, 0..16

    def crop(i: int) -> np.ndarray:
        top, left = rng.integers(0, 512 - 160, 2)
        return np.repeat(surfaces[i % 3][top : top + 160, left : left + 160, None], 3, axis=2)

    return {
        "white noise": list(rng.integers(0, 256, (100, 128, 128, 3), np.uint8)),
        "smooth noise": [((x - x.min()) / np.ptp(x) * 255).astype(np.uint8) for x in smooth],
        "textures (brick, grass, gravel)": [crop(i) for i in range(100)],
        "drawn shapes": [
            draw.random_shapes((128, 128), 6, 2, min_size=16, max_size=64, rng=seed)[0] for seed in range(100)
        ],
        "handwritten digits": [
            np.repeat(np.kron(255 - x * 15.9, np.ones((16, 16)))[..., None], 3, 2).astype(np.uint8) for x in digits
        ],
    }


def measure_strangers(net: Classifier, sure_on_photos: np.ndarray) -> None:
    table = table_of(
        "How sure it is of what it knows, and of what it does not", "pictures", "mean top", f"{UNSURE} or more"
    )
    rows = {"photographs of its classes": sure_on_photos} if len(sure_on_photos) else {}
    rows |= {kind: probabilities(net, images).max(1) for kind, images in strangers().items()}
    for kind, sure in rows.items():
        table.add_row(kind, percent(sure.mean()), percent((sure >= UNSURE).mean()))
    console.print(table)


NOTHING = 0.02  # a top probability below it says next to nothing


def measure_cut_outs(net: Classifier, folder: Path, wnids: list[str]) -> None:
    """Photographs of which half is white, or grey, or all but the middle: as cut-outs and pictures in frames are."""
    images = [vl.load_image(file) for file in sorted(folder.iterdir()) if file.name.split("_")[0] in wnids]
    table = table_of(
        f"{len(images)} photographs, cut", "what is left", "median top", f"below {NOTHING:.0%}", "same first"
    )
    whole = probabilities(net, images)

    def cut(image: np.ndarray, level: int, rows: slice, columns: slice) -> np.ndarray:
        left = np.full_like(image, level)
        left[rows, columns] = image[rows, columns]
        return left

    every = slice(None)
    kinds = {
        "all of it": lambda image: image,
        "the right half, beside white": lambda image: cut(image, 255, every, slice(image.shape[1] // 2, None)),
        "the right half, beside grey": lambda image: cut(image, 127, every, slice(image.shape[1] // 2, None)),
        "the left half, beside white": lambda image: cut(image, 255, every, slice(image.shape[1] // 2)),
        "the lower half, under white": lambda image: cut(image, 255, slice(image.shape[0] // 2, None), every),
        "the middle, in a white frame": lambda image: cut(
            image, 255, *(slice(side // 4, side - side // 4) for side in image.shape[:2])
        ),
    }
    for kind, left in kinds.items():
        found = probabilities(net, [left(image) for image in images])
        top, same = found.max(1), (found.argmax(1) == whole.argmax(1)).mean()
        table.add_row(kind, percent(float(np.median(top))), percent((top < NOTHING).mean()), percent(float(same)))
    console.print(table)


def measure_pets(net: Classifier, folder: Path, sides: Sequence[int]) -> None:
    train, val = (vl.LabelledImages.from_folder(folder / split) for split in ("train", "val"))
    table = table_of(
        f"A linear head on {net.embedding}, 20 + 20 photographs, L2 penalty {STRENGTH}: {len(val)} others, ten draws",
        "input",
        "right",
        "lowest",
        "highest",
    )
    for side in sides:
        there, here = embed(at(net, side), val.images), embed(at(net, side), train.images)
        scores = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            drawn = np.concatenate([rng.choice(np.flatnonzero(train.labels == k), 20, replace=False) for k in (0, 1)])
            scale = Scale.of(torch.from_numpy(here[drawn]))
            old, new = (scale(torch.from_numpy(rows)).numpy() for rows in (here[drawn], there))
            probe = LogisticRegression(C=1 / (STRENGTH * len(drawn)), max_iter=1000).fit(old, train.labels[drawn])
            scores.append(probe.score(new, val.labels))
        table.add_row(f"{side} px", percent(np.mean(scores)), percent(min(scores)), percent(max(scores)))
    console.print(table)


def measure_maps(net: Classifier) -> None:
    image = vl.load_sample("cat")
    table = table_of("All layers' maps of one picture", "input", "conv5_3", "seconds")
    for side in (96, 128, 160, 192, 224, 320):
        start = time.perf_counter()
        found = vl.feature_maps(at(net, side), image)
        table.add_row(
            f"{side} px", " × ".join(map(str, found["conv5_3"].values.shape)), f"{time.perf_counter() - start:.2f}"
        )
    console.print(table)


def runs_of(training: dict) -> list[dict]:
    """The training runs behind the file, the first one first."""
    earlier = training.get("started_from")
    return [*(runs_of(earlier) if earlier else []), training]


def draw_curves(runs: list[dict], out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    history = [epoch for run in runs for epoch in run["history"]]
    epochs = range(1, len(history) + 1)
    figure, (loss, accuracy) = pyplot.subplots(1, 2, figsize=(8, 2.8), dpi=100, layout="constrained")
    loss.plot(epochs, [epoch["loss"] for epoch in history], color="#1f77b4")
    loss.set(title="training loss (nats)", xlabel="epoch")
    for key, name, style in (("top1", "top-1", "-"), ("top5", "top-5", "--")):
        accuracy.plot(epochs, [epoch[key] * 100 for epoch in history], style, color="#ff7f0e", label=name)
    shipped = runs[-1].get("figures", {}).get("held_out")
    for key, marker in (("top1", "o"), ("top5", "s")) if shipped else ():
        accuracy.plot(len(history), shipped[key] * 100, marker, color="#1f77b4", label=f"{key[:3]}-{key[3]} as shipped")
    accuracy.set(title="right on validation (%)", xlabel="epoch", ylim=(0, 100))
    accuracy.legend(frameon=False, fontsize=7, ncols=2, loc="upper left", bbox_to_anchor=(0, 0.93))
    changes = [i for i in range(1, len(history)) if history[i]["side"] != history[i - 1]["side"]]
    borders = np.cumsum([len(run["history"]) for run in runs])[:-1]
    for axes in (loss, accuracy):
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
        for i in changes:
            axes.axvline(i + 0.5, color="#bbbbbb", linewidth=0.8)
        for border in borders:
            axes.axvline(border + 0.5, color="#555555", linewidth=1, linestyle=":")
    for i in [0, *changes]:
        accuracy.text(i + 0.7, 97, f"{history[i]['side']} px", fontsize=7, color="#555555", va="top")
    figure.savefig(out, metadata={"Software": None})
    console.print(f"Wrote {out}.")


def main(
    network: Annotated[str, typer.Option(help="One of visionlab.MODELS that this project trained.")] = TO_NAME[-1],
    sides: Annotated[str, typer.Option(help="Input sides in pixels to measure at.")] = ",".join(map(str, SIDES)),
    data: Annotated[Path | None, typer.Option(help="Folder with val.zip and classes.txt.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of photographs named by WordNet id.")] = None,
    pets: Annotated[Path | None, typer.Option(help="Folder with train/<class>/ and val/<class>/.")] = None,
    curves: Annotated[Path | None, typer.Option(help="Draw the training curves into this PNG file.")] = None,
) -> None:
    """Print the figures of a network's card."""
    start = time.perf_counter()
    net = vl.load_classifier(network, "cpu")
    path = weights.find(vl.MODELS[network].files[-1])
    tried = parse_sides(sides)
    with safe_open(path, "pt") as file:
        header = {key: json.loads(value) for key, value in file.metadata().items()}
    console.print(
        f"{path.name}, {path.stat().st_size:,} bytes, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    )
    console.print(f"{describe()}, {platform.processor() or platform.machine()}, torch {torch.__version__}")
    parameters = Counter()
    for layer in net.layers:
        parameters[layer.kind] += layer.parameters
    console.print(f"{sum(parameters.values()):,} parameters, {parameters['conv']:,} of them in the convolutions")
    console.print(f"input {net.transform.crop} px, temperature {net.temperature:.3f}, embedding {net.embedding}")
    runs = runs_of(header["training"])
    for run in runs:
        if "history" in run:
            console.print(
                f"trained {len(run['history'])} epochs in {run['minutes']} minutes on {run['machine']}, {run['date']}"
            )
        console.print(f"  {run['recipe']}")
    console.print(f"while shipping: {header['training'].get('figures', 'no figures in the header')}")
    if data:
        measure_validation(net, data, tried)
    sure = measure_photos(net, photos, header["wnids"], tried) if photos else np.zeros(0)
    measure_strangers(net, sure)
    if photos:
        measure_cut_outs(net, photos, header["wnids"])
    if pets:
        measure_pets(net, pets, tried)
    measure_maps(net)
    for given, name, what in (
        (data, "--data", "validation"),
        (photos, "--photos", "photographs"),
        (pets, "--pets", "pets"),
    ):
        if not given:
            console.print(f"[yellow]Not measured, for want of {name}: {what}.[/yellow]")
    if curves:
        draw_curves(runs, curves)
    console.print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    typer.run(main)
