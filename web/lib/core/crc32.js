// SPDX-License-Identifier: Apache-2.0

/** Of each byte's effect on the checksum; polynomial 0xedb88320, as in gzip. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/**
 * @param {Uint8Array} bytes
 * @param {number} [before] the checksum of what comes before them
 * @returns {number} CRC-32
 */
export function crc32(bytes, before = 0) {
  let crc = ~before;
  for (let at = 0; at < bytes.length; ++at) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]) & 0xff];
  return ~crc >>> 0;
}
