"""What a page does with the cameras that it is given: for the tests of whatever shows one."""

from playwright.sync_api import Page

# Runs before the page: every stream that the page is given is kept, so that its tracks can be looked at afterwards.
KEEP_STREAMS = """
window.streams = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.streams.push(stream);
    return stream;
};
"""
STATES = "window.streams.map((stream) => stream.getTracks().map((track) => track.readyState))"


def streams_are(page: Page, *states: str) -> None:
    """Wait until the streams that the page was given are in these states, each with the one track that it has."""
    page.wait_for_function(f"(wanted) => String({STATES}) === wanted", arg=",".join(states))
