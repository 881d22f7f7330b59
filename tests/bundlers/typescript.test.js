// SPDX-License-Identifier: Apache-2.0

/** The package's declarations, by the oldest and newer compilers, all of them checked. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { makeProject } from './project.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the compilers are. */
const COMPILERS = {
  oldest: 'build/bundlers/node_modules/typescript-5.4/bin/tsc',
  5.7: 'build/bundlers/node_modules/typescript-5.7/bin/tsc',
  5.9: 'build/bundlers/node_modules/typescript-5.9/bin/tsc',
  newest: 'node_modules/typescript/bin/tsc',
};

/** By name, and the kind of modules that goes with it. */
const RESOLUTIONS = { bundler: 'esnext', nodenext: 'nodenext', node16: 'node16' };

const USE = `import {
    FORMATS, Matrix, MemoryError, Model, classify, importDeepCompression, importOnnx, init,
    type FormatName, type Graph, type ImportOptions, type InitOptions, type Layer, type Progress, type Stats,
  } from 'lowtropy';
  import { importOnnx as importAtOnce, type OnnxSource } from 'lowtropy/onnx';
  import {
    Aggregator, COMPRESSORS, Compressor, Dataset, MODELS, Simulation, Trainer, applyMessage,
    decodeMessage, initTraining, trainingModule,
    type Message, type Round, type SimulationOptions, type Tensors, type Transport,
  } from 'lowtropy/training';

  const options: InitOptions = { wasmUrl: new URL('https://example.org/lowtropy.wasm') };
  await init(options);
  await initTraining({ module: trainingModule() });
  const m: Matrix = Matrix.fromDense(new Float32Array(4), 2, 2, { format: 'cser' });
  const format: FormatName = m.format;
  const stats: Stats = m.stats();
  const y: Float32Array = m.multiply(new Float32Array(4), 2);
  // @ts-expect-error there is no such format
  m.to('zip');
  // @ts-expect-error formats are read-only
  FORMATS.push('dense');
  const model: Model = await importDeepCompression(new Uint8Array(1), '', { format: 'auto' });
  const stored = await Model.load(new Blob([model.save()]), {
    onProgress: ({ loaded, total }: Progress) => console.log(loaded / (total ?? NaN)),
  });
  const layers: Layer[] = stored.layers;
  const graph: Graph = stored.graph;
  const picture = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
  const [{ index, probability }] = classify(stored, picture, { top: 1, order: 'RGB' });
  const importing: ImportOptions = {
    shapes: { x: [1, 3, 8, 8] }, values: { sr: 16000 }, image: { mean: 0, fit: 'contain' }, labels: ['a'],
  };
  const source: OnnxSource = [new File([], 'm.onnx'), { name: 'm.bin', data: new Uint8Array(1) }];
  const imported: Model = await importOnnx(source, importing);
  const again: Model = await importAtOnce('m.onnx', importing);
  const { y: result } = imported.run({ x: { data: new Float32Array(192), shape: [1, 3, 8, 8] } });
  const dims: number[] = result.shape;
  // @ts-expect-error there is no such fit
  importing.image = { fit: 'cover' };
  // @ts-expect-error bytes are a number
  const wrong: string = model.byteLength;
  const error: Error = new MemoryError('');

  const settings: SimulationOptions = {
    model: 'mlp', data: { digits: 60 }, workers: 2, batch: 4, delay: 2, seed: 5,
    compressor: { name: 'sbc', sparsity: 0.05 },
  };
  const simulation = new Simulation(settings);
  let last: Round | undefined;
  for await (const round of simulation.run({ iterations: 4 })) last = round;
  const weights = await simulation.weights();
  new Blob([weights.buffer, await simulation.checkpoint()]);
  const tensors: Tensors = { w: new Float32Array(4) };
  const compressor = new Compressor('sbc', { sparsity: 0.5 }, { w: 4 });
  const bytes = compressor.encode(tensors, { round: 0, sender: 0 });
  const message: Message = decodeMessage(bytes);
  applyMessage(bytes, tensors, 0.5);
  declare const transport: Transport;
  // @ts-expect-error there is no such method
  new Compressor('zip', {}, { w: 4 });
  export {
    Aggregator, COMPRESSORS, Dataset, MODELS, Trainer, again, dims, error, format, graph, index, last, layers, message,
    probability, stats, transport, wrong, y,
  };
  `;

describe('TypeScript', () => {
  /** @type {import('./project.js').Installed} */
  let project;
  before(async () => {
    project = await makeProject();
    writeFileSync(join(project.folder, 'use.ts'), USE);
  });
  after(() => project?.remove());

  for (const [version, compiler] of Object.entries(COMPILERS)) {
    // Those between differ in what they know of types, not in how they find them.
    const resolutions = Object.entries(RESOLUTIONS).slice(0, /est$/.test(version) ? 3 : 1);
    test(version, async () => {
      for (const [moduleResolution, module] of resolutions) {
        const compilerOptions = {
          ...{ strict: true, noEmit: true, skipLibCheck: false, types: [] },
          ...{ target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], module, moduleResolution },
        };
        writeFileSync(
          join(project.folder, 'tsconfig.json'),
          JSON.stringify({ compilerOptions, include: ['use.ts'] }),
        );
        const args = [join(root, compiler), '-p', '.'];
        await run(process.execPath, args, { cwd: project.folder }).catch(({ stdout, stderr }) =>
          assert.fail(`${moduleResolution}: ${stdout}${stderr}`),
        );
      }
    });
  }
});
