// SPDX-License-Identifier: Apache-2.0

/** See ../conformance.js. */

import { writeFileSync } from 'node:fs';

import { noOnnxTests } from '../common/data.js';
import { inProject, runMain, StepError } from '../common/run.js';
import { page, summary } from './report.js';
import { runTests } from './run.js';

await runMain(import.meta.url, async () => {
  if (noOnnxTests) throw new StepError(noOnnxTests);
  const [part] = process.argv.slice(2);
  const results = [];
  for await (const result of runTests(part)) {
    results.push(result);
    if (result.reason) console.log(`${result.name}: ${result.reason}`);
  }
  console.log(summary(results).join('\n'));
  if (part === undefined)
    writeFileSync(inProject('scripts/conformance/RESULTS.md'), await page(results));
});
