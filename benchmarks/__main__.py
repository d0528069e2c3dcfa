"""Asks the questions, each in a process of its own, and writes what came of them: make bench.

`python -m benchmarks --only convolution,start` asks these alone: what is known of the others stays. --as avx2 computes
as an older processor does. --data is for questions that need photographs. `python -m benchmarks --short`, which is
`make bench-smoke`, writes nothing: it asks a few things in a minute, and ends with 1 where a ratio to a peer is more
than double what is kept of the same kind of machine.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.drawing import drawn
from benchmarks.machine import RESTRICTED, RESTRICTIONS, Machine, load, this_machine, versions
from benchmarks.measuring import NOT_HERE, from_json
from benchmarks.report import HERE, RESULTS, all_results, document, keep, read, slower

QUESTIONS = (
    *("convolution", "networks", "loading", "activations", "transfer"),
    *("app", "start", "sessions", "live", "hands"),
    *("limits", "growth", "gpu"),
)  # in the report's order
SHORT = ("convolution", "networks", "activations")


def told_of(question: str) -> tuple[str, str]:
    """(the title, the text) of a question, read from its module without running it."""
    tree = ast.parse((HERE / f"{question}.py").read_text())
    assigned = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    return ast.literal_eval(assigned["TITLE"]), " ".join(ast.get_docstring(tree).split())


def ask(question: str, options: list[str], restricted: str) -> tuple[int, dict[str, Any] | None]:
    """What the process of a question ends with, and its answer, if it ends with 0."""
    environment = dict(os.environ)
    if restricted:
        environment |= {**RESTRICTIONS[restricted].environment, RESTRICTED: restricted}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answer.json")
        command = [sys.executable, "-m", f"benchmarks.{question}", *options, "--json", str(file)]
        ended = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if ended == 0:
            return ended, json.loads(file.read_text())
    print(f"{question}: {'not measured' if ended == NOT_HERE else 'failed'}", flush=True)
    return ended, None


def long(questions: list[str], options: list[str], restricted: str, machine: Machine) -> bool:
    """Ask, and keep each answer as soon as it is there; whether none failed."""
    whole = True
    for question in questions:
        before, start = load(), time.monotonic()
        print(f"{question} …", flush=True)
        ended, told = ask(question, options, restricted)
        whole &= ended in (0, NOT_HERE)
        if told is not None:
            kept = {"date": date.today().isoformat(), "versions": versions(), "load": (before, load()), "answer": told}
            where = keep(RESULTS, _machine_of(question, machine), question, kept)
            print(f"{question}: {time.monotonic() - start:.0f} s, kept in {where.relative_to(ROOT)}", flush=True)
    return whole


def _machine_of(question: str, machine: Machine) -> Machine:
    """The GPU, for its own question."""
    if question != "gpu":
        return machine
    import torch

    return Machine(torch.cuda.get_device_name(), "CUDA", 0, round(torch.cuda.mem_get_info()[1] / 2**30))


def smoke(questions: list[str], options: list[str], restricted: str, machine: Machine) -> bool:
    """Whether nothing is much slower than is kept of such a machine. What seems so counts if it does twice."""
    path = RESULTS / f"{machine.name}.json"
    kept = read(path).questions if path.exists() else {}
    slow: list[str] = []
    for question in questions:
        _, told = ask(question, [*options, "--short"], restricted)
        if told is None:
            return False
        if question not in kept:
            print(f"{question}: nothing is kept of {machine.title} to compare with.", flush=True)
            continue
        found = slower(question, from_json(told), kept[question].answer)
        if found:
            _, again = ask(question, [*options, "--short"], restricted)
            found = slower(question, from_json(again), kept[question].answer) if again else found
        slow += found.values()
    for sentence in slow:
        print(f"More than doubled: {sentence}.", flush=True)
    return not slow


def write(questions: Mapping[str, tuple[str, str]]) -> None:
    found = all_results(RESULTS)
    for each in found:
        drawn(each, RESULTS)
    (HERE / "RESULTS.md").write_text(document(found, questions))
    print(f"Written: {(HERE / 'RESULTS.md').relative_to(ROOT)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help=f"some of {','.join(QUESTIONS)}, with commas between")
    parser.add_argument("--data", type=Path, help="a folder with cats-dogs/train in it")
    parser.add_argument("--short", action="store_true", help=f"write nothing, and compare: {', '.join(SHORT)}")
    parser.add_argument("--as", dest="restricted", choices=RESTRICTIONS, default="", help="an older processor")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write the report anew")
    given = parser.parse_args()
    chosen = [name for name in given.only.split(",") if name] or (SHORT if given.short else QUESTIONS)
    if unknown := set(chosen) - set(QUESTIONS):
        parser.error(f"no questions: {', '.join(sorted(unknown))}. There are {', '.join(QUESTIONS)}.")
    options = ["--data", str(given.data.resolve())] if given.data else []
    machine = this_machine(given.restricted)
    if given.short:
        sys.exit(not smoke(list(chosen), options, given.restricted, machine))
    whole = given.report or long(list(chosen), options, given.restricted, machine)
    write({name: told_of(name) for name in QUESTIONS})
    sys.exit(not whole)


if __name__ == "__main__":
    main()
