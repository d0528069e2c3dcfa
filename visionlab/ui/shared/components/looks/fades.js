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

