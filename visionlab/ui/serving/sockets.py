"""What comes by a WebSocket and is no page's: answered at once, and a line of the log with its cause."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visionlab.errors import log_line

# What others log with a traceback, of what a browser sent, and what they log of pages that live well: a browser asks
# for a part of the page that is drawn anew by itself (run_every) until it knows that another run has taken it away.
WITH_TRACEBACK = ("Error deserializing back message", "Invalid UTF-8 sequence received")
OF_NO_USE = "The fragment with id %s does not exist anymore"
LOGGERS = (
    "streamlit.web.server.starlette.starlette_websocket",
    "streamlit.runtime.app_session",
    "uvicorn.error",
)


class BinaryAlone:
    """Ends WebSockets by which text comes: pages send none, and Streamlit and Starlette do not agree on what it is."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_binary() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and message.get("bytes") is None:
                log_line("A WebSocket sent text, which no page does, and was closed.")
                await send({"type": "websocket.close", "code": 1003})  # “unsupported data”
                return {"type": "websocket.disconnect", "code": 1003}
            return message

        await self.app(scope, receive_binary if scope["type"] == "websocket" else receive, send)


def log_in_lines() -> None:
    """From now on, the log has one line for what a browser sent in vain."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _in_lines not in logger.filters:
            logger.addFilter(_in_lines)


def _in_lines(record: logging.LogRecord) -> bool:
    text = str(record.msg)
    if text.startswith(WITH_TRACEBACK) and record.exc_info:
        log_line(record.getMessage().rstrip("."), record.exc_info[1])
        return False
    return not text.startswith(OF_NO_USE)
