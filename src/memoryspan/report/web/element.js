/** Elements in one call. Text is always text: nothing that a run is called can become markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with its attributes (`on…`: a listener) and children (elements, or text). */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same in SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** The element of the page with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Offers a text as a file. */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A share as a percentage, with as many digits as tell nearly all from all: as everywhere in memoryspan. */
export function percent(share) {
  return `${share === 1 || share < 0.9995 ? (100 * share).toFixed(1) : (Math.floor(1e4 * share) / 100).toFixed(2)} %`;
}

/** A number with its thousands apart. */
export function grouped(number) {
  return number.toLocaleString("en", { maximumFractionDigits: 3 });
}
