// How an answer is drawn: bars with their labels, and the heat. Joined before camera.js.

const STRENGTH = 0.7; // of the heat where it is strongest, as explanations have it

// One row a class. Labels may be a person's own words: text, never HTML.
function drawBars(list, bars) {
  while (list.children.length > bars.length) list.lastChild.remove();
  while (list.children.length < bars.length) list.append(newRow());
  bars.forEach(([label, probability], i) => {
    const row = list.children[i];
    row.querySelector(".name").textContent = label;
    row.querySelector(".share").textContent = percent(probability, 1);
    row.querySelector(".bar").style.width = percent(probability, 2);
  });
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
