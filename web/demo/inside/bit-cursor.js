// SPDX-License-Identifier: Apache-2.0

/**
 * @typedef {import('./dissect.js').Piece} Piece
 * @typedef {import('./dissect.js').Section} Section
 */

/** Reads bits, the lowest of each byte first, and remembers what they were read as. */
export class BitCursor {
  /** @type {Piece[]} */
  pieces = [];
  at = 0;
  #bytes;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  /**
   * Reads what follows as a piece.
   *
   * @template T
   * @param {Section} section
   * @param {string} name
   * @param {() => T} read
   * @param {(value: T) => string} [show]
   * @returns {T}
   */
  piece = (section, name, read, show = String) => {
    const from = this.at;
    const value = read();
    this.pieces.push({ section, name, meaning: show(value), from, to: this.at });
    return value;
  };

  /** @param {number} count at most 32 */
  bits(count) {
    let number = 0;
    for (let i = 0; i < count; ++i) {
      number += ((this.#bytes[this.at >> 3] >> (this.at & 7)) & 1) * 2 ** i;
      ++this.at;
    }
    if (this.at > 8 * this.#bytes.length) throw new RangeError('The message ends too early.');
    return number;
  }

  varint() {
    for (let number = 0, scale = 1; ; scale *= 128) {
      number += this.bits(7) * scale;
      if (!this.bits(1)) return number;
    }
  }

  /** In groups of 3 bits, each followed by a bit that says whether there are more. */
  number() {
    for (let number = 0, scale = 1; ; scale *= 8) {
      number += this.bits(3) * scale;
      if (!this.bits(1)) return number;
    }
  }

  float() {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, this.bits(32));
    return view.getFloat32(0);
  }

  /** Ones up to a zero, which is read too. */
  ones() {
    let count = 0;
    while (this.bits(1)) ++count;
    return count;
  }

  /** @param {Section} section whose last byte is filled up with zeros */
  pad(section) {
    const missing = -this.at & 7;
    if (missing)
      this.piece(
        section,
        'padding',
        () => this.bits(missing),
        () => 'zeros',
      );
  }
}
