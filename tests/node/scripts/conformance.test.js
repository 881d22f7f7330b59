// SPDX-License-Identifier: Apache-2.0

/** As much of ONNX as RESULTS.md says, by ONNX's own tests. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { noOnnxTests } from '../../../scripts/common/data.js';
import { difference } from '../../../scripts/conformance/compare.js';
import { page } from '../../../scripts/conformance/report.js';
import { runTests } from '../../../scripts/conformance/run.js';

const RESULTS = new URL('../../../scripts/conformance/RESULTS.md', import.meta.url);

test(
  'conformance: the same tests pass, and the others for the same reasons',
  { skip: noOnnxTests },
  async () => {
    const results = [];
    for await (const result of runTests()) results.push(result);
    assert.equal(
      await page(results),
      readFileSync(RESULTS, 'utf8'),
      'npm run conformance writes it anew',
    );
  },
);

test('conformance: what is a difference', () => {
  const ofTwo = { shape: [2], data: [1, -Infinity] };
  assert.equal(difference('y', { shape: [2], data: [1.0005, -Infinity] }, ofTwo), undefined);
  assert.equal(
    difference('y', { shape: [2], data: [1.002, -Infinity] }, ofTwo),
    'y[0] is 1.002 instead of 1',
  );
  assert.equal(
    difference('y', { shape: [2], data: [1, 0] }, ofTwo),
    'y[1] is 0 instead of -Infinity',
  );
  assert.equal(difference('y', { shape: [1, 2], data: [1, 0] }, ofTwo), 'y is 1×2 instead of 2');
  const nan = { shape: [1], data: [NaN] };
  assert.equal(difference('y', nan, nan), undefined);
  assert.equal(difference('y', { shape: [1], data: [0] }, nan), 'y[0] is 0 instead of NaN');
});
