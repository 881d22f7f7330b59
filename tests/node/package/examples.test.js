// SPDX-License-Identifier: Apache-2.0

/** The examples as somebody follows them: with the package installed, in a folder of their own. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { dataPath, noData } from '../../../scripts/common/data.js';
import { installPackage } from '../../support/install.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** In pixels of the photograph: decoders of JPEG differ by a bit or two. */
const BOX_TOLERANCE = 2;

describe('examples', { skip: noData }, () => {
  test('detect-objects finds a cat', async () => {
    const installed = await installPackage();
    try {
      cpSync(join(root, 'examples', 'detect-objects'), installed.folder, { recursive: true });
      const network = dataPath('models/onnx', 'yolox_nano.onnx');
      const args = ['detect.js', network, dataPath('images', 'cat.jpg')];
      const { stdout } = await run(process.execPath, args, { cwd: installed.folder });
      const [, score, corners] = /^cat (\d\.\d\d) at ([\d, ]+)\n$/.exec(stdout) ?? [];
      assert(score, stdout);
      assert(Math.abs(Number(score) - 0.82) <= 0.01, stdout);
      const expected = [159, 23, 359, 359];
      corners.split(', ').forEach((corner, i) => {
        assert(Math.abs(Number(corner) - expected[i]) <= BOX_TOLERANCE, stdout);
      });
    } finally {
      installed.remove();
    }
  });
});
