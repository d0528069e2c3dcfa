// The maps of a layer, live: joined after webcam.js, frames.js and the camera's draw.js.

const STEPS = { ArrowUp: -1, ArrowDown: 1 };
const TURNS = { ArrowLeft: -1, ArrowRight: 1 };

export default live((root) => new LiveMaps(root));

class LiveMaps extends Frames {
  constructor(root) {
    super(root);
    this.channel = null; // the one that lies over the picture
    this.frozen = false;
    this.asking = false; // for what the frozen picture has not been asked yet
  }

  listen(root) {
    super.listen(root);
    const mirror = this.$(".mirror").onchange;
    this.$(".mirror").onchange = () => {
      mirror();
      this.ask();
    };
    this.$(".freeze").onclick = () => this.freeze(!this.frozen);
    this.$(".layer").onchange = ({ target }) => this.look(target.value);
    this.$(".up").onclick = () => this.step(-1);
    this.$(".down").onclick = () => this.step(1);
    this.$(".left").onclick = () => this.turn(-1);
    this.$(".right").onclick = () => this.turn(1);
    this.$(".none").onclick = () => this.open(null);
    this.$(".mosaic img").onclick = (event) => this.pick(event);
    this.$(".live-maps").onkeydown = (event) => {
      if (!this.webcam.stream || event.target.matches("select")) return;
      if (event.key === " " && event.target.matches("button, input")) return; // which it presses
      if (event.key in STEPS) this.step(STEPS[event.key]);
      else if (event.key in TURNS) this.turn(TURNS[event.key]);
      else if (event.key === " ") this.freeze(!this.frozen);
      else if (event.key === "Escape") this.open(null);
      else return;
      event.preventDefault();
    };
  }

  update(data, setStateValue, setTriggerValue) {
    const layers = data.layers.join();
    if (layers !== this.layers) {
      this.layers = layers;
      const select = this.$(".layer");
      select.replaceChildren(...data.layers.map((name) => new Option(name, name)));
      select.value = data.first;
      this.layer = data.first;
      this.channel = data.channel;
    }
    super.update(data, setStateValue, setTriggerValue);
  }

  // --- what is looked at -----------------------------------------------------------------------------------------

  look(layer) {
    this.layer = this.$(".layer").value = layer;
    this.channel = null;
    this.ask();
  }

  step(by) {
    const { layers } = this.data;
    const place = layers.indexOf(this.layer) + by;
    if (layers[place]) this.look(layers[place]);
  }

  open(channel) {
    this.channel = channel;
    this.ask();
  }

  turn(by) {
    const { count } = this.drawn ?? {};
    if (count) this.open(this.channel === null ? (by > 0 ? 0 : count - 1) : (this.channel + by + count) % count);
  }

  pick(event) {
    const { pitch, columns, count } = this.drawn;
    const image = event.target;
    const scale = image.naturalWidth / this.width();
    const [column, row] = [event.offsetX, event.offsetY].map((at, i) => Math.floor((at * scale) / pitch[1 - i]));
    const channel = row * columns + column;
    if (column < columns && channel < count) this.open(channel === this.channel ? null : channel);
  }

  // Of the mosaic as it is shown: it is no taller than the window leaves room for.
  width() {
    const image = this.$(".mosaic img");
    return Math.min(image.clientWidth, (image.clientHeight * image.naturalWidth) / image.naturalHeight);
  }

  freeze(frozen) {
    if (!this.webcam.stream) return;
    this.frozen = frozen;
    const button = this.$(".freeze");
    button.setAttribute("aria-pressed", String(frozen));
    button.textContent = frozen ? "Go on" : "Freeze";
    if (frozen) this.video.pause();
    else this.video.play();
    this.paces = [];
    this.ask();
  }

  ask() {
    this.asking = true;
    this.send();
  }

  // --- frames ----------------------------------------------------------------------------------------------------

  show(problem) {
    super.show(problem);
    const off = !this.webcam.stream;
    this.$(".freeze").disabled = off;
    if (!off || !this.frozen) return;
    this.frozen = false;
    this.$(".freeze").setAttribute("aria-pressed", "false");
    this.$(".freeze").textContent = "Freeze";
  }

  send() {
    if (!this.frozen || this.asking) super.send();
  }

  sendAgain() {
    this.asking = true; // also of a frozen picture, whose maps would never come
    super.sendAgain();
  }

  // What moves to the left in the picture is to do so in its maps.
  flips() {
    return this.$(".mirror").checked;
  }

  asks() {
    this.asking = false;
    return { layer: this.layer, channel: this.channel, frozen: this.frozen };
  }

  clear() {
    this.drawn = null;
    drawHeat(this.$(".heat"), null);
    this.$(".mosaic img").removeAttribute("src");
    this.$(".chosen").hidden = true;
    this.$(".said").textContent = "";
  }

  draw(answer) {
    const first = !this.drawn;
    this.drawn = answer;
    const { mosaic, heat, channel, columns, count, size, pitch, said } = answer;
    const image = this.$(".mosaic img");
    image.src = `data:image/jpeg;base64,${mosaic}`;
    drawHeat(this.$(".heat"), heat);
    this.$(".said").textContent = said;
    for (const name of [".left", ".right"]) this.$(name).disabled = count < 2;
    this.$(".none").disabled = channel === null;
    const { layers } = this.data;
    this.$(".up").disabled = this.layer === layers[0];
    this.$(".down").disabled = this.layer === layers.at(-1);
    this.mark(image, channel, columns, size, pitch);
    if (first) this.bringIntoSight(this.$(".live-maps"));
    this.announce(said);
  }

  async mark(image, channel, columns, size, pitch) {
    const chosen = this.$(".chosen");
    chosen.hidden = channel === null;
    if (channel === null) return;
    await image.decode().catch(() => null); // the next one has come
    const scale = this.width() / image.naturalWidth;
    const [row, column] = [Math.floor(channel / columns), channel % columns];
    Object.assign(chosen.style, {
      top: `${row * pitch[0] * scale}px`,
      left: `${column * pitch[1] * scale}px`,
      width: `${size[1] * scale}px`,
      height: `${size[0] * scale}px`,
    });
  }

  pace(rate, latency) {
    return this.frozen ? "" : `${rate.toFixed(1)} mosaics a second · ${Math.round(latency)} ms from frame to maps`;
  }
}
