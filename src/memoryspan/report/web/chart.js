/** Line charts in SVG: points of several series, bands, marks, and a reading of the nearest point. */

import { download, element, svg } from "./element.js";

/** Units of the drawing: on a phone fewer, so that its letters stay readable. */
const WIDTH = innerWidth < 600 ? 380 : 760;
const HEIGHT = 260;
const EDGE = { left: 66, right: 36, top: 22, bottom: 42 };

const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

const SCALES = { linear: (value) => value, log: (value) => Math.log2(Math.max(value, 1e-9)) };

/**
 * A chart, with its downloads and its table.
 *
 * `x`, `y`: `{ label, unit, scale, ticks, show }`, with `show` giving a number as text, and `tick` one at the axis. `series`: `{ name, points, band, steps }`,
 * points as [x, y], a band as [x, low, high], `steps` for a line that jumps. `marks`: horizontal lines, `{ at, label }`.
 */
export function chart({ title, x, y, series, marks = [], file }) {
  const [across, up] = [axis(x, EDGE.left, WIDTH - EDGE.right), axis(y, HEIGHT - EDGE.bottom, EDGE.top)];
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": title,
      class: "chart",
      fill: "none",
      "font-size": 12,
    },
    ...across.ticks.map((tick) =>
      svg(
        "text",
        { x: across.at(tick), y: HEIGHT - 24, "text-anchor": "middle", class: "tick" },
        (x.tick ?? x.show)(tick),
      ),
    ),
    ...up.ticks.flatMap((tick) => [
      svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: up.at(tick), y2: up.at(tick), class: "grid" }),
      svg(
        "text",
        { x: EDGE.left - 8, y: up.at(tick) + 4, "text-anchor": "end", class: "tick" },
        (y.tick ?? y.show)(tick),
      ),
    ]),
    svg("text", { x: (EDGE.left + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle", class: "tick" }, x.label),
    svg(
      "text",
      { transform: `translate(14 ${HEIGHT / 2 - 10}) rotate(-90)`, "text-anchor": "middle", class: "tick" },
      y.label,
    ),
    ...marks.flatMap((mark) => [
      svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: up.at(mark.at), y2: up.at(mark.at), class: "mark" }),
      svg(
        "text",
        { x: WIDTH - EDGE.right, y: up.at(mark.at) + (mark.below ? 14 : -5), "text-anchor": "end", class: "tick" },
        mark.label,
      ),
    ]),
    ...series.flatMap((one, number) => lines(one, number, across, up)),
  );
  const reading = element("output", { class: "reading" });
  read(drawing, reading, { series, x, y, across, up });
  return element(
    "figure",
    { class: "plot" },
    element("figcaption", {}, element("span", {}, title), legend(series)),
    drawing,
    element(
      "div",
      { class: "row" },
      reading,
      element("button", { type: "button", onclick: () => save(drawing, file) }, "Save as SVG"),
    ),
    table({ series, x, y }),
  );
}

function axis({ scale = "linear", ticks }, from, to) {
  const [low, high] = [ticks[0], ticks.at(-1)].map(SCALES[scale]);
  return { ticks, at: (value) => from + ((SCALES[scale](value) - low) / (high - low || 1)) * (to - from) };
}

function lines({ points, band, steps }, number, across, up) {
  const place = ([a, b]) => `${across.at(a).toFixed(1)} ${up.at(b).toFixed(1)}`;
  const path = points.map((point, at) =>
    steps && at
      ? `H ${across.at(point[0]).toFixed(1)} V ${up.at(point[1]).toFixed(1)}`
      : `${at ? "L" : "M"} ${place(point)}`,
  );
  const look = { class: `series s${number % 7}`, "stroke-dasharray": DASHES[number % DASHES.length] };
  const dots =
    points.length <= 40
      ? points.map(([a, b]) => svg("circle", { cx: across.at(a), cy: up.at(b), r: 2.5, class: `dot s${number % 7}` }))
      : [];
  const edge = band && [...band.map(([a, low]) => [a, low]), ...band.map(([a, , high]) => [a, high]).reverse()];
  const area = band ? [svg("path", { d: `M ${edge.map(place).join(" L ")} Z`, class: `band s${number % 7}` })] : [];
  return [...area, svg("path", { d: path.join(" "), ...look }), ...dots];
}

function legend(series) {
  if (series.length < 2) return null;
  return element(
    "ul",
    { class: "legend" },
    ...series.map(({ name }, number) =>
      element(
        "li",
        {},
        svg(
          "svg",
          { viewBox: "0 0 28 8", width: 28, height: 8, "aria-hidden": "true" },
          svg("line", {
            x1: 0,
            x2: 28,
            y1: 4,
            y2: 4,
            class: `series s${number % 7}`,
            "stroke-dasharray": DASHES[number % DASHES.length],
          }),
        ),
        name,
      ),
    ),
  );
}

/** Tells the point nearest to the pointer, and rings it. */
function read(drawing, reading, { series, x, y, across, up }) {
  const ring = svg("circle", { r: 5, class: "ring" });
  const named = series.flatMap(({ name, points }) => points.map((point) => ({ name, point })));
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const [px, py] = [
      ((event.clientX - box.left) / box.width) * WIDTH,
      ((event.clientY - box.top) / box.height) * HEIGHT,
    ];
    const far = ({ point: [a, b] }) => Math.hypot(across.at(a) - px, (up.at(b) - py) / 2);
    const nearest = named.reduce((best, one) => (far(one) < far(best) ? one : best));
    const [a, b] = nearest.point;
    ring.setAttribute("cx", across.at(a));
    ring.setAttribute("cy", up.at(b));
    drawing.append(ring);
    reading.value = `${series.length > 1 ? `${nearest.name}: ` : ""}${x.show(a)} ${x.unit}: ${y.show(b)}`;
  });
  drawing.addEventListener("pointerleave", () => {
    ring.remove();
    reading.value = "";
  });
}

/** What is drawn, as numbers: for whoever does not see it. */
function table({ series, x, y }) {
  const banded = series.some(({ band }) => band);
  const titles = [...(series.length > 1 ? [""] : []), x.label, y.label, ...(banded ? ["from", "to"] : [])];
  const rows = series.flatMap(({ name, points, band }) =>
    points.map(([a, b], at) => {
      const numbers = [x.show(a), y.show(b), ...(band ? band[at].slice(1).map(y.show) : [])];
      const cells = numbers.map((text) => element("td", { class: "number" }, text));
      return element("tr", {}, ...(series.length > 1 ? [element("td", {}, name)] : []), ...cells);
    }),
  );
  const head = element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, text)));
  const whole = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("details", {}, element("summary", {}, "As a table"), element("div", { class: "scroll" }, whole));
}

/** Saves the drawing with its colours in it, for no style sheet goes with the file. */
function save(drawing, file) {
  const copy = drawing.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("font-family", "sans-serif");
  const [originals, copies] = [drawing.querySelectorAll("*"), copy.querySelectorAll("*")];
  for (const [number, original] of originals.entries()) {
    const style = getComputedStyle(original);
    for (const name of ["stroke", "fill", "stroke-width", "stroke-dasharray", "fill-opacity"])
      copies[number].setAttribute(name, style.getPropertyValue(name));
  }
  const surface = getComputedStyle(document.body).backgroundColor;
  copy.prepend(svg("rect", { width: WIDTH, height: HEIGHT, fill: surface }));
  download(file, "image/svg+xml", new XMLSerializer().serializeToString(copy));
}

/** Powers of two that hold these values, from at least `least` on, so few that their labels have room. */
export function powersOfTwo(values, least = 1) {
  const low = Math.floor(Math.log2(Math.max(least, Math.min(...values))));
  const high = Math.max(low + 1, Math.ceil(Math.log2(Math.max(...values))));
  const every = Math.ceil((high - low) / (WIDTH / 80));
  const exponents = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, number) => low + every * number);
  if (exponents.at(-1) < high) exponents.push(exponents.at(-1) + every);
  return exponents.map((exponent) => 2 ** exponent);
}
