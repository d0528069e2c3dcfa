// The pad: strokes and an example on a small black canvas, moved about as one, and heard by the server one at a time.
// Joined after the camera's draw.js.

const PATIENCE = 10_000; // ms without an answer, after which the drawing is sent again
const PAUSE = 150; // ms at least between two drawings
const SILENCE = 2_000; // ms at least between two announcements
const STEP = 4; // pixels that an arrow key with Shift moves by
const SURE = 0.5; // from which answer on it is a yes
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const pads = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let pad = pads.get(parentElement);
  if (!pad) pads.set(parentElement, (pad = new Pad(parentElement)));
  pad.update(data, setStateValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => parentElement.isConnected || pad.leave();
}

class Pad {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.canvas = this.$("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.number = Date.now(); // of the last drawing: differs from those before a reload
    this.waiting = null; // the number of the drawing that the server is at
    this.changed = false; // since the last one was sent
    this.announced = -SILENCE; // when
    this.listen();
  }

  update(data, setStateValue) {
    Object.assign(this, { data, setStateValue });
    const pictures = JSON.stringify([data.side, data.examples]);
    if (pictures !== this.pictures) {
      this.pictures = pictures;
      this.canvas.width = this.canvas.height = data.side;
      this.pick(0);
    }
    this.$(".what").textContent = data.what;
    this.$(".bars").setAttribute("aria-label", data.what);
    this.$(".next").hidden = data.examples.length < 2;
    if (data.answer?.number !== this.number) return;
    drawBars(this.$(".bars"), data.answer.bars); // also where other networks answer to the same
    this.judge(data.answer.bars);
    this.announce(data.answer.bars);
    if (this.waiting === null) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.free(), PAUSE);
  }

  leave() {
    clearTimeout(this.timer);
    this.waiting = null;
  }

  // --- what is on the pad ----------------------------------------------------------------------------------------

  pick(place) {
    this.picked = place;
    this.begin(this.data.examples[place] ?? null);
    this.use("drag");
  }

  begin(stamp) {
    this.stamp = stamp;
    this.strokes = []; // each a list of [x, y], in pixels before they were moved
    this.dx = this.dy = 0;
    this.show();
  }

  move(dx, dy) {
    const most = this.data.side;
    const kept = (value) => Math.max(-most, Math.min(most, Math.round(value)));
    [this.dx, this.dy] = [kept(dx), kept(dy)];
    this.show();
  }

  show() {
    const { context, data, stamp, dx, dy } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, data.side, data.side);
    if (stamp) {
      const edge = Math.floor((data.side - stamp.side) / 2);
      context.drawImage(pictureOf(stamp), edge + dx, edge + dy);
    }
    context.translate(dx, dy);
    Object.assign(context, { strokeStyle: "#fff", lineWidth: data.pen, lineCap: "round", lineJoin: "round" });
    for (const [[x, y], ...others] of this.strokes) {
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + 0.01, y); // a line of no length would not be drawn
      for (const point of others) context.lineTo(...point);
      context.stroke();
    }
    const empty = !stamp && !this.strokes.length;
    const words = [dx && `${Math.abs(dx)} px ${dx > 0 ? "right" : "left"}`, dy && `${Math.abs(dy)} px ${dy > 0 ? "down" : "up"}`];
    const moved = words.filter(Boolean).join(", ");
    this.$(".about").textContent = this.example() ? stamp.about : "";
    this.$(".place").textContent = empty ? "Draw here." : moved ? `Moved ${moved}.` : "Where it was. Drag it, or use the arrow keys.";
    this.changed = true;
    this.send();
  }

  // Whether an example is on the pad, whole and with nothing drawn on it.
  example() {
    const { data, stamp, dx, dy } = this;
    if (!stamp || this.strokes.length) return false;
    const edge = Math.floor((data.side - stamp.side) / 2);
    return [dx, dy].every((moved) => edge + moved >= 0 && edge + moved + stamp.side <= data.side);
  }

  // Whether each is right, in words, where that is known.
  judge(bars) {
    if (!this.example() || this.stamp.truth === null) return;
    for (const [place, share] of this.$(".bars").querySelectorAll(".share").entries())
      share.textContent += ` · ${this.verdict(bars[place])}`;
  }

  verdict([, share]) {
    return share >= SURE === this.stamp.truth ? "right" : "wrong";
  }

  // --- pointer and keys ------------------------------------------------------------------------------------------

  listen() {
    const { canvas } = this;
    for (const mode of ["draw", "drag"]) {
      const button = this.$(`.${mode}`);
      button.onclick = () => this.use(mode);
      button.onkeydown = (event) => {
        if (!(event.key in ARROWS)) return;
        event.preventDefault();
        this.use(mode === "draw" ? "drag" : "draw");
        this.$(`.${this.mode}`).focus();
      };
    }
    this.$(".clear").onclick = () => this.clear();
    this.$(".next").onclick = () => this.pick((this.picked + 1) % this.data.examples.length);
    canvas.onpointerdown = (event) => {
      if (event.button || this.held) return;
      canvas.setPointerCapture(event.pointerId);
      const [x, y] = this.place(event);
      this.held = { pointer: event.pointerId, x: x - this.dx, y: y - this.dy };
      if (this.mode === "draw") {
        this.strokes.push([[x - this.dx, y - this.dy]]);
        this.show();
      }
    };
    canvas.onpointermove = (event) => {
      if (event.pointerId !== this.held?.pointer) return;
      if (this.mode === "drag") {
        const [x, y] = this.place(event);
        this.move(x - this.held.x, y - this.held.y);
        return;
      }
      const coalesced = event.getCoalescedEvents?.() ?? [];
      for (const each of coalesced.length ? coalesced : [event]) {
        const [x, y] = this.place(each);
        this.strokes.at(-1)?.push([x - this.dx, y - this.dy]);
      }
      this.show();
    };
    canvas.onpointerup = canvas.onpointercancel = (event) => {
      if (event.pointerId === this.held?.pointer) this.held = null;
    };
    // No gesture begins here: after a swift stroke the browser would swallow the next tap, on “Clear” for instance.
    canvas.ontouchstart = (event) => event.preventDefault();
    canvas.onkeydown = (event) => {
      const step = ARROWS[event.key];
      if (step) {
        const far = event.shiftKey ? STEP : 1;
        this.move(this.dx + far * step[0], this.dy + far * step[1]);
      } else if (event.key === "Delete" || event.key === "Backspace") this.clear();
      else return;
      event.preventDefault();
    };
  }

  use(mode) {
    this.mode = mode;
    for (const each of ["draw", "drag"]) {
      this.$(`.${each}`).setAttribute("aria-checked", String(each === mode));
      this.$(`.${each}`).tabIndex = each === mode ? 0 : -1;
    }
    this.canvas.classList.toggle("dragging", mode === "drag");
  }

  clear() {
    this.held = null;
    this.begin(null);
    this.use("draw");
  }

  // Where the pointer is, in pixels of the canvas.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const { clientLeft: left, clientTop: top, clientWidth: width, clientHeight: height } = this.canvas;
    const { side } = this.data;
    return [((event.clientX - box.left - left) / width) * side, ((event.clientY - box.top - top) / height) * side];
  }

  // --- to the server and back ------------------------------------------------------------------------------------

  send() {
    if (this.waiting !== null || !this.changed) return;
    this.changed = false;
    this.waiting = ++this.number;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.changed = true;
      this.free();
    }, PATIENCE);
    const { side } = this.data;
    const grey = this.context.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 === 0);
    this.setStateValue("drawing", { number: this.number, pixels: btoa(String.fromCharCode(...grey)) });
  }

  // The server may hear of what is on the pad by now.
  free() {
    this.waiting = null;
    this.send();
  }

  announce(bars) {
    if (performance.now() < this.announced + SILENCE) return;
    this.announced = performance.now();
    const known = this.example() && this.stamp.truth !== null;
    const told = (bar) => `${bar[0]}: ${percent(bar[1], 0)}${known ? `, ${this.verdict(bar)}` : ""}`;
    this.$(".live").textContent = bars.map(told).join("; ");
  }
}

// A grey picture as a canvas; black is left clear, so that it does not cover what is under it.
function pictureOf({ side, pixels }) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const levels = Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const colours = new Uint8ClampedArray(levels.flatMap((level) => [255, 255, 255, level]));
  canvas.getContext("2d").putImageData(new ImageData(colours, side), 0, 0);
  return canvas;
}
