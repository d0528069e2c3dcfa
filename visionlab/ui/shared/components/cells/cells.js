// A picture of cells: which one is pointed at, which one is chosen, and what both are called.

const grids = new WeakMap();
const SCROLLBAR = 12; // CSS pixels that are left for it
const SLACK = 1.3; // times as high as it is to be: so much more is shown, rather than slid for a row or two

export default function ({ data, parentElement, setStateValue }) {
  let grid = grids.get(parentElement);
  if (!grid) grids.set(parentElement, (grid = new Cells(parentElement)));
  grid.update(data, setStateValue);
}

class Cells {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.stage = this.$(".stage");
    this.choice = new Choice();
    this.pointed = null; // the cell under the pointer, or the one that the keys have come to
    this.canvas = this.$("canvas");
    this.listen();
    new ResizeObserver(() => this.image && this.fold()).observe(this.$(".cells"));
  }

  // What comes from the server holds from when its picture can be shown; until then all stays as it is.
  update(data, setStateValue) {
    this.coming = data;
    if (this.data?.picture === data.picture) return this.show(data, setStateValue);
    kept(data.picture, async (address) => {
      const image = new Image();
      image.alt = "";
      image.draggable = false;
      image.src = address;
      await image.decode();
      if (this.coming !== data) return; // a newer one came in meanwhile
      this.image?.remove();
      this.image = image;
      this.stage.prepend(image);
      this.show(data, setStateValue);
    });
  }

  show(data, setStateValue) {
    this.data = data;
    this.choice.hear(data, setStateValue);
    if (this.pointed >= data.count) this.pointed = null;
    this.stage.setAttribute("aria-label", data.what);
    this.fold();
  }

  // Where cells would be too narrow to be told apart, fewer stand beside each other, and there are more rows.
  fold() {
    const { data, image } = this;
    const { naturalWidth: width, naturalHeight: height } = image;
    const [room, beside] = [this.$(".cells").clientWidth, Math.min(width, (data.tallest * width) / height)];
    if (!room) return; // it is not shown
    const across = Math.max(1, Math.floor((room - SCROLLBAR) / data.least));
    const folded = Math.min(room, beside) / data.columns < data.least && across < data.columns;
    this.grid = folded ? { columns: across, rows: Math.ceil(data.count / across) } : data;
    this.size = folded ? this.redraw() : [width, height];
    [image.hidden, this.canvas.hidden] = [folded, !folded];
    this.stage.style.aspectRatio = this.size.join(" / ");
    this.stage.style.maxWidth = folded ? "none" : `${(data.tallest * width) / height}px`;
    const slid = folded && (room * this.size[1]) / this.size[0] > SLACK * data.tallest;
    this.$(".place").style.maxHeight = slid ? `${data.tallest}px` : "none";
    this.$(".more").hidden = !slid;
    image.style.clipPath = outline(data, width, height);
    this.sharpen();
    this.mark();
    fade(this.$(".place"));
    this.countRows();
  }

  // How many rows there are beyond what is seen of them: below it, or else above it.
  countRows() {
    const { scrollTop, scrollHeight, clientHeight } = this.$(".place");
    const high = this.stage.clientHeight / this.grid.rows;
    const [below, above] = [scrollHeight - clientHeight - scrollTop, scrollTop].map((far) => Math.ceil(far / high - 0.5));
    const told = (count) => `${count} more ${count === 1 ? "row" : "rows"}`;
    this.$(".more").textContent = below > 0 ? `↓ ${told(below)}` : above > 0 ? `↑ ${told(above)}` : "";
  }

  // The cells in rows of another length; the size of that picture.
  redraw() {
    const { data: { columns, count, size, pitch }, grid, canvas } = this;
    canvas.width = grid.columns * pitch[1] - (pitch[1] - size[1]);
    canvas.height = grid.rows * pitch[0] - (pitch[0] - size[0]);
    const context = canvas.getContext("2d");
    for (let cell = 0; cell < count; cell++) {
      const [from, to] = [columns, grid.columns].map((all) => [cell % all * pitch[1], Math.floor(cell / all) * pitch[0]]);
      context.drawImage(this.image, ...from, pitch[1], pitch[0], ...to, pitch[1], pitch[0]);
    }
    return [canvas.width, canvas.height];
  }

  // Pixels that are drawn larger than they are stay squares.
  sharpen() {
    const shown = this.stage.clientWidth * devicePixelRatio;
    for (const drawn of [this.image, this.canvas]) {
      drawn.style.imageRendering = shown > this.size[0] ? "pixelated" : "auto";
    }
  }

  mark() {
    this.place(this.$(".chosen"), this.choice.now);
    this.place(this.$(".pointed"), this.pointed);
    const [name, note] = this.said(this.pointed ?? this.choice.now);
    this.$(".name").textContent = name;
    this.$(".note").textContent = note;
    this.bringIntoSight();
  }

  // Where it is slid, the chosen cell is in sight once it is chosen: then one may slide on.
  bringIntoSight() {
    const chosen = this.$(".chosen");
    if (this.seen === this.choice.now || chosen.hidden) return;
    this.seen = this.choice.now;
    bringIntoSight(this.$(".place"), chosen.offsetTop, chosen.offsetTop + chosen.offsetHeight, "y");
  }

  place(mark, cell) {
    mark.hidden = cell === null || cell >= this.data.count;
    if (mark.hidden) return;
    const { data: { size, pitch }, grid: { columns }, size: [width, height] } = this;
    mark.style.left = `${(100 * (cell % columns) * pitch[1]) / width}%`;
    mark.style.top = `${(100 * Math.floor(cell / columns) * pitch[0]) / height}%`;
    mark.style.width = `${(100 * size[1]) / width}%`;
    mark.style.height = `${(100 * size[0]) / height}%`;
  }

  // The name and the note of a cell.
  said(cell) {
    if (cell === null || cell >= this.data.count) return ["", ""];
    const { columns, names, notes } = this.data;
    const places = { index: cell, row: Math.floor(cell / columns), column: cell % columns };
    const fill = (text) => text.replace(/\{(index|row|column)\}/g, (_, place) => places[place]);
    return [names, notes ?? ""].map((texts) => (typeof texts === "string" ? fill(texts) : texts[cell]));
  }

  choose(cell) {
    this.choice.make(cell);
    this.mark();
  }

  point(cell) {
    if (cell === this.pointed) return;
    this.pointed = cell;
    this.mark();
  }

  // --- pointer and keys ------------------------------------------------------------------------------------------

  listen() {
    const on = (event, act) => this.stage.addEventListener(event, (e) => this.data && act(e));
    this.$(".place").addEventListener("scroll", () => this.data && this.countRows());
    on("pointermove", (event) => this.point(this.under(event)));
    on("pointerleave", () => this.point(null));
    on("click", (event) => {
      const cell = this.under(event);
      if (cell !== null) this.choose(cell);
    });
    on("focus", () => this.stage.matches(":focus-visible") && this.go(this.choice.now ?? 0));
    on("blur", () => this.point(null));
    on("keydown", (event) => {
      const at = this.pointed ?? this.choice.now ?? 0;
      const next = moved(at, event, { ...this.grid, count: this.data.count });
      if (next !== undefined) this.go(next);
      else if (event.key === "Enter" || event.key === " ") this.choose(at);
      else return;
      event.preventDefault();
    });
  }

  go(cell) {
    this.point(cell);
    this.$(".pointed").scrollIntoView({ block: "nearest" });
    const also = cell === this.choice.now ? ["chosen"] : [];
    this.$(".live").textContent = [...this.said(cell).filter(Boolean), ...also].join(", ");
  }

  // The gap after a cell counts as the cell's.
  under(event) {
    const { data: { count, pitch }, grid: { columns, rows }, size: [width, height] } = this;
    const box = this.stage.getBoundingClientRect();
    const at = (place, whole, pixels, step, most) =>
      Math.max(0, Math.min(most - 1, Math.floor(((place / whole) * pixels) / step)));
    const row = at(event.clientY - box.top, box.height, height, pitch[0], rows);
    const column = at(event.clientX - box.left, box.width, width, pitch[1], columns);
    const cell = row * columns + column;
    return cell < count ? cell : null;
  }
}

// What of the picture is cells: where the last row ends early, there is nothing to see.
function outline({ rows, columns, count, size, pitch }, width, height) {
  const left = count - (rows - 1) * columns;
  if (left === columns) return "none";
  const x = `${(100 * ((left - 1) * pitch[1] + size[1])) / width}%`;
  const y = `${(100 * ((rows - 2) * pitch[0] + size[0])) / height}%`;
  return `polygon(0 0, 100% 0, 100% ${y}, ${x} ${y}, ${x} 100%, 0 100%)`;
}

// The cell to which a key leads from another one; undefined for a key that leads nowhere.
function moved(cell, { key, ctrlKey, metaKey }, { rows, columns, count }) {
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  const end = Math.min(columns, count - row * columns) - 1; // the last column of this row
  const bottom = Math.floor((count - 1 - column) / columns); // the last row of this column
  const page = Math.max(1, Math.round(rows / 4));
  const across = (to) => row * columns + Math.max(0, Math.min(end, to));
  const down = (to) => Math.max(0, Math.min(bottom, to)) * columns + column;
  if (key === "ArrowLeft") return across(column - 1);
  if (key === "ArrowRight") return across(column + 1);
  if (key === "ArrowUp") return down(row - 1);
  if (key === "ArrowDown") return down(row + 1);
  if (key === "PageUp") return down(row - page);
  if (key === "PageDown") return down(row + page);
  if (key === "Home") return ctrlKey || metaKey ? 0 : across(0);
  if (key === "End") return ctrlKey || metaKey ? count - 1 : across(end);
  return undefined;
}
