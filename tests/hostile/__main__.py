"""Attacks the library as strangers would, prints what came of it, and writes docs/RELIABILITY.md: make hostile.

`python -m hostile pictures full` tries these subjects alone: what came of each lies in docs/reliability/, so that the
document keeps what is known of the others. `python -m hostile --document` tries nothing and writes it anew. Exits with
1 if anything that was tried broke a promise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from hostile import full, heads, kills, longuse, names, pictures, sessions, weight_files, zips
from hostile.outcome import Outcome

DOCS = Path(__file__).parents[2] / "docs"
SUBJECTS = {  # in the document's order; run() of each is its long form
    "pictures": pictures,
    "zips": zips,
    "heads": heads,
    "weight_files": weight_files,
    "full": full,
    "kills": kills,
    "sessions": sessions,
    "longuse": longuse,
    "names": names,
}


def record(outcome: Outcome, seconds: float) -> dict[str, object]:
    """What is kept of a subject, as JSON: the counts, and when and where they were found."""
    where = f"{os.cpu_count()} processors ({platform.machine()}), Python {platform.python_version()}"
    return {
        "subject": outcome.subject,
        "date": date.today().isoformat(),
        "where": where,
        "seconds": round(seconds),
        "attempts": outcome.attempts,
        "taken": outcome.taken,
        "refused": outcome.refused,
        "slowest": round(outcome.slowest, 2),
        "megabytes": outcome.megabytes,
        "kinds": {kind: vars(counts) for kind, counts in sorted(outcome.kinds.items())},
        "notes": outcome.notes,
        "failures": outcome.failures,
    }


def document(records: Sequence[tuple[str, dict]]) -> str:
    """docs/RELIABILITY.md, of what subjects are about and their records: a row and a table of kinds for each."""
    lines = [
        "# What was tried, and what came of it",
        "",
        "Written by `make hostile`; `make test` keeps a short form of each.",
        "",
        "| what | attempts | done | refused in a sentence | broke a promise | the slowest | memory beside |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for _, each in records:
        counts = (each["attempts"], each["taken"], each["refused"], len(each["failures"]))
        numbers = " | ".join(f"{count:,}" for count in counts)
        memory = "" if each["megabytes"] is None else f"{each['megabytes']:,} MB"
        lines.append(f"| {each['subject']} | {numbers} | {each['slowest']:.1f} s | {memory} |")
    for about, each in records:
        told = f"{' '.join(about.split())} On {each['date']}, in {each['seconds']:,} s, on {each['where']}."
        lines += ["", f"## {each['subject']}", "", told, "", "| kind | done | refused | broke a promise |"]
        lines.append("|---|---:|---:|---:|")
        for kind, counts in each["kinds"].items():
            lines.append(f"| {kind} | {counts['taken']:,} | {counts['refused']:,} | {counts['broken']:,} |")
        if each.get("notes"):
            lines += ["", *(f"- {note}" for note in each["notes"])]
        if each["failures"]:
            lines += ["", *(f"- **broke a promise:** {told}" for told in each["failures"])]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(SUBJECTS)}; all of them unless some are named")
    parser.add_argument("--document", action="store_true", help="try nothing, only write the document anew")
    asked = parser.parse_args()
    if unknown := set(asked.subjects) - set(SUBJECTS):
        parser.error(f"no subjects: {', '.join(sorted(unknown))}")
    kept, broken = DOCS / "reliability", False
    kept.mkdir(exist_ok=True)
    for name in () if asked.document else asked.subjects or SUBJECTS:
        began = time.monotonic()
        found = SUBJECTS[name].run()
        broken |= bool(found.failures)
        told = record(found, time.monotonic() - began)
        (kept / f"{name}.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        print(f"{found.subject}: {found.attempts:,} attempts, {len(found.failures)} broke a promise", flush=True)
        for failure in found.failures:
            print(failure, flush=True)
    paths = [(subject.__doc__, kept / f"{name}.json") for name, subject in SUBJECTS.items()]
    records = [(about, json.loads(path.read_text())) for about, path in paths if path.exists()]
    (DOCS / "RELIABILITY.md").write_text(document(records))
    print(f"written: {DOCS / 'RELIABILITY.md'}")
    sys.exit(broken)


if __name__ == "__main__":
    main()
