/** Elements of the page: made once, changed where something changed, so that focus and selections stay. No text becomes markup. */

const svgSpace = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  setAll(node, attributes);
  node.append(...children);
  return node;
}

/** @param {string} tag @param {Readonly<Record<string, string | number>>} [attributes] @param {...Node} children */
export function draw(tag, attributes = {}, ...children) {
  const node = document.createElementNS(svgSpace, tag);
  setAll(node, attributes);
  node.append(...children);
  return node;
}

/** @param {Element} node @param {Readonly<Record<string, string | number>>} attributes */
export function setAll(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/** @param {Node} node @param {string} text */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`the page has no ${id}`);
  return node;
}

/**
 * One node for each item, kept by its key over all looks, in the order of the items. Where there are none, `#<id>-empty`
 * is shown instead, if the page has it.
 * @template Item
 * @param {string} id
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => { readonly node: HTMLElement, readonly update: (item: Item) => void }} begin
 * @returns {(items: readonly Item[] | null) => void}
 */
export function keyedList(id, keyOf, begin) {
  const place = byId(id);
  const empty = document.getElementById(`${id}-empty`);
  const headings = [...(place.closest("table")?.querySelectorAll("thead th") ?? [])].map(
    (head) => head.textContent ?? "",
  );
  /** @type {Map<string, { readonly node: HTMLElement, readonly update: (item: Item) => void }>} */
  let rows = new Map();
  return (items) => {
    place.classList.toggle("stale", items === null);
    if (items === null) return;
    const next = new Map(items.map((item) => [keyOf(item), rows.get(keyOf(item)) ?? labelled(begin(item), headings)]));
    for (const [key, { node }] of rows) if (!next.has(key)) node.remove();
    let before = place.firstElementChild;
    for (const item of items) {
      const row = next.get(keyOf(item));
      if (row === undefined) continue;
      row.update(item);
      if (row.node === before) before = before.nextElementSibling;
      else place.insertBefore(row.node, before);
    }
    rows = next;
    if (empty !== null) empty.hidden = items.length > 0;
    const frame = place.closest(".scroll");
    if (!(frame instanceof HTMLElement)) return;
    frame.hidden = items.length === 0;
    // Where a part of it is out of sight, the keyboard must get there.
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  };
}

/**
 * On a narrow screen a row is a card, and each cell says itself what it is.
 * @template {{ readonly node: HTMLElement }} Row
 * @param {Row} row
 * @param {readonly string[]} headings
 */
function labelled(row, headings) {
  for (const [at, heading] of headings.entries()) row.node.children[at]?.setAttribute("data-label", heading);
  return row;
}

/** A table that is laid out as cards is none any more to a screen reader, unless each part says what it is. */
export function keepTables() {
  for (const table of document.querySelectorAll("table")) {
    table.setAttribute("role", "table");
    for (const group of table.querySelectorAll("thead, tbody")) group.setAttribute("role", "rowgroup");
    for (const row of table.querySelectorAll("thead tr")) row.setAttribute("role", "row");
    for (const head of table.querySelectorAll("thead th")) head.setAttribute("role", "columnheader");
  }
}

/**
 * A table row whose cells are texts. The first is its head.
 * @param {readonly string[]} classes of the cells, such as `n` for numbers; one for each
 */
export function textRow(classes) {
  const cells = classes.map((name, at) =>
    at === 0 ? make("th", { class: name, scope: "row", role: "rowheader" }) : make("td", { class: name, role: "cell" }),
  );
  return {
    node: make("tr", { role: "row" }, ...cells),
    cells,
    /** @param {readonly string[]} texts */
    say(texts) {
      for (const [at, text] of texts.entries()) {
        const cell = cells[at];
        if (cell !== undefined) say(cell, text);
      }
    },
  };
}
