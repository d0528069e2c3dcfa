// Hands pictures to the page's uploader: chosen in a dialog, pasted anywhere but into a field, asked for by the button, or
// dropped anywhere. And keeps the panel that all this lies in: see __init__.py.

const UPLOADER = "[data-testid=stFileUploader]";
const REFUSED = '[data-testid=stFileChip][aria-invalid="true"]';
const kept = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const intake = kept.get(parentElement) ?? new Intake(parentElement);
  kept.set(parentElement, intake);
  intake.tell = setStateValue;
  intake.update(data);
  return () => parentElement.isConnected || intake.leave();
}

class Intake {
  constructor(root) {
    this.said = root.querySelector(".said");
    this.hint = root.querySelector(".hint");
    this.frame = root.querySelector(".paste");
    this.sign = document.createElement("div"); // over the page, which the panel, where it is closed, cannot be
    this.sign.setAttribute("data-testid", "drop-sign");
    this.sign.textContent = "Drop it anywhere to look at it";
    document.body.append(this.sign);
    root.querySelector(".choose").onclick = () => this.input.click();
    root.querySelector(".from-clipboard").onclick = () => this.asked();
    this.refused = []; // what of the last hand did not come in
    this.chips = new WeakSet(); // of the uploader, which have been told of
    this.changes = new MutationObserver(() => this.look());

    this.page = new AbortController();
    const on = (event, act) => document.addEventListener(event, act, { signal: this.page.signal });
    const first = { signal: this.page.signal, capture: true }; // before the uploader sees it
    document.addEventListener("change", (event) => this.weigh(event), first);
    on("paste", (event) => this.pasted(event));
    on("dragover", (event) => this.over(event));
    on("dragleave", (event) => event.relatedTarget ?? this.show(false)); // out of the window
    on("drop", (event) => this.dropped(event));
    on("click", (event) => this.clicked(event));
    on("keydown", (event) => this.pressed(event));
  }

  update(data) {
    const before = this.data;
    this.data = data;
    const told = data.problem && before?.problem !== data.problem; // which stands under the panel
    this.hint.textContent = `or drop one anywhere on the page: files of at most ${data.most >> 20} MB`;
    if (before && (told || before.picture !== data.picture)) this.open(false);
  }

  leave() {
    this.page.abort();
    this.changes.disconnect();
    this.sign.remove();
  }

  // The uploader's own, which nobody sees.
  get input() {
    return document.querySelector(`.st-key-${this.data.uploader} input[type=file]`);
  }

  hand(files) {
    const carried = new DataTransfer();
    for (const file of files) carried.items.add(file);
    this.input.files = carried.files;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.said.textContent = "";
  }

  // What is too large is told to the server, which says so as it does of all that it cannot use; the rest goes on.
  weigh(event) {
    if (event.target !== this.input) return;
    this.changes.observe(event.target.closest(UPLOADER), { subtree: true, childList: true, attributeFilter: ["aria-invalid"] });
    const files = [...event.target.files];
    const large = files.filter(({ size }) => size > this.data.most);
    const news = large.length > 0 || this.refused.length > 0;
    this.refused = large.map(({ name, size }) => ({ name, size }));
    if (news) this.report();
    if (!large.length) return;
    const fine = new DataTransfer();
    for (const file of files) if (!large.includes(file)) fine.items.add(file);
    event.target.files = fine.files;
    if (!fine.files.length) event.stopImmediatePropagation();
  }

  // What the uploader says of what did not reach the server, which a proxy may refuse, nobody would see there.
  look() {
    const fresh = [...document.querySelectorAll(`.st-key-${this.data.uploader} ${REFUSED}`)].filter((chip) => !this.chips.has(chip));
    for (const chip of fresh) {
      this.chips.add(chip);
      this.refused.push({
        name: chip.querySelector("[data-testid=stFileChipName]").title,
        why: chip.querySelector("[role=alert]").textContent.replace(/^Error: /, ""),
      });
    }
    if (fresh.length) this.report();
  }

  report() {
    this.tell("refused", { stamp: Date.now(), files: this.refused });
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
