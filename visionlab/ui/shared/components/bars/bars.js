// Draws the classes as radio buttons with bars; names are only ever text.

export default function ({ data, parentElement, setStateValue }) {
  const group = parentElement.querySelector(".bars");
  const choice = (group.choice ??= new Choice());
  choice.hear(data, setStateValue);

  const rows = data.answers.map(({ label, index, probability }) => {
    const row = document.createElement("button");
    row.type = "button";
    row.setAttribute("role", "radio");
    row.dataset.index = index;
    const name = row.appendChild(document.createElement("span"));
    name.className = "name";
    name.textContent = label;
    const share = row.appendChild(document.createElement("span"));
    share.className = "share";
    share.textContent = `${(100 * probability).toFixed(1)}%`;
    const bar = row.appendChild(document.createElement("span"));
    bar.className = "bar";
    bar.appendChild(document.createElement("span")).style.width = `${100 * probability}%`;
    row.onclick = () => choose(index);
    return row;
  });

  function mark() {
    const marked = rows.findIndex(({ dataset }) => Number(dataset.index) === choice.now);
    for (const [place, row] of rows.entries()) {
      row.setAttribute("aria-checked", String(place === marked));
      row.tabIndex = place === Math.max(0, marked) ? 0 : -1;
    }
  }

  function choose(index) {
    if (index !== choice.now) choice.make(index);
    mark();
  }

  group.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const place = rows.indexOf(group.getRootNode().activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = rows[(place + step + rows.length) % rows.length];
    choose(Number(next.dataset.index));
    next.focus();
  };

  const focused = group.getRootNode().activeElement?.dataset?.index;
  group.replaceChildren(...rows);
  mark();
  if (focused !== undefined) rows.find(({ dataset }) => dataset.index === focused)?.focus();
}
