"""What replicas and workers take of the cluster's machines, and whether so much is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ray

from visionlab.errors import ParameterError


@dataclass(frozen=True)
class Size:
    """How many replicas, or workers, there are, at least and at most, and what each of them takes of a machine."""

    least: int = 1
    most: int = 1
    processors: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise ParameterError(
                f"Replicas from {self.least} to {self.most} cannot be. Use 1 or more, and no fewer at most."
            )
        if not self.processors > 0 or not self.gpus >= 0:
            raise ParameterError(
                f"{self.processors:g} processors and {self.gpus:g} GPUs for each cannot be. Use a part of one, or more."
            )


def short(size: Size, them: str, count: int = 1, held: Callable[[str], float] = lambda _: 0.0) -> str:
    """The sentence on what has to become free before so many × size.least, who are called `them`, begin; "" where that
    is free now. held: how much of a Ray resource, such as "CPU", they replace. Not an error: what others are at ends,
    and clusters grow."""
    free, all_of, count = ray.available_resources(), ray.cluster_resources(), count * size.least
    kinds = (("CPU", "processor", "--cpus", size.processors), ("GPU", "GPU", "--gpus", size.gpus))
    for kind, unit, option, each in kinds:
        has = all_of.get(kind, 0.0)
        room = min(has, free.get(kind, 0.0) + held(kind))
        if round(each * count, 4) <= round(room, 4):
            continue
        units = unit if each * count == 1 else f"{unit}s"
        part = "" if round(room, 2) == round(has, 2) else f", of which {room:.3g} {'is' if room == 1 else 'are'} free"
        nodes = [node["Resources"].get(kind, 0.0) for node in ray.nodes() if node["Alive"]]
        fits = _fitting(nodes, count, room)
        good = f"{option} {fits:g} would fit" if fits else "“cluster stop” frees what is served"
        return (
            f"{them} × {option} {each:g} = {each * count:g} {units}; the cluster has {has:g}{part}. "
            f"What does not fit waits until there are more; {good}."
        )
    return ""


def _fitting(nodes: Sequence[float], count: int, room: float) -> float:
    """The largest share, in hundredths, of which so many fit on nodes with these resources, and into the room; 0 where
    none does."""
    most = min(int(100 * max(nodes, default=0.0)), int(100 * room / count + 1e-6))
    shares = (share / 100 for share in range(most, 0, -1))
    return next((each for each in shares if sum(int(has / each + 1e-6) for has in nodes) >= count), 0.0)
