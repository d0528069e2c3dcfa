// Pictures on a plane: drawn as far as they are in sight, moved about, and drawn around. Joined after outbox.js.

const MOST = 60; // times as close as all of it
const FAR = 4; // pixels that a pointer may move and still click
const EDGE = 8; // pixels left free around all pictures
const LARGE = 48; // pixels of a picture's side at most, until one comes closer
const STEP = 60; // pixels that an arrow key moves by
const LONGER = 1.5; // times as close by a button or a key
const CUTS = 8e6; // pixels of all pictures as they are shown that are kept at most
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const spaces = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let space = spaces.get(parentElement);
  if (!space) spaces.set(parentElement, (space = new Space(parentElement)));
  space.update(data, setTriggerValue);
  return () => parentElement.isConnected || space.leave();
}

class Space {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.canvas = this.$(".stage > canvas");
    this.context = this.canvas.getContext("2d");
    this.outbox = new Outbox();
    this.view = { x: 0, y: 0, zoom: 1 }; // the place in the middle, and how close
    this.mode = "select";
    this.held = new Map(); // pointers that are down: where
    this.loop = null; // what is being drawn around, in pixels of the canvas
    this.cursor = null; // the picture that keys have gone to
    this.hovered = [null, null]; // the place that was last pointed at, and the picture there
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.canvas);
    this.listen();
  }

  update(data, setTriggerValue) {
    const before = this.data;
    this.data = data;
    this.outbox.hear(data.heard, setTriggerValue);
    if (before?.sheet !== data.sheet) {
      this.sheet = new Image();
      this.sheet.onload = () => {
        this.draw();
        this.hover(...this.hovered); // which has rested there since before there was a picture to enlarge
      };
      this.sheet.src = data.sheet;
    }
    this.spans = [0, 1].map((axis) => {
      const along = data.places.filter((_, i) => i % 2 === axis);
      return Math.max(0.02, Math.max(...along) - Math.min(...along));
    });
    this.chosen = new Set(data.chosen);
    this.marked = new Set(data.marked);
    this.off = new Set(data.off);
    if (before?.names.join() !== data.names.join()) this.cursor = null;
    const items = data.classes.map(([name, colour]) => {
      const item = document.createElement("li");
      const patch = document.createElement("i");
      patch.style.background = colour;
      item.append(patch, name);
      return item;
    });
    this.$(".legend").replaceChildren(...items);
    this.tell();
    this.draw();
  }

  leave() {
    this.watch.disconnect();
    this.outbox.close();
    cancelAnimationFrame(this.frame);
  }

  tell() {
    const count = this.chosen.size;
    this.$(".nothing").disabled = !count;
    this.$(".told").textContent = count ? `${count.toLocaleString("en")} shown below` : "";
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  get count() {
    return this.data.labels.length;
  }

  // Where a picture is, in pixels of the canvas.
  at(index) {
    const { places } = this.data;
    const scale = this.scale * this.view.zoom;
    return [
      this.width / 2 + (places[2 * index] - this.view.x) * scale,
      this.height / 2 + (places[2 * index + 1] - this.view.y) * scale,
    ];
  }

  // A picture's side in pixels while all of them are in sight.
  get small() {
    const room = 0.8 * Math.sqrt((this.width * this.height) / Math.max(1, this.count));
    return Math.min(LARGE, this.width / 12, Math.max(8, room));
  }

  get side() {
    return this.small * Math.sqrt(this.view.zoom);
  }

  paint() {
    const began = performance.now();
    const { canvas, context, data } = this;
    const ratio = window.devicePixelRatio || 1;
    [this.width, this.height] = [canvas.clientWidth, canvas.clientHeight];
    if (!this.width) return;
    const size = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const [across, down] = this.spans;
    const edge = 2 * EDGE + 1.2 * this.small; // a picture lies half beyond its place, its border and ring included
    this.scale = Math.min((this.width - edge) / across, (this.height - edge) / down);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const side = this.side;
    const some = this.chosen.size > 0;
    const late = [];
    const cuts = this.cut(side, ratio);
    for (let i = 0; i < this.count; i++) {
      if (this.chosen.has(i) || this.marked.has(i)) late.push(i); // over the others
      else this.stamp(i, side, some, cuts);
    }
    for (const i of late) this.stamp(i, side, some, cuts);
    if (this.cursor !== null) this.frameOf(this.cursor, side);
    if (this.loop) {
      context.beginPath();
      for (const [x, y] of this.loop) context.lineTo(x, y);
      context.closePath();
      context.fillStyle = "rgba(59, 143, 214, 0.18)";
      context.strokeStyle = "#3b8fd6";
      context.lineWidth = 1.5;
      context.fill();
      context.stroke();
    }
    canvas.dataset.ms = (performance.now() - began).toFixed(1);
    canvas.dataset.frames = Number(canvas.dataset.frames ?? 0) + 1;
    canvas.dataset.zoom = this.view.zoom.toFixed(2);
  }

  // All pictures as they are shown at that size: to scale thousands of them takes longer than a frame lasts. Null where
  // that is too much to keep, and where one is so close that few are in sight.
  cut(side, ratio) {
    const { data, sheet } = this;
    const whole = Math.ceil(ratio * (side + 2 * edgeOf(side)));
    const [width, height] = [data.columns, Math.ceil(this.count / data.columns)].map((along) => along * whole);
    if (width * height > CUTS || !loaded(sheet)) return null;
    const { cuts } = this;
    if (cuts?.data === data && cuts.sheet === sheet && cuts.side === side && cuts.ratio === ratio) return cuts;
    const canvas = cuts?.canvas ?? document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    for (let i = 0; i < this.count; i++) {
      const [column, row] = [i % data.columns, Math.floor(i / data.columns)];
      this.picture(context, i, ((column + 0.5) * whole) / ratio, ((row + 0.5) * whole) / ratio, side);
    }
    return (this.cuts = { canvas, whole, data, sheet, side, ratio });
  }

  // One picture in the colour of its class, its middle at (x, y).
  picture(context, i, x, y, side) {
    const { tile, columns, classes, labels } = this.data;
    const edge = edgeOf(side);
    const [left, top] = [x - side / 2, y - side / 2];
    context.fillStyle = classes[labels[i]][1];
    context.fillRect(left - edge, top - edge, side + 2 * edge, side + 2 * edge);
    if (!loaded(this.sheet)) return;
    const [column, row] = [i % columns, Math.floor(i / columns)];
    context.drawImage(this.sheet, column * tile, row * tile, tile, tile, left, top, side, side);
  }

  stamp(i, side, some, cuts) {
    const { context, data } = this;
    const [x, y] = this.at(i);
    if (x < -side || y < -side || x > this.width + side || y > this.height + side) return;
    const chosen = this.chosen.has(i);
    context.globalAlpha = (some && !chosen) || this.off.has(i) ? 0.35 : 1;
    if (cuts) {
      const { canvas: from, whole, ratio } = cuts;
      const [column, row] = [i % data.columns, Math.floor(i / data.columns)];
      const [left, top] = [x, y].map((at) => Math.round(at * ratio - whole / 2) / ratio); // whole pixels: a mere copy
      context.imageSmoothingEnabled = false;
      context.drawImage(from, column * whole, row * whole, whole, whole, left, top, whole / ratio, whole / ratio);
      context.imageSmoothingEnabled = true;
    } else this.picture(context, i, x, y, side);
    if (this.marked.has(i)) {
      context.strokeStyle = "#D55E00";
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, 0.85 * side, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  // Around the picture that keys have gone to, seen on every colour.
  frameOf(index, side) {
    const { context } = this;
    const [x, y] = this.at(index);
    const half = side / 2 + edgeOf(side) + 2;
    for (const [colour, width] of [
      ["white", 5],
      ["black", 2],
    ]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
  }

  // --- pointer and keys ------------------------------------------------------------------------------------------

  listen() {
    const { canvas } = this;
    for (const mode of ["select", "move"]) {
      const button = this.$(`.${mode}`);
      button.onclick = () => this.use(mode);
      button.onkeydown = (event) => {
        if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
        event.preventDefault();
        this.use(mode === "select" ? "move" : "select");
        this.$(`.${this.mode}`).focus();
      };
    }
    this.$(".in").onclick = () => this.zoom(LONGER);
    this.$(".out").onclick = () => this.zoom(1 / LONGER);
    this.$(".whole").onclick = () => this.look({ x: 0, y: 0, zoom: 1 });
    this.$(".nothing").onclick = () => this.choose([]);
    canvas.onpointerdown = (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      const place = this.place(event);
      this.held.set(event.pointerId, { place, from: place });
      this.loop = this.mode === "select" && this.held.size === 1 ? [place] : null;
    };
    canvas.onpointermove = (event) => {
      const place = this.place(event);
      const held = this.held.get(event.pointerId);
      if (!held) return this.hover(place);
      if (this.held.size === 2) this.pinch(event.pointerId, place);
      else if (this.mode === "move") this.shift(place[0] - held.place[0], place[1] - held.place[1]);
      else this.loop?.push(place);
      held.place = place;
      this.hover(null);
      this.draw();
    };
    canvas.onpointerup = (event) => this.release(event, true);
    canvas.onpointercancel = (event) => this.release(event, false);
    canvas.onpointerleave = () => this.hover(null);
    canvas.ontouchstart = (event) => event.preventDefault(); // as on the pad
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && document.activeElement !== canvas && canvas.getRootNode().activeElement !== canvas) return;
        event.preventDefault(); // else the page scrolls: until one has clicked here
        this.zoom(Math.exp(-event.deltaY / 400), this.place(event));
      },
      { passive: false },
    );
    canvas.onkeydown = (event) => {
      if (ARROWS[event.key] && event.shiftKey) this.step(ARROWS[event.key]);
      else if (event.key === "Enter" && this.cursor !== null) this.outbox.put({ near: this.cursor });
      else if (event.key === " " && this.cursor !== null) this.toggle(this.cursor);
      else if (ARROWS[event.key]) this.shift(STEP * ARROWS[event.key][0], STEP * ARROWS[event.key][1]);
      else if (["+", "="].includes(event.key)) this.zoom(LONGER);
      else if (event.key === "-") this.zoom(1 / LONGER);
      else if (event.key === "Escape") this.choose([]);
      else return;
      event.preventDefault();
    };
  }

  use(mode) {
    this.mode = mode;
    for (const each of ["select", "move"]) {
      this.$(`.${each}`).setAttribute("aria-checked", String(each === mode));
      this.$(`.${each}`).tabIndex = each === mode ? 0 : -1;
    }
    this.canvas.classList.toggle("moving", mode === "move");
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  release(event, done) {
    const held = this.held.get(event.pointerId);
    this.held.delete(event.pointerId);
    const loop = this.loop;
    this.loop = null;
    this.draw();
    if (!held || !done) return;
    const [x, y] = held.place;
    const far = Math.hypot(x - held.from[0], y - held.from[1]) > FAR || (loop?.length ?? 0) > 12;
    if (!far) {
      const index = this.under([x, y]);
      if (index !== null) this.outbox.put({ near: index });
    } else if (loop) {
      const found = [];
      for (let i = 0; i < this.count; i++) if (inside(this.at(i), loop)) found.push(i);
      this.choose(found);
    }
  }

  choose(indices) {
    if (!indices.length && !this.chosen.size) return;
    this.chosen = new Set(indices);
    this.tell();
    this.draw();
    this.outbox.put({ chosen: indices });
  }

  toggle(index) {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(index)) chosen.add(index);
    this.choose([...chosen]);
  }

  // To the picture that is nearest in the direction of a key, an eighth of a turn to either side: arrow keys pull the
  // plane, so the direction is the other one. From the middle of what is seen, where keys have gone nowhere yet.
  step([pullsX, pullsY]) {
    const [fromX, fromY] = this.cursor === null ? [this.width / 2, this.height / 2] : this.at(this.cursor);
    let [found, nearest] = [null, Infinity];
    for (let i = 0; i < this.count; i++) {
      if (i === this.cursor) continue;
      const [x, y] = this.at(i);
      const [dx, dy] = [x - fromX, y - fromY];
      const along = -(dx * pullsX + dy * pullsY);
      const aside = Math.abs(dx * pullsY) + Math.abs(dy * pullsX);
      if (this.cursor !== null && (along <= 0 || aside > along)) continue;
      const far = Math.hypot(dx, dy);
      if (far < nearest) [found, nearest] = [i, far];
    }
    if (found === null) return;
    this.cursor = found;
    const [x, y] = this.at(found);
    const side = this.side;
    const beyond = (at, room) => Math.min(0, room - side - at) + Math.max(0, side - at);
    this.shift(beyond(x, this.width), beyond(y, this.height));
    this.hover(this.at(found), found);
    this.$(".spoken").textContent = this.called(found);
  }

  // The picture at a place: the one that is drawn last there.
  under([x, y]) {
    const half = this.side / 2;
    let found = null;
    for (let i = 0; i < this.count; i++) {
      const [left, top] = this.at(i);
      if (Math.abs(x - left) > half || Math.abs(y - top) > half) continue;
      const over = this.chosen.has(i) || this.marked.has(i);
      if (found === null || over || !(this.chosen.has(found) || this.marked.has(found))) found = i;
    }
    return found;
  }

  called(index) {
    const { names, labels, classes } = this.data;
    return `${names[index]} · ${classes[labels[index]][0]}`;
  }

  hover(place, index = place && this.under(place)) {
    const large = this.$(".large");
    this.hovered = [place, index];
    large.hidden = index === null || !loaded(this.sheet);
    if (large.hidden) return;
    const { tile, columns } = this.data;
    const [column, row] = [index % columns, Math.floor(index / columns)];
    const context = this.$(".large canvas").getContext("2d");
    context.drawImage(this.sheet, column * tile, row * tile, tile, tile, 0, 0, 144, 144);
    this.$(".large figcaption").textContent = this.called(index);
    const [x, y] = place;
    large.style.left = `${x + 20 + 160 > this.width ? x - 172 : x + 20}px`;
    large.style.top = `${Math.max(0, Math.min(y - 40, this.height - 200))}px`;
  }

  // --- moving about ----------------------------------------------------------------------------------------------

  look(view) {
    this.view = view;
    this.hover(null);
    this.draw();
  }

  shift(dx, dy) {
    const scale = this.scale * this.view.zoom;
    const within = (value) => Math.max(-0.6, Math.min(0.6, value));
    this.look({ ...this.view, x: within(this.view.x - dx / scale), y: within(this.view.y - dy / scale) });
  }

  // What is at that place, in pixels of the canvas, stays there.
  zoom(by, [x, y] = [this.width / 2, this.height / 2]) {
    const zoom = Math.max(1, Math.min(MOST, this.view.zoom * by));
    const [before, after] = [this.scale * this.view.zoom, this.scale * zoom];
    const [dx, dy] = [x - this.width / 2, y - this.height / 2];
    if (zoom === 1) return this.look({ x: 0, y: 0, zoom });
    this.look({ x: this.view.x + dx / before - dx / after, y: this.view.y + dy / before - dy / after, zoom });
  }

  pinch(pointer, place) {
    const [other] = [...this.held].filter(([id]) => id !== pointer).map(([, held]) => held.place);
    const before = this.held.get(pointer).place;
    const apart = (one) => Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1]));
    this.zoom(apart(place) / apart(before), other);
  }
}

// How wide the border of a picture is.
function edgeOf(side) {
  return Math.max(1, side / 14);
}

function loaded(image) {
  return image?.complete && image.naturalWidth > 0;
}

// Whether a place lies within a closed line: how often a ray from it crosses that.
function inside([x, y], line) {
  let found = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [line[i], line[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) found = !found;
  }
  return found;
}
