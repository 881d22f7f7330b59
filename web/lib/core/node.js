// SPDX-License-Identifier: Apache-2.0

/** What only Node.js has, for those who ask for it by what they need, not by the name of the place. */

/**
 * A module of Node.js at once, or undefined where there is none: in browsers, and in the first Node.js
 * 20, which can only import it. Never an `import` or `require` that bundlers see.
 *
 * @template T
 * @param {string} name with `node:`
 * @returns {T | undefined}
 */
export function builtinModule(name) {
  return /** @type {any} */ (globalThis).process?.getBuiltinModule?.(name);
}

/**
 * A module of Node.js.
 *
 * @template T
 * @param {string} name with `node:`
 * @returns {Promise<T>} rejected where there is none
 */
export async function importBuiltin(name) {
  // A variable, so that bundlers for browsers leave it alone.
  return builtinModule(name) ?? import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}
