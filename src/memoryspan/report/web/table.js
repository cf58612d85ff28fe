/** A table that sorts by a click on the head of a column. */

import { element } from "./element.js";

/** `columns`: `{ name, number }`; `rows`: lists of `{ text, value }`, by whose value a column is sorted. */
export function sortable(caption, columns, rows) {
  const body = element("tbody");
  const heads = columns.map(({ name, number }, at) =>
    element(
      "th",
      { scope: "col", class: number ? "number" : null },
      element("button", { type: "button", onclick: () => sort(at) }, name),
    ),
  );
  const lines = rows.map((cells) => ({
    cells,
    row: element(
      "tr",
      {},
      ...cells.map(({ text }, at) => element("td", { class: columns[at].number ? "number" : null }, text)),
    ),
  }));

  function sort(at) {
    const ascending = heads[at].getAttribute("aria-sort") !== "ascending";
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[at].setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const compare = ({ cells: a }, { cells: b }) =>
      a[at].value < b[at].value ? -1 : Number(a[at].value > b[at].value);
    lines.sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
    body.replaceChildren(...lines.map(({ row }) => row));
  }

  body.append(...lines.map(({ row }) => row));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      { class: "sortable" },
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...heads)),
      body,
    ),
  );
}
