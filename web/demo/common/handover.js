// SPDX-License-Identifier: Apache-2.0

/**
 * What one view hands to another by the address's `model=handed`: a model that was trained here.
 *
 * @type {{ model: { name: string, bytes: Uint8Array<ArrayBuffer> } | undefined }}
 */
export const handover = { model: undefined };
