// The eraser: strokes over a picture, as a mask that the server hears of one at a time; what is left comes back.
// Joined after the camera's draw.js, what waits for kept pictures and what is done before one leaves.

const PATIENCE = 10_000; // ms without an answer, after which the mask is sent again
const PAUSE = 60; // ms at least between two masks
const SILENCE = 2_000; // ms at least between two announcements
const PENDING = "rgba(59, 143, 214, 0.55)"; // of what is rubbed over and not yet answered
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.03; // of the picture's longer side, that an arrow key moves the brush by
const erasers = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let eraser = erasers.get(parentElement);
  if (!eraser) erasers.set(parentElement, (eraser = new Eraser(parentElement)));
  eraser.here ??= beforeLeaving(eraser.root, () => eraser.changed && eraser.free());
  eraser.update(data, setStateValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => parentElement.isConnected || eraser.leave();
}

class Eraser {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.root = this.$(".eraser");
    this.canvas = this.$("canvas");
    this.context = this.canvas.getContext("2d");
    this.mask = document.createElement("canvas"); // white on black: what is sent
    this.strokes = []; // each {width, points: [[x, y]]}, in pixels of the mask
    this.before = null; // what had been rubbed out before, as a canvas
    this.kept = false; // whether what is rubbed over is what stays
    this.number = Date.now(); // of the last mask: differs from those before a reload
    this.answered = 0; // strokes that the picture on the page knows of
    this.waiting = null; // {number, strokes} of the mask that the server is at
    this.changed = false; // since the last one was sent
    this.announced = -SILENCE; // when
    this.listen();
  }

  update(data, setStateValue) {
    Object.assign(this, { data, setStateValue });
    const [height, width] = data.shape;
    const subject = `${data.shape} ${data.picture}`;
    if (subject !== this.subject) {
      const first = this.subject === undefined;
      this.subject = subject;
      this.root.style.setProperty("--shape", width / height);
      for (const each of [this.canvas, this.mask]) [each.width, each.height] = [width, height];
      this.place = [width / 2, height / 2]; // of the brush, for the keys
      this.begin();
      this.kept = false;
      kept(data.picture, (address) => {
        if (this.subject !== subject || data.left?.number === this.number) return;
        for (const each of [".picture", ".why"]) this.$(each).src = address;
      });
      if (first && data.before) this.restore(data.before);
      else this.change(); // the first answer is to the picture as it is
    }
    this.$(".what").textContent = data.what;
    this.$(".kept").setAttribute("aria-pressed", String(this.kept));
    const { left } = data;
    if (left?.number !== this.number) return;
    this.show(this.$(".picture"), left.picture);
    this.show(this.$(".why"), left.why);
    this.$(".said").textContent = left.said;
    drawBars(this.$(".bars"), left.bars, left.strange);
    this.announce(left.bars);
    this.root.dataset.answered = left.number; // for who waits for it
    if (this.waiting === null) return;
    this.answered = this.waiting.strokes;
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.free(), PAUSE);
  }

  leave() {
    this.here = this.here?.();
    clearTimeout(this.timer);
    this.waiting = null;
  }

  // --- what is rubbed out ----------------------------------------------------------------------------------------

  begin() {
    [this.strokes, this.before, this.answered, this.held] = [[], null, 0, null];
  }

  async restore({ mask, kept }) {
    this.kept = kept;
    const image = new Image();
    image.src = `data:image/png;base64,${mask}`;
    await image.decode();
    this.before = image;
    this.change();
  }

  change() {
    this.changed = true;
    this.$(".undo").disabled = !this.strokes.length;
    this.$(".clear").disabled = !this.strokes.length && !this.before && !this.kept;
    this.draw();
    this.send();
  }

  // Over the picture only what it does not show yet, and the brush where keys move it.
  draw() {
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    paint(context, this.strokes.slice(this.answered), PENDING);
    if (!this.keys || document.activeElement !== this.canvas && this.canvas.getRootNode().activeElement !== this.canvas) return;
    context.beginPath();
    context.arc(...this.place, this.width() / 2, 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 1.5 });
    context.stroke();
  }

  width() {
    return (Number(this.$(".size").value) / 100) * Math.max(...this.data.shape);
  }

  undo() {
    if (!this.strokes.length) return;
    this.strokes.pop();
    this.answered = Math.min(this.answered, this.strokes.length);
    this.change();
  }

  clear() {
    this.begin();
    this.kept = false;
    this.$(".kept").setAttribute("aria-pressed", "false");
    this.change();
  }

  // --- pointer and keys ------------------------------------------------------------------------------------------

  listen() {
    const { canvas } = this;
    this.$(".undo").onclick = () => this.undo();
    this.$(".clear").onclick = () => this.clear();
    this.$(".size").oninput = () => this.draw();
    this.$(".kept").onclick = () => {
      this.kept = !this.kept;
      this.$(".kept").setAttribute("aria-pressed", String(this.kept));
      this.change();
    };
    canvas.onpointerdown = (event) => {
      if (event.button || this.held) return;
      canvas.setPointerCapture(event.pointerId);
      this.keys = false;
      this.held = event.pointerId;
      this.strokes.push({ width: this.width(), points: [this.at(event)] });
      this.change();
    };
    canvas.onpointermove = (event) => {
      if (event.pointerId !== this.held) return;
      const coalesced = event.getCoalescedEvents?.() ?? [];
      for (const each of coalesced.length ? coalesced : [event]) this.strokes.at(-1)?.points.push(this.at(each));
      this.answered = Math.min(this.answered, this.strokes.length - 1); // it has grown
      this.change();
    };
    canvas.onpointerup = canvas.onpointercancel = (event) => {
      if (event.pointerId === this.held) this.held = null;
    };
    // No gesture begins here: after a swift stroke the browser would swallow the next tap, on “Undo” for instance.
    canvas.ontouchstart = (event) => event.preventDefault();
    canvas.onfocus = canvas.onblur = () => this.draw();
    canvas.onkeydown = (event) => {
      const step = ARROWS[event.key];
      if (step) {
        this.keys = true;
        const far = STEP * Math.max(...this.data.shape);
        const ends = [canvas.width, canvas.height];
        this.place = this.place.map((value, i) => Math.max(0, Math.min(ends[i], value + far * step[i])));
        this.draw();
      } else if (event.key === " ") {
        this.keys = true;
        this.strokes.push({ width: this.width(), points: [[...this.place]] });
        this.change();
      } else if (event.key === "Delete" || event.key === "Backspace") this.clear();
      else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) this.undo();
      else return;
      event.preventDefault();
    };
  }

  // Where the pointer is, in pixels of the mask.
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const [height, width] = this.data.shape;
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  }

  // --- to the server and back ------------------------------------------------------------------------------------

  send() {
    if (this.waiting !== null || !this.changed) return;
    this.changed = false;
    this.waiting = { number: ++this.number, strokes: this.strokes.length };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.changed = true;
      this.free();
    }, PATIENCE);
    const { mask } = this;
    const context = mask.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, mask.width, mask.height);
    if (this.before) context.drawImage(this.before, 0, 0, mask.width, mask.height);
    paint(context, this.strokes, "#fff");
    const [, png] = mask.toDataURL("image/png").split(",");
    this.setStateValue("rubbed", { number: this.number, mask: png, kept: this.kept });
  }

  // The server may hear of what is rubbed out by now.
  free() {
    this.waiting = null;
    this.send();
  }

  show(image, jpeg) {
    const address = `data:image/jpeg;base64,${jpeg}`;
    if (image.src !== address) image.src = address;
  }

  announce(bars) {
    if (performance.now() < this.announced + SILENCE) return;
    this.announced = performance.now();
    this.$(".live").textContent = bars.map(([name, share]) => `${name}: ${percent(share, 0)}`).join("; ");
  }
}

function paint(context, strokes, colour) {
  Object.assign(context, { strokeStyle: colour, lineCap: "round", lineJoin: "round" });
  for (const { width, points: [[x, y], ...others] } of strokes) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + 0.01, y); // a line of no length would not be drawn
    for (const point of others) context.lineTo(...point);
    context.stroke();
  }
}
