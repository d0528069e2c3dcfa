"""The exception tree: everything that a person can mend is a VisionlabError, and its text is meant for that person.

    Exception
    └── VisionlabError         one clear sentence: the bad value, and what would be good
        ├── ImageError         a file that is no usable picture
        ├── ParameterError     a value outside what a function accepts (also a ValueError)
        ├── ModelError         a network, layer or method that is not there
        │   └── WeightsError   a weight file that is missing, damaged, or does not fit its network
        ├── DatasetError       labelled pictures that cannot be learned from
        │   ├── UnclearSetError  folders that may be classes, or parts such as train and val
        │   ├── TooFewError      classes of too few pictures to hold some out
        │   └── NoZipError       a file that is no zip, or not all of one
        ├── HeadError          a trained head that cannot be read or does not fit its network
        ├── BusyError          too much is being asked at this moment
        └── ClusterError       other machines that were to compute: not reached, lost, or not alike

Everything else that is raised is a bug and surfaces as such.
"""

from __future__ import annotations

import logging

_LOG = logging.getLogger("visionlab")
LONGEST = 1_000  # characters of a sentence
LINE = 250  # characters of what a log says, and of the cause of it


class VisionlabError(Exception):
    """Something that a person can mend; the text says how."""

    def __str__(self) -> str:
        """The sentence, as it can be shown and logged: it may quote a name by strangers, however long or broken."""
        text = super().__str__().encode("utf-8", "backslashreplace").decode()  # half a character has no bytes
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 101]} … {text[-98:]}"  # what would be good is last


class ImageError(VisionlabError):
    """The file is no usable picture."""


class ParameterError(VisionlabError, ValueError):
    """A value lies outside what the function accepts."""


class ModelError(VisionlabError):
    """There is no such network, layer or method."""


class WeightsError(ModelError):
    """A weight file is missing, damaged, or does not fit its network."""


class DatasetError(VisionlabError):
    """The labelled pictures cannot be learned from."""


class UnclearSetError(DatasetError):
    """The folders may be classes, or parts of the set such as train and val; a person has to say which.

    unclear: the sentence on them; answer: how to say it there where it was asked.
    """

    def __init__(self, unclear: str, answer: str = "") -> None:
        super().__init__(f"{unclear} {answer}".strip())
        self.unclear = unclear


class TooFewError(DatasetError):
    """Classes have too few pictures to be on both sides of a split.

    too_few: the sentence on them; answer: what else can be done there where it was asked.
    """

    def __init__(self, too_few: str, answer: str = "") -> None:
        super().__init__(f"{too_few} {answer}".strip())
        self.too_few = too_few


class NoZipError(DatasetError):
    """The file is no zip that can be read. why: what is said behind its name."""

    def __init__(self, why: str, name: str = "The file") -> None:
        super().__init__(f"{name} {why}")
        self.why = why


class NoHeadError(DatasetError):
    """A zip is no package: it holds no head. pictures: whether it holds any, so that another door takes it."""

    def __init__(self, text: str, pictures: bool) -> None:
        super().__init__(text)
        self.pictures = pictures


class HeadAloneError(DatasetError):
    """A zip that is to bring pictures is a package without any."""


class HeadError(VisionlabError):
    """The trained head cannot be read, or does not fit its network."""


class BusyError(VisionlabError):
    """Too much is being asked at this moment; a little later it may be answered."""


class ClusterError(VisionlabError):
    """The machines that were to compute cannot be reached, were lost, or do not fit together."""


def log_cause(error: VisionlabError) -> None:
    """For who shows the sentence to a person, each time that a page is drawn, too: where the error came of another one
    (a full disk, a decoder's refusal), a line for the operator says of which."""
    if error.__cause__ is not None:
        log_line(str(error), error.__cause__)


def log_line(text: str, cause: BaseException | None = None) -> None:
    """A short line for the operator: what somebody asked for in vain, say, and the error of which that came."""
    # Its text, since the repr of a UnicodeDecodeError, for one, holds all that was read, four bytes for each.
    of = f" ({_short(f'{type(cause).__name__}: {cause}')})" if cause is not None else ""
    _LOG.warning("%s%s", _short(text), of)


def _short(text: str) -> str:
    """At most LINE characters, none of which ends a line or steers a terminal: a name by strangers may be in it."""
    text = text if len(text) <= LINE else f"{text[: LINE - 63]} … {text[-60:]}"
    return "".join(each if each.isprintable() else " " for each in text)
