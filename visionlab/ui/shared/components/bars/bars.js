// Names with bars as radio buttons; names are only ever text.

export default function ({ data, parentElement, setStateValue }) {
  const group = parentElement.querySelector(".bars");
  const choice = (group.choice ??= new Choice());
  choice.hear(data, setStateValue);
  group.setAttribute("aria-label", data.what);
  group.className = `bars ${data.look}`;

  // Rows stay as long as their names do: one that is pressed while the page runs anew has to be there when let go.
  const classes = JSON.stringify(data.bars.map(({ index, label }) => [index, label]));
  if (group.dataset.classes !== classes) {
    const focused = group.getRootNode().activeElement?.dataset?.index;
    group.replaceChildren(...data.bars.map(drawn));
    group.dataset.classes = classes;
    if (focused !== undefined) group.querySelector(`[data-index="${focused}"]`)?.focus();
  }
  const rows = [...group.children];
  for (const [place, { said, share }] of data.bars.entries()) {
    rows[place].querySelector(".share").textContent = said;
    rows[place].querySelector(".bar span").style.width = `${100 * Math.abs(share)}%`;
    rows[place].classList.toggle("below", share < 0);
  }

  function mark() {
    const marked = rows.findIndex(({ dataset }) => Number(dataset.index) === choice.now);
    for (const [place, row] of rows.entries()) {
      row.setAttribute("aria-checked", String(place === marked));
      row.tabIndex = place === Math.max(0, marked) ? 0 : -1;
    }
  }

  function choose(row) {
    const index = Number(row.dataset.index);
    if (index !== choice.now) choice.make(index);
    mark();
  }

  group.onclick = ({ target }) => {
    const row = target.closest("[data-index]");
    if (row) choose(row);
  };

  group.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const place = rows.indexOf(group.getRootNode().activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = rows[(place + step + rows.length) % rows.length];
    choose(next);
    next.focus();
  };

  mark();
}

function drawn({ label, index }) {
  const row = document.createElement("button");
  row.type = "button";
  row.setAttribute("role", "radio");
  row.dataset.index = index;
  const part = (name) => Object.assign(row.appendChild(document.createElement("span")), { className: name });
  part("name").textContent = label;
  part("share");
  part("bar").append(document.createElement("span"));
  return row;
}
