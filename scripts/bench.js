// SPDX-License-Identifier: Apache-2.0

/** Times the WebAssembly kernels beside a peer's: npm run bench [-- options of the benchmark] */

import { build } from './build.js';
import { runMain, runShown } from './common/run.js';
import { setup } from './setup.js';

await runMain(import.meta.url, async () => {
  await setup();
  await build(['wasm']);
  await runShown(process.execPath, ['scripts/bench/main.js', ...process.argv.slice(2)]);
});
