// SPDX-License-Identifier: Apache-2.0

/** The `lowtropy` command as a user runs it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { FORMATS, Model, importDeepCompression } from '../../../web/lib/index.js';
import { dataPath, noData } from '../../../scripts/common/data.js';
import { makeJpeg, makePng } from '../../support/pictures.js';
import { RANK_FIVE } from '../../support/rank-five.js';

const CLI = fileURLToPath(new URL('../../../web/cli/lowtropy.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lowtropy-cli-'));
after(() => rmSync(folder, { recursive: true }));

const PROTOTXT = `name: "small" input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 3 kernel_size: 1 } }
  layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
    pooling_param { pool: AVE global_pooling: true } }`;

/** Weights [[.5, 0, 0], [0, .25, 0], [0, 0, .5]] and no bias: an entry at 0, 4 and 8. */
function smallNet() {
  const floats = new Float32Array(256 + 3);
  floats.set([0, 0.5, 0.25]);
  return Buffer.concat([
    Uint8Array.of(3, 0, 0, 0),
    new Uint8Array(floats.buffer),
    Uint8Array.of(1, 2, 1),
    Uint8Array.of(0x30, 0x03),
  ]);
}

/**
 * @typedef {{ code: number | null, stdout: string, stderr: string }} Outcome
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<Outcome>}
 */
function execute(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** @param {...string} args */
const lowtropy = (...args) => execute(process.execPath, [CLI, ...args]);

/**
 * @param {Outcome} outcome
 * @param {number} expected exit code
 * @param {RegExp} message
 */
function failed({ code, stdout, stderr }, expected, message) {
  assert.equal(code, expected, stderr);
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /\n\s+at /, 'no stack');
  assert.equal(stdout, '');
}

/** @param {string[]} args @param {RegExp} message */
async function usageError(args, message) {
  const outcome = await lowtropy(...args);
  failed(outcome, 2, message);
  assert.match(outcome.stderr, /\nSee lowtropy( \w+)? --help\.\n$/);
}

/** @param {string[]} args @param {RegExp} message */
async function fileError(args, message) {
  const outcome = await lowtropy(...args);
  failed(outcome, 1, message);
  assert.match(outcome.stderr, /^[^\n]+\.\n$/, 'one line');
}

/** @param {string} name */
const at = (name) => join(folder, name);

before(async () => {
  writeFileSync(at('small.net'), smallNet());
  writeFileSync(at('small.prototxt'), PROTOTXT);
  writeFileSync(at('rubbish'), Buffer.alloc(3000, 'rubbish '));
  writeFileSync(at('empty'), '');
  mkdirSync(at('folder'));
  const model = await importDeepCompression(smallNet(), PROTOTXT, { format: 'cser' });
  writeFileSync(at('small.safetensors'), model.save());
  model.dispose();
  /** @type {(value: number[]) => () => number[]} */
  const plain = (value) => () => value;
  writeFileSync(
    at('blue.png'),
    makePng({ width: 4, height: 4, colourType: 2, samples: plain([123, 117, 110]) }),
  );
  writeFileSync(at('red.jpg'), makeJpeg(60, 40, plain([250, 100, 50])));
  writeFileSync(at('labels.txt'), 'n01440764 blue thing\nn01443537 green thing\r\nred thing\n\n');
});

describe('cli: help', () => {
  test('of the program, in each way', async () => {
    const [plain, ...others] = await Promise.all([
      lowtropy(),
      lowtropy('--help'),
      lowtropy('-h'),
      lowtropy('help'),
    ]);
    assert.equal(plain.code, 0);
    for (const command of ['import', 'inspect', 'run', 'train']) {
      assert.match(plain.stdout, new RegExp(`^  lowtropy ${command} .`, 'm'));
    }
    assert.match(plain.stdout, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
    for (const other of others) assert.deepEqual(other, plain);
  });

  for (const command of ['import', 'inspect', 'run', 'train']) {
    test(`of ${command}, with an example`, async () => {
      const [one, two] = await Promise.all([
        lowtropy('help', command),
        lowtropy(command, '--nothing', '--help').then((outcome) =>
          outcome.code === 2 ? lowtropy(command, 'x', '--help') : outcome,
        ),
      ]);
      assert.equal(one.code, 0);
      assert.match(one.stdout, new RegExp(`Example:\n  lowtropy ${command} .*M\\.safetensors`));
      assert.match(one.stdout, /Exit codes:/);
      assert.deepEqual(two, one);
      assert(one.stdout.split('\n').every((line) => line.length <= 100));
    });
  }

  test('the version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    );
    assert.deepEqual(await lowtropy('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('cli: wrong usage', { concurrency: 2 }, () => {
  /** @type {Array<[args: string[], message: RegExp]>} */
  const cases = [
    [['frobnicate'], /no command "frobnicate"; there are import, inspect, run/],
    [['help', 'frobnicate'], /no command "frobnicate"/],
    [['--json', 'inspect'], /no option --json before a command/],
    [['inspect'], /inspect needs more arguments/],
    [['inspect', 'a', 'b'], /"b" is one argument too many/],
    [['inspect', 'a', '--frob'], /Unknown option '--frob'/],
    [['inspect', 'a', '--json=yes'], /'--json' does not take an argument/],
    [['run'], /run needs more arguments/],
    [['run', 'small.safetensors'], /run needs pictures, or --input NAME=FILE\.npy for each input/],
    [['run', 'a', 'b', '--top'], /--top/],
    [['run', 'a', 'b', '--top', '0'], /--top must be a whole number from 1, not "0"/],
    [['run', 'a', 'b', '--top', '1.5'], /not "1.5"/],
    [['run', 'a', 'b', '--mean', '1,2'], /The mean must be one number or three, not 2/],
    [['run', 'a', 'b', '--mean', 'red'], /--mean must be a number, or three with commas .* "red"/],
    [['run', 'a', 'b', '--std', '1,0,1'], /The std must be a number above 0, not 0/],
    [['run', 'a', 'b', '--scale', '1,2,3'], /--scale must be one number/],
    [['run', 'a', 'b', '--order', 'GBR'], /"GBR"; it must be "BGR", "RGB" or "gray"/],
    [['run', 'a', 'b', '--format', 'zip'], /no format "zip"; there are auto, dense, csr, cer/],
    [['import', 'small.net', '-o', 'x'], /is no ONNX model; a \.net file needs --prototxt P/],
    [['import', 'small.net', '--prototxt', 'small.prototxt'], /import needs -o, --output M/],
    [['import', '--prototxt', 'small.prototxt', '-o', 'x'], /import needs more arguments/],
    [
      ['import', 'small.net', '--prototxt', 'small.prototxt', '-o', 'x', '--format', 'toString'],
      /no format "toString"/,
    ],
  ];
  for (const [args, message] of cases) test(args.join(' '), () => usageError(args, message));
});

describe('cli: import', () => {
  const args = ['import', 'small.net', '--prototxt', 'small.prototxt'];

  test('writes a model file, in the format asked for', async () => {
    for (const format of ['auto', 'palette']) {
      const outcome = await lowtropy(...args, '-o', 'new.safetensors', '--format', format);
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.match(outcome.stdout, /^new\.safetensors: 1 layers?, .*smaller than dense\.\n$/);
      assert.equal(outcome.stderr, '');
      const model = await Model.load(readFileSync(at('new.safetensors')));
      if (format !== 'auto') assert.equal(model.layers[0].format, format);
      assert.deepEqual(model.run(new Float32Array(48).fill(4)), Float32Array.of(2, 1, 2));
      model.dispose();
    }
  });

  test('never overwrites what it reads, by whatever name', async () => {
    copyFileSync(at('small.net'), at('mine.net'));
    symlinkSync(at('mine.net'), at('symbolic.net'));
    linkSync(at('mine.net'), at('hard.net'));
    const message = /it would be overwritten/;
    for (const output of ['mine.net', './folder/../mine.net', 'symbolic.net', 'hard.net']) {
      await usageError(
        ['import', 'mine.net', '--prototxt', 'small.prototxt', '--output', output],
        message,
      );
    }
    await usageError([...args, '-o', 'small.prototxt'], message);
    assert.deepEqual(readFileSync(at('mine.net')), smallNet());
  });

  test('writes whole files or none', async () => {
    writeFileSync(at('old'), 'what was there');
    await fileError(
      ['import', 'rubbish', '--prototxt', 'small.prototxt', '-o', 'old'],
      /rubbish with small\.prototxt cannot be imported\. .*"conv"/,
    );
    assert.equal(readFileSync(at('old'), 'utf8'), 'what was there');
    await fileError([...args, '-o', 'folder'], /^folder is a folder, not a file\.$/m);
    await fileError([...args, '-o', 'nowhere/x'], /^nowhere\/x does not exist/);
    await fileError([...args, '-o', 'rubbish/x'], /a part of its path is not a folder/);
    symlinkSync(at('old'), at('link'));
    const { code } = await lowtropy(...args, '-o', 'link');
    assert.equal(code, 0);
    assert.deepEqual(readFileSync(at('link')), readFileSync(at('old')));
    assert(readFileSync(at('old')).length > 100);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  test('rubbish, missing files and folders', async () => {
    const cases = /** @type {const} */ ([
      ['small.net', 'rubbish', /cannot be imported\. Line 1, /],
      ['small.net', 'empty', /cannot be imported/],
      ['empty', 'small.prototxt', /cannot be imported/],
      ['missing', 'small.prototxt', /^missing does not exist\.$/m],
      ['small.net', 'missing', /^missing does not exist\.$/m],
      ['folder', 'small.prototxt', /^folder is a folder, not a file\.$/m],
    ]);
    for (const [net, prototxt, message] of cases) {
      await fileError(['import', net, '--prototxt', prototxt, '-o', 'never'], message);
    }
    assert(!readdirSync(folder).includes('never'));
  });
});

describe('cli: inspect', () => {
  test('as JSON', async () => {
    const { code, stdout, stderr } = await lowtropy('inspect', 'small.safetensors', '--json');
    assert.deepEqual([code, stderr], [0, '']);
    const { file, name, inputShape, outputs, layers, totals } = JSON.parse(stdout);
    assert.deepEqual(
      [file, name, inputShape, outputs],
      ['small.safetensors', 'small', [1, 3, 4, 4], ['pool']],
    );
    assert.equal(layers.length, 1);
    const [{ rows, cols, nnz, p0, entropy, distinct, format, why, bytes, bytesIn }] = layers;
    assert.deepEqual([layers[0].name, rows, cols, nnz], ['conv', 3, 3, 3]);
    assert.deepEqual([p0, distinct, format], [6 / 9, 3, 'cser']);
    assert(Math.abs(entropy - 1.2243944) < 1e-6);
    assert.match(why, /^asked for; auto picks /);
    assert.deepEqual(Object.keys(bytesIn), [...FORMATS]);
    assert.deepEqual([bytesIn.dense, bytesIn.cser], [36, bytes]);
    assert.equal(totals.fileBytes, readFileSync(at('small.safetensors')).length);
    assert.deepEqual(
      [totals.weights, totals.nnz, totals.denseBytes, totals.vectorBytes],
      [9, 3, 36 + 12, 12],
    );
    assert.equal(totals.bytes, bytes + 12);
    assert.equal(totals.nanoseconds, layers[0].nanoseconds);
    assert(layers[0].nanoseconds > 0 && layers[0].measuredNanoseconds > 0);
    assert(totals.measuredNanoseconds >= layers[0].measuredNanoseconds / 2);
    assert(totals.measuredRuns >= 3);
    assert.equal(totals.autoBytes, 12 + bytesIn[layers[0].autoFormat]);
    for (const each of FORMATS) assert.equal(totals.bytesIn[each], 12 + bytesIn[each]);
  });

  test('as text', async () => {
    const { code, stdout, stderr } = await lowtropy('inspect', 'small.safetensors');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^small: input 1×3×4×4, 1 layers? with 9 weights, 3 of them \(33\.3 %\)/);
    assert.match(stdout, /^conv +3 +3 +3 +0\.667 +1\.22 +3 +cser +\d+ B +\d\.\d×$/m);
    assert.match(
      stdout,
      /^bytes in +dense +csr +cer +cser +palette +pcsr +mask +blocks +grid\nconv +36 /m,
    );
    assert.match(stdout, /^conv: cser, asked for; auto picks .*\.$/m);
    assert.match(stdout, /^dense +48 B +1\.0×$/m);
    assert.match(
      stdout,
      /^milliseconds +columns +predicted +measured\nconv +\d+( +\d+\.\d{3}){2}$/m,
    );
    assert.match(stdout, /^whole, \d+ runs +\d+\.\d{3}$/m);
  });

  test('without running it', async () => {
    const args = ['inspect', 'small.safetensors', '--no-times'];
    const [text, json] = await Promise.all([lowtropy(...args), lowtropy(...args, '--json')]);
    assert.deepEqual([text.code, text.stderr], [0, '']);
    assert.match(text.stdout, /^conv +\d+ +\d+\.\d{3} +–$/m);
    assert.match(text.stdout, /^whole, 0 runs +–$/m);
    assert.match(text.stdout, /^No times were measured: --no-times was given\.$/m);
    const { layers, totals } = JSON.parse(json.stdout);
    assert.deepEqual([layers[0].measuredNanoseconds, totals.measuredNanoseconds], [null, null]);
    assert.deepEqual([totals.measuredRuns, totals.timesLeftOut], [0, '--no-times was given']);
    assert(totals.work >= 3 * 3 * 16);
  });

  test('limits', async () => {
    const { work } = JSON.parse(
      (await lowtropy('inspect', 'small.safetensors', '--json', '--no-times')).stdout,
    ).totals;
    for (const command of ['inspect', 'run']) {
      const args = [command, 'small.safetensors', ...(command === 'run' ? ['x.png'] : [])];
      await fileError(
        [...args, '--max-work', `${work - 1}`],
        /^small\.safetensors is not loaded\. The network asks for .* --max-work allows more\.\n$/,
      );
      await fileError([...args, '--max-memory', '1k'], / maxMemory is 1000\. --max-memory allows /);
    }
    await fileError(
      ['import', 'small.net', '--prototxt', 'small.prototxt', '-o', 'never', '--max-memory', '0'],
      /^small\.net is not imported\. The network asks for .* --max-memory allows more\.\n$/,
    );
    assert(!existsSync(at('never')));
    for (const bad of ['many', '-1', '1X']) {
      await usageError(
        ['inspect', 'small.safetensors', `--max-work=${bad}`],
        new RegExp(`^--max-work must be a number such as 300M or 2G, not "${bad}"\\.\n`),
      );
    }
    await usageError(
      ['inspect', 'small.safetensors', '--max-work='],
      /^--max-work must not be empty\.\n/,
    );
    const allowed = ['--max-work', `${work}`, '--max-memory', '0.001GB', '--no-times'];
    assert.equal((await lowtropy('inspect', 'small.safetensors', ...allowed)).code, 0);
  });

  test('a format that is not meant for the layer has no predicted time', async () => {
    const model = await importDeepCompression(smallNet(), PROTOTXT, { format: 'blocks' });
    writeFileSync(at('blocks.safetensors'), model.save());
    model.dispose();
    const [text, json] = await Promise.all([
      lowtropy('inspect', 'blocks.safetensors'),
      lowtropy('inspect', 'blocks.safetensors', '--json'),
    ]);
    assert.deepEqual([text.code, json.code], [0, 0]);
    assert.match(
      text.stdout,
      /^milliseconds +columns +predicted +measured\nconv +16 +– +\d+\.\d{3}$/m,
    );
    assert.match(text.stdout, /^all layers +– +\d+\.\d{3}$/m);
    assert.doesNotMatch(text.stdout, /Infinity|NaN/);
    const { layers, totals } = JSON.parse(json.stdout);
    assert.deepEqual([layers[0].nanoseconds, totals.nanoseconds], [null, null]);
    assert.equal(layers[0].nanosecondsIn.blocks, null);
    assert(layers[0].nanosecondsIn.cser > 0 && layers[0].measuredNanoseconds > 0);
  });

  test('from an address', async () => {
    const bytes = readFileSync(at('small.safetensors'));
    const server = createServer(({ url }, response) => {
      if (url === '/m') response.end(bytes);
      else response.writeHead(404).end();
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const url = `http://127.0.0.1:${port}/`;
    const { stdout } = await lowtropy('inspect', `${url}m`, '--json');
    assert.equal(JSON.parse(stdout).totals.fileBytes, bytes.length);
    await fileError(['inspect', `${url}other`], /cannot be fetched from .*other: .* 404/);
    server.closeAllConnections();
    server.close();
  });

  test('rubbish, missing files, folders, and files of another kind', async () => {
    await fileError(['inspect', 'rubbish'], /^rubbish cannot be loaded\. /);
    await fileError(['inspect', 'empty'], /^empty cannot be loaded\. /);
    await fileError(['inspect', 'small.net'], /^small\.net cannot be loaded\. /);
    await fileError(['inspect', 'missing'], /^missing does not exist\.$/m);
    await fileError(['inspect', 'folder'], /^folder is a folder, not a file\.$/m);
    writeFileSync(at('half'), readFileSync(at('small.safetensors')).subarray(0, -1));
    await fileError(['inspect', 'half'], /^half cannot be loaded\. /);
  });

  test('a reader that stops early', async () => {
    const { code, stdout, stderr } = await execute('/bin/sh', [
      '-c',
      `"${process.execPath}" "${CLI}" inspect small.safetensors | true`,
    ]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
  });
});

describe('cli: run', () => {
  test('a line of JSON for each picture', async () => {
    const { code, stdout, stderr } = await lowtropy(
      ...['run', 'small.safetensors', 'blue.png', 'red.jpg'],
      ...['--labels', 'labels.txt', '--json', '--top', '2'],
    );
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.trimEnd().split('\n');
    const [blue, red] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(Object.keys(blue), ['image', 'top', 'ms']);
    assert.deepEqual([blue.image, red.image], ['blue.png', 'red.jpg']);
    assert(blue.ms > 0 && blue.ms < 1000);
    // The picture is the mean but for blue, 6 above it: logits 3, 0, 0.
    const sum = Math.exp(3) + 2;
    assert.deepEqual(
      blue.top.map((/** @type {any} */ { index, label }) => [index, label]),
      [
        [0, 'blue thing'],
        [1, 'green thing'],
      ],
    );
    assert(Math.abs(blue.top[0].probability - Math.exp(3) / sum) < 1e-5);
    assert.deepEqual([red.top[0].index, red.top[0].label], [2, 'red thing']);
  });

  test('as text, and without labels', async () => {
    const args = ['run', 'small.safetensors', 'blue.png'];
    const text = await lowtropy(...args, '--labels', 'labels.txt');
    assert.match(text.stdout, /^blue\.png \(\d+\.\d ms\)\n {3}90\.9 % {2}0 {2}blue thing\n/);
    assert.equal(text.stdout.split('\n').length, 5);
    const { stdout } = await lowtropy(...args, '--json');
    const { top } = JSON.parse(stdout);
    assert.deepEqual(
      top.map((/** @type {any} */ { label }) => label),
      [null, null, null],
    );
  });

  test('in the format asked for', async () => {
    const outcomes = [];
    for (const format of ['auto', 'csr', 'cer']) {
      const { code, stdout } = await lowtropy(
        ...['run', 'small.safetensors', 'red.jpg', '--json', '--format', format],
      );
      assert.equal(code, 0);
      outcomes.push(JSON.parse(stdout).top);
    }
    for (const top of outcomes) assert.deepEqual(top, outcomes[0]);
  });

  test('the type of a picture is in its bytes, not its name', async () => {
    copyFileSync(at('blue.png'), at('blue.jpg'));
    const { code, stdout } = await lowtropy('run', 'small.safetensors', 'blue.jpg', '--json');
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).top[0].index, 0);
  });

  test('goes on after a bad picture', async () => {
    const { code, stdout, stderr } = await lowtropy(
      ...['run', 'small.safetensors', 'missing.jpg', 'blue.png', 'rubbish', 'folder', 'red.jpg'],
      '--json',
    );
    assert.equal(code, 1);
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).image),
      ['blue.png', 'red.jpg'],
    );
    assert.equal(
      stderr,
      'missing.jpg does not exist.\nrubbish is neither a JPEG nor a PNG picture.\n' +
        'folder is a folder, not a file.\n',
    );
  });

  test('names that would steer a terminal do not', async () => {
    const name = 'a\x1b[31mb.png';
    copyFileSync(at('blue.png'), at(name));
    const { stdout } = await lowtropy('run', 'small.safetensors', name);
    assert.match(stdout, /^a\?\[31mb\.png /);
    const { stderr } = await lowtropy('run', 'small.safetensors', `no${name}`);
    assert.match(stderr, /^noa\?\[31mb\.png does not exist\.\n$/);
  });

  test('mean, std, scale and order of the channels', async () => {
    const args = ['run', 'small.safetensors', 'red.jpg', '--json', '--top', '1'];
    const best = async (/** @type {string[]} */ ...more) =>
      JSON.parse((await lowtropy(...args, ...more)).stdout).top[0].index;
    assert.equal(await best(), await best('--mean', '104,117,123', '--std', '1', '--scale', '1'));
    // Blue and red change places.
    assert.notEqual(await best(), await best('--order', 'RGB'));
    // Every pixel is 0.
    const { stdout } = await lowtropy(...args.slice(0, -2), '--scale', '0');
    const [first, ...others] = JSON.parse(stdout).top;
    for (const { probability } of others) assert.equal(probability, first.probability);
  });

  test('labels of another network, and models that take no pictures', async () => {
    writeFileSync(at('two.txt'), 'one\ntwo\n');
    await fileError(
      ['run', 'small.safetensors', 'blue.png', 'red.jpg', '--labels', 'two.txt'],
      /There are 2 labels, but 3 classes/,
    );
    await fileError(
      ['run', 'small.safetensors', 'blue.png', '--labels', 'missing'],
      /^missing does not exist/,
    );
    const grey = await Model.fromGraph(
      {
        name: 'grey',
        input: { name: 'in', shape: [1, 4, 4] },
        nodes: [{ op: 'relu', name: 'r', inputs: ['in'], output: 'r' }],
        outputs: ['r'],
      },
      new Map(),
    );
    writeFileSync(at('grey.safetensors'), grey.save());
    grey.dispose();
    await fileError(
      ['run', 'grey.safetensors', 'blue.png'],
      /grey\.safetensors takes 1×4×4 values, not pictures of 3 channels/,
    );
    const { code, stdout } = await lowtropy('inspect', 'grey.safetensors');
    assert.equal(code, 0);
    assert.match(stdout, /^grey: input 1×1×4×4, 0 layers with 0 weights/);
  });

  test('models of several inputs', async () => {
    const several = await Model.fromGraph({ ...RANK_FIVE, name: 'five' }, new Map());
    writeFileSync(at('five.safetensors'), several.save());
    several.dispose();
    const inputs =
      '"a" float32 batch×2×3×2×width, "b" float32 batch×2×3×2×width, "ids" int32 batch×5';
    const { code, stdout, stderr } = await lowtropy('inspect', 'five.safetensors');
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout.split('\n')[0].split(', 0 layers')[0], `five: inputs ${inputs}`);
    const { stderr: refusal } = await lowtropy('run', 'five.safetensors', 'blue.png');
    assert.equal(
      refusal,
      `five.safetensors takes the inputs ${inputs}, not pictures of 3 channels; --input gives it arrays.\n`,
    );
  });
});

describe('cli: SqueezeNet', { skip: noData }, () => {
  test('imports, inspects and runs it', async () => {
    const network = 'squeezenet-deep-compression';
    const imported = await lowtropy(
      ...['import', dataPath(network, 'compressed_SqueezeNet.net'), '-o', 'm.safetensors'],
      ...['--prototxt', dataPath(network, 'SqueezeNet_deploy.prototxt')],
    );
    assert.equal(imported.code, 0, imported.stderr);
    const inspected = await lowtropy('inspect', 'm.safetensors', '--json');
    const { layers, totals } = JSON.parse(inspected.stdout);
    assert.deepEqual([layers.length, totals.weights], [26, 1244448]);
    assert.equal(totals.denseBytes, totals.bytesIn.dense);
    assert(totals.bytes <= totals.denseBytes / 4);
    assert.equal(totals.autoBytes, totals.bytes);
    const run = await lowtropy(
      ...['run', 'm.safetensors', dataPath('images', 'dog.jpg'), dataPath('images', 'cat.jpg')],
      ...['--labels', dataPath(network, 'synset.txt'), '--json'],
    );
    const [dog, cat] = run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).top);
    assert.deepEqual([dog[0].index, dog[0].label], [258, 'Samoyed, Samoyede']);
    assert(Math.abs(dog[0].probability - 0.78) < 0.01);
    const classes = cat.map((/** @type {any} */ { index }) => index);
    assert(classes.length === 5 && classes.includes(281) && classes.includes(282));
  });
});
