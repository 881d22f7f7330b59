// SPDX-License-Identifier: Apache-2.0

/** Which sources clang-tidy looks at together. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filesIn } from '../../../scripts/common/files.js';
import { unitsOf } from '../../../scripts/lint/tidy.js';

const SOURCES = ['cpp/lowtropy', 'tests/cpp'].flatMap((folder) => filesIn(folder, /\.cc$/));

test('units: each source is in one of them', () => {
  assert.deepEqual(unitsOf(SOURCES).flat().sort(), [...SOURCES].sort());
  assert.deepEqual(unitsOf([]), []);
  assert.deepEqual(unitsOf(['tests/cpp/graph_test.cc']), [['tests/cpp/graph_test.cc']]);
});

test('units: what is compiled for each instruction set stays alone', () => {
  const kernels = 'cpp/lowtropy/matrix/kernels/kernels.cc';
  assert.deepEqual(
    unitsOf(SOURCES).find((unit) => unit.includes(kernels)),
    [kernels],
  );
});

test('units: of tests or of the library, and never two neighbours', () => {
  for (const unit of unitsOf(SOURCES)) {
    assert.equal(new Set(unit.map((source) => source.startsWith('tests/'))).size, 1);
    const places = unit.map((source) => SOURCES.indexOf(source));
    assert(places.every((place, i) => i === 0 || place > places[i - 1] + 1));
  }
});
