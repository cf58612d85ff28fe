/** The page: its data is in the element `data`, and each part of it makes one section. */

import { data } from "./data.js";
import { byId, element } from "./element.js";
import { learning, spans } from "./learning.js";
import { sortable } from "./table.js";
import { tryIt } from "./try_it.js";

function runPage({ task, network, reason, examples, history, story, held }) {
  const sections = [];
  if (network) sections.push(tryIt({ task, network, examples }));
  else sections.push(section("Try it", element("p", {}, reason)));
  if (history.length > 0) sections.push(learning(history, task, story));
  if (held) sections.push(section("How far it holds", element("p", {}, held.sentence), spans(held.chart)));
  return sections;
}

function sweepPage({ caption, columns, rows, notes, charts }) {
  return [
    section("The table", sortable(caption, columns, rows), ...notes.map((note) => element("p", {}, note))),
    section("Accuracy against length", ...charts.map(spans)),
  ];
}

function section(title, ...children) {
  return element("section", {}, element("h2", {}, title), ...children);
}

byId("page").append(...(data.kind === "run" ? runPage(data) : sweepPage(data)));
