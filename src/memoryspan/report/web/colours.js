/** The colours of the page, as its style sheet has them for light and for dark. */

let palette = null;

/** Reads them anew: after a change between light and dark. */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  palette = Object.fromEntries(
    ["surface", "ink", "negative", "positive", "missing"].map((name) => [
      name,
      rgb(style.getPropertyValue(`--${name}`)),
    ]),
  );
}

function rgb(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.trim().slice(at, at + 2), 16));
}

/** From shut to open: from the colour of the page to that of its text. */
export function gateColour(value) {
  return mixed(palette.surface, palette.ink, value);
}

/** Around 0: the colour of the page; `value` from -1 to 1. */
export function signedColour(value) {
  return mixed(palette.surface, value < 0 ? palette.negative : palette.positive, Math.abs(value));
}

function mixed(from, to, share) {
  const kept = Math.min(1, Math.max(0, share));
  return from.map((channel, number) => Math.round(channel + kept * (to[number] - channel)));
}
