// SPDX-License-Identifier: Apache-2.0

/**
 * @typedef {object} Task
 * @property {string} name
 * @property {number} cores that it keeps busy, whatever it is allowed
 * @property {string[]} after names of tasks that must have ended before, where these are among all
 * @property {(cores: number) => Promise<void>} run with as many cores as it may use; never rejects
 */

/**
 * Runs tasks beside each other so that all cores have work: each on one of them, but on all where
 * there is nothing else to do.
 *
 * @param {Task[]} tasks of those that can begin the first does; so the longest come first
 * @param {number} cores
 */
export async function schedule(tasks, cores) {
  const waiting = [...tasks];
  /** @type {Map<Task, Promise<void>>} */
  const running = new Map();
  const isOpen = (/** @type {string} */ name) =>
    [...waiting, ...running.keys()].some((task) => task.name === name);
  const free = () => cores - [...running.keys()].reduce((sum, task) => sum + task.cores, 0);
  while (waiting.length > 0 || running.size > 0) {
    const next = waiting.find((task) => task.cores <= free() && !task.after.some(isOpen));
    if (next) {
      waiting.splice(waiting.indexOf(next), 1);
      const alone = waiting.length === 0 && running.size === 0;
      const done = next.run(alone ? cores : next.cores).finally(() => running.delete(next));
      running.set(next, done);
    } else {
      await Promise.race(running.values());
    }
  }
}
