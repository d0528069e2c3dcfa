"""The pieces that pages share: how pictures, names, facts and answers are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from itertools import chain, count
from math import isfinite
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.imaging.image import Image, middle
from visionlab.learning.sets.names import Guess
from visionlab.network.running.prediction import Answer, Prediction
from visionlab.ui.shared import cached, state
from visionlab.ui.shared.jobs import Job, Jobs
from visionlab.ui.shared.undisturbed import attempt
from visionlab.wording import STEERS

SLIMMEST = 2.5  # times as long as wide: of what is slimmer, the middle is shown, and no strip

LONGEST_STEM = 80  # characters of a picture's name in that of a file

_Key = TypeVar("_Key")

# --- pictures -------------------------------------------------------------------------------------------------------


def show(
    picture: state.Picture, longest: int, alt: str, width: int | str = "stretch", slimmest: float = SLIMMEST
) -> None:
    """A photograph for looking at: JPEG bytes, never an array; of what is slimmer, the middle."""
    encoded = cached.picture_bytes(f"{picture.key}, {slimmest:g}", longest, middle(picture.image, slimmest))
    st.image(encoded, width=width, alt=alt)


def show_exact(png: bytes, alt: str, width: int | str = "stretch") -> None:
    """A PNG whose every pixel counts: left to itself, Streamlit would make a JPEG of it."""
    st.image(png, width=width, alt=alt, output_format="PNG")


def shown_width(image: Image, tallest: int = 560) -> int:
    """How many pixels wide to show a picture, so that it is no taller; it will not be wider than its column."""
    height, width = image.shape[:2]
    return max(1, tallest * width // height)


def size_of(image: Image, whole: Image | None = None) -> str:
    """How large a picture is, and what it was shrunk from, where it was."""
    height, width = image.shape[:2]
    told = f"{width:,} × {height:,} px"
    if whole is None or whole.shape == image.shape:
        return told
    return f"{told}, shrunk from {whole.shape[1]:,} × {whole.shape[0]:,}"


@contextmanager
def folded(title: str, icon: str, key: str) -> Iterator[bool]:
    """An expander; whether it is open. What is in it is to be drawn only then: the code, charts and tables that nobody
    has asked for cost the server their numbers, and a browser half a second.
    """
    inside = st.expander(title, icon=icon, key=key, on_change="rerun")
    with inside:
        yield bool(inside.open)


# --- buttons ---------------------------------------------------------------------------------------------------------


def icon_only(key: str) -> DeltaGenerator:
    """A place for one button or popover that shows its icon alone: its label is for screen readers.

    Without a label they would read out the icon's name.
    """
    return st.container(key=f"icon-only-{key}", width="content")


def icon_button(
    key: str,
    icon: str,
    label: str,
    on_click: Callable[..., Any],
    *args: Any,
    of: str = "",
    help: str | None = None,
    disabled: bool = False,
) -> None:
    """A button that shows its icon alone, and at the pointer `help` or else its label; `of` says to screen readers what
    it is about."""
    icon_only(key).button(
        f"{label}: {of}" if of else label,
        key=key,
        icon=f":material/{icon}:",
        type="tertiary",
        help=help or label,
        on_click=on_click,
        args=args,
        disabled=disabled,
    )


# --- numbers that are typed ------------------------------------------------------------------------------------------


def number_field(
    label: str, low: float, high: float, value: float, key: str, what: str | None = None, **options: Any
) -> tuple[Any, str | None]:
    """A field for a number, an int or a float as value is one: what was typed, and a sentence where it is not from low
    to high; what: how that calls it, where not by its label.

    Behind limits that Streamlit knows of, the browser would show the number that was typed, and the page would work
    with the one before.
    """
    found = st.number_input(label, value=value, key=key, **options)
    return found, beyond(what or label, found, low, high)


def beyond(what: str, value: float, low: float, high: float) -> str | None:
    """A sentence where the value is not from low to high."""
    if low <= value <= high:
        return None
    shown, least, most = (
        f"{each:,}".replace("-", "−") if isinstance(each, int) else number(each) for each in (value, low, high)
    )
    return f"{what}: {shown} is not possible. Use {least} {f'to {most}' if isfinite(high) else 'or more'}."


def hindrance(problem: str) -> None:
    """A sentence on what is to be changed before it goes on."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":orange[:material/info:]", width="content")
        st.text(problem, width="stretch")


# --- texts and facts -------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text from people, such as a class's name, so that Markdown shows it as it is: in a label, a tooltip, a caption.

    Left as it is, it could have the browser load a picture from elsewhere.
    """
    line = " ".join(STEERS.sub("", text).split())
    whole = re.sub(r"(?<=:)(?=//)|(?<=@)|(?<=www)(?=\.)", "\u2060", line, flags=re.IGNORECASE)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", whole)  # the word joiners keep addresses from becoming links


def verdict(answer: Answer) -> None:
    """Whether a head refuses the picture, in a sentence, and what it would call it."""
    [best] = answer.top(1)
    named = f"“{plain(best.label)}” ({best.probability:.0%})"
    if answer.limit is None:
        st.markdown(f"It says {named}. It refuses nothing, and names one of its classes whatever it is shown.")
    elif answer.refused:
        st.markdown(
            ":orange[:material/block:] **None of these.** Its distance from the training pictures is "
            f"{answer.distance:.1f}, beyond the limit of {answer.limit:.1f}. Without that limit it would say {named}. "
            f"{answer.mistakes}"
        )
    else:
        st.markdown(
            f":material/check_circle: **It says {named}.** The distance from the training pictures is "
            f"{answer.distance:.1f}, within the limit of {answer.limit:.1f}."
        )


def distinct(titles: Mapping[_Key, str]) -> dict[_Key, str]:
    """The titles, no two the same, for widgets: by its title the browser says which option was picked."""
    found, used = {}, set()
    for key, title in titles.items():
        numbered = chain([title], (f"{title} ({number})" for number in count(2)))
        found[key] = next(each for each in numbered if each not in used)
        used.add(found[key])
    return found


def number(value: float, digits: int = 4) -> str:
    """So many digits of a number, for people: with a minus sign that is one, and without one before 0."""
    text = f"{value:.{digits}g}"
    return text.replace("-", "−") if float(text) else "0"


def fixed(value: float, decimals: int, sign: str = "") -> str:
    """The number with so many decimals, for people, as number() writes it; sign="+": with a plus sign."""
    text = f"{value:{sign}.{decimals}f}"
    return text.replace("-", "−") if float(text) else f"{0:{sign}.{decimals}f}"


def written(columns: Mapping[str, Sequence], write: Mapping[str, Callable[[Any], str]]) -> Any:
    """A table for st.dataframe, {heading: a value a row}, in which the numbers of some columns are written as people
    read them, {heading: how}, and are still sorted as numbers; where there is none, nothing is written."""
    import pandas as pd  # which Streamlit imports as late

    return pd.DataFrame(columns).style.format(dict(write), na_rep="")


def facts(values: Mapping[str, str], terms: Mapping[str, str] = {}) -> None:
    """A row of short facts, {what: how much}, that goes on to a second line where a window is narrow.

    terms: {what: the sentence that explains it}.
    """
    with st.container(horizontal=True, gap="large"):
        for label, value in values.items():
            st.metric(label, value, help=terms.get(label), width="content")


# --- files ---------------------------------------------------------------------------------------------------------


def file_name(picture: str, what: str, ending: str) -> str:
    """What a file that was made of a picture is called: “koala, filtered.png” of “koala.jpg”."""
    stem = re.sub(r"\.[A-Za-z]{2,5}$", "", picture.strip())
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", stem)[:LONGEST_STEM].strip(" .")  # which no system takes in a name
    return f"{stem or 'picture'}, {what}{ending}"


def upload_limit(most: int | None = None) -> int:
    """What an uploader takes of a file, in MB (2^20 bytes): so many, or what the server does, where that is less."""
    server = st.get_option("server.maxUploadSize")
    return min(most or server, server)


def file_uploader(
    label: str, *, type: Sequence[str] | None, key: str, max_upload_size: int | None = None, **options: Any
) -> UploadedFile | list[UploadedFile] | None:
    """st.file_uploader; under it, once the browser has refused a file, what is taken. The style sheet shows it then.

    max_upload_size: as of upload_limit.
    """
    kinds = " and ".join(suffix.upper() for suffix in type or ())
    most = upload_limit(max_upload_size)
    with st.container(key=f"uploader-{key}", gap="xsmall"):
        taken = st.file_uploader(label, type=type, key=key, max_upload_size=most, **options)
        st.caption(f"What is red was not taken: {f'{kinds} files' if kinds else 'files'} of at most {most:,} MB are.")
    return taken


# --- work that goes on ------------------------------------------------------------------------------------------------


def how_far(job: Job | Jobs, what: str) -> None:
    """A bar, under what is being done; or that it waits, where nothing is, since others have all turns."""
    left = [each for each in (job.jobs if isinstance(job, Jobs) else [job]) if not each.ended]
    waits = bool(left) and all(each.state == "waiting" for each in left)
    st.progress(min(job.share, 1.0), "Waiting for its turn …" if waits else what)


# --- answers --------------------------------------------------------------------------------------------------------


def names_read(guess: Guess, encoding: str, key: str, act: Callable[[str], object]) -> None:
    """In which encoding the names in a zip that do not state theirs were read, for who sees that it is wrong:
    act(encoding) reads them in another one."""
    possible = guess.possible()

    def told(each: str) -> str:
        names = ", ".join("".join(c if c.isprintable() else "�" for c in name) for name in guess.sample(each))
        return f"{possible[each]}: {names}"

    st.session_state[key] = encoding
    st.selectbox(
        "The names in the zip are not marked; they were read as",
        possible,
        format_func=told,
        key=key,
        on_change=attempt,
        args=(lambda: act(st.session_state[key]),),
        help="Where they make no sense, choose another way to read them.",
    )


def probability_bars(answers: Sequence[Prediction], strange: float | None = None) -> None:
    """Classes with bars and percentages, in their order, and one for none of them: the last or, where a picture is
    refused, the first, over what it would be called else; `strange` is Answer's. Names are escaped: they may be the
    user's own."""
    refused = strange is not None and strange > 1
    best = max(range(len(answers)), key=lambda i: answers[i].probability, default=0)
    blue, grey, orange = "#3B8FD6", "rgb(128,146,166)", "#C4761B"
    bars = [(each.label, f"{each.probability:.1%}", each.probability, grey if refused else blue) for each in answers]
    if refused:
        bars.insert(0, ("None of these", "yes", 1.0, orange))
        best = 0
    elif strange is not None:
        bars.append(("None of these", "no", 0.0, orange))  # how strange is no share of what adds up to one
    rows = "".join(
        f'<div role="listitem" style="margin:0 0 .6rem;opacity:{0.7 if refused and i else 1}">'
        f'<div style="display:flex;justify-content:space-between;gap:1rem;margin-bottom:.2rem">'
        f'<span style="font-weight:{600 if i == best else 400}">{escape(label)}</span>'
        f'<span style="font-variant-numeric:tabular-nums">{said}</span></div>'
        f'<div style="height:.5rem;border-radius:.25rem;background:rgba(128,146,166,.22)">'
        f'<div style="height:100%;border-radius:.25rem;width:{share:.2%};min-width:2px;'
        f'background:{colour};opacity:{1 if i == best else 0.6}"></div></div></div>'
        for i, (label, said, share, colour) in enumerate(bars)
    )
    st.html(f'<div role="list" aria-label="Predictions">{rows}</div>')


def sliding(table: str, about: str) -> str:
    """HTML of a table that scrolls by itself where it is wider than the page, also by keys; about: what it tells."""
    return f'<div class="sliding" tabindex="0" role="region" aria-label="{escape(about)}">{table}</div>'


def ink_on(colour: tuple[int, int, int]) -> str:
    """The ink, black or white, that is read on a colour: see components/looks/ink.js."""
    shares = (level / 255 for level in colour)
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def duration(seconds: float) -> str:
    """“2.4 s”, “48 s”, “3 min” or “1 h 20 min”."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
