"""Attacks the library as strangers would, prints what came of it, and writes docs/RELIABILITY.md: make hostile.

Exits with 1 if anything broke a promise. `--minutes` is how long hypothesis thinks of heads and chains.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import date
from pathlib import Path

from hostile import heads, kills, longuse, names, sessions, weight_files, zips
from hostile.outcome import Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"
SUBJECTS = {"Zips": zips.__doc__, "Heads, packages and chains": heads.__doc__, "Weight files": weight_files.__doc__}
SUBJECTS |= {"Killed servers": kills.__doc__, "Sessions": sessions.__doc__, "Long use": longuse.__doc__}
SUBJECTS |= {"Names": names.__doc__}


def report(outcomes: list[Outcome]) -> str:
    """The document: machine, date, counts, and what broke."""
    processor = platform.processor() or platform.machine()
    lines = [
        "# What was tried, and what came of it",
        "",
        f"Written by `make hostile` on {date.today().isoformat()}, on {os.cpu_count()} processors ({processor}), with "
        f"Python {platform.python_version()}. `make test` keeps a short form of each.",
        "",
        "| what | attempts | done | refused in a sentence | broke a promise | the slowest | memory beside |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in outcomes:
        counts = (each.attempts, each.taken, each.refused, len(each.failures))
        numbers = " | ".join(f"{count:,}" for count in counts)
        lines.append(f"| {each.subject} | {numbers} | {each.slowest:.1f} s | {each.megabytes:,} MB |")
    for each in outcomes:
        lines += ["", f"## {each.subject}", "", " ".join((SUBJECTS[each.subject] or "").split()), ""]
        lines += [f"- {kind}: {count:,}" for kind, count in sorted(each.kinds.items())]
        lines += [f"- {note}" for note in each.notes]
        lines += [f"- **broke a promise:** {told}" for told in each.failures]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--zips", type=int, default=200)
    asked = parser.parse_args()
    outcomes = []
    for begin in (
        lambda: zips.run(asked.zips),
        lambda: heads.run(150, asked.minutes),
        lambda: weight_files.run(100, 20),
        lambda: kills.run(50),
        lambda: sessions.run(20, 10),
        lambda: longuse.run(500, 500, 100, 20, 10),
        lambda: names.run(),
    ):
        outcomes.append(found := begin())
        print(f"{found.subject}: {found.attempts:,} attempts, {len(found.failures)} broke a promise", flush=True)
        print(*found.failures, sep="\n", flush=True)
    DOCUMENT.write_text(report(outcomes))
    print(f"written: {DOCUMENT}")
    sys.exit(any(each.failures for each in outcomes))


if __name__ == "__main__":
    main()
