// SPDX-License-Identifier: Apache-2.0

/**
 * Writes the update methods that a module knows, and their options, as a module of JavaScript, for
 * who needs them before the WebAssembly is loaded: FILE.methods.js and its types.
 *
 *   node scripts/build/methods.js FILE
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const LICENCE = '// SPDX-License-Identifier: Apache-2.0';

const [file] = process.argv.slice(2);
const { default: createModule } = await import(pathToFileURL(resolve(`${file}.js`)).href);
const native = await createModule({ wasmBinary: readFileSync(`${file}.wasm`) });
const { names: list, defaults } = native.methods();
const names = `['${list.join("', '")}']`;

writeFileSync(
  `${file}.methods.js`,
  `${LICENCE}

export const METHODS = Object.freeze(${names});

export const METHOD_DEFAULTS = Object.freeze(${JSON.stringify(defaults, null, 2)});
`,
);
writeFileSync(
  `${file}.methods.d.ts`,
  `${LICENCE}

/** How updates can be compressed. */
export declare const METHODS: readonly ${names};

/** The options of all methods, and what each is where it is not given. */
export declare const METHOD_DEFAULTS: Readonly<Record<string, number | boolean>>;
`,
);
