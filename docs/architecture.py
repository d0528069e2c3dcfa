"""Draws docs/architecture.svg: the rooms in their layers, and who imports whom, read from the code.

    python docs/architecture.py        # after a room or an import between rooms has changed

An arrow goes from the room that imports to the one that is imported. What other arrows say already is left out: of
a → b → c and a → c, the last. Arrows run between rows and pass rows between boxes, so that none crosses a word.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parent.parent
LAYERS = {  # from the top: what is drawn at its side, its colour, its rooms; a room holds the folders within it, too
    "pages": ("start", "#5b6472", ["pages", "visionlab/cli"]),
    "ui": ("ui", "#1f5fa8", [f"visionlab/ui/{name}" for name in ("*", "shared")]),
    "cluster": ("cluster", "#8a6d1a", ["visionlab/cluster"]),
    "learning": ("learning", "#7a4a9e", ["visionlab/learning/*"]),
    "network": ("network", "#a8501f", ["visionlab/network/*"]),
    "imaging": ("imaging", "#2c7a4b", ["visionlab/imaging"]),
    "base": ("", "#5b6472", ["visionlab"]),
}
TITLES = {
    "pages": "streamlit_app.py, pages/",
    "visionlab": "errors.py, wording.py, shortage.py, device.py, writing.py, packing.py, limits.py",
}
Graph = dict[str, set[str]]

HIGH, ROW, LEFT, APART, LANE = 30, 74, 96, 26, 16  # of a box, from row to row, of the margin, between boxes, for a line
SWEEPS = 40


# --- what there is --------------------------------------------------------------------------------------------------


def layers() -> dict[str, list[str]]:
    """{layer: its rooms, as folders, sorted}."""
    found: dict[str, list[str]] = {}
    for layer, (_, _, patterns) in LAYERS.items():
        folders = {path for pattern in patterns for path in ROOT.glob(pattern) if any(path.glob("*.py"))}
        found[layer] = sorted(path.relative_to(ROOT).as_posix() for path in folders)
    return found


def imports() -> Graph:
    """{room: the rooms that it imports from}."""
    known = {room for rooms in layers().values() for room in rooms}
    graph: Graph = {room: set() for room in sorted(known)}
    above = {ROOT / "visionlab" / "__init__.py", ROOT / "visionlab" / "__main__.py"}  # names for all that is below
    for path in sorted({*ROOT.glob("visionlab/**/*.py"), *ROOT.glob("pages/*.py"), *ROOT.glob("*.py")} - above):
        room = _room(path, known)
        graph[room] |= {_room(found, known) for found in _imported(path)} - {room}
    return graph


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("visionlab."):
                place = ROOT.joinpath(*name.split("."))
                yield place if place.is_dir() or place.with_suffix(".py").exists() else place.parent


def _room(path: Path, known: set[str]) -> str:
    parents = (parent.relative_to(ROOT).as_posix() for parent in (path, *path.parents) if parent.is_relative_to(ROOT))
    return next((parent for parent in parents if parent in known), "pages")


def reach(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """All that can be come to from there."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = set(graph[waiting.pop()]) - found
        found |= fresh
        waiting += fresh
    return found


def reduced(graph: Graph) -> Graph:
    """The graph without what its other arrows say."""
    far = {room: reach(graph, room) for room in graph}
    return {
        room: {other for other in near if not any(other in far[way] for way in near)} for room, near in graph.items()
    }


# --- where it stands ------------------------------------------------------------------------------------------------


def rows_of(graph: Graph) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """{room: its row, 0 at the bottom}: above all that it imports and all lower layers; {layer: its first and last}."""
    far = {room: reach(graph, room) for room in graph}
    row: dict[str, int] = {}
    spans: dict[str, tuple[int, int]] = {}
    first = 0
    for layer, rooms in reversed(layers().items()):
        waiting = set(rooms)
        height = first
        while waiting:
            ready = {one for one in waiting if not far[one] & waiting}
            row |= dict.fromkeys(ready, height)
            waiting -= ready
            height += 1
        spans[layer] = (first, height - 1)
        first = height
    return row, spans


class Layout:
    """Boxes, each under its room's name, and the lanes of lines in rows, ordered so that few lines cross."""

    def __init__(self, graph: Graph):
        self.row, self.spans = rows_of(graph)
        self.lines = [
            (a, *((a, b, row) for row in range(self.row[a] - 1, self.row[b], -1)), b)
            for a in sorted(graph)
            for b in sorted(graph[a])
        ]
        self.rows: list[list] = [[] for _ in range(1 + max(self.row.values()))]
        for room in sorted(graph):
            self.rows[self.row[room]].append(room)
        for line in self.lines:
            for lane in line[1:-1]:
                self.rows[lane[2]].append(lane)
        self.below: dict = {each: [] for row in self.rows for each in row}
        self.above: dict = {each: [] for row in self.rows for each in row}
        for line in self.lines:
            for upper, lower in pairwise(line):
                self.below[upper].append(lower)
                self.above[lower].append(upper)
        self._order()
        self.x = self._places()

    def _order(self) -> None:
        best = self._crossings(), [list(row) for row in self.rows]
        for sweep in range(SWEEPS):
            down = sweep % 2 == 0
            beside = self.above if down else self.below
            for row in reversed(self.rows) if down else self.rows:
                place = {
                    each: index / max(1, len(other) - 1) for other in self.rows for index, each in enumerate(other)
                }
                row.sort(key=lambda each: fmean([place[near] for near in beside[each]] or [place[each]]))
                self._swap(row)
            best = min(best, (self._crossings(), [list(row) for row in self.rows]), key=lambda found: found[0])
        self.rows = best[1]

    def _swap(self, row: list) -> None:
        """Neighbours change places where that leaves fewer crossings."""
        for index in range(len(row) - 1):
            before = self._crossings()
            row[index], row[index + 1] = row[index + 1], row[index]
            if self._crossings() >= before:
                row[index], row[index + 1] = row[index + 1], row[index]

    def _crossings(self) -> int:
        found = 0
        for lower, upper in pairwise(self.rows):
            place = {each: index for index, each in enumerate(lower)}
            ends = [end for each in upper for end in sorted(place[near] for near in self.below[each])]
            found += sum(a > b for index, a in enumerate(ends) for b in ends[index + 1 :])
        return found

    def width(self, each: str | tuple) -> int:
        """Of a box, or of a line's lane."""
        return LANE if isinstance(each, tuple) else box_width(each)

    def _places(self) -> dict:
        """{box or lane: the x of its middle}: near what it is joined to, in the order of its row, nothing too near."""
        x = dict.fromkeys(self.below, 0.0)
        for sweep in range(8 * SWEEPS):
            for row in self.rows if sweep % 2 else reversed(self.rows):
                wanted = [fmean([x[near] for near in self.above[each] + self.below[each]] or [0.0]) for each in row]
                for each, place in zip(row, self._spread(row, wanted), strict=True):
                    x[each] = place
        left = min(x[each] - self.width(each) / 2 for each in x)
        return {each: place - left + LEFT for each, place in x.items()}

    def _spread(self, row: list, wanted: list[float]) -> list[float]:
        """The places nearest to the wanted ones, by least squares, that keep the order and the distances."""
        offsets = [0.0]
        for one, other in pairwise(row):
            gap = APART / 2 if isinstance(one, tuple) and isinstance(other, tuple) else APART
            offsets.append(offsets[-1] + (self.width(one) + self.width(other)) / 2 + gap)
        pools: list[list[float]] = []  # neighbours that touch: the sum of where they would begin, and how many
        for want, offset in zip(wanted, offsets, strict=True):
            pools.append([want - offset, 1])
            while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
                total, count = pools.pop()
                pools[-1][0] += total
                pools[-1][1] += count
        begins = [total / count for total, count in pools for _ in range(int(count))]
        return [begin + offset for begin, offset in zip(begins, offsets, strict=True)]


# --- the drawing ----------------------------------------------------------------------------------------------------


def title_of(room: str) -> str:
    return TITLES.get(room, room.rsplit("/", 1)[-1])


def box_width(room: str) -> int:
    return 2 * round(11 + 3.8 * len(title_of(room)))  # even, so that sums and halves are the same on any Python


def drawn() -> str:
    """The SVG."""
    graph = reduced(imports())
    layout = Layout(graph)
    centre = layout.x
    top = {row: 20 + ROW * (len(layout.rows) - 1 - row) for row in range(len(layout.rows))}
    wide = max(layout.x[each] + layout.width(each) / 2 for each in layout.x) + 24
    high = top[0] + HIGH + 20
    colour = {room: LAYERS[layer][1] for layer, rooms in layers().items() for room in rooms}
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" role="img" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12.5">',
        "<title>The rooms of visionlab and the direction of their imports</title>",
        f'<rect width="{wide:.0f}" height="{high:.0f}" rx="10" fill="#ffffff" stroke="#d0d7de"/>',
    ]
    for layer, (name, paint, _) in LAYERS.items():
        first, last = layout.spans[layer]
        y, tall = top[last] - 12, top[first] - top[last] + HIGH + 24
        out.append(
            f'<rect x="8" y="{y}" width="{wide - 16:.0f}" height="{tall}" rx="8" fill="{paint}" fill-opacity="0.07"/>'
        )
        out.append(f'<text x="20" y="{y + 31.5}" fill="{paint}" font-weight="bold">{name}</text>')
    out += _arrows(layout, centre, top, colour)
    for room in sorted(graph):
        x, y = centre[room] - box_width(room) / 2, top[layout.row[room]]
        out.append(
            f'<rect x="{x:.1f}" y="{y}" width="{box_width(room):.1f}" height="{HIGH}" rx="6" fill="#ffffff" '
            f'stroke="{colour[room]}" stroke-width="1.4"/>'
            f'<text x="{centre[room]:.1f}" y="{y + 19.5}" text-anchor="middle" fill="#1f2328">{title_of(room)}</text>'
        )
    return "\n".join([*out, "</svg>", ""])


def _arrows(layout: Layout, centre: dict, top: dict[int, float], colour: dict[str, str]) -> Iterator[str]:
    leaving, coming = _ports(layout, centre, 0, 1), _ports(layout, centre, -1, -2)
    for line in layout.lines:
        paint = colour[line[0]]
        x, y = leaving[line], top[layout.row[line[0]]] + HIGH
        path = f"M{x:.1f} {y}"
        for each in line[1:]:
            lane = isinstance(each, tuple)
            to, end = (centre[each], top[each[2]]) if lane else (coming[line], top[layout.row[each]] - 6)
            middle = (y + end) / 2
            path += f" C{x:.1f} {middle:.1f} {to:.1f} {middle:.1f} {to:.1f} {end}"
            x, y = to, end + HIGH
            path += f" V{y}" if lane else ""
        yield f'<path d="{path}" fill="none" stroke="{paint}" stroke-width="1.3"/>{_tip(x, end + 6, paint)}'


def _ports(layout: Layout, centre: dict, end: int, following: int) -> dict[tuple, float]:
    """{line: the x at which it leaves its box (end 0), or reaches it (−1)}: side by side, as their ways lie."""
    at: dict[str, list[tuple]] = {}
    for line in layout.lines:
        at.setdefault(line[end], []).append(line)
    found = {}
    for room, lines in at.items():
        lines.sort(key=lambda line: centre[line[following]])
        step = min(14, (box_width(room) - 16) / max(1, len(lines) - 1))
        for number, line in enumerate(lines):
            found[line] = centre[room] + step * (number - (len(lines) - 1) / 2)
    return found


def _tip(x: float, y: float, paint: str) -> str:
    """An arrow's head that points down and ends at (x, y)."""
    corners = [(x, y), (x - 3.5, y - 7), (x + 3.5, y - 7)]
    return f'<path d="M{" L".join(f"{a:.1f} {b:.1f}" for a, b in corners)} Z" fill="{paint}"/>'


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(drawn())
