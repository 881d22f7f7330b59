// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';

const PAPERS = {
  formats: { number: '1805.10692', title: 'the matrix formats' },
  sbc: { number: '1805.08768', title: 'Sparse Binary Compression' },
};

/**
 * Plain words beside a picture.
 *
 * @param {unknown} see one sentence on what one sees
 * @param {unknown} matters one on why it matters
 * @param {keyof typeof PAPERS} paper
 * @param {string} section of the paper
 */
export function explain(see, matters, paper, section) {
  const { number, title } = PAPERS[paper];
  return html`<p class="explain">
    ${see} ${matters}
    <a href="https://arxiv.org/abs/${number}" title="The paper on ${title}"
      >arXiv:${number}, ${section}</a
    >
  </p>`;
}
