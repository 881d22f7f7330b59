// SPDX-License-Identifier: Apache-2.0

/**
 * Fits the constants of the time model, cpp/lowtropy/matrix/choose/tuning.h and those of each format
 * in cpp/lowtropy/matrix/formats, to measurements of the WebAssembly kernels, and prints them as they
 * stand there: npm run calibrate
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Matrix, Model, init } from '../../web/lib/index.js';
import { machine } from './machine.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {{ rows: number, cols: number, density: number, distinct: number, columns: number,
 *   shift?: boolean }} Case shift: the most frequent value is not 0
 * @typedef {{ features: number[], nanoseconds: number, of?: number }} Sample of: what errors are
 *   relative to; by default the nanoseconds
 */

/** @type {Case[]} */
const VECTOR_CASES = [
  { rows: 1024, cols: 1024, density: 0.1, distinct: 32, columns: 1 },
  { rows: 1024, cols: 1024, density: 0.1, distinct: 200, columns: 1 },
  { rows: 1024, cols: 1024, density: 0.5, distinct: 15, columns: 1 },
  { rows: 1024, cols: 4096, density: 0.09, distinct: 32, columns: 1 },
  { rows: 4096, cols: 256, density: 0.3, distinct: 63, columns: 1 },
  { rows: 256, cols: 4096, density: 0.9, distinct: 255, columns: 1 },
  { rows: 1000, cols: 512, density: 0.25, distinct: 32, columns: 1 },
];

/** @type {Case[]} */
const COLUMN_CASES = [
  { rows: 128, cols: 288, density: 0.33, distinct: 255, columns: 784 },
  { rows: 128, cols: 288, density: 0.1, distinct: 32, columns: 784 },
  { rows: 256, cols: 1152, density: 0.1, distinct: 32, columns: 196 },
  { rows: 256, cols: 1152, density: 0.4, distinct: 15, columns: 196 },
  { rows: 64, cols: 64, density: 0.65, distinct: 127, columns: 3025 },
  { rows: 192, cols: 48, density: 0.9, distinct: 255, columns: 729 },
  { rows: 256, cols: 512, density: 0.3, distinct: 63, columns: 49 },
  { rows: 192, cols: 2208, density: 0.64, distinct: 100, columns: 49 },
  { rows: 512, cols: 2304, density: 0.93, distinct: 127, columns: 196 },
  { rows: 16, cols: 96, density: 0.33, distinct: 255, columns: 3025 },
];

/** @param {number} seed */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @param {Case} c */
function weights({ rows, cols, density, distinct, shift }) {
  const random = randomFrom(rows + cols + distinct);
  // Nonzero steps of a grid, which matters to no other format.
  const first = -(distinct >> 1);
  const values = Float32Array.from(
    { length: distinct },
    (_, i) => (first + i + (first + i < 0 ? 0 : 1)) / 256,
  );
  return Float32Array.from({ length: rows * cols }, () =>
    random() < density ? values[Math.floor(random() * distinct)] : shift ? 0.75 : 0,
  );
}

/**
 * The median time of the product alone, as the executor sees it.
 *
 * @param {Case} c
 * @param {Float32Array} data
 * @param {FormatName} format
 */
async function measure({ rows, cols, columns }, data, format) {
  const window = { kernel: [1, 1], stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
  const node = {
    op: columns === 1 ? 'fc' : 'conv',
    name: 'product',
    inputs: ['x'],
    output: 'y',
    weight: 'w',
    outChannels: rows,
    ...(columns === 1 ? {} : window),
  };
  const graph = {
    name: 'product',
    input: { name: 'x', shape: [cols, 1, columns] },
    outputs: ['y'],
    nodes: [node],
  };
  const tensors = new Map([['w', { rows, cols, kind: 'matrix', data }]]);
  const model = await Model.fromGraph(/** @type {any} */ (graph), /** @type {any} */ (tensors), {
    format,
  });
  const random = randomFrom(1);
  const input = Float32Array.from({ length: cols * columns }, () => random() - 0.5);
  const times = Array.from({ length: 60 }, () => model.profile(input)[0].milliseconds).slice(20);
  model.dispose();
  return 1e6 * times.sort((a, b) => a - b)[times.length >> 1];
}

/** Formats whose kernels walk all elements. @type {ReadonlySet<FormatName>} */
const ROWS = new Set(['dense', 'palette', 'grid']);

/**
 * Elements that the kernel walks, and runs among them: as in choose.cc.
 *
 * @param {Case} c
 * @param {Float32Array} data
 * @param {FormatName} format
 */
function workOf({ rows, cols }, data, format) {
  const matrix = Matrix.fromDense(data, rows, cols, { format });
  const { values, colI, codes, omegaPtr } = matrix.arrays();
  matrix.dispose();
  const runs = omegaPtr ? omegaPtr.length - 1 : 0;
  if (ROWS.has(format)) return { elements: rows * cols, runs };
  return { elements: (colI ?? codes ?? values).length, runs };
}

/**
 * The kernels' own sizes and thresholds, read where they stand.
 *
 * @param {string} name of a constant
 */
function kernelConstant(name) {
  const file = new URL('../../cpp/lowtropy/matrix/kernels/shape.h', import.meta.url);
  const found = new RegExp(` ${name} = ([\\d.]+);`).exec(readFileSync(file, 'utf8'));
  if (!found) throw new Error(`There is no constant ${name} in ${fileURLToPath(file)}.`);
  return Number(found[1]);
}
const LANES = 4; // of WebAssembly
const MAX_LISTED_SHARE = kernelConstant('kMaxListedShare');
const SPARSE_SHARE = kernelConstant('kSparseShare');
const BLOCK_COLS = kernelConstant('kBlockCols');
const LIST_COLS = kernelConstant('kListCols');
const LIST_VECTORS = kernelConstant('kListVectors');
const DENSE_VECTORS = kernelConstant('kDenseVectors');

/**
 * What a product with several columns consists of; see ColumnsNanoseconds in choose.cc.
 *
 * @param {Case} c
 * @param {boolean} listed
 */
function tilesOf({ cols, density, columns }, listed) {
  const vectors = Math.ceil(columns / LANES);
  const block = listed ? (density < SPARSE_SHARE ? 2 : 1) * LIST_COLS : BLOCK_COLS;
  const tiles = Math.ceil(vectors / (listed ? LIST_VECTORS : DENSE_VECTORS));
  return { vectors, tiles, blocks: Math.ceil(cols / block) };
}

/**
 * Least squares on relative errors; constants that would be negative are left out.
 *
 * @param {Sample[]} samples
 * @returns {number[]}
 */
function fit(samples) {
  const count = samples[0].features.length;
  let used = Array.from({ length: count }, (_, i) => i).filter((i) =>
    samples.some(({ features }) => features[i] !== 0),
  );
  for (;;) {
    const solution = solve(samples, used);
    const negative = used.filter((_, k) => solution[k] < 0);
    if (negative.length === 0) {
      const constants = new Array(count).fill(0);
      used.forEach((feature, k) => (constants[feature] = solution[k]));
      return constants;
    }
    used = used.filter((feature) => !negative.includes(feature));
  }
}

/**
 * @param {Sample[]} samples
 * @param {number[]} used
 */
function solve(samples, used) {
  const rows = samples.map(({ features, nanoseconds, of = nanoseconds }) =>
    used.map((feature) => features[feature] / of),
  );
  const targets = samples.map(({ nanoseconds, of = nanoseconds }) => nanoseconds / of);
  const matrix = used.map((_, i) => [
    ...used.map((_unused, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
    rows.reduce((sum, row, k) => sum + row[i] * targets[k], 0),
  ]);
  for (let i = 0; i < used.length; ++i) {
    for (let r = 0; r < used.length; ++r) {
      if (r === i) continue;
      const factor = matrix[r][i] / matrix[i][i];
      for (let c = i; c <= used.length; ++c) matrix[r][c] -= factor * matrix[i][c];
    }
  }
  return matrix.map((row, i) => row[used.length] / row[i]);
}

/**
 * @param {string} constant
 * @param {Sample[]} samples
 * @returns {number[]}
 */
function report(constant, samples) {
  const constants = fit(samples);
  const errors = samples
    .map(({ features, nanoseconds, of = nanoseconds }) =>
      Math.abs((dot(features, constants) - nanoseconds) / of),
    )
    .sort((a, b) => a - b);
  console.log(
    `${constant}{${constants.map((value) => Number(value.toPrecision(2))).join(', ')}};`.padEnd(50),
    `// off by ${Math.round(100 * errors[errors.length >> 1])} % (median), ` +
      `${Math.round(100 * errors[errors.length - 1])} % (most)`,
  );
  return constants;
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function dot(a, b) {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

/**
 * @param {FormatName[]} formats
 * @param {Case[]} cases
 * @param {(c: Case, work: { elements: number, runs: number }, nanoseconds: number) => Sample} sample
 * @returns {Promise<Sample[]>}
 */
async function samplesOf(formats, cases, sample) {
  /** @type {Sample[]} */
  const samples = [];
  for (const c of cases) {
    const data = weights(c);
    for (const format of formats) {
      samples.push(sample(c, workOf(c, data, format), await measure(c, data, format)));
    }
  }
  return samples;
}

/**
 * @param {string} constant
 * @param {FormatName[]} formats that share it
 * @param {Case[]} cases
 * @param {(c: Case, work: { elements: number, runs: number }) => number[]} features
 */
async function calibrate(constant, formats, cases, features) {
  report(
    constant,
    await samplesOf(formats, cases, (c, work, nanoseconds) => ({
      features: features(c, work),
      nanoseconds,
    })),
  );
}

/** All but unpacking, as ProductTimes.
 *
 * @param {Case} c
 * @param {boolean} listed
 * @param {number} elements
 */
function productFeatures(c, listed, elements) {
  const { vectors, tiles, blocks } = tilesOf(c, listed);
  return [
    c.rows * tiles * blocks,
    listed ? 0 : elements * tiles,
    listed ? elements * vectors : 0,
    c.cols * tiles,
  ];
}

/** What unpacking takes: [element, listed, run].
 * @param {Case} c
 * @param {{ elements: number, runs: number }} work
 * @param {FormatName} format
 */
function unpackFeatures({ rows, cols }, { elements, runs }, format) {
  if (ROWS.has(format)) return [rows * cols, 0, 0];
  return [0, elements, runs];
}

/**
 * Fits the shared constants to one format, then each format's unpacking to what is left.
 *
 * @param {string} constant
 * @param {[string, FormatName[], Case[]][]} unpacked the first is what the constants are fitted to
 * @param {boolean} listed
 */
async function calibrateColumns(constant, unpacked, listed) {
  const [[, [first]]] = unpacked;
  /** @param {Case} c @param {{ elements: number }} work */
  const elementsOf = (c, work) => (listed ? Math.min(work.elements, listedOf(c)) : c.rows * c.cols);
  const samples = await samplesOf([first], unpacked[0][2], (c, work, nanoseconds) => ({
    features: [
      ...productFeatures(c, listed, elementsOf(c, work)),
      ...unpackFeatures(c, work, first),
    ],
    nanoseconds,
  }));
  const shared = report(`${constant} with packing and unpacking `, samples).slice(0, 4);
  for (const [name, formats, cases] of unpacked) {
    for (const format of formats) {
      report(
        `${name} (${format})`,
        await samplesOf([format], cases, (c, work, nanoseconds) => {
          const rest = nanoseconds - dot(productFeatures(c, listed, elementsOf(c, work)), shared);
          return { features: unpackFeatures(c, work, format), nanoseconds: rest, of: nanoseconds };
        }),
      );
    }
  }
}

/** @param {Case} c */
function listedOf({ rows, cols, density }) {
  return Math.round(rows * cols * density);
}

await init();
const { date, cpu, engine } = machine();
console.log(`${date}, ${cpu}, ${engine}`);

/** @type {Parameters<typeof calibrate>[3]} */
const vector = ({ rows }, { elements, runs }) => [rows, elements, runs];
/** @param {Case[]} cases */
const shifted = (cases) => cases.map((c) => ({ ...c, shift: true }));
const sparse = COLUMN_CASES.filter(({ density }) => density <= MAX_LISTED_SHARE);

await calibrate('kDenseVector', ['dense'], VECTOR_CASES, vector);
await calibrate('kPaletteVector', ['palette'], VECTOR_CASES, vector);
await calibrate('kGridVector', ['grid'], VECTOR_CASES, vector);
await calibrate('kCsrVector', ['csr'], VECTOR_CASES, vector);
await calibrate('kPcsrVector', ['pcsr'], VECTOR_CASES, vector);
await calibrate('kRunVector', ['cer', 'cser'], VECTOR_CASES, vector);
await calibrate(
  'kShiftedVector',
  ['cer', 'cser', 'pcsr'],
  shifted(VECTOR_CASES),
  ({ rows, cols }, { elements }) => [rows, rows * cols, elements],
);
await calibrateColumns(
  'kLists',
  [
    ['kListCsr', ['csr'], COLUMN_CASES],
    ['kListPcsr', ['pcsr'], COLUMN_CASES],
    ['kListRuns', ['cer', 'cser'], COLUMN_CASES],
    ['kListPalette', ['palette'], sparse],
  ],
  true,
);
await calibrateColumns(
  'kDenseBlocks',
  [
    ['kBlockDense', ['dense'], COLUMN_CASES],
    ['kBlockPalette', ['palette'], COLUMN_CASES.filter((c) => !sparse.includes(c))],
    ['kBlockGrid', ['grid'], COLUMN_CASES],
    ['kBlockShifted', ['cer', 'cser', 'pcsr'], shifted(COLUMN_CASES)],
  ],
  false,
);
