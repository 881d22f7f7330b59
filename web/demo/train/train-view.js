// SPDX-License-Identifier: Apache-2.0
import { html } from 'lit';
import { Part } from '../common/element.js';
class V extends Part {
  enter() {}
  takeFiles() {}
  render() {
    return html`<h1>train</h1>`;
  }
}
customElements.define('train-view', V);
