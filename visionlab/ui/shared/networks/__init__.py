"""Which network a page works with: the one that was picked, else the best that is here for what the page does.

downloads.py offers those that are not here, and brings them; own_head.py is the head that the user trained or opened.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from visionlab import limits
from visionlab.errors import WeightsError
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import MODELS, Model, available, first_here
from visionlab.ui.shared import cached, state
from visionlab.ui.shared.networks import downloads, own_head
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.server.pages import is_off

YOUR_HEAD = "your-head"


@dataclass(frozen=True, eq=False)
class Network:
    """A network at work; key tells it apart in caches, name is one of networks_here(). instead_of is a sentence on one
    that is damaged, where this one stands in for it. base is the name of the network whose layers a head has, some of
    them fine-tuned perhaps; None of one that is no head."""

    key: str
    title: str
    net: Classifier
    name: str
    instead_of: str | None = None
    base: str | None = None

    @property
    def about(self) -> str:
        """Whose it is, and how it may be used; nothing of the user's own head."""
        return MODELS[self.name].about if self.name in MODELS else ""


def model_picker(first: Sequence[str]) -> Network:
    """The networks whose weights are here, and the head that the user trained; says whose the chosen one is, and how to
    get the others.

    What a person picks counts on every page; until then a page begins with the first of its own that is here and whole.
    """
    usual = _first_whole(first)
    titles = {name: title_of(name) for name in dict.fromkeys([usual.name, *networks_here()])}
    state.pick_asked_network(titles)
    state.restore_network(titles)
    picked = st.selectbox(
        "Network",
        titles,
        format_func=shown_as,
        key=state.NETWORK,
        help=None
        if is_off("Predict")
        else "More networks can be downloaded on the Predict page, under “Several networks”.",
    )
    state.remember_network(picked, titles[picked])
    own_head.remember(picked == YOUR_HEAD)
    found = usual if picked == usual.name else _first_whole([picked, *first])
    if found.about:
        st.caption(found.about)
    return found


def without_picker(first: Sequence[str], among: Collection[str] | None = None) -> Network:
    """What a person picked on another page, or the link names, if it is one of `among` (None: any); else the first of
    a page's own that is here and whole."""
    wanted = state.wanted_network({name: title_of(name) for name in networks_here()})
    return _first_whole([wanted, *first] if wanted and (among is None or wanted in among) else first)


def _first_whole(names: Sequence[str]) -> Network:
    """The first of these that is here and not damaged."""
    here, damaged = networks_here(), None
    *firsts, last = [name for name in names if name in here] or [first_here(names)]
    for name in firsts:
        try:
            return _after(damaged, network(name))
        except WeightsError as error:
            damaged = damaged or str(error)
    return _after(damaged, network(last))


def _after(damaged: str | None, found: Network) -> Network:
    return replace(found, instead_of=damaged and f"{damaged} Meanwhile, {found.title} does the work.")


def not_here() -> str | None:
    """A sentence where a link names a network that is not here, until one is picked."""
    name = state.unknown_network()
    if name in (YOUR_HEAD, title_of(YOUR_HEAD)):
        return (
            "The link names a head that this browser does not have, so another network is shown. A head stays with the "
            "browser that made it, until the server starts anew. Take it along as a file, and open that on Fine-tune."
        )
    return name and f"{told_missing(name)}, so another one is shown. {_how_to_get(name)}"


def tell_not_here(*used: Network | None) -> None:
    """Over what these networks show: a sentence where they stand in for one that a link names, or that is damaged."""
    told = dict.fromkeys([not_here(), *(each.instead_of for each in used if each)])
    for text in filter(None, told):
        sentence(text)


def told_missing(name: str) -> str:
    """That a network which a link names, by its name or its title, is not here: a sentence that can go on."""
    model = _called(name)
    return f"{model.title} is not here yet" if model else f"There is no network “{name}” here"


def _how_to_get(name: str) -> str:
    model = _called(name)
    if model is None or not limits.DOWNLOADS.is_on():
        return f"Those that are here: {', '.join(map(title_of, networks_here()))}."
    page = "" if is_off("Predict") else "on the Predict page, under “Several networks”, or "
    return f"Bring it {page}from a shell: python -m visionlab models --get {model.name}"


def _called(name: str) -> Model | None:
    return next((model for model in MODELS.values() if name in (model.name, model.title)), None)


def suggest(first: Sequence[str], used: Network) -> None:
    """Where a page works with another network only because its first is not here: what brings it."""
    missing = MODELS[first[0]]
    if used.net.name == first_here(first) != missing.name:
        downloads.suggest(missing, f"This is {MODELS[used.net.name].title}.")


def networks_here() -> list[str]:
    """The names of the networks whose weights are here, and of the user's own head."""
    own_head.restore()
    return [*available(), *([YOUR_HEAD] if own_head.current() else [])]


def title_of(name: str) -> str:
    return "Your own head" if name == YOUR_HEAD else MODELS[name].title


def shown_as(name: str) -> str:
    """Its title; of the user's own head, of which there may be several, also whose it is. A link names the title."""
    mine = own_head.current()
    return f"{title_of(name)} · {mine.of}" if name == YOUR_HEAD and mine and mine.of else title_of(name)


def network(name: str) -> Network:
    """One of networks_here()."""
    mine = own_head.current()
    own = mine if name == YOUR_HEAD else None
    net = cached.head_classifier(own.key, own.head) if own else cached.classifier(name)
    return Network(cached.key_of(net), title_of(name), net, name, base=own and own.head.network)
