// SPDX-License-Identifier: Apache-2.0

/** What starts and stops a run, who takes part in it, and what becomes of it. */

import { html } from 'lit';
import { explain } from '../common/explain.js';
import { formatBytes } from '../common/units.js';

/**
 * @typedef {import('./protocol.js').Round} Round
 * @typedef {import('./session.js').Member} Member
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
  const main = busy
    ? {
        text: running ? 'Pause' : 'Resume',
        id: running ? 'pause' : 'resume',
        act: running ? commands.pause : commands.resume,
        off: state === 'starting' || state === 'waiting',
      }
    : { text: 'Start', id: 'start', act: commands.start };
  const progress = record?.last ? record.last.iterations / record.settings.iterations : 0;
  return html`<div class="row controls">
      <button type="button" class="primary" id=${main.id} ?disabled=${main.off} @click=${main.act}>
        ${main.text}
      </button>
      <button
        type="button"
        id="step"
        ?disabled=${state !== 'idle' && state !== 'paused'}
        @click=${commands.step}
      >
        Step
      </button>
      <button type="button" id="reset" ?disabled=${state === 'idle'} @click=${commands.reset}>
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
 * @param {Member[]} members none before the first run
 * @param {Round | undefined} round
 */
export function memberCard({ workers }, members, round) {
  const shown =
    members.length > 0
      ? members
      : Array.from(
          { length: workers },
          () =>
            /** @type {Member} */ ({
              status: 'present',
              shard: { examples: 0, labels: [] },
              up: 0,
              down: 0,
            }),
        );
  return html`<h2 id="picture-title">Who sends what</h2>
    <network-picture
      .members=${shown}
      .bytes=${round?.bytes}
      .label=${pictureLabel(shown, round)}
    ></network-picture>
    ${explain(
      'Each dot is a message, as large as its bytes say; the server adds what comes up and sends the sum’s parts down.',
      'Only these messages leave a worker, its digits never do.',
      'sbc',
      'Algorithm 1',
    )}`;
}

/**
 * @param {Member[]} members
 * @param {Round | undefined} round
 */
function pictureLabel(members, round) {
  const present = members.filter(({ status }) => status === 'present').length;
  const who = `A server and ${members.length} workers, of whom ${present} are there.`;
  if (!round) return who;
  const up = Math.max(...round.bytes.up);
  const down = Math.max(...round.bytes.down);
  return `${who} In the last round a worker sent up to ${formatBytes(up)} and got up to ${formatBytes(down)}.`;
}

/** What happened to workers. @param {Session} session */
export function notices({ notices }) {
  return html`<div id="notices" role="status">
    ${notices.map((notice) => html`<p class="notice">${notice}</p>`)}
  </div>`;
}

/** @param {{ ready: boolean, read: () => void, save: () => void }} model */
export function modelButtons({ ready, read, save }) {
  return html`<div class="row">
      <button type="button" class="primary" id="read" ?disabled=${!ready} @click=${read}>
        Read my handwriting with it
      </button>
      <button type="button" id="save" ?disabled=${!ready} @click=${save}>Save the model</button>
    </div>
    <p class="note">Compressed to an eighth: each matrix keeps 16 distinct values.</p>`;
}
