// How the story ends: the pooled numbers in a row, weights for a few classes, and softmax. The weights are set by hand,
// above zero where a class wants a response and below where it does not; a click changes one.

const SCORED = 4; // decimals of a score
const CLASSES = ["on the left", "in the middle", "on the right"];

// For pooled responses of so many rows and columns, one plane for each class: a third of the columns for each, against
// the others. A class's weights add up to 0, so that none is favoured where all responses are alike.
export function firstWeights(rows, columns) {
  const owner = (x) => Math.floor((CLASSES.length * (x + 0.5)) / columns);
  return CLASSES.map((_, k) => {
    const own = Array.from({ length: columns }, (_, x) => owner(x)).filter((each) => each === k).length / columns;
    return plane(rows, columns, (y, x) => Number((owner(x) === k ? 1 - own : -own).toFixed(2)));
  });
}

// The numbers as shares of the largest, so that no brightness decides; all 0 where there is none. With the two decimals
// that are written, so that who computes with what is written gets what is written.
export function shares(grid) {
  const largest = Math.max(0, ...grid.values);
  return mapped(grid, (value) => (largest ? rounded(value / largest, 2) : 0));
}

// Shares and weights have two decimals each, so that four are all of them.
export function scoresOf(grid, weights) {
  const score = (plane) => grid.values.reduce((sum, value, k) => sum + value * plane.values[k], 0);
  return weights.map((plane) => rounded(score(plane), SCORED));
}

// Bridle 1990; the largest is taken away first, so that no power overflows.
export function softmax(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

// Probabilities in per cent, all with as many decimals, one to three, as make them add up to 100; one where none do, as of
// three that are alike.
export function percentsOf(probabilities) {
  const shown = (decimals) => probabilities.map((probability) => (100 * probability).toFixed(decimals));
  const whole = (texts) => Math.abs(texts.reduce((sum, text) => sum + Number(text), 0) - 100) < 1e-9;
  return [1, 2, 3].map(shown).find(whole) ?? shown(1);
}

export class Ending {
  // changed(place) draws anew, with that number as the one that is looked at.
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.classes = CLASSES.map((name, k) => {
      const row = document.createElement("div");
      row.className = "class";
      row.innerHTML =
        '<span class="name"></span><canvas class="wanted" tabindex="0" role="application"></canvas>' +
        '<span class="score"></span><span class="share"><span class="bar-fill"></span></span><span class="percent"></span>';
      row.querySelector(".name").textContent = name;
      const canvas = row.querySelector(".wanted");
      canvas.setAttribute("aria-label", `Weights of “${name}”. Space changes the one at the chosen place.`);
      canvas.addEventListener("click", (event) => {
        const box = canvas.getBoundingClientRect();
        const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((value) => Math.floor(value / this.size));
        this.turn(k, y * this.grid.columns + x);
      });
      canvas.addEventListener("keydown", (event) => {
        if (event.key !== " ") return;
        event.preventDefault();
        this.turn(k, this.place);
      });
      return row;
    });
    root.querySelector(".classes").replaceChildren(...this.classes);
  }

  turn(k, place) {
    const { values } = this.weights[k];
    if (place >= values.length) return;
    values[place] = values[place] > 0 ? -1 : values[place] < 0 ? 0 : 1;
    this.changed(place);
  }

  // stage 4 has the row alone, 5 the weights and scores, 6 the probabilities; place is the number that is looked at.
  draw(pool, stage, place, theme, width) {
    if (pool.rows !== this.grid?.rows || pool.columns !== this.grid?.columns) {
      this.weights = firstWeights(pool.rows, pool.columns);
    }
    this.grid = shares(pool);
    this.place = place;
    const values = [...this.grid.values];
    const per = Math.max(1, Math.min(values.length, Math.floor(width / 30)));
    const cell = Math.min(44, width / per);
    const context = prepare(this.root.querySelector(".flat"), per * cell, Math.ceil(values.length / per) * cell);
    context.clearRect(0, 0, width, 1e4);
    const at = (k) => [(k % per) * cell, Math.floor(k / per) * cell];
    values.forEach((value, k) => {
      const look = () => ({ fill: Array(3).fill(Math.round(255 * value)), text: fixed(value, 2) });
      drawGrid(context, 1, 1, cell, look, theme, ...at(k));
    });
    const largest = Math.max(0, ...pool.values);
    const divided = largest ? `each divided by the largest, ${exact(largest)}, and rounded to two decimals` : "all of them 0";
    this.root.querySelector(".flat-title").textContent = `The ${values.length} pooled numbers in one row, ${divided}`;
    if (values.length) frame(context, ...at(place), cell, cell, theme.accent);
    this.root.querySelector(".classes").hidden = stage < 5;
    if (stage < 5) return;
    this.size = Math.max(14, Math.min(28, 130 / Math.max(pool.rows, pool.columns)));
    const scores = scoresOf(this.grid, this.weights);
    const probabilities = softmax(scores);
    const percents = percentsOf(probabilities);
    this.classes.forEach((row, k) => {
      const canvas = row.querySelector(".wanted");
      const { rows, columns, values: wanted } = this.weights[k];
      const drawing = prepare(canvas, columns * this.size, rows * this.size);
      const look = (y, x) => {
        const weight = wanted[y * columns + x];
        return { fill: diverging(weight, 1.6), text: weightsIn([weight], [weightText(weight)], 4)[0] };
      };
      drawGrid(drawing, rows, columns, this.size, look, theme);
      frame(drawing, (place % columns) * this.size, Math.floor(place / columns) * this.size, this.size, this.size, theme.accent);
      row.querySelector(".score").textContent = `score ${fixed(scores[k], SCORED)}`;
      row.querySelector(".share").hidden = row.querySelector(".percent").hidden = stage < 6;
      row.querySelector(".bar-fill").style.width = `${100 * probabilities[k]}%`;
      row.querySelector(".percent").textContent = `${percents[k]}%`;
    });
  }

  // What the stage does, in a sentence with its numbers.
  say(stage) {
    const { columns, values } = this.grid;
    const [value, row, column] = [fixed(values[this.place] ?? 0, 2), Math.floor(this.place / columns), this.place % columns];
    if (stage === 4) {
      const share = this.empty ? "0 as all of them" : `${value} of the largest`;
      return `Row after row in one line: number ${this.place + 1} is row ${row + 1}, column ${column + 1}, ${share}.`;
    }
    const scores = scoresOf(this.grid, this.weights);
    if (stage === 5) {
      return (
        `Each class weighs every number: here ${value} times ${this.weights.map((each) => fixed(each.values[this.place], 2)).join(", ")}. ` +
        "Added up, with the numbers as they are shown, that is its score. A network learns such weights; these are set by hand, and a click changes one."
      );
    }
    const most = Math.max(...scores);
    const best = [...scores.keys()].filter((k) => scores[k] === most);
    const powers = scores.map((score) => `exp(${fixed(score, SCORED)})`);
    const percent = percentsOf(softmax(scores))[best[0]];
    const alike = this.empty ? "No response is left" : "All scores are alike";
    const told =
      best.length === scores.length
        ? `${alike}, so that no class is more likely than another.`
        : `The strong responses are most likely ${best.map((k) => CLASSES[k]).join(" or ")}.`;
    return `Softmax, of the scores as they are shown: ${powers[best[0]]} / (${powers.join(" + ")}) = ${percent}%. ${told}`;
  }

  // Whether no response is above 0.
  get empty() {
    return this.grid.values.every((value) => value === 0);
  }
}
