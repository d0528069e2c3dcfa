"""How things are measured, and what is kept of it: the same for every question.

A question is a module whose measure(Setting) gives rows; `asked` makes a program of it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.machine import RESTRICTED, unrestricted

QUICK = 0.05  # seconds; what takes less depends on what ran before it, and is called once more before it counts
FAR = 4.0  # times as long as the first: such a peer is called in two rounds alone
NOT_HERE = 3  # what the program of a question ends with where it lacks what it measures
console = Console(width=160, highlight=False)

Run = Callable[[], object]


class NotHereError(Exception):
    """What a question measures is not on this machine: a sentence that says what, and where it comes from."""


@dataclass(frozen=True)
class Setting:
    """What a question is asked with. short: as few repetitions and as small sizes as still say something."""

    short: bool = False
    data: Path | None = None


@dataclass(frozen=True)
class Goal:
    """A bound, of the ratio to the fastest peer ("ratio"), or of what is measured ("value"); from above, or below."""

    bound: float
    of: str = "ratio"
    least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.bound:,g}{' ×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True)
class Row:
    """One thing that was measured: the median of ours, and ours / peer in the same rounds, {peer: ratio}.

    Below 1 we are faster, in every row; where more is better, as of predictions a second, the ratio is of what one
    takes. high is the 95th percentile, where it was asked for.
    """

    what: str
    value: float
    unit: str
    ratios: Mapping[str, float] = field(default_factory=dict)
    goal: Goal | None = None
    high: float | None = None

    @property
    def fastest(self) -> str | None:
        """The peer that comes out best beside ours."""
        return max(self.ratios, key=self.ratios.__getitem__, default=None)

    @property
    def lost(self) -> bool:
        """Whether a peer is faster, as the ratio is written."""
        return self.fastest is not None and round(self.ratios[self.fastest], 2) > 1

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one, or without the peer that it is about."""
        if self.goal is None or (self.goal.of == "ratio" and not self.ratios):
            return None
        found = self.value if self.goal.of == "value" else self.ratios[self.fastest]
        return found >= self.goal.bound if self.goal.least else found <= self.goal.bound


@dataclass(frozen=True)
class Line:
    """Points (x, y) of what grows, in what unit, for the picture in the report."""

    name: str
    x: str
    y: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Answer:
    """All that a question gave: a table of rows, lines of what grows, and what has to be said of it."""

    rows: Sequence[Row]
    lines: Sequence[Line] = ()
    notes: Sequence[str] = ()


def to_json(answer: Answer) -> dict[str, Any]:
    return asdict(answer)


def from_json(told: Mapping[str, Any]) -> Answer:
    rows = [Row(**{**row, "goal": row["goal"] and Goal(**row["goal"])}) for row in told["rows"]]
    lines = [Line(**line | {"points": tuple(map(tuple, line["points"]))}) for line in told["lines"]]
    return Answer(tuple(rows), tuple(lines), tuple(told["notes"]))


# ----------------------------------------------------------------------------------------------------------------------


def in_turn(
    runs: Mapping[str, Run], seconds: float, least: int = 5, *, before: Run | None = None
) -> dict[str, list[float]]:
    """The seconds that each function took, {name: one for each round}, in rounds as long as `seconds` have not passed,
    `least` or more.

    In each round all are called, in an order drawn anew, so that neither a drifting machine nor who runs before whom
    decides. The first call of each is not counted. One that takes FAR times as long as the first of them is called in
    two rounds only. before() is called before each call, and not counted.
    """
    chance, names, times = random.Random(0), list(runs), {name: [] for name in runs}
    first = {name: timed(run, before) for name, run in runs.items()}
    until, done = time.perf_counter() + seconds, 0
    while done < least or time.perf_counter() < until:
        chance.shuffle(names)
        for name in names:
            if min([first[name], *times[name]]) < QUICK:
                timed(runs[name], before)
            times[name].append(timed(runs[name], before))
        done += 1
        if done == 2:
            ours = min(times[next(iter(runs))])
            names = [name for name in names if min(times[name]) < FAR * ours]
    return times


def timed(run: Run, before: Run | None = None) -> float:
    if before:
        before()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compared(
    what: str,
    times: Mapping[str, Sequence[float]],
    goal: Goal | None = None,
    *,
    unit: str = "ms",
    scale: float = 1e3,
    high: bool = False,
) -> Row:
    """The row of times in seconds, {ours: …, peer: …}, round by round: ours is the first of them, and each ratio is the
    median of the rounds'. scale turns seconds into the unit.
    """
    ours, *peers = times
    ratios = {
        peer: statistics.median(mine / other for mine, other in zip(times[ours], times[peer], strict=False))
        for peer in peers
    }
    slow = scale * p95(times[ours]) if high else None
    return Row(what, scale * statistics.median(times[ours]), unit, ratios, goal, slow)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile; of few values, the largest."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def number(value: float) -> str:
    """With three digits: 0.0123, 1.23, 12.3, 123, 12,345."""
    whole = len(str(int(abs(value))))
    return f"{value:.3g}" if 0 < abs(value) < 1 else f"{value:,.{max(0, 3 - whole)}f}"


# ----------------------------------------------------------------------------------------------------------------------


def show(title: str, answer: Answer) -> None:
    """Print the table."""
    peers = list(dict.fromkeys(peer for row in answer.rows for peer in row.ratios))
    table = Table("what", "ours", *(f"/ {peer}" for peer in peers), "goal", "met", title=title)
    for row in answer.rows:
        cells = [ratio_of(row, peer, "[bold]{}[/bold]") for peer in peers]
        met = {True: "yes", False: "[bold]no[/bold]", None: ""}[row.met]
        table.add_row(escape(row.what), measured(row), *cells, str(row.goal or ""), met)
    console.print(table)
    for note in answer.notes:
        console.print(escape(note))


def measured(row: Row) -> str:
    high = "" if row.high is None else f" (p95 {number(row.high)})"
    return f"{number(row.value)} {row.unit}{high}".rstrip()


def ratio_of(row: Row, peer: str, strong: str) -> str:
    """The ratio as it is written; as `strong` says where that peer is the fastest, and faster than ours."""
    if peer not in row.ratios:
        return ""
    told = f"{row.ratios[peer]:.2f}"
    return strong.format(told) if row.lost and peer == row.fastest else told


def asked(title: str, measure: Callable[[Setting], Iterable[Row] | Answer], about: str) -> None:
    """The program of a question: measures, prints the table, and writes it where --json says."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="few repetitions, small sizes")
    parser.add_argument("--data", type=Path, help="a folder with cats-dogs/train in it, for what needs photographs")
    parser.add_argument("--json", type=Path, help="where the answer is written, too")
    given = parser.parse_args()
    if os.environ.get(RESTRICTED) and (wide := unrestricted()):
        sys.exit(f"{', '.join(wide)} would compute with more than the restriction allows: see benchmarks/machine.py.")
    try:
        found = measure(Setting(given.short, given.data))
        answer = found if isinstance(found, Answer) else Answer(list(found))
    except NotHereError as error:
        console.print(escape(str(error)))
        sys.exit(NOT_HERE)
    show(title, answer)
    if given.json:
        given.json.write_text(json.dumps(to_json(answer), ensure_ascii=False, indent=1) + "\n")
