// SPDX-License-Identifier: Apache-2.0

/**
 * What the server and the workers answer to the coordinator, looked at before anything is done with
 * it. Each reader throws an error whose message is a phrase that says what is wrong. Weights and states
 * go with their checksum, for they would be used, or kept, whatever became of them on the way; messages
 * have one in them.
 */

import { bytesOf } from '../core/floats.js';
import { crc32 } from '../core/crc32.js';

/**
 * @typedef {import('../transport/requests.js').Answer} Answer
 * @typedef {import('../graph/graph.js').Graph} Graph
 * @typedef {import('../graph/graph.js').Tensor} Tensor
 * @typedef {import('./server-role.js').Plan} Plan
 * @typedef {import('./server-role.js').Refusal} Refusal
 */

/**
 * @param {boolean} holds
 * @param {string} wrong a phrase
 */
function expect(holds, wrong) {
  if (!holds) throw new Error(wrong);
}

/**
 * A body with its checksum, as the readers below want it.
 *
 * @param {Uint8Array[]} body
 * @param {Record<string, unknown>} [value] what else there is to say
 */
export function sealed(body, value = {}) {
  return { value: { ...value, checksum: checksumOf(body) }, body };
}

/** @param {Uint8Array[]} body */
export function checksumOf(body) {
  return body.reduce((crc, part) => crc32(part, crc), body.length);
}

/**
 * @param {Answer} answer
 * @param {number} parts that its body must have
 */
function openSealed({ value, body }, parts) {
  expect(body.length === parts, `its body has ${body.length} parts, not ${parts}`);
  expect(value.checksum === checksumOf(body), 'the checksum of its body is wrong');
  return body;
}

/**
 * @param {Answer} answer to `open`
 * @returns {number} weights of the model
 */
export function readWeightCount({ value: { weightCount } }) {
  expect(Number.isSafeInteger(weightCount) && weightCount > 0, 'it does not say its weights');
  return weightCount;
}

/**
 * @param {Answer} answer to `train`
 * @returns {{ loss: number, seconds: number, message: Uint8Array }}
 */
export function readTrained({ value: { loss, seconds }, body }) {
  expect(body.length === 1, `its body has ${body.length} parts, not the message alone`);
  expect(typeof loss === 'number', 'its loss is no number');
  expect(Number.isFinite(seconds) && seconds >= 0, 'its seconds are no number from 0');
  return { loss, seconds, message: body[0] };
}

/**
 * @param {Answer} answer to `prepare`
 * @param {number[]} asked workers whose messages it got
 * @param {boolean} recompressed whether one message goes down instead of those that are counted
 * @returns {Plan & { message: Uint8Array | undefined }} message: that one
 */
export function readPlan(answer, asked, recompressed) {
  const { counted, refused } = answer.value;
  expect(Array.isArray(counted) && Array.isArray(refused), 'it does not say what was counted');
  expect(refused.every(isRefusal), 'what it refused has no reasons');
  const workers = [...counted, ...refused.map((/** @type {Refusal} */ { worker }) => worker)];
  // Each of them once, and both lists in their order.
  const both = asked.filter((worker) => workers.includes(worker));
  expect(
    workers.length === asked.length && both.length === asked.length && isInOrder(counted, asked),
    'what it counted and refused is not what it got',
  );
  const parts = recompressed && counted.length > 0 ? 1 : 0;
  const [message] = openSealed(answer, parts);
  return { counted, refused, message };
}

/** @param {unknown} refusal */
function isRefusal(refusal) {
  const { worker, reason } = /** @type {Record<string, unknown>} */ (Object(refusal));
  return Number.isSafeInteger(worker) && typeof reason === 'string';
}

/**
 * @param {unknown[]} some
 * @param {unknown[]} all
 */
function isInOrder(some, all) {
  const places = some.map((each) => all.indexOf(each));
  return places.every((place, index) => index === 0 || place > places[index - 1]);
}

/**
 * @param {number} count of the weights
 * @returns {(answer: Answer) => Uint8Array} them, as bytes
 */
export function weightsReader(count) {
  return (answer) => {
    const [bytes] = openSealed(answer, 1);
    expect(bytes.length === 4 * count, `it has ${bytes.length} bytes, not ${4 * count}`);
    return bytes;
  };
}

/**
 * @param {number} parts of a state
 * @returns {(answer: Answer) => Uint8Array[]}
 */
export function stateReader(parts) {
  return (answer) => openSealed(answer, parts);
}

/**
 * @param {Answer} answer to `evaluate`
 * @returns {{ loss: number, accuracy: number }}
 */
export function readEvaluation({ value: { loss, accuracy } }) {
  expect(typeof loss === 'number', 'its loss is no number');
  expect(accuracy >= 0 && accuracy <= 1, 'its accuracy is no share');
  return { loss, accuracy };
}

/**
 * @param {Answer} answer to `export`
 * @returns {{ graph: Graph, shapes: Array<Omit<Tensor, 'data'> & { name: string }>,
 *   body: Uint8Array[] }} shapes: of the tensors that the body has. The graph is still to be checked
 */
export function readExport(answer) {
  const { graph, tensors } = answer.value;
  expect(isGraph(graph), 'it has no graph');
  expect(Array.isArray(tensors) && tensors.every(isShape), 'its tensors have no shapes');
  const body = openSealed(answer, tensors.length);
  const names = new Set(tensors.map((/** @type {{ name: string }} */ { name }) => name));
  expect(names.size === tensors.length, 'two of its tensors have one name');
  body.forEach((bytes, index) => {
    const { name, rows, cols } = tensors[index];
    expect(bytes.length === 4 * rows * cols, `its tensor "${name}" has not ${rows}×${cols} values`);
  });
  return { graph, shapes: tensors, body };
}

/** @param {any} graph whose nodes are there; the rest is checked by those who use them */
function isGraph(graph) {
  return (
    Array.isArray(graph?.nodes) &&
    graph.nodes.every((/** @type {unknown} */ node) => typeof node === 'object' && node !== null)
  );
}

/** @param {unknown} shape */
function isShape(shape) {
  const { name, rows, cols, kind } = /** @type {Record<string, any>} */ (Object(shape));
  const isSize = (/** @type {unknown} */ size) => Number.isSafeInteger(size) && Number(size) > 0;
  return (
    typeof name === 'string' &&
    isSize(rows) &&
    isSize(cols) &&
    (kind === 'matrix' || kind === 'vector')
  );
}

/**
 * @param {Float32Array} weights
 * @param {Record<string, unknown>} [value]
 */
export function sealedWeights(weights, value) {
  return sealed([bytesOf(weights)], value);
}
