// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { go, setAddress } from '../address.js';
import { isAbort, messageOf } from '../common/client.js';
import { Part } from '../common/element.js';
import { count as countOf } from '../common/units.js';
import { handover } from '../common/handover.js';
import { saveFile } from './save-file.js';
import './worker-table.js';
import './network-picture.js';
import './settings-form.js';
import './train.css';
import { ChartTurns } from './chart-turns.js';
import { fractionMap } from './fraction-map.js';
import { missingCells, settingsOfCell } from './map-cells.js';
import { sortMnistFiles } from './mnist-files.js';
import { CHARTS, runCharts } from './run-charts.js';
import { controls, workerCard, modelButtons, notices } from './run-controls.js';
import { runFacts } from './run-facts.js';
import { runsTable } from './runs-table.js';
import { Session } from './session.js';
import { defaultSettings, parseSettings, settingsToAddress } from './settings.js';

/**
 * @typedef {import('./network-picture.js').NetworkPicture} NetworkPicture
 * @typedef {import('./protocol.js').OwnFiles} OwnFiles
 * @typedef {import('./record.js').RunRecord} RunRecord
 * @typedef {import('./settings.js').Settings} Settings
 */

/** Several workers that learn together, and what they send. */
class TrainView extends Part {
  #session = new Session();
  /** @type {Settings} */
  #settings = defaultSettings();
  /** Kept, the one that is under way included. @type {RunRecord[]} */
  #runs = [];
  /** @type {OwnFiles | undefined} */
  #own;
  /** About files, and about the model: sentences. */
  #fileError = '';
  #fileNote = '';
  #filling = false;
  #exporting = false;
  #charts = new ChartTurns(CHARTS, () => this.requestUpdate());

  constructor() {
    super();
    this.#session.addEventListener('change', () => this.#follow());
    this.#session.addEventListener('round', (event) => {
      const { bytes } = /** @type {CustomEvent} */ (event).detail;
      /** @type {NetworkPicture | null} */ (this.querySelector('network-picture'))?.travel(bytes);
    });
  }

  /** @param {URLSearchParams} params */
  enter(params) {
    if (!this.#session.busy) {
      const settings = parseSettings(params);
      if (settings.data === 'own' && !this.#own) {
        settings.data = 'digits';
        this.#fileNote =
          'An address holds no files: drop your MNIST files again to train with them.';
      }
      this.#settings = settings;
    }
    this.#remember();
    this.requestUpdate();
  }

  /** @param {File[]} files */
  async takeFiles(files) {
    this.#fileError = '';
    this.#fileNote = '';
    try {
      const { files: own, count: images, testCount } = await sortMnistFiles(files);
      this.#own = own;
      const test =
        testCount > 0 ? `${testCount.toLocaleString('en')} for testing` : 'a fifth for testing';
      this.#fileNote = `Your files have ${countOf(images, 'image')}, ${test}.`;
      if (this.#session.busy) this.#fileNote += ' They are for the next run.';
      else this.#set({ ...this.#settings, data: 'own' });
    } catch (error) {
      this.#fileError = messageOf(error);
    }
    this.requestUpdate();
  }

  /** @param {{ isStep?: boolean }} [options] */
  #remember(options) {
    setAddress('train', settingsToAddress(this.#settings), options);
  }

  /** @param {Settings} settings */
  #set(settings) {
    this.#settings = settings;
    this.#remember({ isStep: !this.#filling });
    this.requestUpdate();
  }

  /** Keeps the run that has begun; when one is done and the map is being filled, begins the next. */
  #follow() {
    const { record, state } = this.#session;
    if (record && !this.#runs.includes(record)) this.#runs = [...this.#runs, record];
    this.#showRuns();
    if (this.#session.error) this.#filling = false;
    if (this.#filling && state === 'finished') queueMicrotask(() => this.#fillNext());
  }

  #showRuns() {
    const record = this.#session.record ?? this.#runs.at(-1);
    this.#charts.show({ record, runs: this.#runs });
    this.requestUpdate();
  }

  /** @param {boolean} [paused] */
  #start(paused = false) {
    return this.#session.start(this.#settings, this.#own, this.#runs, { paused });
  }

  async #step() {
    if (!this.#session.busy) await this.#start(true);
    await this.#session.command('step');
  }

  #reset() {
    this.#filling = false;
    this.#session.reset();
    // A run without a round has nothing to compare.
    this.#runs = this.#runs.filter(({ last }) => last);
    this.#showRuns();
  }

  #fill() {
    this.#filling = true;
    this.#fillNext();
  }

  #fillNext() {
    const [cell] = missingCells(this.#runs, this.#settings);
    if (!this.#filling || !cell) {
      this.#filling = false;
      this.requestUpdate();
      return;
    }
    this.#set(settingsOfCell(this.#settings, cell));
    this.#start();
  }

  /** @param {(bytes: Uint8Array<ArrayBuffer>, name: string) => void} use */
  async #withModel(use) {
    const name = `Digits learned together, ${this.#session.record?.name}`;
    this.#exporting = true;
    this.requestUpdate();
    try {
      use(await this.#session.model(), name);
    } catch (error) {
      if (!isAbort(error)) this.#session.error = messageOf(error);
    }
    this.#exporting = false;
    this.requestUpdate();
  }

  /** @override */
  render() {
    const session = this.#session;
    const { record, workers, round, busy } = session;
    const runs = this.#runs;
    return html`
      <div class="title">
        <h1>Train together</h1>
        <p class="lead">
          Workers learn the same network from digits of their own. They exchange compressed updates
          through a server; each byte is counted. Press Start.
        </p>
      </div>
      <div class="stage">
        <section class="card settings" aria-label="Settings">
          ${controls(session, {
            start: () => this.#start(),
            pause: () => session.command('pause'),
            resume: () => session.command('go'),
            step: () => this.#step(),
            reset: () => this.#reset(),
          })}
          <settings-form
            .settings=${this.#settings}
            .locked=${busy}
            .hasOwn=${this.#own !== undefined}
            @settings=${(/** @type {CustomEvent} */ { detail }) => this.#set(detail)}
            @files=${(/** @type {CustomEvent} */ { detail }) => this.takeFiles(detail)}
          ></settings-form>
          <p class="hint" id="file-note">${this.#fileNote}</p>
          <p class="error" role="alert" id="file-error">${this.#fileError}</p>
        </section>
        <section class="card picture" aria-labelledby="picture-title">
          ${workerCard(this.#settings, workers, round)} ${notices(session)}
          <worker-table
            .workers=${workers}
            .fixed=${!busy}
            ?hidden=${workers.length === 0}
            @worker=${(/** @type {CustomEvent} */ { detail }) =>
              session.changeWorker(detail.change, detail.worker)}
          ></worker-table>
        </section>
        <section class="card numbers" aria-label="What it takes">
          ${runFacts(record)}
          ${modelButtons({
            ready: !!record?.last,
            working: this.#exporting,
            learned: session.learned,
            read: () =>
              this.#withModel((bytes, name) => {
                handover.model = { name, bytes };
                go('infer', { model: 'handed' });
              }),
            save: () => this.#withModel((bytes) => saveFile('learned-together.safetensors', bytes)),
          })}
        </section>
      </div>
      ${runCharts(this.#charts.series)}
      <div class="pair">
        <section class="card" aria-labelledby="runs-title">
          <div class="row apart">
            <h2 id="runs-title">Runs</h2>
            <button
              type="button"
              class="small"
              id="remove-runs"
              ?disabled=${busy || runs.length === 0}
              @click=${() => this.#keepOnly([])}
            >
              Remove all
            </button>
          </div>
          ${runsTable(runs, (run) => this.#keepOnly(runs.filter((kept) => kept !== run)))}
        </section>
        <section class="card" aria-labelledby="map-title">
          <h2 id="map-title">Sparsity p and delay n</h2>
          ${fractionMap({
            runs,
            settings: this.#settings,
            locked: busy,
            filling: this.#filling,
            choose: (cell) => this.#set(settingsOfCell(this.#settings, cell)),
            fill: () => this.#fill(),
            stop: () => this.#reset(),
          })}
        </section>
      </div>
    `;
  }

  /** @param {RunRecord[]} runs */
  #keepOnly(runs) {
    this.#runs = runs;
    if (this.#session.record && !runs.includes(this.#session.record)) this.#session.reset();
    this.#showRuns();
  }
}

customElements.define('train-view', TrainView);
