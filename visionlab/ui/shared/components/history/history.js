// What changes the link of the page that one is on takes the place of its entry in the browser's history, and that entry
// is left as it was when one clicked on the way to another page: Streamlit empties it first.

const push = History.prototype.pushState;
const PATIENCE = 5000; // ms from such a click until the other page is there
let leaving = { link: "", until: 0 };

const here = (address) => new URL(address ?? location.href, location.href).pathname === location.pathname;

function clicked(event) {
  const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
  if (link) leaving = { link: location.href, until: performance.now() + PATIENCE };
}

export default function ({ parentElement }) {
  history.pushState = function (state, unused, address) {
    if (here(address)) return history.replaceState(state, unused, address);
    if (performance.now() < leaving.until && here(leaving.link)) history.replaceState(history.state, "", leaving.link);
    leaving.until = 0;
    push.call(history, state, unused, address);
  };
  document.addEventListener("click", clicked, true);
  // Streamlit calls this also where the page has only run again.
  return () => parentElement.isConnected || document.removeEventListener("click", clicked, true);
}
