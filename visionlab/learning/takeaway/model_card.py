"""The model card of a head: what it was made from, what it is worth, how it is used, and where it must not be trusted.

After M. Mitchell et al., “Model Cards for Model Reporting”, 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from visionlab.imaging.guards import most_bytes
from visionlab.learning.heads.head import Head
from visionlab.learning.heads.kinds import KINDS, stayed_linear
from visionlab.learning.judging.metrics import Report, counted, wilson
from visionlab.learning.judging.refusal import Refusal
from visionlab.learning.sets.dataset import UNEVEN
from visionlab.learning.takeaway.export import Parity
from visionlab.wording import percent

STAYED = "Fine-tuning found nothing better than the linear head that it starts from, so this is that linear head."
USE = f"""\
## How to run it

```sh
python -m pip install -r requirements.txt
python predict.py photo.jpg my-pictures
```

`model.onnx` takes the decoded picture as it is, “image”: uint8 (height, width, 3) RGB, upright, of any size. Resizing,
cropping and normalisation lie within it. It answers with “probabilities” (classes,), in the order of `labels.txt`.
`predict.py` takes pictures, and folders of them, with the folders in these. It reads what the app reads, and refuses
what it refuses, in the same words: a picture of over {most_bytes() >> 20} MB or 40 megapixels, for instance.
The whole zip can be opened in the app again, to add pictures and to train on.
"""


def model_card(head: Head, parity: Parity, report: Report | None = None) -> str:
    """The card as Markdown. report says what the head is worth on held-out pictures; without, what it says itself."""
    report = report or head.report
    parts = [
        f"# A classifier of {len(head.classes)} classes",
        f"{_listed(head.classes)}. A head{_kind(head)} on the features ({head.layer}) of the network “{head.network}”, "
        f"made with visionlab. This card was written on {date.today().isoformat()}.",
        "## What it was trained on",
        *_facts(head),
        "## What it is worth",
        *(_worth_by(head.facts) if report is None else _worth(report)),
        *(["It was asked about them before it learned from them, too."] if learned_all(head.facts) else []),
        *([STAYED] if stayed_linear(head) else []),
        "## The same answers elsewhere",
        f"`model.onnx` (onnxruntime) was compared with the original (PyTorch): {parity}. "
        f"At most {parity.tolerance:.0e} is allowed.",
        USE.strip(),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(head)),
    ]
    return "\n\n".join(parts) + "\n"


def _kind(head: Head) -> str:
    way = KINDS.get(str(head.facts.get("kind")))
    return f", learned by “{way.title}”," if way else ""


def _facts(head: Head) -> list[str]:
    """The data's counts as a table, where they are known, and everything else that is one word or number."""
    counts = head.facts.get("pictures")
    parts = [_table(("class", "pictures"), counts.items())] if isinstance(counts, Mapping) else []
    plain = {name: value for name, value in head.facts.items() if isinstance(value, str | int | float)}
    lines = [f"- {name.replace('_', ' ')}: {_cell(value)}" for name, value in plain.items()]
    return [*parts, "\n".join(lines)] if lines else parts or ["Nobody wrote it down."]


def _worth(report: Report) -> list[str]:
    scores = zip(report.classes, report.precision, report.recall, report.f1, report.confusion.sum(1), strict=True)
    right = zip(report.classes, report.confusion.tolist(), strict=True)
    return [
        " ".join(f"{told}." for told in report.sentences("held-out picture")),
        _table(
            ("class", "precision", "recall", "F1", "pictures"),
            ((name, *(f"{share:.3f}" for share in shares), count) for name, *shares, count in scores),
        ),
        "Rows are what the pictures are, columns what they were taken for:",
        _table(("", *report.classes), ((name, *row) for name, row in right)),
    ]


def _worth_by(facts: Mapping[str, object]) -> list[str]:
    """What training wrote down, where there is no report."""
    share, total = facts.get("validation_accuracy"), facts.get("validated_on")
    if not isinstance(share, float) or not isinstance(total, int) or total < 1:
        return ["Nobody measured it on held-out pictures."]
    return [_right(share, counted(total, what="held-out picture"), wilson(round(share * total), total))]


def learned_all(facts: Mapping[str, object]) -> bool:
    """Whether the held-out pictures, too, were learned from in the end."""
    counts, trained, validated = (facts.get(name) for name in ("pictures", "trained_on", "validated_on"))
    known = isinstance(counts, Mapping) and isinstance(trained, int) and isinstance(validated, int)
    return known and validated > 0 and trained + validated > sum(counts.values())


def _right(share: float, pictures: str, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"Right on {share:.1%} of {pictures} (95% interval {low:.1%} to {high:.1%})."


def _limits(head: Head) -> Iterable[str]:
    if head.refusal is None:
        yield "It always names one of its classes, also for a picture of something else."
    else:
        yield (
            "A picture whose features lie farther from the training pictures than "
            f"{head.refusal.threshold:.4g} is called “none of these”. {_refused(head.refusal)} by mistake, and some "
            "pictures of something else are let through. What it is worth, above, counts a refused picture by the "
            "class that it is most like."
        )
    counts = head.facts.get("pictures")
    if isinstance(counts, Mapping) and counts and min(counts.values()) * UNEVEN <= max(counts.values()):
        least, most = min(counts, key=counts.get), max(counts, key=counts.get)
        yield (
            f"Of “{_cell(least)}” it saw {counts[least]} pictures, of “{_cell(most)}” {counts[most]}: what is said of "
            "the former rests on few."
        )
    yield "It saw few pictures: where light, background or camera differ from theirs, it may well be worse than here."
    if head.learned is not None:
        yield "Its file holds fingerprints of the pictures that it has learned, by which it knows them again."
    yield "Copies and near-copies count as one picture only where they were grouped before training."
    yield "Of a picture it sees the centre; what lies at the ends of the longer side may be cut off."
    yield f"The network “{head.network}” under the head has terms and a bias of its own: see where it comes from."


def _refused(refusal: Refusal) -> str:
    how_many = "some" if refusal.share is None else f"about {percent(refusal.share)}"
    return f"The limit refuses {how_many} of good pictures, those of its classes,"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"“{_cell(name)}”" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    """A value for Markdown: one line, which ends no cell and begins no markup."""
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "\\|`*_<>[]" else c for c in text)
