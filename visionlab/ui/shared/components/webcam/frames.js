// A camera of which the server hears one frame at a time, started and stopped by a person. Joined after webcam.js.
//
// What each component makes of that extends Frames: asks() is what is asked of a frame besides, draw(answer) shows what
// came back, clear() that nothing has, pace(rate, latency) says how fast it goes.

const PATIENCE = 10_000; // ms without an answer, after which another frame is sent
const LONG = 3_000; // ms without one, after which the page says that it waits
const WAITS = "Waiting for an answer …";
const COURTESY = 2_000; // ms at most during which what a person did elsewhere on the page has its turn
const HASTE = 300; // ms at least: a run of the page that comes sooner may have begun before what a person did
const DEEDS = ["pointerdown", "click", "keydown", "change", "popstate"];
const WINDOW = 2_000; // ms over which rate and latency are measured
const SILENCE = 4_000; // ms at least between two announcements
const lives = new WeakMap();

// What Streamlit calls: one object a place on the page, made by make(root).
function live(make) {
  return ({ data, parentElement, setStateValue, setTriggerValue }) => {
    let found = lives.get(parentElement);
    if (!found) lives.set(parentElement, (found = make(parentElement)));
    found.update(data, setStateValue, setTriggerValue);
    // Streamlit calls this also where newer data came in at once: only what has left the page is over.
    return () => parentElement.isConnected || found.leave();
  };
}

// Not at once: the server's run is still ending, and what else the page asks of it is to find its turn, too.
const soon = (act) => requestAnimationFrame(() => setTimeout(act));

class Frames {
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
    this.webcam = new Webcam(this.video, this.$(".which select"), (problem) => this.show(problem));
    this.listen(root);
  }

  listen(root) {
    const { webcam } = this;
    this.$(".start").onclick = () => (webcam.asked ? webcam.stop() : this.start());
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
    const { answer } = data;
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

  show(problem) {
    const { asked, stream } = this.webcam;
    if (!stream) this.rest();
    this.watching = Boolean(stream);
    this.$(".problem").textContent = problem;
    this.$(".start").textContent = asked ? "Stop the camera" : "Start the camera";
    this.$(".view").hidden = !stream;
  }

  rest() {
    if (this.watching) this.setStateValue("frame", null); // the server forgets the last one, too
    this.paces = [];
    this.forget();
    this.clear();
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
    if (this.flips()) context.setTransform(-1, 0, 0, 1, side, 0);
    context.drawImage(video, left, top, square, square, 0, 0, side, side);
    this.timer = setTimeout(() => this.sendAgain(), PATIENCE);
    this.late = setTimeout(() => (this.$(".pace").textContent = WAITS), LONG);
    this.setStateValue("frame", { number: this.number, jpeg: jpeg(sketch, 0.85), ...this.asks() });
    this.leaving = true; // until the timer in which Streamlit sends it
    setTimeout(() => {
      if (this.overtaken) this.setTriggerValue("overtaken", true);
      this.leaving = this.overtaken = false;
    });
  }

  sendAgain() {
    this.waiting = null;
    this.send();
  }

  // Whether frames are sent as the mirror shows them.
  flips() {
    return false;
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
    clearTimeout(this.late);
    if (this.$(".pace").textContent === WAITS) this.$(".pace").textContent = "";
    this.waiting = null;
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

  bringIntoSight(element) {
    if (this.unseen) element.scrollIntoView({ block: "nearest" });
    this.unseen = false; // since the camera was started
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
    this.$(".pace").textContent = this.pace(rate, mean);
  }
}
