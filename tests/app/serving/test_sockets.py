"""What a browser sent in vain is one line of the log, and what is no news is none."""

import logging

import pytest

from visionlab.ui.serving.sockets import LOGGERS, log_in_lines


@pytest.fixture
def loggers(caplog, monkeypatch):
    """Those of others, as a server has them."""
    found = [logging.getLogger(name) for name in LOGGERS]
    for logger in found:
        monkeypatch.setattr(logger, "propagate", True)
        caplog.set_level("INFO", logger.name)
    log_in_lines()
    return found


def test_garbage_is_a_line_with_its_cause(loggers, caplog):
    socket, *_ = loggers
    socket.warning("Error deserializing back message", exc_info=ValueError("Wire format\nwas corrupt"))
    [record] = caplog.records
    assert record.getMessage() == "Error deserializing back message (ValueError: Wire format was corrupt)"
    assert not record.exc_info


def test_a_part_of_a_page_that_went_is_no_news_and_all_else_stays(loggers, caplog):
    _, session, _ = loggers
    session.info("The fragment with id %s does not exist anymore - it might have been removed.", "abc")
    assert not caplog.messages
    try:
        raise KeyError("a bug")
    except KeyError:
        session.exception("Error processing back message")
    assert caplog.records[0].exc_info, "bugs surface"
