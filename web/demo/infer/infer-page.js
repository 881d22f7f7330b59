// SPDX-License-Identifier: Apache-2.0

/** What the view shows, from top to bottom. */

import { html, nothing } from 'lit';
import { FORMATS } from '../../lib/lowtropy.js';
import { explain } from '../common/explain.js';
import { formatBytes } from '../common/units.js';
import { digitBars, topBars } from './answer.js';
import { otherInput, outputTable, pixelRange } from './other-input.js';
import { costWords, factList } from './facts.js';
import { formatBars } from './format-bytes.js';
import { FORMAT_NOTES } from './format-colors.js';
import { layerTable } from './layer-table.js';
import { SQUEEZENET } from './sources.js';

/**
 * @typedef {import('./infer-view.js').InferView} InferView
 * @typedef {import('./protocol.js').Format} Format
 */

/** @param {InferView} view */
export function renderInfer(view) {
  const { engine } = view;
  return html`
    ${modelBar(view)}
    <div class="pair ${engine.isForPhotographs ? '' : 'drawing'}">
      ${pictureCard(view)}
      <section class="card" aria-labelledby="cost-title">
        <h2 id="cost-title">What it costs</h2>
        ${factList(engine, { measure: () => view.measureAgain(), stop: () => view.stopWork() })}
        ${explain(
          'Time, energy and bytes of the network as it is held now, beside the same weights as dense float32.',
          html`<span id="cost-words">${costWords(engine)}</span>`,
          'formats',
          'sections III and IV',
        )}
      </section>
    </div>
    ${engine.model && view.rowsShown > 0 ? weightsCard(view) : nothing}
    <camera-dialog></camera-dialog>
  `;
}

/** @param {InferView} view */
function modelBar(view) {
  const { state, loading, kept, errors, status, engine } = view;
  const button = (/** @type {string} */ key, /** @type {string} */ text) =>
    html`<button
      type="button"
      id="open-${key}"
      aria-pressed=${state.model === key}
      @click=${() => view.open(key)}
    >
      ${text}
    </button>`;
  const squeezeNet = kept.some(({ key }) => key === 'squeezenet');
  return html`<section class="models" aria-labelledby="view-title">
    <h1 id="view-title">${titleOf(view)}</h1>
    <div class="row">
      ${button('digits', 'Digit reader')}
      ${button(
        'squeezenet',
        squeezeNet ? 'SqueezeNet' : `SqueezeNet, ${formatBytes(SQUEEZENET.bytes)} to load`,
      )}
      <button type="button" id="choose-model" @click=${() => chooseFile(view, 'model-files')}>
        Open a model file
      </button>
      <input
        type="file"
        id="model-files"
        multiple
        hidden
        aria-label="Model files"
        @change=${(/** @type {Event} */ event) => takeChosen(view, event)}
      />
    </div>
    ${kept.length > 0 ? keptList(view) : nothing}
    ${loading && loading.key !== 'digits' ? progressBar(view) : nothing}
    ${!loading && engine.slow ? workBar(view) : nothing}
    <p class="error" id="model-error" role="alert">${errors.model}</p>
    <p class="hint" id="status" role="status">${status}</p>
  </section>`;
}

/** @param {InferView} view */
function titleOf({ engine }) {
  const { model } = engine;
  if (!model || engine.isForDigits) {
    return model
      ? `Draw a digit: a network of ${formatBytes(model.sourceBytes)} reads it`
      : 'Draw a digit';
  }
  if (!engine.isForPhotographs) return engine.name;
  const [held, dense] = [formatBytes(model.bytes), formatBytes(model.denseBytes)];
  return `Show it a photograph: ${held === dense ? held : `${held} instead of ${dense}`}`;
}

/** @param {InferView} view */
function keptList(view) {
  return html`<ul class="row kept" id="kept" aria-label="Models kept in this browser">
    <li class="hint">Kept in this browser:</li>
    ${view.kept.map((model) => {
      const { checksum, name, bytes } = model;
      const key = model.key || checksum;
      return html`<li class="row">
        <button
          type="button"
          class="small"
          aria-pressed=${view.state.model === key}
          @click=${() => view.open(key)}
        >
          ${name}, ${formatBytes(bytes)}
        </button>
        <button
          type="button"
          class="small remove"
          aria-label="Remove ${name} from this browser"
          @click=${() => view.forget(model)}
        >
          Remove
        </button>
      </li>`;
    })}
  </ul>`;
}

/** @param {InferView} view */
function progressBar(view) {
  const { name, progress } = /** @type {import('./engine.js').Request} */ (view.loading);
  const reading = progress?.stage === 'reading' ? progress : undefined;
  const of = reading?.total === undefined ? '' : ` of ${formatBytes(reading.total)}`;
  const text = reading
    ? `Loading ${name}: ${formatBytes(reading.loaded)}${of}`
    : `Encoding the weights of ${name}`;
  return html`<div class="loading" id="loading">
    <label for="progress" id="progress-label">${text}</label>
    <div class="row">
      ${
        reading?.total
          ? html`<progress id="progress" .value=${reading.loaded / reading.total}></progress>`
          : html`<progress id="progress"></progress>`
      }
      <button type="button" id="stop" @click=${() => view.stopLoading()}>Stop</button>
    </div>
  </div>`;
}

/** What the worker does that takes long. @type {Partial<Record<string, string>>} */
const WORK = {
  run: 'Running',
  recode: 'Encoding the weights of',
  label: 'Running',
  save: 'Writing the file of',
};

/** @param {InferView} view */
function workBar(view) {
  const { slow, name } = view.engine;
  return html`<div class="loading" id="working">
    <label for="work-progress">${WORK[String(slow)] ?? 'Working on'} ${name}</label>
    <div class="row">
      <progress id="work-progress"></progress>
      <button type="button" id="stop-work" @click=${() => view.stopWork()}>Stop</button>
    </div>
  </div>`;
}

/** @param {InferView} view */
function pictureCard(view) {
  const { engine, errors } = view;
  const other = engine.model && !engine.isForDigits && !engine.isForPhotographs;
  return html`<section class="card picture" aria-label="Picture">
    ${other ? otherInput(view) : engine.isForPhotographs ? photograph(view) : drawing(view)}
    <p class="error" id="picture-error" role="alert">${errors.picture}</p>
  </section>`;
}

/** @param {InferView} view */
function drawing(view) {
  const { strokes, engine, state } = view;
  return html`<div class="reader">
      <div class="pad">
        <drawing-pad
          .strokes=${strokes}
          @draw=${(/** @type {CustomEvent} */ { detail }) => view.draw(detail)}
          @drawn=${() => view.endStroke()}
          @sample=${(/** @type {CustomEvent} */ { detail }) => view.drawSample(detail)}
        ></drawing-pad>
        <div class="row">
          <button type="button" id="clear" @click=${() => view.clear()}>Clear</button>
          <div class="row samples" role="group" aria-label="Draw a digit for me">
            ${Array.from(
              { length: 10 },
              (_, digit) =>
                html`<button
                  type="button"
                  class="small"
                  aria-label="Draw a ${digit}"
                  aria-pressed=${state.digit === digit}
                  @click=${() => view.drawSample(digit)}
                >
                  ${digit}
                </button>`,
            )}
          </div>
        </div>
      </div>
      ${digitBars(strokes.length > 0 ? engine.answer : undefined)}
    </div>
    <p class="hint" id="pad-help">
      Draw with mouse, pen or finger, or let a digit’s key draw one; with the arrow keys and Space
      the keyboard holds the pen, Delete clears.
    </p>
    <p class="hidden" role="status" id="reads">${reads(view)}</p>`;
}

/** @param {InferView} view */
function reads({ engine, strokes }) {
  return engine.answer && strokes.length > 0 ? `It reads ${engine.answer.top[0].label}.` : '';
}

/** @param {InferView} view */
function photograph(view) {
  const { photo, engine } = view;
  return html`<div class="photograph">
    <figure class="photo">
      ${
        photo
          ? html`<img id="photo-image" src=${photo.url} alt="The photograph ${photo.name}" />`
          : nothing
      }
      <figcaption id="photo-caption">
        ${photo ? photo.name : 'Drop a photograph anywhere on this page.'}
      </figcaption>
    </figure>
    <div class="seen">
      ${engine.answer && engine.answer.top.length === 0 ? outputTable(engine.answer) : topBars(engine.answer)}
      ${engine.model?.range ? pixelRange(view, engine.model.range) : nothing}
      <div class="row">
        <button type="button" class="primary" id="sample" @click=${() => view.showSample()}>
          Show it a dog
        </button>
        <button type="button" id="choose-photo" @click=${() => chooseFile(view, 'photo-file')}>
          Choose a photograph
        </button>
        <button type="button" id="take-photo" @click=${() => view.takePhotograph()}>
          Use the camera
        </button>
        <input
          type="file"
          id="photo-file"
          accept="image/*"
          hidden
          aria-label="Photograph"
          @change=${(/** @type {Event} */ event) => takeChosen(view, event)}
        />
      </div>
    </div>
  </div>`;
}

/**
 * @param {import('./protocol.js').ModelView} model
 * @param {import('./protocol.js').FormatName} format
 */
function holdsAll({ layers }, format) {
  return layers.every(({ bytesIn }) => Number.isFinite(bytesIn[format]));
}

/** @param {InferView} view */
function weightsCard(view) {
  const { engine, state, errors } = view;
  const model = /** @type {import('./protocol.js').ModelView} */ (engine.model);
  const change = (/** @type {Event} */ { target }) => {
    const { value } = /** @type {HTMLSelectElement} */ (target);
    view.holdAll(value ? /** @type {Format} */ (value) : undefined);
  };
  const option = (/** @type {Format} */ format) =>
    html`<option value=${format} .selected=${state.formats.all === format}>
      ${format}: ${FORMAT_NOTES[format]}
    </option>`;
  return html`<section class="card" id="weights" aria-labelledby="weights-title">
    <div class="row apart">
      <h2 id="weights-title">Its weights, layer by layer</h2>
      <div class="row">
        <label for="format">All layers in</label>
        <select id="format" @change=${change}>
          <option value="" .selected=${state.formats.all === undefined}>as in the file</option>
          ${option('auto')} ${FORMATS.filter((format) => holdsAll(model, format)).map(option)}
        </select>
        <button type="button" id="save" @click=${() => view.save()}>Save the model file</button>
      </div>
    </div>
    <p class="error" id="weights-error" role="alert">${errors.weights}</p>
    ${formatBars(model)}
    ${explain(
      'Each bar is what the weights of all layers take in one format, one piece for each layer; the first is how they are held now.',
      'Which format is smallest depends on how the values are distributed, so each layer may have its own.',
      'formats',
      'section III',
    )}
    ${layerTable({
      model,
      timing: engine.timing,
      distributions: engine.distributions,
      chosen: state.formats.layers,
      onFormat: (layer, format) => view.holdLayer(layer, format),
      rows: view.rowsShown,
    })}
    ${explain(
      html`p<sub>0</sub> is the share of the most frequent value, H the entropy in bits per weight,
        K the number of different values; time is measured here, energy follows the cost model.`,
      'The lower the entropy, the fewer bytes and operations a layer needs.',
      'formats',
      'sections II and IV',
    )}
  </section>`;
}

/**
 * @param {InferView} view
 * @param {string} id of the input for files
 */
function chooseFile(view, id) {
  /** @type {HTMLInputElement} */ (view.querySelector(`#${id}`)).click();
}

/**
 * @param {InferView} view
 * @param {Event} event
 */
function takeChosen(view, { target }) {
  const input = /** @type {HTMLInputElement} */ (target);
  const files = [...(input.files ?? [])];
  input.value = ''; // so that choosing the same file again is a change
  if (files.length > 0) view.takeFiles(files);
}
