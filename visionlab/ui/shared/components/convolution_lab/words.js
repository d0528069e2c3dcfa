// What the story says: its equation, titles, sizes, which buttons are down.

export function explain(story) {
  const where = story.$(".where");
  story.$(".ending").hidden = story.stage < ENDING || !story.grid.values.length;
  if (!story.grid.values.length) {
    where.textContent = story.$(".live").textContent = story.said = "";
    const few = story.stage >= POOLED && story.run.answers.values.length;
    story.$(".equation").textContent = few ? "There are fewer than 2 × 2 values to pool." : tooSmall(story);
    return;
  }
  const place = placeOf(story);
  where.textContent = `${place}${story.held && !story.walk.playing ? " · held: Esc, a click or a tap on it lets go" : ""}`;
  const said = story.stage >= ENDING ? explainEnding(story) : story.stage === POOLED ? explainPool(story) : explainWindow(story);
  if (!story.walk.playing && said !== story.said) {
    story.said = said;
    story.$(".live").textContent = `${place}: ${said}`;
  }
}

// Until pooling, a place has the numbers that it has in the whole response.
function placeOf({ at, stage, first }) {
  const [row, column] = stage < POOLED ? [first.row + at.row, first.column + at.column] : [at.row, at.column];
  return `${stage < POOLED ? "Row" : "Pooled row"} ${row + 1}, column ${column + 1}`;
}

function explainWindow(story) {
  const { row, column } = story.at;
  const sum = written(termsOf(story.run, row, column));
  const count = story.run.planes.length * story.run.laid.flat().length;
  const parts = [`${sum.equation ?? `the sum of ${count} products`} = `, strong(sum.text)];
  const bias = story.bias;
  const sumWithBias = readWeight(sum.text) + bias; // of the sum as it is written
  const biased = exact(sumWithBias);
  const active = exact(Math.max(0, sumWithBias));
  if (story.stage >= 1) parts.push(` → ${sum.text} ${bias < 0 ? "−" : "+"} ${exact(Math.abs(bias))} = `, strong(biased));
  if (story.stage >= 2) parts.push(` → max(0, ${biased}) = `, strong(active));
  story.$(".equation").replaceChildren(...parts);
  return ["sum ", "sum and bias ", "after ReLU "][story.stage] + [sum.text, biased, active][story.stage];
}

function explainPool(story) {
  const { row, column } = story.at;
  const result = exact(story.pool.values[row * story.pool.columns + column]);
  story.$(".equation").replaceChildren(`max(${story.cells().map((cell) => exact(story.activeAt(cell))).join(", ")}) = `, strong(result));
  return `largest of four ${result}`;
}

function explainEnding(story) {
  const said = story.ending.say(story.stage);
  story.$(".equation").textContent = said;
  return said;
}

function tooSmall(story) {
  return `The kernel spans ${story.run.down.span} × ${story.run.across.span} pixels, more than the square has. Enlarge the square, or use another border.`;
}

// The size of what the stage, or the step of the tiles, shows, and how it comes about.
function sizeOf(story) {
  const { answers } = story.run;
  const { pool } = story;
  const stage = { window: story.stage, tiles: [0, 0, 0, POOLED, ENDING][story.tileStep], shift: 0 }[story.view];
  if (!answers.values.length || (stage >= POOLED && !pool.values.length)) return "";
  const numbers = pool.values.length;
  const classes = story.ending.classes.length;
  return [
    responseSize(story),
    responseSize(story),
    responseSize(story),
    `Pooled a side = ⌊response / 2⌋: ${bothWays(`⌊${answers.rows} / 2⌋ = ${pool.rows}`, `⌊${answers.columns} / 2⌋ = ${pool.columns}`)}.${leftOver(answers)}`,
    `In one row: ${pool.rows} × ${pool.columns} = ${numbers} numbers.`,
    `Weights: ${classes} classes × ${numbers} numbers = ${classes * numbers}, and a score for each class.`,
    `Probabilities: ${classes}, one for each score; they add up to 100%.`,
  ][stage];
}

function responseSize(story) {
  const side = story.lab.square[2];
  const { answers, laid, padding } = story.run;
  const { down, across, how } = padding;
  const one = (sides, taps, count) => {
    const around = sides.before + sides.after;
    return `⌊(${side}${around ? ` + ${around}` : ""} − ${taps > 1 && how.dilation > 1 ? `((${taps} − 1) · ${how.dilation} + 1)` : taps}) / ${how.stride}⌋ + 1 = ${count}`;
  };
  const said = bothWays(one(down, laid.length, answers.rows), one(across, laid[0].length, answers.columns));
  return `Response a side = ⌊(pixels + padding − window) / stride⌋ + 1: ${said}.`;
}

function bothWays(height, width) {
  return height === width ? width : `${height} down, ${width} across`;
}

// What has no partner is not pooled.
function leftOver({ rows, columns }) {
  const odd = [rows % 2 && "row", columns % 2 && "column"].filter(Boolean);
  return odd.length ? ` The last ${odd.join(" and the last ")} ${odd.length > 1 ? "are" : "is"} left out.` : "";
}

// What stands around the grids.
export function sayStory(story) {
  const side = story.lab.square[2];
  const { down, across, how } = story.run.padding;
  story.$(".size").textContent = sizeOf(story);
  story.$(".side").max = story.lab.mostSide;
  story.$(".side").min = Math.min(8, story.lab.mostSide);
  story.$(".side").value = side;
  story.$(".side-shown").textContent = side;
  story.$(".word-of").textContent = story.lab.data.words[story.stage];
  story.$(".in-grey").hidden = story.lab.told === story.lab.planes;
  story.$(".input-title").textContent = `${side} × ${side} pixels${down.before + down.after + across.before + across.after ? ", and what lies around" : ""}`;
  story.$(".kernel-title").textContent = how.flip ? "Kernel, turned" : "Kernel";
  story.$(".output-title").textContent = `${STAGES[story.stage]}: ${story.shownGrid.rows} × ${story.shownGrid.columns}`;
  story.$(".pool-title").textContent = `Pooled: ${story.pool.rows} × ${story.pool.columns}`;
  for (const figure of story.root.querySelectorAll(".before-pooling")) figure.hidden = story.stage >= POOLED;
  story.$(".before-ending").hidden = story.stage >= ENDING;
  story.$(".pool-figure").hidden = story.stage < POOLED;
  story.$(".shift-shown").textContent = `${fixed(Number(story.$(".shift").value), 0)} px`;
  if (story.view !== "window") story.$(".live").textContent = story.said = "";
  for (const name of VIEWS) story.$(`.${name}-view`).hidden = story.view !== name;
  const check = (name, value) =>
    story.root.querySelectorAll(`[data-${name}]`).forEach((button) => {
      const checked = button.dataset[name] === String(value);
      button.setAttribute("aria-checked", String(checked));
      button.tabIndex = checked ? 0 : -1;
    });
  check("view", story.view);
  check("stage", story.stage);
  check("tile", story.tileStep);
}

function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}
