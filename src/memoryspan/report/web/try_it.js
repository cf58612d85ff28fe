/** Try it: a sequence goes through the model in the page. All that is shown follows from one `view`. */

import { answer } from "./answer.js";
import { chips } from "./chips.js";
import { readPalette } from "./colours.js";
import { data } from "./data.js";
import { download, element, grouped } from "./element.js";
import { expectation } from "./expectation.js";
import { orderOfUnits } from "./heatmap.js";
import { maps } from "./maps.js";
import { remembered } from "./memory.js";
import { moments } from "./moments.js";
import { build, run } from "./network.js";
import { format, parse } from "./sequence.js";

/** Milliseconds of measuring after which the page gets to breathe. */
const SLICE = 12;

/** The section; `window.memoryspan.answer(sequence)` gives the outputs at every step to whoever opens the console. */
export function tryIt({ task, network, examples }) {
  const networks = network.moments.map(({ weights }) => build(network.layers, floats(weights)));
  const trained = networks.at(-1);
  let view = null;

  const text = element("textarea", {
    id: "sequence",
    rows: 2,
    spellcheck: "false",
    autocomplete: "off",
    oninput: typed,
  });
  const error = element("p", { class: "error", role: "alert" });
  const length = element("input", {
    type: "number",
    id: "length",
    min: task.min_length,
    max: data.max_length,
    onchange: roll,
  });
  const sized = element("span", {}, element("label", { for: "length" }, "of length "), length);
  sized.hidden = task.out_index === null;
  const parts = [
    moments(network.moments, (moment) => update({ moment })),
    answer(task),
    chips(task, (selected) => update({ selected }), change),
    maps(
      (step) => update({ step }),
      (difference) => update({ difference }),
      (playing) => update({ playing }),
    ),
  ];

  function typed() {
    try {
      const sequence = parse(text.value, task);
      error.textContent = "";
      take(sequence, null);
    } catch (refused) {
      error.textContent = `${refused.message} The last sequence that could be read is still shown.`;
    }
  }

  function roll() {
    if (task.out_index === null) bring(examples[Math.floor(Math.random() * examples.length)]);
    else bring({ inputs: random() });
  }

  /** An example, of which it may be known what is right. */
  function bring(example) {
    text.value = format(example.inputs);
    error.textContent = "";
    take(
      example.inputs.map((x) => (typeof x === "number" ? x : Float32Array.from(x))),
      example,
    );
  }

  function random() {
    const wanted = Math.round(Number(length.value)) || task.min_length;
    const steps = Math.min(data.max_length, Math.max(task.min_length, wanted));
    length.value = steps;
    return Array.from({ length: steps }, () => Math.floor(Math.random() * task.n_features));
  }

  /** A sequence that has nothing to do with the one before. */
  function take(sequence, example) {
    const order = run(trained, sequence).layers.map(orderOfUnits);
    const last = sequence.length - 1;
    const selected = Math.min(task.out_index ?? 0, last);
    update({ sequence, example, order, selected, step: last, shares: null, before: null, difference: false });
  }

  /** The same sequence but for one symbol. */
  function change(step, x) {
    const sequence = view.sequence.with(step, x);
    text.value = format(sequence);
    error.textContent = "";
    update({ sequence, example: null, before: { sequence: view.sequence, walked: view.walked } });
  }

  function update(changed) {
    const walks = changed.sequence !== undefined || changed.moment !== undefined;
    view = { ...view, ...changed };
    if (walks) {
      view.walked = run(networks[view.moment], view.sequence);
      view.expectation = expectation(task, view.sequence, view.example);
      if (changed.moment !== undefined) Object.assign(view, { before: null, difference: false, shares: null });
    }
    for (const part of parts) part.show(view);
    if (walks) measure(view.walked, view.sequence, networks[view.moment]);
  }

  /** Measures what is remembered bit by bit; of a sequence that was only changed, the shares of before stay until then. */
  function measure(walked, sequence, measured) {
    const symbols = task.reads === "symbols" ? task.n_features : null;
    const measuring = remembered(measured, sequence, walked.states, symbols, task.out_index);
    const slice = () => {
      const until = performance.now() + SLICE;
      while (view.walked === walked) {
        const { done, value } = measuring.next();
        if (done) return update({ shares: value });
        if (performance.now() > until) return setTimeout(slice);
      }
    };
    slice();
  }

  function save() {
    const rows = view.walked.layers.flatMap((layer) =>
      Object.entries(layer.arrays).flatMap(([name, vectors]) =>
        vectors.flatMap((vector, step) =>
          Array.from(vector, (value, unit) => `${step},${cell(layer.name)},${name},${unit},${value}`),
        ),
      ),
    );
    const outputs = view.walked.outputs.flatMap((vector, step) =>
      Array.from(vector, (value, unit) => `${step},model,answer,${unit},${value}`),
    );
    const sequence = view.sequence.flatMap((x, step) =>
      (typeof x === "number" ? [x] : [...x]).map((value, unit) => `${step},sequence,input,${unit},${value}`),
    );
    const head = "step,layer,array,unit,value";
    download("trace.csv", "text/csv", [head, ...sequence, ...rows, ...outputs, ""].join("\n"));
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readPalette();
    update({ palette: {} });
  });
  readPalette();
  length.value = Math.min(data.max_length, task.length);
  view = { moment: networks.length - 1, playing: false, palette: {} };
  bring(examples[0]);
  globalThis.memoryspan = { answer: (sequence) => run(trained, sequence).outputs.map((output) => Array.from(output)) };

  const [training, verdict, symbols, inside] = parts.map(({ nodes }) => nodes);
  return element(
    "section",
    { id: "try", "aria-labelledby": "try-title" },
    element("h2", { id: "try-title" }, "Try it"),
    task.length > data.max_length
      ? element(
          "p",
          { id: "shorter" },
          `The sequences here have up to ${data.max_length} steps, which the page can draw, and not the ${grouped(task.length)} of the task.`,
        )
      : null,
    element(
      "label",
      { for: "sequence" },
      task.reads === "symbols"
        ? `Sequence (symbols from 0 to ${task.n_features - 1})`
        : `Sequence (steps of ${task.n_features} numbers)`,
    ),
    text,
    error,
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", id: "roll", onclick: roll }, "Roll a random one"),
      sized,
    ),
    ...training,
    ...verdict,
    ...symbols,
    element("h3", {}, "Inside, step by step"),
    ...inside,
    element("div", { class: "row" }, element("button", { type: "button", onclick: save }, "Save the trace as CSV")),
  );
}

/** The Float32 numbers in a base64 text, which are in the byte order of nearly every machine. */
function floats(base64) {
  return new Float32Array(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);
}

/** A text as CSV has it. */
function cell(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
