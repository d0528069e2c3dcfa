// What the bench and the story share: the picture, the kernel, the square, and what the server hears. Joined last.

const DEFAULT_SIDE = 10; // pixels of the square: small enough that every cell has room for its number
const LARGEST_SIDE = 32;
const RESTED = 300; // ms after which the server hears what the lab was left at
// What decides a response and how it is shown, beside the kernel.
const LOOKED_AT = ["picture", "channel", "stride", "dilation", "border", "flip", "fit"];
const beside = (data) => JSON.stringify([data.scale.mode, ...LOOKED_AT.map((name) => data[name])]);
const labs = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let lab = labs.get(parentElement);
  if (!lab) {
    lab = new Lab(parentElement.querySelector(".lab"));
    labs.set(parentElement, lab);
  }
  lab.tell = setStateValue;
  lab.here ??= beforeLeaving(lab.root, () => lab.keeping && lab.keepNow());
  lab.update(data);
  return () => {
    if (!parentElement.isConnected) lab.here = lab.here?.();
    lab.bench.walk.pause();
    lab.story.walk.pause();
  };
}

// How much of red, green and blue a value of one channel is shown with.
export function tintOf(channel) {
  return { red: [1, 0.25, 0.25], green: [0.3, 1, 0.3], blue: [0.35, 0.45, 1] }[channel] ?? [1, 1, 1];
}

class Lab {
  constructor(root) {
    this.root = root;
    this.theme = readTheme(root);
    this.edits = new Set(); // the stamps of the kernels that were written here
    this.written = false; // whether the kernel that stands here is one of them
    this.ahead = null; // {stamp, scale} of the one whose response is shown although the server has not answered
    this.restored = false;
    this.bench = new Bench(root.querySelector(".bench"), this);
    this.story = new Story(root.querySelector(".story"), this);
    const send = paced((edit) => this.tell("edit", edit));
    this.kernel = new KernelGrid(root.querySelector(".kernel-panel"), (weights) => {
      this.weights = weights.map((row) => [...row]);
      this.written = true;
      const stamp = Math.max(Date.now(), this.stamp + 1 || 0);
      this.stamp = stamp;
      this.edits.add(stamp);
      send({ stamp, weights: this.weights }); // first: the server is at work while this side draws
      this.data = { ...this.data, title: "Yours", about: "" };
      this.lookAhead();
      this.compute(false);
      this.bench.draw();
      this.tellStory();
    });
    this.keeping = null;
    root.querySelector(".bench .speed").addEventListener("change", () => this.keepNow());
    new ResizeObserver(() => {
      this.kernel.layout();
      this.bench.layout();
      this.story.layout();
    }).observe(root);
  }

  async update(data) {
    const before = this.data;
    // The server sends back what was written here, maybe some keys ago: what stands here is newer.
    const echo = this.written && (this.edits.has(data.stamp) || data.given === before?.given);
    if (!echo || beside(data) !== beside(before)) this.ahead = null;
    this.data = this.isLate(data) ? { ...data, scale: this.ahead.scale } : data;
    const asked = data.asked && this.restored && data.asked.stamp !== before?.asked?.stamp;
    if (!this.restored) this.restore(data.left);
    if (asked) {
      this.story.restore(data.asked);
      this.storyOf = null; // it is another one, of the same
    }
    const how = JSON.stringify(this.how);
    this.how = { stride: data.stride, dilation: data.dilation, border: data.border, flip: data.flip };
    if (before && JSON.stringify(this.how) !== how) this.keep(); // the same place of the picture has other numbers now
    if (!echo) {
      this.written = false;
      this.weights = data.weights;
      this.kernel.show(data.weights);
    }
    const picture = data.picture !== this.loaded;
    const other = before && before.subject !== data.subject; // another picture, not the same one in another size
    if (picture) {
      const image = await decoded(data.picture);
      if (data.picture !== this.data.picture) return; // a newer one came in meanwhile
      this.loaded = data.picture;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      const old = this.pixels;
      this.pixels = context.getImageData(0, 0, canvas.width, canvas.height);
      if (other) this.forget();
      else if (old && this.square) {
        // Over the same part of the picture, which may be shown in another size.
        const [x, y, side] = this.square;
        const along = (start, before, after) => ((start + side / 2) / before) * after - side / 2;
        this.square = [along(x, old.width, this.pixels.width), along(y, old.height, this.pixels.height), side];
      }
    }
    if (picture || this.channel !== this.data.channel) this.see();
    this.compute(picture);
    if (this.awaiting) await this.answer(); // which draws the bench with it, once
    else this.bench.draw();
    this.tellStory();
    if (asked) {
      this.keep();
      this.story.root.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }
  }

  restore(left) {
    this.restored = true;
    if (left.speed !== undefined) this.bench.walk.speed = left.speed;
    if (left.subject === undefined || left.subject === this.data.subject) {
      this.square = left.square ?? null;
      this.bench.begin = left.at && { row: left.at[0], column: left.at[1] };
      this.bench.held = Boolean(left.at && left.held);
    } // else the picture was changed on another page
    this.story.restore(left);
  }

  // What was pointed at in another picture means nothing in this one.
  forget() {
    this.square = this.story.at = this.bench.place = null;
    this.bench.held = this.story.held = this.bench.walk.placed = false;
  }

  // The planes that the kernel is slid over, and how they look.
  see() {
    const { width, height } = this.pixels;
    this.channel = this.data.channel;
    this.planes = planesOf(this.pixels, this.data.channel);
    this.told = this.data.channel === "each" ? planesOf(this.pixels, "grey") : this.planes;
    this.seen = document.createElement("canvas");
    [this.seen.width, this.seen.height] = [width, height];
    const context = this.seen.getContext("2d");
    const looks = context.createImageData(width, height);
    const parts = this.planes.length === 3 ? [1, 1, 1] : tintOf(this.channel);
    parts.forEach((share, part) => {
      const { values } = this.planes[part] ?? this.planes[0];
      for (let k = 0; k < values.length; k++) looks.data[4 * k + part] = Math.round(share * values[k]);
    });
    for (let k = 3; k < looks.data.length; k += 4) looks.data[k] = 255;
    context.putImageData(looks, 0, 0);
  }

  // What is new of the bench, which is drawn after that, and of the square.
  compute(picture) {
    if (!this.pixels) return;
    this.bench.update(picture && !this.square);
    if (!this.square) {
      const [y, x] = this.bench.cornerOf(this.bench.at);
      const side = Math.min(DEFAULT_SIDE, this.mostSide);
      this.square = [x - (side >> 1), y - (side >> 1), side];
    }
    this.square = this.fitting(this.square);
    if (!this.story.at) this.tellStory(); // at once: somebody may be waiting to step through it
  }

  // The story follows when the bench has been painted; where nothing that it is made of has changed, it stays.
  tellStory() {
    if (!this.square) return;
    const { picture, channel, scale } = this.data;
    const madeOf = JSON.stringify([picture, channel, scale, this.weights, this.how, this.square]);
    if (madeOf === this.storyOf) return;
    this.storyOf = madeOf;
    if (this.story.at) {
      this.telling ??= requestAnimationFrame(() => setTimeout(() => ((this.telling = null), this.story.compute())));
    } else {
      this.story.compute();
      this.story.lookAt(this.bench.at);
    }
  }

  // The response to what was written here, before the server has answered.
  lookAhead() {
    const { channel, scale, fit } = this.data;
    const response = this.pixels && wholeResponse(this.planes, this.weights, this.how, channel === "each");
    this.ahead = null;
    if (!response) return;
    const total = Number(this.weights.flat().reduce((sum, weight) => sum + weight, 0).toFixed(6));
    const range = rangeOf(response, scale.mode, fit, total * (channel === "sum" ? this.planes.length : 1));
    this.ahead = { stamp: this.stamp, scale: { ...scale, ...range } };
    this.data = { ...this.data, scale: this.ahead.scale };
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [response.columns, response.rows];
    canvas.getContext("2d").putImageData(coloured(response, this.ahead.scale), 0, 0);
    this.response = canvas;
    this.root.dataset.shown = this.stamp;
  }

  // Whether the server tells of another kernel than the one that was written last and whose response is shown already.
  isLate(data) {
    return Boolean(this.ahead && data.stamp !== this.ahead.stamp);
  }

  // Whether the server has a response that is not shown yet.
  get awaiting() {
    return this.data.response !== this.shownResponse;
  }

  // The response as the server shows it, once it has come.
  async answer() {
    const { response } = this.data;
    const image = await decoded(response);
    if (response !== this.data.response) return;
    this.shownResponse = response;
    if (!this.isLate(this.data)) {
      this.response = image;
      this.root.dataset.response = this.root.dataset.shown = response;
      this.bench.drawResponse();
    }
    this.bench.draw();
  }

  // --- the square ----------------------------------------------------------------------------------------------------

  get mostSide() {
    return Math.min(LARGEST_SIDE, this.pixels.width, this.pixels.height);
  }

  // A square brought back into the picture, in whole steps of the window, so that its responses are the picture's.
  fitting([x, y, side]) {
    const fit = (value, low, high) => Math.max(low, Math.min(high, Math.round(value)));
    side = fit(side, Math.min(8, this.mostSide), this.mostSide);
    const { stride } = this.how;
    const start = (value, whole) => stride * fit(value / stride, 0, Math.floor((whole - side) / stride));
    return [start(x, this.pixels.width), start(y, this.pixels.height), side];
  }

  placeSquare(x, y, side) {
    this.square = this.fitting([x, y, side]);
    this.bench.draw();
    this.story.compute();
    this.keep();
  }

  // The square that has a window of that corner and extent in its middle.
  squareAround(top, left, down, across) {
    const side = this.square[2];
    this.placeSquare(left + across / 2 - side / 2, top + down / 2 - side / 2, side);
  }

  // --- what the server hears -----------------------------------------------------------------------------------------

  // What the lab was left at, for the link and for coming back: at once where one thing was chosen; of what moves, when
  // it has come to rest or is about to be left.
  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keepNow(), RESTED);
  }

  keepNow() {
    // A run that is begun by something else before an edit has come back brings the picker's old title with it.
    if (this.written && this.data.stamp !== this.stamp) return this.keep();
    clearTimeout(this.keeping);
    this.keeping = null;
    const { at, held, walk } = this.bench;
    if (!at) return;
    const { subject } = this.data;
    const left = { subject, square: this.square, at: [at.row, at.column], held, speed: walk.speed, ...this.story.left() };
    const said = JSON.stringify(left);
    if (said === this.kept) return;
    this.kept = said;
    this.tell("left", left);
  }

  // Whether the reader went over to dark mode, or back; then all is drawn anew.
  themeChanged() {
    if (backgroundOf(this.root) === this.theme.background) return false;
    this.theme = readTheme(this.root);
    this.bench.layout();
    this.story.layout();
    return true;
  }
}

async function decoded(digest) {
  const image = new Image();
  image.src = await new Promise((use) => kept(digest, use));
  await image.decode();
  return image;
}
