// SPDX-License-Identifier: Apache-2.0

/** What starts and stops a run, who takes part in it, and what becomes of it. */

import { html } from 'lit';
import { explain } from '../common/explain.js';
import { compare, count, formatBytes, formatNumber, formatPercent } from '../common/units.js';

/**
 * @typedef {import('./protocol.js').Round} Round
 * @typedef {import('./session.js').WorkerState} WorkerState
 * @typedef {import('./session.js').Session} Session
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {Record<'start' | 'pause' | 'resume' | 'step' | 'reset', () => void>} Commands
 */

/** @type {Record<Session['state'], string>} */
const STATES = {
  idle: 'Ready.',
  starting: 'Starting the workers …',
  running: 'Training.',
  paused: 'Paused.',
  waiting: 'Nobody is there: bring a worker back to go on.',
  finished: 'Done.',
};

/**
 * @param {Session} session
 * @param {Commands} commands
 */
export function controls({ state, busy, error, record }, commands) {
  const running = state === 'running';
  // One button, which keeps the focus whatever it is for.
  const main = busy
    ? {
        text: running ? 'Pause' : 'Resume',
        id: running ? 'pause' : 'resume',
        act: running ? commands.pause : commands.resume,
        off: state === 'starting' || state === 'waiting',
      }
    : { text: 'Start', id: 'start', act: commands.start, off: false };
  const mayStep = state === 'idle' || state === 'paused';
  const progress = record?.last ? record.last.iterations / record.settings.iterations : 0;
  return html`<div class="row controls">
      <button
        type="button"
        class="primary"
        id=${main.id}
        aria-disabled=${main.off}
        @click=${() => !main.off && main.act()}
      >
        ${main.text}
      </button>
      <button
        type="button"
        id="step"
        aria-disabled=${!mayStep}
        @click=${() => mayStep && commands.step()}
      >
        Step
      </button>
      <button
        type="button"
        id="reset"
        aria-disabled=${state === 'idle'}
        @click=${() => state !== 'idle' && commands.reset()}
      >
        Reset
      </button>
    </div>
    <p class="row">
      <span class="note" id="state" role="status">${STATES[state]}</span>
      <progress max="1" .value=${progress} aria-label="Progress of the run"></progress>
    </p>
    <p class="error" role="alert" id="train-error">${error}</p>`;
}

/**
 * @param {Settings} settings
 * @param {WorkerState[]} workers none before the first run
 * @param {Round | undefined} round
 */
export function workerCard(settings, workers, round) {
  const shown =
    workers.length > 0
      ? workers
      : Array.from(
          { length: settings.workers },
          () =>
            /** @type {WorkerState} */ ({
              status: 'present',
              shard: { examples: 0, labels: [] },
              up: 0,
              down: 0,
            }),
        );
  return html`<h2 id="picture-title">Who sends what</h2>
    <network-picture
      .workers=${shown}
      .bytes=${round?.bytes}
      .label=${pictureLabel(shown, round)}
    ></network-picture>
    ${explain(
      'Each dot is a message, as large as its bytes say; the server adds up what comes and sends everybody the result.',
      'Only these messages leave a worker, its digits never do.',
      'sbc',
      'Algorithm 1',
    )}`;
}

/**
 * @param {WorkerState[]} workers
 * @param {Round | undefined} round
 */
function pictureLabel(workers, round) {
  const present = workers.filter(({ status }) => status === 'present').length;
  const who = `A server and ${count(workers.length, 'worker')}, of whom ${present} ${present === 1 ? 'is' : 'are'} there.`;
  if (!round) return who;
  const up = Math.max(...round.bytes.up);
  const down = Math.max(...round.bytes.down);
  return `${who} In the last round a worker sent up to ${formatBytes(up)} and got up to ${formatBytes(down)}.`;
}

/** How many losses are told one by one. */
const MOST_NOTICES = 3;

/**
 * Who is gone, and what that means as things are now.
 *
 * @param {Session} session
 */
export function notices({ gone, workers, busy }) {
  const present = workers.some(({ status }) => status === 'present');
  const then = !busy
    ? ''
    : present
      ? 'The run goes on without it.'
      : 'Bring a worker back for the run to go on.';
  return html`<div id="notices" role="status">
    ${gone
      .slice(-MOST_NOTICES)
      .map(
        ({ worker, reason }) =>
          html`<p class="notice">Worker ${worker + 1} is gone. ${reason} ${then}</p>`,
      )}
  </div>`;
}

/**
 * @param {object} model
 * @param {boolean} model.ready whether there is one
 * @param {boolean} model.working whether it is being pruned
 * @param {Session['learned']} model.learned
 * @param {() => void} model.read
 * @param {() => void} model.save
 */
export function modelButtons({ ready, working, learned, read, save }) {
  const off = !ready || working;
  return html`<div class="row">
      <button
        type="button"
        class="primary"
        id="read"
        ?disabled=${!ready}
        aria-disabled=${off}
        @click=${() => !off && read()}
      >
        Read my handwriting with it
      </button>
      <button
        type="button"
        id="save-learned"
        ?disabled=${!ready}
        aria-disabled=${off}
        @click=${() => !off && save()}
      >
        Save the model
      </button>
    </div>
    <p class="note" id="learned" role="status">${learnedText(working, learned)}</p>`;
}

/**
 * @param {boolean} working
 * @param {Session['learned']} learned
 */
function learnedText(working, learned) {
  if (working) return 'It is pruned as far as it goes on reading as well …';
  if (!learned) {
    return 'For that, it is pruned and quantized, as far as it loses no more than a point of accuracy.';
  }
  const { report, round } = learned;
  const { zeros, values, tested, accuracy, denseAccuracy, bytes, denseBytes } = report;
  const kept = values === undefined ? 'all their values' : `at most ${values} different values`;
  const change = compare(denseBytes / bytes, 'smaller', 'larger', { same: 'as large' });
  return (
    `After round ${formatNumber(round)}: ${formatPercent(zeros)} of its weights are 0, ` +
    `its matrices keep ${kept}: ${formatBytes(bytes)} instead of ${formatBytes(denseBytes)}, ` +
    `${change}. Of ${count(tested, 'test digit')} it reads ${formatPercent(accuracy)}; before, ` +
    `it read ${formatPercent(denseAccuracy)}.`
  );
}
