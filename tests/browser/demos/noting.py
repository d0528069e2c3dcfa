"""Serves test_blank.py: components that note when they are called and with what, and what Python hears of them."""

import streamlit as st

JS = """
export default async function ({ name, data, key, parentElement, setStateValue, setTriggerValue, ...more }) {
  const [, which] = parentElement.host.closest("[class*=st-key-]").className.match(/st-key-([\\w-]+)/);
  const { calls, keys, acts } = window.noted ??= { calls: {}, keys: {}, acts: {} };
  const mine = (calls[which] ??= []); // which of several is called first is open
  const known = (keys[which] ??= []);
  if (!known.includes(key)) known.push(key);
  const told = data instanceof Uint8Array ? ["bytes", data.length, ...data.subarray(0, 3)] : data;
  const place = [parentElement.constructor.name, parentElement.innerHTML];
  const number = mine.push(["called", name, told, known.indexOf(key), place, Object.keys(more)]);
  acts[which] = { setStateValue, setTriggerValue };
  if (data?.slow) await new Promise((done) => (window.go = done));
  return () => mine.push(["left", number, parentElement.isConnected]);
}
"""

noting = st.components.v2.component("noting", html="\n<p>here</p>\n", css=" p { color: rgb(1, 2, 3) }\n", js=JS)
told = st.session_state.setdefault("told", [])


def mount(key: str, data: object) -> None:
    def heard(what: str) -> None:
        told.append((key, what, dict(st.session_state[key])))

    found = noting(
        key=key,
        data=data,
        on_state_change=lambda: heard("state"),
        on_other_change=lambda: heard("other"),
        on_act_change=lambda: heard("act"),
        on_deed_change=lambda: heard("deed"),
    )
    st.text(f"{key} found {dict(sorted(found.items()))}")


@st.fragment
def apart() -> None:
    mount("second", bytes([1, 2, 3]))
    st.text(f"apart told {told}")


st.set_page_config(layout="wide")
changes = st.session_state.setdefault("changes", 0)
shown = st.toggle("Shown", True)
with st.container():  # what follows keeps its place, and is never there twice
    if shown:
        mount("first", {"changes": changes, "slow": changes == 2, "list": [None, 1.5, "ä"]})
mount("large", bytes(20_000))  # which the browser keeps, and is told of by name from then on
mount("nothing", None)
st.text(f"told {told}")
if st.button("Change"):
    st.session_state.changes += 1
    st.rerun()
st.button("Run again")
apart()
