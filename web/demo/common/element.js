// SPDX-License-Identifier: Apache-2.0

import { LitElement } from 'lit';

/**
 * A component in the page's own tree: one stylesheet serves them all, and labels and descriptions
 * reach from one into the other, which shadow trees would keep apart.
 */
export class Part extends LitElement {
  /** @override */
  createRenderRoot() {
    return this;
  }

  /**
   * Dispatches an event that bubbles.
   *
   * @param {string} type
   * @param {unknown} [detail]
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true }));
  }
}
