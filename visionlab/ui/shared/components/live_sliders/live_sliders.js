// Tells where a slider is while it is held; nothing is drawn.

const PAUSE = 20; // ms at least between an answer and the next place
const PATIENCE = 5_000; // ms without an answer, after which the next place is sent all the same
const REST = 300; // ms after a slider was let go, in which its own value has been sent
const listeners = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let listener = listeners.get(parentElement);
  if (!listener) listeners.set(parentElement, (listener = new Listener()));
  listener.update(data, setStateValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => {
    if (parentElement.isConnected) return;
    listener.leave();
    listeners.delete(parentElement);
  };
}

class Listener {
  constructor() {
    this.number = Date.now(); // of what was sent last: differs from those before a reload
    this.free = 0; // when the next place may be sent
    this.told = false; // that a slider is on its way
    this.gone = new AbortController();
    const on = (event, act) => window.addEventListener(event, act, { capture: true, signal: this.gone.signal });
    on("pointerdown", (event) => this.take(event));
    on("pointerup", () => this.let_go());
    on("pointercancel", () => this.let_go());
  }

  update(data, setStateValue) {
    Object.assign(this, { data, setStateValue });
    if (data.answered === this.number) this.free = Math.min(this.free, performance.now() + PAUSE);
  }

  leave() {
    this.gone.abort();
    this.input = null;
    clearTimeout(this.timer);
  }

  // Before the slider hears of it: its value is still the one that the server knows.
  take({ target, button }) {
    const slider = target.closest?.("[data-testid=stSlider]");
    const key = keyOf(slider);
    const input = slider?.querySelector("input[type=range]:enabled");
    if (button || !input || !key?.startsWith(this.data.within)) return;
    clearTimeout(this.timer);
    Object.assign(this, { input, key, start: Number(input.value), sent: Number(input.value) });
    this.follow();
  }

  follow() {
    if (!this.input) return;
    const value = Number(this.input.value);
    if (value !== this.sent && performance.now() >= this.free) {
      this.sent = value;
      this.say({ number: ++this.number, key: this.key, start: this.start, value });
      this.free = performance.now() + PATIENCE;
    }
    requestAnimationFrame(() => this.follow());
  }

  let_go() {
    if (!this.input) return;
    this.input = null;
    this.timer = setTimeout(() => this.say(null), REST);
  }

  say(moving) {
    if (!moving && !this.told) return;
    this.told = moving !== null;
    this.setStateValue("moving", moving);
  }
}

// The key that Python gave the slider: a class of the box around it says it.
function keyOf(slider) {
  const names = slider?.closest("[class*=st-key-]")?.classList ?? [];
  return [...names].find((name) => name.startsWith("st-key-"))?.slice("st-key-".length);
}
