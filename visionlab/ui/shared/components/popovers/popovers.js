// A popover that is opened by a key gets the focus, keeps it while Tab goes round in it, and gives it back to its button.
// One that is a menu closes when something in it has been chosen: it would lie over what that has changed.

const BUTTON = "[data-testid=stPopoverButton]";
const BODY = "[data-testid=stPopoverBody]";
const FIELDS = "a[href], button:enabled, input:enabled, select, textarea, [tabindex='0']";
const PATIENCE = 1000; // ms that a popover may take to open

const MENU = ".st-key-add-buttons, [class*='st-key-ready-'], [class*='st-key-try-']"; // what is chosen once

let opener = null;

const fields = (body) => [...body.querySelectorAll(FIELDS)].filter((field) => field.tabIndex >= 0 && field.offsetParent);

// Again and again for a while: what a popover holds comes bit by bit, and cannot have the focus before it is in its place.
function enter(until, given = opener) {
  if (document.activeElement !== given && document.activeElement !== document.body) return; // a person went on
  const body = document.querySelector(BODY);
  const first = body && fields(body).find((field) => !field.ariaLabel?.startsWith("Help for"));
  first?.focus();
  const now = document.activeElement;
  if (performance.now() < until) requestAnimationFrame(() => enter(until, now));
}

function opened(event) {
  const button = event.target.closest?.(BUTTON);
  if (!button) return;
  opener = button;
  if (event.detail) return; // a click of a pointer has a count, that of a key has none
  if (button.getAttribute("aria-expanded") !== "true") enter(performance.now() + PATIENCE);
}

function chosen(event) {
  const open = opener?.isConnected && opener.getAttribute("aria-expanded") === "true";
  if (open && event.target.closest?.("button")?.closest(MENU) && event.target.closest(BODY)) opener.click();
}

function pressed(event) {
  const body = event.target.closest?.(BODY);
  if (!body || !opener?.isConnected) return;
  if (event.key === "Escape") return opener.focus();
  if (event.key !== "Tab") return;
  const all = fields(body);
  if (event.target !== (event.shiftKey ? all[0] : all.at(-1))) return;
  event.preventDefault();
  (event.shiftKey ? all.at(-1) : all[0]).focus();
}

export default function ({ parentElement }) {
  document.addEventListener("click", opened, true);
  document.addEventListener("click", chosen); // after the button's own listeners
  document.addEventListener("keydown", pressed, true);
  return () => {
    if (parentElement.isConnected) return; // Streamlit calls this also where the page has only run again
    document.removeEventListener("click", opened, true);
    document.removeEventListener("click", chosen);
    document.removeEventListener("keydown", pressed, true);
  };
}
