// SPDX-License-Identifier: Apache-2.0

/**
 * One step of `npm test`, in a process of its own, so that what it prints can be kept apart:
 *
 *   node scripts/test/step.js NAME CORES
 */

import { runMain } from '../common/run.js';
import { BUILDS, STEPS } from './steps.js';

await runMain(import.meta.url, async () => {
  const [name, cores] = process.argv.slice(2);
  await [...BUILDS, ...STEPS].find((step) => step.name === name)?.run(Number(cores));
});
