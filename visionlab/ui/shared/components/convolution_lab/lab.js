// The lab itself: what is chosen, what is shown, what the pointer and the keys do. Joined after the other files.

const STAGES = ["Response", "Response + bias", "After ReLU", "After ReLU"];
const SPEEDS = [1, 2, 5, 10, 20, 60, 240]; // windows a second
const GREY = [0.299, 0.587, 0.114]; // ITU-R BT.601, as the page's grey pictures
const DEFAULT_SIDE = 10; // small enough that every cell has room for its number
const labs = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let lab = labs.get(parentElement);
  if (!lab) {
    lab = new Lab(parentElement.querySelector(".lab"), setStateValue);
    labs.set(parentElement, lab);
  }
  lab.tell = setStateValue;
  lab.update(data);
  return () => lab.pause();
}

class Lab {
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.at = null; // where the window is: row and column in the stage's own grid
    this.view = "window";
    this.stage = 0;
    this.tileStep = 0;
    this.pinned = false;
    this.playing = false;
    this.resumable = false;
    this.width = 0;
    this.$ = (selector) => root.querySelector(selector);
    listen(this);
    new ResizeObserver(() => this.layout()).observe(root);
  }

  // --- what is chosen ------------------------------------------------------------------------------------------------

  async update(data) {
    const picture = data.picture !== this.data?.picture;
    this.data = data;
    if (picture) {
      const image = new Image();
      image.src = await new Promise((use) => kept(data.picture, use));
      await image.decode();
      if (data !== this.data) return; // a newer picture came in meanwhile
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      this.image = image;
      this.pixels = context.getImageData(0, 0, canvas.width, canvas.height);
      const most = Math.min(32, canvas.width, canvas.height);
      const [x, y, side] = data.square ?? this.square ?? [Infinity, Infinity, DEFAULT_SIDE];
      const middle = (whole) => Math.floor((whole - Math.min(side, most)) / 2);
      this.square = [x === Infinity ? middle(canvas.width) : x, y === Infinity ? middle(canvas.height) : y, side];
      this.$(".side").max = most;
      this.$(".side").min = Math.min(8, most);
    }
    if (!this.pixels) return;
    this.placeSquare(...this.square);
  }

  placeSquare(x, y, side) {
    const { width, height } = this.pixels;
    const most = Math.min(32, width, height);
    const fit = (value, low, high) => Math.max(low, Math.min(high, Math.round(value)));
    side = fit(side, Math.min(8, most), most);
    this.square = [fit(x, 0, width - side), fit(y, 0, height - side), side];
    this.compute();
  }

  // The square's planes, its left edge moved by `shift` pixels (beyond the picture its edge pixel goes on).
  planes(shift = 0) {
    const [left, top, side] = this.square;
    const { width, data } = this.pixels;
    const at = (y, x) => 4 * ((top + y) * width + Math.max(0, Math.min(width - 1, left + x - shift)));
    const channel = (k) => plane(side, side, (y, x) => data[at(y, x) + k]);
    const chosen = this.$(".channels").value;
    if (chosen === "sum") return [0, 1, 2].map(channel);
    if (chosen !== "grey") return [channel(["red", "green", "blue"].indexOf(chosen))];
    return [plane(side, side, (y, x) => GREY.reduce((sum, weight, k) => sum + weight * data[at(y, x) + k], 0))];
  }

  compute() {
    const how = { stride: this.data.stride, dilation: this.data.dilation, border: this.data.border, flip: this.data.flip };
    this.bias = Number(this.$(".bias").value) || 0;
    this.run = correlate(this.planes(), this.data.weights, how);
    this.biased = mapped(this.run.answers, (value) => value + this.bias);
    this.active = mapped(this.biased, (value) => Math.max(0, value));
    this.pool = pooled(this.active);
    this.limit = Math.max(1e-12, ...this.run.answers.values.map(Math.abs), ...this.biased.values.map(Math.abs));
    this.at ??= { row: this.run.answers.rows >> 1, column: this.run.answers.columns >> 1 };
    this.moveTo(this.at.row, this.at.column, false);
    this.layout();
  }

  get grid() {
    return [this.run.answers, this.biased, this.active, this.pool][this.stage];
  }

  get shownGrid() {
    return [this.run.answers, this.biased, this.active, this.active][this.stage];
  }

  moveTo(row, column, draw = true) {
    this.resumable = false;
    const { rows, columns } = this.grid;
    this.at = { row: Math.max(0, Math.min(rows - 1, row)), column: Math.max(0, Math.min(columns - 1, column)) };
    if (draw) this.draw();
  }

  moveBy(steps) {
    const { rows, columns } = this.grid;
    const count = rows * columns;
    if (!count) return;
    const place = (((this.at.row * columns + this.at.column + steps) % count) + count) % count;
    this.moveTo(Math.floor(place / columns), place % columns);
  }

  // The cells of the answers under the window: one, or the four that are pooled.
  cells() {
    const { row, column } = this.at;
    if (this.stage < 3) return [[row, column]];
    return [[0, 0], [0, 1], [1, 0], [1, 1]].map(([i, j]) => [2 * row + i, 2 * column + j]);
  }

  activeAt([row, column]) {
    return this.active.values[row * this.active.columns + column];
  }

  // --- playing ---------------------------------------------------------------------------------------------------------

  play() {
    if (!this.grid.values.length) return;
    if (!this.resumable) this.moveTo(0, 0, false);
    this.playing = true;
    this.pinned = false;
    this.$(".play").textContent = "❚❚ Pause";
    this.$(".play").setAttribute("aria-label", "Pause");
    let last = null;
    let owed = 0;
    let frames = 0;
    let since = null;
    const tick = (now) => {
      if (!this.playing) return;
      if (!this.root.isConnected) return this.pause();
      since ??= now;
      frames += 1;
      if (now - since >= 1000) {
        this.root.dataset.fps = ((frames * 1000) / (now - since)).toFixed(1);
        [frames, since] = [0, now];
      }
      owed += ((now - (last ?? now)) / 1000) * SPEEDS[Number(this.$(".speed").value)];
      last = now;
      const steps = Math.floor(owed);
      owed -= steps;
      const { columns, values } = this.grid;
      const place = this.at.row * columns + this.at.column + steps;
      if (place >= values.length) {
        this.moveTo(Infinity, Infinity, false);
        this.pause();
        this.resumable = false;
        return;
      }
      this.at = { row: Math.floor(place / columns), column: place % columns };
      this.draw(owed);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    const was = this.playing;
    this.playing = false;
    this.resumable = was; // play goes on from here, unless the window is put elsewhere first
    this.$(".play").textContent = "▶ Play";
    this.$(".play").setAttribute("aria-label", "Play");
    if (was && this.run) this.draw();
  }

  // --- drawing ---------------------------------------------------------------------------------------------------------

  layout() {
    this.width = this.root.clientWidth;
    if (!this.run || !this.width) return;
    this.theme = readTheme(this.root);
    const side = this.square[2];
    const rows = side + this.run.down.before + this.run.down.after;
    const columns = side + this.run.across.before + this.run.across.after;
    const wide = this.width >= 640;
    const share = this.stage === 3 ? [0.34, 0.15, 0.26, 0.15] : [0.42, 0.17, 0.33, 0];
    const room = (part) => (wide ? this.width * share[part] : this.width * [0.98, 0.4, 0.55, 0.4][part]) - 12;
    const tall = 380;
    const size = (part, r, c, most = 40) => Math.min(room(part) / Math.max(1, c), tall / Math.max(1, r), most);
    const { answers, laid } = this.run;
    this.sizes = {
      input: size(0, rows, columns),
      kernel: size(1, laid.length, laid[0].length, 44),
      output: size(2, answers.rows, answers.columns),
      pool: size(3, this.pool.rows, this.pool.columns),
      rows,
      columns,
    };
    say(this);
    this.drawStill();
    this.draw();
  }

  pixelColour(y, x, planes = this.run.planes) {
    const border = this.run.how.border;
    const values = planes.map((pixels) => {
      const [fy, fx] = [source(y, pixels.rows, border), source(x, pixels.columns, border)];
      return fy < 0 || fx < 0 ? 0 : pixels.values[fy * pixels.columns + fx];
    });
    if (values.length === 3) return values;
    const tint = { red: [1, 0.25, 0.25], green: [0.3, 1, 0.3], blue: [0.35, 0.45, 1] }[this.$(".channels").value];
    return (tint ?? [1, 1, 1]).map((share) => Math.round(values[0] * share));
  }

  answerLook(grid) {
    return (y, x) => {
      const value = grid.values[y * grid.columns + x];
      return { fill: diverging(value, this.limit), text: brief(value) };
    };
  }

  // What does not change while the window moves is drawn once, and copied for each frame.
  drawStill() {
    const { run, theme, sizes } = this;
    const still = (rows, columns, size, look) => {
      const canvas = document.createElement("canvas");
      drawGrid(prepare(canvas, columns * size, rows * size), rows, columns, size, look, theme);
      return canvas;
    };
    const side = this.square[2];
    const single = run.planes.length === 1;
    this.still = {
      input: still(sizes.rows, sizes.columns, sizes.input, (r, c) => {
        const [y, x] = [r - run.down.before, c - run.across.before];
        const outside = y < 0 || x < 0 || y >= side || x >= side;
        const fill = this.pixelColour(y, x);
        const value = single ? this.valueAt(run.planes[0], y, x) : undefined;
        return { fill, hatched: outside, text: single ? brief(value) : undefined };
      }),
      output: still(this.shownGrid.rows, this.shownGrid.columns, sizes.output, this.answerLook(this.shownGrid)),
      pool: still(this.pool.rows, this.pool.columns, sizes.pool, this.answerLook(this.pool)),
    };
    const strongest = Math.max(1e-12, ...run.laid.flat().map(Math.abs));
    const context = prepare(this.$(".kernel"), run.laid[0].length * sizes.kernel, run.laid.length * sizes.kernel);
    const look = (y, x) => ({ fill: diverging(run.laid[y][x], strongest), text: short(run.laid[y][x]) });
    drawGrid(context, run.laid.length, run.laid[0].length, sizes.kernel, look, theme);
    this.drawPicture();
    if (this.view === "tiles") this.drawTileView();
    if (this.view === "shift") this.drawShiftView();
  }

  valueAt(pixels, y, x) {
    const border = this.run.how.border;
    const [fy, fx] = [source(y, pixels.rows, border), source(x, pixels.columns, border)];
    return fy < 0 || fx < 0 ? 0 : pixels.values[fy * pixels.columns + fx];
  }

  drawPicture() {
    const canvas = this.$(".picture");
    const { naturalWidth, naturalHeight } = this.image;
    const scale = Math.min(260 / naturalWidth, 200 / naturalHeight);
    this.pictureScale = scale;
    const context = prepare(canvas, naturalWidth * scale, naturalHeight * scale);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(this.image, 0, 0, naturalWidth * scale, naturalHeight * scale);
    const [x, y, side] = this.square.map((value) => value * scale);
    frame(context, x, y, side, side, this.theme.accent);
    context.fillStyle = this.theme.accent;
    context.fillRect(x + side - 5, y + side - 5, 9, 9);
  }

  copy(canvas, still) {
    if (canvas.width !== still.width || canvas.height !== still.height) {
      const ratio = globalThis.devicePixelRatio || 1;
      prepare(canvas, still.width / ratio, still.height / ratio);
    }
    const context = canvas.getContext("2d");
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(still, 0, 0);
    context.restore();
    return context;
  }

  // One frame. part, 0..1, is how far the window is on its way to the next place while it plays.
  draw(part = 0) {
    if (!this.still || this.view !== "window") return;
    if (getComputedStyle(this.root).getPropertyValue("--st-background-color").trim() !== this.theme.background) {
      this.theme = readTheme(this.root); // the reader went over to dark mode, or back
      this.drawStill();
    }
    const { run, sizes } = this;
    const colour = this.pinned ? this.theme.pinned : this.theme.accent;
    const slide = this.at.column + 1 < this.grid.columns ? part : 0;
    const input = this.copy(this.$(".input"), this.still.input);
    const output = this.copy(this.$(".output"), this.still.output);
    if (this.shownGrid.values.length === 0) return explain(this);
    const cells = this.cells();
    const step = run.how.stride * sizes.input;
    const [wide, tall] = [run.across.span * sizes.input, run.down.span * sizes.input];
    const more = this.stage === 3 ? step : 0; // the four windows that are pooled, in one frame
    const [top, left] = [cells[0][0] * step, (cells[0][1] + slide) * step];
    frame(input, left, top, wide + more, tall + more, colour);
    if (this.stage === 3) {
      const winner = cells.reduce((best, cell) => (this.activeAt(cell) > this.activeAt(best) ? cell : best));
      frame(input, winner[1] * step, winner[0] * step, wide, tall, this.theme.pinned, 1.5);
    } else if (run.how.dilation > 1) this.drawDots(input, left, top);
    const done = this.playing ? this.at.row * this.grid.columns + this.at.column : Infinity;
    if (this.stage < 3) {
      this.veil(output, this.shownGrid, sizes.output, done);
      frame(output, this.at.column * sizes.output, this.at.row * sizes.output, sizes.output, sizes.output, colour);
    } else {
      frame(output, 2 * this.at.column * sizes.output, 2 * this.at.row * sizes.output, 2 * sizes.output, 2 * sizes.output, colour);
      const pool = this.copy(this.$(".pool"), this.still.pool);
      if (this.pool.values.length) {
        this.veil(pool, this.pool, sizes.pool, done);
        frame(pool, this.at.column * sizes.pool, this.at.row * sizes.pool, sizes.pool, sizes.pool, colour);
      }
    }
    explain(this);
  }

  // While it plays, what is not computed yet is not shown yet.
  veil(context, grid, size, done) {
    if (done === Infinity) return;
    context.fillStyle = this.theme.background;
    const [row, column] = [Math.floor(done / grid.columns), done % grid.columns];
    context.fillRect((column + 1) * size, row * size, grid.columns * size, size + 0.5);
    context.fillRect(0, (row + 1) * size, grid.columns * size + 1, grid.rows * size);
  }

  // With dilation the window has holes: dots mark the pixels that it takes.
  drawDots(context, left, top) {
    const { laid, how } = this.run;
    const size = this.sizes.input;
    for (let i = 0; i < laid.length; i++) {
      for (let j = 0; j < laid[0].length; j++) {
        context.beginPath();
        context.arc(left + (j * how.dilation + 0.5) * size, top + (i * how.dilation + 0.5) * size, Math.max(2, size * 0.14), 0, 7);
        context.fillStyle = "#ffffff";
        context.fill();
        context.strokeStyle = this.theme.accent;
        context.lineWidth = 1.5;
        context.stroke();
      }
    }
  }

  drawTileView() {
    this.$(".tile-text").textContent = tileText(this.tileStep, this.run);
    const colourOf = (y, x) => this.pixelColour(y, x);
    drawTiles(this.$(".tiles"), this.width - 4, this.tileStep, this.run, colourOf, this.limit, this.active, this.theme);
    this.$(".tiles").setAttribute("aria-label", tileText(this.tileStep, this.run));
  }

  drawShiftView() {
    const n = Number(this.$(".shift").value);
    this.$(".shift-shown").textContent = `${n} px`;
    const planes = this.planes(n);
    const after = correlate(planes, this.data.weights, this.run.how);
    const active = mapped(after.answers, (value) => Math.max(0, value + this.bias));
    const row = (seen, answers, pool, name) => [
      { name: `${name}: pixels`, grid: seen[0], look: (y, x) => ({ fill: this.pixelColour(y, x, seen) }) },
      { name: "Response", grid: answers, look: this.answerLook(answers) },
      { name: "ReLU, pooled", grid: pool, look: this.answerLook(pool) },
    ];
    const now = pooled(active);
    const rows = [row(this.run.planes, this.run.answers, this.pool, "Before"), row(planes, after.answers, now, "After")];
    drawShift(this.$(".shifted"), this.width - 4, rows, this.theme);
    const largest = (grid) => ({ values: [Math.max(0, ...grid.values)] });
    const followed = moved(this.run.answers, after.answers, n, this.run);
    const pooledChange = { pooled: change(this.pool, now), whole: change(largest(this.active), largest(active)) };
    this.$(".shift-text").textContent = shiftText(n, this.run, change(this.active, active), pooledChange, followed);
  }
}
