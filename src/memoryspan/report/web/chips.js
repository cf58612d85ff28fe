/** The sequence as a row of chips, coloured by how much of each symbol is still in memory. */

import { element } from "./element.js";
import { answerOf, isRight } from "./expectation.js";
import { shown } from "./sequence.js";

/** `onselect(step)`: a chip was picked; `onchange(step, x)`: its symbol is to be another. */
export function chips(task, onselect, onchange) {
  const row = element("div", {
    class: "chips",
    role: "group",
    "aria-label": "The sequence, step by step",
    onkeydown: pressed,
  });
  const field = element("input", { type: "number", min: 0, max: task.n_features - 1, id: "symbol", oninput: typed });
  const label = element("label", { for: "symbol" });
  const hint = element("small", {}, "Pick a symbol, and change it: by arrow keys, left and right, then up and down.");
  const change = element("div", { class: "row" }, label, field, hint);
  const legend = element(
    "small",
    { class: "legend-line" },
    element("span", { class: "scale share", "aria-hidden": "true" }),
    `The more colour, the more of the symbol is in memory at the step shown: how far another one in its place would move the state.${task.out_index === null ? "" : " The ringed one is asked for."}`,
  );
  change.hidden = task.reads !== "symbols";
  let view = null;

  function typed() {
    if (field.value !== "" && field.reportValidity()) onchange(view.selected, Number(field.value));
  }

  function pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const last = view.sequence.length - 1;
    const to = { ArrowLeft: view.selected - 1, ArrowRight: view.selected + 1, Home: 0, End: last }[event.key];
    const by = task.reads === "symbols" ? { ArrowUp: 1, ArrowDown: -1 }[event.key] : undefined;
    if (to !== undefined) onselect(Math.min(last, Math.max(0, to)));
    else if (by !== undefined)
      onchange(view.selected, (view.sequence[view.selected] + by + task.n_features) % task.n_features);
    else return;
    event.preventDefault();
    row.children[view.selected].focus();
  }

  function show(next) {
    const same = view?.sequence.length === next.sequence.length;
    view = next;
    if (!same)
      row.replaceChildren(
        ...view.sequence.map((_, step) => element("button", { type: "button", onclick: () => onselect(step) })),
      );
    for (const [step, chip] of [...row.children].entries()) dress(chip, step);
    label.textContent = `Symbol of step ${view.selected}`;
    if (document.activeElement !== field) field.value = view.sequence[view.selected];
  }

  function dress(chip, step) {
    const share = view.shares?.[step]?.[view.step];
    const memory = share === undefined ? "not measured" : `${Math.round(100 * share)} % in memory`;
    const remember = step === task.out_index;
    const verdict = verdictOf(step);
    chip.className = ["chip", remember && "remember", step > view.step && "ahead"].filter(Boolean).join(" ");
    chip.style.setProperty("--share", (share ?? 0).toFixed(3));
    chip.tabIndex = step === view.selected ? 0 : -1;
    chip.setAttribute("aria-pressed", step === view.selected);
    chip.setAttribute(
      "aria-label",
      `Step ${step}: ${shown(view.sequence[step])}${remember ? ", to be remembered" : ""}, ${memory}${verdict ? `, answer ${verdict}` : ""}`,
    );
    chip.replaceChildren(shown(view.sequence[step], 2), ...(verdict ? [element("small", {}, verdict)] : []));
  }

  /** Of a task that asks at its steps: the answer there, and whether it is right. */
  function verdictOf(step) {
    if (!task.return_sequences || !view.expectation?.asked[step]) return "";
    const [answer, expected] = [answerOf(view.walked.outputs[step], task), view.expectation.expected[step]];
    const text = Number(answer.toPrecision(2));
    const right = isRight(answer, expected, task);
    const wanted = Number(expected.toPrecision(2));
    if (right === null) return `${text}, asked ${wanted}`;
    return right ? `✓ ${text}` : `✗ ${text}, not ${wanted}`;
  }

  return { nodes: [row, legend, change], show };
}
