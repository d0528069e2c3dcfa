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


# Also in a process of its own: what is asked of a runner that is at work.
RUNNER = """
import sys
from types import SimpleNamespace
from streamlit.runtime.scriptrunner.script_runner import RerunData, ScriptRunner
if "keep" in sys.argv:
    import streamlit_app, visionlab.ui.serving.answers as answers
    answers.send_whole()  # a second time changes nothing
asked = []
requests = SimpleNamespace(request_rerun=asked.append)
runner = SimpleNamespace(_requests=requests, _wake_parallel_join_barrier_if_waiting=lambda: None)
ScriptRunner.request_rerun(runner, RerunData(page_name="Convolution", cached_message_hashes=frozenset({"a response"})))
print([(data.page_name, sorted(data.cached_message_hashes)) for data in asked])
"""


def asked_of_a_runner_at_work(*how: str) -> list[tuple[str, list[str]]]:
    told = subprocess.run([sys.executable, "-c", RUNNER, *how], capture_output=True, text=True, check=True)
    return ast.literal_eval(told.stdout)


def test_what_is_asked_for_while_a_run_is_at_work_comes_whole():
    assert asked_of_a_runner_at_work("keep") == [("Convolution", [])]


def test_streamlit_by_itself_sends_names_of_what_may_have_gone():
    told = f"Streamlit {streamlit.__version__} does not: ui/serving/answers.py need not send_whole()"
    assert asked_of_a_runner_at_work() == [("Convolution", ["a response"])], told
