// SPDX-License-Identifier: Apache-2.0

/** The worker that trains, and that starts a worker for the server and one for each who learns. */

import { serve, tell } from '../common/serve.js';
import { TrainingWork } from './work.js';

/** @type {TrainingWork | undefined} */
let work;

function current() {
  if (!work) throw new Error('No run has begun.');
  return work;
}

serve({
  start: async (wanted) => {
    const { made, answer } = await TrainingWork.start(wanted, tell);
    work = made;
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
});
