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
 * is shown instead.
 * @template Item
 * @param {string} id
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => { readonly node: HTMLElement, readonly update: (item: Item) => void }} begin
 * @returns {(items: readonly Item[] | null) => void}
 */
export function keyedList(id, keyOf, begin) {
  const place = byId(id);
  const empty = byId(`${id}-empty`);
  /** @type {Map<string, { readonly node: HTMLElement, readonly update: (item: Item) => void }>} */
  let rows = new Map();
  return (items) => {
    place.classList.toggle("stale", items === null);
    if (items === null) return;
    const next = new Map(items.map((item) => [keyOf(item), rows.get(keyOf(item)) ?? begin(item)]));
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
    empty.hidden = items.length > 0;
    const frame = place.closest(".scroll");
    if (!(frame instanceof HTMLElement)) return;
    frame.hidden = items.length === 0;
    // Where a part of it is out of sight, the keyboard must get there.
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  };
}

/**
 * A table row whose cells are texts. The first is its head.
 * @param {readonly string[]} classes of the cells, such as `n` for numbers; one for each
 */
export function textRow(classes) {
  const cells = classes.map((name, at) =>
    make(at === 0 ? "th" : "td", { class: name, ...(at === 0 ? { scope: "row" } : {}) }),
  );
  return {
    node: make("tr", {}, ...cells),
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
