"""Many visitors at once, each with a picture of colours and classes of a name that nobody else has: nobody is ever
sent what is another's, an action takes bounded time, and the memory is given back when they have left.
"""

from __future__ import annotations

import random
import re
import statistics
import tempfile
import threading
import time
import urllib.error
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from browser.servers import ADDRESS, fork_server
from hostile.kills import environment, told_counts, uploaders
from hostile.outcome import TAKEN, Outcome
from hostile.visitor import Visitor, addresses
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from visionlab.errors import ImageError
from visionlab.imaging.image import encode_png, load_image
from visionlab.ui.shared.visitor import COOKIE

Colour = tuple[int, int, int]
PAGES = ("", "Convolution", "Filters", "Feature_maps", "Predict", "Fine_tune")
STEP, NEAR = 85, 30  # of a channel: how far the colours of two visitors are apart, and what still is the same colour
LONGEST = 120.0  # seconds that any action may take
SLOWEST = 30.0  # seconds that 95 of 100 actions of a kind may take, on two processors that twenty share
ENDED = "a visit"  # what a failure is of that ends one
KEPT = 125.0  # seconds for which Streamlit keeps the session of one who has left (memory_session_storage.py)
BACK = 100  # MB beyond what was there before they came
FIRST = 0.1  # of the time, for which others are there before
ENDPOINTS = (
    *("metrics", "health", "host-config", "script-health-check", "sessions", "session", "stream", "debug", "status"),
    *(
        "message?hash=0",
        "upload_file",
        "upload_file/",
        "agent/openapi.json",
        "agent/interact",
        "agent/mcp",
        "forward_msg",
    ),
)


@dataclass
class Guest:
    """One of the visitors. secrets: texts that nobody else may be sent; colours: those of its picture's halves.

    Two, since a heat map that lies over one colour may make another one's of it.
    """

    number: int
    colours: tuple[Colour, Colour]
    chance: random.Random
    secrets: set[bytes] = field(default_factory=set)
    visitor: Visitor | None = None
    seen: set[str] = field(default_factory=set)  # pictures that were looked at
    own: int = 0  # of these, how many have the colours

    @property
    def name(self) -> str:
        return f"canary-{self.number:03}"

    def picture(self, number: int = 0) -> bytes:
        """Of the colours, with a corner of its own for each number, so that no two are copies of one another."""
        image = np.repeat(np.uint8([self.colours]), 32, 1).repeat(48, 0)
        corner = np.random.default_rng([self.number, number]).integers(0, 256, (3, 3, 3))
        image[:12, :12] = corner.astype(np.uint8).repeat(4, 0).repeat(4, 1)
        return encode_png(image)


@dataclass
class Party:
    """All of them, and what came of it."""

    outcome: Outcome
    guests: list[Guest]
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def acting(self, guest: Guest, kind: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.took[kind].append(time.monotonic() - began)
        self.outcome.note(kind, TAKEN, self.took[kind][-1], LONGEST)
        for told in guest.visitor.exceptions:
            self.outcome.fail(f"{kind}: the page shows {told}")
        self.look(guest)

    def hear(self, guest: Guest) -> Callable[[bytes], None]:
        """Looks into everything that this one is sent for what is another's."""

        def heard(message: bytes) -> None:
            for other in self.guests:
                if other is not guest and any(secret in message for secret in tuple(other.secrets)):
                    self.outcome.fail(f"cross-talk: {guest.name} was sent what is {other.name}'s")

        return heard

    def look(self, guest: Guest) -> None:
        """Fetches the pictures on the page: none has the colour of another's."""
        for address in addresses(guest.visitor) - guest.seen:
            guest.seen.add(address)
            with suppress(ImageError, urllib.error.HTTPError):  # no picture; or it has gone with an earlier run
                image = load_image(guest.visitor.get(address))
                middle = image.shape[1] // 2
                halves = [np.median(half.reshape(-1, 3), 0) for half in (image[:, :middle], image[:, middle:])]
                for other in self.guests:
                    if np.abs(np.subtract(halves, other.colours)).max() < NEAR:
                        guest.own += other is guest
                        if other is not guest:
                            self.outcome.fail(f"cross-talk: {guest.name} was sent the picture of {other.name}")


def run(count: int = 20, minutes: float = 10, seed: int = 0) -> Outcome:
    """So many visitors do whatever they like for so long. Others have been there before them, for a tenth of that time:
    what the server's caches hold at most, it holds by then."""
    outcome = Outcome("Sessions")
    party = Party(outcome, guests(count, seed))
    with tempfile.TemporaryDirectory() as base, environment(VISIONLAB_WORKSPACE=base, OMP_NUM_THREADS="1"):
        process = fork_server()
        try:
            before = 0
            if minutes >= 1:
                first = Party(Outcome("Those before"), guests(count, seed + count))
                held(first, minutes * FIRST)
                before = left(first, process.pid)
            held(party, minutes)
            during = resident(process.pid)
            unseen = [f"own picture: {guest.name} was never shown it" for guest in party.guests if not guest.own]
            for told in (*unseen, *strangers(party), *endpoints(party)):
                outcome.fail(told)
            if minutes >= 1:
                after = left(party, process.pid)
                outcome.notes.append(f"MB before, with all of them, and after: {before}, {during}, {after}")
                if after - before > BACK:
                    outcome.fail(f"memory: {after - before} MB were not given back, and {BACK} MB are allowed")
        finally:
            process.kill()
            process.join(20)
    for kind, seconds in party.took.items():
        high = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
        outcome.notes.append(f"{kind}: 95 of 100 within {high:.1f} s")
        if high > SLOWEST:
            outcome.fail(f"{kind}: 95 of 100 take {high:.1f} s, and at most {SLOWEST:g} s are allowed")
    return outcome


def guests(count: int, seed: int) -> list[Guest]:
    return [Guest(number, pair, random.Random(seed + number)) for number, pair in colours(count)]


def held(party: Party, minutes: float) -> None:
    """All of them do whatever they like, at once, for so long."""
    until = time.monotonic() + 60 * minutes
    threads = [threading.Thread(target=visit, args=(party, guest, until)) for guest in party.guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def left(party: Party, process: int) -> int:
    """MB that the server takes once all of them have left, for so long that their sessions are gone."""
    for guest in party.guests:
        guest.visitor.close()
    time.sleep(KEPT)
    Visitor(ADDRESS).open("").close()  # whoever leaves lets those go who left long before
    return settled(process)


def visit(party: Party, guest: Guest, until: float) -> None:
    """Come, bring pictures, name classes, and then do one thing after the other."""
    try:
        came(party, guest)
        while time.monotonic() < until:
            act = guest.chance.choice(ACTS)
            with party.acting(guest, act.__name__.replace("_", " ")):
                act(guest)
    except (OSError, LookupError, WebSocketException) as error:
        party.outcome.fail(f"{ENDED}: {guest.name}: {type(error).__name__}: {str(error)[:200]}")


def came(party: Party, guest: Guest) -> None:
    guest.visitor = Visitor(ADDRESS, hear=party.hear(guest))
    guest.secrets.add(guest.name.encode())
    with party.acting(guest, "open the app"):
        guest.visitor.open("Predict")
    guest.secrets |= {guest.visitor.cookie(COOKIE).encode(), guest.visitor.session.encode()}
    with party.acting(guest, "bring a picture"):
        guest.visitor.upload("upload", [(f"{guest.name}.png", guest.picture())])
    with party.acting(guest, "make a project"):
        guest.visitor.turn_to("Fine_tune")
        button = "FormSubmitter:add-class-Add the classes"
        guest.visitor.submit(button, new_class=f"{guest.name}-a, {guest.name}-b")
    guest.secrets.add(guest.visitor.link["project"].encode())


# What one may do ------------------------------------------------------------------------------------------------------


def turn_to_another_page(guest: Guest) -> None:
    guest.visitor.turn_to(guest.chance.choice(PAGES))


def predict(guest: Guest) -> None:
    guest.visitor.turn_to("Predict")
    guest.visitor.upload("upload", [(f"{guest.name}.png", guest.picture(guest.chance.randrange(1000)))])


def move_a_slider(guest: Guest) -> None:
    guest.visitor.turn_to("Predict")
    guest.visitor.slide("count", guest.chance.randrange(1, 10))


def look_into_a_layer(guest: Guest) -> None:
    guest.visitor.turn_to("Feature_maps")


def add_pictures_to_a_class(guest: Guest) -> None:
    guest.visitor.turn_to("Fine_tune")
    if "train-here" not in guest.visitor.keys:
        guest.visitor.choose("step", "Classes")
    place = uploaders(guest.visitor)[0]
    numbers = [guest.chance.randrange(10**6) for _ in range(3)]
    files = [(f"{guest.name}-{number}.png", guest.picture(number)) for number in numbers]
    before = sum(told_counts(guest.visitor))
    guest.visitor.upload(place, files)
    until = time.monotonic() + SLOWEST
    while sum(told_counts(guest.visitor)) == before and time.monotonic() < until:
        guest.visitor.run()
        time.sleep(0.1)


def take_back_and_do_again(guest: Guest) -> None:
    guest.visitor.turn_to("Fine_tune")
    guest.visitor.click("undo")
    guest.visitor.click("redo")


def see_ones_pictures(guest: Guest) -> None:
    guest.visitor.turn_to("Fine_tune")
    guest.visitor.choose("step", guest.chance.choice(["Pictures", "Classes"]))


ACTS = (
    turn_to_another_page,
    predict,
    move_a_slider,
    look_into_a_layer,
    add_pictures_to_a_class,
    take_back_and_do_again,
    see_ones_pictures,
)


# What strangers may not -----------------------------------------------------------------------------------------------


def strangers(party: Party) -> Iterator[str]:
    """What one visitor gets of another's project without its id, and by what the other has sent."""
    first, second = party.guests[0], party.guests[-1]
    theirs = first.visitor.open("Fine_tune")
    project = theirs.link["project"]
    sent: list[bytes] = []
    for act in (
        lambda: theirs.choose("step", "Pictures"),
        lambda: theirs.choose("step", "Train"),
        lambda: theirs.click("undo"),
    ):
        with suppress(LookupError):
            act()
            sent.append(theirs.last_sent)
    theirs.turn_to("Predict")
    theirs.upload("upload", [("mine.png", first.picture(5))])
    sent.append(theirs.last_sent)
    deferred = [each.deferred_file_id for each in theirs.shown() if getattr(each, "deferred_file_id", "")]
    mine = Visitor(ADDRESS, second.visitor.cookies, hear=party.hear(second))
    for wrong in (
        project[:-1],
        project[:-1] + ("A" if project[-1] != "A" else "B"),
        "..",
        f"../{project}",
        project.swapcase(),
        "owners",
    ):
        text = mine.open("Fine_tune", project=wrong).text
        party.outcome.note("another's project without its id", TAKEN, 0.0, LONGEST)
        if first.name in text or "There is no such project here" not in text:
            yield f"another's project without its id: “{wrong}” shows something"
    for message in sent:
        without = BackMsg.FromString(message)
        without.rerun_script.query_string = ""  # whoever has the link may open the project
        mine.replay(without.SerializeToString())
        party.outcome.note("a message of another session, sent again", TAKEN, 0.0, LONGEST)
        party.look(second)
    for told in mine.exceptions:
        yield f"a message of another session, sent again: the page shows {told}"
    for identity in deferred:
        if mine.address_of(identity[::-1]):
            yield "another's download without its id: it is there"
    mine.close()


def endpoints(party: Party) -> Iterator[str]:
    """What the server's own addresses tell of those who are there."""
    secrets = {secret for guest in party.guests for secret in guest.secrets}
    visitor = Visitor(ADDRESS)
    for name in ENDPOINTS:
        party.outcome.note("an address of the server that might list sessions", TAKEN, 0.0, LONGEST)
        try:
            told = visitor.get(f"/_stcore/{name}")
        except urllib.error.HTTPError as error:
            told = error.read()
        if any(secret in told for secret in secrets):
            yield f"an address of the server that might list sessions: /_stcore/{name} does"


# ----------------------------------------------------------------------------------------------------------------------


def colours(count: int) -> Iterator[tuple[int, tuple[Colour, Colour]]]:
    """Pairs far apart from one another, and from grey."""
    levels = range(0, 256, STEP)
    found = [(r, g, b) for r in levels for g in levels for b in levels if max(r, g, b) - min(r, g, b) >= 2 * STEP]
    random.Random(0).shuffle(found)
    yield from enumerate(zip(found[:count], found[-count:], strict=True))


def settled(process: int) -> int:
    """MB that the server takes after a collection, which each run of a page ends with."""
    visitor = Visitor(ADDRESS).open("")
    for _ in range(3):
        visitor.run()
    visitor.close()
    time.sleep(1)  # in which it is given back
    return resident(process)


def resident(process: int) -> int:
    """MB of memory that a process has, without the files that it has mapped."""
    [kilobytes] = re.findall(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(kilobytes) >> 10
