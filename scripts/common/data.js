// SPDX-License-Identifier: Apache-2.0

/** Finds the data that is not part of the project: real networks and pictures. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import jpeg from 'jpeg-js';

const folder =
  process.env.LOWTROPY_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** What to give node:test as `skip`: a reason where the data is missing, else false. */
export const noData = existsSync(join(folder, 'squeezenet-deep-compression'))
  ? false
  : `there is no data in ${folder}; LOWTROPY_DATA may name another folder`;

/** @param {...string} path within the data folder */
export function dataPath(...path) {
  return join(folder, ...path);
}

/**
 * @param {...string} path within the data folder
 * @returns {Buffer}
 */
export function readData(...path) {
  return readFileSync(dataPath(...path));
}

/** @returns {{ net: Buffer, prototxt: string }} SqueezeNet as Deep Compression published it */
export function squeezeNetFiles() {
  return {
    net: readData('squeezenet-deep-compression', 'compressed_SqueezeNet.net'),
    prototxt: readData('squeezenet-deep-compression', 'SqueezeNet_deploy.prototxt').toString(
      'utf8',
    ),
  };
}

/**
 * @param {string} name such as `dog.jpg`
 * @returns {{ data: Uint8Array, width: number, height: number }} RGBA
 */
export function readPicture(name) {
  return jpeg.decode(readData('images', name), { useTArray: true, maxMemoryUsageInMB: 256 });
}
