/** What the model answers at the step shown, how sure it is, and whether it is right. */

import { element, percent } from "./element.js";
import { answerOf, isRight } from "./expectation.js";

const SHOWN = 5;

export function answer(task) {
  const heading = element("h3");
  const sentence = element("p", { class: "answer", "aria-live": "polite" });
  const bars = element("ol", { class: "bars", "aria-label": "The most probable answers" });
  const changed = element("p", { class: "changed", "aria-live": "polite" });

  let shown = {};

  /** What did not change is left alone: it would be read out again. */
  function show(view) {
    if (view.walked === shown.walked && view.step === shown.step && view.playing === shown.playing) return;
    shown = view;
    const output = view.walked.outputs[view.step];
    heading.textContent = headingOf(task, view.step, view.sequence.length - 1);
    sentence.setAttribute("aria-live", view.playing ? "off" : "polite");
    sentence.replaceChildren(...sentenceOf(task, output, view));
    bars.replaceChildren(...(task.answers === "classes" ? likeliest(output, task) : []));
    const change = changeOf(task, view);
    if (changed.textContent !== change) changed.textContent = change;
  }

  return { nodes: [element("div", { class: "panel" }, heading, sentence, bars, changed)], show };
}

function headingOf(task, step, last) {
  if (task.return_sequences) return `The answer at step ${step}`;
  return step === last ? "The answer" : `If the sequence ended at step ${step}`;
}

function sentenceOf(task, output, view) {
  const parts = ["The model says ", element("strong", {}, described(output, task)), ". "];
  const known = view.expectation;
  if (known === null && task.out_index === null) return [...parts, "What is right is known of rolled sequences only."];
  if (!known?.asked[view.step]) return parts;
  const expected = known.expected[view.step];
  const right = isRight(answerOf(output, task), expected, task);
  const wanted = task.answers === "number" ? Number(expected.toPrecision(3)) : expected;
  if (right === null) return [...parts, `${wanted} is asked for.`];
  const verdict = element("span", { class: right ? "right" : "wrong" }, right ? "✓ Right" : "✗ Wrong");
  return [...parts, verdict, `: ${wanted} is asked for.`];
}

/** An answer with its probability, where it has one. */
function described(output, task) {
  const chosen = answerOf(output, task);
  if (task.answers === "number") return chosen.toPrecision(3);
  return task.probabilities ? `${chosen} (${percent(output[chosen])})` : `${chosen}`;
}

function likeliest(output, task) {
  const order = Array.from(output.keys())
    .sort((a, b) => output[b] - output[a])
    .slice(0, SHOWN);
  return order.map((symbol) => {
    const bar = element("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = task.probabilities ? `${100 * output[symbol]}%` : "0";
    return element(
      "li",
      {},
      element("b", {}, String(symbol)),
      element("span", { class: "track" }, bar),
      task.probabilities ? percent(output[symbol]) : output[symbol].toPrecision(3),
    );
  });
}

/** What the last change of one symbol has changed. */
function changeOf(task, { before, sequence, walked }) {
  if (!before) return "";
  const step = sequence.findIndex((x, at) => x !== before.sequence[at]);
  if (step < 0) return "";
  const [then, now] = [before.walked, walked].map(({ outputs }) => described(outputs.at(-1), task));
  return `Step ${step} was ${before.sequence[step]} and is ${sequence[step]}: the final answer was ${then}, and is ${now}.`;
}
