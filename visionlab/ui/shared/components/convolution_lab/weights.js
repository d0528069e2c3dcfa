// Kernels as people write and turn them: rows of numbers. Nothing here touches the page.

export const LARGEST = 15; // rows and columns, as the server's

const NUMBER = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?$/i;

// 0.5, 0,5, 1/9, −2: a number; null for anything else.
export function readWeight(text) {
  const parts = text.trim().replaceAll("−", "-").split("/").map((part) => part.trim());
  if (parts.length > 2 || !parts.every((part) => NUMBER.test(part))) return null;
  const [above, below] = parts.map((part) => Number(part.replace(",", ".")));
  const value = below === undefined ? above : above / below;
  return Number.isFinite(value) && Math.abs(value) <= 1e30 ? value : null;
}

// Why that is null, or beyond what may be written there.
export function whyNot(text, what = "weight", largest = "1e30") {
  const tried = text.trim();
  if (!tried) return `A ${what} cannot be empty`;
  const shown = `“${tried.slice(0, 20)}”`;
  const parts = tried.replaceAll("−", "-").split("/").map((part) => part.trim());
  if (!parts.every((part) => NUMBER.test(part))) return `${shown} is no number`;
  if (parts.length > 2) return `${shown} has ${parts.length === 3 ? "two" : parts.length - 1} strokes, where one can be`;
  if (parts.length === 2 && Number(parts[1].replace(",", ".")) === 0) return `${shown} is dividing by 0`;
  return `${shown} is beyond what a ${what} may be, −${largest} to ${largest}`;
}

// A whole kernel: rows apart by line ends, semicolons or brackets, weights by tabs, commas or spaces; Python's lists,
// too; lines whose columns are apart by semicolons. → {weights} or {problem}, a sentence
export function readWeights(text) {
  const bare = text.trim().replace(/^[a-z_.]*\(?\s*(?=\[)/i, "").replace(/\]\s*(,\s*[a-z_]+\s*=.*)?\)?\s*$/is, "]");
  const lines = linesOf(bare);
  const apart = separators(bare, lines);
  if (apart.problem) return apart;
  const rows = [];
  for (const line of lines) {
    const row = line.split(apart.between(line)).map((part) => part.trim());
    const values = row.map(readWeight);
    const wrong = values.indexOf(null);
    if (wrong >= 0) return { problem: `${whyNot(row[wrong])}. Paste rows like 1 0 −1.` };
    rows.push(values);
  }
  if (!rows.length) return { problem: "Nothing was pasted that is a number. Paste rows like 1 0 −1." };
  const lengths = [...new Set(rows.map((row) => row.length))];
  if (lengths.length > 1) {
    return { problem: `The rows have ${lengths.slice(0, 4).join(" and ")} weights. Paste rows of the same length.` };
  }
  if (rows.length > LARGEST || lengths[0] > LARGEST) {
    return { problem: `${rows.length} × ${lengths[0]} weights are too many. Paste at most ${LARGEST} × ${LARGEST}.` };
  }
  return { weights: rows };
}

// Lines with semicolons in each of them are rows of a table; else a semicolon ends a row.
function linesOf(bare) {
  const trimmed = (lines) => lines.map((line) => line.replace(/[[\]]/g, " ").trim().replace(/[,;]$/, "")).filter((line) => line);
  const rows = trimmed(bare.split(/\r?\n/)).map((line) => line.split(";"));
  const table = rows.length > 1 && rows.every((row) => row.length > 1 && row.every((cell) => readWeight(cell) !== null));
  return table ? rows.map((row) => row.join("\t")) : trimmed(bare.split(/\r?\n|;|\]\s*,?\s*/));
}

// What stands between the weights of a line: {between: line → pattern} or {problem}. A comma is a decimal one where
// spaces, tabs, or commas with a space are between weights, or single weights are in lines; never in Python's lists.
function separators(bare, lines) {
  if (bare.includes("[")) return { between: (line) => (line.includes(",") ? /,/ : /\s+/) };
  const spaced = (line) => !line.includes("\t") && /,\s|\s,/.test(line);
  const tight = lines.filter((line) => !/\s/.test(line));
  const single = tight.every((line) => readWeight(line) !== null);
  const pairs = single && lines.every((line) => tight.includes(line) && line.includes(","));
  if (pairs && lines.length > 1 && !bare.includes(";")) return { between: () => /,/ }; // lines of two, as of a CSV file
  const unlike = lines.find((line) => spaced(line) && /\d,\d/.test(line));
  if (lines.length && (pairs || (unlike && /\d\.|\.\d/.test(bare)))) {
    const [pair, whole, part] = /([^\s,]*),([^\s,]+)/.exec(pairs ? lines[0] : unlike.replace(/,\s|\s,/g, " "));
    return { problem: `“${pair}” may be one weight or two. Write ${whole || 0}.${part}, or ${whole || 0} ${part}.` };
  }
  const between = (line) => (line.includes("\t") ? /\t/ : spaced(line) ? /\s*,\s+|\s+,\s*/ : /\s/.test(line) || single ? /\s+/ : /,/);
  return { between };
}

// A quarter turn clockwise.
export function rotated(weights) {
  return weights[0].map((_, j) => weights.map((row) => row[j]).reverse());
}

export function transposed(weights) {
  return weights[0].map((_, j) => weights.map((row) => row[j]));
}

// Divided by their sum; where that is nearly 0, as of edge kernels, by the sum of their sizes; zeros stay.
export function normalised(weights) {
  const all = weights.flat();
  const total = all.reduce((sum, weight) => sum + weight, 0);
  const sizes = all.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const by = Math.abs(total) > 1e-6 * sizes ? total : sizes;
  return by ? weights.map((row) => row.map((weight) => weight / by)) : weights;
}

// Whole numbers from −3 to 3.
export function random(weights) {
  return weights.map((row) => row.map(() => Math.floor(Math.random() * 7) - 3));
}

// The middle of the weights, or zeros around them.
export function resized(weights, rows, columns) {
  const start = (have, want) => (want >= have ? -Math.floor((want - have) / 2) : Math.floor((have - want) / 2));
  const [top, left] = [start(weights.length, rows), start(weights[0].length, columns)];
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => weights[top + i]?.[left + j] ?? 0));
}

// What the arrow keys change a weight by: ones among whole numbers, else tenths; a tenth of that with Shift.
export function stepped(weights, value, direction, fine) {
  const whole = weights.flat().every(Number.isInteger);
  const by = (whole ? 1 : 0.1) * (fine ? 0.1 : 1);
  return Number((value + direction * by).toFixed(6));
}
