// SPDX-License-Identifier: Apache-2.0

/**
 * Writes FILE.wasm as a module of JavaScript, FILE.binary.js, whose default export is its bytes: by
 * gzip, so that it is no more to download than the .wasm, and in base 64.
 *
 *   node scripts/build/embed.js FILE
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LICENCE = '// SPDX-License-Identifier: Apache-2.0';

const [file] = process.argv.slice(2);
const packed = gzipSync(readFileSync(`${file}.wasm`), { level: 9 }).toString('base64');

writeFileSync(`${file}.binary.js`, `${LICENCE}\n\nexport default '${packed}';\n`);
writeFileSync(
  `${file}.binary.d.ts`,
  `${LICENCE}

/** The WebAssembly: by gzip and in base 64, or where it can be fetched. */
declare const binary: string | URL;
export default binary;
`,
);
