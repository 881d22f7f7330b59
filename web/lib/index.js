// SPDX-License-Identifier: Apache-2.0

/** Both entries of the package in one, for the project's own tests and scripts. */

export * from './lowtropy.js';
export * from './training.js';
