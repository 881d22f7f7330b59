// SPDX-License-Identifier: Apache-2.0

/** LSTM, GRU and RNN as onnxruntime computes them, drawn at random. */

import { describe, test } from 'node:test';

import { constant, drawing, expectAgreement } from '../../support/onnx-beside.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/** @typedef {import('../../support/onnx-beside.js').Given} Given */

const seed = chooseSeed();
const draw = drawing(makeRandom(seed));

const KINDS = {
  LSTM: { gates: 4, states: 2, functions: 3, flag: 'input_forget' },
  GRU: { gates: 3, states: 1, functions: 2, flag: 'linear_before_reset' },
  RNN: { gates: 1, states: 1, functions: 1, flag: undefined },
};

/** Those that states do not grow by. ONNX does not say the numbers of a ScaledTanh that has none. */
const FUNCTIONS = ['Sigmoid', 'Tanh', 'HardSigmoid', 'Softsign', 'LeakyRelu', 'Elu'];
const TAKES_ALPHA = ['HardSigmoid', 'ScaledTanh', 'LeakyRelu', 'Elu'];
const TAKES_BETA = ['HardSigmoid', 'ScaledTanh'];

/**
 * @param {number} count
 * @param {boolean} numbered whether they are given their numbers
 */
function drawFunctions(count, numbered) {
  const names = Array.from({ length: count }, () =>
    draw.oneOf(numbered ? [...FUNCTIONS, 'ScaledTanh'] : FUNCTIONS),
  );
  const numbersOf = (/** @type {string[]} */ takers) =>
    names.filter((name) => takers.includes(name)).map(() => draw.oneOf([0.25, 0.5, 0.75]));
  return {
    activations: { strings: names },
    ...(numbered && {
      activation_alpha: { floats: numbersOf(TAKES_ALPHA) },
      activation_beta: { floats: numbersOf(TAKES_BETA) },
    }),
  };
}

/** @param {keyof typeof KINDS} op @param {{ lengths?: boolean, runTime?: boolean }} [wanted] */
async function checkOne(op, { lengths, runTime } = {}) {
  const { gates, states, functions, flag } = KINDS[op];
  const direction = draw.oneOf(['forward', 'reverse', 'bidirectional']);
  const directions = direction === 'bidirectional' ? 2 : 1;
  const [steps, batch, features, size] = [5, 3, 4, draw.oneOf([1, 6])];
  const rows = gates * size;
  const begin = () => (draw.coin() ? draw.floats([directions, batch, size]) : undefined);
  const given = draw.integers('int32', [batch], [1, steps]);
  /** @type {Array<Given | undefined>} */
  const inputs = [
    draw.floats([steps, batch, features]),
    constant(draw.floats([directions, rows, features])),
    constant(draw.floats([directions, rows, size], 0.5)),
    draw.coin() ? constant(draw.floats([directions, 2 * rows])) : undefined,
    lengths ? (runTime ? given : constant(given)) : undefined,
    ...Array.from({ length: states }, begin),
  ];
  if (op === 'LSTM' && draw.coin()) inputs.push(constant(draw.floats([directions, 3 * size])));
  await expectAgreement({
    op,
    version: 14,
    inputs,
    outputs: new Array(1 + states).fill('float32'),
    attributes: {
      hidden_size: { int: size },
      direction: { string: direction },
      ...(draw.coin() && { clip: { float: 0.6 } }),
      ...(flag && draw.coin() && { [flag]: { int: 1 } }),
      ...(draw.coin() && drawFunctions(functions * directions, draw.coin())),
    },
  });
}

describe(`ONNX: recurrent operators beside onnxruntime, LOWTROPY_SEED=${seed}`, () => {
  for (const op of /** @type {Array<keyof typeof KINDS>} */ (Object.keys(KINDS))) {
    test(`${op} with all that it may have`, async () => {
      for (let round = 0; round < 24; ++round) await checkOne(op);
    });
    test(`${op} of sequences whose lengths the file has`, async () => {
      for (let round = 0; round < 12; ++round) await checkOne(op, { lengths: true });
    });
    test(`${op} of sequences whose lengths a run is given`, async () => {
      for (let round = 0; round < 12; ++round) await checkOne(op, { lengths: true, runTime: true });
    });
  }
});
