// SPDX-License-Identifier: Apache-2.0

/** Networks of one operator, imported and run beside onnxruntime. */

import assert from 'node:assert/strict';
import * as ort from 'onnxruntime-web';

import { importOnnx } from '../../web/lib/import/onnx/import-onnx.js';
import { model, node, tensor, tensorType, value } from './onnx-writer.js';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

/**
 * @typedef {import('./onnx-writer.js').TypeName} TypeName
 * @typedef {import('./onnx-writer.js').AttributeValue} AttributeValue
 *
 * @typedef {object} Given
 * @property {TypeName} type
 * @property {number[]} shape
 * @property {number[]} data
 * @property {boolean} [constant] whether the file has it, and it is no input
 *
 * @typedef {object} Operator
 * @property {string} op
 * @property {string} [domain]
 * @property {number} [version] of the operators of ai.onnx
 * @property {Record<string, AttributeValue>} [attributes]
 * @property {Array<Given | undefined>} inputs undefined for those that are left out
 * @property {Array<TypeName | undefined>} outputs likewise
 */

/** @type {Record<string, any>} */
const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

/** Of other types than int32, which all other integers become. @type {Record<string, any>} */
const OURS = { float32: Float32Array, bool: Uint8Array };

/** @param {Given} given */
function elementsOf({ type, data }) {
  return ARRAYS[type].from(type === 'int64' ? data.map((number) => BigInt(number)) : data);
}

/**
 * @param {Operator} operator
 * @returns {Uint8Array<ArrayBuffer>} a file with it alone
 */
export function fileOf({ op, domain, version = 17, attributes, inputs, outputs }) {
  const named = inputs.flatMap((given, i) => (given ? [{ name: `input${i}`, given }] : []));
  const made = outputs.flatMap((type, i) => (type ? [value(`output${i}`, tensorType(type))] : []));
  const one = node(
    op,
    inputs.map((given, i) => (given ? `input${i}` : '')),
    outputs.map((type, i) => (type ? `output${i}` : '')),
    { domain, attributes },
  );
  return model(
    {
      nodes: [one],
      initializers: named
        .filter(({ given }) => given.constant)
        .map(({ name, given }) => tensor(name, given.type, given.shape, elementsOf(given))),
      inputs: named
        .filter(({ given }) => !given.constant)
        .map(({ name, given }) => value(name, tensorType(given.type, given.shape))),
      outputs: made,
    },
    { irVersion: 10, opsets: { '': version, ...(domain && { [domain]: 1 }) } },
  );
}

/**
 * @param {Uint8Array} file
 * @param {Record<string, Given>} feeds
 * @returns {Promise<Record<string, { data: ArrayLike<any>, dims: readonly number[] }>>}
 */
async function runTheirs(file, feeds) {
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
  });
  const tensors = Object.entries(feeds).map(([name, given]) => [
    name,
    new ort.Tensor(/** @type {any} */ (given.type), elementsOf(given), given.shape),
  ]);
  const results = await session.run(Object.fromEntries(tensors));
  await session.release();
  return /** @type {any} */ (results);
}

/**
 * @param {Uint8Array} file
 * @param {Record<string, Given>} feeds
 */
async function runOurs(file, feeds) {
  const network = await importOnnx(file);
  // Inputs that no output depends on are none of ours.
  const tensors = network.inputs.map(({ name }) => {
    const { type, shape, data } = feeds[name];
    return [name, { data: (OURS[type] ?? Int32Array).from(data), shape }];
  });
  try {
    return /** @type {Record<string, any>} */ (network.run(Object.fromEntries(tensors)));
  } finally {
    network.dispose();
  }
}

/**
 * Fails where the two differ by more than that part of an output's largest value.
 *
 * @param {Operator} operator
 * @param {{ relative?: number, absolute?: number }} [tolerance]
 */
export async function expectAgreement(operator, { relative = 1e-5, absolute = 1e-6 } = {}) {
  const feeds = Object.fromEntries(
    operator.inputs.flatMap((given, i) => (given && !given.constant ? [[`input${i}`, given]] : [])),
  );
  await expectSame(fileOf(operator), feeds, { relative, absolute });
}

/**
 * The same of any network.
 *
 * @param {Uint8Array} file
 * @param {Record<string, Given>} feeds
 * @param {{ relative?: number, absolute?: number }} [tolerance]
 */
export async function expectSame(file, feeds, { relative = 1e-5, absolute = 1e-6 } = {}) {
  const expected = await runTheirs(file, feeds);
  const results = await runOurs(file, feeds);
  for (const [name, { data, dims }] of Object.entries(expected)) {
    const wanted = Array.from(data, Number);
    const most = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    assert.deepEqual(results[name].shape, [...dims], `the shape of ${name}`);
    wanted.forEach((number, i) => {
      const ours = Number(results[name].data[i]);
      const isNear = Math.abs(ours - number) <= relative * most + absolute;
      assert(isNear || Object.is(ours, number), `${name}[${i}] is ${ours}, not ${number}`);
    });
  }
}

/** Values drawn from a source of numbers in [0, 1). @param {() => number} random */
export function drawing(random) {
  const size = (/** @type {number[]} */ shape) => shape.reduce((a, b) => a * b, 1);
  return {
    /** @param {number[]} shape @param {number} [most] @returns {Given} within ±most */
    floats: (shape, most = 1) => ({
      type: 'float32',
      shape,
      data: Array.from({ length: size(shape) }, () => Math.fround((2 * random() - 1) * most)),
    }),
    /**
     * @param {TypeName} type
     * @param {number[]} shape
     * @param {[number, number]} range from and to, both included
     * @returns {Given}
     */
    integers: (type, shape, [least, most]) => ({
      type,
      shape,
      data: Array.from(
        { length: size(shape) },
        () => least + Math.floor(random() * (most - least + 1)),
      ),
    }),
    /** @template T @param {T[]} list */
    oneOf: (list) => list[Math.floor(random() * list.length)],
    coin: () => random() < 0.5,
  };
}

/** The same as a constant of the file. @param {Given} given @returns {Given} */
export const constant = (given) => ({ ...given, constant: true });
