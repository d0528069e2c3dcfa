// Hold to record: frames are taken while a button is held, and go to the server once it is released.

const BATCH = 16; // frames in one message
const SAID = 10_000; // ms that it says how many were sent
const bursts = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let burst = bursts.get(parentElement);
  if (!burst) bursts.set(parentElement, (burst = new Burst(parentElement)));
  burst.update(data, setTriggerValue);
  // Streamlit calls this also where newer data came in at once: only what has left the page is over.
  return () => parentElement.isConnected || burst.leave();
}

class Burst {
  constructor(root) {
    this.$ = (selector) => root.querySelector(selector);
    this.host = root.getRootNode().host; // what the page's style sheet sees of this
    this.video = this.$("video");
    this.outbox = new Outbox(1);
    this.frames = null; // those of the burst that is being taken
    this.taken = 0; // frames of the last burst
    this.page = new AbortController();
    this.webcam = new Webcam(this.video, this.$("select"), (problem) => this.show(problem));
    this.listen();
  }

  listen() {
    const { webcam } = this;
    const hold = this.$(".hold");
    this.$(".start").onclick = () => (webcam.asked ? webcam.stop() : webcam.start());
    hold.onpointerdown = (event) => {
      if (event.button !== 0) return;
      hold.setPointerCapture(event.pointerId); // a finger that slips off still holds
      this.begin();
    };
    hold.onkeydown = (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.begin();
    };
    hold.onpointerup = hold.onlostpointercapture = hold.onkeyup = hold.onblur = () => this.end();
    hold.oncontextmenu = (event) => event.preventDefault(); // what a finger that rests asks for
    const hidden = () => document.hidden && this.end();
    document.addEventListener("visibilitychange", hidden, { signal: this.page.signal });
    // What is said of one act goes with the next one, also where that is elsewhere on the page: not while a button is
    // down, which would move away from under the pointer.
    const acted = () => this.said && this.say("");
    for (const kind of ["click", "keydown"]) {
      document.addEventListener(kind, acted, { capture: true, signal: this.page.signal });
    }
    this.video.onresize = () => {
      this.$(".stage").style.aspectRatio = `${this.video.videoWidth} / ${this.video.videoHeight}`;
    };
    this.video.onloadeddata = () => this.ready();
  }

  update(data, setTriggerValue) {
    this.data = data;
    this.name();
    const heard = this.outbox.hear(data.heard, setTriggerValue);
    if (data.disabled) this.end();
    if (heard.length && !this.frames) this.count();
    this.ready();
  }

  // The page no longer shows this component.
  leave() {
    clearInterval(this.timer);
    this.say(""); // also where it is moved to another place on the page, in which it would stand for ever
    this.page.abort();
    this.outbox.close();
    this.webcam.release();
  }

  show(problem) {
    const { asked, stream } = this.webcam;
    if (!stream) this.end();
    this.$(".problem").textContent = problem;
    this.name();
    this.$(".view").hidden = !stream;
    this.host?.classList.toggle("camera-on", Boolean(asked || problem));
    // One expects a mirror of a camera that looks at oneself.
    const facing = stream?.getVideoTracks()[0].getSettings().facingMode;
    this.$(".stage").classList.toggle("mirrored", facing !== "environment");
    this.ready();
  }

  name() {
    this.$(".start").textContent = this.webcam.asked ? "Turn off the camera" : this.data.label;
  }

  ready() {
    const sees = this.webcam.stream && this.video.readyState >= this.video.HAVE_CURRENT_DATA;
    if (sees && !this.seen) requestAnimationFrame(() => this.$(".view").scrollIntoView({ block: "nearest" }));
    this.seen = sees; // what one holds to record is to be in sight once there is something to see
    this.$(".hold").disabled = !sees || this.data.disabled;
  }

  begin() {
    if (this.frames || this.$(".hold").disabled) return;
    this.burst = Math.random().toString(36).slice(2);
    this.frames = [];
    this.$(".hold").classList.add("held");
    this.take();
    this.timer = setInterval(() => this.take(), 1000 / this.data.rate);
  }

  take() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, this.data.side / Math.max(width, height));
    const sketch = document.createElement("canvas");
    [sketch.width, sketch.height] = [width * scale, height * scale].map((side) => Math.max(1, Math.round(side)));
    const context = sketch.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.video, 0, 0, sketch.width, sketch.height);
    this.frames.push(jpeg(sketch, 0.9));
    this.taken = this.frames.length;
    this.count();
    if (this.taken >= this.data.most) this.end();
  }

  end() {
    if (!this.frames) return;
    clearInterval(this.timer);
    this.$(".hold").classList.remove("held");
    const { frames, burst } = this;
    this.frames = null;
    const count = Math.ceil(frames.length / BATCH);
    for (let number = 0; number < count; number++) {
      this.outbox.put({ burst, number, count, frames: frames.slice(BATCH * number, BATCH * (number + 1)) });
    }
    this.count();
  }

  count() {
    const pictures = this.taken === 1 ? "1 picture" : `${this.taken} pictures`;
    if (this.frames) this.say(`${this.taken} of at most ${this.data.most} pictures`);
    else if (this.outbox.waiting.length) this.say(`Sending ${pictures} …`);
    else {
      this.say(`${pictures} sent.`);
      this.said = true;
      // They are on the card by now, or have been taken back.
      this.fading = setTimeout(() => this.say(""), SAID);
    }
  }

  say(text) {
    clearTimeout(this.fading);
    this.said = false; // that all of it was sent
    this.$(".count").textContent = text;
  }
}
