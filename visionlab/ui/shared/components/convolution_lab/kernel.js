// The kernel as a grid that one writes in: each weight a field, what it is refused for below it, and what turns it.

const MEMORY = 100; // changes that can be taken back
const CLEAR = 9.5; // pixels of type in which more of a weight’s digits are shown rather than fewer in a larger one
const ANSWERED = 80; // ms between two changes that the server hears of; the last one always goes

// What could be taken back when the lab was on the page last: one goes to another page, and comes back.
let left = { weights: "", before: [] };

export class KernelGrid {
  // changed(weights) is called for what a person did.
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.weights = null;
    this.before = []; // kernels to go back to: at most MEMORY
    this.pushed = false; // whether the one before the change that is being typed is among them
    this.grid = root.querySelector(".weights");
    this.refusal = root.querySelector(".refused");
    this.sides = [...root.querySelectorAll(".rows, .columns")];
    for (const side of this.sides) side.max = LARGEST;
    this.grid.addEventListener("paste", (event) => this.paste(event));
    const tools = { rotate: rotated, transpose: transposed, normalise: normalised, random };
    root.querySelectorAll("[data-tool]").forEach((button) =>
      button.addEventListener("click", () => this.become(tools[button.dataset.tool](this.weights))),
    );
    root.querySelector(".undo").addEventListener("click", () => this.undo());
    this.sides.forEach((side) => {
      side.addEventListener("input", () => this.refuse(""));
      side.addEventListener("change", () => {
        const asked = this.sides.map((each) => Number(each.value));
        const empty = this.sides.findIndex((each) => !each.value.trim());
        if (empty >= 0) {
          this.put(this.weights);
          const stays = `there are still ${this.sides[empty].value}`;
          return this.refuse(`The number of ${["rows", "columns"][empty]} cannot be empty: ${stays}. Write 1 to ${LARGEST}.`);
        }
        const wrong = asked.find((count) => !Number.isInteger(count) || count < 1 || count > LARGEST);
        if (wrong === undefined) return this.become(resized(this.weights, ...asked));
        this.put(this.weights);
        this.refuse(`A kernel has 1 to ${LARGEST} rows and columns, not ${fixed(wrong, 3)}.`);
      });
    });
  }

  // From outside. What stood here before another one can be brought back.
  show(weights) {
    if (!this.weights && JSON.stringify(weights) === left.weights) this.before = left.before;
    if (this.weights && JSON.stringify(weights) !== JSON.stringify(this.weights)) {
      this.remember();
      this.pushed = false;
    }
    this.put(weights);
    this.refuse("");
  }

  // By a person: what was there can be brought back.
  become(weights) {
    this.remember();
    this.put(weights);
    this.refuse("");
    this.tell();
  }

  remember() {
    this.before.push(this.weights.map((row) => [...row]));
    this.before.splice(0, this.before.length - MEMORY);
  }

  undo() {
    if (!this.before.length) return;
    this.put(this.before.pop());
    this.refuse("");
    this.tell();
  }

  put(weights) {
    this.weights = weights.map((row) => [...row]);
    const [rows, columns] = [weights.length, weights[0].length];
    if (this.grid.children.length !== rows * columns || this.columns !== columns) {
      this.columns = columns;
      this.grid.replaceChildren(...weights.flatMap((row, i) => row.map((_, j) => this.field(i, j))));
      this.layout();
    }
    this.sides[0].value = rows;
    this.sides[1].value = columns;
    this.keep();
    this.paint();
  }

  // Cells as large as the room allows, the whole kernel always in sight; a number only where one can be read.
  layout() {
    if (!this.columns) return;
    const longest = Math.max(this.columns, this.grid.children.length / this.columns);
    const cell = Math.min(52, (this.grid.clientWidth || 216) / longest - 2);
    this.grid.style.setProperty("--columns", this.columns);
    this.grid.style.setProperty("--cell", `${cell}px`);
    const tall = Math.max(8, Math.min(14, 0.36 * cell));
    this.grid.style.setProperty("--tall", `${tall}px`);
    this.room = (cell - 3) / (0.56 * tall); // in characters
    this.most = Math.floor(Math.max(this.room, (cell - 3) / (0.56 * CLEAR)));
    this.grid.dataset.room = cell < 40 ? "little" : "enough";
    if (this.grid.children.length === this.weights.flat().length) this.paint();
  }

  field(i, j) {
    const input = document.createElement("input");
    input.type = "text";
    input.autocomplete = "off";
    input.spellcheck = false;
    input.setAttribute("aria-label", `Weight in row ${i + 1}, column ${j + 1}`);
    let start = 0;
    input.addEventListener("focus", () => {
      start = this.weights[i][j];
      input.value = this.shownIn(i, j);
      input.select();
      this.pushed = false;
    });
    input.addEventListener("pointerup", () => input.value === this.shownIn(i, j) && input.select()); // which clears it
    input.addEventListener("input", () => {
      const value = readWeight(input.value);
      this.refuse(""); // what was refused before is no longer what stands here
      input.setAttribute("aria-invalid", String(value === null));
      if (value !== null) this.set(i, j, value, input);
    });
    input.addEventListener("blur", () => {
      if (readWeight(input.value) === null) {
        this.takeBack(i, j, start, input);
        this.refuse(`${whyNot(input.value)}: row ${i + 1}, column ${j + 1} stays ${weightText(start)}. Write 0.5, 0,5, 1/9 or −2.`);
      }
      this.paint();
    });
    input.addEventListener("keydown", (event) => {
      const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (direction) {
        this.set(i, j, stepped(this.weights, this.weights[i][j], direction, event.shiftKey), input);
        input.value = fixed(this.weights[i][j], 6);
        input.setAttribute("aria-invalid", "false");
        event.preventDefault();
      } else if (event.key === "Escape") {
        this.takeBack(i, j, start, input);
        input.value = weightText(start);
        input.setAttribute("aria-invalid", "false");
      } else if (event.key === "Enter") {
        const next = this.grid.children[((i + 1) % this.weights.length) * this.columns + j];
        next === input ? input.blur() : next.focus();
      }
    });
    return input;
  }

  // What a field says while one is in it: all of the weight.
  shownIn(i, j) {
    const weight = this.weights[i][j];
    return weightText(weight).includes("/") ? weightText(weight) : String(Number(weight.toPrecision(7)));
  }

  // While one is in a field, it says what was typed; its colour and all others follow.
  set(i, j, value, input) {
    if (value === this.weights[i][j]) return;
    if (!this.pushed) this.remember();
    this.pushed = true;
    this.weights[i][j] = value;
    this.keep();
    this.refuse("");
    this.paint(input);
    this.tell();
  }

  // As it was when one came into the field, also for Undo.
  takeBack(i, j, start, input) {
    this.set(i, j, start, input);
    if (this.pushed) this.before.pop();
    this.pushed = false;
  }

  keep() {
    left = { weights: JSON.stringify(this.weights), before: this.before };
  }

  paint(typing = this.grid.getRootNode().activeElement) {
    const strongest = Math.max(1e-12, ...this.weights.flat().map(Math.abs));
    const weights = this.weights.flat();
    const texts = weightsIn(weights, spelled(weights), this.most);
    [...this.grid.children].forEach((input, k) => {
      const weight = weights[k];
      const fill = diverging(weight, strongest);
      input.style.background = css(fill);
      input.style.color = inkOn(fill);
      if (input === typing) return;
      input.value = texts[k];
      const share = this.room / Math.max(...texts.map((text) => text.length));
      input.style.fontSize = share < 1 ? `calc(${share.toFixed(2)} * var(--tall))` : "";
      input.title = String(weight);
      input.setAttribute("aria-invalid", "false");
    });
    this.root.querySelector(".undo").disabled = !this.before.length;
  }

  refuse(sentence) {
    this.refusal.textContent = sentence;
  }

  paste(event) {
    const text = event.clipboardData.getData("text");
    if (readWeight(text) !== null) return; // one weight, for the field that it is pasted into
    event.preventDefault();
    const { weights, problem } = readWeights(text);
    if (weights) {
      event.target.blur?.();
      this.become(weights);
    } else this.refuse(problem);
  }

  tell() {
    this.changed(this.weights);
  }
}

// Calls act(value) at most so often, and always with the last value.
export function paced(act, pause = ANSWERED) {
  let [waiting, next, latest] = [null, 0, null];
  const go = () => {
    waiting = null;
    next = performance.now() + pause;
    act(latest);
  };
  return (value) => {
    latest = value;
    if (waiting) return;
    const left = next - performance.now();
    if (left > 0) waiting = setTimeout(go, left);
    else go();
  };
}
