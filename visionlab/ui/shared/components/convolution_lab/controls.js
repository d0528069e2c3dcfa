// What the pointer and the keys do to the lab. Joined before lab.js.

export function listen(lab) {
  const on = (selector, event, act) => lab.$(selector).addEventListener(event, act);
  lab.root.querySelectorAll(".bar button").forEach((button) =>
    button.addEventListener("click", () => {
      lab.pause();
      const { view, stage, tile } = button.dataset;
      if (view) lab.view = view;
      if (stage) setStage(lab, Number(stage));
      if (tile) lab.tileStep = Number(tile);
      lab.layout();
    }),
  );
  lab.root.querySelectorAll(".bar").forEach((bar) => bar.addEventListener("keydown", (event) => chooseByKey(bar, event)));
  on(".side", "input", (event) => {
    const [x, y, side] = lab.square;
    const grown = (Number(event.target.value) - side) / 2;
    lab.placeSquare(x - grown, y - grown, Number(event.target.value));
  });
  on(".side", "change", () => keepSquare(lab));
  on(".channels", "change", () => lab.compute());
  on(".bias", "input", () => lab.compute());
  on(".shift", "input", () => lab.drawShiftView());
  on(".play", "click", () => (lab.playing ? lab.pause() : lab.play()));
  on(".back", "click", () => (lab.pause(), lab.moveBy(-1)));
  on(".step", "click", () => (lab.pause(), lab.moveBy(1)));
  listenToPicture(lab);
  hover(lab, ".input", (x, y) => {
    const { run, sizes } = lab;
    const centre = (place, sides) => Math.round((place - (sides.span - 1) / 2) / run.how.stride);
    const [row, column] = [centre(Math.floor(y / sizes.input), run.down), centre(Math.floor(x / sizes.input), run.across)];
    return lab.stage < 3 ? [row, column] : [Math.floor(row / 2), Math.floor(column / 2)];
  });
  hover(lab, ".output", (x, y) => {
    const cell = [y, x].map((value) => Math.floor(value / lab.sizes.output));
    return lab.stage < 3 ? cell : cell.map((value) => Math.floor(value / 2));
  });
  hover(lab, ".pool", (x, y) => [y, x].map((value) => Math.floor(value / lab.sizes.pool)));
}

// Arrow keys choose within a group of radio buttons, and Tab goes past it, as everywhere else.
export function chooseByKey(bar, event) {
  const buttons = [...bar.querySelectorAll("button")];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length];
  next.focus();
  next.click();
}

export function setStage(lab, stage) {
  const { row, column } = lab.at;
  if (stage === 3 && lab.stage < 3) lab.at = { row: Math.floor(row / 2), column: Math.floor(column / 2) };
  if (stage < 3 && lab.stage === 3) lab.at = { row: 2 * row, column: 2 * column };
  lab.stage = stage;
  lab.moveTo(lab.at.row, lab.at.column, false);
}

// Pointing at a grid puts the window there; a click holds it fast, so that one can look at where it came from.
export function hover(lab, selector, cellAt) {
  const canvas = lab.$(selector);
  const cell = (event) => {
    const box = canvas.getBoundingClientRect();
    return cellAt(event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener("pointermove", (event) => {
    if (!lab.run || lab.pinned || lab.playing) return;
    const [row, column] = cell(event);
    if (row !== lab.at.row || column !== lab.at.column) lab.moveTo(row, column);
  });
  canvas.addEventListener("click", (event) => {
    if (!lab.run) return;
    lab.pause();
    const { row, column } = lab.at;
    const held = lab.pinned;
    lab.moveTo(...cell(event), false);
    lab.pinned = !(held && row === lab.at.row && column === lab.at.column);
    lab.draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const { row, column } = lab.at;
    if (moves[event.key]) {
      lab.pause();
      lab.moveTo(row + moves[event.key][0], column + moves[event.key][1]);
    } else if (event.key === "Home") lab.moveTo(0, 0);
    else if (event.key === "End") lab.moveTo(Infinity, Infinity);
    else if (event.key === " ") lab.playing ? lab.pause() : lab.play();
    else if (event.key === "Enter" || event.key === "Escape") {
      lab.pinned = event.key === "Enter" && !lab.pinned;
      lab.draw();
    } else return;
    event.preventDefault();
  });
}

export function listenToPicture(lab) {
  const canvas = lab.$(".picture");
  let grip = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / lab.pictureScale, (event.clientY - box.top) / lab.pictureScale];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!lab.run) return;
    lab.pause();
    canvas.setPointerCapture(event.pointerId);
    const [px, py] = place(event);
    const [x, y, side] = lab.square;
    const near = 10 / lab.pictureScale;
    const corner = Math.abs(px - x - side) < near && Math.abs(py - y - side) < near;
    const inside = px >= x && py >= y && px <= x + side && py <= y + side;
    grip = { corner, dx: inside ? px - x : side / 2, dy: inside ? py - y : side / 2 };
    if (!corner && !inside) lab.placeSquare(px - side / 2, py - side / 2, side);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [px, py] = place(event);
    const [x, y, side] = lab.square;
    const room = Math.min(lab.pixels.width - x, lab.pixels.height - y);
    if (grip.corner) lab.placeSquare(x, y, Math.min(room, Math.max(px - x, py - y)));
    else lab.placeSquare(px - grip.dx, py - grip.dy, side);
  });
  canvas.addEventListener("pointerup", () => {
    if (grip) keepSquare(lab);
    grip = null;
  });
  canvas.addEventListener("keydown", (event) => {
    const [x, y, side] = lab.square;
    const keys = {
      ArrowLeft: [x - 1, y, side],
      ArrowRight: [x + 1, y, side],
      ArrowUp: [x, y - 1, side],
      ArrowDown: [x, y + 1, side],
      "+": [x, y, side + 1],
      "-": [x, y, side - 1],
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    lab.placeSquare(...keys[event.key]);
  });
  canvas.addEventListener("keyup", () => keepSquare(lab));
}

// The page keeps the square, for the link; only when it has come to rest.
export function keepSquare(lab) {
  const now = lab.square.join(",");
  if (now === lab.kept) return;
  lab.kept = now;
  lab.tell("square", [...lab.square]);
}
