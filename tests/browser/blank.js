// The page without Streamlit: it speaks to the server as Streamlit's own page does, and gives components what that gives
// them, when that does. Of all else that a script draws it shows a little, without any looks. See blank.py.

const TOLD = JSON.parse(document.querySelector("#told").textContent);
const UTF8 = [new TextEncoder(), new TextDecoder()];
const root = { children: [] }; // what the script has drawn, by delta paths; the main part of the page is its first child
const messages = new Map(); // hash → what the server may name instead of sending it again
const states = new Map(); // id of a widget → what it holds
const triggers = new Map(); // the like of what has been done to one, until that is sent
const modules = new Map(); // JavaScript of components → its module, coming
await document.fonts.load("1em 'Source Sans'"); // what is drawn is as wide as in the other page, from the first time on
const socket = new WebSocket(`ws://${location.host}/_stcore/stream`, ["streamlit"]);
let script = ""; // the hash of the page's script
let run = ""; // the run of it that is drawing
let coming = []; // messages that have not been heeded yet

// --- messages ------------------------------------------------------------------------------------------------------

// A message of that type, from protobuf's bytes: numbers, texts, bytes, other messages; what is not described is left out.
function read(bytes, type) {
  const found = {};
  let at = 0;
  const varint = () => {
    let [value, factor, byte] = [0, 1, 128];
    for (; byte > 127; factor *= 128) {
      byte = bytes[at++];
      value += (byte & 127) * factor;
    }
    return value;
  };
  while (at < bytes.length) {
    const [field, wire] = ((tag) => [tag >>> 3, tag & 7])(varint());
    const { name, kind, many } = TOLD.messages[type][field] ?? {};
    if (wire === 0) {
      const value = varint();
      if (name) found[name] = many ? [...(found[name] ?? []), value] : value;
    } else if (wire === 2) {
      const end = varint() + at;
      if (kind === "number") {
        found[name] = [];
        while (at < end) found[name].push(varint());
      } else if (name) {
        const part = bytes.subarray(at, end);
        const value = kind === "text" ? UTF8[1].decode(part) : kind === "bytes" ? part : read(part, kind);
        found[name] = many ? [...(found[name] ?? []), value] : value;
      }
      at = end;
    } else at += wire === 1 ? 8 : 4;
  }
  return found;
}

function write(message, type) {
  const parts = [];
  const varint = (value) => {
    const bytes = [];
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
    parts.push([...bytes, value]);
  };
  for (const [field, { name, kind }] of Object.entries(TOLD.messages[type])) {
    if (message[name] === undefined) continue;
    for (const value of [message[name]].flat()) {
      varint(field * 8 + (kind === "number" ? 0 : 2));
      if (kind === "number") varint(Number(value));
      else {
        const part = kind === "text" ? UTF8[0].encode(value) : write(value, kind);
        varint(part.length);
        parts.push(part);
      }
    }
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}

// --- to the server -------------------------------------------------------------------------------------------------

function rerun(fragment) {
  const widgets = [...states, ...triggers].map(([id, value]) => ({ id, ...value }));
  triggers.clear();
  const client = {
    query_string: location.search.slice(1),
    widget_states: { widgets },
    page_script_hash: script,
    page_name: "",
    fragment_id: fragment,
    cached_message_hashes: [...messages.keys()],
    context_info: { timezone: "UTC", locale: navigator.language, url: location.href },
  };
  socket.send(write({ rerun_script: client }, "BackMsg"));
}

let sending = null; // the fragment that is to run, while what was done waits to be sent with what else is done now

function flush(fragment) {
  if (sending) {
    sending.fragment ??= fragment;
    return;
  }
  sending = { fragment };
  setTimeout(() => {
    rerun(sending.fragment);
    sending = null;
  });
}

function hold(id, value, fragment) {
  states.set(id, value);
  flush(fragment);
}

// --- from the server -----------------------------------------------------------------------------------------------

socket.binaryType = "arraybuffer";
socket.onopen = () => rerun();
socket.onmessage = ({ data }) => {
  if (!coming.length) setTimeout(heed);
  coming.push(new Uint8Array(data));
};

function heed() {
  const now = coming;
  coming = [];
  for (const bytes of now) {
    let message = read(bytes, "ForwardMsg");
    const { hash, metadata = {}, ref_hash } = message;
    if (ref_hash) message = { ...read(messages.get(ref_hash), "ForwardMsg"), metadata };
    else if (metadata.cacheable) messages.set(hash, bytes);
    const { new_session, delta, script_finished, session_status_changed } = message;
    if (new_session) [script, run] = [new_session.page_script_hash, metadata.run.script_run_id];
    if (delta) place(delta, metadata.delta_path, message.hash);
    if (script_finished !== undefined) finished(script_finished, metadata.run);
    if (session_status_changed) draw(session_status_changed.script_is_running ? "running" : "notRunning");
  }
  draw();
}

// What comes as it was stays the very same.
function place({ add_block, new_element, fragment_id: fragment }, path, hash) {
  if (!add_block && !new_element) return;
  const last = path.at(-1);
  const within = path.slice(0, -1).reduce((node, index) => (node.children[index] ??= { children: [] }), root);
  const kind = add_block ? "block" : Object.keys(new_element).find((name) => name in KINDS);
  const before = within.children[last];
  const children = add_block && (before?.children ?? []);
  const told = hash && hash === before?.hash ? before.told : (add_block ?? new_element[kind]);
  within.children[last] = { kind, told, children, fragment, run, hash };
}

// What a run that has come to its end has not drawn goes, and with it what its widgets held.
function finished(how, { script_run_id: its, fragment_ids = [] }) {
  if (!TOLD.finished.includes(how) || (!fragment_ids.length && its !== run)) return;
  const stays = (node) => node.run === its || !node.run || (fragment_ids.length && !fragment_ids.includes(node.fragment));
  const ids = new Set();
  const sweep = (node) => {
    node.children = node.children.filter(stays);
    for (const child of node.children) {
      ids.add(child.told?.id);
      if (child.children) sweep(child);
    }
  };
  sweep(root);
  for (const id of states.keys()) if (!ids.has(id)) states.delete(id);
}

// --- what is shown -------------------------------------------------------------------------------------------------

function make(tag, attributes = {}, ...within) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...within);
  return made;
}

const app = document.querySelector("[data-testid=stApp]");
const main = { place: document.querySelector("[data-testid=stMainBlockContainer]"), parts: new Map() };

function draw(state) {
  if (root.children[0]) arrange(main, root.children[0].children);
  if (state) app.setAttribute("data-test-script-state", state);
}

// As React does: what has the same key in the same block is the same part, and a new one where it is of another kind.
function arrange(block, nodes) {
  const kept = new Map();
  const shown = nodes.map((node, i) => [node, `${node.kind} ${node.told?.id || i}`]).filter(([{ kind }]) => kind);
  for (const [node, key] of shown) kept.set(key, block.parts.get(key) ?? new KINDS[node.kind](node));
  for (const [key, part] of block.parts) if (!kept.has(key)) part.frame.remove();
  [...kept.values()].forEach(({ frame }, i) => {
    if (block.place.children[i] !== frame) block.place.insertBefore(frame, block.place.children[i] ?? null);
  });
  for (const [key, part] of block.parts) if (!kept.has(key)) part.leave?.();
  block.parts = kept;
  for (const [node, key] of shown) kept.get(key).update(node);
}

// In a frame by whose class the page knows the key that the script has given it.
function framed(id = "", ...within) {
  const [, , ...key] = id.split("-");
  const known = key.length && key.join("-") !== "None" ? ` st-key-${key.join("-").replaceAll(/[^a-zA-Z0-9_-]/g, "-")}` : "";
  return make("div", { class: `frame${known}` }, ...within);
}

class Block {
  constructor({ told }) {
    this.frame = this.place = framed(told.id);
    this.parts = new Map();
  }

  update({ children }) {
    arrange(this, children);
  }

  leave() {
    for (const part of this.parts.values()) part.leave?.();
  }
}

class Text {
  constructor() {
    this.frame = framed("", make("div", { "data-testid": "stText" }));
  }

  update({ told }) {
    if (this.frame.firstChild.textContent !== told.body) this.frame.firstChild.textContent = told.body;
  }
}

class Heading {
  constructor({ told: { tag } }) {
    this.frame = framed("", make(tag));
  }

  update({ told }) {
    this.frame.firstChild.textContent = told.body;
  }
}

class Failure {
  constructor() {
    this.frame = framed("", make("pre", { "data-testid": "stException" }));
  }

  update({ told }) {
    this.frame.firstChild.textContent = `${told.type}: ${told.message}`;
  }
}

class Button {
  constructor() {
    this.button = make("button", { type: "button" });
    this.frame = framed("", this.button);
  }

  update({ told: { id, label, disabled }, fragment }) {
    this.button.textContent = label;
    this.button.disabled = disabled;
    this.button.onclick = () => {
      triggers.set(id, { trigger_value: 1 });
      flush(fragment);
    };
  }
}

class Checkbox {
  constructor({ told }) {
    this.input = make("input", { type: "checkbox" });
    this.input.checked = told.set_value ? told.value : told.default;
    this.frame = framed(told.id, make("label", {}, this.input, make("span", {}, told.label)));
  }

  update({ told: { id }, fragment }) {
    this.input.onchange = () => hold(id, { bool_value: this.input.checked ? 1 : 0 }, fragment);
  }
}

class Radio {
  constructor({ told: { id, options, default: chosen } }) {
    this.inputs = options.map(() => make("input", { type: "radio", name: id }));
    if (chosen !== undefined) this.inputs[chosen].checked = true;
    const labels = this.inputs.map((input, i) => make("label", {}, input, make("span", {}, options[i])));
    this.frame = framed(id, make("div", { role: "radiogroup" }, ...labels));
  }

  update({ told: { id, options }, fragment }) {
    this.inputs.forEach((input, i) => (input.onchange = () => hold(id, { string_value: options[i] }, fragment)));
  }
}

class TextInput {
  constructor({ told: { id, label, default: text = "" } }) {
    this.input = make("input", { type: "text", "aria-label": label });
    this.input.value = text;
    this.frame = framed(id, this.input);
  }

  update({ told: { id }, fragment }) {
    this.input.onchange = () => hold(id, { string_value: this.input.value }, fragment);
  }
}

// Only that it is there.
class FileUploader {
  constructor({ told: { label } }) {
    this.frame = framed("", make("div", { "data-testid": "stFileUploader" }, label));
  }

  update() {}
}

// A component, isolated: its HTML and CSS in a shadow root, which its JavaScript is given together with the data. That is
// called again where any of what it is given is another, as by bytes that have come anew; what it returned last is called
// when it leaves the page, and at once what it returns after something newer has been given to it.
class Component {
  static count = 0;

  constructor({ told }) {
    this.host = make("div", { "data-testid": "stBidiComponentIsolated" });
    this.shadow = this.host.attachShadow({ mode: "open" });
    const theme = make("div", { class: "theme" }, this.host);
    this.frame = framed(told.id, make("div", { class: "stBidiComponent" }, theme));
    this.key = `st-bidi-component-${Component.count++}`;
  }

  update({ told, fragment }) {
    const { html_content = "", css_content = "", js_content, json, bytes } = told;
    if (told.mixed || told.arrow_data || !told.isolate_styles) throw Error("No component of visionlab is of this kind");
    if (html_content !== this.html || css_content !== this.css) this.fill(html_content.trim(), css_content.trim());
    [this.html, this.css] = [html_content, css_content];
    const given = [told.id, told.component_name, fragment, js_content, json, bytes];
    if (this.given?.every((one, i) => one === given[i])) return;
    if (!this.given || json !== this.given[4] || bytes !== this.given[5]) this.data = json ? JSON.parse(json) : bytes ?? null;
    this.given = given;
    this.call(told, fragment);
  }

  fill(html, css) {
    this.content?.remove();
    this.content = make("div");
    const inner = make("div");
    inner.append(document.createRange().createContextualFragment(html));
    if (html) this.content.append(inner);
    if (css) this.content.append(make("style", {}, css));
    this.shadow.append(this.content);
  }

  async call({ id, component_name: name, js_content: js }, fragment) {
    const { data, key, shadow: parentElement } = this;
    const latest = (this.latest = {});
    if (!modules.has(js)) modules.set(js, import(URL.createObjectURL(new Blob([js], { type: "text/javascript" }))));
    try {
      const { default: main } = await modules.get(js);
      const leave = await main({
        name,
        data,
        key,
        parentElement,
        setStateValue: (state, value) => {
          const held = JSON.parse(states.get(id)?.json_value ?? "{}");
          hold(id, { json_value: JSON.stringify({ ...held, [state]: value }) }, fragment);
        },
        setTriggerValue: (event, value) => {
          const events = `$$STREAMLIT_INTERNAL_KEY_${id}__events`;
          const before = JSON.parse(triggers.get(events)?.json_trigger_value ?? "[]");
          triggers.set(events, { json_trigger_value: JSON.stringify([...before, { event, value }]) });
          flush(fragment);
        },
      });
      if (latest === this.latest) this.left = leave;
      else leave?.();
    } catch (error) {
      this.frame.append(make("pre", { "data-testid": "stException" }, `${error}\n${error.stack}`));
    }
  }

  leave() {
    this.latest = null;
    this.left?.();
  }
}

const KINDS = {
  block: Block,
  text: Text,
  heading: Heading,
  exception: Failure,
  button: Button,
  checkbox: Checkbox,
  radio: Radio,
  text_input: TextInput,
  file_uploader: FileUploader,
  bidi_component: Component,
};
