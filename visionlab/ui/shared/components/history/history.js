// What changes the link of the page that one is on takes the place of its entry in the browser's history, but for a step
// that a person takes on it: Back then leads to the step before. An entry is left as it was when one clicked on the way
// to another page: Streamlit empties it first.

const { pushState: push, replaceState: replace } = History.prototype;
const PATIENCE = 5000; // ms from such a click until the other page is there
let leaving = { link: "", until: 0 };
let acted = ""; // the path of the page on which a person has done something since its last step

const here = (address) => new URL(address ?? location.href, location.href).pathname === location.pathname;
const stepIn = (address, name) => new URL(address ?? location.href, location.href).searchParams.get(name);

function clicked(event) {
  const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
  if (link) leaving = { link: location.href, until: performance.now() + PATIENCE };
  else acted = location.pathname;
}

const keyed = () => (acted = location.pathname);
const went = () => (acted = ""); // Back or Forward: what follows is no new step

export default function ({ data, parentElement }) {
  const { step } = data;
  const told = (how) => (state, unused, address) => {
    if (here(address)) {
      const taken = step && acted === location.pathname && stepIn(address, step) !== stepIn(null, step);
      if (!taken) return replace.call(history, state, unused, address);
      acted = ""; // Streamlit tells a step more than once
      return push.call(history, state, unused, address);
    }
    if (performance.now() < leaving.until && here(leaving.link)) replace.call(history, history.state, "", leaving.link);
    leaving.until = 0;
    how.call(history, state, unused, address);
  };
  history.pushState = told(push);
  history.replaceState = told(replace); // by which Streamlit tells what a widget holds
  const heard = { click: clicked, keydown: keyed };
  for (const kind in heard) document.addEventListener(kind, heard[kind], true);
  addEventListener("popstate", went, true);
  // Streamlit calls this also where the page has only run again.
  return () => {
    if (parentElement.isConnected) return;
    for (const kind in heard) document.removeEventListener(kind, heard[kind], true);
    removeEventListener("popstate", went, true);
  };
}
