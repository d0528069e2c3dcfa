// Hands pictures to the page's uploader: pasted anywhere but into a field, asked for by the button, or dropped anywhere.
// And keeps the panel that all this lies in: see __init__.py.

const UPLOADER = "[data-testid=stFileUploader]";
const kept = new WeakMap();

export default function ({ data, parentElement }) {
  const intake = kept.get(parentElement) ?? new Intake(parentElement);
  kept.set(parentElement, intake);
  intake.update(data);
  return () => parentElement.isConnected || intake.leave();
}

class Intake {
  constructor(root) {
    this.said = root.querySelector(".said");
    this.frame = root.querySelector(".paste");
    this.sign = document.createElement("div"); // over the page, which the panel, where it is closed, cannot be
    this.sign.setAttribute("data-testid", "drop-sign");
    this.sign.textContent = "Drop it anywhere to look at it";
    document.body.append(this.sign);
    root.querySelector("button").onclick = () => this.asked();

    this.page = new AbortController();
    const on = (event, act) => document.addEventListener(event, act, { signal: this.page.signal });
    on("paste", (event) => this.pasted(event));
    on("dragover", (event) => this.over(event));
    on("dragleave", (event) => event.relatedTarget ?? this.show(false)); // out of the window
    on("drop", (event) => this.dropped(event));
    on("click", (event) => this.clicked(event));
    on("keydown", (event) => this.pressed(event));
    this.refusals = new MutationObserver(() => this.count());
  }

  update(data) {
    const changed = this.data && this.data.picture !== data.picture;
    const told = this.data && data.problem && this.data.problem !== data.problem; // under the panel
    this.data = data;
    if (told && !this.saysWhy) this.open(false);
    if (changed && !this.saysWhy) this.open(false);
    if (changed) this.saysWhy = false;
    this.refused ??= this.chips().length;
    this.refusals.disconnect();
    this.refusals.observe(this.uploader, { subtree: true, childList: true, attributeFilter: ["aria-invalid"] });
  }

  leave() {
    this.page.abort();
    this.refusals.disconnect();
    this.sign.remove();
  }

  get uploader() {
    return document.querySelector(`.st-key-${this.data.uploader}`);
  }

  hand(files) {
    const carried = new DataTransfer();
    for (const file of files) carried.items.add(file);
    const input = this.uploader.querySelector("input[type=file]");
    input.files = carried.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    this.said.textContent = "";
  }

  // --- paste

  pasted(event) {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return; // text for a field, say
    event.preventDefault();
    this.hand([named(file)]);
  }

  async asked() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith("image/"));
        if (type) return this.hand([named(await item.getType(type))]);
      }
      this.said.textContent = "There is no picture in the clipboard: copy one first.";
    } catch {
      this.said.textContent = "The browser keeps its clipboard to itself: press Ctrl+V (⌘V) instead.";
    }
  }

  // --- drop

  over(event) {
    this.show(ours(event));
    if (!ours(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  }

  dropped(event) {
    this.show(false);
    if (!ours(event)) return;
    event.preventDefault();
    this.hand(event.dataTransfer.files);
  }

  show(visible) {
    const look = getComputedStyle(this.frame);
    const token = (name) => look.getPropertyValue(`--st-${name}`);
    this.sign.style.cssText = `position: fixed; inset: 0.5rem; z-index: 999999; pointer-events: none;
      display: ${visible ? "grid" : "none"}; place-items: center; border-radius: 1rem;
      border: 3px dashed ${token("primary-color")}; color: ${token("primary-color")}; font: 600 1.5rem ${token("font")};
      background: color-mix(in srgb, ${token("background-color")} 80%, transparent);`;
  }

  // --- the panel

  get panel() {
    return document.querySelector(`.st-key-${this.data.panel} details`);
  }

  get isOpen() {
    return !this.panel.querySelector("[data-testid=stExpanderDetails]").inert; // panel.open lags behind
  }

  open(wanted) {
    if (this.isOpen !== wanted) this.panel.querySelector("summary").click();
  }

  clicked(event) {
    const path = event.composedPath();
    const within = "[data-st-overlay-root], [role=listbox]"; // what its widgets open lies elsewhere in the document
    if (path.includes(this.panel) || path.some((node) => node.matches?.(within)) || !path[0].isConnected) return;
    this.open(false);
  }

  pressed(event) {
    if (event.key !== "Escape" || event.defaultPrevented || !this.isOpen) return;
    this.open(false);
    this.panel.querySelector("summary").focus();
  }

  chips() {
    return this.uploader.querySelectorAll("[data-testid=stFileChip][aria-invalid=true]");
  }

  count() {
    if (this.chips().length > this.refused) {
      this.open(true);
      this.saysWhy = true; // also when another file of the same hand is taken, and becomes the picture
    }
    this.refused = this.chips().length;
  }
}

// A file that is over the page, not over an uploader, which takes it itself.
function ours(event) {
  return (
    !!event.dataTransfer?.types.includes("Files") && !event.composedPath().some((node) => node.matches?.(UPLOADER))
  );
}

function named(blob) {
  return new File([blob], `pasted picture.${blob.type.slice("image/".length)}`, { type: blob.type });
}
