// The drawing itself: what is drawn, pointed at and chosen. Joined after slabs.js.

const drawings = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let drawing = drawings.get(parentElement);
  if (!drawing) drawings.set(parentElement, (drawing = new Drawing(parentElement)));
  drawing.update(data, setStateValue);
}

class Drawing {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.svg = this.$("svg");
    this.choice = new Choice();
    this.listen();
    new ResizeObserver(() => this.available() !== this.drawn && this.draw()).observe(this.$(".scroller"));
  }

  update(data, setStateValue) {
    this.choice.hear(data, setStateValue);
    const same = this.layers && JSON.stringify(this.layers) === JSON.stringify(data.layers);
    if (same) return this.mark();
    this.layers = data.layers;
    this.pointed = null;
    this.legend();
    this.draw();
  }

  legend() {
    const kinds = new Map(this.layers.map(({ kind }) => [KINDS[kind].label, kind]));
    this.$(".legend").replaceChildren(...[...kinds].map(([label, kind]) => {
      const item = document.createElement("li");
      item.className = kind;
      item.textContent = label;
      return item;
    }));
  }

  available() {
    return this.$(".scroller").clientWidth;
  }

  draw() {
    this.drawn = this.available();
    if (!this.layers || !this.drawn) return;
    const context = document.createElement("canvas").getContext("2d");
    context.font = `600 11.5px ${getComputedStyle(this.svg).fontFamily}`;
    const { width, slabs, blocks } = arrange(this.layers, this.drawn, (text) => context.measureText(text).width);
    const focused = this.svg.contains(this.svg.getRootNode().activeElement);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", HEIGHT);
    const reaches = slabs.map(({ reach: [from, to] }, index) =>
      element("rect", { class: "reach", x: from, y: 0, width: to - from, height: FLOOR, "data-index": index }));
    const flow = element("path", { class: "flow", d: `M${slabs[0].start} ${AXIS}H${slabs.at(-1).end}` });
    this.reaches = slabs.map(({ start, end }) => [start, end]);
    this.slabs = slabs.map((slab, index) => this.slab(slab, index));
    const labels = blocks.flatMap(({ name, size, middle }) => [
      element("text", { class: "block", x: middle, y: FLOOR + 16 }, name),
      element("text", { class: "size", x: middle, y: FLOOR + 31 }, size),
    ]);
    this.svg.replaceChildren(...reaches, flow, ...this.slabs, ...labels);
    this.mark();
    fade(this.$(".scroller"));
    if (focused) this.svg.querySelector("[tabindex='0']").focus();
  }

  slab(slab, index) {
    const layer = this.layers[index];
    const what = { role: "radio", "aria-label": layer.facts, "data-index": index };
    const group = element("g", { class: `slab ${layer.kind}`, ...what });
    const lifted = element("g", { class: "lifted" });
    for (const [face, d] of Object.entries(facesOf(slab))) lifted.append(element("path", { class: face, d }));
    const [x, y] = [slab.x + slab.thick / 2, slab.y + slab.tall];
    group.append(lifted, element("path", { class: "caret", d: `M${x} ${y}l4.5 6h-9z` }));
    return group;
  }

  mark() {
    if (!this.slabs) return;
    const chosen = this.layers.findIndex(({ name }) => name === this.choice.now);
    this.slabs.forEach((slab, index) => {
      slab.setAttribute("aria-checked", String(index === chosen));
      slab.setAttribute("tabindex", index === (this.pointed ?? Math.max(0, chosen)) ? 0 : -1);
      slab.classList.toggle("pointed", index === this.pointed);
    });
    if (chosen !== this.shown || this.drawn !== this.shownAt) this.bringIntoSight(chosen);
    const { name, facts } = this.layers[this.pointed ?? chosen] ?? { name: "", facts: "" };
    this.$(".name").textContent = name;
    this.$(".facts").textContent = facts.slice(name.length); // they begin with it
  }

  // Where the drawing is wider than its place, the chosen layer is in it once it is chosen: then one may slide on.
  bringIntoSight(chosen) {
    [this.shown, this.shownAt] = [chosen, this.drawn];
    if (this.reaches[chosen]) bringIntoSight(this.$(".scroller"), ...this.reaches[chosen], "x");
  }

  point(index) {
    if (index === this.pointed) return;
    this.pointed = index;
    this.mark();
  }

  choose(index) {
    this.choice.make(this.layers[index].name);
    this.mark();
  }

  listen() {
    const under = ({ target }) => {
      const found = target.closest("[data-index]");
      return found ? Number(found.dataset.index) : null;
    };
    const on = (event, act) => this.svg.addEventListener(event, act);
    on("pointermove", (event) => this.point(under(event)));
    on("pointerleave", () => this.point(null));
    on("focusout", () => this.point(null));
    on("click", (event) => {
      const index = under(event);
      if (index !== null) this.choose(index);
    });
    on("keydown", (event) => {
      const at = under(event);
      const last = this.layers.length - 1;
      const next = {
        ArrowLeft: Math.max(0, at - 1),
        ArrowUp: Math.max(0, at - 1),
        ArrowRight: Math.min(last, at + 1),
        ArrowDown: Math.min(last, at + 1),
        Home: 0,
        End: last,
      }[event.key];
      if (next !== undefined) {
        this.slabs[next].focus();
        this.point(next);
      } else if (event.key === "Enter" || event.key === " ") this.choose(at);
      else return;
      event.preventDefault();
    });
  }
}

function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
