// SPDX-License-Identifier: Apache-2.0

/**
 * Times the WebAssembly kernels: beside a peer's with npm run bench [-- options of the benchmark],
 * for the constants of the time model with npm run calibrate.
 */

import { build } from './build.js';
import { runMain, runShown } from './common/run.js';
import { setup } from './setup.js';

await runMain(import.meta.url, async () => {
  await setup();
  await build(['module']);
  const [first, ...rest] = process.argv.slice(2);
  const [script, args] =
    first === 'calibrate' ? ['calibrate.js', rest] : ['main.js', process.argv.slice(2)];
  await runShown(process.execPath, [`scripts/bench/${script}`, ...args]);
});
