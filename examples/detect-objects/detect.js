// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import jpeg from 'jpeg-js';
import { imageToTensor, importOnnx } from 'lowtropy';
import { boxesOf } from './boxes.js';

const [file, photograph] = process.argv.slice(2);
// YOLOX takes pixels as they are, in the upper left corner of its input.
const model = await importOnnx(file, {
  image: { order: 'BGR', mean: 0, fit: 'corner', fill: 114 },
});
const picture = jpeg.decode(await readFile(photograph), { useTArray: true });
const output = model.run(imageToTensor(picture, model.inputShape, model.graph.image));
for (const { name, score, box } of boxesOf(output, model.inputShape, picture)) {
  console.log(`${name} ${score.toFixed(2)} at ${box.map(Math.round).join(', ')}`);
}
