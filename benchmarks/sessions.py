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

from browser.servers import fork_server
from hostile.kills import environment
from hostile.outcome import Outcome
from hostile.sessions import Guest, Party, colours, resident, visit, warmed_up

import visionlab as vl
from benchmarks.batching import CLIENTS, batched
from benchmarks.measuring import Answer, Goal, Row, Setting, asked, compared
from visionlab.network.zoo.models import TO_NAME

TITLE = "Twenty sessions at once"


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


def measure(setting: Setting) -> Answer:
    found = crowd(2, 0.05) if setting.short else crowd(CLIENTS, 1.5)
    net = vl.load_classifier(TO_NAME[-1], "cpu")
    rows = batched(net, 16 if setting.short else 100, 2 if setting.short else 5, Goal(1.0))
    return Answer([*found.rows, *rows], notes=found.notes)


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
