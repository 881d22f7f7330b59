// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  addRound,
  isDue,
  lookOf,
  newRecord,
  ratioOf,
  thin,
} from '../../../web/demo/train/record.js';
import {
  MAP_N,
  MAP_P,
  missingCells,
  runOfCell,
  settingsOfCell,
} from '../../../web/demo/train/map-cells.js';
import { between, dotRadius, planPicture } from '../../../web/demo/train/picture-layout.js';
import { defaultSettings } from '../../../web/demo/train/settings.js';

/** @typedef {import('../../../web/demo/train/record.js').RunRecord} RunRecord */

/**
 * @param {number} round
 * @param {{ accuracy?: number }} [more]
 * @returns {any} a round of two workers, of whom the second sends twice as much
 */
function roundOf(round, more = {}) {
  return {
    round,
    iterations: 10 * round,
    loss: 1 / round,
    denseSimulatedSeconds: 30,
    bytes: { up: [100, 200], down: [300, 300] },
    totals: {
      up: [100 * round, 200 * round],
      down: [300 * round, 300 * round],
      denseUp: [6000 * round, 6000 * round],
      denseDown: [6000 * round, 6000 * round],
      simulatedSeconds: round / 2,
    },
    ...more,
  };
}

/** @param {Partial<import('../../../web/demo/train/settings.js').Settings>} [values] */
function finished(values = {}) {
  const record = newRecord({ ...defaultSettings(), ...values }, 10, []);
  record.state = 'finished';
  return record;
}

describe('the record of a run', () => {
  it('has the mean of the workers, and what dense exchange would have sent', () => {
    const record = newRecord(defaultSettings(), 150, []);
    addRound(record, roundOf(1, { accuracy: 0.5 }));
    addRound(record, roundOf(2));
    assert.equal(record.last?.up, 300);
    assert.equal(record.last?.roundUp, 150);
    assert.equal(record.last?.down, 600);
    assert.equal(record.last?.denseUp, 12_000);
    assert.equal(ratioOf(record.last), 40);
    assert.equal(record.accuracy, 0.5);
    assert.equal(ratioOf(undefined), undefined);
  });

  it('adds up the time that dense exchange would have taken', () => {
    const record = newRecord(defaultSettings(), 150, []);
    for (let round = 1; round <= 4; ++round) addRound(record, roundOf(round));
    assert.equal(record.last?.denseSeconds, 4 * 30);
    assert.equal(record.points[1].denseSeconds, 60);
    assert.equal(record.last?.roundDense, 6000);
  });

  it('keeps no more points than a picture needs, but all accuracies and the last', () => {
    const record = newRecord(defaultSettings(), 10, []);
    for (let round = 1; round <= 5000; ++round) {
      addRound(record, roundOf(round, round % 500 === 0 ? { accuracy: round / 5000 } : {}));
    }
    assert(record.points.length <= 600);
    assert.equal(record.points.filter(({ accuracy }) => accuracy !== undefined).length, 10);
    assert.equal(record.points.at(-1)?.round, 5000);
    const rounds = record.points.map(({ round }) => round);
    assert.deepEqual(
      rounds,
      rounds.toSorted((a, b) => a - b),
    );
    assert.deepEqual(thin([]), []);
  });

  it('gives each kept run a look of its own', () => {
    /** @type {RunRecord[]} */
    const runs = [];
    for (let count = 0; count < 24; ++count) runs.push(newRecord(defaultSettings(), 1, runs));
    assert.equal(new Set(runs.map((run) => JSON.stringify(lookOf(run)))).size, 24);
    assert.equal(new Set(runs.map(({ id }) => id)).size, 24);
    const [, second, ...rest] = runs;
    void second;
    assert.equal(newRecord(defaultSettings(), 1, [runs[0], ...rest]).look, 1);
  });

  it('asks for the accuracy often in the beginning, and in the end', () => {
    const due = Array.from({ length: 1000 }, (_, index) => index + 1).filter((round) =>
      isDue(round, 1000),
    );
    assert.deepEqual(due.slice(0, 6), [1, 2, 4, 8, 16, 25]);
    assert.equal(due.at(-1), 1000);
    assert(due.length < 55);
    assert(isDue(7, 7));
  });
});

describe('the map of p and n', () => {
  it('names the settings of a cell', () => {
    const settings = defaultSettings();
    assert.deepEqual(settingsOfCell(settings, { p: 0.1, n: 25 }), {
      ...settings,
      method: 'sbc',
      p: 0.1,
      n: 25,
    });
    assert.equal(settingsOfCell(settings, { p: 1, n: 1 }).method, 'none');
    assert.equal(settingsOfCell(settings, { p: 1, n: 10 }).method, 'fedavg');
  });

  it('is filled by finished runs that differ in nothing else', () => {
    const settings = defaultSettings();
    const cell = { p: 0.01, n: 10 };
    const run = finished();
    assert.equal(runOfCell([run], settings, cell), run);
    assert.equal(runOfCell([run], { ...settings, p: 0.1, n: 100, link: 'lan' }, cell), run);
    assert.equal(runOfCell([run], settings, { p: 0.1, n: 10 }), undefined);
    assert.equal(runOfCell([run], settings, { p: 0.01, n: 1 }), undefined);
    assert.equal(runOfCell([run], { ...settings, seed: 2 }, cell), undefined);
    assert.equal(runOfCell([run], { ...settings, mask: true }, cell), undefined);
    assert.equal(runOfCell([{ ...run, state: 'stopped' }], settings, cell), undefined);
    const average = finished({ method: 'fedavg', p: 0.1, n: 25 });
    assert.equal(runOfCell([run, average], settings, { p: 1, n: 25 }), average);
    const again = finished();
    assert.equal(runOfCell([run, again], settings, cell), again);
  });

  it('tells what is missing', () => {
    const settings = defaultSettings();
    assert.equal(missingCells([], settings).length, MAP_P.length * MAP_N.length);
    const missing = missingCells([finished()], settings);
    assert.equal(missing.length, MAP_P.length * MAP_N.length - 1);
    assert(!missing.some(({ p, n }) => p === 0.01 && n === 10));
  });
});

describe('the picture of the network', () => {
  it('has all workers inside, apart from each other and from the server', () => {
    for (const width of [240, 300, 560, 1200]) {
      for (let workers = 2; workers <= 16; ++workers) {
        const { workers: places, server, radius, height } = planPicture(width, 270, workers);
        for (const [index, place] of places.entries()) {
          assert(place.x >= radius && place.x <= width - radius, `${width}, ${workers}`);
          assert(place.y >= radius && place.y <= height - radius, `${width}, ${workers}`);
          assert(Math.hypot(place.x - server.x, place.y - server.y) > radius + 26);
          for (const other of places.slice(index + 1)) {
            const distance = Math.hypot(place.x - other.x, place.y - other.y);
            assert(distance > 2 * radius, `${width} pixels, ${workers} workers: ${distance}`);
          }
        }
      }
    }
    assert.deepEqual(between({ x: 0, y: 10 }, { x: 10, y: 0 }, 0.25), { x: 2.5, y: 7.5 });
  });

  it('draws messages larger that are, by the same for each tenfold', () => {
    const radii = [100, 1000, 10_000, 100_000, 1e6].map(dotRadius);
    for (const [index, radius] of radii.slice(1).entries()) {
      assert(Math.abs(radius - radii[index] - 2.6) < 1e-9);
    }
    assert.equal(dotRadius(0), 0);
    assert(dotRadius(1) > 0);
  });
});
