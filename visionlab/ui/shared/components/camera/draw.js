// How an answer is drawn: bars with their labels, and the heat. Joined before camera.js.

const NONE = "None of these";
const STRENGTH = 0.7; // of the heat where it is strongest, as explanations have it

// One row a class, and one for none of them where that can be said: the first where it is so. Labels may be a person's
// own words: text, never HTML.
function drawBars(list, bars, strange = null) {
  const rows = bars.map(([label, probability]) => [label, percent(probability, 1), probability]);
  if (strange > 1) rows.unshift([NONE, "yes", 1]);
  else if (strange !== null) rows.push([NONE, "no", 0]); // how strange it is is no share of what adds up to one
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length) list.append(newRow());
  const best = strange > 1 ? 0 : bars.indexOf(bestOf(bars));
  const none = strange > 1 ? 0 : bars.length;
  rows.forEach(([label, said, share], i) => {
    const row = list.children[i];
    row.classList.toggle("best", i === best);
    row.classList.toggle("none", i === none);
    row.querySelector(".name").textContent = label;
    row.querySelector(".share").textContent = said;
    row.querySelector(".bar").style.width = percent(share, 2);
  });
}

function bestOf(bars) {
  return bars.reduce((best, each) => (each[1] > best[1] ? each : best), bars[0]);
}

function newRow() {
  const row = make("li");
  const said = make("div", "said");
  const rail = make("div", "rail");
  said.append(make("span", "name"), make("span", "share"));
  rail.append(make("div", "bar"));
  row.append(said, rail);
  return row;
}

function make(tag, name = "") {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

function percent(share, digits) {
  return `${(100 * share).toFixed(digits)}%`;
}

// A pixel a value; the browser enlarges it smoothly. Where the heat is 0, the picture stays as it is.
function drawHeat(canvas, rows) {
  canvas.hidden = !rows;
  if (!rows) return;
  [canvas.height, canvas.width] = [rows.length, rows[0].length];
  const pixels = rows.flat().flatMap((level) => [...PALETTE[level], STRENGTH * level]);
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), canvas.width), 0, 0);
}
