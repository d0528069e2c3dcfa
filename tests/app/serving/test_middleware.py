"""Who is refused at the door is a line of the log; in a browser: tests/browser/serving/."""

import asyncio

from streamlit import config

from visionlab.errors import LINE
from visionlab.ui.serving.middleware import Door


def test_a_host_that_is_refused_is_one_short_line_of_the_log(caplog):
    before, sent = config.get_option("server.allowedHosts"), []

    async def send(message):
        sent.append(message)

    config.set_option("server.allowedHosts", ["lab.example.org"])
    try:
        headers = [(b"host", b"else.example\n" * 10_000)]
        asyncio.run(Door(None)({"type": "http", "path": "/", "headers": headers}, None, send))
    finally:
        config.set_option("server.allowedHosts", before)
    assert sent[0]["status"] == 421
    [line] = caplog.messages
    assert line.startswith("421: This server is not reached as “else.example?else")
    assert line.endswith("server.allowedHosts.")
    assert len(line) <= LINE
