// SPDX-License-Identifier: Apache-2.0

/**
 * Whether something of this page is at work that would disturb a measurement: here, or in another of
 * the browser's tabs. Tabs tell each other by a lock, which a tab loses when it is closed. Browsers
 * have locks for secure origins only; elsewhere it is this tab alone that counts.
 */

const LOCK = 'lowtropy-at-work';

/** What is at work in this tab; each is told when it is over. @type {Set<Promise<void>>} */
const works = new Set();

/**
 * Says that something is at work.
 *
 * @returns {() => void} says that it no longer is
 */
export function beginWork() {
  let end = () => {};
  const over = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      end = () => resolve(undefined);
    })
  );
  works.add(over);
  navigator.locks?.request(LOCK, { mode: 'shared' }, () => over).catch(() => {});
  return () => {
    works.delete(over);
    end();
  };
}

/** @returns {Promise<'here' | 'elsewhere' | undefined>} where something is at work */
export async function findWork() {
  if (works.size > 0) return 'here';
  const { held = [], pending = [] } = (await navigator.locks?.query()) ?? {};
  const others = [...held, ...pending].some(({ name, mode }) => name === LOCK && mode === 'shared');
  return others ? 'elsewhere' : undefined;
}

/** Waits until nothing seems to be at work any more; somebody else may begin in that moment. */
export async function workIsOver() {
  await Promise.all(works);
  await navigator.locks?.request(LOCK, { mode: 'exclusive' }, () => {});
}
