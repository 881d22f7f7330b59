// SPDX-License-Identifier: Apache-2.0

/**
 * Waits for all promises, but not longer than the limit.
 *
 * @template T
 * @param {Promise<T>[]} promises that are not rejected
 * @param {number | null} milliseconds null: no limit
 * @returns {Promise<Array<{ value: T } | undefined>>} in the same order; undefined for those that
 *   were not in time
 */
export async function gather(promises, milliseconds) {
  /** @type {Array<{ value: T } | undefined>} */
  const found = promises.map(() => undefined);
  const all = Promise.all(
    promises.map(async (promise, index) => {
      found[index] = { value: await promise };
    }),
  );
  if (milliseconds === null) {
    await all;
  } else {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([all, limit]);
    clearTimeout(timer);
  }
  return [...found];
}
