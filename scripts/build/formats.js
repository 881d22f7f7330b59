// SPDX-License-Identifier: Apache-2.0

/**
 * Writes the names of the formats that a module knows as a module of JavaScript, for who needs them
 * before the WebAssembly is loaded: FILE.formats.js and its types.
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
const names = `['${native.formatNames().join("', '")}']`;

writeFileSync(
  `${file}.formats.js`,
  `${LICENCE}\n\nexport const FORMATS = Object.freeze(${names});\n`,
);
writeFileSync(
  `${file}.formats.d.ts`,
  `${LICENCE}

/** The formats a matrix can be held in. */
export declare const FORMATS: readonly ${names};
`,
);
