// The camera: started and stopped by a person, and heard by the server one frame at a time.

const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 } }; // good for a photograph; frames are sent much smaller
const PATIENCE = 10_000; // ms without an answer, after which another frame is sent
const WINDOW = 2_000; // ms over which rate and latency are measured
const SILENCE = 4_000; // ms at least between two announcements
const UPLOAD = "You can still upload a picture.";
const PROBLEMS = {
  NotAllowedError:
    "The browser does not let this page use the camera. " +
    `Allow it beside the address above, then start again. ${UPLOAD}`,
  NotFoundError: `There is no camera here. Connect one, then start again. ${UPLOAD}`,
  NotReadableError: `Another program is using the camera. Close that program, then start again. ${UPLOAD}`,
  OverconstrainedError: `That camera is no longer there. Choose another one, or start again. ${UPLOAD}`,
  insecure:
    "A browser gives the camera only to pages on this very computer (http://localhost) or over HTTPS: " +
    `open this page that way. ${UPLOAD}`,
  ended: `The camera has been taken away. Connect it again, then start again. ${UPLOAD}`,
};

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
    this.asked = null; // a token while the camera is on, or asked for
    this.stream = null;
    this.waiting = null; // the frame that the server is at: its number, and when it was captured
    this.paces = []; // when answers were painted, and how long each took
    this.announced = { text: "", at: -SILENCE };
    this.page = new AbortController();
    this.listen();
  }

  listen() {
    this.$(".start").onclick = () => (this.asked ? this.stop() : this.start());
    this.$(".photograph").onclick = () => this.photograph();
    this.$("select").onchange = (event) => this.start(event.target.value);
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

  async start(device) {
    this.stop();
    const asked = (this.asked = {});
    this.show("");
    let stream;
    try {
      stream = await open(device);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      const problem = PROBLEMS[error.name] ?? `The camera cannot be used (${error.name}). ${UPLOAD}`;
      if (asked === this.asked) this.stop(problem);
      return;
    }
    if (asked !== this.asked) return close(stream); // stopped, or gone from the page, while the browser asked
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.stop(PROBLEMS.ended);
    this.video.srcObject = stream;
    this.show("");
    this.list(track.getSettings().deviceId);
  }

  stop(problem = "") {
    if (this.stream) {
      close(this.stream);
      this.setStateValue("frame", null); // the server forgets the last one, too
    }
    this.asked = this.stream = this.video.srcObject = null;
    this.paces = [];
    this.forget();
    this.draw({ bars: [], heat: null, unsure: false });
    this.$(".pace").textContent = "";
    this.show(problem);
  }

  // The page no longer shows this component.
  leave() {
    this.asked = null;
    this.page.abort();
    this.forget();
    if (this.stream) close(this.stream);
    this.stream = null;
  }

  show(problem) {
    this.$(".problem").textContent = problem;
    this.$(".start").textContent = this.asked ? "Stop the camera" : "Start the camera";
    this.$(".photograph").disabled = !this.stream;
    this.$(".view").hidden = !this.stream;
  }

  // The cameras by name, where there are several: browsers say their names once one may be used.
  async list(chosen) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const found = devices.filter((device) => device.kind === "videoinput");
    const options = found.map(({ label, deviceId }, i) => new Option(label || `Camera ${i + 1}`, deviceId));
    this.$("select").replaceChildren(...options);
    this.$("select").value = chosen;
    this.$(".which").hidden = found.length < 2;
  }

  // --- frames ----------------------------------------------------------------------------------------------------

  send() {
    const { video, sketch } = this;
    if (!this.stream || this.waiting || document.hidden || video.readyState < video.HAVE_CURRENT_DATA) return;
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
    if (!this.stream) return;
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

function open(device) {
  if (!navigator.mediaDevices) throw new DOMException("", "insecure");
  return navigator.mediaDevices.getUserMedia({ video: { ...SIZE, ...(device && { deviceId: { exact: device } }) } });
}

function close(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function jpeg(canvas, quality) {
  return canvas.toDataURL("image/jpeg", quality).split(",")[1];
}
