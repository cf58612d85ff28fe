/**
 * How much of each symbol is still in memory.
 *
 * Measured on the network itself: another symbol is put in its place, and the distance between the two states, of all
 * layers, is followed step by step. A share of 1 is the largest distance that any symbol of the sequence makes at any
 * step.
 */

import { step } from "./network.js";

/** Network steps that are spent on one sequence; with fewer substitutes a long one is measured more coarsely. */
const BUDGET = 60_000;

/** Other symbols that are tried in the place of one, at most. */
const MOST = 4;

/**
 * Yields after every symbol, so that the page need not wait for the last; returns the shares, `shares[t][s]` of the
 * symbol of step t at step s (0 for s < t).
 *
 * `states`: of `run`. `symbols`: how many there are, or null where the sequence is of vectors.
 */
export function* remembered(network, sequence, states, symbols) {
  const length = sequence.length;
  const tries = Math.min(MOST, Math.max(1, Math.floor(BUDGET / ((length * length) / 2))));
  const shares = [];
  for (let t = 0; t < length; t++) {
    const distances = new Float64Array(length);
    const others = substitutes(sequence, t, symbols, tries);
    for (const other of others) {
      let now = states[t];
      for (let s = t; s < length; s++) {
        now = step(network, now, s === t ? other : sequence[s]).states;
        distances[s] += distance(now, states[s + 1]) / others.length;
      }
    }
    shares.push(distances);
    yield t;
  }
  const largest = Math.max(...shares.map((distances) => Math.max(...distances))) || 1;
  return shares.map((distances) => distances.map((one) => one / largest));
}

/** What may stand in the place of a step: symbols spread evenly over the others; of vectors, those of other steps. */
function substitutes(sequence, t, symbols, tries) {
  const count = symbols === null ? sequence.length : symbols;
  const own = symbols === null ? t : sequence[t];
  const numbers = Array.from(
    { length: Math.min(tries, count - 1) },
    (_, number) => (own + 1 + Math.floor((number * (count - 1)) / tries)) % count,
  );
  return symbols === null ? numbers.map((number) => sequence[number]) : numbers;
}

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
