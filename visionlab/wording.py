"""How sizes, and values that others gave, are put into sentences; and what several places call alike."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

LONGEST_QUOTE = 60  # characters
NAMED = 3  # classes that a sentence names
STEERS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What is set by a share, in the shell and on the pages.
MISTAKES = "Good pictures, those of its classes, that a head may call “none of these” by mistake"


def sized(size: float) -> str:
    """So many bytes, in three digits: 1,000 of them are 1 kB. Limits are told in the whole MB that they hold."""
    for unit in ("bytes", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB" if size < 999.5 else f"{size:,.0f} GB"


def percent(share: float) -> str:
    """“92%”, of 0..1; none or all is said only where it is: else “0.3%” and “99.8%”, within 0.1% and 99.9%."""
    if f"{share:.0%}" in ("0%", "100%") and share not in (0, 1):
        return f"{min(max(share, 0.001), 0.999):.1%}"
    return f"{share:.0%}"


def sized_apart(size: float, limit: float) -> tuple[str, str]:
    """Bytes that are over a limit, and the limit: in one unit, and in as many digits as it takes to see that."""
    unit, of = next(((unit, of) for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if limit >= of), ("bytes", 1))
    texts = ("", "")
    for digits in range(10):
        texts = tuple(f"{round(each / of, digits):,.{digits}f}" for each in (size, limit))
        if texts[0] != texts[1] and limit / of * 10**digits >= 99.5:  # three digits of the limit, or more
            break
    return tuple(f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}" for text in texts)


def not_read(count: int, of: int | None = None) -> str:
    """“2 of 63 files could not be read”, wherever such files are listed; of: how many were asked for, where that is
    told, too."""
    files = count if of is None else of
    return f"{count:,}{'' if of is None else f' of {of:,}'} file{'' if files == 1 else 's'} could not be read"


def as_name(text: str) -> str:
    """A name by others as it can stand in a sentence: stripped and in one Unicode form (a Mac's zip spells “é” as two
    characters), each control character a space, and without those that steer in which direction the text around it
    runs (Unicode Standard Annex 9)."""
    without = "".join(" " if unicodedata.category(each) == "Cc" else each for each in STEERS.sub("", text))
    return unicodedata.normalize("NFC", without).strip()


def all_quoted(names: Sequence[str]) -> str:
    """“cats”, “dogs” and “birds”; of many, the first ones."""
    shown = [f"“{name}”" for name in names[:NAMED]]
    more = [f"{len(names) - NAMED:,} more"] if len(names) > NAMED else []
    *first, last = [*shown, *more]
    return f"{', '.join(first)} and {last}" if first else last


def shortened(text: object) -> str:
    """The text, cut where it is long: whoever reads a message wants to know which value, not all of it."""
    text = str(text)
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def quoted(value: object) -> str:
    """A bad value, for a message: as files have it (JSON), where it can stand in one; else as Python does."""
    try:
        text = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return shortened(text)
