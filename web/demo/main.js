// SPDX-License-Identifier: Apache-2.0

/** The page: what happens when something is pressed, chosen or dropped. */

import { LABELS, SAMPLES, SQUEEZENET } from './addresses.js';
import { Client } from './client.js';
import { fetchFirst, isAbort } from './download.js';
import { sortFiles } from './files.js';
import { showAnswer } from './view/answer.js';
import { showBytes } from './view/bytes.js';
import { byId } from './view/dom.js';
import { showLayers } from './view/layers.js';
import { hideProgress, showProgress } from './view/loading.js';

/**
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').ModelSource} ModelSource
 * @typedef {import('./protocol.js').ModelView} ModelView
 */

const client = new Client();

const load = byId('load', HTMLButtonElement);
const modelFiles = byId('model-files', HTMLInputElement);
const photoFile = byId('photo-file', HTMLInputElement);
const image = byId('photo-image', HTMLImageElement);
const format = byId('format', HTMLSelectElement);
const status = byId('status', HTMLElement);
const picture = byId('picture', HTMLElement);
const weights = byId('weights', HTMLElement);
const answer = byId('answer', HTMLElement);
const modelError = byId('model-error', HTMLElement);
const photoError = byId('photo-error', HTMLElement);
const weightsError = byId('weights-error', HTMLElement);

/** Stops the model that is being loaded. @type {AbortController | undefined} */
let loading;

/** What is shown. @type {{ name: string, origin: 'Downloaded' | 'Read from files' } | undefined} */
let model;

/** Counts the answers asked for, so that one that comes late is not shown. */
let lastRun = 0;

/** How much is being done that ends in another answer. */
let busy = 0;

/**
 * Does something, and says in one place what goes wrong with it.
 *
 * @param {HTMLElement} place for the error
 * @param {() => Promise<void>} work
 */
async function attempt(place, work) {
  place.textContent = '';
  try {
    await work();
  } catch (error) {
    place.textContent = error instanceof Error ? error.message : String(error);
  }
}

/**
 * @param {string} name
 * @param {ModelSource} source
 * @param {Blob[]} labels
 */
async function openModel(name, source, labels = []) {
  loading?.abort();
  const controller = new AbortController();
  loading = controller;
  status.textContent = '';
  showProgress(name, { stage: 'reading', loaded: 0, total: undefined });
  try {
    const view = await client.request(
      'open',
      { source, labels: [...labels, ...LABELS] },
      {
        signal: controller.signal,
        onProgress: (progress) => {
          if (loading === controller) showProgress(name, progress);
        },
      },
    );
    model = { name, origin: source.kind === 'places' ? 'Downloaded' : 'Read from files' };
    showModel(view);
    if (loading === controller) status.textContent = `${name} is loaded.`;
  } catch (error) {
    if (!isAbort(error)) throw error;
    if (loading === controller) status.textContent = `Loading ${name} was stopped.`;
    return;
  } finally {
    if (loading === controller) {
      loading = undefined;
      hideProgress(load);
    }
  }
  await attempt(photoError, run);
}

/** @param {ModelView} view */
function showModel(view) {
  if (!model) return;
  document.body.classList.add('loaded');
  picture.hidden = weights.hidden = false;
  byId('model-name', HTMLElement).textContent = model.name;
  showBytes(byId('bytes', HTMLElement), view, model.origin);
  showLayers(byId('layers', HTMLElement), view);
}

/**
 * Shows that another answer is on its way; the old one stays until that is there.
 *
 * @param {() => Promise<void>} work
 */
async function whileBusy(work) {
  ++busy;
  answer.ariaBusy = 'true';
  try {
    await work();
  } finally {
    --busy;
    answer.ariaBusy = String(busy > 0);
  }
}

function run() {
  const mine = ++lastRun;
  return whileBusy(async () => {
    const result = await client.request('run', null);
    if (result && mine === lastRun) showAnswer(answer, result);
  });
}

/**
 * @param {Blob} photograph
 * @param {string} name
 */
async function showPhotograph(photograph, name) {
  await client.request('show', { photograph, name });
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(photograph);
  image.alt = `The photograph ${name}`;
  image.hidden = false;
  byId('photo-caption', HTMLElement).textContent = name;
  if (model) await run();
  else if (!loading) await attempt(modelError, () => openModel('SqueezeNet', SQUEEZENET));
}

async function showSample() {
  const { response } = await fetchFirst(SAMPLES);
  await showPhotograph(await response.blob(), 'dog.jpg');
}

/** @param {Format} to */
function recode(to) {
  return whileBusy(async () => {
    const view = await client.request('recode', { format: to });
    if (view && format.value === to) showModel(view);
    await run();
  });
}

async function save() {
  const bytes = await client.request('save', null);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = `${model?.name.replace(/\.\w+$/, '') ?? 'model'}.safetensors`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Whatever it is that was dropped or chosen.
 *
 * @param {File[]} files
 * @param {HTMLElement} place for the error if they are nothing that the page knows
 */
async function take(files, place) {
  if (files.length === 0) return;
  for (const error of [modelError, photoError, weightsError]) error.textContent = '';
  await attempt(place, async () => {
    const dropped = await sortFiles(files);
    if (dropped.kind === 'photograph') {
      await attempt(model ? photoError : modelError, () =>
        showPhotograph(dropped.file, dropped.file.name),
      );
    } else {
      await attempt(modelError, () => openModel(dropped.name, dropped.source, dropped.labels));
    }
  });
}

/**
 * @param {string} id of a button
 * @param {() => unknown} action
 */
function onClick(id, action) {
  byId(id, HTMLButtonElement).addEventListener('click', action);
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} place
 */
function onFiles(input, place) {
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = ''; // so that choosing the same file again is a change
    take(files, place);
  });
}

onClick('load', () => attempt(modelError, () => openModel('SqueezeNet', SQUEEZENET)));
onClick('stop', () => loading?.abort());
onClick('sample', () => attempt(photoError, showSample));
onClick('save', () => attempt(weightsError, save));
onClick('choose-model', () => modelFiles.click());
onClick('choose-photo', () => photoFile.click());
onFiles(modelFiles, modelError);
onFiles(photoFile, photoError);
format.addEventListener('change', () =>
  attempt(weightsError, () => recode(/** @type {Format} */ (format.value))),
);

// A file may be dropped anywhere; without this the browser would leave the page for it.
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove('dragging');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  take([...(event.dataTransfer?.files ?? [])], model ? photoError : modelError);
});
