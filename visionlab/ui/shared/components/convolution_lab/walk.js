// Walks a window over a grid of places, step by step or by itself: the buttons, the speed, what happens in each frame.
//
// over: {count(), place(), go(place), frame(part), begun()}: how many places there are, where the window is, putting it
// there without drawing, drawing it `part` of the way to the next one, and what is told where something has changed.

export class Walk {
  constructor(root, speeds, over) {
    this.root = root;
    this.speeds = speeds;
    this.over = over;
    this.playing = false;
    this.placed = false; // by a hand: then it is walked from there, and not from the first place
    this.$ = (selector) => root.querySelector(selector);
    this.$(".speed").max = speeds.length - 1;
    this.$(".play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    this.$(".back").addEventListener("click", () => this.step(-1));
    this.$(".step").addEventListener("click", () => this.step(1));
    this.$(".speed").addEventListener("input", () => this.say());
    this.say();
  }

  get speed() {
    return Number(this.$(".speed").value);
  }

  set speed(value) {
    this.$(".speed").value = value;
    this.say();
  }

  say() {
    const speed = this.speeds[this.speed];
    this.$(".speed").setAttribute("aria-valuetext", `${speed} windows a second`);
    this.$(".speed-shown").textContent = `${speed.toLocaleString("en")} a second`;
  }

  step(by) {
    const count = this.over.count();
    if (count) this.goTo((((this.over.place() + by) % count) + count) % count);
  }

  // Where a hand puts it.
  goTo(place) {
    this.pause();
    this.placed = true;
    this.over.go(place);
    this.over.frame(0);
  }

  play() {
    const count = this.over.count();
    if (!count) return;
    if (!this.placed || this.over.place() >= count - 1) this.over.go(0);
    this.placed = true;
    this.show(true);
    let [last, owed, frames, since] = [null, 0, 0, null];
    const tick = (now) => {
      if (!this.playing) return;
      if (!this.root.isConnected) return this.pause();
      since ??= now;
      frames += 1;
      if (now - since >= 1000) {
        this.root.dataset.fps = ((frames * 1000) / (now - since)).toFixed(1);
        [frames, since] = [0, now];
      }
      owed += ((now - (last ?? now)) / 1000) * this.speeds[this.speed];
      last = now;
      const steps = Math.floor(owed);
      owed -= steps;
      const place = this.over.place() + steps;
      if (place >= this.over.count()) {
        this.over.go(this.over.count() - 1);
        return this.pause();
      }
      this.over.go(place);
      this.over.frame(owed);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    if (!this.playing) return;
    this.show(false);
    this.over.frame(0);
  }

  show(playing) {
    this.playing = playing;
    this.$(".play").textContent = playing ? "❚❚ Pause" : "▶ Play";
    this.$(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }
}

// A canvas on which one points at the window's place, holds it with a click, and moves it by keys. cellAt(x, y), in CSS
// pixels, gives the place {row, column}. over has what a window is moved by: ready, at, held, walk, put(row, column),
// moveTo(row, column), which draws, too, and hold(held), where null turns it about.
export function followed(canvas, over, cellAt) {
  const cell = (event) => {
    const box = canvas.getBoundingClientRect();
    return cellAt(event.clientX - box.left, event.clientY - box.top);
  };
  const same = (one, other) => one.row === other.row && one.column === other.column;
  let pressed = null; // where: a click's own place is in whole pixels, and may be another cell
  let dragged = false; // since then, over other cells
  let before = null; // where the window was then
  canvas.addEventListener("pointermove", (event) => {
    if (!over.ready || over.walk.playing || (over.held && !(pressed && event.buttons))) return;
    const { row, column } = cell(event);
    if (pressed && event.buttons) dragged ||= !same({ row, column }, pressed);
    if (!same({ row, column }, over.at) && (dragged || !over.held)) over.moveTo(row, column);
  });
  canvas.addEventListener("pointerdown", (event) => {
    pressed = over.ready && cell(event);
    dragged = false;
    before = over.at;
  });
  canvas.addEventListener("pointercancel", () => {
    if (!pressed) return; // what began here was a finger that slides the page
    pressed = null;
    over.moveTo(before.row, before.column);
  });
  canvas.addEventListener("pointerup", () => dragged && over.held && over.hold(true)); // a finger's drag is no click
  canvas.addEventListener("click", () => {
    if (!over.ready || !pressed) return;
    over.walk.pause();
    if (dragged) return over.hold(true);
    const stood = over.at;
    over.put(pressed.row, pressed.column);
    over.hold(!(over.held && same(stood, over.at)));
  });
  canvas.addEventListener("keydown", (event) => over.ready && pressedKey(event, over));
}

function pressedKey(event, over) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const { walk, at } = over;
  if (moves[event.key]) {
    walk.pause();
    walk.placed = true;
    over.moveTo(at.row + moves[event.key][0], at.column + moves[event.key][1]);
  } else if (event.key === "Home") over.moveTo(0, 0);
  else if (event.key === "End") over.moveTo(Infinity, Infinity);
  else if (event.key === " ") walk.playing ? walk.pause() : walk.play();
  else if (event.key === "Enter") over.hold(null);
  else if (event.key === "Escape") over.hold(false);
  else return;
  event.preventDefault();
}
