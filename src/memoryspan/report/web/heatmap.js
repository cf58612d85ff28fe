/** Maps of gates and states: a row a unit, a column a step. */

import { gateColour, signedColour } from "./colours.js";
import { element } from "./element.js";

/** Arrays that go from 0 to 1; all others are drawn around 0. */
const GATES = new Set(["input", "forget", "output", "update", "reset"]);

/** What an array is called. */
export function titleOf(layer, name) {
  const what = { cell: "cell state", hidden: "hidden state", candidate: "candidate" }[name] ?? `${name} gate`;
  return `${layer.name}: ${what}`;
}

/** By the step at which a unit's state first goes half as far from 0 as it ever does: neighbours react together. */
export function orderOfUnits(layer) {
  const states = layer.arrays.cell ?? layer.arrays.hidden;
  const firsts = Array.from({ length: layer.units }, (_, unit) => {
    const far = states.map((state) => Math.abs(state[unit]));
    const step = far.findIndex((value) => value >= Math.max(...far) / 2);
    return [step, states[step][unit], unit];
  });
  return firsts.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , unit]) => unit);
}

/**
 * One map with its title and scale. `values` is a list of vectors, one a step; `onpoint(step, sentence)` tells where the
 * pointer is and what is there, `onpoint(null, "")` that it has left.
 */
export function heatmap({ layer, name, values, order, difference, onpoint }) {
  const gate = GATES.has(name) && !difference;
  const farthest = gate
    ? 1
    : Math.max(1e-9, ...values.map((vector) => vector.reduce((a, b) => Math.max(a, Math.abs(b)), 0)));
  const title = `${titleOf(layer, name)}${difference ? ", change" : ""}`;
  const canvas = element("canvas", {
    role: "img",
    "aria-label": `${title}: ${layer.units} units over ${values.length} steps, ${gate ? "0 to 1" : `-${farthest.toFixed(2)} to ${farthest.toFixed(2)}`}`,
    width: values.length,
    height: order.length,
    onpointermove: (event) => onpoint(...pointed(event)),
    onpointerdown: (event) => onpoint(...pointed(event)),
    onpointerleave: () => onpoint(null, ""),
  });
  canvas.style.height = `${Math.min(150, Math.max(24, 4 * order.length))}px`;
  paint(canvas, values, order, gate ? gateColour : (value) => signedColour(value / farthest));

  function pointed({ offsetX, offsetY }) {
    const step = index(offsetX / canvas.clientWidth, values.length);
    const unit = order[index(offsetY / canvas.clientHeight, order.length)];
    return [step, `${title}, unit ${unit + 1}, step ${step + 1}: ${values[step][unit].toFixed(3)}`];
  }

  const scale = gate ? "0 (shut) to 1 (open)" : `−${farthest.toPrecision(2)} to ${farthest.toPrecision(2)}`;
  const bar = element("span", { class: gate ? "scale gate" : "scale signed", "aria-hidden": "true" });
  return element(
    "figure",
    { class: "map" },
    element("figcaption", {}, element("span", {}, title), element("small", {}, bar, scale)),
    element("div", { class: "frame" }, canvas, element("div", { class: "cursor" })),
  );
}

function index(share, count) {
  return Math.min(count - 1, Math.max(0, Math.floor(share * count)));
}

function paint(canvas, values, order, colour) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(values.length, order.length);
  for (const [step, vector] of values.entries()) {
    for (const [row, unit] of order.entries()) {
      image.data.set([...colour(vector[unit]), 255], 4 * (row * values.length + step));
    }
  }
  context.putImageData(image, 0, 0);
}
