// Hands files that are dropped on a card to the uploader in it, and tells the server what uploaders refuse.

const CARD = '[class*="st-key-card-"]';
const REFUSED = '[data-testid=stFileChip][aria-invalid="true"]';
const UPLOADER = "st-key-uploader-";
const kept = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const drops = kept.get(parentElement) ?? new Drops();
  kept.set(parentElement, drops);
  drops.listed = data.listed;
  drops.outbox.hear(data.heard, setTriggerValue);
  return () => parentElement.isConnected || drops.leave();
}

class Drops {
  constructor() {
    this.outbox = new Outbox();
    this.page = new AbortController();
    this.told = new WeakSet(); // chips of files that were refused
    this.lit = null; // the card that files are over
    const on = (event, act) => document.addEventListener(event, act, { capture: true, signal: this.page.signal });
    on("dragover", (event) => this.over(event));
    on("dragleave", (event) => event.relatedTarget ?? this.light(null)); // out of the window
    on("drop", (event) => this.dropped(event));
    this.refusals = new MutationObserver(() => this.look());
    this.refusals.observe(document.body, { subtree: true, childList: true, attributeFilter: ["aria-invalid"] });
  }

  leave() {
    this.page.abort();
    this.refusals.disconnect();
    this.outbox.close();
    this.light(null);
  }

  // --- drop

  over(event) {
    if (!event.dataTransfer?.types.includes("Files") || !document.querySelector(CARD)) return;
    const card = cardUnder(event);
    this.light(card);
    if (!card && elsewhere(event)) return;
    event.preventDefault(); // else the browser would leave the page for the file
    event.dataTransfer.dropEffect = card ? "copy" : "none";
    event.stopPropagation();
  }

  dropped(event) {
    const card = cardUnder(event);
    this.light(null);
    if (!card) return;
    event.preventDefault();
    event.stopPropagation();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (entries.some((entry) => entry.isDirectory)) within(entries).then((files) => hand(card, files));
    else hand(card, event.dataTransfer.files);
  }

  light(card) {
    if (card === this.lit) return;
    this.lit?.classList.remove("over");
    card?.classList.add("over");
    this.lit = card;
  }

  // --- what is refused

  look() {
    for (const chip of document.querySelectorAll(REFUSED)) {
      const uploader = chip.closest(`[class*="${UPLOADER}"]`);
      if (!uploader || this.told.has(chip)) continue;
      this.told.add(chip);
      const name = chip.querySelector("[data-testid=stFileChipName]").title;
      const why = chip.querySelector("[role=alert]").textContent.replace(/^Error: /, "");
      const key = [...uploader.classList].find((each) => each.startsWith(UPLOADER)).slice(UPLOADER.length);
      this.outbox.put({ uploader: key, name, why });
      // An uploader that holds what it refused offers its button no longer.
      if (key.startsWith(this.listed)) chip.querySelector("[data-testid=stFileChipDeleteBtn] button").click();
    }
  }
}

function inputOf(card) {
  return card.querySelector("input[type=file]:not([webkitdirectory]):not(:disabled)");
}

// The card that takes files where the pointer is.
function cardUnder(event) {
  const card = event.composedPath().find((node) => node.matches?.(CARD));
  return card && inputOf(card) ? card : null;
}

// Over an uploader in no card, which takes files itself.
function elsewhere(event) {
  return event.composedPath().some((node) => node.matches?.("[data-testid=stFileUploader]"));
}

function hand(card, files) {
  const carried = new DataTransfer();
  for (const file of files) carried.items.add(file);
  const input = inputOf(card);
  input.files = carried.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// All files of folders, and of folders in them.
async function within(entries) {
  const found = [];
  for (const entry of entries) {
    if (entry.isFile) found.push(await new Promise((take, fail) => entry.file(take, fail)));
    else found.push(...(await within(await contents(entry.createReader()))));
  }
  return found;
}

async function contents(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail)); // a hundred at a time
    if (!some.length) return found;
    found.push(...some);
  }
}
