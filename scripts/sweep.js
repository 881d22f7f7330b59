// SPDX-License-Identifier: Apache-2.0

/** Sets up, builds, and measures every format along every axis: npm run sweep [-- options, see main.js there] */

import { build } from './build.js';
import { runMain, runShown } from './common/run.js';
import { setup } from './setup.js';

await runMain(import.meta.url, async () => {
  await setup();
  await build(['module']);
  await runShown(process.execPath, ['scripts/sweep/main.js', ...process.argv.slice(2)]);
});
