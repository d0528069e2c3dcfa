// What is slid fades out at each edge beyond which more of it lies: its class is “fading”. To be called once it is drawn;
// from then on it follows.
const FADE = 36; // CSS pixels, at most

function fade(scroller) {
  const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = scroller;
  const beyond = {
    left: scrollLeft,
    right: scrollWidth - clientWidth - scrollLeft,
    top: scrollTop,
    bottom: scrollHeight - clientHeight - scrollTop,
  };
  for (const [edge, more] of Object.entries(beyond)) {
    scroller.style.setProperty(`--${edge}`, `${Math.max(0, Math.min(FADE, more - 1))}px`); // a pixel may be rounding
  }
  scroller.onscroll = () => fade(scroller);
}

// Slides only where what lies from start to end along the axis, in its pixels, is not wholly seen: then to the middle.
function bringIntoSight(scroller, start, end, axis) {
  const [at, clear] = { x: ["scrollLeft", "clientWidth"], y: ["scrollTop", "clientHeight"] }[axis];
  const [before, room] = [scroller[at], scroller[clear]];
  const seen = start >= before + Math.min(FADE, before) && end <= before + room - FADE;
  if (!seen) scroller[at] = (start + end - room) / 2; // the browser keeps it within what there is
}

