// SPDX-License-Identifier: Apache-2.0

/**
 * The page's state is its address: #view?name=value&…. Each view keeps what is not as it is by
 * default there, so that an address that is sent to somebody shows the same.
 */

/** @typedef {'infer' | 'train' | 'inside'} ViewName */

/** @type {readonly ViewName[]} */
export const VIEWS = ['infer', 'train', 'inside'];

/** What each view's link leads to. @type {Map<ViewName, string>} */
const last = new Map();

/**
 * @param {string} hash
 * @returns {{ view: ViewName, params: URLSearchParams }} the first view where there is none such
 */
export function parseHash(hash) {
  const [, name, query = ''] = /^#?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  const view = VIEWS.find((known) => known === name) ?? VIEWS[0];
  return { view, params: new URLSearchParams(name === view ? query : '') };
}

/**
 * @param {ViewName} view
 * @param {Record<string, string | number | boolean | undefined>} values undefined: not in there
 */
export function makeHash(view, values) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) params.set(name, String(value));
  }
  // Colons, commas and spaces may stand in an address, and are easier to read so.
  const query = params.toString().replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%7E/g, '~');
  return query ? `#${view}?${query}` : `#${view}`;
}

/**
 * Puts a view's state into the address, if it is the one that is shown, and into the link to it.
 *
 * @param {ViewName} view
 * @param {Parameters<typeof makeHash>[1]} values
 * @param {{ isStep?: boolean }} [options] isStep: somebody chose it, and goes back to what was
 *   before by the browser's Back; else it takes the place of what was
 */
export function setAddress(view, values, options) {
  remember(view, makeHash(view, values), options);
}

/**
 * @param {ViewName} view
 * @param {string} hash
 * @param {{ isStep?: boolean }} [options]
 */
export function remember(view, hash, { isStep = false } = {}) {
  last.set(view, hash);
  for (const link of document.querySelectorAll(`a[data-view="${view}"]`)) {
    link.setAttribute('href', hash);
  }
  if (parseHash(location.hash).view === view && location.hash !== hash) {
    // Which is no hashchange.
    if (isStep) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
  }
}

/**
 * Goes to a view, as its link does.
 *
 * @param {ViewName} view
 * @param {Parameters<typeof makeHash>[1]} [values] by default as it was left
 */
export function go(view, values) {
  location.hash = values ? makeHash(view, values) : (last.get(view) ?? `#${view}`);
}
