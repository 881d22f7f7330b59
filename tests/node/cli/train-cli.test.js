// SPDX-License-Identifier: Apache-2.0

/** `lowtropy train` as a user runs it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { simulationOptions } from '../../../web/cli/common/train-options.js';
import { Model, Simulation } from '../../../web/lib/index.js';
import { dataPath, noData } from '../../../scripts/common/data.js';

const CLI = fileURLToPath(new URL('../../../web/cli/lowtropy.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lowtropy-train-'));
after(() => rmSync(folder, { recursive: true }));

/** @type {import('node:child_process').ChildProcess[]} */
const children = [];
after(() => children.forEach((child) => child.kill('SIGKILL')));

const SMALL = ['--model', 'mlp', '--data', 'digits:100', '--workers', '2', '--batch', '4'];

/**
 * @typedef {{ code: number | null, stdout: string, stderr: string }} Outcome
 *
 * @param {string[]} args
 * @param {(text: string, interrupt: () => void) => void} [onOutput] called with all of stdout so far
 * @returns {Promise<Outcome>}
 */
function lowtropy(args, onOutput) {
  return new Promise((resolve, reject) => {
    const child = start(args);
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      onOutput?.(stdout, () => child.kill('SIGINT'));
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** @param {string[]} args */
function start(args) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

/** @param {...string} args */
const train = (...args) => lowtropy(['train', ...SMALL, ...args]);

/** @param {Outcome} outcome @returns {any[]} */
function jsonLines({ code, stdout, stderr }) {
  assert.deepEqual([code, stderr], [0, '']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** @param {string} name */
const read = (name) => readFileSync(join(folder, name));

describe('cli: train', () => {
  test('a line of JSON for each round, and a summary', async () => {
    const lines = jsonLines(
      await train(
        ...['--iterations', '5', '--delay', '2', '--evaluate-every', '2', '--sparsity', '0.02'],
        ...['--link', '1e6,1e7,0.5', '--step-seconds', '0.25', '--momentum-mask', '--json'],
      ),
    );
    assert.deepEqual(
      lines.map(({ round, iterations, accuracy }) => [round, iterations, accuracy !== undefined]),
      [
        [1, 2, false],
        [2, 4, true],
        [3, 5, true],
        [undefined, undefined, false],
      ],
    );
    const { summary } = lines[3];
    assert.equal(summary.accuracy, lines[2].accuracy);
    assert.deepEqual(
      [summary.iterations, summary.rounds, summary.workers, summary.stopped],
      [5, 3, 2, false],
    );
    for (const [all, way] of [
      [summary.upstreamBytes, 'up'],
      [summary.downstreamBytes, 'down'],
    ]) {
      const each = lines.slice(0, 3).map(({ bytes }) => bytes[way]);
      assert.deepEqual(
        all,
        [0, 1].map((worker) => each.reduce((sum, bytes) => sum + bytes[worker], 0)),
      );
    }
    const [one, other] = summary.upstreamBytes;
    assert.equal(summary.upstreamBytesPerWorker, (one + other) / 2);
    assert.equal(summary.denseBytesPerWorker, 4 * summary.weights * 5);
    assert.equal(summary.ratio, (2 * summary.denseBytesPerWorker) / (one + other));
    assert(summary.simulatedSeconds > 3 * 2 * 0.5 + 5 * 0.25);
    assert(summary.simulatedSeconds < 3 * 2 * 0.5 + 5 * 0.25 + 1);
    assert(summary.seconds > 0);
  });

  test('a text, and the model that reads it for inspect', async () => {
    writeFileSync(join(folder, 'text'), 'to be or not to be, '.repeat(60));
    const { code, stdout, stderr } = await lowtropy([
      ...['train', '--model', 'charlstm', '--data', 'text:text', '--workers', '2', '--batch', '4'],
      ...['--iterations', '2', '--save', 'c.safetensors', '--prune', '0.9', '--values', '8'],
    ]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^c\.safetensors: \d+\.\d kB; its weights are \d+\.\d times smaller\.\n$/m,
    );
    const inspected = await lowtropy(['inspect', 'c.safetensors', '--json']);
    assert.equal(inspected.code, 0, inspected.stderr);
    const { layers, inputShape } = JSON.parse(inspected.stdout);
    assert.deepEqual(inputShape, [1, 1, 50, 1]);
    assert.deepEqual(
      layers.map((/** @type {any} */ { name, op, columns, repeats, autoFormat, format }) => [
        name,
        op,
        columns,
        repeats,
        autoFormat === format,
      ]),
      [
        ['embedding', 'embedding', 0, 50, true],
        ['lstm_input', 'conv', 50, 1, true],
        ['lstm', 'lstm', 1, 50, true],
        ['fc', 'conv', 50, 1, true],
      ],
    );
    assert.deepEqual(await lowtropy(['run', 'c.safetensors', 'text']), {
      code: 1,
      stdout: '',
      stderr:
        'c.safetensors takes 1×50×1 values, not pictures of 3 channels; --input gives it arrays.\n',
    });
  });

  test('as text, and the model for inspect', async () => {
    const { code, stdout, stderr } = await train(
      ...['--iterations', '4', '--delay', '2', '--compressor', 'stc', '--downstream', 'recompress'],
      ...['--save', 'm.safetensors', '--prune', '0.9', '--values', '8', '--format', 'cser'],
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^iterations +loss +accuracy +sent +time +over the links\n2 +\d\.\d{4} +\d/,
    );
    assert.match(stdout, /^upstream +\d+(\.\d+)? k?B +4\.27 MB +\d+\.\d×$/m);
    assert.match(
      stdout,
      /^Done: 2 workers, 4 iterations each in 2 rounds; accuracy \d+\.\d\d %\.$/m,
    );
    assert.match(
      stdout,
      /^m\.safetensors: \d+\.\d kB; its weights are \d+\.\d times smaller\.\n$/m,
    );
    const inspected = await lowtropy(['inspect', 'm.safetensors', '--json']);
    assert.equal(inspected.code, 0, inspected.stderr);
    const { layers } = JSON.parse(inspected.stdout);
    assert.equal(layers.length, 3);
    for (const { distinct, p0, format } of layers) {
      assert(distinct <= 8 && p0 >= 0.89 && format === 'cser');
    }
  });

  test('stopped and resumed, the same is learned as at once', async () => {
    const args = ['--delay', '1', '--compressor', 'sbc'];
    await train(...args, '--iterations', '6', '--save', 'whole.safetensors');
    const half = await train(...args, '--iterations', '3', '--checkpoint', 'half.ltsim', '--json');
    assert.equal(jsonLines(half).at(-1).summary.iterations, 3);
    const rest = await lowtropy([
      'train',
      '--resume',
      'half.ltsim',
      '--iterations',
      '6',
      '--save',
      'rest.safetensors',
      '--json',
    ]);
    const lines = jsonLines(rest);
    assert.deepEqual(
      lines.map(({ iterations }) => iterations),
      [4, 5, 6, undefined],
    );
    assert.deepEqual(read('rest.safetensors'), read('whole.safetensors'));
  });

  test('Ctrl-C ends it after the round, with all that was asked for', async () => {
    let interrupted = false;
    const outcome = await lowtropy(
      ['train', ...SMALL, '--iterations', '1000000', '--delay', '2', '--json'].concat([
        '--checkpoint',
        'stopped.ltsim',
      ]),
      (text, interrupt) => {
        if (interrupted || !text.includes('\n')) return;
        interrupted = true;
        interrupt();
      },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(outcome.stderr, 'Ends after this round; once more, and it ends at once.\n');
    const { summary } = JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1) ?? '');
    assert(summary.stopped && summary.iterations < 1000);
    const { iterations } = summary;
    const next = await lowtropy([
      'train',
      '--resume',
      'stopped.ltsim',
      '--iterations',
      `${iterations + 1}`,
      '--json',
    ]);
    assert.equal(jsonLines(next).at(-1).summary.iterations, iterations + 1);
  });

  test('says who does not answer', async () => {
    const { code, stdout, stderr } = await train(
      '--iterations',
      '2',
      '--delay',
      '2',
      '--timeout',
      '1',
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Round 1: Worker [01] did not answer in time\.$/m);
    assert.match(stdout, /^2 +– +\d/m, 'no loss where nobody is counted');
  });

  test('real images', { skip: noData }, async () => {
    const outcome = await lowtropy([
      ...['train', '--data', `mnist:${dataPath('mnist')}`, '--model', 'mlp', '--workers', '2'],
      ...['--iterations', '2', '--delay', '2', '--batch', '4', '--split', 'labels:2', '--json'],
    ]);
    const [round, { summary }] = jsonLines(outcome);
    assert(round.loss > 1 && summary.accuracy > 0.02);
  });
});

/**
 * A training that does not end by itself.
 *
 * @param {string[]} args
 */
const startEndless = (...args) =>
  start(['train', ...SMALL, '--delay', '2', '--iterations', '1000000', '--json', ...args]);

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<{ code: number | null, signal: string | null }>}
 */
const ended = (child) =>
  new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));

/**
 * @param {import('node:stream').Readable} stream
 * @param {string} text
 * @returns {Promise<void>} when it has come
 */
function shows(stream, text) {
  return new Promise((resolve) => {
    let all = '';
    stream.on('data', (chunk) => {
      all += chunk;
      if (all.includes(text)) resolve();
    });
  });
}

describe('cli: train, nothing that was learned is lost', { concurrency: 2 }, () => {
  test('where the reader goes early', async () => {
    const child = start([
      ...['train', ...SMALL, '--delay', '1', '--iterations', '30', '--json'],
      ...['--save', 'early.safetensors'],
    ]);
    child.stdout.once('data', () => child.stdout.destroy());
    assert.deepEqual(await ended(child), { code: 0, signal: null });
    assert(read('early.safetensors').length > 1e6);
  });

  test('where the reader gets the same Ctrl-C', async () => {
    const child = startEndless('--save', 'tee.safetensors');
    await shows(child.stdout, '\n');
    child.stdout.destroy();
    child.kill('SIGINT');
    assert.deepEqual(await ended(child), { code: 0, signal: null });
    assert(read('tee.safetensors').length > 1e6);
  });

  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) {
    test(`by ${signal}`, async () => {
      const name = `${signal}.safetensors`;
      const child = startEndless('--save', name, '--checkpoint', `${signal}.ltsim`);
      await shows(child.stdout, '\n');
      child.kill(signal);
      child.kill(signal); // its echo, as npx has it
      assert.deepEqual(await ended(child), { code: 0, signal: null });
      assert(read(name).length > 1e6 && read(`${signal}.ltsim`).length > 1e6);
    });
  }

  test('where a checkpoint cannot be written any more', async () => {
    mkdirSync(join(folder, 'goes'));
    const child = startEndless(
      ...['--evaluate-every', '1', '--checkpoint', 'goes/c', '--save', 'stays.safetensors'],
    );
    await shows(child.stdout, '\n');
    const told = shows(child.stderr, 'goes/c does not exist.');
    rmSync(join(folder, 'goes'), { recursive: true });
    await told;
    child.kill('SIGINT');
    assert.deepEqual(await ended(child), { code: 1, signal: null });
    assert(read('stays.safetensors').length > 1e6);
  });

  test('where the model cannot be written any more', async () => {
    mkdirSync(join(folder, 'place'));
    const child = startEndless('--save', 'place/m.safetensors');
    await shows(child.stdout, '\n');
    rmSync(join(folder, 'place'), { recursive: true });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.kill('SIGINT');
    assert.deepEqual(await ended(child), { code: 1, signal: null });
    const [, other] =
      /place\/m\.safetensors does not exist\. What was learned is in (.*) instead\.$/m.exec(
        stderr,
      ) ?? [];
    assert(other, stderr);
    assert(readFileSync(other).length > 1e6);
    rmSync(other);
  });

  test('where the workers fail', async () => {
    const { code, stderr } = await train(
      ...['--iterations', '40', '--delay', '1', '--schedule', 'steps:3:1e30'],
      ...['--save', 'finite.safetensors', '--checkpoint', 'finite.ltsim'],
    );
    assert.equal(code, 1);
    assert.match(stderr, /^There is no worker left\. .*(NaN|inf).*\.$/m);
    assert(read('finite.safetensors').length > 1e6 && existsSync(join(folder, 'finite.ltsim')));
  });

  test('and nothing is written before anything is', async () => {
    writeFileSync(join(folder, 'good'), 'a model of yesterday');
    const { code, stderr } = await train(
      ...['--iterations', '5', '--learning-rate', '1e30', '--weight-decay', '1e30'],
      ...['--save', 'good'],
    );
    assert.equal(code, 1);
    assert.match(stderr, /^It ended before the first round: nothing was learned, and nothing is /m);
    assert.equal(read('good').toString(), 'a model of yesterday');
  });
});

describe('cli: train, streams', { concurrency: 2 }, () => {
  test('the model goes to stdout, and all else to stderr', async () => {
    const args = ['train', ...SMALL, '--iterations', '2', '--delay', '1', '--json'];
    for (const name of ['-', '/dev/stdout']) {
      const child = start([...args, '--save', name]);
      /** @type {Buffer[]} */
      const chunks = [];
      let stderr = '';
      child.stdout.on('data', (chunk) => chunks.push(chunk));
      child.stderr.on('data', (text) => (stderr += text));
      await new Promise((resolve) => child.once('close', resolve));
      assert.equal(child.exitCode, 0, stderr);
      const model = await Model.load(Buffer.concat(chunks));
      assert.equal(model.layers.length, 3);
      model.dispose();
      const lines = stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert(lines.length === 3 && lines[2].summary.iterations === 2);
    }
  });

  test('a model that nobody reads is an error', async () => {
    const child = start(['train', ...SMALL, '--iterations', '2', '--save', '-']);
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    assert.equal((await ended(child)).code, 1);
    assert.match(stderr, /^Standard output cannot be written: whoever reads it has stopped\./m);
  });

  test('a text, and a checkpoint, from stdin', async () => {
    const pipe = async (/** @type {string[]} */ args, /** @type {Buffer} */ input) => {
      const child = spawn(process.execPath, [CLI, 'train', ...args], { cwd: folder });
      let stderr = '';
      child.stderr.on('data', (text) => (stderr += text));
      child.stdin.end(input);
      child.stdout.resume();
      const { code } = await ended(child);
      assert.equal(code, 0, stderr);
    };
    const text = Buffer.from('to be or not to be, '.repeat(60));
    const small = ['--workers', '2', '--batch', '4', '--delay', '1'];
    await pipe(
      [...small, '--data', 'text:-', '--iterations', '1', '--checkpoint', 'piped.ltsim'],
      text,
    );
    writeFileSync(join(folder, 'same-text'), text);
    await pipe(
      ['--resume', '-', '--data', 'text:same-text', '--iterations', '2', '--save', 'piped.st'],
      read('piped.ltsim'),
    );
    assert(existsSync(join(folder, 'piped.st')));
    // It needs the text again, and does not open it unbidden.
    const { code, stderr } = await lowtropy(['train', '--resume', 'piped.ltsim']);
    assert.equal(code, 2);
    assert.match(stderr, /does not hold its data: hand them over as the option data\./);
  });
});

describe('cli: train, called wrongly', { concurrency: 2 }, () => {
  /** @type {Array<[args: string[], message: RegExp]>} */
  const cases = [
    [['something'], /"something" is one argument too many for lowtropy train/],
    [['--model', 'vgg'], /The model must be one of mlp, lenet5, resnet8, charlstm, not "vgg"/],
    [['--iterations', '0'], /--iterations must be a whole number from 1, not 0/],
    [['--prune', '2'], /--prune must be from 0 to below 1, not 2/],
    [['--prune', '1', '--save', 'm'], /--prune must be from 0 to below 1, not 1/],
    [['--values', '0'], /--values must be a whole number from 2 to 256, not 0/],
    [['--levels', '0', '--compressor', 'qsgd'], /The number of levels must be .* not 0/],
    [['--step', '0', '--compressor', 'signsgd'], /The step must be a number from 1e-38 to/],
    [['--max-data', '0'], /The most bytes of data must be a whole number from 1/],
    [['--save', ''], /--save must not be empty/],
    [['--checkpoint='], /--checkpoint must not be empty/],
    [['--save', 'a', '--checkpoint', './a'], /--save and --checkpoint are one file/],
    [['--save', '-', '--checkpoint', '-'], /--save and --checkpoint are one file/],
    [['--checkpoint', '-'], /--checkpoint is written again and again: it cannot be standard out/],
    [['--save', 'x', '--resume', './x'], /x is what is to be read; it would be overwritten/],
    [['--save', 'x', '--data', 'text:x'], /x is what is to be read; it would be overwritten/],
    [['--values', '1'], /--values must be a whole number from 2 to 256, not 1/],
    [['--link', '5'], /--link must be bit\/s up, bit\/s down and seconds of latency, as 1e6/],
  ];
  for (const [args, message] of cases) {
    test(args.join(' '), async () => {
      const { code, stdout, stderr } = await lowtropy(['train', ...args]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
      assert.match(stderr, /^[^\n]+\.\nSee lowtropy train --help\.\n$/);
    });
  }

  test('what is no number, link or schedule', () => {
    for (const [option, value, message] of /** @type {const} */ ([
      ['workers', 'two', '--workers must be a number, not "two".'],
      ['sparsity', '0x1', '--sparsity must be a number, not "0x1".'],
      ['learning-rate', '', '--learning-rate must be a number, not "".'],
      ['link', '5,fast', '--link must be a number, not "fast".'],
      [
        'schedule',
        'linear',
        '--schedule must be as cosine:2000 or steps:1000,1500:0.1, not "linear".',
      ],
      ['schedule', 'steps:1,x:2', '--schedule must be a number, not "x".'],
    ])) {
      assert.throws(() => simulationOptions({ [option]: value }), { name: 'Error', message });
    }
  });

  test('every option, as the library has it', () => {
    const options = simulationOptions({
      ...{ model: 'mlp', data: 'digits', workers: '3', batch: '8', optimizer: 'sgd' },
      ...{ 'learning-rate': '1e-2', momentum: '.5', 'weight-decay': '0', 'clip-norm': '5' },
      ...{ schedule: 'steps:10,20:0.5', compressor: 'stc', sparsity: '0.1', sampled: true },
      ...{ 'momentum-mask': true, 'dense-below': '4', delay: '2', downstream: 'recompress' },
      ...{ split: 'labels:2', participation: '0.5', timeout: '100', link: '1e6,2e6,0.1' },
      ...{ 'step-seconds': '0.1', seed: '5', 'evaluate-every': '7', 'max-data': '1e6' },
    });
    assert.deepEqual(options, {
      ...{ model: 'mlp', data: 'digits', workers: 3, batch: 8, delay: 2, downstream: 'recompress' },
      ...{ split: 'labels:2', participation: 0.5, timeout: 100, stepSeconds: 0.1, seed: 5 },
      evaluateEvery: 7,
      maxDataBytes: 1e6,
      link: { up: 1e6, down: 2e6, latency: 0.1 },
      optimizer: {
        ...{ name: 'sgd', learningRate: 0.01, momentum: 0.5, weightDecay: 0, clipNorm: 5 },
        schedule: { steps: [10, 20], factor: 0.5 },
      },
      compressor: {
        ...{ name: 'stc', sparsity: 0.1, denseBelow: 4, momentumMask: true, sampled: true },
      },
    });
    new Simulation(options);
    assert.deepEqual(simulationOptions({}), {});
    const { optimizer } = simulationOptions({ schedule: 'cosine:100' });
    assert.deepEqual(optimizer, { name: 'sgd', schedule: { cosine: 100 } });
  });

  test('files that cannot be used', async () => {
    writeFileSync(join(folder, 'rubbish'), 'rubbish');
    for (const [args, message] of /** @type {Array<[string[], RegExp]>} */ ([
      [['--resume', 'missing'], /^missing does not exist\.\n$/],
      [
        ['--resume', 'rubbish'],
        /^rubbish cannot be resumed\. This is no checkpoint of a simulation/,
      ],
      [['--save', 'nowhere/m'], /^nowhere does not exist\.\n$/],
      [['--save', 'm/'], /^m\/ is the name of a folder\.\n$/],
      [['--save', 'm'.repeat(256)], /^m+ has too long a name\.\n$/],
      [['--checkpoint', '.'], /^\. is a folder, not a file\.\n$/],
      [
        ['--data', 'mnist:nowhere'],
        /^nowhere holds no t10k-images-idx3-ubyte, with \.gz or without/,
      ],
      [['--data', 'text:missing'], /^missing does not exist\.\n$/],
    ])) {
      const { code, stdout, stderr } = await lowtropy(['train', ...args]);
      assert.deepEqual([code, stdout], [1, ''], stderr);
      assert.match(stderr, message);
    }
    assert(!existsSync(join(folder, 'nowhere')));
  });

  test('what a resumed run cannot have', async () => {
    const { code } = await train('--iterations', '1', '--checkpoint', 'one.ltsim');
    assert.equal(code, 0);
    const outcome = await lowtropy(['train', '--resume', 'one.ltsim', '--delay', '3']);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /^A resumed simulation keeps its delay; only data, timeout, /);
  });
});
