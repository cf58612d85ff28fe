/** The colours of the page, as its style sheet has them for light and for dark. */

let palette = null;

/** Reads them anew: after a change between light and dark. */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  palette = Object.fromEntries(
    ["surface", "ink", "negative", "positive"].map((name) => [name, rgb(style.getPropertyValue(`--${name}`))]),
  );
}

function rgb(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.trim().slice(at, at + 2), 16));
}

/** From shut to open: from the colour of the page to that of its text. */
export function gateColour(value, pixels, at) {
  mix(palette.surface, palette.ink, value, pixels, at);
}

/** Around 0: the colour of the page; `value` from -1 to 1. */
export function signedColour(value, pixels, at) {
  mix(palette.surface, value < 0 ? palette.negative : palette.positive, Math.abs(value), pixels, at);
}

/** Puts the mixture of two colours into the four numbers of a pixel. */
function mix(from, to, share, pixels, at) {
  const kept = Math.min(1, Math.max(0, share));
  for (let channel = 0; channel < 3; channel++) {
    pixels[at + channel] = from[channel] + kept * (to[channel] - from[channel]);
  }
  pixels[at + 3] = 255;
}
