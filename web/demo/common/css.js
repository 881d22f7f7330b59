// SPDX-License-Identifier: Apache-2.0

/** Colours of the stylesheet, for canvases. */

/**
 * @param {string} name such as --accent
 * @returns {string}
 */
export function cssColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * @param {() => void} redraw whenever the colours change
 * @returns {() => void} ends it
 */
export function onColorChange(redraw) {
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', redraw);
  return () => media.removeEventListener('change', redraw);
}

export function prefersReducedMotion() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
