/**
 * How much of each symbol is still in memory.
 *
 * Measured on the network itself: another symbol is put in its place, and the distance between the two states, of all
 * layers, is followed step by step. A share of 1 is the largest distance that any symbol of the sequence makes at any
 * step.
 */

import { step } from "./network.js";

/** Multiplications that are spent on one sequence, about a second: beyond, only some of its symbols are measured. */
const BUDGET = 4e8;

/** Other symbols that are tried in the place of one, at most. */
const MOST = 4;

/**
 * Yields after every step, so that the page need not wait; returns the shares, `shares[t][s]` of the symbol of step t at
 * step s (0 for s < t), or null for one that was not measured.
 *
 * `states`: of `run`. `symbols`: how many there are, or null where the sequence is of vectors. `asked`: the step of a
 * symbol that is measured in any case, or null.
 */
export function* remembered(network, sequence, states, symbols, asked) {
  const length = sequence.length;
  const memory = network.slice(0, network.findLastIndex((layer) => layer.units !== undefined) + 1);
  const cost = ((length * (length + 1)) / 2) * memory.reduce((sum, layer) => sum + layer.size, 0);
  const tries = Math.min(MOST, Math.max(1, Math.floor(BUDGET / cost)));
  const every = Math.ceil(cost / BUDGET);
  const all = [];
  for (let t = 0; t < length; t++) {
    if (t % every !== 0 && t !== asked) {
      all.push(null);
      continue;
    }
    const distances = new Float64Array(length);
    const others = substitutes(sequence, t, symbols, tries);
    for (const other of others) {
      let now = states[t];
      for (let s = t; s < length; s++) {
        now = step(memory, now, s === t ? other : sequence[s]).states;
        distances[s] += distance(now, states[s + 1]) / others.length;
        yield;
      }
    }
    all.push(distances);
  }
  const largest = all.reduce((most, distances) => Math.max(most, ...(distances ?? [])), 0) || 1;
  return all.map((distances) => distances && Array.from(distances, (one) => one / largest));
}

/** What may stand in the place of a step: symbols spread evenly over the others; of vectors, those of other steps. */
function substitutes(sequence, t, symbols, tries) {
  const count = symbols ?? sequence.length;
  const own = symbols === null ? t : sequence[t];
  const numbers = Array.from(
    { length: Math.min(tries, count - 1) },
    (_, number) => (own + 1 + Math.floor((number * (count - 1)) / tries)) % count,
  );
  return symbols === null ? numbers.map((number) => sequence[number]) : numbers;
}

/** Of the layers that both have; the others come behind the last memory. */
function distance(states, others) {
  let sum = 0;
  for (const [number, state] of states.entries()) {
    for (const name of Object.keys(state ?? {})) {
      const [here, there] = [state[name], others[number][name]];
      for (let unit = 0; unit < here.length; unit++) sum += (here[unit] - there[unit]) ** 2;
    }
  }
  return Math.sqrt(sum);
}
