// SPDX-License-Identifier: Apache-2.0

/** Formats the sources in place. */

import { npmCommand } from './build.js';
import { runMain, runShown } from './common/run.js';
import { formattedFiles } from './lint.js';
import { setup } from './setup.js';

await runMain(import.meta.url, async () => {
  await setup();
  const { cpp, web } = formattedFiles();
  await runShown('clang-format', ['-i', ...cpp]);
  await runShown(npmCommand('prettier'), ['--write', '--log-level', 'warn', ...web]);
});
