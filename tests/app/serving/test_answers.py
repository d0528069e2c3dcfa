"""Where to upload a file, and what a download is, are told to a browser also where a run begins at that moment."""

import ast
import subprocess
import sys

import streamlit

# In a process of its own: what is kept is kept in all of it.
QUEUE = """
import sys
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
if "keep" in sys.argv:
    import streamlit_app, visionlab.ui.serving.answers as answers
    answers.keep_answers()  # a second time changes nothing

def waiting(ask_for_run):
    queue = ForwardMsgQueue()
    messages = [ForwardMsg() for _ in range(4)]
    messages[0].file_urls_response.response_id = "where"
    messages[1].delta.new_element.text.body = "page"
    messages[2].backend_operation_response.SetInParent()
    messages[3].new_session.SetInParent()
    for message in messages:
        queue.enqueue(message)
    ask_for_run(queue)
    return sorted(message.WhichOneof("type") for message in queue.flush()), queue.is_empty()

print(waiting(lambda queue: queue.clear(retain_lifecycle_msgs=True)))
print(waiting(lambda queue: queue.clear(True, ["a fragment"])))
print(waiting(lambda queue: queue.clear()))
"""
PAGE, ANSWERS = ["new_session"], ["backend_operation_response", "file_urls_response"]


def kept(*how: str) -> list[tuple[list[str], bool]]:
    told = subprocess.run([sys.executable, "-c", QUEUE, *how], capture_output=True, text=True, check=True)
    return [ast.literal_eval(line) for line in told.stdout.splitlines()]


def test_answers_stay_when_a_run_begins():
    whole, fragment, all_of_it = kept("keep")
    assert whole == (sorted(ANSWERS + PAGE), True)
    assert fragment == (sorted([*ANSWERS, *PAGE, "delta"]), True)  # each once
    assert all_of_it == ([], True)


def test_streamlit_by_itself_drops_them():
    whole, *_ = kept()
    assert whole == (PAGE, True), f"Streamlit {streamlit.__version__} keeps them: ui/serving/answers.py can go"


# Also in a process of its own: what is asked of a runner that is at work. Its page, and where the request is of.
RUNNER = """
import sys
from types import SimpleNamespace
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_runner import RerunData, ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
if "keep" in sys.argv:
    import streamlit_app, visionlab.ui.serving.answers as answers
    answers.mind_requests()  # a second time changes nothing

def asked(begun, of, part=None, before="Convolution", found=""):
    requests, pages = ScriptRequests(), PagesManager("home.py")
    pages.set_script_intent(before, "")
    pages.set_current_page_script_hash(found)
    requests.request_rerun(RerunData(page_script_hash=begun))
    if begun != "Filters, not begun":
        requests.on_scriptrunner_ready()
        pages.set_script_intent(begun, "")
    runner = SimpleNamespace(
        _requests=requests, _pages_manager=pages, _wake_parallel_join_barrier_if_waiting=lambda: None
    )
    before = requests._rerun_data
    names = frozenset({"a response"})
    taken = ScriptRunner.request_rerun(
        runner, RerunData(page_script_hash=of, fragment_id=part, cached_message_hashes=names)
    )
    after = requests._rerun_data
    return taken, after is not before, sorted(after.cached_message_hashes)

print(asked("Convolution", "Convolution"))
print(asked("Filters", "Convolution", "a part"))
print(asked("Filters, not begun", "Convolution", "a part"))
print(asked("", "Convolution", "a part", found="Filters"))
print(asked("Convolution", "Convolution", "a part"))
print(asked("", "Convolution", "a part", found="Convolution"))
print(asked("", "Convolution", "a part"))
print(asked("Filters", "Convolution"))
"""
HEARD, PASSED_OVER = (True, True), (True, False)


def asked_of_a_runner_at_work(*how: str) -> list[tuple[bool, bool, list[str]]]:
    told = subprocess.run([sys.executable, "-c", RUNNER, *how], capture_output=True, text=True, check=True)
    return [ast.literal_eval(line) for line in told.stdout.splitlines()]


def test_what_is_asked_for_while_a_run_is_at_work_comes_whole():
    assert all(names == [] for *_, names in asked_of_a_runner_at_work("keep"))


def test_a_part_of_a_page_that_was_left_is_passed_over():
    *heard, _ = asked_of_a_runner_at_work("keep")
    assert [tuple(each[:2]) for each in heard] == [HEARD, *3 * [PASSED_OVER], *3 * [HEARD]]


def test_another_page_is_turned_to_whatever_is_at_work():
    assert asked_of_a_runner_at_work("keep")[-1][:2] == HEARD


def test_streamlit_by_itself_sends_names_of_what_may_have_gone():
    told = f"Streamlit {streamlit.__version__} does not: ui/serving/answers.py need not ask for the whole"
    assert asked_of_a_runner_at_work()[0] == (*HEARD, ["a response"]), told


def test_streamlit_by_itself_hears_of_pages_that_were_left():
    told = f"Streamlit {streamlit.__version__} passes them over: ui/serving/answers.py need not"
    assert asked_of_a_runner_at_work()[1][:2] == HEARD, told
