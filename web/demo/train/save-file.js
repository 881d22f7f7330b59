// SPDX-License-Identifier: Apache-2.0

/** How long a browser may take to begin with a download. */
const KEEP_MS = 60_000;

/**
 * Offers bytes as a download.
 *
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function saveFile(name, bytes) {
  const address = URL.createObjectURL(new Blob([bytes]));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
}
