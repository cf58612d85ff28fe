/** Gates and states over time, and the step that is shown. */

import { element } from "./element.js";
import { heatmap } from "./heatmap.js";
import { shown } from "./sequence.js";

/** Steps a second while playing. */
const PACE = 12;

/**
 * `onstep(step)`: another step is to be shown; `ondifference(yes)`: what the last change changed, or all; `onplaying(yes)`:
 * steps follow each other by themselves.
 */
export function maps(onstep, ondifference, onplaying) {
  const slider = element("input", {
    type: "range",
    id: "step",
    min: 0,
    oninput: () => onstep(Number(slider.value)),
  });
  const where = element("output", { for: "step", "aria-live": "off" }); // the slider says the same
  const play = element("button", { type: "button", onclick: () => (playing ? stop() : begin()) }, "Play");
  const box = element("input", { type: "checkbox", id: "difference", onchange: () => ondifference(box.checked) });
  const difference = element("label", { for: "difference" }, box, " Only what the last change changed");
  const reading = element("output", { class: "reading", "aria-hidden": "true" });
  const stack = element("div", { class: "stack" });
  const scroll = element(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": "Gates and states" },
    stack,
  );
  let view = null;
  let playing = null;

  function begin() {
    const last = view.sequence.length - 1;
    onplaying(true);
    if (view.step === last) onstep(0);
    play.textContent = "Stop";
    playing = setInterval(() => (view.step < last ? onstep(view.step + 1) : stop()), 1000 / PACE);
  }

  function stop() {
    clearInterval(playing);
    playing = null;
    play.textContent = "Play";
    onplaying(false);
  }

  function show(next) {
    const redraw = view?.walked !== next.walked || view.difference !== next.difference || view.palette !== next.palette;
    if (playing && view.sequence.length !== next.sequence.length) return stop(); // which shows it
    view = next;
    const length = view.sequence.length;
    slider.max = length - 1;
    slider.value = view.step;
    where.value = `step ${view.step} (of 0 to ${length - 1}), ${shown(view.sequence[view.step])}`;
    slider.setAttribute("aria-valuetext", where.value);
    difference.hidden = !view.before;
    box.checked = view.difference;
    stack.style.minWidth = `${3 * length}px`;
    if (redraw) stack.replaceChildren(...drawn(view, (sentence) => (reading.value = sentence), onstep));
    stack.style.setProperty("--at", `${(100 * (view.step + 0.5)) / length}%`);
    follow((view.step + 0.5) / length);
  }

  /** Scrolls a long sequence so that the step is in view. */
  function follow(share) {
    const [at, left, seen] = [share * scroll.scrollWidth, scroll.scrollLeft, scroll.clientWidth];
    if (scroll.scrollWidth > seen && (at < left || at > left + seen)) scroll.scrollLeft = at - seen / 2;
  }

  const controls = element(
    "div",
    { class: "row" },
    play,
    element("label", { for: "step" }, "Time"),
    slider,
    where,
    difference,
  );
  return { nodes: [controls, reading, scroll], show };
}

function drawn({ walked, before, difference, order }, onread, onstep) {
  return walked.layers.flatMap((layer, number) =>
    Object.entries(layer.arrays).map(([name, vectors]) => {
      const then = before?.walked.layers[number].arrays[name];
      const values =
        difference && then
          ? vectors.map((vector, step) => vector.map((value, unit) => value - then[step][unit]))
          : vectors;
      return heatmap({
        layer,
        name,
        values,
        order: order[number],
        difference: Boolean(difference && then),
        onread,
        onstep,
      });
    }),
  );
}
