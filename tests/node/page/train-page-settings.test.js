// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { COMPRESSORS, Simulation } from '../../../web/lib/index.js';
import { makeHash, parseHash } from '../../../web/demo/address.js';
import {
  METHOD_NAMES,
  MODEL_NAMES,
  PRESETS,
  defaultSettings,
  formatShare,
  parseSettings,
  runName,
  settingsToAddress,
  toOptions,
} from '../../../web/demo/train/settings.js';

/** @typedef {import('../../../web/demo/train/settings.js').Settings} Settings */

/** @param {Settings} settings there and back */
function throughAddress(settings) {
  return parseSettings(parseHash(makeHash('train', settingsToAddress(settings))).params);
}

describe('the settings of a run', () => {
  it('are not in the address as they are by default', () => {
    assert.deepEqual(settingsToAddress(defaultSettings()), {});
    assert.deepEqual(parseSettings(new URLSearchParams()), defaultSettings());
  });

  it('come back from the address', () => {
    /** @type {Settings} */
    const settings = {
      workers: 16,
      model: 'lenet5',
      data: 'digits',
      method: 'topk',
      p: 0.001,
      n: 100,
      mask: true,
      link: 'lan',
      split: 'labels:2',
      iterations: 77,
      batch: 3,
      rate: 0.0125,
      step: 0,
      examples: 500,
      seed: 4294967295,
    };
    assert.deepEqual(throughAddress(settings), settings);
    for (const model of /** @type {Settings['model'][]} */ (Object.keys(MODEL_NAMES))) {
      assert.deepEqual(throughAddress(defaultSettings(model)), defaultSettings(model));
    }
    // What another model has by default is no default here.
    const mixed = { ...defaultSettings('lenet5'), rate: defaultSettings('mlp').rate };
    assert.deepEqual(throughAddress(mixed), mixed);
  });

  it('are as by default where the address has what cannot be', () => {
    const wrong =
      'workers=1&model=vgg&method=zip&p=2&n=0&link=tin&split=labels:9&iterations=1e9&rate=-1' +
      '&batch=&seed=0.5&step=NaN&examples=3&mask=yes&data=constructor';
    assert.deepEqual(parseSettings(new URLSearchParams(wrong)), defaultSettings());
  });

  it('are options that the library takes, of each method and model', () => {
    assert.deepEqual(Object.keys(METHOD_NAMES).sort(), [...COMPRESSORS].sort());
    for (const method of COMPRESSORS) {
      for (const model of /** @type {Settings['model'][]} */ (Object.keys(MODEL_NAMES))) {
        for (const mask of [false, true]) {
          const settings = { ...defaultSettings(model), method, mask };
          assert.doesNotThrow(() => new Simulation(toOptions(settings)), `${method}, ${model}`);
        }
      }
    }
  });

  it('give runs names that tell them apart', () => {
    const names = PRESETS.map(({ values }) => runName({ ...defaultSettings(), ...values }));
    assert.deepEqual(names, [
      'Dense',
      'FedAvg, n = 10',
      'Top-k p = 0.1 %, n = 1',
      'SBC p = 1 %, n = 10',
    ]);
    assert.equal(
      runName({
        ...defaultSettings('lenet5'),
        split: 'labels:2',
        workers: 8,
        seed: 3,
        mask: true,
        data: 'own',
      }),
      'SBC p = 1 %, n = 10, masked, LeNet-5, own files, 2 digits each, 8 workers, seed 3',
    );
    assert.equal(formatShare(0.001), '0.1 %');
    assert.equal(formatShare(1), '100 %');
  });
});
