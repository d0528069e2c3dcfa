"""Shards: the rows of very many pictures in files of so many rows each; those that are there are not made again.

A folder holds names.txt (an address a line, as JSON; in brackets that of no picture), job.json (what is done with them)
and part-000000.parquet, or .csv, and so on; each of them is whole, or not there.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from visionlab.cluster.listing import Named
from visionlab.errors import ParameterError
from visionlab.learning.answers.many import Found, Unreadable, write_csv
from visionlab.network.running.prediction import Answer, Prediction
from visionlab.writing import replacing

ROWS = 1024  # of a shard
NAMES, JOB = "names.txt", "job.json"
PART = re.compile(r"part-(\d{6,})\.\w+")


def _write_csv(table: pa.Table, path: Path) -> None:
    """Of what a network says to pictures; the columns are those of “predict --csv”."""
    measured = "distance" in table.column_names
    count = sum(name.startswith("answer_") for name in table.column_names)

    def row(cells: Mapping[str, object]) -> Found | Unreadable:
        if cells["problem"]:
            return Unreadable(cells["file"], cells["problem"])
        said = ((cells[f"answer_{place}"], cells[f"probability_{place}"]) for place in range(1, count + 1))
        far = (cells["distance"], cells["limit"]) if measured else ()
        predictions = tuple(Prediction(label, -1, probability) for label, probability in said)
        return Found(cells["file"], predictions, None, Answer((), np.zeros(0, np.float32), *far))

    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(map(row, table.to_pylist()), file, count, measured)


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)


WRITERS = {".parquet": _write_parquet, ".csv": _write_csv}


@dataclass(frozen=True)
class Shards:
    """A folder of them; total is the number of files that were found, others that of those among them that are no
    pictures by their endings, rows that of a shard's."""

    folder: Path
    ending: str
    total: int
    rows: int
    others: int = 0

    @classmethod
    def begun(
        cls, folder: Path, names: Iterable[Named], job: Mapping[str, object], ending: str = ".parquet", rows: int = ROWS
    ) -> Shards:
        """In a folder that is new, or has such a job in it; then it is about the names that were found when it began.

        Raises ParameterError where the folder holds something else.
        """
        told = {**job, "ending": ending, "rows": rows}
        if (folder / JOB).is_file():
            known = json.loads((folder / JOB).read_text("utf-8"))
            pictures, others = known.pop("pictures"), known.pop("others", 0)
            if known != told:
                differing = ", ".join(sorted(name for name in told if known.get(name) != told[name]))
                raise ParameterError(f"“{folder}” holds a job that differs in {differing}. Name another, or remove it.")
            return cls(folder, ending, pictures + others, rows, others)
        if folder.exists() and any(folder.iterdir()):
            raise ParameterError(f"“{folder}” holds other things. Name a new folder, or one of a job that was stopped.")
        folder.mkdir(parents=True, exist_ok=True)
        counts = {True: 0, False: 0}
        with replacing(folder / NAMES) as part, part.open("w", encoding="ascii") as file:
            for name in names:
                file.write(json.dumps(name.address if name.picture else [name.address]) + "\n")
                counts[name.picture] += 1
        with replacing(folder / JOB) as part:
            part.write_text(json.dumps({**told, "pictures": counts[True], "others": counts[False]}, indent=1), "utf-8")
        return cls(folder, ending, sum(counts.values()), rows, counts[False])

    @property
    def count(self) -> int:
        return -(-self.total // self.rows)

    def path(self, number: int) -> Path:
        return self.folder / f"part-{number:06}{self.ending}"

    @property
    def done(self) -> list[int]:
        """The shards that are there, by their numbers."""
        found = (PART.fullmatch(path.name) for path in self.folder.glob(f"part-*{self.ending}"))
        return sorted(int(match[1]) for match in found if match)

    def pending(self) -> Iterator[tuple[int, list[Named]]]:
        """The number of each shard that is not there yet, and what is to be in it; one after the other."""
        done = set(self.done)
        with (self.folder / NAMES).open(encoding="ascii") as file:
            for number in range(self.count):
                lines = list(itertools.islice(file, self.rows))
                if number not in done:
                    yield number, [_named(json.loads(line)) for line in lines]

    def write(self, number: int, table: pa.Table) -> None:
        with replacing(self.path(number)) as part:
            WRITERS[self.ending](table, part)

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The Parquet shards, one after the other."""
        for number in self.done:
            yield pq.read_table(self.path(number), columns=columns)

    def unreadable(self) -> Iterator[tuple[str, str]]:
        """The name of each file that could not be read, and why."""
        for number in self.done:
            if self.ending == ".csv":
                with self.path(number).open(encoding="utf-8", newline="") as file:
                    yield from ((row["file"], row["problem"]) for row in csv.DictReader(file) if row["problem"])
            else:
                table = pq.read_table(self.path(number), columns=["file", "problem"])
                yield from ((row["file"], row["problem"]) for row in table.to_pylist() if row["problem"])


def _named(line: str | list[str]) -> Named:
    return Named(line) if isinstance(line, str) else Named(line[0], picture=False)
