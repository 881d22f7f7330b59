// SPDX-License-Identifier: Apache-2.0

/** Every exported function is guarded; a module that has trapped is left alone until it is made anew. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';

import {
  Compressor,
  DisposedError,
  EngineError,
  Matrix,
  Model,
  decodeMessage,
  init,
  initTraining,
} from '../../../web/lib/index.js';
import { GuardedModule } from '../../../web/lib/core/guard.js';
import { makeBuffer } from '../../../web/lib/core/memory.js';
import { getNative } from '../../../web/lib/core/module.js';
import { getTraining } from '../../../web/lib/core/training.js';

/** What the guard itself is made of; none of them allocates on the C++ heap or throws. */
const BARE = ['takeError', 'errorMessage', 'takeFailedBytes', 'heldBytes'];

test('guard: nothing is bound without a guard', () => {
  const folder = new URL('../../../cpp/bindings/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.cc'),
  );
  let count = 0;
  for (const file of files) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    assert.doesNotMatch(source, /\.(constructor|property|class_function)[<(]/, file);
    for (const [, name, target] of source.matchAll(/\bfunction\(\s*"(\w+)",\s*([^,)\s]+)/g)) {
      assert(BARE.includes(name) || /^Guarded<&[\w:]+>$/.test(target), `${file}: ${name}`);
      ++count;
    }
  }
  assert(count > 60, `only ${count} functions were found`);
});

/**
 * A matrix whose place on the heap is outside of it.
 *
 * @returns {Matrix}
 */
function strayMatrix() {
  const matrix = Matrix.fromDense([0, 4, 4, 2], 2, 2, { format: 'cser' });
  const native = /** @type {any} */ (matrix.native);
  native.$$.ptr = 0xfffffff0;
  return matrix;
}

const FAILED = /^The WebAssembly module failed \(.+\) and what it held is lost; .*init\(\)\.$/;

/** @param {unknown} error */
function saysFailed(error) {
  assert(error instanceof EngineError, `${error}`);
  assert.match(error.message, FAILED);
  return true;
}

describe('guard: after a trap', () => {
  test('nothing enters the module any more, and init() makes another', async () => {
    await init();
    const whole = Matrix.fromDense([1, 2, 3, 4], 2, 2);
    const buffer = makeBuffer(8);
    const old = getNative();
    assert.throws(() => strayMatrix().toDense(), saysFailed);

    assert.throws(() => Matrix.fromDense([1], 1, 1), saysFailed);
    assert.throws(() => getNative(), saysFailed);
    for (const name of ['multiply', 'toDense', 'arrays', 'stats']) {
      assert.throws(() => /** @type {any} */ (whole)[name]([1, 1]), saysFailed, name);
    }
    assert.throws(() => whole.rows, saysFailed);
    for (const [name, value] of Object.entries(old)) {
      if (typeof value !== 'function' || value.prototype?.isDeleted) continue;
      assert.throws(() => value(), saysFailed, name);
    }
    whole.dispose();
    buffer.delete();

    await init();
    const other = Matrix.fromDense([1, 2, 3, 4], 2, 2);
    assert.deepEqual([...other.multiply([1, 1])], [3, 7]);
    assert.throws(() => buffer.bytes(), saysFailed);
    assert.throws(() => whole.rows, DisposedError);
  });

  test('what is asynchronous makes another by itself', async () => {
    assert.throws(() => strayMatrix().to('dense'), saysFailed);
    const graph = {
      name: 'g',
      input: { name: 'x', shape: [2, 1, 1] },
      outputs: ['y'],
      nodes: [{ op: 'fc', name: 'f', inputs: ['x'], output: 'y', weight: 'w', outChannels: 1 }],
    };
    const tensors = new Map([
      ['w', { kind: 'matrix', rows: 1, cols: 2, data: Float32Array.of(1, 2) }],
    ]);
    const model = await Model.fromGraph(/** @type {any} */ (graph), /** @type {any} */ (tensors));
    assert.deepEqual([...model.run([3, 4])], [11]);
  });

  test('the module for training as well', async () => {
    await initTraining();
    const compressor = new Compressor('sbc', {}, { w: 8 });
    const message = compressor.encode({ w: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    /** @type {any} */ (compressor.native).$$.ptr = 0xfffffff0;
    assert.throws(() => compressor.save(), saysFailed);
    assert.throws(() => decodeMessage(message), saysFailed);
    await initTraining();
    assert.equal(decodeMessage(message).round, 0);
    assert(getTraining().heldBytes() > 0);
  });
});

test('guard: every function and method of a module is replaced', () => {
  class Base {
    delete() {}
    isDeleted() {}
  }
  class Thing extends Base {}
  const calls = [];
  Object.assign(Thing.prototype, { fail: () => calls.push('fail'), work: () => 7 });
  let [kind, message] = [-2, ''];
  const native = {
    takeError: () => {
      const taken = kind;
      kind = -2;
      return taken;
    },
    errorMessage: () => new TextEncoder().encode(message),
    takeFailedBytes: () => 5,
    heldBytes: () => 6,
    columnSlack: 16,
    make: () => {
      [kind, message] = [0, 'No shape.'];
    },
    Thing,
  };
  const { exports } = new GuardedModule(native);
  assert.equal(exports.columnSlack, 16);
  assert.throws(() => exports.make(), { name: 'ShapeError', message: 'No shape.' });
  const thing = /** @type {any} */ (new exports.Thing());
  assert.equal(thing.work(), 7);
  [kind, message] = [2, 'No file.'];
  assert.throws(() => thing.fail(), { name: 'FileError' });
  [kind, message] = [3, ''];
  assert.throws(() => thing.work(), {
    name: 'MemoryError',
    message: 'Out of memory: 5 bytes were needed in one piece; 6 bytes are in use.',
  });
  thing.delete();
});
