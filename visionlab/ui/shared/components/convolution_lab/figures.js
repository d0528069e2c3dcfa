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
  if (size === 0) return "0";
  let text;
  if (size >= 1e6) text = size.toExponential(0).replace("+", "");
  else if (size >= 10000) text = `${(size / 1000).toFixed(0)}k`;
  else if (Math.abs(size - Math.round(size)) < 1e-6 * size) text = String(Math.round(size));
  else if (size < 0.001) text = size.toExponential(0).replace("-", "−");
  else text = String(Number(size.toPrecision(digits)));
  return value < 0 ? `−${text}` : text;
}

// The same in as few characters as a small cell has room for.
export function brief(value) {
  return short(rounded(value, Math.abs(value) >= 9.95 ? 0 : 1));
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

// What weights that have no short exact form are written with: six decimals, so that the sum of nine products of pixels
// is right to two; more where all weights are small.
function decimalsOfWeights(weights) {
  const strongest = Math.max(...weights.map(Math.abs));
  return strongest ? Math.max(6, 4 - Math.floor(Math.log10(strongest))) : 6;
}

// The weights of one kernel as they are written wherever it stands: exactly, or with as many decimals as the others;
// what would be 0 with these, or nearly so, in powers of ten. → [{text, exactly}]
function spellings(weights) {
  const decimals = decimalsOfWeights(weights);
  const spelling = (weight) => {
    const exactly = exactWeight(weight);
    if (exactly !== null) return { text: exactly, exactly: true };
    const size = Math.abs(weight);
    if (size >= 100 * 10 ** -decimals && size >= 1e-4) return { text: fixed(weight, decimals), exactly: false };
    const powers = Number(weight.toPrecision(3)).toExponential().replaceAll("-", "−");
    return { text: powers.replace("+", ""), exactly: false };
  };
  const known = new Map([...new Set(weights)].map((weight) => [weight, spelling(weight)]));
  return weights.map((weight) => known.get(weight));
}

export function spelled(weights) {
  return spellings(weights).map(({ text }) => text);
}

export function weightText(weight) {
  return spelled([weight])[0];
}

// The weights of a kernel, which are spelled so, in cells that have room for so many characters: whole where that is
// enough for all of them; else all with as many decimals as there is room for, or each with fewer digits, or not at all.
export function weightsIn(weights, texts, characters) {
  const bare = (text) => text.replace(/^(−?)0\./, "$1.");
  for (const form of [(text) => text, bare])
    if (texts.every((text) => form(text).length <= characters)) return texts.map(form);
  const fewer = (weight, k) => {
    const known = [texts[k], ...[3, 2, 1].map((digits) => bare(short(weight, digits)))];
    const shortest = known.reduce((best, text) => (text.length < best.length ? text : best));
    return known.find((text) => text.length <= characters) ?? (shortest.length <= 1.5 * characters ? shortest : "");
  };
  for (let decimals = 5; decimals; decimals--) {
    const rounded = weights.map((weight, k) => {
      if (Number.isInteger(weight)) return texts[k];
      return Math.abs(weight) < 0.5 * 10 ** -decimals ? fewer(weight, k) : bare(fixed(weight, decimals));
    });
    if (rounded.every((text) => text.length <= characters)) return rounded;
  }
  return weights.map(fewer);
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

// A sum of products {value, weight, product}, and how it is written so that who computes with what is written gets what
// is written: {total, text, weights: texts, products: texts, equation: "12·1/9 + …" or null where there are more than
// nine}. Each product is that of its weight as it is spelled, and has two decimals, or as many as the sum needs.
export function written(terms) {
  const exact = terms.reduce((sum, term) => sum + term.product, 0);
  const noise = 1e-9 * terms.reduce((sum, term) => sum + Math.abs(term.product), 0);
  const total = Math.abs(exact) <= noise ? 0 : exact;
  const all = terms.map((term) => term.weight);
  const told = spellings(all);
  const weights = told.map(({ text }) => text);
  const parts = terms.map((term, k) => (told[k].exactly ? term.product : term.value * readWeight(weights[k])));
  const summed = parts.reduce((sum, part) => sum + part, 0);
  // What the last decimals of the weights leave out would show in later ones.
  const most = told.every(({ exactly }) => exactly) ? Infinity : decimalsOfWeights(all) - 3;
  const decimals = Math.min(decimalsOf(total), most);
  const text = fixed(Math.abs(summed) <= noise ? 0 : summed, decimals);
  let digits = 2;
  while (digits < 12 && fixed(parts.reduce((sum, part) => sum + rounded(part, digits), 0), decimals) !== text) digits++;
  const products = parts.map((part) => fixed(part, digits));
  const factor = (text) => (text.startsWith("−") ? `(${text})` : text);
  const equation =
    terms.length > 9 ? null : terms.map((term, k) => `${fixed(term.value, 6)}·${factor(weights[k])}`).join(" + ");
  return { total, text, weights, products, equation };
}

// A result with its own number of decimals.
export function exact(value) {
  return fixed(value, decimalsOf(value));
}
