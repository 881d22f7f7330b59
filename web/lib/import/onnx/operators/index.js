// SPDX-License-Identifier: Apache-2.0

/** All operators of ONNX that can become nodes of ours. */

import { ATTENTION } from './attention.js';
import { BLOCK_WEIGHTS } from './block-weights.js';
import { COMPOSITE } from './composite.js';
import { DETECTION } from './detection.js';
import { DETERMINANT } from './determinant.js';
import { EINSUM } from './einsum.js';
import { ELEMENTWISE } from './elementwise.js';
import { GRID_SAMPLE } from './grid-sample.js';
import { IMAGES } from './images.js';
import { LAYOUT } from './layout.js';
import { MICROSOFT_ATTENTION } from './microsoft-attention.js';
import { MICROSOFT_QUANTIZATION } from './microsoft-quantization.js';
import { LP_POOL } from './lp-pool.js';
import { MICROSOFT } from './microsoft.js';
import { NORMALIZATION } from './normalization.js';
import { PIECES } from './pieces.js';
import { POOLED_PLACES } from './pooled-places.js';
import { POOLING } from './pooling.js';
import { PRODUCTS } from './products.js';
import { QUANTIZATION } from './quantization.js';
import { RECURRENT } from './recurrent.js';
import { REDUCTION } from './reduction.js';
import { RESIZE } from './resize.js';
import { MICROSOFT_ROTARY, ROTARY } from './rotary.js';
import { SEARCH } from './search.js';
import { TRANSPOSED } from './transposed.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {(node: NodeView, lower: Lowering) => Value | Array<Value | undefined>} Lower
 *   Throws UnsupportedError whose message is a clause about the node, such as "its pads are negative".
 */

/** By domain and name. @type {Record<string, Record<string, Lower>>} */
const DOMAINS = {
  '': {
    ...ATTENTION,
    ...COMPOSITE,
    ...DETECTION,
    ...DETERMINANT,
    ...EINSUM,
    ...ELEMENTWISE,
    ...GRID_SAMPLE,
    ...IMAGES,
    ...LAYOUT,
    ...LP_POOL,
    ...NORMALIZATION,
    ...PIECES,
    ...POOLED_PLACES,
    ...POOLING,
    ...PRODUCTS,
    ...QUANTIZATION,
    ...RECURRENT,
    ...REDUCTION,
    ...RESIZE,
    ...ROTARY,
    ...SEARCH,
    ...TRANSPOSED,
  },
  'com.microsoft': {
    ...BLOCK_WEIGHTS,
    ...MICROSOFT,
    ...MICROSOFT_ATTENTION,
    ...MICROSOFT_QUANTIZATION,
    ...MICROSOFT_ROTARY,
  },
};

/**
 * @param {string} domain
 * @param {string} name
 * @returns {Lower | undefined} where there is none
 */
export function findOperator(domain, name) {
  const operators = Object.hasOwn(DOMAINS, domain) ? DOMAINS[domain] : {};
  return Object.hasOwn(operators, name) ? operators[name] : undefined;
}
