"""Twenty people at once, on the cores that the server has, too: what each action takes, and the memory of it all.

They speak to the server as browsers do, and do one thing after the other without a pause: pages, uploads, sliders,
layers, classes. A prediction goes through the batcher, which lets what several ask at once go through the network
together; beside it, calls that go straight to the network.
"""

from __future__ import annotations

import tempfile

from browser.servers import ADDRESS, fork_server
from hostile.kills import environment
from hostile.outcome import Outcome
from hostile.sessions import PAGES, Party, guests, held, resident, settled
from hostile.visitor import Visitor

import visionlab as vl
from benchmarks.batching import CLIENTS, batched
from benchmarks.measuring import Answer, Goal, Row, Setting, asked, compared
from visionlab.network.zoo.models import TO_NAME

TITLE = "Twenty sessions at once"


class Crowd(Party):
    """Visitors of whom only the time is taken: what they are sent is looked at by `make hostile`."""

    def hear(self, guest: object) -> None:
        return None

    def look(self, guest: object) -> None:
        return None


def warmed_up(process: int) -> int:
    """MB that the server takes once somebody has been on every page, and left."""
    visitor = Visitor(ADDRESS)
    for page in PAGES:
        visitor.open(page)
    visitor.close()
    return settled(process)


def crowd(count: int, minutes: float) -> Answer:
    """So many sessions for so long."""
    party = Crowd(Outcome("Sessions"), guests(count, 0))
    with tempfile.TemporaryDirectory() as base, environment(VISIONLAB_WORKSPACE=base):
        process = fork_server()
        try:
            before = warmed_up(process.pid)
            held(party, minutes)
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
