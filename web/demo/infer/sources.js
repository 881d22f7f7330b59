// SPDX-License-Identifier: Apache-2.0

/** Where the digit reader, SqueezeNet, the names of its classes and the sample photograph are. */

import digits from './digits.safetensors?url';

/** @typedef {import('./protocol.js').ModelSource} ModelSource */

/** @param {string} path of a file that may lie beside the page */
const beside = (path) => new URL(`data/${path}`, document.baseURI).href;

// The public addresses, for when the files are not beside the page. They answer any origin.
const PUBLIC = 'https://raw.githubusercontent.com/';
const PUBLIC_MODEL = `${PUBLIC}songhan/SqueezeNet-Deep-Compression/master/`;
const PUBLIC_LABELS = `${PUBLIC}onnx/models/main/validated/vision/classification/synset.txt`;
const PUBLIC_SAMPLE = `${PUBLIC}pytorch/hub/master/images/dog.jpg`;

const MODEL_FOLDER = 'squeezenet-deep-compression/';
const NET = 'compressed_SqueezeNet.net';
const PROTOTXT = 'SqueezeNet_deploy.prototxt';

/** @satisfies {ModelSource} */
export const SQUEEZENET = {
  kind: /** @type {const} */ ('places'),
  places: [
    { net: beside(MODEL_FOLDER + NET), prototxt: beside(MODEL_FOLDER + PROTOTXT) },
    { net: PUBLIC_MODEL + NET, prototxt: PUBLIC_MODEL + PROTOTXT },
  ],
  bytes: 675_763 + 10_486,
};

/** Trained by npm run digits. @type {ModelSource} */
export const DIGITS = { kind: 'address', address: new URL(digits, document.baseURI).href };

/** The 1000 classes of ImageNet. */
export const LABELS = [beside(`${MODEL_FOLDER}synset.txt`), PUBLIC_LABELS];

export const SAMPLES = [beside('images/dog.jpg'), PUBLIC_SAMPLE];
