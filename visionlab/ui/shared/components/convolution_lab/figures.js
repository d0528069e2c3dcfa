// How the lab writes numbers: minus signs are minus signs, nothing is −0, and a sum's parts add up as they are read.

const signed = (text) => text.replace("-", "−");

// As by hand: halves away from zero, also where binary numbers lie a little below them.
export function rounded(value, decimals) {
  return Number((value * (1 + 4 * Number.EPSILON)).toFixed(decimals));
}

// So many decimals at most, without zeros at the end.
export function fixed(value, decimals) {
  const shown = rounded(value, decimals);
  return shown === 0 ? "0" : signed(String(shown).includes("e") ? shown.toFixed(decimals) : String(shown));
}

// A number in a few characters: −12, 0.25, 12k.
export function short(value, digits = 3) {
  const size = Math.abs(value);
  if (size < 1e-9) return "0";
  let text;
  if (size >= 1e6) text = size.toExponential(0).replace("+", "");
  else if (size >= 10000) text = `${(size / 1000).toFixed(0)}k`;
  else if (Math.abs(size - Math.round(size)) < 1e-6) text = String(Math.round(size));
  else if (size < 0.001) text = size.toExponential(0).replace("-", "−");
  else text = String(Number(size.toPrecision(digits)));
  return value < 0 ? `−${text}` : text;
}

// The same in as few characters as a small cell has room for.
export function brief(value) {
  return short(Math.abs(value) >= 9.95 ? Math.round(value) : Math.round(value * 10) / 10);
}

// A weight as people write it: 0.25, but 1/9; null where neither is it to the last bit of float32.
function exactWeight(weight) {
  const same = (value) => Math.abs(value - weight) <= 1e-7 * Math.abs(weight);
  for (let decimals = 0; decimals <= 3; decimals++) {
    if (same(Number(weight.toFixed(decimals)))) return fixed(weight, decimals);
  }
  for (let below = 3; below <= 64; below++) {
    const above = Math.round(weight * below);
    if (above && same(above / below)) return signed(`${above}/${below}`);
  }
  return null;
}

export function weightText(weight) {
  return exactWeight(weight) ?? short(weight);
}

// The same in at most so many characters: .02 for 0.0178; nothing where even that is too long by half, which a smaller
// size of type makes good.
export function weightIn(weight, characters) {
  const bare = (text) => text.replace(/^(−?)0\./, "$1.");
  const texts = [weightText(weight), bare(weightText(weight)), ...[2, 1].map((digits) => bare(short(weight, digits)))];
  const shortest = texts.reduce((best, text) => (text.length < best.length ? text : best));
  return texts.find((text) => text.length <= characters) ?? (shortest.length <= 1.5 * characters ? shortest : "");
}

// How many decimals a result needs: none where it is whole, two from 1 on, more where it is small.
export function decimalsOf(value) {
  const size = Math.abs(value);
  const most = size >= 1 || size === 0 ? 2 : Math.min(9, 2 - Math.floor(Math.log10(size)));
  for (let decimals = 0; decimals < most; decimals++) {
    if (Math.abs(size - Number(size.toFixed(decimals))) < 1e-7 * Math.max(1, size)) return decimals;
  }
  return most;
}

// A sum of products {value, weight, product}, and how it is written so that who adds up what is written gets what is
// written: {total, text, products: texts, equation: "12·1/9 + …" or null where there are more than nine}.
export function written(terms) {
  const exact = terms.reduce((sum, term) => sum + term.product, 0);
  const noise = 1e-9 * terms.reduce((sum, term) => sum + Math.abs(term.product), 0);
  const total = Math.abs(exact) <= noise ? 0 : exact;
  const decimals = decimalsOf(total);
  const text = fixed(total, decimals);
  const fewest = (summed) => {
    for (let digits = 0; digits < 12; digits++) if (fixed(summed(digits), decimals) === text) return digits;
    return 12;
  };
  const digits = fewest((d) => terms.reduce((sum, term) => sum + rounded(term.product, d), 0));
  const products = terms.map((term) => fixed(term.product, digits));
  if (terms.length > 9) return { total, text, products, equation: null };
  const known = terms.map((term) => exactWeight(term.weight));
  const weight = fewest((d) =>
    terms.reduce((sum, term, k) => sum + term.value * (known[k] === null ? rounded(term.weight, d) : term.weight), 0),
  );
  const factors = terms.map((term, k) => known[k] ?? fixed(term.weight, Math.max(2, weight)));
  const equation = terms
    .map((term, k) => `${fixed(term.value, 6)}·${factors[k].startsWith("−") ? `(${factors[k]})` : factors[k]}`)
    .join(" + ");
  return { total, text, products, equation };
}

// A result with its own number of decimals.
export function exact(value) {
  return fixed(value, decimalsOf(value));
}
