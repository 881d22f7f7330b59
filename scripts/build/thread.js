// SPDX-License-Identifier: Apache-2.0

/**
 * Writes the script of the threads that train, web/lib/simulate/thread.js with all that it imports, as text
 * in a module: dist/lowtropy-training.thread.js. A thread that starts from text needs no file, whose place
 * only some of the tools know that move the rest of the code.
 *
 *   node scripts/build/thread.js
 */

import { writeFileSync } from 'node:fs';
import { build } from 'vite';

import { inProject } from '../common/run.js';

const LICENCE = '// SPDX-License-Identifier: Apache-2.0';

const built = await build({
  configFile: false,
  logLevel: 'warn',
  root: inProject('web', 'lib'),
  build: {
    lib: {
      entry: inProject('web', 'lib', 'simulate', 'thread.js'),
      formats: ['iife'],
      name: 'thread',
    },
    target: 'es2022',
    write: false,
  },
});
const [{ output }] = /** @type {Array<{ output: Array<{ code?: string }> }>} */ (
  /** @type {unknown} */ (built)
);
if (output.length !== 1 || output[0].code === undefined) {
  throw new Error('The script of the threads is not one file.');
}

const file = inProject('dist', 'lowtropy-training.thread');
writeFileSync(`${file}.js`, `${LICENCE}\n\nexport default ${JSON.stringify(output[0].code)};\n`);
writeFileSync(
  `${file}.d.ts`,
  `${LICENCE}

/** The script of a thread, or undefined where it is in a file of its own. */
declare const thread: string | undefined;
export default thread;
`,
);
