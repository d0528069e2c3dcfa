// Where everything of the drawing is, in CSS pixels: slabs seen from the right and from above, block by block.

const TALLEST = 76; // the front of the largest maps
const LEAST = 11; // that of the smallest ones
const [RIGHT, UP] = [0.46, 0.3]; // where what is one pixel further back is drawn
const AXIS = 57; // what all slabs are centred on
const FLOOR = 112; // what the slabs never go below
const HEIGHT = 148; // of the whole, with its labels
const ROOM = 12; // between labels at least
const SHORTEST = 0.8; // the least number of pixels for a unit of thickness: below that, the drawing is scrolled
const LONGEST = 1.9; // the most
// What a kind of layer is called, how much is free before it, and how thick it is, in such units; where that is not told,
// it is as thick as it has channels. Every kind of Layer’s is here.
const KINDS = {
  conv: { label: "Convolution", gap: 5 },
  block: { label: "Block", gap: 3 },
  norm: { label: "Normalisation", gap: 0, thick: 4 },
  scale: { label: "Scale", gap: 0, thick: 4 },
  relu: { label: "ReLU", gap: 0, thick: 5 },
  relu6: { label: "ReLU6", gap: 0, thick: 5 },
  activation: { label: "Activation", gap: 0, thick: 5 },
  sum: { label: "Sum", gap: 0, thick: 4 },
  product: { label: "Product", gap: 0, thick: 4 },
  concatenation: { label: "Concatenation", gap: 0, thick: 4 },
  pool: { label: "Pooling", gap: 4, thick: 7 },
  average: { label: "Pooling", gap: 4, thick: 7 },
  linear: { label: "Fully connected", gap: 8, thick: 9 },
  softmax: { label: "Softmax", gap: 8, thick: 9 },
};
const isDeep = (kind) => KINDS[kind].thick === undefined;
const BETWEEN = 8; // blocks at least, in pixels

// layers, the pixels that there are and width(text) → { width, slabs, blocks }, in the layers' order.
function arrange(layers, available, widthOf) {
  const blocks = blocksOf(layers, widthOf);
  const roomOf = (block, scale) => Math.max(block.label, block.units * scale + block.back + BETWEEN);
  const widthAt = (scale) => blocks.reduce((sum, block) => sum + roomOf(block, scale), 0);
  let [scale, high] = [SHORTEST, LONGEST];
  for (let turn = 0; turn < 20; turn++) {
    const middle = (scale + high) / 2;
    if (widthAt(middle) > available) high = middle;
    else scale = middle;
  }
  const width = Math.max(available, widthAt(scale));
  const spare = (width - widthAt(scale)) / blocks.length;
  const slabs = [];
  let left = 0;
  for (const block of blocks) {
    const room = roomOf(block, scale) + spare;
    const start = left + (room - block.units * scale) / 2;
    for (const { sides, thick, from } of block.members) slabs.push(slabOf(sides, start + from * scale, thick * scale));
    block.middle = left + room / 2;
    left += room;
  }
  // Pointing above or below a slab is pointing at it, as far as to the middle between two.
  const edges = slabs.slice(1).map((slab, index) => (slabs[index].end + slab.start) / 2);
  slabs.forEach((slab, index) => (slab.reach = [edges[index - 1] ?? 0, edges[index] ?? width]));
  return { width, slabs, blocks };
}

// Layers in succession of the same block: how thick they are together, how far back they go, how wide their label is.
function blocksOf(layers, widthOf) {
  const largest = Math.max(...layers.map(({ shape }) => Math.max(shape[1], shape[2])));
  const deepest = Math.max(...layers.map(({ kind, shape }) => (isDeep(kind) ? shape[0] : 1)));
  const blocks = [];
  for (const layer of layers) {
    if (blocks.at(-1)?.name !== layer.block) {
      blocks.push({ name: layer.block, layers: [], members: [], units: 0, back: 0 });
    }
    const block = blocks.at(-1);
    const [sides, thick] = [sidesOf(layer, largest), thickness(layer, deepest)];
    const from = block.units + (block.members.length ? KINDS[layer.kind].gap : 0);
    block.layers.push(layer);
    block.members.push({ sides, thick, from });
    block.units = from + thick;
    block.back = Math.max(block.back, RIGHT * sides.deep);
  }
  for (const block of blocks) {
    block.size = sizeOf(block.layers);
    block.label = Math.max(widthOf(block.name), widthOf(block.size)) + ROOM;
  }
  return blocks;
}

// The shape of a block's first layer, without the channels where other layers of it have more or fewer; and what it comes
// down to in the end where that is no maps.
function sizeOf(layers) {
  const maps = layers.filter(({ shape: [, height, width] }) => height * width > 1);
  const one = new Set(maps.map(({ shape: [channels] }) => channels)).size < 2;
  const written = ({ shape: [channels, height, width] }) => {
    const many = channels.toLocaleString("en");
    return height * width > 1 ? `${height} × ${width}${one ? ` × ${many}` : ""}` : many;
  };
  const [first, last] = [layers[0], layers.at(-1)];
  const comesTo = ["linear", "softmax"].includes(last.kind) && written(last) !== written(first);
  return written(first) + (comesTo ? ` → ${written(last)}` : "");
}

function thickness({ kind, shape }, deepest) {
  return KINDS[kind].thick ?? 6 + 9 * Math.sqrt(shape[0] / deepest);
}

// How high and how deep a layer is: maps by the root of their sides, single units by the logarithm of their number.
function sidesOf({ kind, shape: [channels, height, width] }, largest) {
  const maps = height * width > 1 || ["conv", "pool", "average"].includes(kind);
  if (!maps) return { tall: Math.max(LEAST, 5 * Math.log2(channels)), deep: LEAST };
  const side = (length) => Math.max(LEAST, TALLEST * Math.sqrt(length / largest));
  return { tall: side(height), deep: side(width) };
}

// A slab from x = start on: (x, y) is the left top corner of its front, dx and dy are how far its back is moved.
function slabOf({ tall, deep }, start, thick) {
  const [dx, dy] = [RIGHT * deep, UP * deep];
  return { start, end: start + thick, thick, tall, dx, dy, x: start - dx / 2, y: AXIS - tall / 2 + dy / 2 };
}

// The three faces that are seen, and the line around them, as SVG paths.
function facesOf({ x, y, thick, tall, dx, dy }) {
  return {
    side: `M${x + thick} ${y}l${dx} ${-dy}v${tall}l${-dx} ${dy}z`,
    top: `M${x} ${y}l${dx} ${-dy}h${thick}l${-dx} ${dy}z`,
    front: `M${x} ${y}h${thick}v${tall}h${-thick}z`,
    edge: `M${x} ${y}l${dx} ${-dy}h${thick}v${tall}l${-dx} ${dy}h${-thick}z`,
  };
}
