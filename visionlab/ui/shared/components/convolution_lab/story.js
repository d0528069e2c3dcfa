// What becomes of the responses: a square of the picture as a grid of numbers, and on through bias, ReLU, pooling, one
// row, weights, to softmax; cut into tiles; and moved, to see what moves along.

const STAGES = ["Response", "Response + bias", "After ReLU", "After ReLU", "After ReLU", "After ReLU", "After ReLU"];
const POOLED = 3; // from this stage on a place is one of the pooled grid
const ENDING = 4; // and from this one on its numbers stand in a row
const LARGEST_BIAS = 10000;
const PACES = [1, 2, 5, 10, 20, 60, 240]; // windows a second
const VIEWS = ["window", "tiles", "shift"];

export class Story {
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.at = null; // where the window is: row and column in the stage's own grid
    this.place = null; // the same as a share of the picture's height and width
    this.view = "window";
    this.stage = 0;
    this.tileStep = 0;
    this.held = false;
    this.bias = 0;
    this.$ = (selector) => root.querySelector(selector);
    this.walk = new Walk(root, PACES, {
      count: () => this.grid.values.length,
      place: () => this.at.row * this.grid.columns + this.at.column,
      go: (place) => this.put(Math.floor(place / this.grid.columns), place % this.grid.columns),
      frame: (part) => this.draw(part),
    });
    this.ending = new Ending(this.$(".ending"), (place) => this.walk.goTo(place));
    this.listen();
  }

  // What it was left at: what the lab remembers, or a link says.
  restore({ bias, view, stage, pace, shift }) {
    if (bias !== undefined) {
      this.bias = bias;
      this.$(".bias").value = fixed(bias, 6);
    }
    if (view !== undefined) this.view = view;
    if (stage !== undefined) this.stage = stage;
    if (pace !== undefined) this.walk.speed = pace;
    if (shift !== undefined) this.$(".shift").value = shift;
  }

  left() {
    const { bias } = this;
    const shift = Number(this.$(".shift").value);
    return { bias, view: this.view, stage: this.stage, pace: this.walk.speed, shift };
  }

  // --- what is computed ----------------------------------------------------------------------------------------------

  // What the kernel answers to the square, the picture moved right by `shift` pixels. Three channels that each have a
  // response of their own are told of in grey: one story at a time.
  runOf(shift = 0) {
    return correlateSquare(this.lab.told, this.lab.square, this.lab.weights, this.lab.how, shift);
  }

  compute() {
    this.run = this.runOf();
    this.biased = mapped(this.run.answers, (value) => value + this.bias);
    this.active = mapped(this.biased, (value) => Math.max(0, value));
    this.pool = pooled(this.active);
    // The same place of the picture, whatever slides over it now.
    if (this.at) this.at = this.within(this.ofWhole(this.lab.bench.cellAt(this.place)));
    else this.put(this.grid.rows >> 1, this.grid.columns >> 1);
    this.layout();
  }

  // The first response of the square among those of the whole picture.
  get first() {
    const [left, top] = this.lab.square;
    return { row: Math.ceil(top / this.lab.how.stride), column: Math.ceil(left / this.lab.how.stride) };
  }

  // Where a response of the whole picture is in the stage's grid, or would be.
  ofWhole({ row, column }) {
    return { row: (row - this.first.row) >> this.pooling, column: (column - this.first.column) >> this.pooling };
  }

  // Puts the window where it is in the whole picture, if it is in the square.
  lookAt(cell) {
    const { row, column } = this.ofWhole(cell);
    if (row >= 0 && column >= 0 && row < this.grid.rows && column < this.grid.columns) this.moveTo(row, column);
  }

  get pooling() {
    return Number(this.stage >= POOLED);
  }

  get grid() {
    return this.stage < POOLED ? [this.run.answers, this.biased, this.active][this.stage] : this.pool;
  }

  get shownGrid() {
    return [this.run.answers, this.biased, this.active][this.stage] ?? this.active;
  }

  put(row, column) {
    this.at = this.within({ row, column });
    const of = (side) => this.first[side] + (this.at[side] << this.pooling);
    this.place = this.lab.bench.placeOf({ row: of("row"), column: of("column") });
  }

  within({ row, column }) {
    const fit = (value, count) => Math.max(0, Math.min(count - 1, value));
    return { row: fit(row, this.grid.rows), column: fit(column, this.grid.columns) };
  }

  moveTo(row, column) {
    this.put(row, column);
    this.draw();
  }

  hold(held) {
    this.held = held ?? !this.held;
    if (this.held) this.walk.placed = true;
    this.draw();
  }

  // The cells of the answers under the window: one, or the four that are pooled.
  cells() {
    const { row, column } = this.at;
    if (this.stage < POOLED) return [[row, column]];
    return [[0, 0], [0, 1], [1, 0], [1, 1]].map(([i, j]) => [2 * row + i, 2 * column + j]);
  }

  activeAt([row, column]) {
    return this.active.values[row * this.active.columns + column];
  }

  // --- what a person does --------------------------------------------------------------------------------------------

  listen() {
    const on = (selector, event, act) => this.$(selector).addEventListener(event, act);
    this.root.querySelectorAll(".bar button").forEach((button) =>
      button.addEventListener("click", () => {
        this.walk.pause();
        const { view, stage, tile } = button.dataset;
        if (view) this.view = view;
        if (stage) this.goTo(Number(stage));
        if (tile) this.tileStep = Number(tile);
        this.layout();
        this.lab.keepNow();
      }),
    );
    this.root.querySelectorAll(".bar").forEach((bar) => bar.addEventListener("keydown", (event) => chooseByKey(bar, event)));
    on(".side", "input", (event) => {
      const [x, y, side] = this.lab.square;
      const grown = (Number(event.target.value) - side) / 2;
      this.lab.placeSquare(x - grown, y - grown, Number(event.target.value));
    });
    on(".bias", "input", ({ target }) => {
      const bias = readWeight(target.value);
      const usable = bias !== null && Math.abs(bias) <= LARGEST_BIAS;
      target.setAttribute("aria-invalid", String(!usable));
      this.$(".bias-refused").textContent = "";
      if (!usable) return;
      this.bias = bias;
      this.compute();
      this.lab.keep();
    });
    on(".bias", "change", ({ target }) => {
      if (target.getAttribute("aria-invalid") === "true") {
        const stays = `it stays ${fixed(this.bias, 6)}. Write a number like −20 or 0.5.`;
        this.$(".bias-refused").textContent = `${whyNot(target.value, "bias", LARGEST_BIAS)}: ${stays}`;
      }
      target.value = fixed(this.bias, 6);
      target.setAttribute("aria-invalid", "false");
    });
    on(".shift", "input", () => (this.drawShiftView(), this.lab.keep()));
    for (const each of [".side", ".bias", ".shift", ".speed"]) on(each, "change", () => this.lab.keepNow());
    const place = (row, column) => (this.stage < POOLED ? { row, column } : { row: row >> 1, column: column >> 1 });
    followed(this.$(".input"), this, (x, y) => {
      const { run, sizes } = this;
      const centre = (at, sides) => Math.round((at - (sides.span - 1) / 2) / run.how.stride);
      return place(centre(Math.floor(y / sizes.input), run.down), centre(Math.floor(x / sizes.input), run.across));
    });
    followed(this.$(".output"), this, (x, y) => place(Math.floor(y / this.sizes.output), Math.floor(x / this.sizes.output)));
    followed(this.$(".pool"), this, (x, y) => ({ row: Math.floor(y / this.sizes.pool), column: Math.floor(x / this.sizes.pool) }));
  }

  goTo(stage) {
    const { row, column } = this.at;
    if (stage >= POOLED && this.stage < POOLED) this.at = { row: row >> 1, column: column >> 1 };
    if (stage < POOLED && this.stage >= POOLED) this.at = { row: 2 * row, column: 2 * column };
    this.stage = stage;
    this.put(this.at.row, this.at.column);
  }

  get ready() {
    return Boolean(this.run);
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  layout() {
    const width = this.root.clientWidth;
    if (!this.run || !width) return;
    this.width = width;
    const { rows, columns } = this.run.planes[0]; // the square, and what its windows see around it
    // Before pooling: pixels, kernel, responses. From pooling on: what is pooled, and what is left.
    const shares = this.stage < POOLED ? [0.42, 0.17, 0.37, 0] : [0, 0, 0.56, 0.4];
    const room = (part) => (width >= 640 ? width * shares[part] - 12 : width - 2);
    const most = this.stage < ENDING ? 40 : 30;
    const size = (part, r, c) => Math.min(room(part) / Math.max(1, c), 400 / Math.max(1, r), most);
    const { answers, laid } = this.run;
    this.sizes = {
      input: size(0, rows, columns),
      kernel: size(1, laid.length, laid[0].length),
      output: size(2, answers.rows, answers.columns),
      pool: size(3, this.pool.rows, this.pool.columns),
    };
    sayStory(this);
    this.drawStill();
    this.draw();
  }

  pixelColour(y, x, planes = this.run.planes) {
    const values = planes.map((pixels) => pixels.values[y * pixels.columns + x]);
    return values.length === 3 ? values : tintOf(this.lab.channel).map((share) => Math.round(share * values[0]));
  }

  answerLook(grid) {
    return (y, x) => {
      const value = grid.values[y * grid.columns + x];
      return { fill: shade(value, this.lab.data.scale), text: brief(value) };
    };
  }

  // What does not change while the window moves is drawn once, and copied for each frame.
  drawStill() {
    const { run, sizes } = this;
    const { theme } = this.lab;
    const { rows, columns } = run.planes[0];
    const still = (rows, columns, size, look) => {
      const canvas = document.createElement("canvas");
      drawGrid(prepare(canvas, columns * size, rows * size), rows, columns, size, look, theme);
      return canvas;
    };
    const single = run.planes.length === 1;
    this.still = {
      input: still(rows, columns, sizes.input, (r, c) => {
        const text = single ? brief(run.planes[0].values[r * columns + c]) : undefined;
        return { fill: this.pixelColour(r, c), hatched: !run.real(r, c), text };
      }),
      output: still(this.shownGrid.rows, this.shownGrid.columns, sizes.output, this.answerLook(this.shownGrid)),
      pool: still(this.pool.rows, this.pool.columns, sizes.pool, this.answerLook(this.pool)),
    };
    const strongest = Math.max(1e-12, ...run.laid.flat().map(Math.abs));
    const context = prepare(this.$(".kernel"), run.laid[0].length * sizes.kernel, run.laid.length * sizes.kernel);
    const texts = spelled(run.laid.flat());
    const text = (y, x) => texts[y * run.laid[0].length + x];
    const look = (y, x) => ({ fill: diverging(run.laid[y][x], strongest), text: text(y, x), weight: run.laid[y][x] });
    drawGrid(context, run.laid.length, run.laid[0].length, sizes.kernel, look, theme);
    if (this.view === "tiles") this.drawTileView();
    if (this.view === "shift") this.drawShiftView();
  }

  // One frame. part, 0..1, is how far the window is on its way to the next place while it plays.
  draw(part = 0) {
    if (!this.still || this.view !== "window") return;
    if (this.lab.themeChanged()) return;
    const { run, sizes } = this;
    const { theme } = this.lab;
    const colour = this.held ? theme.pinned : theme.accent;
    const pooling = this.stage >= POOLED;
    if (pooling) this.drawPooling(colour, theme);
    else {
      const slide = this.at.column + 1 < this.grid.columns ? part : 0;
      const input = copy(this.$(".input"), this.still.input);
      const output = copy(this.$(".output"), this.still.output);
      if (!this.shownGrid.values.length) return explain(this);
      const step = run.how.stride * sizes.input;
      const [top, left] = [this.at.row * step, (this.at.column + slide) * step];
      frame(input, left, top, run.across.span * sizes.input, run.down.span * sizes.input, colour);
      if (run.how.dilation > 1) this.frameTaken(input, left, top);
      this.veil(output, this.shownGrid, sizes.output);
      frame(output, this.at.column * sizes.output, this.at.row * sizes.output, sizes.output, sizes.output, colour);
    }
    explain(this);
  }

  // From pooling on: which four are pooled, and the largest of them.
  drawPooling(colour, theme) {
    const { sizes } = this;
    const output = copy(this.$(".output"), this.still.output);
    const pool = copy(this.$(".pool"), this.still.pool);
    if (!this.pool.values.length) return;
    const cells = this.cells();
    const winner = cells.reduce((best, cell) => (this.activeAt(cell) > this.activeAt(best) ? cell : best));
    frame(output, 2 * this.at.column * sizes.output, 2 * this.at.row * sizes.output, 2 * sizes.output, 2 * sizes.output, colour);
    frame(output, winner[1] * sizes.output + 2, winner[0] * sizes.output + 2, sizes.output - 4, sizes.output - 4, theme.pinned, 1.5);
    this.veil(pool, this.pool, sizes.pool);
    frame(pool, this.at.column * sizes.pool, this.at.row * sizes.pool, sizes.pool, sizes.pool, colour);
    if (this.stage >= ENDING) this.ending.draw(this.pool, this.stage, this.walk.over.place(), theme, this.width - 4);
  }

  // While it plays, what is not computed yet is not shown yet.
  veil(context, grid, size) {
    if (!this.walk.playing) return;
    context.fillStyle = this.lab.theme.background;
    context.fillRect((this.at.column + 1) * size, this.at.row * size, grid.columns * size, size + 0.5);
    context.fillRect(0, (this.at.row + 1) * size, grid.columns * size + 1, grid.rows * size);
  }

  // With dilation the window has holes: thin frames mark the pixels that it takes, and leave their numbers to be read.
  frameTaken(context, left, top) {
    const { laid, how } = this.run;
    const size = this.sizes.input;
    const [inset, thick] = size < 30 ? [1.25, 1] : [2, 1.5];
    for (let i = 0; i < laid.length; i++) {
      for (let j = 0; j < laid[0].length; j++) {
        const [x, y] = [left + j * how.dilation * size + inset, top + i * how.dilation * size + inset];
        frame(context, x, y, size - 2 * inset, size - 2 * inset, this.lab.theme.accent, thick);
      }
    }
  }

  drawTileView() {
    this.$(".tile-text").textContent = tileText(this.tileStep, this.run);
    const colourOf = (y, x) => this.pixelColour(y, x);
    const shadeOf = (value) => shade(value, this.lab.data.scale);
    drawTiles(this.$(".tiles"), this.width - 4, this.tileStep, this.run, colourOf, shadeOf, this.active, this.lab.theme);
    this.$(".tiles").setAttribute("aria-label", tileText(this.tileStep, this.run));
  }

  drawShiftView() {
    const n = Number(this.$(".shift").value);
    this.$(".shift-shown").textContent = `${fixed(n, 0)} px`;
    if (this.view !== "shift") return;
    const after = this.runOf(n);
    const active = mapped(after.answers, (value) => Math.max(0, value + this.bias));
    const row = (seen, answers, pool, name) => [
      { name: `${name}: pixels`, grid: seen[0], look: (y, x) => ({ fill: this.pixelColour(y, x, seen) }) },
      { name: "Response", grid: answers, look: this.answerLook(answers) },
      { name: "ReLU, pooled", grid: pool, look: this.answerLook(pool) },
    ];
    const now = pooled(active);
    const rows = [
      row(this.run.planes, this.run.answers, this.pool, "Before"),
      row(after.planes, after.answers, now, "After"),
    ];
    drawShift(this.$(".shifted"), this.width - 4, rows, this.lab.theme);
    const largest = (grid) => ({ values: [Math.max(0, ...grid.values)] });
    const followed = moved(this.run, after, n);
    const changes = [change(this.active, active), change(this.pool, now), change(largest(this.active), largest(active))];
    const left = this.active.values.some((value) => value > 0);
    this.$(".shift-text").textContent = shiftText(n, this.run, left ? changes : null, followed);
    this.$(".shifted").setAttribute("aria-label", "Pixels, responses and pooled responses, before and after");
  }
}

// Arrow keys choose within a group of radio buttons, and Tab goes past it, as everywhere else.
export function chooseByKey(bar, event) {
  const buttons = [...bar.querySelectorAll("button")];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length];
  next.focus();
  next.click();
}
