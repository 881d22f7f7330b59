// SPDX-License-Identifier: Apache-2.0

/** What somebody dropped or chose, recognized by what is in it. */

import { kindOf, wayToOnnx } from '../../lib/core/file-kinds.js';
import { PageError } from './download.js';

/**
 * @typedef {import('./protocol.js').ModelSource} ModelSource
 * @typedef {'photograph' | 'recording' | 'model file' | 'onnx' | 'deploy file' | 'labels' | 'text'
 *   | 'bytes'} FileKind
 * @typedef {{ kind: 'photograph', file: File }
 *   | { kind: 'recording', file: File }
 *   | { kind: 'labels', file: File, refusal: string }
 *   | { kind: 'model', name: string, source: ModelSource, labels: File | undefined }} Dropped
 *   refusal: what is to be said where labels are of no use
 */

/** As much of a file as is looked at. */
const HEAD_BYTES = 4096;

/** How pictures begin; the browser decides whether it can show them. */
const PICTURES = [
  /^\xff\xd8\xff/, // JPEG
  /^\x89PNG/,
  /^GIF8/,
  /^RIFF[^]{4}WEBP/,
  /^BM/,
  /^[^]{4}ftyp(avif|avis|heic|heix|mif1)/,
];

/** How recordings begin, likewise. */
const RECORDINGS = [
  /^RIFF[^]{4}WAVE/,
  /^OggS/,
  /^fLaC/,
  /^ID3/, // MP3
  /^\xff[\xfb\xf3\xf2]/,
  /^[^]{4}ftypM4A/,
];

/**
 * @param {File} file
 * @returns {Promise<FileKind>}
 */
async function recognize(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const head = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  if (PICTURES.some((start) => start.test(head))) return 'photograph';
  if (RECORDINGS.some((start) => start.test(head))) return 'recording';
  if (kindOf(bytes) === 'an ONNX model' || /\.onnx$/i.test(file.name)) return 'onnx';
  // The length of the header in 8 bytes, less than 4 GB, then the header as JSON.
  if (/^[^]{4}\0{4}\{/.test(head)) return 'model file';
  if (/^(\xff\xfe|\xfe\xff)/.test(head)) return 'text'; // UTF-16
  if (/[\0-\x08\x0e-\x1a]/.test(head)) return 'bytes';
  if (/^\s*n\d{8} /.test(head)) return 'labels';
  if (/\b(layers?|input_param)\s*\{|\binput(_dim)?\s*:/.test(head)) return 'deploy file';
  return file.type.startsWith('image/') ? 'photograph' : 'text'; // SVG is text, and a picture
}

/**
 * @param {File[]} files
 * @returns {Promise<Dropped>}
 * @throws {PageError} if this page can do nothing with them; says what it takes
 */
export async function sortFiles(files) {
  /** @type {Map<FileKind, File>} the first of each kind */
  const found = new Map();
  for (const file of files) {
    const kind = await recognize(file).catch(() => {
      throw new PageError(`“${file.name}” cannot be read; is it a folder?`);
    });
    if (!found.has(kind)) found.set(kind, file);
  }
  // Any text may be names of classes, one in each line.
  const labels = found.get('labels') ?? found.get('text');
  const file = found.get('model file');
  if (file) {
    return { kind: 'model', name: file.name, source: { kind: 'model-file', file }, labels };
  }
  if (found.has('onnx')) {
    const main = /** @type {File} */ (found.get('onnx'));
    const others = files.filter((each) => each !== main && each !== labels);
    // Those with its data may be of any kind; they are found by their names.
    return {
      ...{ kind: 'model', name: main.name, labels },
      source: { kind: 'onnx', files: [named(main), ...others] },
    };
  }
  const [net, prototxt] = [found.get('bytes'), found.get('deploy file')];
  if (net && prototxt) {
    const source = /** @type {const} */ ({ kind: 'deep-compression', net, prototxt });
    return { kind: 'model', name: net.name, source, labels };
  }
  for (const kind of /** @type {const} */ (['photograph', 'recording'])) {
    const seen = found.get(kind);
    if (seen) return { kind, file: seen };
  }
  const sentence = await refusal(files[0], net, prototxt);
  if (labels && !net && !prototxt) {
    return { kind: 'labels', file: labels, refusal: found.has('labels') ? '' : sentence };
  }
  throw new PageError(sentence);
}

/**
 * @param {File} file of an ONNX model
 * @returns {File} with a name that says so, as that of the model among others has to
 */
function named(file) {
  return /\.onnx$/i.test(file.name) ? file : new File([file], `${file.name}.onnx`);
}

/**
 * @param {File} file
 * @param {File} [net]
 * @param {File} [prototxt]
 */
async function refusal(file, net, prototxt) {
  const { name } = file;
  if (prototxt) {
    return `“${prototxt.name}” describes a network; drop it together with its .net file.`;
  }
  if (net?.name.endsWith('.net')) {
    return `“${net.name}” holds weights; drop it together with its .prototxt file.`;
  }
  const kind = kindOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  const way = wayToOnnx(kind);
  if (way) return `“${name}” is ${kind}, which this page does not run.${way}`;
  return (
    `“${name}” is neither a photograph nor a model; models are an .onnx file, a .safetensors file saved ` +
    'here, or a .net file together with its .prototxt, and may come with a text of the names of their ' +
    'classes. Recordings are for networks that hear.'
  );
}
