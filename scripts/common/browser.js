// SPDX-License-Identifier: Apache-2.0

/** The machine's Chromium. */

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** @returns {Promise<import('playwright-core').Browser>} */
export async function launchBrowser() {
  return chromium.launch({
    executablePath: EXECUTABLES.find((file) => existsSync(file)),
    // Chromium's sandbox refuses to work for root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}
