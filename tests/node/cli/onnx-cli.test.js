// SPDX-License-Identifier: Apache-2.0

/** The command with networks of ONNX and arrays of NumPy. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { formatNpy, readNpy } from '../../../web/cli/common/npy.js';
import { Model } from '../../../web/lib/lowtropy.js';
import { inFile, model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';
import { makePng } from '../../support/pictures.js';

const CLI = fileURLToPath(new URL('../../../web/cli/lowtropy.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lowtropy-onnx-cli-'));
after(() => rmSync(folder, { recursive: true }));
const at = (/** @type {string} */ name) => join(folder, name);

/**
 * @param {...string} args
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
function lowtropy(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/**
 * @param {string} name
 * @param {Partial<import('../../../web/lib/model/values.js').NamedTensor>} array
 */
function writeNpy(name, array) {
  writeFileSync(at(name), formatNpy(/** @type {any} */ ({ type: 'float32', ...array })));
}

/** Of NumPy itself: np.save of arange(6, dtype='>i2').reshape(2, 3).T, which is in Fortran's order. */
const FORTRAN = Buffer.from(
  `\x93NUMPY\x01\x00v\x00{'descr': '>i2', 'fortran_order': True, 'shape': (3, 2), }${' '.repeat(59)}\n` +
    '\x00\x00\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05',
  'latin1',
);

before(() => {
  // y = mean of each channel + offset, z = the number of samples.
  const network = model({
    inputs: [
      value('x', tensorType('float32', ['n', 3, 4, 4])),
      value('offset', tensorType('int64', [3])),
    ],
    outputs: [value('y', tensorType('float32', ['n', 3])), value('z', tensorType('int64', [1]))],
    nodes: [
      node('GlobalAveragePool', ['x'], ['p']),
      node('Flatten', ['p'], ['f']),
      node('Cast', ['offset'], ['o'], { attributes: { to: { int: 1 } } }),
      node('Add', ['f', 'o'], ['y']),
      node('ArgMax', ['offset'], ['z'], { attributes: { axis: { int: 0 } } }),
    ],
  });
  writeFileSync(at('two.onnx'), network);
  const picture = model({
    inputs: [value('x', tensorType('float32', [1, 3, 4, 4]))],
    outputs: [value('y', tensorType('float32', [1, 3]))],
    initializers: [
      inFile(tensor('w', 'float32', [3, 3]), { location: 'weights.bin', length: '36' }),
    ],
    nodes: [
      node('GlobalAveragePool', ['x'], ['p']),
      node('Flatten', ['p'], ['f']),
      node('MatMul', ['f', 'w'], ['y']),
    ],
  });
  writeFileSync(at('picture.onnx'), picture);
  writeFileSync(
    at('weights.bin'),
    new Uint8Array(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1).buffer),
  );
  writeNpy('f2.npy', { data: Float32Array.of(1, 2), shape: [2] });
  writeFileSync(at('classes.txt'), 'red\ngreen\nblue\n');
  writeFileSync(
    at('green.png'),
    makePng({ width: 4, height: 4, colourType: 2, samples: () => [0, 255, 0] }),
  );
});

describe('npy', () => {
  test('what is written is read', async () => {
    const arrays = /** @type {const} */ ([
      { type: 'float32', data: Float32Array.of(1.5, -0, NaN, 3e38), shape: [2, 2] },
      { type: 'int32', data: Int32Array.of(-1, 2, 3), shape: [3] },
      { type: 'bool', data: Uint8Array.of(1), shape: [] },
      { type: 'float32', data: new Float32Array(0), shape: [0, 4] },
    ]);
    for (const array of arrays) {
      const file = formatNpy(/** @type {any} */ (array));
      writeFileSync(at('a.npy'), file);
      assert.deepEqual(await readNpy(at('a.npy')), { data: array.data, shape: array.shape });
      // As NumPy aligns it.
      assert.equal((10 + file[8] + 256 * file[9]) % 64, 0);
    }
  });

  test("in Fortran's order, with the large end first", async () => {
    writeFileSync(at('f.npy'), FORTRAN);
    const { data, shape } = await readNpy(at('f.npy'));
    assert.deepEqual({ data: [...data], shape }, { data: [0, 3, 1, 4, 2, 5], shape: [3, 2] });
  });

  test('of all types', async () => {
    /** @type {Array<[string, ArrayBufferView, number[]]>} */
    const cases = [
      ['<f2', Uint16Array.of(0x3c00, 0xc000), [1, -2]],
      ['<f8', Float64Array.of(0.1, -2), [0.1, -2]],
      ['|b1', Uint8Array.of(1, 0), [1, 0]],
      ['|u1', Uint8Array.of(255, 0), [255, 0]],
      ['|i1', Int8Array.of(-1, 0), [-1, 0]],
      ['<u2', Uint16Array.of(65535, 0), [65535, 0]],
      ['<i4', Int32Array.of(-5, 0), [-5, 0]],
      ['<u4', Uint32Array.of(4e9, 0), [4e9, 0]],
      ['<i8', BigInt64Array.of(-5n, 7n), [-5, 7]],
    ];
    for (const [descr, { buffer }, numbers] of cases) {
      const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (2,), }`.padEnd(117);
      const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${header}\n`, 'latin1');
      writeFileSync(at('t.npy'), Buffer.concat([head, new Uint8Array(buffer)]));
      assert.deepEqual([...(await readNpy(at('t.npy'))).data], numbers, descr);
    }
  });

  /** @type {Array<[string, Uint8Array, RegExp]>} */
  const refused = [
    ['nothing', new Uint8Array(), /does not begin as a \.npy file/],
    ['a text', Buffer.from('1, 2, 3 and so on, and so forth'), /does not begin as a \.npy file/],
    [
      'texts',
      Buffer.from(FORTRAN.toString('latin1').replace('>i2', '<U2'), 'latin1'),
      /of the type "<U2"/,
    ],
    [
      'no shape',
      Buffer.from(FORTRAN.toString('latin1').replace('shape', 'shale'), 'latin1'),
      /header is not understood/,
    ],
    [
      'a shape too large',
      Buffer.from(FORTRAN.toString('latin1').replace('3, 2', '9, 9'), 'latin1'),
      /takes 162 bytes, and it has 12/,
    ],
    ['half of it', FORTRAN.subarray(0, 60), /./],
  ];
  for (const [what, bytes, message] of refused) {
    test(`refuses ${what}`, async () => {
      writeFileSync(at('bad.npy'), bytes);
      await assert.rejects(readNpy(at('bad.npy')), (error) => {
        assert(error instanceof Error && message.test(error.message), String(error));
        assert.match(error.message, /bad\.npy is no NumPy array/);
        return true;
      });
    });
  }
});

describe('cli: onnx', () => {
  test('import, inspect and run on arrays', async () => {
    const imported = await lowtropy('import', 'two.onnx', '-o', 'two.safetensors');
    assert.equal(imported.code, 0, imported.stderr);
    const inspected = await lowtropy('inspect', 'two.safetensors');
    assert.equal(inspected.code, 0, inspected.stderr);
    assert.match(inspected.stdout, /inputs "x" float32 n×3×4×4, "offset" int32 3, 0 layers/);
    writeNpy('x.npy', {
      data: Float32Array.from({ length: 96 }, (_, i) => Math.floor(i / 16)),
      shape: [2, 3, 4, 4],
    });
    writeNpy('o.npy', { type: 'int32', data: Int32Array.of(10, 30, 20), shape: [3] });
    const inputs = ['--input', 'x=x.npy', '--input', 'offset=o.npy'];
    const ran = await lowtropy('run', 'two.safetensors', ...inputs, '--output', 'y=y.npy');
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^y +float32 +2×3 +10 /m);
    assert.match(ran.stdout, /^z +int32 +1 +1 /m);
    const { data, shape } = await readNpy(at('y.npy'));
    assert.deepEqual({ data: [...data], shape }, { data: [10, 31, 22, 13, 34, 25], shape: [2, 3] });
    const json = await lowtropy('run', 'two.safetensors', ...inputs, '--json');
    const { outputs } = JSON.parse(json.stdout);
    assert.deepEqual(outputs[0], {
      ...{ name: 'y', type: 'float32', shape: [2, 3], least: 10, mean: 22.5, most: 34 },
    });
  });

  test('shapes and values given at import', async () => {
    const outcome = await lowtropy(
      ...['import', 'two.onnx', '-o', 'fixed.safetensors'],
      ...['--shape', 'x=2x3x4x4', '--value', 'offset=1,2,3'],
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const fixed = await Model.load(readFileSync(at('fixed.safetensors')));
    assert.deepEqual(
      fixed.inputs.map(({ name, shape }) => [name, shape]),
      [['x', [2, 3, 4, 4]]],
    );
    assert.deepEqual([...fixed.run({ x: Array(96).fill(0) }).y.data], [1, 2, 3, 1, 2, 3]);
    fixed.dispose();
  });

  test('pictures as the file says, with its labels', async () => {
    const outcome = await lowtropy(
      ...['import', 'picture.onnx', '-o', 'picture.safetensors', '--labels', 'classes.txt'],
      ...['--image', 'mean=0,0,0,std=25.5', '--image', 'order=BGR'],
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const shown = await lowtropy('run', 'picture.safetensors', 'green.png', '--json');
    const [first] = JSON.parse(shown.stdout).top;
    assert.deepEqual([first.index, first.label], [1, 'green']);
    assert(first.probability > 0.99);
    // What is typed counts more.
    const dim = await lowtropy(
      'run',
      'picture.safetensors',
      'green.png',
      '--json',
      '--image',
      'std=1e9',
    );
    assert(Math.abs(JSON.parse(dim.stdout).top[0].probability - 1 / 3) < 1e-3);
    // And the rest stays as the file says: green is green in another fit, by the file's deviation.
    const fit = await lowtropy(
      'run',
      'picture.safetensors',
      'green.png',
      '--json',
      '--image',
      'fit=contain',
    );
    assert(JSON.parse(fit.stdout).top[0].probability > 0.99, fit.stderr);
  });

  /** @type {Array<[string[], number, RegExp]>} */
  const refused = [
    [['import', 'two.onnx', '-o', 'x', '--shape', 'x=2x3'], 1, /2×3 does not fit the input "x"/],
    [
      ['import', 'two.onnx', '-o', 'x', '--shape', 'x'],
      2,
      /--shape takes NAME=1x3x416x416, not "x"/,
    ],
    [['import', 'two.onnx', '-o', 'x', '--value', 'offset=a'], 2, /--value takes NAME=N/],
    [
      ['import', 'two.onnx', '-o', 'x', '--image', 'men=3'],
      2,
      /--image takes KEY=VALUE with a key of mean, /,
    ],
    [
      ['import', 'two.onnx', '-o', 'x', '--image', 'mean=a'],
      2,
      /--image mean must be a number, or three/,
    ],
    [
      ['import', 'two.onnx', '-o', 'x', '--image', 'fill=1,2'],
      2,
      /--image fill must be one number/,
    ],
    [
      ['import', 'two.onnx', '-o', 'x', '--image', 'std=1', '--image', 'std=2'],
      2,
      /--image has std twice/,
    ],
    [['import', 'two.onnx', '-o', 'two.onnx'], 2, /would be overwritten/],
    [['import', 'none.onnx', '-o', 'x'], 1, /none\.onnx cannot be imported\. .*does not exist/],
    [
      ['import', 'classes.txt', '-o', 'x'],
      1,
      /classes\.txt cannot be imported\. The ONNX model is damaged/,
    ],
    [
      ['import', 'two.onnx', '-o', 'x', '--labels', 'classes.txt', '--max-memory', '10'],
      1,
      /--max-memory allows more/,
    ],
    [['import', 'a.net', '--prototxt', 'p', '-o', 'x', '--shape', 'x=1'], 2, /--shape is for ONNX/],
    [['run', 'two.safetensors', '--input', 'x=x.npy'], 1, /The input "offset" is missing/],
    [
      ['run', 'two.safetensors', '--input', 'x.npy'],
      2,
      /--input takes NAME=FILE\.npy with a name of "x", "offset"/,
    ],
    [
      ['run', 'two.safetensors', '--input', 'x=x.npy', '--input', 'x=o.npy'],
      2,
      /--input has "x" twice/,
    ],
    [
      ['run', 'two.safetensors', '--input', 'x=x.npy', '--input', 'offset=f2.npy'],
      1,
      /run on that\. .*input "offset" cannot be 2/,
    ],
    [
      ['run', 'two.safetensors', 'green.png', '--input', 'x=x.npy'],
      2,
      /pictures or --input and --output, not both/,
    ],
    [
      ['run', 'two.safetensors', 'green.png'],
      1,
      /takes the inputs .*not pictures of 3 channels; --input gives/,
    ],
    [['run', 'two.onnx', 'green.png'], 1, /it is an ONNX model\. importOnnx, or lowtropy import,/],
  ];
  for (const [args, code, message] of refused) {
    test(args.join(' '), async () => {
      const outcome = await lowtropy(...args);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr, message);
      assert.doesNotMatch(outcome.stderr, /\n\s+at /, 'no stack');
    });
  }
});

describe('cli: safetensors of others', () => {
  /** A matrix of 16 values and a vector of halves. */
  function foreign() {
    const header = new TextEncoder().encode(
      JSON.stringify({
        w: { dtype: 'F32', shape: [2, 2, 4], data_offsets: [0, 64] },
        b: { dtype: 'F16', shape: [2], data_offsets: [64, 68] },
      }),
    );
    const bytes = new Uint8Array(8 + header.length + 68);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    bytes.set(
      new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => i % 4).buffer),
      8 + header.length,
    );
    return bytes;
  }

  test('inspect shows their matrices', async () => {
    writeFileSync(at('theirs.safetensors'), foreign());
    const text = await lowtropy('inspect', 'theirs.safetensors');
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /weights without a network's graph.*1 matrices with 16 weights/);
    assert.match(text.stdout, /^w +F32 +2 +8 +12 +0\.250 +2\.00 +4 /m);
    const { stdout } = await lowtropy('inspect', 'theirs.safetensors', '--json');
    const { matrices, totals } = JSON.parse(stdout);
    assert.equal(matrices[0].entropy, 2);
    assert.equal(totals.bytesIn.dense, 64);
    assert.equal(totals.entropyBytes, 4);
  });

  test('they are not imported or run', async () => {
    writeFileSync(at('theirs.safetensors'), foreign());
    const imported = await lowtropy('import', 'theirs.safetensors', '-o', 'x');
    assert.equal(imported.code, 1);
    assert.match(imported.stderr, /it is a safetensors file\. It has weights without the graph/);
  });
});
