// SPDX-License-Identifier: Apache-2.0

/** Just enough SVG for the figures: elements as text, scales, a panel with axes. */

/** Ink for text and lines that are not data. */
export const INK = '#1f2933';
export const MUTED = '#7b8794';
export const FAINT = '#e4e7eb';

/** @param {string} text */
function escape(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes numbers are rounded to 0.1
 * @param {string} [content] markup
 */
export function element(name, attributes, content) {
  const written = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === 'number' ? String(Math.round(10 * value) / 10) : escape(value);
    return ` ${key}="${text}"`;
  });
  return content === undefined
    ? `<${name}${written.join('')}/>`
    : `<${name}${written.join('')}>${content}</${name}>`;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content plain text
 * @param {Record<string, string | number>} [attributes]
 */
export function text(x, y, content, attributes = {}) {
  return element('text', { x, y, fill: INK, ...attributes }, escape(content));
}

/**
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @param {Record<string, string | number>} [attributes]
 */
export function line([x1, y1], [x2, y2], attributes = {}) {
  return element('line', { x1, y1, x2, y2, stroke: FAINT, ...attributes });
}

/**
 * @param {string} title for those who do not see it
 * @param {number} width
 * @param {number} height
 * @param {string[]} content
 */
export function picture(title, width, height, content) {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'font-family': 'system-ui, sans-serif',
    'font-size': 12,
  };
  const background = element('rect', { width, height, fill: '#ffffff' });
  const parts = [element('title', {}, escape(title)), background, ...content];
  return `${element('svg', attributes, `\n${parts.join('\n')}\n`)}\n`;
}

/**
 * A linear map of an interval onto another.
 *
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @returns {(value: number) => number}
 */
export function scale([a, b], [c, d]) {
  const span = b === a ? 1 : b - a;
  return (value) => c + ((value - a) / span) * (d - c);
}
