// SPDX-License-Identifier: Apache-2.0

/** What the file keeps for those who show the network: how pictures come in, what classes are called. */

import { ShapeError, ValueError } from '../../core/errors.js';
import { describe } from '../../core/tags.js';
import { noteOf, planImage } from '../../model/image-options.js';

/**
 * @typedef {import('../../model/image-options.js').ImageOptions} ImageOptions
 * @typedef {import('../../model/image-options.js').ImageNote} ImageNote
 * @typedef {import('./lowering.js').Lowering} Lowering
 * @typedef {ReturnType<Lowering['finish']>['outputs']} Outputs
 * @typedef {{ inputs: Array<{ shape: Array<number | string> }>, symbols?: Record<string, number> }} Inputs
 *
 * @typedef {object} NoteOptions
 * @property {ImageOptions} [image] how the first input is made of a picture; by default, unlike that of
 *   `imageToTensor`, of RGB without a mean
 * @property {readonly string[]} [labels] names of the classes that the first output counts along its last
 *   dimension
 */

/** Of networks that were not trained with Caffe. */
const IMAGE_DEFAULTS = /** @type {const} */ ({ mean: 0 });

/**
 * @param {NoteOptions} options
 * @param {Map<string, string>} metadata of the file
 * @param {{ graph: Inputs, outputs: Outputs }} lowered
 * @returns {{ image?: ImageNote, labels?: string[] }}
 * @throws {ShapeError} where they are not of this network
 * @throws {ValueError} for what cannot be
 */
export function notesOf({ image, labels }, metadata, { graph, outputs }) {
  const [input] = graph.inputs;
  const { symbols = {} } = graph;
  const shape = input?.shape.map((dim) => (typeof dim === 'string' ? symbols[dim] : dim));
  const known = labels === undefined ? labelsIn(metadata, outputs) : checkLabels(labels, outputs);
  return {
    ...(image !== undefined && { image: imageNote(image, shape) }),
    ...(known && { labels: known }),
  };
}

/**
 * @param {ImageOptions} image
 * @param {number[] | undefined} shape of the input, as usual
 */
function imageNote(image, shape) {
  if (!shape) throw new ShapeError('The network has no input; it takes no pictures.');
  if (typeof image !== 'object' || image === null) {
    throw new ValueError(`The option "image" must be an object, not ${describe(image)}.`);
  }
  const channels = shape.length === 4 ? [shape[1], shape[3]] : shape;
  const order = channels.includes(3) || !channels.includes(1) ? 'RGB' : 'gray';
  return noteOf(planImage({ ...IMAGE_DEFAULTS, order, ...image }, shape, 'The option "image"'));
}

/**
 * @param {unknown} labels
 * @param {Outputs} outputs
 * @returns {string[]}
 */
function checkLabels(labels, outputs) {
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) {
    throw new ValueError(`The option "labels" must be an array of texts, not ${describe(labels)}.`);
  }
  const classes = outputs[0]?.shape.at(-1) ?? 1;
  if (labels.length === classes) return [...labels];
  throw new ShapeError(
    `There are ${labels.length} labels, and the first output has ${classes} classes.`,
  );
}

/**
 * Ultralytics writes them as Python writes a dictionary: `{0: 'person', 1: 'bicycle'}`.
 *
 * @param {Map<string, string>} metadata
 * @param {Outputs} outputs
 * @returns {string[] | undefined} undefined where there are none, or not those of the first output's classes
 */
function labelsIn(metadata, outputs) {
  const text = metadata.get('names') ?? '';
  const entries = [...text.matchAll(/(\d+): (?:'([^'\\]*)'|"([^"\\]*)")/g)];
  const labels = entries.map(([, , single, double]) => single ?? double);
  const isList =
    entries.length > 0 &&
    entries.every(([, index], i) => Number(index) === i) &&
    labels.every((label) => label !== '');
  return isList && labels.length === outputs[0]?.shape.at(-1) ? labels : undefined;
}
