"""A visitor without a screen: what a browser says to Streamlit's server, and what it is told, by the same protocol.

Twenty of them cost less than one page in a browser. They see everything that the server sends, shown or not.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

XSRF = "_streamlit_xsrf"
ENDED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
EVENTS = "$$STREAMLIT_INTERNAL_KEY_"  # what the id begins with by which a component tells events
PATIENCE = 120.0  # seconds that an answer may take


def _first_text(shown: Message, state: WidgetState) -> None:
    state.string_value = shown.value if shown.set_value else shown.default


def _first_option(shown: Message, state: WidgetState) -> None:
    if shown.set_value and shown.HasField("raw_value"):
        state.string_value = shown.raw_value
    elif shown.options and shown.HasField("default"):
        state.string_value = shown.options[shown.default]


def _first_options(shown: Message, state: WidgetState) -> None:
    chosen = shown.raw_values if shown.set_value else [shown.options[place].content for place in shown.default]
    state.string_array_value.data[:] = chosen


def _first_numbers(shown: Message, state: WidgetState) -> None:
    state.double_array_value.data[:] = shown.value if shown.set_value else shown.default


def _first_tick(shown: Message, state: WidgetState) -> None:
    state.bool_value = shown.value if shown.set_value else shown.default


def _first_state(shown: Message, state: WidgetState) -> None:
    state.json_value = "{}"


FIRST: dict[str, Callable[[Message, WidgetState], None]] = {
    "BidiComponent": _first_state,
    "TextInput": _first_text,
    "Radio": _first_option,
    "Selectbox": _first_option,
    "ButtonGroup": _first_options,
    "Slider": _first_numbers,
    "Checkbox": _first_tick,
}


class Visitor:
    """Somebody with cookies of their own, at one page. What the page shows is `elements`, by the places on it."""

    def __init__(self, url: str, cookies: CookieJar | None = None, hear: Callable[[bytes], None] | None = None):
        """Come to the server at that address. hear(message) is called with each message as it came."""
        self.url, self._hear = url, hear
        self.cookies = CookieJar() if cookies is None else cookies
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self._opened = ExitStack()
        self.link: dict[str, str] = {}
        self.page = self.session = self.last_sent = None
        self.elements: dict[tuple[int, ...], tuple[int, Message, str]] = {}  # of which run, and of which fragment
        self._held: dict[str, WidgetState] = {}
        self._run = 0

    # What a person does -----------------------------------------------------------------------------------------------

    def open(self, page: str, **link: str) -> Visitor:
        """Open a page by its address, as in a new tab."""
        self.close()
        self.get(f"/{page}", Accept="text/html")
        self.get("/_stcore/health")  # which gives the token that uploads need
        self.page, self.link, self.elements, self._held = page, link, {}, {}
        socket = connect(
            f"{self.url.replace('http', 'ws', 1)}/_stcore/stream",
            origin=self.url,
            additional_headers={"Cookie": self._cookie_header()},
            subprotocols=["streamlit"],
            max_size=None,
            open_timeout=PATIENCE,
        )
        self._socket = self._opened.enter_context(socket)
        self.run()
        return self

    def turn_to(self, page: str) -> None:
        """Another page, by its link in the sidebar."""
        self.page, self.link, self._held = page, {}, {}
        self.run()

    def run(self) -> None:
        """Run the page anew, as pressing “r” does."""
        self._ask()

    def click(self, key: str) -> None:
        self._ask(self._state(key, trigger_value=True))

    def fill(self, key: str, text: str) -> None:
        self._ask(self._state(key, string_value=text))

    def submit(self, button: str, **fields: str) -> None:
        """Fill the fields of a form, whose keys these are, and press its button."""
        states = [self._state(name.replace("_", "-"), string_value=text) for name, text in fields.items()]
        self._ask(*states, self._state(button, trigger_value=True))

    def slide(self, key: str, value: float) -> None:
        state = self._state(key)
        state.double_array_value.data[:] = [value]
        self._ask(state)

    def choose(self, key: str, *options: str) -> None:
        """Options of pills or of a segmented control, by what they are called."""
        state = self._state(key)
        state.string_array_value.data[:] = options
        self._ask(state)

    def pick(self, key: str, option: str) -> None:
        """An option of a select box or of radio buttons."""
        self._ask(self._state(key, string_value=option))

    def tick(self, key: str, on: bool) -> None:
        self._ask(self._state(key, bool_value=on))

    def upload(self, key: str, files: Sequence[tuple[str, bytes]], asks: bool = True) -> None:
        """Give files to an uploader; each has been received when the page runs. Not asks: receive them alone."""
        ask = BackMsg()
        ask.file_urls_request.request_id = uuid.uuid4().hex
        ask.file_urls_request.file_names[:] = [name for name, _ in files]
        ask.file_urls_request.session_id = self.session
        self.send(ask)
        urls = self._until(lambda message: message.WhichOneof("type") == "file_urls_response").file_urls_response
        state = self._state(key)
        for (name, data), place in zip(files, urls.file_urls, strict=True):
            self.put(place.upload_url, name, data)
            told = state.file_uploader_state_value.uploaded_file_info.add()
            told.name, told.size, told.file_id = name, len(data), place.file_id
            told.file_urls.CopyFrom(place)
        if asks:
            self._ask(state)

    def tell(self, key: str, name: str, value: Any) -> None:
        """Let a component say something that stays, as setStateValue does."""
        known = json.loads(self._held[self.widget(key).id].json_value)
        self._ask(self._state(key, json_value=json.dumps({**known, name: value})))

    def trigger(self, key: str, name: str, value: Any) -> None:
        """Let a component say something once, as setTriggerValue does."""
        events = f"{EVENTS}{self.widget(key).id}__events"
        self._ask(WidgetState(id=events, json_trigger_value=json.dumps([{"event": name, "value": value}])))

    def download(self, key: str) -> bytes:
        """What a download button gives, which may be made only now."""
        button = self.widget(key)
        return self.get(self.address_of(button.deferred_file_id) if button.deferred_file_id else button.url)

    def address_of(self, deferred: str) -> str:
        """Where that lies which is made when it is asked for; an empty text where nobody gives it."""
        ask = BackMsg()
        ask.backend_operation_request.request_id = uuid.uuid4().hex
        ask.backend_operation_request.session_id = self.session
        ask.backend_operation_request.deferred_file.file_id = deferred
        self.send(ask)
        told = self._until(lambda message: message.WhichOneof("type") == "backend_operation_response")
        return told.backend_operation_response.deferred_file.url

    def close(self) -> None:
        self._opened.close()

    # What is on the page ----------------------------------------------------------------------------------------------

    def widget(self, key: str) -> Message:
        """The element of that key."""
        for each in self.shown():
            identity = getattr(each, "id", "")
            if identity.startswith("$$ID-") and identity.split("-", 2)[2] == key:
                return each
        raise LookupError(f"there is no “{key}” on the page, but {', '.join(self.keys)}")

    @property
    def keys(self) -> list[str]:
        """Of all widgets on the page."""
        found = (getattr(each, "id", "") for each in self.shown())
        return [identity.split("-", 2)[2] for identity in found if identity.startswith("$$ID-")]

    def shown(self) -> Iterator[Message]:
        for _, element, _ in self.elements.values():
            yield getattr(element, element.WhichOneof("type"))

    @property
    def text(self) -> str:
        """Everything on the page, as the messages have it."""
        return "\n".join(str(each) for each in self.shown())

    @property
    def exceptions(self) -> list[str]:
        return [each.exception.message for _, each, _ in self.elements.values() if each.HasField("exception")]

    def data(self, key: str) -> Any:
        """What a component was given."""
        return json.loads(self.widget(key).json)

    # The protocol -----------------------------------------------------------------------------------------------------

    def get(self, path: str, **headers: str) -> bytes:
        request = urllib.request.Request(f"{self.url}/{path.lstrip('/')}", headers=headers)
        with self._opener.open(request, timeout=PATIENCE) as answer:
            return answer.read()

    def put(self, path: str, name: str, data: bytes) -> None:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "X-Xsrftoken": self.cookie(XSRF)}
        request = urllib.request.Request(f"{self.url}{path}", body, headers, method="PUT")
        with self._opener.open(request, timeout=PATIENCE):
            pass

    def cookie(self, name: str) -> str:
        return next((each.value or "" for each in self.cookies if each.name == name), "")

    def send(self, message: BackMsg) -> None:
        self.last_sent = message.SerializeToString()
        self._socket.send(self.last_sent)

    def replay(self, data: bytes) -> None:
        """Send what somebody else has sent, and take in what comes of it."""
        self._socket.send(data)
        self._listen()

    def _cookie_header(self) -> str:
        return "; ".join(f"{each.name}={each.value}" for each in self.cookies)

    def _keep_first(self, shown: Message) -> None:
        """Hold, as a browser does, what a widget shows at first, or what the server sets it to."""
        first = FIRST.get(type(shown).__name__)
        if first and (shown.id not in self._held or getattr(shown, "set_value", False)):
            state = WidgetState(id=shown.id)
            first(shown, state)
            self._held[shown.id] = state

    def _state(self, key: str, **value: Any) -> WidgetState:
        return WidgetState(id=self.widget(key).id, **value)

    def _fragment_of(self, states: Sequence[WidgetState]) -> str:
        """The fragment that all of these are in, which then runs alone, as in a browser; an empty text: the page."""
        ids = {state.id.removeprefix(EVENTS).removesuffix("__events") for state in states}
        found = [(each, fragment) for _, each, fragment in self.elements.values()]
        of = {getattr(getattr(each, each.WhichOneof("type")), "id", ""): fragment for each, fragment in found}
        fragments = {of[each] for each in ids}
        return fragments.pop() if len(fragments) == 1 else ""

    def _ask(self, *states: WidgetState) -> None:
        ask = BackMsg()
        asked = ask.rerun_script
        asked.page_script_hash, asked.page_name, asked.query_string = "", self.page or "", urlencode(self.link)
        asked.fragment_id = self._fragment_of(states)
        now = self._held | {state.id: state for state in states}
        asked.widget_states.widgets.extend(now.values())
        passing = ("trigger_value", "json_trigger_value")
        self._held = {key: state for key, state in now.items() if state.WhichOneof("value") not in passing}
        self.send(ask)
        self._listen()

    def _listen(self) -> None:
        """Take in messages until what was asked for has run, and what that asks for itself."""
        self._until(
            lambda message: message.WhichOneof("type") == "script_finished" and message.script_finished in ENDED
        )

    def _until(self, wanted: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        deadline = time.monotonic() + PATIENCE
        while True:
            data = self._socket.recv(max(0.1, deadline - time.monotonic()))
            if self._hear:
                self._hear(data)
            message = ForwardMsg.FromString(data)
            self._take(message)
            if wanted(message):
                return message

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._run += 1
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "delta":
            path = tuple(message.metadata.delta_path)
            if message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                self._keep_first(getattr(element, element.WhichOneof("type")))
                self.elements[path] = (self._run, element, message.delta.fragment_id)
        elif kind == "page_info_changed":
            told = parse_qs(message.page_info_changed.query_string)
            self.link = {name: values[-1] for name, values in told.items()}
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self.elements = {path: each for path, each in self.elements.items() if each[0] == self._run}
            here = {getattr(each, "id", "") for each in self.shown()}
            self._held = {key: state for key, state in self._held.items() if key in here}


def addresses(visitor: Visitor) -> set[str]:
    """Those of all pictures on the page, of whatever element."""
    return set(re.findall(r"/?media/[0-9a-f]+\.\w+", visitor.text))


def path_of(url: str) -> str:
    return urlsplit(url).path
