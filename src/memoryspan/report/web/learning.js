/** How the model learned, and how far it holds. */

import { chart, powersOfTwo } from "./chart.js";
import { element, grouped, percent } from "./element.js";

const SHARES = {
  label: "accuracy (fresh examples)",
  ticks: [0, 0.25, 0.5, 0.75, 1],
  show: percent,
  tick: (share) => `${100 * share} %`,
};

export function learning(history, task, story) {
  const examples = history.map((row) => row.examples);
  const x = {
    label: "examples seen (each one new)",
    unit: "examples",
    scale: "log",
    ticks: powersOfTwo(examples),
    show: grouped,
  };
  const lengths = {
    label: "length (time steps)",
    scale: "log",
    ticks: powersOfTwo([...history.map((row) => row.length), task.length]),
    show: grouped,
  };
  return element(
    "section",
    { "aria-labelledby": "learning-title" },
    element("h2", { id: "learning-title" }, "How it learned"),
    element("p", {}, story),
    chart({
      title: "Accuracy in training",
      x,
      y: SHARES,
      file: "learning-curve.svg",
      marks: [{ at: task.chance, label: `chance, ${percent(task.chance)}` }],
      series: [{ name: "accuracy", points: history.map((row) => [row.examples, row.accuracy]) }],
    }),
    chart({
      title: "Length of the sequences",
      x,
      y: lengths,
      file: "length.svg",
      marks: [{ at: task.length, label: `full length, ${grouped(task.length)}`, below: true }],
      series: [{ name: "length", steps: true, points: history.map((row) => [row.examples, row.length]) }],
    }),
  );
}

/** Accuracy against length: of one model, or of several with a band over seeds. */
export function spans({ title, series, threshold, chance, file }) {
  const lengths = series.flatMap(({ points }) => points.map(([length]) => length));
  const x = { label: "length (time steps)", unit: "steps", scale: "log", ticks: powersOfTwo(lengths), show: grouped };
  const marks = [
    { at: threshold, label: `${Math.round(100 * threshold)} %`, below: true },
    ...(chance === null ? [] : [{ at: chance, label: `chance, ${percent(chance)}` }]),
  ];
  return chart({ title, x, y: SHARES, series, marks, file });
}
