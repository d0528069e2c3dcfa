// The two other views of the lab: the square cut into tiles, and the shift test. Joined after numbers.js and draw.js.

const TILE_TEXTS = [
  (run) =>
    `The square is cut into ${run.answers.rows} × ${run.answers.columns} overlapping tiles, each as large as the kernel` +
    `${run.how.stride > 1 ? `, ${run.how.stride} pixels apart` : ", one pixel apart"}.`,
  () => "Every tile meets the same few weights: each pixel times its weight, all added up. One tile, one number.",
  () => "The numbers are laid out as the tiles were. Where the kernel's pattern is, the response is large: a feature map.",
  () => "Of each 2 × 2 numbers, after ReLU, the largest stays. A quarter is left, and small shifts matter less.",
  () => "What is left is handed on: to the next layer of kernels, and in the end, as one row of numbers, to a classifier.",
];

export function tileText(step, run) {
  return TILE_TEXTS[step](run);
}

// One of the five steps. colourOf(y, x) gives a pixel's colour, shadeOf(value) a response's.
export function drawTiles(canvas, width, step, run, colourOf, shadeOf, activated, theme) {
  const { rows, columns } = run.answers;
  const [kr, kc] = [run.laid.length, run.laid[0].length];
  const tall = Math.min(width, 460);
  if (step <= 1) {
    const gap = 0.35; // of a pixel, on both sides of a tile
    const unit = Math.min(width / (columns * (kc + 2 * gap)), tall / (rows * (kr + 2 * gap)));
    const context = prepare(canvas, columns * (kc + 2 * gap) * unit, rows * (kr + 2 * gap) * unit);
    context.clearRect(0, 0, width, tall);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const [left, top] = [(c * (kc + 2 * gap) + gap) * unit, (r * (kr + 2 * gap) + gap) * unit];
        for (let i = 0; i < kr; i++) {
          for (let j = 0; j < kc; j++) {
            const y = r * run.how.stride + i * run.how.dilation;
            const x = c * run.how.stride + j * run.how.dilation;
            context.fillStyle = css(colourOf(y, x));
            context.fillRect(left + j * unit, top + i * unit, unit + 0.3, unit + 0.3);
          }
        }
        if (step === 1) {
          context.fillStyle = css(shadeOf(run.answers.values[r * columns + c]));
          const mark = Math.min(kr, kc) * unit * 0.62;
          context.fillRect(left + (kc * unit - mark) / 2, top + (kr * unit - mark) / 2, mark, mark);
        }
      }
    }
    return;
  }
  const grid = step === 2 ? run.answers : pooled(activated);
  if (step < 4) {
    const size = Math.min(width / grid.columns, tall / grid.rows, 56);
    const context = prepare(canvas, grid.columns * size, grid.rows * size);
    const look = (y, x) => {
      const value = grid.values[y * grid.columns + x];
      return { fill: shadeOf(value), text: brief(value) };
    };
    drawGrid(context, grid.rows, grid.columns, size, look, theme);
    return;
  }
  const values = [...grid.values];
  const per = Math.min(values.length, Math.max(8, Math.floor(width / 34)));
  const size = width / per;
  const context = prepare(canvas, width, Math.ceil(values.length / per) * size);
  context.clearRect(0, 0, width, canvas.height);
  values.forEach((value, k) => {
    const look = () => ({ fill: shadeOf(value), text: brief(value) });
    drawGrid(context, 1, 1, size, look, theme, (k % per) * size, Math.floor(k / per) * size);
  });
}

// Two rows, before and after the shift: the square, its answers, the pooled answers, the largest answer of all.
export function drawShift(canvas, width, rowsOf, theme) {
  const gap = 14;
  const title = 18;
  const parts = rowsOf[0].map((part) => part.grid);
  const heights = Math.min(190, (width - gap * (parts.length - 1)) / parts.length);
  const context = prepare(canvas, width, 2 * (heights + title + gap));
  context.clearRect(0, 0, width, 2 * (heights + title + gap));
  rowsOf.forEach((row, r) => {
    let left = 0;
    for (const { grid, look, name } of row) {
      const size = heights / Math.max(grid.rows, grid.columns);
      context.fillStyle = theme.text;
      context.font = `600 12px ${theme.font}`;
      context.textAlign = "left";
      context.textBaseline = "top";
      context.fillText(name, left, r * (heights + title + gap));
      drawGrid(context, grid.rows, grid.columns, size, look, theme, left, r * (heights + title + gap) + title);
      left += heights + gap;
    }
  });
}

// n pixels to the right; changes: of the response after ReLU, of the pooled ones, of the largest one alone, as shares of
// what there was before, or null where there was nothing.
export function shiftText(n, run, changes, followed) {
  const by = `${Math.abs(n)} pixel${Math.abs(n) === 1 ? "" : "s"}`;
  if (n === 0) return "Nothing is moved yet: drag the slider.";
  let first;
  if (followed === null) {
    first = `${by} is no multiple of the stride, ${run.how.stride}: the windows now fall between their old places, so the response cannot simply move along.`;
  } else if (followed.compared === 0) {
    first = "No window sees the same pixels before and after: move it by less.";
  } else if (followed.largest < 1e-6) {
    first = `The response moved along by ${by}${run.how.stride > 1 ? ` (${Math.abs(n) / run.how.stride} cells)` : ""}, exactly: ${followed.compared} values, largest difference 0. That is equivariance.`;
  } else {
    first = `The response moved along, but for ${short(followed.largest)} at most.`;
  }
  if (!changes)
    return `${first} Before, nothing of the square is left after ReLU, so that no change has a share: click where the kernel responds, or raise the bias.`;
  const [response, pool, whole] = changes.map((value) => Math.round(value * 100));
  const share = (value) => `${value}%`;
  const last =
    whole < pool && pool < response
      ? "the more is pooled, the less this shift matters."
      : whole < response && whole > 5
        ? "the largest of all changed least, and 2 × 2 pooling does not help here: it takes in less than the picture moved."
      : whole < response
        ? "the largest of all hardly minds the shift, but 2 × 2 pooling does not help here: it takes in less than the picture moved."
      : whole === response && pool === response
        ? "pooling makes no difference here."
        : "pooling does not help here: what the square shows has changed too much.";
  return `${first} Cell by cell, as a share of their mean size, the responses after ReLU changed by ${share(response)}, the pooled ones by ${share(pool)}, and the largest one of the whole square by ${share(whole)}: ${last}`;
}
