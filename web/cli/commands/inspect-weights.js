// SPDX-License-Identifier: Apache-2.0

/** What is in a safetensors file that is no model of ours, and what its matrices would take here. */

import { FORMATS, Matrix, init } from '../../lib/lowtropy.js';
import { floatsOf, readSafetensors } from '../../lib/import/safetensors.js';
import { formatBytes, formatTable, makeProgress, print, printable } from '../common/terminal.js';

/**
 * @typedef {import('../../lib/import/safetensors.js').StoredTensor} StoredTensor
 * @typedef {import('../../lib/lowtropy.js').FormatName} FormatName
 *
 * @typedef {object} MatrixFacts
 * @property {string} name
 * @property {string} dtype
 * @property {number[]} shape
 * @property {number} bytes in the file
 * @property {number} rows its first dimension
 * @property {number} cols all others
 * @property {number} nnz
 * @property {number} p0
 * @property {number} entropy
 * @property {number} distinct
 * @property {FormatName} autoFormat what `auto` picks for products with a vector
 * @property {Record<FormatName, number>} bytesIn each format
 */

/**
 * @param {Uint8Array} bytes of the file
 * @returns {boolean} whether it is a safetensors file and no model of ours
 */
export function isForeign(bytes) {
  const start = Buffer.from(bytes.subarray(4, 60)).toString('latin1');
  return (
    /^\0{4}\{/.test(start) && !start.slice(4).startsWith('{"__metadata__":{"format":"lowtropy"')
  );
}

/**
 * @param {string} file
 * @param {Uint8Array} bytes
 * @param {boolean} json
 */
export async function inspectWeights(file, bytes, json) {
  await init();
  const tensors = readSafetensors(bytes);
  const progress = makeProgress(`Looking at ${file}`);
  /** @type {MatrixFacts[]} */
  const matrices = [];
  const others = [];
  for (const [index, tensor] of tensors.entries()) {
    const facts = factsOf(tensor);
    if (facts) matrices.push(facts);
    else others.push(tensor);
    progress(index + 1, tensors.length);
  }
  const fileBytes = bytes.length;
  const otherBytes = others.reduce((sum, tensor) => sum + tensor.bytes.length, 0);
  const description = { file, fileBytes, matrices, otherBytes, ...totalsOf(matrices) };
  print(json ? JSON.stringify(description, null, 2) : format(description));
}

/**
 * @param {StoredTensor} tensor
 * @returns {MatrixFacts | undefined} undefined for vectors, and for what has no finite numbers
 */
function factsOf(tensor) {
  const { name, dtype, shape, bytes } = tensor;
  const [rows, ...rest] = shape;
  const cols = rest.reduce((product, dim) => product * dim, 1);
  if (shape.length < 2 || rows * cols === 0) return undefined;
  const floats = floatsOf(tensor);
  if (!floats?.every(Number.isFinite)) return undefined;
  const matrix = Matrix.fromDense(floats, rows, cols, { format: 'dense' });
  const { nnz, p0, entropy, distinct } = matrix.stats();
  const { format: autoFormat, candidates } = matrix.choice();
  matrix.dispose();
  const bytesIn = /** @type {Record<FormatName, number>} */ (
    Object.fromEntries(candidates.map((candidate) => [candidate.format, candidate.bytes]))
  );
  return {
    ...{ name, dtype, shape, bytes: bytes.length, rows, cols },
    ...{ nnz, p0, entropy, distinct, autoFormat, bytesIn },
  };
}

/** @param {MatrixFacts[]} matrices */
function totalsOf(matrices) {
  const sum = (/** @type {(facts: MatrixFacts) => number} */ value) =>
    matrices.reduce((total, facts) => total + value(facts), 0);
  const weights = sum(({ rows, cols }) => rows * cols);
  return {
    totals: {
      weights,
      nnz: sum(({ nnz }) => nnz),
      bytes: sum(({ bytes }) => bytes),
      autoBytes: sum(({ bytesIn, autoFormat }) => bytesIn[autoFormat]),
      entropyBytes: sum(({ rows, cols, entropy }) => (rows * cols * entropy) / 8),
      bytesIn: Object.fromEntries(
        FORMATS.map((name) => [name, sum(({ bytesIn }) => bytesIn[name])]),
      ),
    },
  };
}

/**
 * @param {{ file: string, fileBytes: number, matrices: MatrixFacts[], otherBytes: number }
 *   & ReturnType<typeof totalsOf>} description
 */
function format({ file, fileBytes, matrices, otherBytes, totals }) {
  const overview = formatTable(
    ['matrix', 'type', 'rows', 'cols', 'nnz', 'p0', 'entropy', 'distinct', 'auto', 'size'],
    matrices.map((facts) => [
      ...[facts.name, facts.dtype, `${facts.rows}`, `${facts.cols}`, `${facts.nnz}`],
      ...[facts.p0.toFixed(3), facts.entropy.toFixed(2), `${facts.distinct}`],
      ...[facts.autoFormat, formatBytes(facts.bytesIn[facts.autoFormat])],
    ]),
  );
  const count = (/** @type {number} */ size) => (Number.isFinite(size) ? `${size}` : '–');
  const sizes = formatTable(
    ['bytes in', ...FORMATS],
    [
      ...matrices.map(({ name, bytesIn }) => [
        name,
        ...FORMATS.map((each) => count(bytesIn[each])),
      ]),
      ['total', ...FORMATS.map((each) => count(totals.bytesIn[each]))],
    ],
  );
  return [
    printable(
      `${file}: weights without a network's graph, ${formatBytes(fileBytes)}; ${matrices.length} matrices ` +
        `with ${totals.weights} weights, ${formatBytes(otherBytes)} of other tensors`,
    ),
    overview,
    sizes,
    `The matrices take ${formatBytes(totals.bytes)} in the file, ${formatBytes(totals.autoBytes)} in the formats that auto\n` +
      `picks, and ${formatBytes(totals.entropyBytes)} at their entropy. To run, a network needs its graph: lowtropy import\n` +
      'makes a model file of an ONNX export.',
  ].join('\n\n');
}
