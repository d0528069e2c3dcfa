// What the lab says: the products under the window, the sum in figures, titles and sizes. Joined before lab.js.

export function explain(lab) {
  const { row, column } = lab.at;
  const { answers } = lab.run;
  const where = lab.$(".where");
  if (!lab.grid.values.length) {
    where.textContent = "";
    lab.$(".sum").replaceChildren();
    const few = lab.stage === 3 && answers.values.length;
    lab.$(".equation").textContent = few ? "There are fewer than 2 × 2 values to pool." : tooSmall(lab);
    return;
  }
  where.textContent = `row ${row + 1}, column ${column + 1}${lab.pinned ? " · held (Esc lets go)" : ""}`;
  const sum = lab.stage < 3 ? explainWindow(lab, row, column) : explainPool(lab, row, column);
  if (!lab.playing && sum !== lab.said) {
    lab.said = sum;
    lab.$(".live").textContent = `Row ${row + 1}, column ${column + 1}: ${sum}`;
  }
}

export function explainWindow(lab, row, column) {
  const found = termsOf(lab.run, row, column);
  drawSums(lab, found);
  const place = row * lab.run.answers.columns + column;
  const [answer, biased, active] = [lab.run.answers, lab.biased, lab.active].map((grid) => grid.values[place]);
  const written = found.length <= 9 ? found.map((t) => `${short(t.value)}·${bracket(t.weight)}`).join(" + ") : `the sum of ${found.length} products`;
  let result = answer;
  const parts = [`${written} = `, strong(exact(answer))];
  if (lab.stage >= 1) {
    parts.push(` → ${exact(answer)} ${lab.bias < 0 ? "−" : "+"} ${exact(Math.abs(lab.bias))} = `, strong(exact(biased)));
    result = biased;
  }
  if (lab.stage >= 2) {
    parts.push(` → max(0, ${exact(biased)}) = `, strong(exact(active)));
    result = active;
  }
  lab.$(".equation").replaceChildren(...parts);
  const names = ["sum", "sum and bias", "after ReLU"];
  return `${names[lab.stage]} ${exact(result)}`;
}

export function explainPool(lab, row, column) {
  const values = lab.cells().map(([r, c]) => lab.active.values[r * lab.active.columns + c]);
  lab.$(".sum").replaceChildren();
  const result = lab.pool.values[row * lab.pool.columns + column];
  lab.$(".equation").replaceChildren(`max(${values.map(exact).join(", ")}) = `, strong(exact(result)));
  return `largest of four ${exact(result)}`;
}

// Patch, weights and products as three little grids, one row of them a channel.
export function drawSums(lab, found) {
  const box = lab.$(".sum");
  const { laid, planes } = lab.run;
  const wanted = planes.length * 3;
  if (box.querySelectorAll("canvas").length !== wanted) {
    const names = ["Under the window", "× weights", "= products"];
    box.replaceChildren(
      ...Array.from({ length: wanted }, (_, k) => {
        const figure = document.createElement("figure");
        const caption = document.createElement("figcaption");
        const channel = planes.length > 1 ? ` (${["red", "green", "blue"][Math.floor(k / 3)]})` : "";
        caption.textContent = names[k % 3] + channel;
        figure.append(caption, document.createElement("canvas"));
        return figure;
      }),
    );
  }
  const room = Math.min(lab.width * 0.3, planes.length > 1 ? 130 : 190);
  const size = Math.min(room / laid[0].length, room / laid.length, 46);
  const strongest = Math.max(1e-12, ...laid.flat().map(Math.abs));
  const largest = 255 * strongest;
  box.querySelectorAll("canvas").forEach((canvas, k) => {
    const terms = found.filter((term) => term.plane === Math.floor(k / 3));
    const context = prepare(canvas, laid[0].length * size, laid.length * size);
    const look = (i, j) => {
      const term = terms[i * laid[0].length + j];
      if (k % 3 === 0) return { fill: [term.value, term.value, term.value], text: short(term.value), hatched: !term.inside };
      if (k % 3 === 1) return { fill: diverging(term.weight, strongest), text: short(term.weight) };
      return { fill: diverging(term.product, largest), text: short(term.product) };
    };
    drawGrid(context, laid.length, laid[0].length, size, look, lab.theme);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", terms.map((t) => short([t.value, t.weight, t.product][k % 3])).join(" "));
  });
}

export function tooSmall(lab) {
  return `The kernel spans ${lab.run.down.span} × ${lab.run.across.span} pixels, more than the square has. Enlarge the square, or use another border.`;
}

// What stands around the grids: titles, sizes, which buttons are down.
export function say(lab) {
  const side = lab.square[2];
  const { down, across, answers, how, laid } = lab.run;
  const one = (sides, taps, count) => {
    const padding = sides.before + sides.after;
    return `⌊(${side}${padding ? ` + ${padding}` : ""} − ${taps > 1 && how.dilation > 1 ? `((${taps} − 1) · ${how.dilation} + 1)` : taps}) / ${how.stride}⌋ + 1 = ${count}`;
  };
  const height = one(down, laid.length, answers.rows);
  const width = one(across, laid[0].length, answers.columns);
  lab.$(".size").textContent =
    answers.values.length === 0
      ? tooSmall(lab)
      : `Response a side = ⌊(pixels + padding − window) / stride⌋ + 1: ${width === height ? width : `${height} down, ${width} across`}.`;
  lab.$(".side").value = side;
  lab.$(".side-shown").textContent = side;
  lab.$(".input-title").textContent = `${side} × ${side} pixels${down.before + down.after + across.before + across.after ? ", and what the border adds" : ""}`;
  lab.$(".kernel-title").textContent = how.flip ? "Kernel, turned" : "Kernel";
  lab.$(".output-title").textContent = `${STAGES[lab.stage]}: ${lab.shownGrid.rows} × ${lab.shownGrid.columns}`;
  lab.$(".pool-figure").hidden = lab.stage !== 3;
  lab.$(".shift-shown").textContent = `${lab.$(".shift").value} px`;
  for (const name of ["window", "tiles", "shift"]) lab.$(`.${name}-view`).hidden = lab.view !== name;
  const check = (name, value) => lab.root.querySelectorAll(`[data-${name}]`).forEach((button) => {
    const checked = button.dataset[name] === String(value);
    button.setAttribute("aria-checked", String(checked));
    button.tabIndex = checked ? 0 : -1;
  });
  check("view", lab.view);
  check("stage", lab.stage);
  check("tile", lab.tileStep);
}

function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}

function bracket(weight) {
  return weight < 0 ? `(${short(weight)})` : short(weight);
}

// A result with up to three decimals and a true minus sign.
function exact(value) {
  const rounded = Math.round(value * 1000) / 1000;
  return (Object.is(rounded, -0) ? "0" : String(rounded)).replace("-", "−");
}
