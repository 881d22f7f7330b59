// SPDX-License-Identifier: Apache-2.0

/**
 * What one view hands to another.
 *
 * @type {{ model: { name: string, bytes: Uint8Array<ArrayBuffer> } | undefined }}
 */
export const handover = { model: undefined };
