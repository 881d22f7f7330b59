// SPDX-License-Identifier: Apache-2.0

/**
 * An element of the page that must be there.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} Kind
 * @returns {T}
 */
export function byId(id, Kind) {
  const found = document.getElementById(id);
  if (!(found instanceof Kind)) throw new Error(`The page has no ${Kind.name} #${id}.`);
  return found;
}

/**
 * Makes an element. Strings become text, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {...(string | Node)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * A bar as long as its share of the space; what it says must also be there as text.
 *
 * @param {number} share from 0 to 1
 * @param {string} [className]
 */
export function makeBar(share, className = '') {
  const fill = make('div', `fill ${className}`);
  fill.style.width = `${100 * share}%`;
  const bar = make('div', 'bar', fill);
  bar.ariaHidden = 'true';
  return bar;
}
