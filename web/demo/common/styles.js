// SPDX-License-Identifier: Apache-2.0

import { noChange } from 'lit';
import { Directive, PartType, directive } from 'lit/directive.js';

/**
 * Lit's styleMap writes a style attribute at first, which the page's policy forbids; this sets the
 * properties.
 */
class Styles extends Directive {
  /** @param {import('lit/directive.js').PartInfo} info */
  constructor(info) {
    super(info);
    if (info.type !== PartType.ELEMENT) throw new Error('styles() stands where an attribute does.');
  }

  /** @param {Record<string, string>} _styles */
  render(_styles) {
    return noChange;
  }

  /**
   * @param {import('lit/directive.js').ElementPart} part
   * @param {[Record<string, string>]} values
   * @override
   */
  update({ element }, [styles]) {
    for (const [name, value] of Object.entries(styles)) {
      /** @type {HTMLElement} */ (element).style.setProperty(name, value);
    }
    return noChange;
  }
}

/** Sets an element's style: `<div ${styles({ width: '50%' })}>`. */
export const styles = directive(Styles);
