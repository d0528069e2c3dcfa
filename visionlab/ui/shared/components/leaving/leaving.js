// Calls act() as soon as something beside the root is touched or comes into focus: that may lead to another page, for
// which the server lets go of this one. What it gives back ends that.
function beforeLeaving(root, act) {
  const over = new AbortController();
  const look = (event) => root.contains(event.composedPath()[0]) || act();
  const options = { capture: true, signal: over.signal }; // before what is touched does anything
  for (const kind of ["pointerdown", "focusin"]) document.addEventListener(kind, look, options);
  return () => over.abort();
}
