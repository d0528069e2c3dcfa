// One picture as it is drawn. Names, badges and classes are a person's own words: text, never HTML.

function make(tag, name = "") {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

function newTile() {
  const tile = make("div", "tile");
  tile.setAttribute("role", "option");
  const image = make("img");
  image.alt = "";
  image.draggable = false;
  image.onerror = () => image.removeAttribute("src"); // asked for again with the next data
  tile.append(image, make("span", "badge"), make("span", "class"), make("span", "tick"));
  return tile;
}

// klass is the name of its class where pictures of several are shown, and empty otherwise.
function drawTile(tile, { id, name, address, badge, marked, off }, klass) {
  tile.dataset.id = id;
  tile.title = name;
  tile.setAttribute("aria-label", [name, klass, badge, marked && "marked", off && "switched off"].filter(Boolean).join(", "));
  tile.classList.toggle("marked", marked);
  tile.classList.toggle("off", off);
  tile.querySelector(".badge").textContent = [off && "off", badge].filter(Boolean).join(" · ");
  tile.querySelector(".class").textContent = klass;
  const image = tile.querySelector("img");
  if (image.getAttribute("src") !== address) image.src = address;
}

function pictures(count) {
  return count === 1 ? "1 picture" : `${count} pictures`;
}
