// The live camera: what the server says to each frame, drawn. Joined after webcam.js, frames.js and draw.js.

const UNSURE = "The network is unsure. It always names one of its classes, also where none of them fits.";
const REFUSED = "None of these: it is unlike all that your head has learned from.";

export default live((root) => new Camera(root));

class Camera extends Frames {
  listen(root) {
    super.listen(root);
    this.$(".photograph").onclick = () => this.photograph();
  }

  update(data, setStateValue, setTriggerValue) {
    const { fresh } = data;
    const begins = fresh && fresh.head !== this.head;
    super.update(data, setStateValue, setTriggerValue);
    if (begins) this.begin(fresh);
  }

  // A head that has just been trained: it is to be seen, and tried at once where the camera has been in use.
  begin({ head, start }) {
    this.head = head;
    requestAnimationFrame(() => this.$(".camera").scrollIntoView({ block: "nearest" }));
    if (start && !this.webcam.asked) this.start();
  }

  show(problem) {
    super.show(problem);
    this.$(".photograph").disabled = !this.webcam.stream;
  }

  photograph() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const whole = Object.assign(document.createElement("canvas"), { width, height });
    whole.getContext("2d").drawImage(this.video, 0, 0);
    this.setTriggerValue("photograph", jpeg(whole, 0.92));
  }

  // --- answers ---------------------------------------------------------------------------------------------------

  asks() {
    return { why: this.$(".why").checked };
  }

  clear() {
    this.draw({ bars: [], heat: null, unsure: false, strange: null });
  }

  draw({ bars, heat, unsure, strange }) {
    const refused = strange > 1;
    drawBars(this.$(".bars"), bars, strange);
    drawHeat(this.$(".heat"), heat);
    this.$(".nothing").hidden = !heat || heat.flat().some(Boolean);
    this.$(".unsure").hidden = !unsure && !refused;
    if (unsure || refused) this.$(".unsure").textContent = refused ? REFUSED : UNSURE;
    this.$(".bars").classList.toggle("pale", refused);
    if (!bars.length) return;
    this.bringIntoSight(this.$(".camera"));
    const [label, share] = bestOf(bars);
    this.announce(refused ? NONE : `${label}, ${percent(share, 0)}`);
  }

  pace(rate, latency) {
    return `${rate.toFixed(1)} predictions a second · ${Math.round(latency)} ms from frame to answer`;
  }
}
