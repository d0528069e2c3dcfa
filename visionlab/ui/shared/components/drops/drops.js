// Hands files that are dropped on a card to the uploader in it, and tells the server what uploaders refuse. An uploader
// that hands files over is another one afterwards, with an input of its own: what the old one is given meanwhile, or by
// a dialog that was opened from it and is answered later, waits for that one, or it would be lost.

const CARD = '[class*="st-key-card-"]';
const CHIP = "[data-testid=stFileChip]";
const REFUSED = `${CHIP}[aria-invalid="true"]`;
const ON_ITS_WAY = `${CHIP}:not([aria-invalid="true"])`;
const REMOVE = "[data-testid=stFileChipDeleteBtn]";
const STALE = '[data-stale="true"]'; // of a run that the one that goes on may not show again
const KEY = "st-key-";
const UPLOADER = `${KEY}uploader-`;
const SHOWN = 10000; // ms after which an uploader that does not show all that it was given, like an empty folder, is free
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
    this.bases = new WeakMap(); // what the uploaders of inputs are called, also when these have gone
    this.given = new Map(); // what the latest uploader was given, by the same
    this.shown = new WeakSet(); // chips that were counted
    const on = (event, act) => document.addEventListener(event, act, { capture: true, signal: this.page.signal });
    on("dragover", (event) => this.over(event));
    on("dragleave", (event) => event.relatedTarget ?? this.light(null)); // out of the window
    on("drop", (event) => this.dropped(event));
    on("click", (event) => this.clicked(event));
    this.changes = new MutationObserver(() => {
      this.watch();
      this.look();
      this.handOver();
    });
    this.changes.observe(document.body, { subtree: true, childList: true, attributeFilter: ["aria-invalid", "data-stale"] });
    this.watch();
  }

  leave() {
    this.page.abort();
    this.changes.disconnect();
    this.waiting.clear();
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

  // At the inputs themselves: those that have gone are under no document.
  watch() {
    for (const input of document.querySelectorAll(`[class*="${UPLOADER}"] input[type=file]:not([webkitdirectory])`)) {
      const { base, number } = numbered(called(input));
      this.follow(input, this.given.get(base), number);
      if (this.bases.has(input)) continue;
      this.bases.set(input, base);
      const changed = (event) => this.holds(event, input, input.files);
      input.addEventListener("change", changed, { signal: this.page.signal });
    }
  }

  // What has become of the files that an uploader was given.
  follow(input, given, number) {
    const chips = [...uploaderOf(input).querySelectorAll(CHIP)];
    const fresh = chips.filter((chip) => !this.shown.has(chip));
    for (const chip of fresh) this.shown.add(chip);
    if (given?.number !== number) return;
    const coming = chips.some((chip) => chip.matches(ON_ITS_WAY));
    given.hidden -= fresh.length;
    given.taken ||= coming;
    if (given.input === input || chips.length) {
      given.input = input;
      const refused = given.taken ? chips.length > 0 || given.removed : given.hidden <= 0;
      if (refused && !coming) given.number = number - 1; // it is as if it had been given nothing
    } else if (!given.input.isConnected && !input.closest(STALE)) {
      given.number = number - 1; // the page was laid out anew, and what was not up yet is lost with the old input
      hand(input, given.files);
    }
  }

  // An uploader whose files are taken is never free again: there is another one for what comes next.
  handsOver(input) {
    const { base, number } = numbered(called(input));
    const given = this.given.get(base);
    if (!given || number > given.number) return false;
    return number < given.number || given.taken || performance.now() < given.until;
  }

  // Whether the input's uploader hands files over, and these wait.
  holds(event, input, files) {
    const base = this.bases.get(input);
    if (base === undefined || !files.length) return false;
    if (input.isConnected && !this.handsOver(input)) {
      const { number } = numbered(called(input));
      const until = performance.now() + SHOWN;
      this.given.set(base, { number, input, files: [...files], hidden: files.length, until });
      setTimeout(() => this.handOver(), SHOWN);
      return false;
    }
    this.waiting.set(base, input.multiple ? [...(this.waiting.get(base) ?? []), ...files] : [...files].slice(-1));
    event.stopImmediatePropagation();
    this.handOver();
    return true;
  }

  handOver() {
    if (!this.waiting.size) return;
    for (const input of document.querySelectorAll(`[class*="${UPLOADER}"] input[type=file]:not(:disabled)`)) {
      const base = this.bases.get(input);
      const files = this.waiting.get(base);
      if (!files || this.handsOver(input)) continue;
      this.waiting.delete(base);
      hand(input, files);
    }
  }

  // A person takes a file back.
  clicked(event) {
    const chip = event.target.closest?.(REMOVE)?.closest(ON_ITS_WAY);
    const given = chip && this.given.get(numbered(called(chip)).base);
    if (given) given.removed = true;
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
      const key = called(chip);
      this.outbox.put({ uploader: key, name, why });
      // An uploader that holds what it refused offers its button no longer.
      if (key.startsWith(this.listed)) chip.querySelector(`${REMOVE} button`).click();
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

// The key of the uploader around.
function called(node) {
  const { classList } = node.closest("[data-testid=stElementContainer]");
  return [...classList].find((each) => each.startsWith(KEY)).slice(KEY.length);
}

// What all uploaders at its place have in common, and which of them it is.
function numbered(key) {
  const [, base, number] = key.match(/^(.*)-(\d+)$/);
  return { base, number: Number(number) };
}

function uploaderOf(input) {
  return input.closest("[data-testid=stFileUploader]");
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
