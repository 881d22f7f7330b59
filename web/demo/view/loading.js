// SPDX-License-Identifier: Apache-2.0

import { byId } from './dom.js';
import { formatBytes } from './units.js';

const block = byId('loading', HTMLElement);
const label = byId('progress-label', HTMLElement);
const bar = byId('progress', HTMLProgressElement);

/**
 * @param {string} name of the model
 * @param {import('../protocol.js').Progress} progress
 */
export function showProgress(name, progress) {
  block.hidden = false;
  if (progress.stage === 'encoding') {
    label.textContent = `Encoding the weights of ${name}`;
    bar.removeAttribute('value');
    return;
  }
  const { loaded, total } = progress;
  const of = total === undefined ? '' : ` of ${formatBytes(total)}`;
  label.textContent = `Loading ${name}: ${formatBytes(loaded)}${of}`;
  if (total) bar.value = loaded / total;
  else bar.removeAttribute('value');
}

/** @param {HTMLElement} next gets the focus if it is in here */
export function hideProgress(next) {
  if (block.contains(document.activeElement)) next.focus();
  block.hidden = true;
}
