// SPDX-License-Identifier: Apache-2.0

/**
 * The script of every thread of a simulation, in browsers and in Node.js. Bundlers make a classic script
 * of it by default: nothing that it imports may use top-level await or load code on demand.
 */

import { roleHandlers } from '../coordinate/role-handlers.js';
import { loadTraining } from '../core/training.js';
import { Dataset } from '../learn/dataset.js';
import { Trainer } from '../learn/trainer.js';
import { answerWith } from '../transport/requests.js';
import { listenInThread } from '../transport/threads.js';
import { Aggregator } from '../updates/aggregator.js';
import { Compressor } from '../updates/compressor.js';
import { checkMessage } from '../updates/message.js';

const kit = {
  /** @param {{ module: WebAssembly.Module }} welcome */
  init: ({ module }) => loadTraining({ module }),
  Aggregator,
  Compressor,
  Dataset,
  Trainer,
  checkMessage,
};

/** @type {ReturnType<typeof answerWith> | undefined} */
let answer;

listenInThread((welcome, frame, send) => {
  answer ??= answerWith(roleHandlers(kit, welcome));
  answer(frame, send);
});
