// A picture as its numbers: one cell a pixel, as dark as the pixel is, and a line that tells of the one pointed at.

const NAMES = ["red", "green", "blue"];
const grids = new WeakMap();

export default function ({ data, parentElement }) {
  let grid = grids.get(parentElement);
  if (!grid) grids.set(parentElement, (grid = new Grid(parentElement)));
  grid.update(data);
}

class Grid {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.stage = this.$(".stage");
    this.at = null; // the cell that is told of
    const on = (event, act) => this.stage.addEventListener(event, act);
    on("pointermove", ({ target }) => target !== this.stage && this.tell([...this.stage.children].indexOf(target)));
    on("pointerleave", () => this.tell(null));
    on("focus", () => this.stage.matches(":focus-visible") && this.say(this.at ?? 0));
    on("blur", () => this.tell(null));
    on("keydown", (event) => {
      const next = moved(this.at ?? 0, event, this.data);
      if (next === undefined) return;
      event.preventDefault();
      this.say(next);
    });
  }

  update(data) {
    this.data = data;
    this.values = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
    this.stage.style.setProperty("--columns", data.width);
    // no higher than what is left of a screen below a page's head, so that all rows are in sight
    this.stage.style.setProperty("--widest", `min(${data.widest}px, ${62 * (data.width / data.height)}vh)`);
    this.stage.setAttribute("aria-label", data.what);
    this.stage.replaceChildren(...Array.from({ length: data.width * data.height }, (_, cell) => this.drawn(cell)));
    this.tell(this.at < data.width * data.height ? this.at : null);
  }

  pixel(cell) {
    const { channels } = this.data;
    return [...this.values.subarray(cell * channels, (cell + 1) * channels)];
  }

  drawn(cell) {
    const { channel } = this.data;
    const pixel = this.pixel(cell);
    const shades = channel === null ? pixel : [0, 1, 2].map((i) => (pixel.length === 1 || i === channel ? pixel[channel] : 0));
    const element = document.createElement("span");
    element.style.backgroundColor = `rgb(${shades})`;
    element.style.color = inkOn(shades);
    element.textContent = channel === null ? "" : pixel[channel];
    return element;
  }

  // The line for a cell; without one, what there is to do.
  words(cell) {
    const { width } = this.data;
    const place = `row ${Math.floor(cell / width)}, column ${cell % width}`;
    const pixel = this.pixel(cell);
    if (pixel.length === 1) return `${place}: ${pixel[0]}`;
    return `${place}: ${pixel.map((value, i) => `${NAMES[i]} ${value}`).join(", ")}`;
  }

  tell(cell) {
    if (this.at !== null) this.stage.children[this.at]?.classList.remove("told");
    this.at = cell;
    this.stage.children[cell]?.classList.add("told");
    this.$("figcaption").textContent = cell === null ? "Point at a pixel for its place and value." : this.words(cell);
  }

  say(cell) {
    this.tell(cell);
    this.stage.children[cell].scrollIntoView({ block: "nearest" });
    this.$(".live").textContent = this.words(cell);
  }
}

// The cell to which a key leads from another one; undefined for a key that leads nowhere.
function moved(cell, { key }, { width, height }) {
  const [row, column] = [Math.floor(cell / width), cell % width];
  const to = (y, x) => Math.max(0, Math.min(height - 1, y)) * width + Math.max(0, Math.min(width - 1, x));
  return {
    ArrowLeft: to(row, column - 1),
    ArrowRight: to(row, column + 1),
    ArrowUp: to(row - 1, column),
    ArrowDown: to(row + 1, column),
    Home: to(row, 0),
    End: to(row, width - 1),
  }[key];
}
