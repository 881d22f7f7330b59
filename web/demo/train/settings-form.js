// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import {
  LIMITS,
  LINKS,
  METHOD_NAMES,
  MODEL_NAMES,
  PRESETS,
  SPARSITIES,
  SPLITS,
  defaultSettings,
  formatShare,
  isSparse,
} from './settings.js';

/** @typedef {import('./settings.js').Settings} Settings */

/** @type {Record<Settings['data'], string>} */
const DATA_NAMES = { digits: 'drawn digits', own: 'own files' };

/** The settings of the next run. Emits `settings` with all of them, and `files` with chosen ones. */
export class SettingsForm extends Part {
  /** @override */
  static properties = {
    settings: { attribute: false },
    locked: { attribute: false },
    hasOwn: { attribute: false },
  };

  constructor() {
    super();
    /** @type {Settings} */
    this.settings = defaultSettings();
    /** Whether a run is under way, which they could not change. */
    this.locked = false;
    /** Whether there are own files. */
    this.hasOwn = false;
  }

  /** @param {Partial<Settings>} values */
  #set(values) {
    this.emit('settings', { ...this.settings, ...values });
  }

  /** @override */
  render() {
    const { method } = this.settings;
    return html`
      <div class="presets" role="group" aria-label="Methods to compare">
        ${PRESETS.map((preset) => this.#preset(preset))}
      </div>
      <fieldset class="fields" ?disabled=${this.locked}>
        <legend class="hidden">Settings of the run</legend>
        ${this.#select('method', 'Compressor', METHOD_NAMES)} ${this.#model()}
        ${this.#select('p', 'Sparsity p', shares(), !isSparse(method))}
        ${this.#number('n', 'Delay n')} ${this.#number('workers', 'Workers')}
        ${this.#select('split', 'Shards', SPLITS)}
        ${this.#select('link', 'Link', Object.fromEntries(links()))} ${this.#data()}
        ${this.#check()} ${this.#advanced()}
      </fieldset>
      ${
        this.locked
          ? html`<p class="hint">Settings are for the next run: reset this one to change them.</p>`
          : ''
      }
    `;
  }

  /** @param {(typeof PRESETS)[number]} preset */
  #preset({ name, values }) {
    const { method, n, p } = this.settings;
    const chosen =
      method === values.method && n === values.n && (!isSparse(method) || p === values.p);
    return html`<button
      type="button"
      class="small"
      aria-pressed=${chosen}
      ?disabled=${this.locked}
      @click=${() => this.#set(values)}
    >
      ${name}
    </button>`;
  }

  /**
   * @param {keyof Settings} name
   * @param {string} label
   * @param {Record<string, string>} choices
   * @param {boolean} [disabled]
   */
  #select(name, label, choices, disabled = false) {
    const value = this.settings[name];
    return html`<div class="field">
      <label for="train-${name}">${label}</label>
      <select
        id="train-${name}"
        ?disabled=${disabled}
        @change=${(/** @type {any} */ { target }) => {
          const text = target.value;
          this.#set({ [name]: typeof value === 'number' ? Number(text) : text });
        }}
      >
        ${Object.entries(choices).map(
          ([key, text]) =>
            html`<option value=${key} .selected=${key === String(value)}>${text}</option>`,
        )}
      </select>
    </div>`;
  }

  #model() {
    return html`<div class="field">
      <label for="train-model">Model</label>
      <select
        id="train-model"
        @change=${(/** @type {any} */ { target }) => this.#changeModel(target.value)}
      >
        ${Object.entries(MODEL_NAMES).map(
          ([key, text]) =>
            html`<option value=${key} .selected=${key === this.settings.model}>${text}</option>`,
        )}
      </select>
    </div>`;
  }

  /** @param {Settings['model']} model brings along what suits it */
  #changeModel(model) {
    const { iterations, batch, rate, step } = defaultSettings(model);
    this.#set({ model, iterations, batch, rate, step });
  }

  /**
   * @param {keyof typeof LIMITS} name
   * @param {string} label
   */
  #number(name, label) {
    const { least, most } = LIMITS[name];
    return html`<div class="field">
      <label for="train-${name}">${label}</label>
      <input
        id="train-${name}"
        type="number"
        min=${least}
        max=${most}
        step="1"
        .value=${String(this.settings[name])}
        @change=${(/** @type {any} */ { target }) => {
          const value = Math.round(Number(target.value));
          const fits = target.value !== '' && Number.isFinite(value);
          const kept = fits ? Math.min(most, Math.max(least, value)) : this.settings[name];
          target.value = String(kept);
          this.#set({ [name]: kept });
        }}
      />
    </div>`;
  }

  #data() {
    const choices = this.hasOwn ? DATA_NAMES : { digits: DATA_NAMES.digits };
    return html`${this.#select('data', 'Data', choices)}
      <div class="field wide">
        <label for="train-files">Own MNIST files: drop or choose</label>
        <input
          id="train-files"
          type="file"
          multiple
          @change=${(/** @type {any} */ { target }) => {
            const files = [...target.files];
            target.value = '';
            if (files.length > 0) this.emit('files', files);
          }}
        />
      </div>`;
  }

  #check() {
    return html`<label class="check wide">
      <input
        id="train-mask"
        type="checkbox"
        .checked=${this.settings.mask}
        ?disabled=${!isSparse(this.settings.method)}
        @change=${(/** @type {any} */ { target }) => this.#set({ mask: target.checked })}
      />
      Mask momentum where sent
    </label>`;
  }

  #advanced() {
    return html`<details class="wide" id="train-advanced">
      <summary>More settings</summary>
      <div class="fields">
        ${this.#number('iterations', 'Iterations')} ${this.#number('batch', 'Batch')}
        <div class="field">
          <label for="train-rate">Learning rate</label>
          <input
            id="train-rate"
            type="number"
            min="0.0001"
            max="10"
            step="any"
            .value=${String(this.settings.rate)}
            @change=${(/** @type {any} */ { target }) => {
              const value = Number(target.value);
              const rate = value > 0 && value <= 10 ? value : this.settings.rate;
              target.value = String(rate);
              this.#set({ rate });
            }}
          />
        </div>
        ${this.#number('step', 'Clock: ms per iteration')}
        ${this.#number('examples', 'Digits drawn')} ${this.#number('seed', 'Seed')}
      </div>
    </details>`;
  }
}

customElements.define('settings-form', SettingsForm);

function shares() {
  return Object.fromEntries(SPARSITIES.map((p) => [String(p), formatShare(p)]));
}

function links() {
  return Object.entries(LINKS).map(([key, { name }]) => [key, name]);
}
