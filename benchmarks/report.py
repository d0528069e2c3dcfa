"""RESULTS.md, of what is kept in results/: processors side by side, and why a peer wins where one does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchmarks.machine import PACKAGES, RESTRICTIONS, Machine
from benchmarks.measuring import FAR, Answer, Row, from_json, measured, ratio_of

HERE = Path(__file__).parent
RESULTS = HERE / "results"
DOUBLED = 2.0  # times what is kept: from here on, something has become slower, and not the machine busier

INTRODUCTION = """
Written by `make bench` from the files in `results/`, one for each kind of machine. Ours is a median; then come the
ratios ours / peer, of the same rounds: below 1 we are faster. **Bold** is the fastest peer where it is faster than we
are; why, stands below the table. A goal with × is one for the ratio to the fastest peer; ✓ and ✗ say whether it is met.
"""

# Why a peer is faster, by question and row, as far as that is known; * stands for anything.
PAINTED = (
    "Streamlit itself, the same for both, takes the time up to the server’s first message. Then our page holds 500 to"
    " 1,400 elements where the bare one has 100: React and the styles of each take two to four times as long, elements"
    " that look at their own size make the browser lay out the page again and again, and forty more of Streamlit’s"
    " scripts are fetched, in steps, for the kinds of widgets that are on it."
)
LOOKED_AT = (
    "It looks whether all values are numbers, and how large they are, which decides in what precision it computes: the"
    " picture is fetched from memory once more, which for small kernels takes a third of the time and more; the peers"
    " do without."
)
REASONS: dict[str, dict[str, str]] = {
    "activations": {
        "*, all maps at 224 px": "The forward pass is a part of it; the rest is copying thirty layers’ values.",
        "*, Grad-CAM beyond the forward pass": "The forward pass that is taken off is our quicker one, which computes a"
        " ReLU together with its convolution; where maps are kept and gradients asked for, each is computed by itself.",
    },
    "convolution": {
        **dict.fromkeys(("* floats, *, separable", "* floats, 3 × 3, *", "* floats, 7 × 7, *"), LOOKED_AT),
        "512² bytes, *, separable": "What it is given is checked before, which takes 0.03 ms, and what takes longer"
        " than half a millisecond is shared with a second core, which has to be woken first.",
        "* bytes, *, separable": "It is OpenCV’s own function, called once with the whole picture, which it shares"
        " among the cores itself; what is above that is chance, and 0.03 ms in which what is given is checked.",
    },
    "app": {"*, its heading": PAINTED, "*, its first picture": PAINTED, "*, at rest": PAINTED},
    "networks": {
        "*": "Torch sets each of oneDNN’s convolutions up anew, 0.05 ms a call, and they compute where the values of a"
        " place lie together, as all else of torch takes them: four to six tenths of EfficientNet-Lite0’s time, which"
        " has 49 small ones, and seven to nine of a VGG’s. The others set theirs up once, and lay values as they like.",
    },
    "start": {
        "the server answers": "What every request has to pass is forty modules more to import, a tenth of the time.",
        "Home can be used": "Importing torch takes about two seconds of it; then the network is read, and computes for"
        " the first time.",
    },
}


@dataclass(frozen=True)
class Kept:
    """An answer, with when and with what it was found, and the machine's load before and after."""

    answer: Answer
    date: str
    versions: Mapping[str, str]
    load: tuple[float, float]


@dataclass(frozen=True)
class Results:
    """Of one kind of machine: what is kept of each question."""

    machine: Machine
    questions: Mapping[str, Kept]


def read(path: Path) -> Results:
    told = json.loads(path.read_text())
    questions = {
        name: Kept(from_json(each["answer"]), each["date"], each["versions"], tuple(each["load"]))
        for name, each in told["questions"].items()
    }
    return Results(Machine(**told["machine"]), questions)


def keep(folder: Path, machine: Machine, question: str, told: Mapping[str, Any]) -> Path:
    """Lay what a question gave beside what is known of the others on that kind of machine."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{machine.name}.json"
    found = json.loads(path.read_text()) if path.exists() else {"questions": {}}
    found = {"machine": vars(machine), "questions": {**found["questions"], question: told}}
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    return path


def all_results(folder: Path) -> list[Results]:
    """What is as it is before what is restricted, by name."""
    found = [read(path) for path in folder.glob("*.json")]
    return sorted(found, key=lambda each: (bool(each.machine.restricted), each.machine.name))


# ----------------------------------------------------------------------------------------------------------------------


def why(question: str, what: str) -> str:
    reasons = REASONS.get(question, {})
    return next((told for pattern, told in reasons.items() if fnmatchcase(what, pattern)), "No reason is known.")


def slower(question: str, now: Answer, before: Answer) -> dict[tuple[str, str], str]:
    """What has become much slower beside a peer than it is kept, {(row, peer): a sentence}.

    Peers that are far behind are left out: they are called twice only, and by how much they are behind is chance.
    """
    kept = {row.what: row.ratios for row in before.rows}
    found = {}
    for row in now.rows:
        for peer, ratio in row.ratios.items():
            was = kept.get(row.what, {}).get(peer)
            if was is not None and ratio > max(DOUBLED * was, 1 / FAR):
                told = f"{question}, {row.what}: {ratio:.2f} × {peer}, where {was:.2f} is kept"
                found[row.what, peer] = told
    return found


def document(results: Sequence[Results], questions: Mapping[str, tuple[str, str]]) -> str:
    """The text of RESULTS.md. questions: {name: (title, what it is about)}, in the report's order."""
    letters = {each.machine.name: chr(ord("A") + place) for place, each in enumerate(results)}
    lines = [
        "# How fast it is",
        "",
        " ".join(INTRODUCTION.split()),
        "",
        "|  | machine | measured with |",
        "|---|---|---|",
    ]
    for each in results:
        machine = each.machine
        lines.append(f"| {letters[machine.name]} | {machine.title}, {machine.gigabytes} GB | {_tools(each)} |")
    for each in results:
        if each.machine.restricted:
            untold = RESTRICTIONS[each.machine.restricted].untold
            lines += ["", f"{letters[each.machine.name]} is another machine by restriction. {untold}"]
    absent, files = [], {letter: name for name, letter in letters.items()}
    for name, (title, about) in questions.items():
        found = {letters[each.machine.name]: each.questions[name] for each in results if name in each.questions}
        if found:
            lines += ["", f"## {title}", "", about, "", *_question(name, found, files)]
        else:
            absent.append(title)
    if absent:
        lines += ["", f"Not measured so far: {', '.join(absent)}."]
    return "\n".join(lines) + "\n"


def _tools(results: Results) -> str:
    """Versions; of a package that was measured with several, the latest run's."""
    found: dict[str, str] = {}
    for each in sorted(results.questions.values(), key=lambda kept: kept.date):
        found |= each.versions
    absent = [name for name in PACKAGES if name not in found]
    told = ", ".join(f"{name} {number}" for name, number in found.items())
    return told + (f"; without {', '.join(absent)}" if absent else "")


def _question(name: str, found: Mapping[str, Kept], files: Mapping[str, str]) -> list[str]:
    rows = {letter: {row.what: row for row in kept.answer.rows} for letter, kept in found.items()}
    whats = list(dict.fromkeys(what for each in rows.values() for what in each))
    peers = list(dict.fromkeys(peer for each in rows.values() for row in each.values() for peer in row.ratios))
    goals = any(row.goal for each in rows.values() for row in each.values())
    head = ["", *(f"ours, {letter}" for letter in found), *(f"/ {peer}" for peer in peers), *["goal"][: int(goals)]]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for what in whats:
        here = [each.get(what) for each in rows.values()]
        cells = [what, *(measured(row) if row else "–" for row in here)]
        cells += [_beside(peer, here) for peer in peers]
        cells += [_goal(here)] if goals else []
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for letter, kept in found.items():
        before, after = kept.load
        lines.append(f"- {letter}: {kept.date}, load {before:g} at the start and {after:g} at the end.")
        lines += [f"- {letter}: {note}" for note in kept.answer.notes]
    lost: dict[str, list[str]] = {}
    for letter, each in rows.items():
        for row in each.values():
            if row.lost:
                told = f"{row.what} ({letter}, {row.ratios[row.fastest]:.2f} × {row.fastest})"
                lost.setdefault(why(name, row.what), []).append(told)
    if lost:
        lines += ["", "Where a peer is faster:", ""]
        lines += [f"- {'; '.join(told)}: **{reason}**" for reason, told in lost.items()]
    for letter, kept in found.items():
        if kept.answer.lines:
            lines += ["", f"![What grows with what, {letter}](results/{files[letter]}-{name}.svg)"]
    return lines


def _beside(peer: str, rows: Sequence[Row | None]) -> str:
    """One machine's ratio beside the other's."""
    told = [ratio_of(row, peer, "**{}**") if row else "" for row in rows]
    return " · ".join(each or "–" for each in told) if any(told) else ""


def _goal(rows: Sequence[Row | None]) -> str:
    goal = next((row.goal for row in rows if row and row.goal), None)
    if goal is None:
        return ""
    return f"{goal} {' · '.join({True: '✓', False: '✗', None: '–'}[row.met if row else None] for row in rows)}"
