"""What a picture takes where many ask at once: through the batcher, and straight to the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from benchmarks.measuring import Goal, Row, compared, in_turn
from benchmarks.pictures import photographs
from visionlab.imaging.image import Image
from visionlab.network.running.batching import Batcher
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import probabilities

CLIENTS = 20


def all_asked(ask: Callable[[Image], object], clients: int, images: Sequence[Image]) -> None:
    """So many threads ask for all the pictures, each taking the next one that is left."""
    left = iter(images)  # next() of a list's iterator is atomic

    def client() -> None:
        for image in left:
            ask(image)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def batched(net: Classifier, pictures: int, rounds: int, goal: Goal) -> Iterator[Row]:
    """What a picture takes where many ask, and where one does, through the batcher and straight."""
    images = photographs(pictures, 480, 640)
    with closing(Batcher(net)) as batcher:
        ways = {"ours": batcher.probabilities, "one call each": lambda image: probabilities(net, [image])}
        for clients, share, bound in ((CLIENTS, images, goal), (1, images[: pictures // 8], None)):
            runs = {
                name: lambda ask=ask, clients=clients, share=share: all_asked(ask, clients, share)
                for name, ask in ways.items()
            }
            times = in_turn(runs, 0, least=rounds)
            per_picture = {name: [each / len(share) for each in taken] for name, taken in times.items()}
            asking = f"{clients} client{'s' if clients > 1 else ''}"
            yield compared(f"a picture of {net.name}, asked for by {asking}", per_picture, bound)
