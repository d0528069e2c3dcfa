// Two pictures, one over the other, and a line between them that follows the pointer or the slider; and a part of both,
// each pixel of it one of the screen's: close.js.

// What the server sends: the length of a JSON text (4 bytes, little-endian), the text, and the encoded picture after.
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return { ...data, after: bytes.subarray(4 + length) };
}

export default function ({ data: bytes, parentElement, setStateValue }) {
  const data = unpack(bytes);
  const $ = (selector) => parentElement.querySelector(selector);
  const [range, stack] = [$("input"), $(".stack")];
  const close = closeOf(parentElement, setStateValue);
  const split = () => {
    $(".before").style.clipPath = `inset(0 ${100 - range.value}% 0 0)`;
    $(".line").style.left = `${range.value}%`;
    close.split();
  };
  // Both have the shape of the picture before: a response with a stride is smaller, and is laid over it enlarged.
  $(".compare").style.setProperty("--shape", data.width / data.height);
  $(".compare").style.setProperty("--tallest", `${data.tallest}px`);
  const [before, after] = [$(".before"), $(".after")];
  if (before.dataset.digest !== data.before) {
    before.dataset.digest = data.before;
    kept(data.before, (address) => {
      if (before.dataset.digest === data.before) before.src = address;
    });
  }
  if (after.dataset.digest !== data.after_digest) {
    after.dataset.digest = data.after_digest;
    URL.revokeObjectURL(after.dataset.address);
    after.src = after.dataset.address = URL.createObjectURL(new Blob([data.after]));
    after.dataset.shown = "";
  }
  after.dataset.exact = data.exact ?? "";
  if (data.exact && after.dataset.shown !== data.exact) {
    kept(data.exact, (address) => {
      if (after.dataset.exact !== data.exact) return; // another one is shown by now
      after.src = address;
      after.dataset.shown = data.exact;
    });
  }
  for (const side of ["before", "after"]) {
    const image = $(`.${side}`);
    image.alt = data[`${side}_title`];
    image.style.height = "100%";
    image.style.imageRendering = data[`${side}_small`] ? "pixelated" : "auto";
  }
  $(".left").textContent = data.before_title;
  $(".right").textContent = data.after_title;
  range.setAttribute("aria-label", `How much of “${data.before_title}” is shown, and how much of “${data.after_title}”`);
  range.oninput = split;
  const follow = (event) => {
    const box = stack.getBoundingClientRect();
    range.value = (100 * (event.clientX - box.left)) / box.width;
    split();
  };
  let from = null; // where a finger came down that may be about to scroll
  stack.onpointerdown = (event) => {
    if (event.button || close.has(event.target)) return;
    stack.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true }); // arrow keys go on from here
    from = event.pointerType === "touch" ? event : null;
    if (!from) follow(event);
    event.preventDefault(); // or the focus would go again
  };
  stack.onpointermove = (event) => {
    if (!stack.hasPointerCapture(event.pointerId)) return;
    if (from && Math.abs(event.clientX - from.clientX) <= Math.abs(event.clientY - from.clientY)) return;
    from = null;
    follow(event);
  };
  stack.onclick = (event) => close.has(event.target) || follow(event); // what a tap is
  close.update(data);
  split();
}
