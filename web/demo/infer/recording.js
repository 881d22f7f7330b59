// SPDX-License-Identifier: Apache-2.0

import { PageError } from './download.js';

/** What most networks that hear speech were trained on. */
export const SAMPLE_RATE = 16_000;

/** Larger files take too much memory as samples: half an hour of WAV. */
const MOST_BYTES = 256e6;

/**
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<Float32Array>} its samples at SAMPLE_RATE, from -1 to 1, all channels in one
 * @throws {PageError} if this browser cannot play it
 */
export async function decodeRecording(file, name) {
  if (file.size > MOST_BYTES) throw new PageError(`“${name}” is too long a recording.`);
  let buffer;
  try {
    const context = new OfflineAudioContext(1, 1, SAMPLE_RATE);
    buffer = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new PageError(`“${name}” is damaged, or not a recording that this browser can play.`);
  }
  const samples = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; ++channel) {
    const values = buffer.getChannelData(channel);
    for (let i = 0; i < samples.length; ++i) samples[i] += values[i] / buffer.numberOfChannels;
  }
  return samples;
}
