// The response to the whole picture, as the server will show it: what one sees of a weight while it is typed, before the
// server has answered. A test holds it to convolve() and to visionlab/imaging/render.py.

const MOST = 30e6; // products: some fifty milliseconds; of more, one waits for the server
const SAMPLE = 100_000; // values that decide a fitted range, as the server's

// {rows, columns, parts}: float32, one part, or one for each plane where each has a response of its own (`apart`); null
// where that would take too long.
export function wholeResponse(planes, weights, how, apart) {
  const { laid, down, across, rows, columns } = laidOn(planes, weights, how);
  if (rows * columns * planes.length * laid.flat().filter((weight) => weight).length > MOST || !rows || !columns) return null;
  const [tall, wide] = [(rows - 1) * how.stride + down.span, (columns - 1) * how.stride + across.span];
  const parts = (apart ? planes : [planes[0]]).map(() => new Float32Array(rows * columns));
  planes.forEach((pixels, k) => {
    const window = { values: padded(pixels, tall, wide, down.before, across.before, how.border), wide };
    const answers = { values: parts[apart ? k : 0], rows, columns };
    laid.forEach((line, i) =>
      line.forEach((weight, j) => {
        if (weight) add(answers, window, i * how.dilation, j * how.dilation, how.stride, weight);
      }),
    );
  });
  return { rows, columns, parts };
}

// The plane with what lies beyond its edges, as far as windows reach.
function padded(pixels, tall, wide, above, before, border) {
  const values = new Float32Array(tall * wide);
  const from = Int32Array.from({ length: wide }, (_, x) => source(x - before, pixels.columns, border));
  for (let y = 0; y < tall; y++) {
    const row = source(y - above, pixels.rows, border);
    if (row < 0) continue;
    const start = row * pixels.columns;
    for (let x = 0; x < wide; x++) if (from[x] >= 0) values[y * wide + x] = pixels.values[start + from[x]];
  }
  return values;
}

// One weight's products, of all windows: the innermost loop of all.
function add(answers, window, down, across, stride, weight) {
  const [{ values, rows, columns }, pixels, wide] = [answers, window.values, window.wide];
  for (let y = 0; y < rows; y++) {
    const start = (y * stride + down) * wide + across;
    const end = (y + 1) * columns;
    for (let k = y * columns, at = start; k < end; k++, at += stride) values[k] += weight * pixels[at];
  }
}

// The ends of what is shown, {low, high, plain}. `brightness` is how many times as bright the kernel makes flat areas.
export function rangeOf(response, mode, fit, brightness) {
  const { parts } = mode === "diverging" ? averaged(response) : response;
  const plain = plainRange(parts, mode);
  if (!fit) return { low: plain[0], high: plain[1], plain };
  if (mode === "clip" && brightness > 0) return { low: 0, high: 255 * brightness, plain };
  const size = parts.length * parts[0].length;
  const step = Math.max(1, Math.floor(size / SAMPLE));
  const signed = mode === "clip" || mode === "minmax";
  const some = Float32Array.from({ length: Math.ceil(size / step) }, (_, n) => {
    const value = parts[(n * step) % parts.length][Math.floor((n * step) / parts.length)];
    return signed ? value : Math.abs(value);
  }).sort();
  const most = percentile(some, 99.5) || (signed ? 0 : extremes(parts).reduce((a, b) => Math.max(a, Math.abs(b)), 0));
  const [low, high] = signed ? [percentile(some, 0.5), percentile(some, 99.5)] : [mode === "diverging" ? -most : 0, most];
  return low < high ? { low, high, plain } : { low: plain[0], high: plain[1], plain };
}

function plainRange(parts, mode) {
  if (mode !== "minmax" && mode !== "diverging") return [0, 255];
  const [least, greatest] = extremes(parts);
  const most = Math.max(Math.abs(least), Math.abs(greatest));
  return mode === "minmax" ? [least, greatest] : [-most, most];
}

function extremes(parts) {
  let [least, greatest] = [Infinity, -Infinity];
  for (const part of parts) {
    for (let k = 0; k < part.length; k++) {
      if (part[k] < least) least = part[k];
      if (part[k] > greatest) greatest = part[k];
    }
  }
  return [least, greatest];
}

function averaged({ rows, columns, parts }) {
  if (parts.length === 1) return { rows, columns, parts };
  return { rows, columns, parts: [parts[0].map((value, k) => (value + parts[1][k] + parts[2][k]) / 3)] };
}

// Between the two values that it lies between, as NumPy does.
function percentile(sorted, percent) {
  const place = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

// The response in its colours, as an ImageData: scale is {mode, low, high}.
export function coloured(response, scale) {
  const { rows, columns } = response;
  const { parts } = scale.mode === "diverging" ? averaged(response) : response;
  const most = Math.max(Math.abs(scale.low), Math.abs(scale.high)) || 1;
  const [low, high, last] = scale.mode === "diverging" ? [-most, most, 254] : [scale.low, scale.high, 255];
  const colours = Array.from({ length: last + 1 }, (_, k) =>
    scale.mode === "diverging" ? diverging(k / 127 - 1, 1) : [k, k, k],
  );
  const share = last / (high > low ? high - low : 1);
  const image = new ImageData(columns, rows);
  for (let channel = 0; channel < 3; channel++) {
    const values = parts[channel] ?? parts[0];
    const levels = Uint8ClampedArray.from(colours, (colour) => colour[channel]);
    for (let k = 0; k < values.length; k++) {
      const value = scale.mode === "absolute" ? Math.abs(values[k]) : values[k];
      const level = (value - low) * share;
      image.data[4 * k + channel] = levels[level <= 0 ? 0 : level >= last ? last : (level + 0.5) | 0];
    }
  }
  for (let k = 3; k < image.data.length; k += 4) image.data[k] = 255;
  return image;
}
