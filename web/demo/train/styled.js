// SPDX-License-Identifier: Apache-2.0

import { ref } from 'lit/directives/ref.js';

/**
 * Styles of an element by its object model: the page's policy forbids style attributes, and Lit's
 * styleMap begins with one.
 *
 * @param {Record<string, string>} properties by their names in CSS
 */
export function styled(properties) {
  return ref((element) => {
    for (const [name, value] of Object.entries(properties)) {
      /** @type {ElementCSSInlineStyle | undefined} */ (
        /** @type {unknown} */ (element)
      )?.style.setProperty(name, value);
    }
  });
}
