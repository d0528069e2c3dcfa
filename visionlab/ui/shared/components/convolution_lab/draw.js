// How the lab draws: colours of values, grids with numbers in their cells, frames that stand out on any of them.

// The stops of the library's diverging map (visionlab/imaging/render.py): blue below zero, white, orange above.
const STOPS = [[16, 63, 125], [67, 132, 199], [166, 203, 234], [255, 255, 255], [250, 195, 130], [222, 117, 20], [120, 58, 0]];

// value / limit in -1..1 → [r, g, b]
export function diverging(value, limit) {
  const place = limit > 0 ? (Math.max(-1, Math.min(1, value / limit)) + 1) * 3 : 3;
  const low = Math.min(5, Math.floor(place));
  return STOPS[low].map((colour, k) => Math.round(colour + (STOPS[low + 1][k] - colour) * (place - low)));
}

export const css = ([r, g, b]) => `rgb(${r},${g},${b})`;

// A response's value → [r, g, b], as the server shows the whole one: scale is {mode, low, high}.
export function shade(value, { mode, low, high }) {
  if (mode === "diverging") return diverging(value, Math.max(Math.abs(low), Math.abs(high)));
  const place = ((mode === "absolute" ? Math.abs(value) : value) - low) / (high > low ? high - low : 1);
  const level = Math.round(255 * Math.max(0, Math.min(1, place)));
  return [level, level, level];
}

// A canvas of so many CSS pixels, sharp on any screen; returns its context, in CSS pixels.
export function prepare(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

const SMALLEST = 5.5; // pixels of a number that can be read …
const READABLE = 7; // … and of one that is easily read
const roomIn = (size) => size - Math.max(2, 0.14 * size); // pixels of a cell for its number: neighbours stay apart

// Cells of `size` pixels. look(row, column) → {fill: [r, g, b], text, hatched, weight}; numbers only where they can be
// read, all of one size where that can be; a weight with fewer digits where all of them are too many.
export function drawGrid(context, rows, columns, size, look, theme, left = 0, top = 0) {
  const room = roomIn(size) / (0.56 * READABLE); // in characters
  const type = (text) => {
    const tall = Math.min(13, size * (text.length > 4 ? 0.28 : 0.4));
    context.font = `${tall}px ${theme.font}`;
    return tall * Math.min(1, roomIn(size) / context.measureText(text).width);
  };
  const cells = Array.from({ length: rows * columns }, (_, k) => look(Math.floor(k / columns), k % columns));
  let texts = cells.map(({ text }) => (size < 21 ? "" : (text ?? "")));
  if (size >= 21 && cells[0]?.weight !== undefined)
    texts = weightsIn(cells.map(({ weight }) => weight), texts, Math.floor(room));
  const sizes = texts.map((text) => (text ? type(text) : Infinity));
  const least = Math.min(...sizes);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const k = y * columns + x;
      const [cell, text] = [cells[k], texts[k]];
      const [px, py] = [left + x * size, top + y * size];
      context.fillStyle = css(cell.fill);
      context.fillRect(px, py, size + 0.4, size + 0.4);
      if (cell.hatched) hatch(context, px, py, size, theme);
      if (text) {
        const ground = cell.hatched ? cell.fill.map((value, k) => (value + theme.veilColour[k]) / 2) : cell.fill;
        context.fillStyle = inkOn(ground);
        const tall = least >= READABLE ? least : sizes[k];
        context.font = `${tall}px ${theme.font}`;
        if (tall >= SMALLEST) context.fillText(text, px + size / 2, py + size / 2 + 0.5);
      }
    }
  }
  if (size >= 8) {
    context.strokeStyle = theme.line;
    context.lineWidth = 0.5;
    context.beginPath();
    for (let y = 0; y <= rows; y++) context.moveTo(left, top + y * size), context.lineTo(left + columns * size, top + y * size);
    for (let x = 0; x <= columns; x++) context.moveTo(left + x * size, top), context.lineTo(left + x * size, top + rows * size);
    context.stroke();
  }
}

// What lies beyond the picture's edge is drawn paler and crossed out by lines: it is made up, not seen.
function hatch(context, x, y, size, theme) {
  context.fillStyle = theme.veil;
  context.fillRect(x, y, size + 0.4, size + 0.4);
  context.strokeStyle = theme.faint;
  context.lineWidth = 0.7;
  context.beginPath();
  const step = Math.max(4, size / 3);
  for (let d = step; d < 2 * size; d += step) {
    context.moveTo(x + Math.max(0, d - size), y + Math.min(d, size));
    context.lineTo(x + Math.min(d, size), y + Math.max(0, d - size));
  }
  context.stroke();
}

// A frame around a place that may be smaller than can be seen: it has nine pixels a side at least.
export function mark(context, x, y, width, height, colour) {
  const [w, h] = [Math.max(9, width), Math.max(9, height)];
  frame(context, x - (w - width) / 2, y - (h - height) / 2, w, h, colour, Math.min(w, h) < 14 ? 1.5 : 2.5);
}

// A thin dashed frame: there, but nothing to look at.
export function dashed(context, x, y, width, height) {
  for (const [colour, start] of [["rgba(255,255,255,.9)", 0], ["rgba(20,30,40,.9)", 4]]) {
    context.strokeStyle = colour;
    context.lineWidth = 1.2;
    context.setLineDash([4, 4]);
    context.lineDashOffset = start;
    context.strokeRect(x, y, width, height);
  }
  context.setLineDash([]);
}

// A canvas becomes what was drawn before; returns its context.
export function copy(canvas, still) {
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

// A frame that is seen on black, on white and on every colour between.
export function frame(context, x, y, width, height, colour, thick = 2.5) {
  context.lineJoin = "round";
  context.setLineDash([]);
  context.strokeStyle = "rgba(255,255,255,.95)";
  context.lineWidth = thick + 2.5;
  context.strokeRect(x, y, width, height);
  context.strokeStyle = colour;
  context.lineWidth = thick;
  context.strokeRect(x, y, width, height);
}

export function backgroundOf(element) {
  return getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "#ffffff";
}

export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const background = backgroundOf(element);
  return {
    background,
    panel: read("--st-secondary-background-color", "#f0f2f6"),
    text: read("--st-text-color", "#16202c"),
    font: read("--st-font", "sans-serif"),
    line: "rgba(110,125,145,.55)",
    faint: "rgba(90,105,125,.9)",
    veil: isDark(background) ? "rgba(16,22,30,.5)" : "rgba(255,255,255,.5)",
    veilColour: isDark(background) ? [16, 22, 30] : [255, 255, 255],
    accent: "#0072b2", // Okabe & Ito's blue and vermilion: apart for every common colour blindness
    pinned: "#d55e00",
  };
}

function isDark(colour) {
  const digits = /^#([0-9a-f]{6})$/i.exec(colour);
  if (digits) return inkOn([0, 2, 4].map((i) => parseInt(digits[1].slice(i, i + 2), 16))) === "#ffffff";
  const numbers = colour.match(/\d+(\.\d+)?/g);
  return numbers ? inkOn(numbers.slice(0, 3).map(Number)) === "#ffffff" : false;
}
