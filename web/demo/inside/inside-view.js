// SPDX-License-Identifier: Apache-2.0
import { html } from 'lit';
import { Part } from '../common/element.js';
class V extends Part {
  enter() {}
  takeFiles() {}
  render() {
    return html`<h1>inside</h1>`;
  }
}
customElements.define('inside-view', V);
