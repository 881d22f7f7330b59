// SPDX-License-Identifier: Apache-2.0

/**
 * Unpacks gzip (RFC 1951 and 1952), in which `scripts/build/embed.js` packs the WebAssembly. By
 * ourselves, because DecompressionStream is missing where tests simulate a browser, and is not at
 * once. What it unpacks was built with it, so it validates nothing.
 */

/**
 * A prefix code as a table: at any bits of the input that begin with the code of a symbol,
 * symbol · 16 + the length of that code.
 *
 * @typedef {{ table: Uint16Array, longest: number }} Code
 * @typedef {ReturnType<typeof readBits>} Bits
 */

/** The head of a file without a name; the size of what is unpacked is at the end. */
const HEAD_BYTES = 10;
const SIZE_BYTES = 4;

/** The symbol that ends a block. Smaller ones are bytes, greater ones lengths of copies. */
const END = 256;

/** The order in which the lengths of the codes for lengths of codes are written. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The symbols of copies that have no more bits, and how many share a number of bits from there on. */
const LENGTHS = { plain: 8, shared: 4, first: 3 };
const DISTANCES = { plain: 4, shared: 2, first: 1 };

/** The longest copy has a symbol of its own, without more bits. */
const LONGEST = { symbol: 28, length: 258 };

/**
 * @param {Uint8Array} input
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function gunzip(input) {
  const tail = new DataView(input.buffer, input.byteOffset + input.length - SIZE_BYTES);
  const output = new Uint8Array(tail.getUint32(0, true));
  const bits = readBits(input.subarray(HEAD_BYTES));
  let end = 0;
  let last = false;
  while (!last) {
    last = bits.read(1) === 1;
    const kind = bits.read(2);
    if (kind === 0) {
      const stored = bits.readStored();
      output.set(stored, end);
      end += stored.length;
    } else {
      const [symbols, distances] = kind === 1 ? fixedCodes() : readCodes(bits);
      end = unpackBlock(bits, symbols, distances, output, end);
    }
  }
  return output;
}

/** @param {Uint8Array} input */
function readBits(input) {
  let place = 0;
  let bits = 0; // taken from the input and not read yet, the next one lowest
  let bitCount = 0;

  /** @param {number} count at most 16 */
  function read(count) {
    while (bitCount < count) {
      bits |= input[place++] << bitCount;
      bitCount += 8;
    }
    const value = bits & ((1 << count) - 1);
    bits >>>= count;
    bitCount -= count;
    return value;
  }

  /** @param {Code} code */
  function readSymbol({ table, longest }) {
    while (bitCount < longest) {
      bits |= input[place++] << bitCount;
      bitCount += 8;
    }
    const entry = table[bits & ((1 << longest) - 1)];
    bits >>>= entry & 15;
    bitCount -= entry & 15;
    return entry >> 4;
  }

  /**
   * A length or a distance.
   *
   * @param {number} symbol
   * @param {typeof LENGTHS} range
   */
  function readNumber(symbol, { plain, shared, first }) {
    if (symbol < plain) return first + symbol;
    const count = Math.floor((symbol - plain) / shared) + 1;
    return first + ((shared + (symbol % shared)) << count) + read(count);
  }

  /** A block of bytes as they are, from the next whole byte on. */
  function readStored() {
    read(bitCount & 7);
    const length = read(16);
    read(16); // the same, inverted
    place += length - (bitCount >> 3);
    bits = 0;
    bitCount = 0;
    return input.subarray(place - length, place);
  }

  return { read, readSymbol, readNumber, readStored };
}

/**
 * @param {Bits} bits
 * @param {Code} symbols
 * @param {Code} distances
 * @param {Uint8Array} output
 * @param {number} end of what is there
 * @returns {number} the new end
 */
function unpackBlock(bits, symbols, distances, output, end) {
  for (;;) {
    const symbol = bits.readSymbol(symbols);
    if (symbol < END) {
      output[end++] = symbol;
    } else if (symbol === END) {
      return end;
    } else {
      const index = symbol - END - 1;
      const length = index === LONGEST.symbol ? LONGEST.length : bits.readNumber(index, LENGTHS);
      const distance = bits.readNumber(bits.readSymbol(distances), DISTANCES);
      // Byte by byte: a copy may reach into what it writes.
      for (const stop = end + length; end < stop; ++end) output[end] = output[end - distance];
    }
  }
}

/** @returns {[Code, Code]} */
function fixedCodes() {
  const lengths = [...Array(144).fill(8), ...Array(112).fill(9), ...Array(24).fill(7)];
  return [makeCode([...lengths, ...Array(8).fill(8)]), makeCode(Array(30).fill(5))];
}

/**
 * @param {Bits} bits
 * @returns {[Code, Code]}
 */
function readCodes(bits) {
  const symbolCount = bits.read(5) + 257;
  const distanceCount = bits.read(5) + 1;
  const lengthCount = bits.read(4) + 4;
  const lengthsOfLengths = new Array(ORDER.length).fill(0);
  for (const symbol of ORDER.slice(0, lengthCount)) lengthsOfLengths[symbol] = bits.read(3);
  const code = makeCode(lengthsOfLengths);
  /** @type {number[]} */
  const lengths = [];
  while (lengths.length < symbolCount + distanceCount) {
    const symbol = bits.readSymbol(code);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) repeat(lengths, lengths[lengths.length - 1], bits.read(2) + 3);
    else if (symbol === 17) repeat(lengths, 0, bits.read(3) + 3);
    else repeat(lengths, 0, bits.read(7) + 11);
  }
  return [makeCode(lengths.slice(0, symbolCount)), makeCode(lengths.slice(symbolCount))];
}

/**
 * @param {number[]} list
 * @param {number} value
 * @param {number} times
 */
function repeat(list, value, times) {
  for (let time = 0; time < times; ++time) list.push(value);
}

/**
 * @param {number[]} lengths of the codes of all symbols; 0 for those that do not occur
 * @returns {Code}
 */
function makeCode(lengths) {
  const longest = Math.max(...lengths, 1);
  const table = new Uint16Array(1 << longest);
  let code = 0;
  for (let length = 1; length <= longest; ++length) {
    for (let symbol = 0; symbol < lengths.length; ++symbol) {
      if (lengths[symbol] !== length) continue;
      const entry = (symbol << 4) | length;
      for (let at = reverse(code, length); at < table.length; at += 1 << length) table[at] = entry;
      ++code;
    }
    code <<= 1;
  }
  return { table, longest };
}

/**
 * Codes are written from their highest bit on, all else from the lowest.
 *
 * @param {number} code
 * @param {number} length
 */
function reverse(code, length) {
  let reversed = 0;
  for (let bit = 0; bit < length; ++bit) reversed = (reversed << 1) | ((code >> bit) & 1);
  return reversed;
}
