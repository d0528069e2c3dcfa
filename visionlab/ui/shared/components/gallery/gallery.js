// The gallery: what is shown, what the pointer and the keys do, and what the server is told. Joined after selection.js.

const FAR = 6; // pixels that the pointer moves before it drags
const KEYS =
  "Click selects, Ctrl- or Shift-click and Space more, Ctrl+A all, Escape none. Drag onto a class or press its number to move, " +
  "0 switches off and on, Delete removes, Enter or a double click opens.";
const FIXED = "Nothing can be moved or removed now. Click selects, Ctrl- or Shift-click and Space more, Enter opens.";
const galleries = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let gallery = galleries.get(parentElement);
  if (!gallery) galleries.set(parentElement, (gallery = new Gallery(parentElement)));
  gallery.update(data, setTriggerValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => parentElement.isConnected || gallery.outbox.close();
}

class Gallery {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.grid = this.$(".grid");
    this.outbox = new Outbox();
    this.selection = new Selection();
    this.tiles = new Map(); // id → its element
    this.drag = null; // while the pointer is down on a picture
    this.wasDrag = false; // the pointer, since it was last pressed
    this.listen();
  }

  update(data, setTriggerValue) {
    this.data = data;
    const heard = this.outbox.hear(data.heard, setTriggerValue);
    this.$(".keys").textContent = data.disabled ? FIXED : KEYS;
    this.drawChips();
    this.draw();
    const back = this.refused(heard);
    if (back) this.announce(`${pictures(back)} moved back`);
  }

  // How many pictures are, by what the server says, not where events that it has heard should have brought them.
  refused(events) {
    const meant = new Map(events.flatMap(({ move, to, remove }) => (move ?? remove ?? []).map((id) => [id, to])));
    return this.data.tiles.filter(({ id, label }) => meant.has(id) && meant.get(id) !== label).length;
  }

  // --- what is shown ---------------------------------------------------------------------------------------------

  // What the server says, and on top of it what it has not heard of yet.
  now() {
    const tiles = new Map(this.data.tiles.map((tile) => [tile.id, tile]));
    for (const { move, to, enable, on, remove } of this.outbox.waiting) {
      for (const id of move ?? []) if (tiles.has(id)) tiles.set(id, { ...tiles.get(id), label: to });
      for (const id of enable ?? []) if (tiles.has(id)) tiles.set(id, { ...tiles.get(id), off: !on });
      for (const id of remove ?? []) tiles.delete(id);
    }
    const { shown } = this.data;
    return [...tiles.values()].filter(({ label }) => shown === null || label === shown);
  }

  draw() {
    const { shown, classes } = this.data;
    const focused = this.grid.contains(this.grid.getRootNode().activeElement);
    this.shown = this.now();
    this.selection.hold(this.shown.map(({ id }) => id));
    const kept = new Map(this.shown.map(({ id }) => [id, this.tiles.get(id) ?? newTile()]));
    for (const [id, tile] of this.tiles) if (!kept.has(id)) tile.remove();
    this.tiles = kept;
    this.shown.forEach((tile, i) => {
      const element = kept.get(tile.id);
      drawTile(element, tile, shown === null ? (classes[tile.label] ?? "") : "");
      if (this.grid.children[i] !== element) this.grid.insertBefore(element, this.grid.children[i] ?? null);
    });
    this.$(".empty").hidden = this.shown.length > 0;
    this.mark();
    if (focused) this.focus();
  }

  mark() {
    const { selected, at } = this.selection;
    for (const [id, tile] of this.tiles) {
      tile.setAttribute("aria-selected", String(selected.has(id)));
      tile.tabIndex = id === at ? 0 : -1;
    }
    this.$(".count").textContent = selected.size ? `${selected.size} of ${this.tiles.size} selected.` : "";
    this.$(".hint").hidden = selected.size > 0;
    this.$(".all").textContent = selected.size ? "Select none" : "Select all";
    this.$(".all").disabled = !this.tiles.size;
    this.$(".enable").replaceChildren(keycap("0"), selected.size && this.turnsOn() ? "Switch on" : "Switch off");
    for (const button of [...this.$(".chips").children, this.$(".enable"), this.$(".remove")]) {
      button.disabled = this.data.disabled || !selected.size;
    }
    const here = new Set(this.shown.filter(({ id }) => selected.has(id)).map(({ label }) => label));
    for (const chip of this.$(".chips").children) {
      if (here.size === 1 && here.has(Number(chip.dataset.class))) chip.disabled = true; // where all of them are
    }
  }

  drawChips() {
    const { classes, shown } = this.data;
    const row = this.$(".chips");
    while (row.children.length > classes.length) row.lastChild.remove();
    while (row.children.length < classes.length) row.append(newChip());
    classes.forEach((name, i) => {
      const chip = row.children[i];
      chip.dataset.class = i;
      chip.querySelector("kbd").textContent = chip.ariaKeyShortcuts = i < 9 ? i + 1 : "";
      chip.querySelector(".name").textContent = name;
      chip.classList.toggle("shown", i === shown);
    });
  }

  focus() {
    (this.tiles.get(this.selection.at) ?? this.grid).focus();
  }

  announce(text) {
    this.$(".unseen").replaceChildren(text); // a new node, so that the same words are said again
  }

  // --- what is done ----------------------------------------------------------------------------------------------

  move(to) {
    const name = this.data.classes[to];
    if (this.data.disabled || name === undefined) return;
    const labels = new Map(this.shown.map(({ id, label }) => [id, label]));
    const meant = this.selection.meant();
    const ids = meant.filter((id) => labels.get(id) !== to);
    if (ids.length) this.tell({ move: ids, to }, `${pictures(ids.length)} moved to ${name}`);
    else if (meant.length) this.announce(`${pictures(meant.length)} in ${name} already`);
  }

  // Whether all that an action is about is switched off.
  turnsOn() {
    const meant = new Set(this.selection.meant());
    return meant.size > 0 && this.shown.every(({ id, off }) => off || !meant.has(id));
  }

  enable() {
    const [ids, on] = [this.selection.meant(), this.turnsOn()];
    if (!this.data.disabled && ids.length) {
      this.tell({ enable: ids, on }, `${pictures(ids.length)} switched ${on ? "on" : "off"}`);
    }
  }

  remove() {
    const ids = this.selection.meant();
    if (!this.data.disabled && ids.length) this.tell({ remove: ids }, `${pictures(ids.length)} removed`);
  }

  tell(event, said) {
    this.selection.clear();
    this.outbox.put(event);
    this.draw();
    this.announce(said);
  }

  open(id) {
    this.outbox.put({ open: id });
  }

  // --- pointer and keys ------------------------------------------------------------------------------------------

  listen() {
    const on = (event, act) => this.grid.addEventListener(event, act);
    const under = (event) => event.target.closest(".tile")?.dataset.id;
    on("pointerdown", (event) => {
      const [id, { clientX: x, clientY: y }] = [under(event), event];
      this.wasDrag = false;
      // A finger scrolls; it selects by tapping, and moves by tapping a class.
      if (!id || event.button !== 0 || event.pointerType === "touch") return;
      event.target.setPointerCapture(event.pointerId);
      this.drag = { id, x, y };
    });
    on("pointermove", (event) => this.drag && (event.buttons ? this.dragged(event) : this.letGo()));
    on("pointerup", (event) => this.dropped(event));
    on("pointercancel", () => this.letGo());
    on("click", (event) => {
      const id = under(event);
      if (this.wasDrag) return; // what ends a drag selects nothing
      if (id) this.clicked(id, event);
      else this.selection.clear();
      this.mark();
    });
    on("dblclick", (event) => under(event) && this.open(under(event)));
    on("focusin", (event) => {
      this.selection.at = under(event) ?? this.selection.at;
      this.mark();
    });
    on("keydown", (event) => {
      if (!this.pressed(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    const { selection } = this;
    const doing = (act) => () => {
      act();
      this.mark();
      this.focus(); // the button may be disabled now
    };
    this.$(".all").onclick = doing(() => (selection.selected.size ? selection.clear() : selection.all()));
    this.$(".enable").onclick = doing(() => this.enable());
    this.$(".remove").onclick = doing(() => this.remove());
    this.$(".chips").onclick = ({ target }) => {
      const chip = target.closest("button");
      if (!chip) return;
      this.move(Number(chip.dataset.class));
      this.focus(); // the chip may be disabled now
    };
  }

  clicked(id, { ctrlKey, metaKey, shiftKey, pointerType }) {
    if (shiftKey) this.selection.reach(id);
    else if (ctrlKey || metaKey || pointerType === "touch") this.selection.toggle(id);
    else this.selection.only(id);
    this.focus();
  }

  // Whether the key means something here.
  pressed({ key, shiftKey, ctrlKey, metaKey, altKey }) {
    const { selection } = this;
    const command = ctrlKey || metaKey;
    const to = selection.led(key, this.columns());
    if (altKey || !this.tiles.size) return false;
    if (to !== undefined && !command) {
      if (shiftKey) selection.reach(to);
      else selection.at = selection.anchor = to;
      this.focus();
    } else if (command && key.toLowerCase() === "a") selection.all();
    else if (command) return false;
    else if (/^[1-9]$/.test(key)) this.move(Number(key) - 1);
    else if (key === "0") this.enable();
    else if (key === "Delete" || key === "Backspace") this.remove();
    else if (key === " ") selection.toggle(selection.at);
    else if (key === "Enter") this.open(selection.at);
    else if (key === "Escape" && this.drag?.ghost) this.letGo();
    else if (key === "Escape" && selection.selected.size) selection.clear();
    else return false;
    this.mark();
    return true;
  }

  columns() {
    return getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
  }

  // --- dragging --------------------------------------------------------------------------------------------------

  dragged(event) {
    const { drag } = this;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.ghost) {
      if (this.data.disabled || !this.tiles.has(drag.id) || Math.hypot(dx, dy) < FAR) return;
      this.lift(event.pointerId);
    }
    drag.ghost.style.translate = `${event.clientX}px ${event.clientY}px`;
    this.over(event)?.classList.add("over");
  }

  lift(pointer) {
    const { id } = this.drag;
    if (!this.selection.selected.has(id)) this.selection.only(id);
    this.mark();
    this.grid.setPointerCapture(pointer); // the picture itself may go meanwhile
    const count = this.selection.selected.size;
    const ghost = (this.drag.ghost = this.$(".ghost"));
    ghost.querySelector("img").src = this.tiles.get(id).querySelector("img").src;
    ghost.querySelector(".many").textContent = count > 1 ? count : "";
    ghost.hidden = false;
  }

  // The chip under the pointer; no other one looks as if it were. Where there are many, the row shows some of them.
  over({ clientX: x, clientY: y }) {
    const row = this.$(".chips");
    const chips = [...row.children];
    const under = (element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      return left <= x && x <= right && top <= y && y <= bottom;
    };
    chips.forEach((chip) => chip.classList.remove("over"));
    return under(row) ? chips.find(under) : undefined;
  }

  dropped(event) {
    const chip = this.drag?.ghost && this.over(event);
    this.letGo();
    if (!chip || !this.selection.selected.size) return; // what was dragged may be gone
    this.move(Number(chip.dataset.class));
    this.focus();
  }

  letGo() {
    if (this.drag?.ghost) this.wasDrag = true;
    this.drag = null;
    this.$(".ghost").hidden = true;
    for (const chip of this.$(".chips").children) chip.classList.remove("over");
  }
}

function newChip() {
  const chip = make("button");
  chip.type = "button";
  chip.append(keycap(""), make("span", "name"));
  return chip;
}

// The key that does the same; what a button is called is said without it.
function keycap(key) {
  const cap = make("kbd");
  cap.setAttribute("aria-hidden", "true");
  cap.textContent = key;
  return cap;
}
