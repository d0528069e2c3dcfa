"""What networks take a picture for: one network in full, or several beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import VisionlabError
from visionlab.network.running.certainty import entropy, in_words, margin, rank, tempered
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Prediction, ranked
from visionlab.network.zoo.models import TO_NAME
from visionlab.ui.predict import caches
from visionlab.ui.predict import state as own
from visionlab.ui.shared import cached, links, menus, state
from visionlab.ui.shared.components.bars import bars
from visionlab.ui.shared.networks import Network, model_picker, network, title_of
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import facts, folded, sliding, verdict
from visionlab.wording import sized

MOST = 20  # classes that can be listed
COLDEST, HOTTEST = 0.25, 4.0  # temperatures
CLASS = "class"  # in the link: the class that is explained, where it is not the most probable one
SEVERAL = 5  # classes of each network where several are compared


@dataclass(frozen=True)
class Shown:
    """How the answers are shown: how many of them, and what the logits are divided by."""

    count: int
    temperature: float


def settings() -> tuple[Network, Shown]:
    """Which network answers, and how that is shown: folded away, with the network's name to unfold it by."""
    unknown = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        place = st.container(width="content")
        with st.popover("Network, classes, temperature", icon=":material/tune:"):
            chosen = model_picker(TO_NAME)
            count = most = min(MOST, len(chosen.net.labels))
            if most > 1:  # else there is nothing to choose
                own.restore_count(most)
                count = st.slider("Classes shown", 1, most, key=own.COUNT)
                with unknown:
                    links.number(own.COUNT, "A number of classes of", 1, MOST, count)
                own.remember_count(count)
            temperature = st.slider(
                "Temperature",
                COLDEST,
                HOTTEST,
                own.wanted_temperature(COLDEST, HOTTEST),
                step=0.05,
                key=menus.key_of(own.TEMPERATURE),
                help=f"{term('temperature')} At 1 the percentages are the network’s own, for which its logits are "
                f"divided by {chosen.net.temperature:.3g}.",
            )
            with unknown:
                links.number(own.TEMPERATURE, "A temperature of", COLDEST, HOTTEST, temperature)
            own.remember_temperature(temperature)
        place.caption(f"Asked: {chosen.title}", help=chosen.about or None)
    return chosen, Shown(count, temperature)


def show(network: Network, picture: Picture, shown: Shown) -> NDArray[np.float32]:
    """The most probable classes, and how sure the network is; gives the probabilities.

    A click on a class makes it the explained_class().
    """
    net = network.net
    said = cached.answer(network.key, picture.key, net, picture.image)
    if shown.temperature != 1:
        said = replace(said, probabilities=tempered(said.probabilities, shown.temperature))
    probabilities = said.probabilities
    answers = ranked(net, probabilities, shown.count)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = f"**Top {len(answers)} of {len(net.labels):,} classes**"
        st.markdown(title, help=term("top-5"), width="content")
        if shown.temperature != 1:
            st.markdown(f":orange[at temperature {shown.temperature:g}]", width="content")
            st.button("Back to 1", key="back-to-temperature-1", type="tertiary", on_click=own.reset_temperature)
    if shown.temperature != 1:
        st.caption("This list and how sure the network is are at that temperature; all else, on all pages, is at 1.")
    target = target_key(network, picture)
    linked, told = state.linked_once(CLASS), None
    if linked and target not in st.session_state and not state.asked_of_another():
        if linked in net.labels:
            st.session_state[target] = net.labels.index(linked)
        else:
            told = links.unknown("class", linked, net.labels, answers[0].label)
    chosen = st.session_state.get(target, answers[0].index)
    links.tell(CLASS, told, (target, chosen))
    if said.refused:
        verdict(said)
    bars(
        answers,
        chosen=chosen,
        key=f"bars-{target}",
        on_choose=lambda index: st.session_state.update({target: index}),
        refused=said.refused,
    )
    if said.limit is None:
        _certainty(probabilities)
    elif not said.refused:  # by a head that would tell what is none of its classes
        verdict(said)
    return probabilities


def tell_at_one() -> None:
    """Beside figures that are always at temperature 1: that they are, while another is chosen for the list."""
    chosen = own.wanted_temperature(COLDEST, HOTTEST)
    if chosen != 1:
        st.caption(
            f"At temperature 1, as the network answers by itself: the {chosen:g} is for the list of “A picture”."
        )


def details(net: Classifier, probabilities: NDArray[np.float32]) -> None:
    """How sure the network is in numbers, and where any class stands; folded away."""
    with folded("How sure in numbers, and any other class", ":material/search:", "in-numbers") as asked:
        if asked:
            _in_numbers(net, probabilities)
            _search(net, probabilities)


def explained_class(network: Network, picture: Picture, probabilities: NDArray[np.float32]) -> int:
    """The index of the class whose reasons are looked for: any one, the most probable unless another is chosen."""
    labels = network.net.labels
    everything = [answer.index for answer in ranked(network.net, probabilities, len(labels))]
    target = st.selectbox(
        "Why this class?",
        everything,
        format_func=lambda index: labels[index],
        key=target_key(network, picture),
        persist_state="session",  # one comes back to the page as one left it
    )
    state.keep_in_link(CLASS, labels[target] if target != everything[0] else None)
    return target


def target_key(network: Network, picture: Picture) -> str:
    """The widget that says which class is explained."""
    return f"target-{network.key}-{picture.key}"


def _certainty(probabilities: NDArray[np.float32]) -> None:
    words = in_words(probabilities)
    if words == "unsure":
        st.info(
            "The network is unsure. It always names one of its classes, also where none of them fits.",
            icon=":material/help:",
        )
    else:
        st.caption(f"The network is **{words}**. It always names one of its classes, whatever it is shown.")


def _in_numbers(net: Classifier, probabilities: NDArray[np.float32]) -> None:
    most = np.log2(len(net.labels))
    lead, decimals = 100 * margin(probabilities), 0 if margin(probabilities) >= 0.1 else 1
    facts(
        {"Entropy": f"{entropy(probabilities):.1f} of {most:.1f} bits", "Lead": f"{lead:.{decimals}f} points"},
        {"Entropy": term("entropy"), "Lead": term("lead")},
    )


def _search(net: Classifier, probabilities: NDArray[np.float32]) -> None:
    wanted = st.selectbox(
        "Where is …",
        ["", *sorted(range(len(net.labels)), key=lambda index: net.labels[index].casefold())],
        format_func=lambda index: "another class" if index == "" else net.labels[index],
        key=f"search-{net.name}",
    )
    if wanted != "":
        place, total = rank(probabilities, wanted), len(net.labels)
        st.text(f"{net.labels[wanted]}: place {place} of {total}, {probabilities[wanted]:.2%}")


# --- several networks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answered:
    """A row of the table: what a network says to the picture, or the sentence that says why it cannot."""

    title: str
    answers: Sequence[Prediction] = ()
    refused: bool = False
    seconds: float = 0.0
    size: int = 0  # bytes
    problem: str = ""


def compare(names: Sequence[str], picture: Picture) -> None:
    """A row a network: its best classes, how long it took, how large it is; what two or more say is marked.

    The table fills while the networks answer, one after the other. One that cannot be used says why in its row.
    """
    table, rows = st.empty(), []
    for number, name in enumerate(names):
        waiting = [_Answered(title_of(each), problem="…") for each in names[number:]]
        table.html(_table([*rows, *waiting]))
        rows.append(_answered(name, picture))
    table.html(_table(rows))
    st.caption(
        "✓: another network’s first answer, too. The time is that of one picture, prepared and classified; the "
        "size is that of the weights in float32."
    )


def _answered(name: str, picture: Picture) -> _Answered:
    try:
        chosen = network(name)
        probabilities, seconds = caches.timed_probabilities(chosen.key, picture.key, chosen.net, picture.image)
    except VisionlabError as error:
        return _Answered(title_of(name), problem=str(error))
    size = sum(parameter.nbytes for parameter in chosen.net.module.parameters())
    refused = cached.answer(chosen.key, picture.key, chosen.net, picture.image).refused
    return _Answered(chosen.title, ranked(chosen.net, probabilities, SEVERAL), refused, seconds, size)


def _table(rows: Sequence[_Answered]) -> str:
    said = Counter(_folded(row.answers[0].label) for row in rows if row.answers)
    body = ""
    for row in rows:
        cells = ""
        for place, answer in enumerate(row.answers):
            agreed = said[_folded(answer.label)] > (place == 0)  # somebody else’s first answer
            mark = ' class="agreed"' if agreed else ""
            sign = " ✓" if agreed else ""
            cells += f"<td{mark}>{escape(answer.label)}{sign}<br><small>{answer.probability:.1%}</small></td>"
        cells += "<td></td>" * (SEVERAL - len(row.answers))
        cells += f"<td>{1000 * row.seconds:.0f} ms</td><td>{sized(row.size)}</td>"
        title = f"{escape(row.title)}{'<br><small>None of these</small>' if row.refused else ''}"
        if row.problem:
            cells = f'<td colspan="{SEVERAL + 2}">{escape(row.problem)}</td>'
        body += f'<tr><th scope="row">{title}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Network", *range(1, SEVERAL + 1), "Time", "Size"))
    whole = f'<table class="networks"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    return sliding(whole, "What each network says")


def _folded(label: str) -> str:
    return label.casefold().replace("_", " ").strip()
