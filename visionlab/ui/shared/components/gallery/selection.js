// Which pictures of a list are selected, and which one the keys have come to. Joined after tiles.js.

class Selection {
  constructor() {
    this.ids = []; // all there are, in order
    this.selected = new Set();
    this.at = null; // the one that has the focus, or would get it
    this.anchor = null; // where a range begins
  }

  // The pictures are others now. Where the one at hand is gone, the one that has come into its place follows it.
  hold(ids) {
    const place = this.ids.indexOf(this.at);
    const left = new Set(ids);
    const after = this.ids.slice(Math.max(0, place)).find((id) => left.has(id));
    this.ids = ids;
    this.selected = new Set([...this.selected].filter((id) => left.has(id)));
    if (!left.has(this.at)) this.at = after ?? (place < 0 ? ids[0] : ids.at(-1)) ?? null;
    if (!left.has(this.anchor)) this.anchor = this.at;
  }

  only(id) {
    this.selected = new Set([id]);
    this.at = this.anchor = id;
  }

  toggle(id) {
    if (!this.selected.delete(id)) this.selected.add(id);
    this.at = this.anchor = id;
  }

  // From the anchor to there.
  reach(id) {
    const [from, to] = [this.ids.indexOf(this.anchor), this.ids.indexOf(id)].sort((a, b) => a - b);
    this.selected = new Set(this.ids.slice(from, to + 1));
    this.at = id;
  }

  all() {
    this.selected = new Set(this.ids);
  }

  clear() {
    this.selected.clear();
  }

  // What an action is about, in order: what is selected, or else the one at hand.
  meant() {
    if (this.selected.size) return this.ids.filter((id) => this.selected.has(id));
    return this.at === null ? [] : [this.at];
  }

  // The picture to which a key leads, in so many columns; undefined for a key that leads nowhere.
  led(key, columns) {
    const [at, last] = [this.ids.indexOf(this.at), this.ids.length - 1];
    const to = {
      ArrowLeft: Math.max(0, at - 1),
      ArrowRight: Math.min(last, at + 1),
      ArrowUp: at - columns < 0 ? at : at - columns,
      ArrowDown: at + columns > last ? at : at + columns,
      Home: 0,
      End: last,
    }[key];
    return this.ids[to];
  }
}
