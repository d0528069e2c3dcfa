// A camera: asked for, shown in a video element, chosen among several, and let go of.

const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 } }; // good for a photograph
const TAKES = "visionlab-takes-the-camera"; // told to all on the page
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

class Webcam {
  // The video shows what it sees, the select holds the cameras, inside a label that is hidden where there is only one.
  // changed(problem) is called whenever it is asked for, on or off; the problem is a sentence, or empty.
  // One camera of the page is on at a time: telephones give theirs to one taker alone.
  constructor(video, select, changed) {
    Object.assign(this, { video, select, changed });
    this.asked = null; // a token while the camera is on, or asked for
    this.stream = null;
    this.giveWay = ({ detail }) => detail === this || this.stop();
    select.onchange = () => this.start(select.value);
  }

  async start(device) {
    this.stop();
    const asked = (this.asked = {});
    window.dispatchEvent(new CustomEvent(TAKES, { detail: this }));
    window.addEventListener(TAKES, this.giveWay);
    this.changed("");
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
    this.changed("");
    this.list(track.getSettings().deviceId);
  }

  stop(problem = "") {
    this.release();
    this.video.srcObject = null;
    this.changed(problem);
  }

  // Lets go of the camera, and nothing else: the page no longer shows it.
  release() {
    window.removeEventListener(TAKES, this.giveWay);
    if (this.stream) close(this.stream);
    this.asked = this.stream = null;
  }

  // The cameras by name, where there are several: browsers say their names once one may be used.
  async list(chosen) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const found = devices.filter((device) => device.kind === "videoinput");
    const options = found.map(({ label, deviceId }, i) => new Option(label || `Camera ${i + 1}`, deviceId));
    this.select.replaceChildren(...options);
    this.select.value = chosen;
    this.select.parentElement.hidden = found.length < 2;
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
