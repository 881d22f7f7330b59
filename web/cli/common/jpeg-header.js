// SPDX-License-Identifier: Apache-2.0

/** What a JPEG file says around its compressed pixels. */

import { readOrientation } from './exif.js';

/** Markers, the second bytes of two. */
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DNL = 0xdc;
const DHP = 0xde;
const EXP = 0xdf;
const APP1 = 0xe1;
const APP14 = 0xee;
const SOF_FIRST = 0xc0;
const SOF_LAST = 0xcf;
const SOF_LS = 0xf7;
/** Among those of frames, but none: Huffman tables, an extension, arithmetic coding. */
const NOT_SOF = new Set([0xc4, 0xc8, 0xcc]);
/** Baseline, extended and progressive, all by Huffman codes. */
const DECODED = new Set([0xc0, 0xc1, 0xc2]);

const EXIF = Buffer.from('Exif\0\0', 'latin1');
const ADOBE = Buffer.from('Adobe', 'latin1');

/**
 * @typedef {object} JpegComponent
 * @property {number} across of its samples in a unit of the interleaved picture
 * @property {number} down
 *
 * @typedef {object} JpegHeader
 * @property {number} width
 * @property {number} height 0: it is given after the first scan, or nowhere
 * @property {number} precision bits of a sample
 * @property {JpegComponent[]} components
 * @property {number} orientation as Exif numbers them, from 1, which is upright, to 8
 * @property {boolean} adobe whether it has Adobe's marker
 * @property {number} scans passes over the picture
 * @property {number} scanBytes compressed bytes of all of them
 * @property {boolean} complete whether the end of the picture is there
 * @property {string | undefined} unsupported a kind of JPEG that is not decoded: a phrase
 */

/**
 * Walks over the whole file. Never throws, and never reads beyond the bytes: what is damaged is left
 * out, for the decoder to find.
 *
 * @param {Buffer} bytes that begin as a JPEG file
 * @returns {JpegHeader}
 */
export function readJpegHeader(bytes) {
  /** @type {JpegHeader} */
  const header = {
    ...{ width: 0, height: 0, precision: 8, components: [], orientation: 1, adobe: false },
    ...{ scans: 0, scanBytes: 0, complete: false, unsupported: undefined },
  };
  let hasFrame = false;
  let hasExif = false;
  for (let at = bytes.indexOf(0xff, 2); at >= 0 && at + 2 <= bytes.length;) {
    const marker = bytes[at + 1];
    if (marker === EOI && header.scans > 0) {
      header.complete = true;
      break;
    }
    if (isAlone(marker)) {
      at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2);
      continue;
    }
    if (at + 4 > bytes.length) break;
    const length = bytes.readUInt16BE(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    at += 2 + Math.max(length, 2);
    if (isFrame(marker) && !hasFrame && segment.length >= 6) {
      hasFrame = true;
      readFrame(header, marker, segment);
    } else if (marker === APP1 && !hasExif && segment.subarray(0, EXIF.length).equals(EXIF)) {
      hasExif = true;
      header.orientation = readOrientation(segment.subarray(EXIF.length));
    } else if (marker === APP14 && segment.subarray(0, ADOBE.length).equals(ADOBE)) {
      header.adobe = true;
    } else if (marker === DHP || marker === EXP) {
      header.unsupported = 'a hierarchical JPEG picture';
    } else if (marker === DNL && header.height === 0) {
      header.unsupported = 'a JPEG picture whose height comes after its pixels (DNL)';
    } else if (marker === SOS) {
      const end = scanEnd(bytes, at);
      header.scans += 1;
      header.scanBytes += end - Math.min(at, end);
      at = end;
    }
    at = bytes.indexOf(0xff, at);
  }
  return header;
}

/** @param {number} marker that has no length and no content, or is none */
function isAlone(marker) {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= EOI) || marker === SOI || marker === 0xff;
}

/** @param {number} marker */
function isFrame(marker) {
  return (marker >= SOF_FIRST && marker <= SOF_LAST && !NOT_SOF.has(marker)) || marker === SOF_LS;
}

/**
 * @param {JpegHeader} header
 * @param {number} marker
 * @param {Buffer} segment
 */
function readFrame(header, marker, segment) {
  header.precision = segment[0];
  header.height = segment.readUInt16BE(1);
  header.width = segment.readUInt16BE(3);
  const count = Math.min(segment[5], Math.floor((segment.length - 6) / 3));
  header.components = Array.from({ length: count }, (_, i) => {
    const sampling = segment[6 + 3 * i + 1];
    return { across: sampling >> 4, down: sampling & 15 };
  });
  if (!DECODED.has(marker)) {
    header.unsupported = kindOfFrame(marker);
  } else if (header.precision !== 8) {
    header.unsupported = `a JPEG picture of ${header.precision} bits a sample`;
  } else if (![1, 3, 4].includes(segment[5])) {
    header.unsupported = `a JPEG picture of ${segment[5]} components`;
  }
}

/** @param {number} marker */
function kindOfFrame(marker) {
  if (marker === SOF_LS) return 'a JPEG-LS picture';
  const coding = marker > 0xc8 ? 'an arithmetic-coded ' : 'a ';
  // In each four of them: sequential, progressive, lossless; the second four are of hierarchies.
  const lossless = marker % 4 === 3 ? 'lossless ' : '';
  return `${coding}${lossless}${marker & 4 ? 'hierarchical ' : ''}JPEG picture`;
}

/**
 * @param {Buffer} bytes
 * @param {number} from where the compressed bytes of a scan begin
 * @returns {number} where the next marker that does not belong to them is, or the bytes end
 */
function scanEnd(bytes, from) {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next === undefined) break;
    const restart = next >= 0xd0 && next <= 0xd7;
    if (next !== 0 && next !== 0xff && !restart) return at;
  }
  return bytes.length;
}

/**
 * @param {JpegHeader} header
 * @returns {number} squares of 8×8 samples, in all components
 */
export function blocksOf({ width, height, components }) {
  const across = Math.max(1, ...components.map((each) => each.across));
  const down = Math.max(1, ...components.map((each) => each.down));
  return components.reduce(
    (sum, each) =>
      sum +
      Math.ceil((width * each.across) / across / 8) * Math.ceil((height * each.down) / down / 8),
    0,
  );
}
