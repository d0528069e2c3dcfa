"""Twenty people at once, on the cores that the server has, too: what each action takes, and the memory of it all.

They speak to the server as browsers do, and do one thing after the other without a pause: pages, uploads, sliders,
layers, classes. A prediction goes through the batcher, which lets what several ask at once go through the network
together; beside it, calls that go straight to the network.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from browser.servers import fork_server
from hostile.kills import environment
from hostile.outcome import Outcome
from hostile.sessions import Guest, Party, colours, resident, visit, warmed_up

import visionlab as vl
from benchmarks.measuring import Answer, Goal, Row, Setting, asked, compared, in_turn
from benchmarks.pictures import photographs
from visionlab.imaging.image import Image
from visionlab.network.running.batching import Batcher
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.models import TO_NAME

TITLE = "Twenty sessions at once"
SESSIONS = 20


class Crowd(Party):
    """Visitors of whom only the time is taken: what they are sent is looked at by `make hostile`."""

    def hear(self, guest: Guest) -> None:
        return None

    def look(self, guest: Guest) -> None:
        return None


def crowd(count: int, minutes: float) -> Answer:
    """So many sessions for so long."""
    party = Crowd(Outcome("Sessions"), [Guest(number, pair, random.Random(number)) for number, pair in colours(count)])
    with tempfile.TemporaryDirectory() as base, environment(VISIONLAB_WORKSPACE=base):
        process = fork_server()
        try:
            before = warmed_up(process.pid)
            until = time.monotonic() + 60 * minutes
            threads = [threading.Thread(target=visit, args=(party, guest, until)) for guest in party.guests]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            grown = resident(process.pid) - before
            for guest in party.guests:
                guest.visitor.close()
        finally:
            process.kill()
            process.join(20)
    rows = [compared(kind, {"ours": taken}, unit="s", scale=1, high=True) for kind, taken in sorted(party.took.items())]
    rows.append(Row("the server has grown by", grown, "MB"))
    done = sum(map(len, party.took.values()))
    return Answer(rows, notes=[f"{done:,} actions in {minutes:g} minutes.", *party.outcome.failures])


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
        for clients, share, bound in ((SESSIONS, images, goal), (1, images[: pictures // 8], None)):
            runs = {
                name: lambda ask=ask, clients=clients, share=share: all_asked(ask, clients, share)
                for name, ask in ways.items()
            }
            times = in_turn(runs, 0, least=rounds)
            per_picture = {name: [each / len(share) for each in taken] for name, taken in times.items()}
            asking = f"{clients} client{'s' if clients > 1 else ''}"
            yield compared(f"a picture of {net.name}, asked for by {asking}", per_picture, bound)


def measure(setting: Setting) -> Answer:
    found = crowd(2, 0.05) if setting.short else crowd(SESSIONS, 2)
    net = vl.load_classifier(TO_NAME[-1], "cpu")
    rows = batched(net, 16 if setting.short else 100, 2 if setting.short else 5, Goal(1.0))
    return Answer([*found.rows, *rows], notes=found.notes)


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
