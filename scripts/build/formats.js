// SPDX-License-Identifier: Apache-2.0

/**
 * Writes the formats that a module knows as a module of JavaScript, for who needs them before the
 * WebAssembly is loaded: FILE.formats.js and its types.
 *
 *   node scripts/build/formats.js FILE
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const LICENCE = '// SPDX-License-Identifier: Apache-2.0';

const [file] = process.argv.slice(2);
const { default: createModule } = await import(pathToFileURL(resolve(`${file}.js`)).href);
const native = await createModule({ wasmBinary: readFileSync(`${file}.wasm`) });
const notes = native.formats();
const names = `['${Object.keys(notes).join("', '")}']`;

writeFileSync(
  `${file}.formats.js`,
  `${LICENCE}

export const FORMATS = Object.freeze(${names});

export const FORMAT_NOTES = Object.freeze(${JSON.stringify(notes, null, 2)});
`,
);
writeFileSync(
  `${file}.formats.d.ts`,
  `${LICENCE}

/** The formats a matrix can be held in. */
export declare const FORMATS: readonly ${names};

/** What they are, in a few words. */
export declare const FORMAT_NOTES: Readonly<Record<(typeof FORMATS)[number], string>>;
`,
);
