// SPDX-License-Identifier: Apache-2.0

/** The worker that trains, and that starts a worker for the server and one for each who learns. */

import { serve, tell } from '../common/serve.js';
import { loadExamples } from './examples.js';
import { TrainingWork } from './work.js';

/** Milliseconds: nothing tells when a worker that was terminated is gone. */
const GONE_MS = 200;

/** @type {TrainingWork | undefined} */
let work;
let ended = false;

function current() {
  if (!work) throw new Error('No run has begun.');
  return work;
}

serve({
  start: async (wanted) => {
    const data = await loadExamples(wanted.data, wanted.options.workers);
    if (ended) throw new Error('It was stopped.');
    work = new TrainingWork(wanted, data, tell);
    const answer = await work.start();
    work.loop().catch((error) => tell('failed', error instanceof Error ? error.message : error));
    return answer;
  },
  go: () => current().allow(Infinity),
  pause: () => current().allow(0),
  step: () => current().allow(1),
  leave: (worker) => current().change('leave', worker),
  join: (worker) => current().change('join', worker),
  kill: (worker) => current().change('kill', worker),
  model: () => current().model(),
  end: async () => {
    ended = true;
    await work?.end();
    await new Promise((resolve) => setTimeout(resolve, GONE_MS));
  },
});
