// Where a button that a key has pressed is drawn anew, it has the focus again; where it is gone, or can no longer be
// pressed, the nearest before it that can. Buttons are known by the keys that Streamlit writes into their classes.

const PATIENCE = 5000; // ms that the page may take to be drawn anew
const KEYED = "[class*='st-key-']";
const BUTTON = "button[data-testid^=stBaseButton]"; // and not one for help, say

const keyOf = (button) => button.closest(KEYED)?.className.match(/st-key-\S+/)[0];
const buttonOf = (key) => document.querySelector(`.${CSS.escape(key)} ${BUTTON}:enabled`);

let chain = []; // the keys of the pressed button and of those before it, nearest first
let until = 0;

function pressed({ target, detail }) {
  const button = target.closest?.(BUTTON);
  if (!button || detail) return; // a pointer's click has a count
  const all = [...document.querySelectorAll(`${KEYED} ${BUTTON}`)];
  chain = [...new Set(all.slice(0, all.indexOf(button) + 1).reverse().map(keyOf))];
  const watched = until > performance.now();
  until = performance.now() + PATIENCE;
  if (chain.length && !watched) look();
}

function look() {
  if (document.activeElement === document.body) buttonOf(chain.find(buttonOf) ?? "none")?.focus();
  if (performance.now() < until) requestAnimationFrame(look);
}

const goOn = () => (until = 0); // a person went on to something else

export default function ({ parentElement }) {
  const on = { click: pressed, pointerdown: goOn, keydown: ({ key }) => key === "Tab" && goOn() };
  for (const [event, act] of Object.entries(on)) document.addEventListener(event, act, true);
  return () => {
    if (parentElement.isConnected) return; // Streamlit calls this also where the page has only run again
    for (const [event, act] of Object.entries(on)) document.removeEventListener(event, act, true);
  };
}
