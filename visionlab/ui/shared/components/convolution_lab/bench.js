// The picture, the kernel, and the response, side by side: the window under the pointer, its products, and their sum.

const STRIDES = [1, 5, 20, 100, 500, 2000, 10000]; // windows a second
const TALLEST = 340; // pixels: what leaves room for the sum on the same screen

export class Bench {
  constructor(root, lab) {
    this.root = root;
    this.lab = lab;
    this.at = null; // where the window is: row and column of the response
    this.held = false;
    this.begin = null; // where the window is to be at first, where that is known
    this.$ = (selector) => root.querySelector(selector);
    this.walk = new Walk(root, STRIDES, {
      count: () => this.laid.rows * this.laid.columns,
      place: () => this.at.row * this.laid.columns + this.at.column,
      go: (place) => this.put(Math.floor(place / this.laid.columns), place % this.laid.columns),
      frame: () => this.draw(),
    });
    this.listen();
  }

  // Another picture, kernel, or way to slide it.
  update(picture) {
    const { data, weights } = this.lab;
    this.laid = laidOn(this.lab.planes, weights, this.lab.how);
    if (this.place && !picture) {
      const { row, column } = this.cellAt(this.place);
      this.at = this.within(row, column); // the same place of the picture, whatever slides over it now
    } else {
      const { row, column } = this.begin ?? (this.lab.square ? this.middleOf(this.lab.square) : this.striking());
      this.begin = null;
      this.put(row, column);
    }
    this.$(".picture-title").textContent = `Picture, ${this.lab.pixels.width} × ${this.lab.pixels.height} px`;
    this.$(".response-title").textContent = `Response of ${data.title}`;
    this.$(".about").textContent = data.about;
    this.lay();
  }

  // Where something answers: of a few hundred places around the middle, the one with the largest sum. A negative one
  // would be 0 from ReLU on.
  striking() {
    const { rows, columns } = this.laid;
    let best = { row: rows >> 1, column: columns >> 1, size: -Infinity };
    for (let i = 0; i < 24; i++) {
      for (let j = 0; j < 24; j++) {
        const [row, column] = [Math.floor((rows * (i + 8)) / 40), Math.floor((columns * (j + 8)) / 40)];
        const size = this.sumAt(row, column);
        if (size > best.size) best = { row, column, size };
      }
    }
    return best;
  }

  sumAt(row, column) {
    return termsOf(this.laid, row, column).reduce((sum, term) => sum + term.product, 0);
  }

  middleOf([x, y, side]) {
    return this.cellOver(y + side / 2 - 0.5, x + side / 2 - 0.5);
  }

  // The response whose window has its middle nearest to that pixel.
  cellOver(y, x) {
    const near = (place, sides) => Math.round((place + sides.before - (sides.span - 1) / 2) / this.lab.how.stride);
    return { row: near(y, this.laid.down), column: near(x, this.laid.across) };
  }

  // The window's top left pixel, which may lie beyond the edge.
  cornerOf({ row, column }) {
    return [row * this.lab.how.stride - this.laid.down.before, column * this.lab.how.stride - this.laid.across.before];
  }

  within(row, column) {
    const fit = (value, count) => Math.max(0, Math.min(count - 1, value));
    return { row: fit(row, this.laid.rows), column: fit(column, this.laid.columns) };
  }

  put(row, column) {
    this.at = this.within(row, column);
    this.place = this.placeOf(this.at);
  }

  // The middle of a response's window, as shares of the picture's height and width; and back.
  placeOf(cell) {
    const [top, left] = this.cornerOf(cell);
    const { width, height } = this.lab.pixels;
    return { y: (top + this.laid.down.span / 2) / height, x: (left + this.laid.across.span / 2) / width };
  }

  cellAt({ y, x }) {
    return this.cellOver(y * this.lab.pixels.height - 0.5, x * this.lab.pixels.width - 0.5);
  }

  moveTo(row, column) {
    this.put(row, column);
    this.draw();
  }

  hold(held) {
    this.held = held ?? !this.held;
    if (this.held) this.walk.placed = true;
    else this.lab.keep();
    this.draw();
    if (this.held) {
      this.lab.squareAround(...this.cornerOf(this.at), this.laid.down.span, this.laid.across.span);
      this.lab.story.lookAt(this.at);
    }
  }

  listen() {
    followed(this.$(".picture"), this, (x, y) => this.cellOver(Math.floor(y / this.scale), Math.floor(x / this.scale)));
    followed(this.$(".response"), this, (x, y) => {
      const { left, top, cell } = this.answerBox;
      return { row: Math.floor((y - top) / cell), column: Math.floor((x - left) / cell) };
    });
    this.$(".fit").addEventListener("click", () => this.lab.tell("fit", { stamp: Date.now(), on: this.fits === false }));
  }

  get ready() {
    return Boolean(this.still);
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  layout() {
    this.lay();
    this.draw();
  }

  // What does not change while the window moves is drawn once, and copied for each frame.
  lay() {
    if (!this.laid || !this.root.clientWidth) return;
    const { width, height } = this.lab.pixels;
    const room = this.$(".see").clientWidth;
    this.scale = Math.min(room / width, TALLEST / height);
    const cell = this.lab.how.stride * this.scale;
    const offset = ({ span, before }) => ((span - this.lab.how.stride) / 2 - before) * this.scale;
    this.answerBox = { left: offset(this.laid.across), top: offset(this.laid.down), cell };
    const { awaiting, ahead } = this.lab;
    const response = awaiting && !ahead && this.still?.response; // until the new one comes
    this.still = { picture: this.drawn(), response: response || document.createElement("canvas") };
    if (!response) this.drawResponse();
  }

  // The picture at this scale.
  drawn() {
    const { seen, pixels } = this.lab;
    const of = [seen, this.scale, globalThis.devicePixelRatio];
    if (this.still && of.every((part, k) => part === this.drawnOf[k])) return this.still.picture;
    this.drawnOf = of;
    const [wide, tall] = [pixels.width * this.scale, pixels.height * this.scale];
    const canvas = document.createElement("canvas");
    const context = prepare(canvas, wide, tall);
    context.imageSmoothingEnabled = this.scale < 1;
    context.drawImage(seen, 0, 0, wide, tall);
    return canvas;
  }

  // The server's picture of the response, each value where its window's middle is.
  drawResponse() {
    if (!this.still) return;
    const { width, height } = this.lab.pixels;
    const context = prepare(this.still.response, width * this.scale, height * this.scale);
    context.fillStyle = this.lab.theme.panel;
    context.fillRect(0, 0, width * this.scale, height * this.scale);
    const { left, top, cell } = this.answerBox;
    const { rows, columns } = this.laid;
    context.imageSmoothingEnabled = cell < 1;
    if (this.lab.response) context.drawImage(this.lab.response, left, top, columns * cell, rows * cell);
    this.drawLegend();
  }

  drawLegend() {
    const { mode, low, high } = this.lab.data.scale;
    const stops = Array.from({ length: 13 }, (_, k) => low + ((high - low) * k) / 12);
    const colours = stops.map((value) => css(shade(value, this.lab.data.scale)));
    this.$(".ramp").style.background = `linear-gradient(to right, ${colours.join(", ")})`;
    this.$(".low").textContent = exact(low);
    const { title, plain } = this.lab.data.scale;
    this.fits = this.lab.data.fit;
    const beyond = this.fits && mode !== "clip" ? " and more" : "";
    this.$(".high").textContent = (mode === "absolute" ? "±" : "") + exact(high) + beyond;
    this.$(".mode-word").textContent = title;
    this.$(".fit").hidden = this.fits && low === plain[0] && high === plain[1]; // nothing to choose from
    this.$(".fit").textContent = this.fits ? `Show ${exact(plain[0])} to ${exact(plain[1])}` : "Fit it to the response";
    this.$(".fit").title = this.fits ? "Fitted: what is beyond is shown as the ends are" : "Make what is weak visible";
  }

  // One frame.
  draw() {
    if (!this.still) return;
    if (this.lab.themeChanged()) return;
    const { theme } = this.lab;
    const colour = this.held ? theme.pinned : theme.accent;
    const picture = copy(this.$(".picture"), this.still.picture);
    const response = copy(this.$(".response"), this.still.response);
    if (this.lab.square) {
      const [x, y, side] = this.lab.square.map((value) => value * this.scale);
      dashed(picture, x, y, side, side);
    }
    const [top, left] = this.cornerOf(this.at).map((value) => value * this.scale);
    mark(picture, left, top, this.laid.across.span * this.scale, this.laid.down.span * this.scale, colour);
    const { left: x, top: y, cell } = this.answerBox;
    if (this.walk.playing) {
      response.fillStyle = theme.panel;
      response.fillRect(x + (this.at.column + 1) * cell, y + this.at.row * cell, this.laid.columns * cell, cell);
      response.fillRect(x - cell, y + (this.at.row + 1) * cell, (this.laid.columns + 2) * cell, this.laid.rows * cell);
    }
    mark(response, x + this.at.column * cell, y + this.at.row * cell, cell, cell, colour);
    this.say();
  }

  // The products and their sum, in figures and in words.
  say() {
    const { row, column } = this.at;
    const terms = termsOf(this.laid, row, column);
    const apart = this.lab.data.channel === "each";
    const groups = apart ? [0, 1, 2].map((k) => terms.filter((term) => term.plane === k)) : [terms];
    const sums = groups.map(written);
    drawSums(this.$(".sum"), this.laid, terms, sums, this.lab.theme, this.root.clientWidth);
    const names = ["red", "green", "blue"];
    const lines = sums.map(({ equation, text }, k) => {
      const line = document.createElement("span");
      const total = document.createElement("strong");
      total.textContent = text;
      const count = groups[k].length;
      line.append(`${apart ? `${names[k]}: ` : ""}${equation ?? `the sum of ${count} products`} = `, total);
      return line;
    });
    this.$(".equation").replaceChildren(...lines);
    const held = this.held && !this.walk.playing ? " · held: Esc, a click or a tap on it lets go" : "";
    this.$(".where").textContent = `Row ${row + 1}, column ${column + 1} of the response${held}`;
    if (this.walk.playing) return;
    const told = `Row ${row + 1}, column ${column + 1}: sum ${sums.map(({ text }) => text).join(", ")}`;
    if (this.$(".live").textContent !== told) this.$(".live").textContent = told;
  }
}

// Pixels, weights and products as three little grids, one row of them a channel, and what they add up to.
export function drawSums(box, laid, terms, sums, theme, width) {
  const rows = laid.planes.length;
  const [tall, wide] = [laid.laid.length, laid.laid[0].length];
  if (box.querySelectorAll("canvas").length !== 3 * rows) {
    const names = ["Under the window", "× weights", "= products"];
    box.replaceChildren(
      ...Array.from({ length: 3 * rows }, (_, k) => {
        const figure = document.createElement("figure");
        const caption = document.createElement("figcaption");
        const channel = rows > 1 ? ` (${["red", "green", "blue"][Math.floor(k / 3)]})` : "";
        caption.textContent = names[k % 3] + channel;
        figure.append(caption, document.createElement("canvas"));
        return figure;
      }),
    );
  }
  const room = Math.min((width - 48) / 3, rows > 1 ? 110 : width > 900 ? 200 : 150);
  const size = Math.min(room / wide, room / tall, 46);
  const strongest = Math.max(1e-12, ...laid.laid.flat().map(Math.abs));
  const [weights, products] = ["weights", "products"].map((part) => sums.flatMap((sum) => sum[part]));
  const largest = Math.max(1e-12, ...terms.map((term) => Math.abs(term.product)));
  box.querySelectorAll("canvas").forEach((canvas, k) => {
    const first = Math.floor(k / 3) * tall * wide;
    const context = prepare(canvas, wide * size, tall * size);
    const kinds = [
      (term) => ({ fill: [term.value, term.value, term.value], text: fixed(term.value, 6), hatched: !term.inside }),
      (term, at) => ({ fill: diverging(term.weight, strongest), text: weights[at], weight: term.weight }),
      (term, at) => ({ fill: diverging(term.product, largest), text: products[at] }),
    ];
    const look = (i, j) => kinds[k % 3](terms[first + i * wide + j], first + i * wide + j);
    drawGrid(context, tall, wide, size, look, theme);
    canvas.setAttribute("role", "img");
    const texts = Array.from({ length: tall * wide }, (_, at) => look(Math.floor(at / wide), at % wide).text);
    canvas.setAttribute("aria-label", texts.join(" "));
  });
}
