// The arithmetic of the lab: convolve() of visionlab/imaging/convolution.py again, in float64, on grids of a few
// hundred pixels. A test holds both to the same numbers. A plane is {rows, columns, values: Float64Array}, row by row.

export function plane(rows, columns, fill) {
  const values = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) values[y * columns + x] = fill(y, x);
  }
  return { rows, columns, values };
}

// Which of n pixels stands at place i, which may lie beyond the edge; -1: none does, the value there is 0.
export function source(i, n, border) {
  if (i >= 0 && i < n) return i;
  if (border === "replicate") return i < 0 ? 0 : n - 1;
  if (border === "wrap") return ((i % n) + n) % n;
  if (border === "reflect") {
    if (n === 1) return 0;
    const period = 2 * (n - 1);
    const folded = ((i % period) + period) % period;
    return folded < n ? folded : period - folded;
  }
  return -1;
}

// Along one side: the window's extent, how far it reaches before and after its pixel, and how many answers there are.
export function extent(size, taps, { stride, dilation, border, flip }) {
  const reach = (taps - 1) * dilation;
  const before = flip ? Math.floor(reach / 2) : Math.floor((reach + 1) / 2);
  if (border === "valid") {
    return { span: reach + 1, before: 0, after: 0, count: Math.max(0, Math.floor((size - reach - 1) / stride) + 1) };
  }
  return { span: reach + 1, before, after: reach - before, count: Math.ceil(size / stride) };
}

export function turned(weights) {
  return weights.map((row) => [...row].reverse()).reverse();
}

// Of 8-bit channels, as the server's grey pictures: ITU-R BT.601, in whole numbers, halves rounded up.
export function grey(red, green, blue) {
  return Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
}

// What the kernel is slid over of a picture {width, height, data: RGBA}: one plane, or three.
export function planesOf({ width, height, data }, channel) {
  const one = (k) => plane(height, width, (y, x) => data[4 * (y * width + x) + k]);
  if (channel === "sum" || channel === "each") return [0, 1, 2].map(one);
  if (channel !== "grey") return [one(["red", "green", "blue"].indexOf(channel))];
  return [plane(height, width, (y, x) => grey(...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)))];
}

// How a kernel lies on planes of equal size, and how many answers there are (rows, columns).
//   weights: rows of numbers, as written; how: {stride, dilation, border, flip}
export function laidOn(planes, weights, how) {
  const laid = how.flip ? turned(weights) : weights;
  const down = extent(planes[0].rows, laid.length, how);
  const across = extent(planes[0].columns, laid[0].length, how);
  return { planes, laid, how, down, across, rows: down.count, columns: across.count };
}

// The answers of a square [left, top, side] of planes, with what lies around it: its neighbours, and what the border adds
// where the picture ends. `shift` moves the picture to the right. real(y, x) says what of its planes is the picture's.
export function correlateSquare(planes, [left, top, side], weights, how, shift = 0) {
  const { rows, columns } = planes[0];
  const laid = laidOn([plane(side, side, () => 0)], weights, how);
  const [up, back] = [laid.down.before, laid.across.before];
  const wide = (sides) => side + sides.before + sides.after;
  const at = (pixels, y, x) => {
    const [fromY, fromX] = [source(top + y - up, rows, how.border), source(left + x - back - shift, columns, how.border)];
    return fromY < 0 || fromX < 0 ? 0 : pixels.values[fromY * columns + fromX];
  };
  const around = planes.map((pixels) => plane(wide(laid.down), wide(laid.across), (y, x) => at(pixels, y, x)));
  const within = (place, count) => place >= 0 && place < count;
  const real = (y, x) => within(top + y - up, rows) && within(left + x - back - shift, columns);
  return { ...correlate(around, weights, { ...how, border: "valid" }), real, padding: laid };
}

// Everything that a kernel does to a square of one or more planes. Answers of several planes are added up, as a CNN's
// first layer adds up red, green and blue.
export function correlate(planes, weights, how) {
  const run = laidOn(planes, weights, how);
  const answers = plane(run.rows, run.columns, (row, column) =>
    termsOf(run, row, column).reduce((sum, term) => sum + term.product, 0),
  );
  return { ...run, answers };
}

// The products that one answer is the sum of, in reading order, plane after plane:
//   {plane, y, x, i, j, value, weight, product, inside}; y and x are the square's, and may lie outside of it.
export function termsOf({ planes, laid, how, down, across }, row, column) {
  const found = [];
  planes.forEach((pixels, index) => {
    for (let i = 0; i < laid.length; i++) {
      for (let j = 0; j < laid[0].length; j++) {
        const y = row * how.stride + i * how.dilation - down.before;
        const x = column * how.stride + j * how.dilation - across.before;
        const [fromY, fromX] = [source(y, pixels.rows, how.border), source(x, pixels.columns, how.border)];
        const value = fromY < 0 || fromX < 0 ? 0 : pixels.values[fromY * pixels.columns + fromX];
        const inside = fromY >= 0 && fromX >= 0 && fromY === y && fromX === x; // −1 says that none is there
        found.push({ plane: index, y, x, i, j, fromY, fromX, value, weight: laid[i][j], product: value * laid[i][j], inside });
      }
    }
  });
  return found;
}

export function mapped(grid, change) {
  return { ...grid, values: grid.values.map(change) };
}

// 2 × 2 max pooling with stride 2; a last odd row or column is left out, as in every framework.
export function pooled(grid) {
  const at = (y, x) => grid.values[y * grid.columns + x];
  return plane(Math.floor(grid.rows / 2), Math.floor(grid.columns / 2), (y, x) =>
    Math.max(at(2 * y, 2 * x), at(2 * y, 2 * x + 1), at(2 * y + 1, 2 * x), at(2 * y + 1, 2 * x + 1)),
  );
}

// How far an answer moved along with its picture: the picture was moved right by n pixels, the answers should have
// moved by n / stride. Only cells whose windows saw nothing but the picture, before and after, are compared.
export function moved(before, after, n) {
  const steps = n / before.how.stride;
  if (!Number.isInteger(steps)) return null;
  const sees = (run, row, column) =>
    termsOf(run, row, column).every(({ inside, y, x }) => inside && (run.real?.(y, x) ?? true));
  let largest = 0;
  let compared = 0;
  for (let y = 0; y < before.rows; y++) {
    for (let x = 0; x < before.columns; x++) {
      const to = x + steps;
      if (to < 0 || to >= before.columns || !sees(before, y, x) || !sees(after, y, to)) continue;
      compared += 1;
      const [was, is] = [before.answers.values[y * before.columns + x], after.answers.values[y * before.columns + to]];
      largest = Math.max(largest, Math.abs(was - is));
    }
  }
  return { compared, largest };
}

// The mean size of the difference between two grids, as a share of the first one's mean size.
export function change(before, after) {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < before.values.length; i++) {
    difference += Math.abs(before.values[i] - after.values[i]);
    size += Math.abs(before.values[i]);
  }
  return size === 0 ? 0 : difference / size;
}
