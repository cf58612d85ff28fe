/** Sequences as people type them: symbols, or vectors, each in brackets or on a line of its own. */

import { data } from "./data.js";

/**
 * The sequence in a text.
 *
 * `task`: `reads` ("symbols" or "vectors"), `n_features` and `min_length`. Throws an Error whose message says what to type instead.
 */
export function parse(text, task) {
  const steps = task.reads === "symbols" ? parseSymbols(text, task.n_features) : parseVectors(text, task.n_features);
  if (steps.length === 0) throw new Error("Type at least one step, or roll a random sequence.");
  if (steps.length < task.min_length) {
    throw new Error(
      `The task asks for nothing before step ${task.min_length}, and these are ${steps.length}: add some.`,
    );
  }
  if (steps.length > data.max_length) {
    throw new Error(`The page draws up to ${data.max_length} steps, and these are ${steps.length}: leave some out.`);
  }
  return steps;
}

function parseSymbols(text, count) {
  const words = text.split(/[\s,;[\]]+/).filter(Boolean);
  for (const word of words) {
    if (!/^\d+$/.test(word) || Number(word) >= count) {
      throw new Error(`Symbols are whole numbers from 0 to ${count - 1}, and “${word.slice(0, 20)}” is none of them.`);
    }
  }
  return words.map(Number);
}

function parseVectors(text, width) {
  const rows = text.split(/[\n;\]]+/).map((row) => row.replace(/[[,]/g, " ").trim().split(/\s+/).filter(Boolean));
  return rows
    .filter((row) => row.length > 0)
    .map((row) => {
      const vector = Float32Array.from(row, Number);
      if (row.length !== width || !vector.every(Number.isFinite)) {
        throw new Error(
          `A step is ${width} numbers, like [${Array(width).fill("0.5").join(" ")}], and “${row.join(" ").slice(0, 30)}” is not.`,
        );
      }
      return vector;
    });
}

/** A sequence as text that `parse` reads. */
export function format(sequence) {
  return sequence.map((x) => shown(x)).join(", ");
}

/** One step as text, a vector's numbers with so many decimal places. */
export function shown(x, places = 4) {
  return typeof x === "number" ? String(x) : `[${Array.from(x, (value) => Number(value.toFixed(places))).join(" ")}]`;
}
