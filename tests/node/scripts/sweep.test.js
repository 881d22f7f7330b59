// SPDX-License-Identifier: Apache-2.0

/** The sweep: what it covers, what it finds, and a run of a few seconds. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { FORMATS } from '../../../web/lib/index.js';
import { RIVALS, findCrossings, rangeOf } from '../../../scripts/sweep/crossings.js';
import { drawMatrix } from '../../../scripts/sweep/matrix.js';
import { spread } from '../../../scripts/sweep/panel.js';
import {
  FULL_PLAN,
  MATRIX_AXES,
  QUICK_PLAN,
  casesOf,
  keyOf,
  lineOf,
} from '../../../scripts/sweep/plan.js';
import { readResults, writeResults } from '../../../scripts/sweep/report.js';

/**
 * @typedef {import('../../../scripts/sweep/crossings.js').Point} Point
 * @typedef {import('../../../scripts/sweep/measure.js').Measurement} Measurement
 * @typedef {import('../../../scripts/sweep/plan.js').Axis} Axis
 */

describe('sweep: the plan', () => {
  test('covers the ranges', () => {
    /** @type {[Axis, number, number][]} */
    const ranges = [
      ['density', 0.01, 1],
      ['values', 2, 256],
      ['rows', 1, 1024],
      ['cols', 1, 1024],
      ['batch', 1, 1024],
    ];
    for (const [axis, first, last] of ranges) {
      const values = FULL_PLAN.axes[axis];
      assert(values[0] <= first && values[values.length - 1] >= last, axis);
      for (let i = 1; i < values.length; ++i) {
        // Between neighbours a straight line is not far from the truth.
        assert(values[i] > values[i - 1] && values[i] <= 2 * values[i - 1], axis);
      }
    }
    assert(FULL_PLAN.rounds >= 9);
    assert(FULL_PLAN.batches.includes(1) && FULL_PLAN.batches.length >= 2);
  });

  test('every case is there just once, those of one matrix in a row', () => {
    for (const plan of [FULL_PLAN, QUICK_PLAN]) {
      const keys = casesOf(plan).map(keyOf);
      assert.equal(new Set(keys).size, keys.length);
      for (const batch of plan.batches) {
        for (const axis of MATRIX_AXES) {
          for (const one of lineOf(plan, axis, batch))
            assert(keys.includes(keyOf(one)), keyOf(one));
        }
        for (const density of plan.grid.density) {
          for (const values of plan.grid.values) {
            assert(keys.includes(keyOf({ ...plan.base, density, values, batch })));
          }
        }
      }
      const matrices = casesOf(plan).map((one) => keyOf({ ...one, batch: 0 }));
      const changes = matrices.filter((key, i) => key !== matrices[i - 1]).length;
      assert.equal(changes, new Set(matrices).size);
    }
  });

  test('the base is on all of its axes', () => {
    for (const { base, batches, axes } of [FULL_PLAN, QUICK_PLAN]) {
      for (const axis of MATRIX_AXES) assert(axes[axis].includes(base[axis]), axis);
      for (const batch of batches) assert(axes.batch.includes(batch));
    }
  });
});

describe('sweep: matrices', () => {
  const shape = { rows: 40, cols: 50, density: 0.3, values: 16 };

  test('are as dense and have as many values as asked', () => {
    const matrix = drawMatrix(shape, 1);
    assert.equal(matrix.length, 2000);
    const counts = new Map();
    for (const value of matrix) counts.set(value, (counts.get(value) ?? 0) + 1);
    assert.equal(counts.get(0), 1400);
    counts.delete(0);
    assert.equal(counts.size, 15);
    for (const count of counts.values()) assert.equal(count, 40);
  });

  test('without zeros have all values too', () => {
    const matrix = drawMatrix({ ...shape, density: 1 }, 1);
    assert(!matrix.includes(0));
    assert.equal(new Set(matrix).size, 16);
  });

  test('are the same for equal seeds alone', () => {
    assert.deepEqual(drawMatrix(shape, 7), drawMatrix(shape, 7));
    assert.notDeepEqual(drawMatrix(shape, 7), drawMatrix(shape, 8));
  });

  test('of one element have one that is not 0', () => {
    const matrix = drawMatrix({ rows: 1, cols: 1, density: 0.01, values: 256 }, 1);
    assert.equal(matrix.length, 1);
    assert.notEqual(matrix[0], 0);
  });
});

describe('sweep: crossings', () => {
  /** @param {(x: number) => number} ratio @param {number[]} xs @returns {Point[]} */
  const curve = (ratio, xs) => xs.map((x) => [x, ratio(x)]);

  test('of power laws are found exactly', () => {
    // Straight on logarithmic scales: 1 at x = 30.
    const rising = findCrossings(curve((x) => (x / 30) ** 1.5, [1, 4, 16, 64, 256]));
    assert.equal(rising.length, 1);
    assert(Math.abs(rising[0].at - 30) < 1e-9);
    assert.equal(rising[0].better, 'below');
    const falling = findCrossings(curve((x) => 30 / x, [1, 4, 16, 64, 256]));
    assert(Math.abs(falling[0].at - 30) < 1e-9);
    assert.equal(falling[0].better, 'above');
  });

  test('are all found, in order', () => {
    const points = /** @type {Point[]} */ ([
      [1, 2],
      [2, 0.5],
      [4, 0.5],
      [8, 2],
    ]);
    const found = findCrossings(points);
    assert.deepEqual(
      found.map(({ better }) => better),
      ['above', 'below'],
    );
    assert(Math.abs(found[0].at - Math.SQRT2) < 1e-12);
    assert(Math.abs(found[1].at - Math.sqrt(32)) < 1e-12);
  });

  test('there are none where curves stay on one side, or touch', () => {
    assert.deepEqual(
      findCrossings([
        [1, 0.5],
        [2, 0.9],
      ]),
      [],
    );
    assert.deepEqual(
      findCrossings([
        [1, 0.5],
        [2, 1],
        [4, 0.5],
      ]),
      [],
    );
    assert.deepEqual(
      findCrossings([
        [1, 1],
        [2, 1],
      ]),
      [],
    );
    assert.deepEqual(findCrossings([]), []);
  });

  test('at a point of the curve are there', () => {
    assert.deepEqual(
      findCrossings([
        [1, 0.5],
        [2, 1],
        [4, 2],
      ]),
      [{ at: 2, better: 'below' }],
    );
  });

  test('within the tolerance are noise', () => {
    const noise = /** @type {Point[]} */ ([
      [1, 0.5],
      [2, 1.02],
      [4, 0.98],
      [8, 1.01],
      [16, 0.5],
    ]);
    assert.deepEqual(findCrossings(noise, 0.03), []);
    assert.equal(findCrossings(noise).length, 4);
    // The last time that the curve is at 1 before it leaves.
    const leaves = /** @type {Point[]} */ ([
      [1, 0.5],
      [2, 1.02],
      [4, 0.98],
      [8, 1.5],
    ]);
    const [{ at }, ...others] = findCrossings(leaves, 0.03);
    assert(at > 4 && at < 4.2);
    assert.deepEqual(others, []);
  });

  test('are said in words', () => {
    const points = /** @type {Point[]} */ ([
      [0.01, 0.5],
      [1, 0.5],
    ]);
    const crossing = { at: 0.123, better: /** @type {const} */ ('below') };
    assert.equal(rangeOf({ axis: 'density', points, crossings: [crossing] }), '< 12 %');
    assert.equal(rangeOf({ axis: 'density', points, crossings: [] }), 'always');
    assert.equal(rangeOf({ axis: 'rows', points: [[1, 2]], crossings: [] }), 'never');
  });
});

test('sweep: labels keep their order and their distance', () => {
  assert.deepEqual(spread([50, 10, 51], [0, 100], 10), [50, 10, 60]);
  assert.deepEqual(spread([99, 98, 97], [0, 100], 10), [100, 90, 80]);
  assert.deepEqual(spread([0, 0, 0], [0, 100], 10), [0, 10, 20]);
});

describe('sweep: a quick run', () => {
  const script = fileURLToPath(new URL('../../../scripts/sweep/main.js', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'lowtropy-sweep-'));
  after(() => rmSync(folder, { recursive: true }));
  const output = (/** @type {string} */ name) => readFileSync(join(folder, name), 'utf8');

  /** @param {string[]} options */
  async function sweep(...options) {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...options]);
    return stdout;
  }

  test('writes results, crossings, a figure and what it ran on', async () => {
    const said = await sweep('--quick', '--out', folder);
    assert.deepEqual(readdirSync(folder).sort(), [
      ...['crossings.csv', 'formats.svg', 'machine.json', 'results.csv'],
    ]);
    for (const format of RIVALS) assert.match(said, new RegExp(`\\b${format}\\b`));
    assert.match(
      said,
      new RegExp(`auto, in all ${casesOf(QUICK_PLAN).length} .*: ×\\d+\\.\\d\\d the`),
    );
    const { date, cpu, engine, rounds, seed } = JSON.parse(output('machine.json'));
    assert.match(date, /^\d{4}-\d\d-\d\d$/);
    assert.match(engine, /^Node\.js /);
    assert.equal(typeof cpu, 'string');
    assert.deepEqual([rounds, seed], [QUICK_PLAN.rounds, 1]);
  });

  test('has every case in every format, with ratios and winners that are right', () => {
    const measurements = readResults(output('results.csv'));
    for (const one of casesOf(QUICK_PLAN)) {
      const formats = measurements.filter((measured) => keyOf(measured) === keyOf(one));
      const last = formats[formats.length - 1].format; // grid where the values are on one
      assert.deepEqual(
        formats.map(({ format }) => format),
        FORMATS.filter((each) => each === 'dense' || RIVALS.includes(each) || each === last),
      );
      const [dense] = formats;
      assert.deepEqual([dense.timeToDense, dense.bytesToDense], [1, 1]);
      assert.equal(dense.bytes, 4 * one.rows * one.cols);
      for (const measured of formats) {
        assert(measured.microseconds > 0);
        assert(Math.abs(measured.bytesToDense - measured.bytes / dense.bytes) < 0.001);
        const ratio = measured.microseconds / dense.microseconds;
        assert(Math.abs(measured.timeToDense / ratio - 1) < 0.01);
        assert.equal(measured.memoryMicroseconds !== undefined, one.batch === 1);
        assert.equal(measured.memoryTimeToDense !== undefined, one.batch === 1);
        if (measured.format !== 'blocks') assert(Number(measured.predictedMicroseconds) > 0);
        if (measured.format === 'blocks' && one.batch > 1) {
          assert.equal(measured.predictedMicroseconds, undefined);
        }
        const winners = formats.filter(({ format }) => format === measured.fastest);
        assert(winners[0].microseconds <= measured.microseconds);
        const smallest = formats.filter(({ format }) => format === measured.smallest);
        assert(smallest[0].bytes <= measured.bytes);
      }
    }
  });

  test('its results survive being read and written', () => {
    const text = output('results.csv');
    assert.equal(writeResults(readResults(text)), text);
    const [first] = readResults(text);
    /** @type {Measurement} */
    const other = {
      ...first,
      predictedMicroseconds: undefined,
      microseconds: 0.00125,
      density: 0.5,
    };
    assert.deepEqual(readResults(writeResults([first, other])), [first, other]);
    assert.throws(() => readResults(text.replace('microseconds', 'hours')), /other columns/);
  });

  test('its crossings are between points of its axes', () => {
    const [head, ...lines] = output('crossings.csv').trimEnd().split('\n');
    assert.equal(head, 'measure,batch,axis,format,crosses_dense_at,better');
    assert(lines.length > 0);
    for (const line of lines) {
      const [measure, batch, axis, format, at, better] = line.split(',');
      const values = QUICK_PLAN.axes[/** @type {Axis} */ (axis)];
      assert(Number(at) >= values[0] && Number(at) <= values[values.length - 1], line);
      assert(
        RIVALS.some((rival) => rival === format),
        line,
      );
      assert(['below', 'above'].includes(better), line);
      assert(['time', 'memory', 'bytes'].includes(measure), line);
      assert(batch === '' || QUICK_PLAN.batches.includes(Number(batch)), line);
    }
    // A csr matrix without zeros is larger than a dense one, whatever the machine.
    assert(lines.some((line) => line.startsWith('bytes,,density,csr,') && line.endsWith('below')));
  });

  test('its figure is well-formed, small, and has a background of its own', () => {
    const svg = output('formats.svg');
    assertWellFormed(svg);
    assert(svg.length < 150_000);
    assert.match(svg, /<rect width="[\d.]+" height="[\d.]+" fill="#ffffff"\/>/);
    for (const format of ['dense', ...RIVALS]) assert.match(svg, new RegExp(`>${format}<`));
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    const rings = output('crossings.csv')
      .split('\n')
      .filter((line) => /^(time|bytes),|^memory,1,density,/.test(line));
    assert.equal([...svg.matchAll(/<circle /g)].length, rings.length);
  });

  test('--report writes the same from results.csv, and nothing without', async () => {
    const before = [output('formats.svg'), output('crossings.csv'), output('results.csv')];
    writeFileSync(join(folder, 'formats.svg'), '');
    await sweep('--quick', '--report', '--out', folder);
    assert.deepEqual(
      [output('formats.svg'), output('crossings.csv'), output('results.csv')],
      before,
    );
    const of = (/** @type {string[]} */ ...options) => sweep(...options, '--report');
    await assert.rejects(of('--out', join(folder, 'none')), /There are no results in .*none yet/);
    await assert.rejects(of('--out', folder), /are of another plan/);
  });

  test('refuses options that make no sense', async () => {
    await assert.rejects(sweep('--quick', '--rounds', '0'), /--rounds must be a whole number/);
    await assert.rejects(sweep('--quick', '--seed', 'x'), /--seed must be a whole number/);
    await assert.rejects(sweep('--fast'), /--fast/);
  });
});

/**
 * Every element is closed where it should be, attributes have quotes and are there once, and text
 * has no stray markup.
 *
 * @param {string} xml
 */
function assertWellFormed(xml) {
  const token = /<(\/?)([a-z]+)((?: [a-zA-Z][a-zA-Z0-9-]*="[^"<>&]*")*)(\/?)>|([^<>]+)/gy;
  /** @type {string[]} */
  const open = [];
  let end = 0;
  for (const [all, closing, name, attributes, empty, text] of xml.matchAll(token)) {
    end += all.length;
    if (text !== undefined) {
      assert.doesNotMatch(text, /&(?!(amp|lt|quot);)/);
    } else if (closing) {
      assert.equal(open.pop(), name);
    } else {
      const names = [...attributes.matchAll(/ ([a-zA-Z0-9-]+)=/g)].map(([, key]) => key);
      assert.equal(new Set(names).size, names.length, all);
      assert(open.length > 0 || end === all.length, 'one root');
      if (!empty) open.push(name);
    }
  }
  assert.equal(end, xml.length, xml.slice(end, end + 80));
  assert.deepEqual(open, []);
}
