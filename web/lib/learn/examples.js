// SPDX-License-Identifier: Apache-2.0

/** The data sets of a simulation, as its server and its workers open them. */

/**
 * @typedef {import('./data.js').DataSpec} DataSpec
 * @typedef {import('./dataset.js').Dataset} Dataset
 * @typedef {{ Dataset: typeof import('./dataset.js').Dataset }} Kit what opens them
 */

/** For testing, where there are no examples for that: the last fifth, or of a text the last tenth. */
const TEST_SHARE = 0.2;
const TEXT_TEST_SHARE = 0.1;

/**
 * @param {Kit} kit
 * @param {DataSpec} spec
 * @param {Uint8Array[]} body as `loadData` gives it
 * @returns {{ train: Dataset, test: Dataset }}
 */
export function openExamples(kit, spec, body) {
  if (spec.kind === 'idx' && body.length === 4) {
    const [images, labels, testImages, testLabels] = body;
    return {
      train: kit.Dataset.idx(images, labels),
      test: kit.Dataset.idx(testImages, testLabels),
    };
  }
  const all = openAll(kit, spec, body);
  const share = spec.kind === 'text' ? TEXT_TEST_SHARE : TEST_SHARE;
  const count = Math.round(all.size * (1 - share));
  const train = all.slice(0, count);
  const test = all.slice(count, all.size - count);
  all.dispose();
  return { train, test };
}

/**
 * @param {Kit} kit
 * @param {DataSpec} spec
 * @param {Uint8Array[]} body
 */
function openAll(kit, { kind, count = 0, seed = 0, steps }, body) {
  if (kind === 'digits') return kit.Dataset.digits({ count, seed });
  if (kind === 'text') return kit.Dataset.text(body[0], { steps });
  return kit.Dataset.idx(body[0], body[1]);
}
