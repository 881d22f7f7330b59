// SPDX-License-Identifier: Apache-2.0
// What the WebAssembly module for training exports; see the .cc files beside this one. Bound
// functions that can fail return null (or nothing) and leave their error to `takeError`. Views of
// the heap (Uint8Array, Float32Array) die with the next allocation.

import type { ModuleOptions, NativeBuffer, NativeError } from './lowtropy.js';

export type { NativeBuffer, NativeError };

export interface NativeTraining {
  takeError(): NativeError | null;
  makeBuffer(bytes: number): NativeBuffer | null;
}

export default function createModule(options: ModuleOptions): Promise<NativeTraining>;
