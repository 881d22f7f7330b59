// SPDX-License-Identifier: Apache-2.0

/** Networks of ONNX that are dropped on the page, on Chromium. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { noData, readData } from '../../scripts/common/data.js';
import { dropFiles, takeScreenshot } from '../support/browser.js';
import { inFile, model, node, tensor, tensorType, value } from '../support/onnx-writer.js';
import { makePng } from '../support/pictures.js';
import { checkLook, read, usePage, waitForText, withPage } from './page.js';

/** @typedef {import('playwright-core').Page} Page */

usePage();

/**
 * The mean of each channel times ten, in the order of the channels as they come in.
 *
 * @param {string | number} [side] of the pictures
 */
function colours(side = 4) {
  return model({
    inputs: [value('x', tensorType('float32', ['n', 3, side, side]))],
    outputs: [value('y', tensorType('float32', ['n', 3]))],
    initializers: [tensor('w', 'float32', [3, 3], Float32Array.of(10, 0, 0, 0, 10, 0, 0, 0, 10))],
    nodes: [
      node('GlobalAveragePool', ['x'], ['p']),
      node('Flatten', ['p'], ['f']),
      node('MatMul', ['f', 'w'], ['y']),
    ],
  });
}

/** The energy of 100 samples, and how many of them there are; as networks that hear. */
function ear() {
  return model({
    inputs: [
      value('sound', tensorType('float32', [1, 100])),
      value('state', tensorType('float32', [1, 1])),
    ],
    outputs: [
      value('energy', tensorType('float32', [1, 1])),
      value('next', tensorType('float32', [1, 1])),
    ],
    nodes: [
      node('ReduceSumSquare', ['sound'], ['energy'], { attributes: { axes: { ints: [1] } } }),
      node('Add', ['state', 'energy'], ['next']),
    ],
  });
}

/**
 * @param {number[]} samples from -1 to 1, at 16 kHz
 * @returns {Buffer} a WAV file
 */
function wav(samples) {
  const file = Buffer.alloc(44 + 2 * samples.length);
  file.write('RIFF', 0).toString();
  file.writeUInt32LE(36 + 2 * samples.length, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(16_000, 24);
  file.writeUInt32LE(32_000, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((sample, i) => file.writeInt16LE(Math.round(32_767 * sample), 44 + 2 * i));
  return file;
}

const BLUE = makePng({ width: 4, height: 4, colourType: 2, samples: () => [0, 0, 255] });

describe('ONNX on the page', () => {
  test('names what a photograph shows, however its pixels come in', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      await dropFiles(page, [
        { name: 'colours.onnx', bytes: Buffer.from(colours()) },
        { name: 'names.txt', bytes: 'red\ngreen\nblue\n' },
      ]);
      await waitForText(page, '#status', /^colours\.onnx is loaded\.$/);
      await dropFiles(page, [{ name: 'sky.png', bytes: BLUE }]);
      await waitForText(page, '#classes li:first-child', /^blue\s+100/);
      await page.selectOption('#pixel-range', 'caffe');
      await waitForText(page, '#classes li:first-child', /^red\s+100/);
      await page.selectOption('#pixel-range', 'unit');
      await waitForText(page, '#classes li:first-child', /^blue\s+100/);
      // It is kept as a model file; its classes have their names.
      await page.reload();
      await waitForText(page, '#bytes', /Kept in this browser/);
      await dropFiles(page, [{ name: 'sky.png', bytes: BLUE }]);
      await waitForText(page, '#classes li:first-child', /^blue\s+100/);
    }));

  test('runs on noise, and on a recording', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      await dropFiles(page, [{ name: 'ear.onnx', bytes: Buffer.from(ear()) }]);
      await waitForText(page, '#inputs', /sound\s+float32 1×100\s+state\s+float32 1×1/);
      await waitForText(page, '#ran-on', /noise 1/);
      const energy = await read(page, '#outputs tbody tr:first-child');
      await page.click('#noise');
      await waitForText(page, '#ran-on', /noise 2/);
      assert.notEqual(await read(page, '#outputs tbody tr:first-child'), energy);
      // Silence, then a hundred samples of a half: 25 in all.
      const samples = [...Array(400).fill(0), ...Array(100).fill(0.5), ...Array(300).fill(0)];
      await dropFiles(page, [{ name: 'beep.wav', bytes: wav(samples) }]);
      await waitForText(page, '#ran-on', /beep\.wav/);
      await waitForText(page, '#outputs', /energy\s+float32 1×1\s+(25|2[45]\.\d+)\s/);
    }));

  test('says what is open, and takes usual sizes', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      // A reshape to the size of the first picture: what is computed depends on it.
      const flat = model({
        inputs: [value('x', tensorType('float32', [1, 3, 'h', 'w']))],
        outputs: [value('y', tensorType('float32', [1, 'all']))],
        nodes: [
          node('Shape', ['x'], ['s']),
          node('ReduceProd', ['s'], ['all'], { attributes: { keepdims: { int: 1 } } }),
          node('Reshape', ['all', 'none'], ['size']),
          node('Range', ['zero', 'size', 'one'], ['r']),
          node('Cast', ['r'], ['f'], { attributes: { to: { int: 1 } } }),
          node('GlobalMaxPool', ['x'], ['g']),
          node('ReduceMax', ['g'], ['m']),
          node('Add', ['f', 'm'], ['y']),
        ],
        initializers: [
          tensor('zero', 'int64', [], BigInt64Array.of(0n)),
          tensor('one', 'int64', [], BigInt64Array.of(1n)),
          tensor('none', 'int64', [0], new BigInt64Array()),
        ],
      });
      await dropFiles(page, [{ name: 'flat.onnx', bytes: Buffer.from(flat) }]);
      await waitForText(page, '#status', /leaves sizes open that matter; .* x: 1×3×224×224\.$/);
    }));

  test('finds data in files of their own, and misses them by name', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      const apart = model({
        inputs: [value('x', tensorType('float32', [1, 2]))],
        outputs: [value('y', tensorType('float32', [1, 2]))],
        initializers: [inFile(tensor('w', 'float32', [2, 2]), { location: 'w.bin', length: '16' })],
        nodes: [node('MatMul', ['x', 'w'], ['y'])],
      });
      const main = { name: 'apart.onnx', bytes: Buffer.from(apart) };
      await dropFiles(page, [main]);
      await waitForText(page, '#model-error', /w\.bin/);
      const bytes = Buffer.from(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
      await dropFiles(page, [{ name: 'w.bin', bytes }, main]);
      await waitForText(page, '#status', /apart\.onnx is loaded/);
    }));

  test('names other kinds of files, and the way from there', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      for (const [name, bytes, pattern] of /** @type {const} */ ([
        ['m.tflite', '\x1c\0\0\0TFL3', /is a TensorFlow Lite model, .* tf2onnx/i],
        ['m.pt', 'PK\x03\x04', /is a zip archive, as PyTorch, .*torch\.onnx\.export/],
        ['m.h5', '\x89HDF\r\n\x1a\n', /is an HDF5 file, .*Keras writes a network as ONNX/],
        ['m.gguf', 'GGUF', /is a GGUF model, .*optimum-cli/],
        ['m.onnx', 'rubbish', /damaged/],
      ])) {
        await dropFiles(page, [{ name, bytes: Buffer.from(bytes, 'latin1') }]);
        await waitForText(page, '#model-error', pattern);
      }
      const unknown = model({
        inputs: [value('x', tensorType('float32', [2]))],
        outputs: [value('y', tensorType('float32', [2]))],
        nodes: [node('Frobnicate', ['x'], ['y'])],
      });
      await dropFiles(page, [{ name: 'unknown.onnx', bytes: Buffer.from(unknown) }]);
      await waitForText(
        page,
        '#model-error',
        /Frobnicate \(version 17\): there is no such operator/,
      );
    }));

  test('has no barriers, and fits, light and dark', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      await dropFiles(page, [{ name: 'ear.onnx', bytes: Buffer.from(ear()) }]);
      await waitForText(page, '#ran-on', /noise 1/);
      await checkLook(page, 'onnx');
      await dropFiles(page, [{ name: 'colours.onnx', bytes: Buffer.from(colours()) }]);
      await dropFiles(page, [{ name: 'sky.png', bytes: BLUE }]);
      await waitForText(page, '#classes li:first-child', /class 2\s/);
      await checkLook(page, 'onnx-photograph');
    }));

  test('MobileNet v2 sees a Samoyed', { skip: noData }, () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      const bytes = readData('models/onnx', 'mobilenet_v2_1.0_224.onnx');
      await dropFiles(page, [{ name: 'mobilenet_v2.onnx', bytes }]);
      await waitForText(page, '#status', /mobilenet_v2\.onnx is loaded/);
      await page.selectOption('#pixel-range', 'signed');
      await page.click('#sample');
      // Of 1001 classes the first is the background.
      await waitForText(page, '#classes li:first-child', /^class 259\s/);
      await page.locator('#layers tbody tr').nth(50).waitFor();
      await takeScreenshot(page, 'onnx-mobilenet');
    }),
  );
});
