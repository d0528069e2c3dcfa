"""What the operator set wrongly is told when the server starts, in the log, and not to whoever meets it first."""

from __future__ import annotations

from streamlit import config

from visionlab.errors import VisionlabError, log_line
from visionlab.learning.projects import place
from visionlab.limits import settle
from visionlab.ui.shared.server.pages import PAGES

UPLOAD, UPLOAD_VARIABLE = "server.maxUploadSize", "STREAMLIT_SERVER_MAX_UPLOAD_SIZE"  # Streamlit's own
USUAL_UPLOAD = 1_000  # MB, as .streamlit/config.toml has it


def tell_settings() -> None:
    """A line of the log for each setting that is not what it has to be, and what counts instead from now on."""
    for told in filter(None, (*settle(PAGES), _settle_uploads())):
        log_line(told)
    try:
        place.check(place.folder())
    except VisionlabError as error:
        log_line(str(error), error.__cause__)


def _settle_uploads() -> str | None:
    """As limits.Limit.settle, of the limit that Streamlit reads itself: by 0 it takes no file, and says nothing."""
    if (told := config.get_option(UPLOAD)) >= 1:
        return None
    config.set_option(UPLOAD, USUAL_UPLOAD, UPLOAD_VARIABLE)
    good = f"it must be a whole number of MB from 1 on, such as {USUAL_UPLOAD}; with less no file could be uploaded"
    return f"{UPLOAD_VARIABLE} is {told}; {good}. As long as it is not, this counts: {USUAL_UPLOAD:,} MB."
