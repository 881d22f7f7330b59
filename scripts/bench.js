// SPDX-License-Identifier: Apache-2.0

/**
 * Times the WebAssembly beside its peers and limits:
 *
 *   npm run bench                                     inference, training and codec
 *   npm run bench -- [inference | onnx | layers | formats | browser | training | codec] [options of that benchmark]
 *   npm run bench:browser                             inference, in Chromium
 *   npm run calibrate                                 for the constants of the time model
 */

import { build } from './build.js';
import { runMain, runShown } from './common/run.js';
import { setup } from './setup.js';

/** @type {Record<string, string>} */
const SCRIPTS = {
  inference: 'main.js',
  onnx: 'onnx-networks.js',
  layers: 'layers.js',
  formats: 'formats.js',
  browser: 'browser/main.js',
  training: 'training.js',
  codec: 'codec.js',
  calibrate: 'calibrate.js',
};
const BENCHMARKS = ['inference', 'training', 'codec'];

await runMain(import.meta.url, async () => {
  const [first, ...rest] = process.argv.slice(2);
  const named = first in SCRIPTS;
  // Options without a name are those of the first benchmark.
  const chosen = named ? [first] : first === undefined ? BENCHMARKS : BENCHMARKS.slice(0, 1);
  await setup();
  await build(['module']);
  for (const name of chosen) {
    const options = named ? rest : process.argv.slice(2);
    await runShown(process.execPath, [`scripts/bench/${SCRIPTS[name]}`, ...options]);
  }
});
