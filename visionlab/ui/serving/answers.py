"""What a browser asks for comes, whole, also where it asks for several things at once.

Streamlit empties the queue of what goes to a browser when a run begins, since that draws the page anew, and with it,
until 1.67 at least, answers that are no part of the page: to where files may be uploaded, and what a download is. A
browser waits for those without an end, and its person's files never come.

Of a message that a browser keeps Streamlit sends the name alone. What the browser keeps it says when it asks for a run;
where it asks for two, it may have dropped a message by the end of the first one that the second one names. Then, until
1.67 at least, it leaves the server for good, with an error, and shows a page that answers no more.

And what a component has to say it says a moment later, of the page that it is on, also where its person has gone to
another one meanwhile. Streamlit, until 1.67 at least, then draws that part of the page before as if the whole were
meant: it tells the browser of that page once more, which takes away all that the new one shows, and draws nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner.script_runner import RerunData, ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType


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


def mind_requests() -> None:
    """From now on, what is asked for while a run is at work comes whole, and not by the names of what was kept; and
    where that run is of another page than the part that is asked for, nothing comes."""
    request = ScriptRunner.request_rerun
    if hasattr(request, "__wrapped__"):
        return

    @wraps(request)
    def request_minded(runner: ScriptRunner, rerun_data: RerunData) -> bool:
        page = _page_of(runner)
        if rerun_data.fragment_id and page and rerun_data.page_script_hash not in ("", page):
            return True
        return request(runner, replace(rerun_data, cached_message_hashes=frozenset()))

    ScriptRunner.request_rerun = request_minded


def _page_of(runner: ScriptRunner) -> str:
    """Of which page the runner's run is, or will be as soon as it begins; "" where nobody knows yet."""
    requests, pages = runner._requests, runner._pages_manager
    if requests._state is ScriptRequestType.RERUN:
        return requests._rerun_data.page_script_hash
    return pages.intended_page_script_hash or pages.current_page_script_hash


def is_answer(kind: str) -> bool:
    """Whether messages of that kind answer what a browser asked for."""
    return kind.endswith("_response")
