"""The shell's filter: a picture through a chain; main registers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import visionlab as vl
from visionlab.cli.shared import Picture, load, ranged, read, write
from visionlab.errors import ParameterError


def filter_(
    picture: Picture,
    out: Annotated[Path, typer.Argument(help="Where to write the result: JPEG, PNG, WebP or TIFF, as its name says.")],
    steps: Annotated[
        list[str] | None, typer.Argument(help="Filters in order: gaussian_blur:sigma=2 canny:low=50,high=150")
    ] = None,
    chain: Annotated[Path | None, typer.Option(help="A chain that the app saved (JSON), before those steps.")] = None,
    fit: Annotated[
        int | None,
        typer.Option(
            help="Shrink the picture first to so many pixels on its longest side; the page works at 1024.",
            callback=ranged(1),
        ),
    ] = None,
    code: Annotated[bool, typer.Option(help="Print the chain as Python code, too.")] = False,
) -> None:
    """Put a picture through a chain of filters."""
    from visionlab.imaging.image import encoder_for
    from visionlab.imaging.image import fit as fitted

    encode = encoder_for(out)
    saved = vl.Pipeline.from_json(read(chain)) if chain else vl.Pipeline()
    pipeline = vl.Pipeline([*saved.steps, *(_parse_step(step) for step in steps or [])], saved.off)
    if not pipeline.steps:
        raise ParameterError("No filter was given. Name one, as in gaussian_blur:sigma=2, or a --chain file.")
    image = load(picture)
    write(out, encode(pipeline.run(image if fit is None else fitted(image, fit))))
    if code:
        print(pipeline.to_python(fit))


def _parse_step(text: str) -> tuple[str, dict]:
    """ "canny:low=50,high=150" → ("canny", {"low": 50, "high": 150})."""
    name, _, settings = text.partition(":")
    values = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise ParameterError(f"“{setting}” in “{text}” is no setting. Write name=value, as in sigma=2.")
        try:
            values[key] = json.loads(value)
        except ValueError:
            values[key] = value  # a choice, such as a method's name
    return name, values
