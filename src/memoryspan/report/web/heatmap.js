/** Maps of gates and states: a row a unit, a column a step. */

import { gateColour, signedColour } from "./colours.js";
import { data } from "./data.js";
import { element } from "./element.js";

/** What an array is called. */
export function titleOf(layer, name) {
  const what = { cell: "cell state", hidden: "hidden state", candidate: "candidate" }[name] ?? `${name} gate`;
  return `${layer.name}: ${what}`;
}

/** By the step at which a unit's state first goes half as far from 0 as it ever does: neighbours react together. */
export function orderOfUnits(layer) {
  const states = layer.arrays.cell ?? layer.arrays.hidden;
  const firsts = Array.from({ length: layer.units }, (_, unit) => {
    const farthest = states.reduce((most, state) => Math.max(most, Math.abs(state[unit])), 0);
    const step = states.findIndex((state) => Math.abs(state[unit]) >= farthest / 2);
    return [step, states[step][unit], unit];
  });
  return firsts.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , unit]) => unit);
}

/**
 * One map with its title and scale. `values` is a list of vectors, one a step; `onread(sentence)` tells
 * what is under the pointer, `onstep(step)` that a step was clicked.
 */
export function heatmap({ layer, name, values, order, difference, onread, onstep }) {
  const ends = difference || !withinOne(values) ? undefined : data.maps.gates[name];
  const far = ends ? 1 : aroundZero(values);
  const scale = ends ? `0 ${ends[0]}, 1 ${ends[1]}` : `−${far.toPrecision(2)} to ${far.toPrecision(2)}`;
  const title = `${titleOf(layer, name)}${difference ? ", change" : ""}`;
  const canvas = element("canvas", {
    role: "img",
    "aria-label": `${title}: ${layer.units} units over ${values.length} steps, ${scale}`,
    width: values.length,
    height: order.length,
    onpointermove: (event) => onread(pointed(event).sentence),
    onpointerleave: () => onread(""),
    onclick: (event) => onstep(pointed(event).step),
  });
  canvas.style.height = `${Math.min(150, Math.max(24, 4 * order.length))}px`;
  paint(canvas, values, order, ends ? gateColour : (value, ...place) => signedColour(value / far, ...place));

  function pointed({ offsetX, offsetY }) {
    const step = index(offsetX / canvas.clientWidth, values.length);
    const unit = order[index(offsetY / canvas.clientHeight, order.length)];
    return { step, sentence: `${title}, unit ${unit}, step ${step}: ${values[step][unit].toFixed(3)}` };
  }

  const bar = element("span", { class: ends ? "scale gate" : "scale signed", "aria-hidden": "true" });
  return element(
    "figure",
    { class: "map" },
    element("figcaption", {}, element("span", {}, title), element("small", {}, bar, scale)),
    element("div", { class: "frame" }, canvas, element("div", { class: "cursor" })),
  );
}

/** Whether it can be a gate: with another activation than the sigmoid it may go beyond. */
function withinOne(values) {
  return values.every((vector) => vector.every((value) => value >= 0 && value <= 1));
}

/** What stands at the end of the colours: the farthest value, or, where few lie far out, most of them. */
function aroundZero(values) {
  const sizes = new Float32Array(values.length * values[0].length);
  for (const [step, vector] of values.entries()) sizes.set(vector.map(Math.abs), step * vector.length);
  sizes.sort();
  const [most, farthest] = [sizes[Math.floor(data.maps.most * (sizes.length - 1))], sizes.at(-1)];
  return most > 0 && data.maps.far * most < farthest ? most : farthest || 1;
}

function index(share, count) {
  return Math.min(count - 1, Math.max(0, Math.floor(share * count)));
}

function paint(canvas, values, order, colour) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(values.length, order.length);
  for (const [step, vector] of values.entries()) {
    for (const [row, unit] of order.entries()) {
      colour(vector[unit], image.data, 4 * (row * values.length + step));
    }
  }
  context.putImageData(image, 0, 0);
}
