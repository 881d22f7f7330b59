// SPDX-License-Identifier: Apache-2.0

/** Ctrl-C and its like, for work that is to end in good order. */

import { printError } from './terminal.js';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/**
 * Within it a second signal is the first one's echo: `timeout` and `npx` send on what the terminal
 * has sent to all already.
 */
const ECHO_MS = 100;

/**
 * @typedef {object} Interrupts
 * @property {boolean} asked whether to end soon
 * @property {() => void} release from now on signals do what they always do
 */

/**
 * Takes the first signal as a request to end soon; the next one ends the process as always.
 *
 * @param {string} notice a sentence that says so
 * @returns {Interrupts}
 */
export function catchInterrupts(notice) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let echo;
  const release = () => {
    for (const signal of SIGNALS) process.off(signal, ask);
    if (echo === undefined) return;
    clearTimeout(echo);
    echo = undefined;
    printError(notice);
  };
  const ask = () => {
    if (interrupts.asked) return;
    interrupts.asked = true;
    echo = setTimeout(release, ECHO_MS);
  };
  const interrupts = { asked: false, release };
  for (const signal of SIGNALS) process.on(signal, ask);
  return interrupts;
}
