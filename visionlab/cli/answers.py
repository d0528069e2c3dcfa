"""What the shell's predict prints: tables, JSON, and a sheet of first words."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from visionlab.learning.answers.many import Found
    from visionlab.network.running.classifier import Classifier
    from visionlab.network.running.prediction import Answer

console = Console()


def print_json(found: Iterator[Found]) -> None:
    """One object {name: [{label, probability}, …]}, printed as the answers come: it is never held as a whole.

    Of a head that refuses pictures each class also says whether this one is refused.
    """
    before = "{"
    for each in found:
        refused = {} if each.answer is None or each.answer.limit is None else {"refused": each.answer.refused}
        row = {each.name: [{"label": a.label, "probability": a.probability} | refused for a in each.predictions]}
        print(before + json.dumps(row, indent=2).removeprefix("{").removesuffix("\n}"), end="")
        before = ","
    print("{}" if before == "{" else "\n}")


def print_tables(found: Iterator[Found]) -> None:
    from visionlab.network.running.certainty import in_words

    for each in found:
        table = Table("class", "probability", title=Text(plain(Path(each.name).name)), title_justify="left")
        for answer in each.predictions:
            table.add_row(Text(answer.label), f"{answer.probability:.1%}")
        console.print(table)
        if each.answer is not None and each.answer.refused:
            console.print(none_of_these(each.answer))
        elif in_words([answer.probability for answer in each.predictions]) == "unsure":
            console.print("The network is unsure. It always names one of its classes, also where none of them fits.")


def none_of_these(answer: Answer) -> str:
    """That a picture is refused, by how far it lies, and whom that hits wrongly."""
    return (
        f"None of these: its distance is {answer.distance:.4g}, beyond the limit of {answer.limit:.4g}. "
        f"{answer.mistakes}"
    ).rstrip()


def print_sheet(net: Classifier, found: Iterator[Found], top: int, as_json: bool) -> None:
    from visionlab.learning.answers.first_words import grade_predictions, word_of
    from visionlab.learning.judging.metrics import counted
    from visionlab.learning.judging.refusal import still_counted

    answers = list(found)
    sheet = grade_predictions(net, [(word_of(each.name), each.predictions) for each in answers], top)
    names = [each.name for each in answers]
    refused = {each.name for each in answers if each.answer is not None and each.answer.refused}
    known = {name for name, graded in zip(names, sheet.graded, strict=True) if graded.accepted}
    if as_json:
        rows = [
            {"file": name} | asdict(graded) | ({"refused": True} if name in refused else {})
            for name, graded in zip(names, sheet.graded, strict=True)
        ]
        print(json.dumps({"score": sheet.score, "of": sheet.of, "graded": rows}, indent=2))
        return
    table = Table("", "word", "answer", "right would be", "picture")
    for name, graded in zip(names, sheet.graded, strict=True):
        said = ", ".join(f"{answer.label} {answer.probability:.1%}" for answer in graded.predictions)
        said += " (refused)" if name in refused else ""
        right = ", ".join(graded.accepted) or "none of its classes"
        mark = "✓" if graded.right else "✗" if name in known else ""
        table.add_row(mark, *(Text(plain(text)) for text in (graded.word, said, right, name)))
    console.print(table)
    console.print(f"{sheet.score} of {sheet.of} right")
    if beside := len(names) - sheet.of:
        console.print(f"The names of {counted(beside)} give no word for the network: they are not counted.")
    if refused & known:
        right = sum(graded.right for name, graded in zip(names, sheet.graded, strict=True) if name in refused)
        console.print(still_counted(len(refused & known), right, counted(sheet.of)))


def plain(text: str) -> str:
    """A name for a terminal: control characters and what is no text are written as escapes."""
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
