// Sends a picture from the clipboard to the server: pasted anywhere but into a field, or asked for by the button.

export default function ({ data, parentElement, setTriggerValue }) {
  const said = parentElement.querySelector(".said");

  async function send(file) {
    if (file.size > data.most) {
      said.textContent = `That picture has ${Math.ceil(file.size / 2 ** 20)} MB; at most ${data.most / 2 ** 20} are taken.`;
      return;
    }
    said.textContent = "";
    const address = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(file);
    });
    setTriggerValue("pasted", { data: address.slice(address.indexOf(",") + 1) });
  }

  function pasted(event) {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return; // text for a field, say
    event.preventDefault();
    send(file);
  }

  parentElement.querySelector("button").onclick = async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith("image/"));
        if (type) return send(await item.getType(type));
      }
      said.textContent = "There is no picture in the clipboard: copy one first.";
    } catch {
      said.textContent = "The browser keeps its clipboard to itself: press Ctrl+V (⌘V) instead.";
    }
  };
  document.addEventListener("paste", pasted);
  return () => document.removeEventListener("paste", pasted);
}
