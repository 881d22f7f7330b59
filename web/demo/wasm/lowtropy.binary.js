// SPDX-License-Identifier: Apache-2.0

/** A file, which the views' workers share; see vite.config.js. */
export default new URL('../../../dist/lowtropy.wasm', import.meta.url);
