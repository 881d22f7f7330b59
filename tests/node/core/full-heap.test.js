// SPDX-License-Identifier: Apache-2.0

/**
 * What happens where the heap is full, just below 4 GB: nobody's memory is given to another, what
 * cannot be done says how much it needed and how much is in use, and nothing is lost or leaked.
 *
 * Most of the heap is reserved without being touched, so that it takes none of the machine's memory.
 */

import assert from 'node:assert/strict';
import { freemem } from 'node:os';
import { after, before, describe, test } from 'node:test';

import {
  Aggregator,
  COMPRESSORS,
  Compressor,
  Dataset,
  FORMATS,
  Matrix,
  MemoryError,
  Model,
  Trainer,
  applyMessage,
  decodeMessage,
  init,
  initTraining,
} from '../../../web/lib/index.js';
import { makeBuffer } from '../../../web/lib/core/memory.js';
import { getNative } from '../../../web/lib/core/module.js';
import { getTraining, makeTrainingBuffer } from '../../../web/lib/core/training.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/** @typedef {import('../../../web/lib/core/module.js').NativeBuffer} NativeBuffer */
/** @typedef {(bytes: number) => NativeBuffer} MakeBuffer */

const GB = 2 ** 30;

/** @type {Array<[name: string, make: MakeBuffer]>} */
const MODULES = [
  ['lowtropy', makeBuffer],
  ['lowtropy-training', makeTrainingBuffer],
];

const seed = chooseSeed();
const random = makeRandom(seed);
console.log(`LOWTROPY_SEED=${seed}`);

/** @param {unknown} error */
function checkMemoryError(error) {
  assert(error instanceof MemoryError, `${error}`);
  assert.match(error.message, /^Out of memory: .*\d+ bytes .*; \d+ bytes are in use\.$/);
}

/**
 * Takes pieces until there are none of so many bytes any more.
 *
 * @param {MakeBuffer} make
 * @param {number} bytes
 * @param {NativeBuffer[]} taken
 */
function takeAll(make, bytes, taken) {
  for (;;) {
    try {
      taken.push(make(bytes));
    } catch (error) {
      checkMemoryError(error);
      return;
    }
  }
}

/**
 * Leaves less than 64 bytes in one piece.
 *
 * @param {MakeBuffer} make
 * @returns {NativeBuffer[]}
 */
function fill(make) {
  /** @type {NativeBuffer[]} */
  const taken = [];
  for (const bytes of [GB, 2 ** 26, 2 ** 22, 2 ** 18, 2 ** 14, 2 ** 10, 64]) {
    takeAll(make, bytes, taken);
  }
  return taken;
}

/** @param {NativeBuffer[]} buffers */
function free(buffers) {
  for (const buffer of buffers.splice(0)) buffer.delete();
}

/** @param {NativeBuffer} buffer */
function words(buffer) {
  const bytes = buffer.bytes();
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}

/**
 * Whether all words are `value`: the first is, and each is the one after it.
 *
 * @param {Uint32Array} values
 * @param {number} value
 */
function holds({ buffer, byteOffset, byteLength, 0: first }, value) {
  const but = (/** @type {number} */ from) =>
    new Uint8Array(buffer, byteOffset + from, byteLength - 4);
  return first === value && Buffer.compare(but(0), but(4)) === 0;
}

before(async () => {
  await init();
  await initTraining();
});

describe('full heap: live memory stays as it is', () => {
  const noMemory = freemem() > 6 * GB ? false : 'less than 6 GB of memory are free';

  for (const [name, make] of MODULES) {
    test(name, { skip: noMemory }, () => {
      /** @type {Map<NativeBuffer, number>} */
      const live = new Map();
      let stamp = 0;
      /** From 64 bytes to 256 MB, all magnitudes alike. */
      const size = () => 4 * Math.floor(16 * 2 ** (22 * random()));
      const put = () => {
        const buffer = make(size());
        words(buffer).fill(++stamp);
        live.set(buffer, stamp);
      };
      const check = () => {
        for (const [buffer, value] of live) {
          assert(holds(words(buffer), value), `block ${value} was overwritten`);
        }
      };
      for (let round = 0; round < 3; ++round) {
        let failures = 0;
        while (failures < 200) {
          try {
            put();
          } catch (error) {
            checkMemoryError(error);
            ++failures;
            if (failures % 50 === 0) dropSome(live, 0.1);
          }
        }
        check();
        dropSome(live, 0.6);
      }
      check();
      for (const buffer of live.keys()) buffer.delete();
    });
  }

  /**
   * @param {Map<NativeBuffer, number>} live
   * @param {number} share
   */
  function dropSome(live, share) {
    for (const buffer of [...live.keys()]) {
      if (random() >= share) continue;
      live.delete(buffer);
      buffer.delete();
    }
  }
});

/** @returns {{ graph: any, tensors: Map<string, any> }} a network whose description is 150 kB long */
function wordyNetwork() {
  const [inputs, rows, count] = [16, 16, 150];
  const tensors = new Map();
  const nodes = [];
  let input = 'data';
  for (let i = 0; i < count; ++i) {
    const name = `layer ${i} `.padEnd(130, 'é');
    const weight = `w${i}`.padEnd(128, '.');
    const data = Float32Array.from({ length: rows * inputs }, () => Math.floor(4 * random()));
    tensors.set(weight, { kind: 'matrix', rows, cols: inputs, data });
    nodes.push({
      op: 'fc',
      name,
      inputs: [input],
      output: name,
      weight,
      outChannels: rows,
    });
    input = name;
  }
  const graph = {
    name: 'wordy',
    input: { name: 'data', shape: [inputs, 1, 1] },
    outputs: [input],
    nodes,
  };
  return { graph, tensors };
}

/**
 * Does each thing with a heap that is full to the last bytes, and with all sorts of room in it; it
 * must work, or say that there is no memory. Afterwards it must work, and nothing be lost but some
 * room that is kept for the next time.
 *
 * @param {MakeBuffer} make
 * @param {() => number} held bytes of the heap that are in use
 * @param {Record<string, () => unknown>} actions each gives back what it takes
 */
function checkActions(make, held, actions) {
  for (const [name, action] of Object.entries(actions)) {
    action(); // what is made once and kept
    const before = held();
    const ballast = fill(make);
    let refusals = 0;
    for (let round = 0; round < 8; ++round) {
      const room = [0, 100, 5000, 60e3, 100e3, 200e3, 1e6, 4e6][round];
      const from = Math.floor(random() * ballast.length);
      let freed = 0;
      while (freed < room && ballast.length > 0) {
        const [buffer] = ballast.splice(from % ballast.length, 1);
        freed += buffer.bytes().length;
        buffer.delete();
        if (freed > 4e6) break;
      }
      try {
        action();
      } catch (error) {
        assert(error instanceof MemoryError, `${name}: ${error}`);
        checkMemoryError(error);
        ++refusals;
      }
      free(ballast);
      ballast.push(...fill(make));
    }
    free(ballast);
    action();
    assert(held() - before < 5e5, `${name}: ${held() - before} bytes were lost`);
    console.log(`  ${name}: refused ${refusals} times of 8`);
  }
}

test('full heap: matrices and models', async () => {
  const held = () => getNative().heldBytes();
  const { graph, tensors } = wordyNetwork();
  const model = await Model.fromGraph(graph, tensors);
  const input = Float32Array.from({ length: 16 }, random);
  const wanted = model.run(input);
  const values = Float32Array.from({ length: 300 * 400 }, () => Math.floor(5 * random()));
  const x = Float32Array.from({ length: 400 * 5 }, random);
  /** @type {Record<string, () => unknown>} */
  const actions = {
    'model.graph': () => structuredClone(JSON.parse(model.native.graph())),
    'model.layers': () => model.native.layers(),
    'model.run': () => assert.deepEqual(model.run(input), wanted),
    'model.profile': () => model.profile(input),
    'model.save': () => model.save(),
    'model.to': () => model.to('cser').dispose(),
  };
  for (const format of FORMATS) {
    const matrix = Matrix.fromDense(values, 300, 400, { format });
    actions[`${format}: fromDense`] = () =>
      Matrix.fromDense(values, 300, 400, { format }).dispose();
    actions[`${format}: toDense`] = () => assert.deepEqual(matrix.toDense(), values);
    actions[`${format}: to auto`] = () => matrix.to('auto').dispose();
    actions[`${format}: multiply`] = () => matrix.multiply(x, 5);
    actions[`${format}: arrays`] = () => matrix.arrays();
    actions[`${format}: stats, cost, choice`] = () => [
      matrix.stats(),
      matrix.cost(),
      matrix.choice(),
      matrix.format,
      matrix.byteLength,
    ];
  }
  checkActions(makeBuffer, held, actions);

  const file = model.save();
  const ballast = fill(makeBuffer);
  await assert.rejects(Model.load(file), checkRejection);
  await assert.rejects(Model.fromGraph(graph, tensors), checkRejection);
  free(ballast);
  (await Model.load(file)).dispose();
  assert.deepEqual(model.run(input), wanted);
});

test('full heap: updates and training', () => {
  const held = () => getTraining().heldBytes();
  const data = Dataset.digits({ count: 40, seed: 1 });
  const trainer = new Trainer({ model: 'mlp', data, batch: 8 });
  const update = { weights: Float32Array.from({ length: 60000 }, () => random() - 0.5) };
  const layout = { weights: 60000 };
  /** @type {Record<string, () => unknown>} */
  const actions = {
    digits: () => Dataset.digits({ count: 40, seed: 1 }).dispose(),
    'example, shards': () => [data.example(3), data.shards(2)],
    'new Trainer': () => new Trainer({ model: 'mlp', data, batch: 8 }).dispose(),
    'trainer.evaluate': () => trainer.evaluate(),
    'trainer.save': () => trainer.save(),
    'trainer.toGraph': () => trainer.toGraph(),
    'trainer.layout': () => trainer.layout,
  };
  for (const name of COMPRESSORS) {
    const compressor = new Compressor(name, {}, layout);
    const message = compressor.encode(update);
    const state = compressor.save();
    actions[`${name}: new`] = () => new Compressor(name, {}, layout).dispose();
    actions[`${name}: encode`] = () => compressor.encode(update);
    actions[`${name}: save`] = () => compressor.save();
    actions[`${name}: restore`] = () => Compressor.restore(state).dispose();
    actions[`${name}: decode`] = () => decodeMessage(message, layout);
    actions[`${name}: apply`] = () => applyMessage(message, structuredClone(update), 1);
    actions[`${name}: aggregate`] = () => {
      const aggregator = new Aggregator(name, {}, layout);
      try {
        aggregator.add(message);
        aggregator.finish();
      } finally {
        aggregator.dispose();
      }
    };
  }
  checkActions(makeTrainingBuffer, held, actions);
});

/** @param {unknown} error */
function checkRejection(error) {
  checkMemoryError(error);
  return true;
}

after(() => assert(getNative().heldBytes() < GB));
