// SPDX-License-Identifier: Apache-2.0

/**
 * How much of ONNX there is, by ONNX's own tests (Debian's package libonnx-testdata):
 *
 *   npm run conformance [-- part of a test's name]
 *
 * It prints what fails and why, and writes scripts/conformance/RESULTS.md where all tests were run.
 */

import { build } from './build.js';
import { runMain, runShown } from './common/run.js';
import { setup } from './setup.js';

await runMain(import.meta.url, async () => {
  await setup();
  await build(['module']);
  await runShown(process.execPath, ['scripts/conformance/main.js', ...process.argv.slice(2)]);
});
