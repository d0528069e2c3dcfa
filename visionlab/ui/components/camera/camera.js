// The live camera: started and stopped by a person, and heard by the server one frame at a time. Joined after webcam.js.

const PATIENCE = 10_000; // ms without an answer, after which another frame is sent
const WINDOW = 2_000; // ms over which rate and latency are measured
const SILENCE = 4_000; // ms at least between two announcements
const cameras = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let camera = cameras.get(parentElement);
  if (!camera) cameras.set(parentElement, (camera = new Camera(parentElement)));
  camera.update(data, setStateValue, setTriggerValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => parentElement.isConnected || camera.leave();
}

class Camera {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.video = this.$("video");
    this.sketch = document.createElement("canvas"); // a frame on its way to the server
    this.number = Date.now(); // of the last frame: differs from those before a reload
    this.watching = false; // since the camera was last let go of
    this.waiting = null; // the frame that the server is at: its number, and when it was captured
    this.paces = []; // when answers were painted, and how long each took
    this.announced = { text: "", at: -SILENCE };
    this.page = new AbortController();
    this.webcam = new Webcam(this.video, this.$("select"), (problem) => this.show(problem));
    this.listen();
  }

  listen() {
    const { webcam } = this;
    this.$(".start").onclick = () => (webcam.asked ? webcam.stop() : webcam.start());
    this.$(".photograph").onclick = () => this.photograph();
    const mirror = () => this.$(".stage").classList.toggle("mirrored", this.$(".mirror").checked);
    this.$(".mirror").onchange = mirror;
    mirror();
    this.video.onresize = () => this.measure();
    this.video.onloadeddata = () => this.send();
    const resume = () => {
      this.paces = [];
      this.send();
    };
    document.addEventListener("visibilitychange", resume, { signal: this.page.signal });
  }

  update(data, setStateValue, setTriggerValue) {
    Object.assign(this, { data, setStateValue, setTriggerValue });
    const { answer } = data;
    if (!this.waiting || answer?.number !== this.waiting.number) return;
    const { at } = this.waiting;
    this.forget();
    this.draw(answer);
    // Not at once: the server's run is still ending, and what else the page asks of it is to find its turn, too.
    requestAnimationFrame(() => setTimeout(() => this.painted(performance.now() - at)));
  }

  // --- on and off ------------------------------------------------------------------------------------------------

  show(problem) {
    const { asked, stream } = this.webcam;
    if (!stream) this.rest();
    this.watching = Boolean(stream);
    this.$(".problem").textContent = problem;
    this.$(".start").textContent = asked ? "Stop the camera" : "Start the camera";
    this.$(".photograph").disabled = !stream;
    this.$(".view").hidden = !stream;
  }

  rest() {
    if (this.watching) this.setStateValue("frame", null); // the server forgets the last one, too
    this.paces = [];
    this.forget();
    this.draw({ bars: [], heat: null, unsure: false });
    this.$(".pace").textContent = "";
  }

  // The page no longer shows this component.
  leave() {
    this.page.abort();
    this.forget();
    this.webcam.release();
  }

  // --- frames ----------------------------------------------------------------------------------------------------

  send() {
    const { video, sketch } = this;
    if (!this.webcam.stream || this.waiting || document.hidden || video.readyState < video.HAVE_CURRENT_DATA) return;
    const { side } = this.data;
    const square = Math.min(video.videoWidth, video.videoHeight);
    const [left, top] = [(video.videoWidth - square) / 2, (video.videoHeight - square) / 2];
    this.waiting = { number: ++this.number, at: performance.now() };
    sketch.width = sketch.height = side;
    const context = sketch.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(video, left, top, square, square, 0, 0, side, side);
    this.timer = setTimeout(() => {
      this.waiting = null;
      this.send();
    }, PATIENCE);
    this.setStateValue("frame", { number: this.number, jpeg: jpeg(sketch, 0.85), why: this.$(".why").checked });
  }

  forget() {
    clearTimeout(this.timer);
    this.waiting = null;
  }

  photograph() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const whole = Object.assign(document.createElement("canvas"), { width, height });
    whole.getContext("2d").drawImage(this.video, 0, 0);
    this.setTriggerValue("photograph", jpeg(whole, 0.92));
  }

  // --- answers ---------------------------------------------------------------------------------------------------

  measure() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const side = this.data.seen * Math.min(width, height);
    this.$(".stage").style.aspectRatio = `${width} / ${height}`;
    this.$(".seen").style.width = `${(100 * side) / width}%`;
    this.$(".seen").style.height = `${(100 * side) / height}%`;
  }

  draw({ bars, heat, unsure }) {
    drawBars(this.$(".bars"), bars);
    drawHeat(this.$(".heat"), heat);
    this.$(".unsure").hidden = !unsure;
    if (bars.length) this.announce(`${bars[0][0]}, ${percent(bars[0][1], 0)}`);
  }

  announce(text) {
    const now = performance.now();
    if (text === this.announced.text || now < this.announced.at + SILENCE) return;
    this.announced = { text, at: now };
    this.$(".unseen").textContent = text;
  }

  painted(latency) {
    if (!this.webcam.stream) return;
    this.send();
    const now = performance.now();
    this.paces = [...this.paces.filter(({ at }) => at > now - WINDOW), { at: now, latency }];
    this.video.dispatchEvent(new CustomEvent("answered", { detail: latency, bubbles: true, composed: true }));
    if (this.paces.length < 2) return;
    const rate = (1000 * (this.paces.length - 1)) / (now - this.paces[0].at);
    const mean = this.paces.reduce((sum, pace) => sum + pace.latency, 0) / this.paces.length;
    this.$(".pace").textContent =
      `${rate.toFixed(1)} predictions a second · ${Math.round(mean)} ms from frame to answer`;
  }
}
