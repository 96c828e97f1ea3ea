/** Tables whose columns sort by a click on their heading, with `aria-sort` for screen readers. */

import { announce, el } from "./dom.js";

/**
 * @typedef {Object} Column
 * @property {string} label
 * @property {(row: Object) => (string|number|null)} key what to sort by; null comes last
 * @property {(row: Object) => (Node|string)} [cell] what to show; the key if left out
 * @property {boolean} [number] whether it is a number: aligned right, the highest first
 */

/**
 * @param {string} caption
 * @param {Column[]} columns the first holds the row's name
 * @param {{column: number, down: boolean}} sorted the order at first
 * @param {(row: Object, tr: HTMLElement) => void} [onRow] finishes a row
 */
export function sortableTable(caption, columns, sorted, onRow) {
  const body = el("tbody");
  let rows = [];
  const heads = columns.map((column, index) => {
    const mark = el("span", { class: "sort-mark", "aria-hidden": "true" });
    const button = el("button", { type: "button", class: "sort", on: { click: () => sortBy(index) } }, column.label, mark);
    return { th: el("th", { scope: "col", class: column.number ? "number" : null }, button), mark };
  });
  const node = el(
    "div",
    { class: "table-scroll", role: "region", tabindex: 0, "aria-label": caption },
    el(
      "table",
      {},
      el("caption", { text: caption }),
      el("thead", {}, el("tr", {}, heads.map(({ th }) => th))),
      body,
    ),
  );

  function sortBy(index) {
    const down = sorted.column === index ? !sorted.down : Boolean(columns[index].number);
    sorted = { column: index, down };
    draw();
    announce(`Sorted by ${columns[index].label}, ${down ? "descending" : "ascending"}.`);
  }

  function draw() {
    heads.forEach(({ th, mark }, index) => {
      const active = index === sorted.column;
      if (active) th.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
      mark.textContent = active ? (sorted.down ? "▾" : "▴") : "";
    });
    const { key } = columns[sorted.column];
    rows.sort((a, b) => compare(key(a), key(b), sorted.down));
    body.replaceChildren(...rows.map(rowOf));
  }

  function rowOf(row) {
    const cells = columns.map((column, index) => {
      const content = column.cell ? column.cell(row) : (column.key(row) ?? "–");
      return index
        ? el("td", { class: column.number ? "number" : null }, content)
        : el("th", { scope: "row" }, content);
    });
    const tr = el("tr", {}, cells);
    onRow?.(row, tr);
    return tr;
  }

  return {
    node,
    show(newRows) {
      rows = [...newRows];
      draw();
    },
  };
}

function compare(a, b, down) {
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const order = typeof a === "string" ? a.localeCompare(b, "en") : a - b;
  return down ? -order : order;
}
