// SPDX-License-Identifier: Apache-2.0

/** The frame: shows the view that the address names, and hands it what is dropped onto the page. */

import { parseHash, remember } from './address.js';
import './style.css';

/**
 * @typedef {import('./address.js').ViewName} ViewName
 *
 * @typedef {object} View what the frame needs of a view, which is an element
 * @property {(params: URLSearchParams) => void} enter shows the state that an address tells
 * @property {(files: File[]) => void} takeFiles that were dropped onto the page
 * @property {() => void} [leave] another view is shown
 */

const TITLES = { infer: 'Infer', train: 'Train together', inside: 'Look inside' };

/** @type {Record<ViewName, () => Promise<unknown>>} */
const LOADERS = {
  infer: () => import('./infer/infer-view.js'),
  train: () => import('./train/train-view.js'),
  inside: () => import('./inside/inside-view.js'),
};

/** Views stay once they are there: training goes on while somebody looks elsewhere. */
const shown = /** @type {Map<ViewName, HTMLElement & View>} */ (new Map());

/** @type {ViewName} */
let current;
/** Dropped before the view was there. @type {File[]} */
let waiting = [];

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

async function show() {
  const { view, params } = parseHash(location.hash);
  const changes = current !== view;
  if (changes) shown.get(current)?.leave?.();
  current = view;
  document.title = `${TITLES[view]} · Lowtropy`;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('data-view') === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const hadFocus = [...shown].some(
    ([name, element]) => name !== view && element.contains(document.activeElement),
  );
  for (const [name, element] of shown) element.hidden = name !== view;
  if (hadFocus) byId('views').focus({ preventScroll: true });
  const element = shown.get(view) ?? (await load(view));
  if (!element) return;
  element.hidden = current !== view;
  element.enter(params);
  remember(view, location.hash || `#${view}`);
  if (current === view && waiting.length > 0) element.takeFiles(waiting.splice(0));
}

/** @param {ViewName} view */
async function load(view) {
  try {
    await LOADERS[view]();
  } catch (error) {
    byId('page-error').textContent =
      `This part of the page cannot be loaded (${error instanceof Error ? error.message : error}); ` +
      'reload the page to try again.';
    return undefined;
  }
  const there = shown.get(view);
  if (there) return there;
  const element = /** @type {HTMLElement & View} */ (document.createElement(`${view}-view`));
  shown.set(view, element);
  byId('views').append(element);
  return element;
}

addEventListener('hashchange', () => show());

// The link that skips to the content leads to no view, and leaves no trace in the history.
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  byId('views').focus();
});

// A file may be dropped anywhere; without this the browser would leave the page for it.
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove('dragging');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  const element = shown.get(current);
  if (element) element.takeFiles(files);
  else waiting = files;
});

show();
