// SPDX-License-Identifier: Apache-2.0

/**
 * Layers and whole networks beside onnxruntime-web and TensorFlow.js, which hold the same weights
 * dense: one process, one thread, interleaved.
 *
 *   npm run bench [-- --row NAME]... [--format auto] [--rounds 21] [--peer ort|tfjs]... [--json FILE]
 */

import { init } from '../../web/lib/index.js';
import { noData, squeezeNetFiles } from '../common/data.js';
import { machine } from './machine.js';
import { measureRow } from './measure.js';
import { parseOptions, report } from './report.js';
import { chooseEngines } from './peers.js';

/** @type {import('./rows.js').Sources} */
const sources = { squeezeNet: async () => (noData ? undefined : squeezeNetFiles()) };

const options = parseOptions();
const engines = chooseEngines(options);
await init();
await report(options, machine(), (name) => measureRow(name, sources, engines, options));
