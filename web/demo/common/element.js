// SPDX-License-Identifier: Apache-2.0

import { LitElement } from 'lit';
import { watchFocus } from './focus.js';

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
   * Draws the element; the focus stays in it.
   *
   * @param {Map<PropertyKey, unknown>} changed
   * @override
   */
  update(changed) {
    const keepFocus = watchFocus(this);
    super.update(changed);
    keepFocus();
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
