// SPDX-License-Identifier: Apache-2.0

/** What peers compute with, in one place, so that tests of what they do can have something small. */

import { loadTraining } from '../core/training.js';
import { Aggregator } from '../updates/aggregator.js';
import { Compressor } from '../updates/compressor.js';
import { Dataset } from './dataset.js';
import { checkMessage } from '../updates/message.js';
import { Trainer } from './trainer.js';

/** @typedef {typeof kit} Kit */

export const kit = {
  /** @param {{ module: WebAssembly.Module }} welcome */
  init: ({ module }) => loadTraining({ module }),
  Aggregator,
  Compressor,
  Dataset,
  Trainer,
  checkMessage,
};
