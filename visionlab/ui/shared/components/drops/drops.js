// Hands files that are dropped on a card to the uploader in it, and tells the server what uploaders refuse. An uploader
// that hands files over is another one afterwards: what it is given meanwhile waits for that, or it would be lost.

const CARD = '[class*="st-key-card-"]';
const REFUSED = '[data-testid=stFileChip][aria-invalid="true"]';
const KEY = "st-key-";
const UPLOADER = `${KEY}uploader-`;
const ON_ITS_WAY = '[data-testid=stFileChip]:not([aria-invalid="true"])';
const LOOK = 250; // ms from one look at what waits to the next
const SOON = 3000; // ms until an uploader that was given files shows them, or one that shows them no more is another one
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
    this.waiting = new Map(); // files by what the uploaders are called that they wait for
    this.busy = new Map(); // when uploaders were given files, or last seen to have some, by their keys
    this.free = new Map(); // the keys of the uploaders that were found for these, by the same
    this.looking = 0; // the timer of looks at what waits
    const on = (event, act) => document.addEventListener(event, act, { capture: true, signal: this.page.signal });
    on("dragover", (event) => this.over(event));
    on("dragleave", (event) => event.relatedTarget ?? this.light(null)); // out of the window
    on("drop", (event) => this.dropped(event));
    on("change", (event) => event.target.type === "file" && this.holds(event, event.target, event.target.files));
    this.refusals = new MutationObserver(() => {
      this.look();
      for (const chip of document.querySelectorAll(`[class*="${UPLOADER}"] ${ON_ITS_WAY}`)) this.seen(chip);
    });
    this.refusals.observe(document.body, { subtree: true, childList: true, attributeFilter: ["aria-invalid"] });
  }

  leave() {
    this.page.abort();
    this.refusals.disconnect();
    clearInterval(this.looking);
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
    if (!card) {
      const input = elsewhere(event)?.querySelector("input[type=file]");
      if (input && this.holds(event, input, event.dataTransfer.files)) event.preventDefault();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const take = (files) => hand(inputOf(card), files);
    if (entries.some((entry) => entry.isDirectory)) within(entries).then(take);
    else take(event.dataTransfer.files);
  }

  // --- what comes while an uploader hands over

  seen(within) {
    this.busy.set(called(within).key, performance.now());
  }

  handsOver(input) {
    return performance.now() < this.busy.get(called(input).key) + SOON;
  }

  // Whether the input's uploader does so, and these files wait.
  holds(event, input, files) {
    if (!input.closest(`[class*="${UPLOADER}"]`) || input.webkitdirectory || !files.length) return false;
    if (!this.handsOver(input)) {
      this.seen(input);
      return false;
    }
    const { base } = called(input);
    this.waiting.set(base, input.multiple ? [...(this.waiting.get(base) ?? []), ...files] : [...files].slice(-1));
    event.stopImmediatePropagation();
    this.looking ||= setInterval(() => this.handOver(), LOOK);
    return true;
  }

  // To an uploader that was there at the last look, too: one that has just come still lets go of what it had before.
  handOver() {
    const inputs = [...document.querySelectorAll(`[class*="${UPLOADER}"] input[type=file]:not(:disabled)`)];
    for (const [base, files] of this.waiting) {
      const input = inputs.find((each) => called(each).base === base && !this.handsOver(each));
      if (!input || this.free.get(base) !== called(input).key) {
        this.free.set(base, input && called(input).key);
        continue;
      }
      this.waiting.delete(base);
      this.free.delete(base);
      hand(input, files);
    }
    if (this.waiting.size) return;
    clearInterval(this.looking);
    this.looking = 0;
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
      if (!chip.closest(`[class*="${UPLOADER}"]`) || this.told.has(chip)) continue;
      this.told.add(chip);
      const name = chip.querySelector("[data-testid=stFileChipName]").title;
      const why = chip.querySelector("[role=alert]").textContent.replace(/^Error: /, "");
      const { key } = called(chip);
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

// The uploader that the pointer is over, where that is in no card and takes files itself.
function elsewhere(event) {
  return event.composedPath().find((node) => node.matches?.("[data-testid=stFileUploader]"));
}

// The key of the uploader around, and what of it all uploaders at its place have in common. The container around may
// have the key of the next one already.
function called(node) {
  const { classList } = node.closest("[data-testid=stElementContainer]");
  const key = [...classList].find((each) => each.startsWith(KEY)).slice(KEY.length);
  return { key, base: key.replace(/-\d+$/, "") };
}

function hand(input, files) {
  const carried = new DataTransfer();
  for (const file of files) carried.items.add(file);
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
