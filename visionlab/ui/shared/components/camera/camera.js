// The live camera: started and stopped by a person, and heard by the server one frame at a time. Joined after webcam.js.

const PATIENCE = 10_000; // ms without an answer, after which another frame is sent
const COURTESY = 2_000; // ms at most during which what a person did elsewhere on the page has its turn
const HASTE = 300; // ms at least: a run of the page that comes sooner may have begun before what a person did
const DEEDS = ["pointerdown", "click", "keydown", "change", "popstate"];
const WINDOW = 2_000; // ms over which rate and latency are measured
const SILENCE = 4_000; // ms at least between two announcements
const UNSURE = "The network is unsure. It always names one of its classes, also where none of them fits.";
const REFUSED = "None of these: it is unlike all that your head has learned from.";
const cameras = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let camera = cameras.get(parentElement);
  if (!camera) cameras.set(parentElement, (camera = new Camera(parentElement)));
  camera.update(data, setStateValue, setTriggerValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => parentElement.isConnected || camera.leave();
}

// Not at once: the server's run is still ending, and what else the page asks of it is to find its turn, too.
const soon = (act) => requestAnimationFrame(() => setTimeout(act));

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
    this.touched = this.until = 0; // when a person last did something elsewhere on the page, and when frames may go on
    this.leaving = this.overtaken = false; // of the frame that is handed to Streamlit, and not yet sent
    this.page = new AbortController();
    this.webcam = new Webcam(this.video, this.$("select"), (problem) => this.show(problem));
    this.listen(root);
  }

  listen(root) {
    const { webcam } = this;
    this.$(".start").onclick = () => (webcam.asked ? webcam.stop() : this.start());
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
    const notice = (event) => event.composedPath().includes(root) || this.notice(event);
    for (const deed of DEEDS) window.addEventListener(deed, notice, { capture: true, signal: this.page.signal });
  }

  update(data, setStateValue, setTriggerValue) {
    const { run } = this.data ?? data;
    Object.assign(this, { data, setStateValue, setTriggerValue });
    const { answer, fresh } = data;
    if (fresh && fresh.head !== this.head) this.begin(fresh);
    if (data.run !== run) this.until = Math.min(this.until, this.touched + HASTE); // what a person did had its turn
    if (!this.waiting) return data.run !== run && soon(() => this.send());
    if (answer?.number !== this.waiting.number) return;
    const { at } = this.waiting;
    this.forget();
    this.draw(answer);
    soon(() => this.painted(performance.now() - at));
  }

  // --- on and off ------------------------------------------------------------------------------------------------

  start() {
    this.unseen = true;
    this.webcam.start();
  }

  // A head that has just been trained: it is to be seen, and tried at once where the camera has been in use.
  begin({ head, start }) {
    this.head = head;
    requestAnimationFrame(() => this.$(".camera").scrollIntoView({ block: "nearest" }));
    if (start && !this.webcam.asked) this.start();
  }

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
    this.draw({ bars: [], heat: null, unsure: false, strange: null });
    this.$(".pace").textContent = "";
  }

  // The page no longer shows this component.
  leave() {
    this.page.abort();
    this.forget();
    clearTimeout(this.turn);
    this.webcam.release();
  }

  // --- frames ----------------------------------------------------------------------------------------------------

  send() {
    const { video, sketch } = this;
    if (!this.webcam.stream || this.waiting || document.hidden || video.readyState < video.HAVE_CURRENT_DATA) return;
    if (this.givesWay()) return;
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
    this.leaving = true; // until the timer in which Streamlit sends it
    setTimeout(() => {
      if (this.overtaken) this.setTriggerValue("overtaken", true);
      this.leaving = this.overtaken = false;
    });
  }

  // A frame and what a person does elsewhere on the page must not go out together, nor a frame before the page has run
  // for it: Streamlit sends what changes in one turn of the event loop as the change of a single fragment, and a
  // fragment that is still to run when another page has come empties that page. So frames wait, a click waits for a
  // frame that is just leaving, and what else was overtaken by one is told to the server.
  notice(event) {
    this.touched = performance.now();
    this.until = this.touched + COURTESY;
    if (!this.leaving) return;
    this.overtaken = ["keydown", "change"].includes(event.type);
    if (event.type !== "click") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const [target] = event.composedPath();
    setTimeout(() => target.dispatchEvent(new MouseEvent("click", event)));
  }

  givesWay() {
    const left = this.until - performance.now();
    clearTimeout(this.turn);
    if (left > 0) this.turn = setTimeout(() => this.send(), left);
    return left > 0;
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
    this.$(".stage").style.setProperty("--shape", width / height);
    this.$(".seen").style.width = `${(100 * side) / width}%`;
    this.$(".seen").style.height = `${(100 * side) / height}%`;
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
    if (this.unseen) this.$(".camera").scrollIntoView({ block: "nearest" });
    this.unseen = false; // since the camera was started
    const [label, share] = bestOf(bars);
    this.announce(refused ? NONE : `${label}, ${percent(share, 0)}`);
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
