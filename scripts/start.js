// SPDX-License-Identifier: Apache-2.0

/** Sets up, builds and serves the page: npm start [-- options of `vite preview`] */

import { build, npmCommand } from './build.js';
import { runMain, runShown } from './common/run.js';
import { setup } from './setup.js';

await runMain(import.meta.url, async () => {
  await setup();
  await build(['wasm', 'page']);
  await runShown(npmCommand('vite'), ['preview', 'web/demo', ...process.argv.slice(2)]);
});
