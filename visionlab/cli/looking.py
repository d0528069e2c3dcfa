"""The shell's features and explain: what a network sees in a picture, and its reasons; main registers them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import visionlab as vl
from visionlab.cli.answers import plain
from visionlab.cli.shared import Device, HeadFile, Network, Picture, ending_of, load, network, remark, write
from visionlab.errors import ParameterError

if TYPE_CHECKING:
    from visionlab.network.running.classifier import Classifier


def features(
    picture: Picture,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="One layer’s maps as a mosaic (JPEG, PNG, WebP or TIFF), or .npz: the numbers."
        ),
    ],
    layer: Annotated[
        list[str] | None, typer.Option(help="A layer, such as conv3_1; may be repeated. All without it.")
    ] = None,
    model: Network = None,
    head: HeadFile = None,
    side: Annotated[
        int | None,
        typer.Option(help="Input size in pixels of layers with places; others are as it predicts."),
    ] = None,
    device: Device = "auto",
) -> None:
    """The feature maps of one or more layers.

    A mosaic has the colours that the app shows: blue below zero, white at zero, orange above, each channel at full
    colour at its own greatest value.
    """
    import numpy as np

    from visionlab.imaging.image import ENCODERS
    from visionlab.network.inside.channels import layer_mosaic, usual_ranking
    from visionlab.network.zoo.models import TO_OPEN

    encode = ENCODERS.get(ending_of(out, {"a mosaic": [*ENCODERS], "the numbers": [".npz"]}))
    if encode and len(layer or []) != 1:
        raise ParameterError(
            "A picture shows one layer: name it, as in --layer conv3_1 for VGG16, or write an .npz of several."
        )
    image = load(picture)  # before the network, which takes longer
    net = network(model, head, device, TO_OPEN)
    maps = vl.feature_maps(net, image, layer, side)
    if encode:
        shown = maps[layer[0]]
        write(out, encode(layer_mosaic(shown, usual_ranking(net, shown.layer).order(shown.values))))
    else:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{name: found.values for name, found in maps.items()})
        write(out, buffer.getvalue())
    for name, found in maps.items():
        remark(f"{name:8} {found.values.shape}  mean {found.values.mean():.4f}  peak {found.values.max():.4f}")


def explain(
    picture: Picture,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the overlay: JPEG, PNG, WebP or TIFF.")],
    method: Annotated[str, typer.Option(help="A method of explanation:")] = "grad-cam",
    target: Annotated[
        str | None, typer.Option(help="The class to explain, by its label or index; the most probable one without it.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="The layer to look at; the method’s own choice without it.")] = None,
    faithfulness: Annotated[bool, typer.Option("--faithfulness", help="Print how faithful the map is, too.")] = False,
    model: Network = None,
    head: HeadFile = None,
    device: Device = "auto",
) -> None:
    """Where in the picture the network finds its reasons for a class."""
    from visionlab.imaging.image import encoder_for
    from visionlab.network.explain.heatmap import NOTHING_MARKED
    from visionlab.network.explain.methods import find_method

    encode = encoder_for(out)
    find_method(method, layer)
    image = load(picture)  # before the network, which takes longer
    net = network(model, head, device)
    heat = vl.explain(net, image, method, _class_of(net, target), layer)
    write(out, encode(vl.overlay(image, heat.values)))
    known, label = vl.METHODS[heat.method], plain(net.labels[heat.target])
    remark(f"{out}: {known.title} for “{label}”")
    if heat.empty:
        remark(NOTHING_MARKED.format(method=known.title, label=label))
    if faithfulness:
        from visionlab.network.explain import faithfulness as measured

        found = measured.faithfulness(net, image, heat)
        chance = measured.random_baseline(net, image, heat.target, like=heat)
        verdicts = measured.against_chance(found, chance)
        for name, better, verdict in zip(("deletion", "insertion"), ("lower", "higher"), verdicts, strict=True):
            low, high = getattr(chance, f"likely_{name}")
            print(
                f"{name:9} {getattr(found, name):.3f}, by chance {low:.3f} to {high:.3f} ({better} is better): "
                f"{measured.IN_WORDS[verdict]}"
            )
        if "nothing" in verdicts:
            print(measured.too_little(found))


def _class_of(net: Classifier, target: str | None) -> str | int | None:
    """The class that was asked for: digits are an index, unless a class is called so."""
    if target is None or target in net.labels or not target.strip().removeprefix("-").isdecimal():
        return target
    return int(target)
