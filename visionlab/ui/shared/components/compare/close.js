// A part of the two pictures, pixel for pixel, that one drags about; the server cuts it out of the whole pictures. Joined
// before compare.js.

const RESTED = 120; // ms after which the server hears where one looks
const STEP = 0.25; // of what is seen, an arrow key
const closes = new WeakMap();

function closeOf(root, tell) {
  const close = closes.get(root) ?? new Close(root);
  closes.set(root, close);
  close.tell = tell;
  return close;
}

class Close {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.view = this.$(".close");
    this.button = this.$(".one-to-one");
    this.map = this.$(".map");
    this.at = { x: 0.5, y: 0.5 }; // the middle of what is seen, as shares of the whole
    this.button.addEventListener("click", () => this.open(this.view.hidden));
    this.view.addEventListener("keydown", (event) => this.pressed(event));
    let from = null; // where it was taken hold of
    this.view.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      from = { x: event.clientX, y: event.clientY, at: this.at };
      this.view.setPointerCapture(event.pointerId);
    });
    this.view.addEventListener("pointermove", (event) => {
      if (!from || !this.view.hasPointerCapture(event.pointerId)) return;
      const [height, width] = this.whole;
      this.look(from.at.x - (event.clientX - from.x) / width, from.at.y - (event.clientY - from.y) / height);
    });
    this.view.addEventListener("lostpointercapture", () => (from = null));
    const point = (event) => {
      if (!event.buttons) return;
      const box = this.map.getBoundingClientRect();
      this.look((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      event.preventDefault();
    };
    this.map.addEventListener("pointerdown", point);
    this.map.addEventListener("pointermove", point);
    this.$(".before").addEventListener("load", () => this.drawMap());
    new ResizeObserver(() => this.layout()).observe(this.$(".stack"));
  }

  // Whether what is pointed at is this one's, and not the line's.
  has(target) {
    return this.view.contains(target) || this.map.contains(target) || this.button === target;
  }

  get offered() {
    const { clientWidth: width } = this.$(".stack");
    return Boolean(this.whole) && this.whole[1] > width;
  }

  update({ whole, part, after_title }) {
    if (String(whole) !== String(this.whole)) this.clear(); // the same place in another size
    const anew = !this.whole && part; // what was looked at where the page is drawn anew
    this.whole = whole;
    if (anew) {
      this.at = { x: part.x, y: part.y };
      this.show(true);
    }
    for (const side of ["before", "after"]) {
      const image = this.$(`.close-${side}`);
      image.alt = part ? `${after_title}, a part of it, pixel for pixel: ${side}` : "";
      if (part) this.fetch(image, part[side], part);
    }
    this.layout();
  }

  // The same pixels may be those of another place, too: all black, where there are no edges.
  fetch(image, digest, part) {
    const wanted = `${digest} ${part.left} ${part.top}`;
    if (image.dataset.wanted === wanted) return;
    image.dataset.wanted = wanted;
    kept(digest, async (address) => {
      const next = new Image();
      next.src = address;
      await next.decode().catch(() => {}); // first, or the old one would be seen at the new one's place
      if (image.dataset.wanted !== wanted) return; // another one is wanted by now
      image.src = address;
      Object.assign(image.dataset, { left: part.left, top: part.top, width: next.naturalWidth });
      this.place(image);
    });
  }

  clear() {
    for (const side of ["before", "after"]) {
      const image = this.$(`.close-${side}`);
      image.removeAttribute("src");
      for (const name of ["wanted", "left", "top", "width"]) delete image.dataset[name];
    }
  }

  show(wanted) {
    this.view.hidden = this.map.hidden = !wanted;
    this.button.setAttribute("aria-pressed", String(wanted));
  }

  open(wanted) {
    this.show(wanted);
    if (wanted) this.view.focus({ preventScroll: true });
    this.asked = null;
    if (!wanted) this.tell("look", null);
    this.layout();
  }

  pressed(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Escape") this.open(false), this.button.focus();
    else if (moves[event.key]) {
      const [x, y] = moves[event.key];
      const [height, width] = this.whole;
      const { clientWidth, clientHeight } = this.view;
      this.look(this.at.x + (STEP * x * clientWidth) / width, this.at.y + (STEP * y * clientHeight) / height);
    } else return;
    event.preventDefault();
  }

  look(x, y) {
    this.at = { x, y };
    this.layout();
  }

  // What is seen, and what the server is asked for where that is another part of the picture.
  layout() {
    this.button.hidden = !this.offered;
    if (!this.offered && !this.view.hidden) return this.open(false);
    if (this.view.hidden) return;
    this.drawMap();
    const [height, width] = this.whole;
    const { clientWidth: across, clientHeight: down } = this.view;
    const within = (share, seen, all) => {
      const margin = Math.min(0.5, seen / 2 / all);
      return Math.max(margin, Math.min(1 - margin, share));
    };
    this.at = { x: within(this.at.x, across, width), y: within(this.at.y, down, height) };
    this.left = Math.round(this.at.x * width - across / 2);
    this.top = Math.round(this.at.y * height - down / 2);
    const here = this.$(".here").style;
    [here.left, here.top] = [`${(100 * this.left) / width}%`, `${(100 * this.top) / height}%`];
    [here.width, here.height] = [`${(100 * across) / width}%`, `${(100 * down) / height}%`];
    for (const side of ["before", "after"]) this.place(this.$(`.close-${side}`));
    const asked = { ...this.at, width: across, height: down };
    if (JSON.stringify(asked) === JSON.stringify(this.asked)) return;
    this.asked = asked;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => !this.view.hidden && this.tell("look", asked), RESTED);
  }

  // Of the picture before: of edges there would be little to see. Drawn, since its address may be gone by now.
  drawMap() {
    const [before, canvas] = [this.$(".before"), this.map.querySelector("canvas")];
    if (this.view.hidden || !before.complete || !before.naturalWidth) return;
    [canvas.width, canvas.height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.getContext("2d").drawImage(before, 0, 0, canvas.width, canvas.height);
  }

  // What has come lies where it is in the picture, also where one has looked on meanwhile.
  place(image) {
    if (image.dataset.left === undefined) return;
    image.style.left = `${image.dataset.left - this.left}px`;
    image.style.top = `${image.dataset.top - this.top}px`;
    this.split();
  }

  split() {
    const image = this.$(".close-before");
    if (this.view.hidden || image.dataset.left === undefined) return;
    const line = (this.$("input").value / 100) * this.view.clientWidth;
    const width = Number(image.dataset.width);
    const beyond = image.dataset.left - this.left + width - line;
    image.style.clipPath = `inset(0 ${Math.max(0, Math.min(width, beyond))}px 0 0)`;
  }
}

