"""What a browser asked for beside a run is answered, also where a run begins before the answer has left.

Streamlit empties the queue of what goes to a browser when a run begins, since that draws the page anew, and with it,
until 1.67 at least, answers that are no part of the page: to where files may be uploaded, and what a download is. A
browser waits for those without an end, and its person's files never come.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


def keep_answers() -> None:
    """From now on, answers that wait to be sent are kept when a run begins."""
    clear = ForwardMsgQueue.clear
    if hasattr(clear, "__wrapped__"):
        return

    @wraps(clear)
    def clear_of_the_page(queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, *more, **options) -> None:
        waiting = queue._queue
        clear(queue, retain_lifecycle_msgs, *more, **options)
        if retain_lifecycle_msgs:  # else all of it has left
            kept = {id(message) for message in queue._queue}
            queue._queue += [each for each in waiting if is_answer(each.WhichOneof("type")) and id(each) not in kept]

    ForwardMsgQueue.clear = clear_of_the_page


def is_answer(kind: str) -> bool:
    """Whether messages of that kind answer what a browser asked for."""
    return kind.endswith("_response")
