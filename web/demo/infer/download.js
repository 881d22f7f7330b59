// SPDX-License-Identifier: Apache-2.0

/** Files from addresses. */

/** A sentence for the person at the page. */
export class PageError extends Error {}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === 'AbortError';
}

/**
 * Asks one address after the other until one has the file. Servers of single pages answer HTML for
 * what they do not have.
 *
 * @param {string[]} addresses
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ response: Response, index: number }>}
 * @throws {PageError} where none has it; tells about the last
 */
export async function fetchFirst(addresses, signal) {
  let problem = '';
  for (const [index, address] of addresses.entries()) {
    try {
      const response = await fetch(address, { signal });
      const html = response.headers.get('content-type')?.startsWith('text/html');
      if (response.ok && !html) return { response, index };
      problem = html
        ? 'the server answers with a web page'
        : `the server answers ${response.status}`;
    } catch (error) {
      signal?.throwIfAborted();
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  throw new PageError(`${addresses.at(-1)} cannot be fetched: ${problem}.`);
}

/**
 * @param {Response} response
 * @param {(bytes: number) => void} onPiece told of each piece that arrives
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readBody(response, onPiece, signal) {
  if (!response.body) throw new PageError(`${response.url} holds nothing.`);
  const reader = response.body.getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      onPiece(value.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : error;
    throw new PageError(`The download from ${response.url} broke off: ${reason}.`);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
