"""What the operator set wrongly is told when the server starts, in the log, and not to whoever meets it first."""

from __future__ import annotations

from visionlab.errors import VisionlabError, log_line
from visionlab.learning.projects import place
from visionlab.limits import settle
from visionlab.ui.shared.server.pages import PAGES


def tell_settings() -> None:
    """A line of the log for each setting that is not what it has to be, and what counts instead from now on."""
    for told in settle(PAGES):
        log_line(told)
    try:
        place.check(place.folder())
    except VisionlabError as error:
        log_line(str(error), error.__cause__)
