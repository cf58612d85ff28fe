/** Before and after: the model at several moments of its training. */

import { element, grouped, percent } from "./element.js";

/** `onmoment(number)`: another moment is to be shown. */
export function moments(list, onmoment) {
  const slider = element("input", {
    type: "range",
    id: "moment",
    min: 0,
    max: list.length - 1,
    oninput: () => onmoment(Number(slider.value)),
  });
  const where = element("output", { for: "moment", "aria-live": "off" }); // the slider says the same

  function show(view) {
    slider.value = view.moment;
    where.value = described(list, view.moment, view.sequence.length);
    slider.setAttribute("aria-valuetext", where.value);
  }

  const row = element("div", { class: "row" }, element("label", { for: "moment" }, "Training"), slider, where);
  row.hidden = list.length < 2;
  return { nodes: [row], show };
}

/** A moment, and whether the sequence that is shown is longer than those that the model had seen by then. */
function described(list, number, steps) {
  const { updates, examples, accuracy, length } = list[number];
  if (updates === 0) return "before the first update";
  const last = number === list.length - 1 ? ", the end" : "";
  const seen =
    examples === null
      ? ""
      : ` (${grouped(examples)} examples): ${percent(accuracy)} right at up to ${grouped(length)} steps`;
  const beyond = examples !== null && steps > length ? `; this sequence has ${grouped(steps)}` : "";
  return `${grouped(updates)} updates${last}${seen}${beyond}`;
}
