// A popover that is opened by a key gets the focus, keeps it while Tab goes round in it, and gives it back to its button.

const BUTTON = "[data-testid=stPopoverButton]";
const BODY = "[data-testid=stPopoverBody]";
const FIELDS = "a[href], button:enabled, input:enabled, select, textarea, [tabindex='0']";
const PATIENCE = 1000; // ms that a popover may take to open

let opener = null;

const fields = (body) => [...body.querySelectorAll(FIELDS)].filter((field) => field.tabIndex >= 0 && field.offsetParent);

function enter(until) {
  const body = document.querySelector(BODY);
  const first = body && fields(body).find((field) => !field.ariaLabel?.startsWith("Help for"));
  if (first) first.focus();
  else if (performance.now() < until) requestAnimationFrame(() => enter(until));
}

function opened(event) {
  const button = event.target.closest?.(BUTTON);
  if (!button || event.detail) return; // a click of a pointer has a count, that of a key has none
  opener = button;
  if (button.getAttribute("aria-expanded") !== "true") enter(performance.now() + PATIENCE);
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

export default function () {
  document.addEventListener("click", opened, true);
  document.addEventListener("keydown", pressed, true);
  return () => {
    document.removeEventListener("click", opened, true);
    document.removeEventListener("keydown", pressed, true);
  };
}
